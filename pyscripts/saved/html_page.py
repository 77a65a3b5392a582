"""A page of one run's coloured text that needs nothing else: no script, no file, no network; for articles."""

import json
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from pyscripts.run import Reading, build
from pyscripts.saved.embed import embed

STYLE = """
:root{color-scheme:light dark;font:16px/1.75 Georgia,"Times New Roman",serif}
body{margin:0;background:light-dark(#fff,#16181c);color:light-dark(#1c1e21,#e4e6ea)}
figure{margin:0;padding:1rem 1rem 7.5rem;max-width:46rem}
.text{margin:0;white-space:pre-wrap;overflow-wrap:anywhere}
.text>span{border-radius:3px;cursor:default;outline-offset:1px}
.generated{border-bottom:2px solid #8a8f98}
.code{font:14px/1.7 ui-monospace,Menlo,Consolas,monospace}
.card{display:none;position:fixed;inset:auto 0 0;height:5.2rem;overflow:hidden;white-space:normal;padding:.5rem 1rem}
.card{font:13px/1.45 system-ui,sans-serif;background:light-dark(#f6f7f9,#1f2227);color:light-dark(#1c1e21,#e4e6ea)}
.card{border-top:1px solid light-dark(#d5d9e0,#3a3f47)}
.text>span:hover>.card,.text>span:focus>.card{display:block}
.text:hover>span:focus:not(:hover)>.card{display:none}
.card b{font-weight:600}
.card i{font-style:normal;opacity:.75;margin-right:.9em}
figcaption{margin-top:1rem;font:12px/1.5 system-ui,sans-serif;color:light-dark(#5b6068,#a4a9b2)}
.key i{display:inline-block;inline-size:1em;block-size:.8em;margin:0 .3em 0 .8em;border-radius:2px}
"""


def html_page(
    reading: Reading, vocabulary: Sequence[str], manifest: Mapping[str, Any], colouring: str = "hue", address: str = ""
) -> str:
    """The page. Pointing at a token, or focusing it, shows its probability, rank and surprisal (bits) and the most
    likely tokens in its place. address: a link to the text in Tokenlight; "": none."""
    run, shown = build(reading, vocabulary, manifest), embed(reading, vocabulary, manifest, colouring)
    model, prefix, changes = run["model"], run["prefix"], run["interventions"]
    metadata = {"generator": shown["made_by"], "tokenlight:model": model["id"],
                "tokenlight:revision": model["revision"], "tokenlight:weights": model["weights"],
                "tokenlight:sha256": model["sha256"], "tokenlight:prefix": prefix and prefix["text"],
                "tokenlight:interventions": json.dumps(changes, ensure_ascii=False) if changes else None,
                "tokenlight:reading": run["summary"]["convention"]}
    meta = "".join(f'<meta name="{name}" content="{escape(str(value))}">' for name, value in metadata.items() if value)
    key = "".join(f'<i style="background:light-dark({each["light"]},{each["dark"]})"></i>{escape(each["label"])}'
                  for each in shown["legend"])
    name = "text code" if shown["code"] else "text"
    link = f' · <a href="{escape(address)}">Open in Tokenlight</a>' if address else ""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8">{meta}'
        f'<meta name="viewport" content="width=device-width,initial-scale=1"><title>{escape(shown["text"][:60])}'
        f'</title><style>{STYLE}</style></head><body><figure><p class="{name}" dir="auto" translate="no">'
        f'{"".join(map(_token, shown["tokens"]))}</p><figcaption><span class="key">{key}</span><br>'
        f'{escape(shown["facts"])} · {escape(shown["made_by"])}{link}</figcaption></figure></body></html>\n'
    )


def _token(token: Mapping[str, Any]) -> str:
    style, name = "", ' class="generated"' if token["generated"] else ""
    if token["light"] and token["dark"]:
        (light, light_text), (dark, dark_text) = token["light"], token["dark"]
        style = f' style="background:light-dark({light},{dark});color:light-dark({light_text},{dark_text})"'
    rows = "".join(f"<i>{escape(each)}</i>" for each in token["top"])
    return (f'<span tabindex="0"{name}{style}>{escape(token["text"])}<span class="card"><b>{escape(token["name"])}</b> '
            f"{escape(token['says'])}<br>{rows}</span></span>")
