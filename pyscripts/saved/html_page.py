"""A page of one run's coloured text that needs nothing else: no script, no file, no network; for articles."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np

from pyscripts import wording
from pyscripts.colour.colourings import COLOURINGS, Legend, Theme
from pyscripts.metrics.likelihood import TokenStatistics
from pyscripts.run import MADE_BY, Reading, build
from pyscripts.saved.shown_text import shown_texts, visible

ALTERNATIVES = 5  # listed for each token

STYLE = """
:root{color-scheme:light dark;font:16px/1.75 Georgia,"Times New Roman",serif}
body{margin:0;background:light-dark(#fff,#16181c);color:light-dark(#1c1e21,#e4e6ea)}
figure{position:relative;margin:0;padding:1rem 1rem 9.5rem;max-width:46rem}
.text{margin:0;white-space:pre-wrap;overflow-wrap:anywhere}
.text>span{border-radius:3px;cursor:default;outline-offset:1px}
.generated{border-bottom:2px solid light-dark(#8a8f98,#8a8f98)}
.card{display:none;position:absolute;inset:auto 1rem 2.6rem;max-height:6.4rem;overflow:hidden;white-space:normal}
.card{font:13px/1.45 system-ui,sans-serif;color:light-dark(#1c1e21,#e4e6ea)}
.text>span:hover>.card,.text>span:focus>.card{display:block}
.text:hover>span:focus:not(:hover)>.card{display:none}
.card b{font-weight:600}
.card i{font-style:normal;opacity:.75;margin-right:.9em}
figcaption{position:absolute;inset:auto 1rem .8rem;font:12px/1.5 system-ui,sans-serif}
figcaption{color:light-dark(#5b6068,#a4a9b2)}
.key i{display:inline-block;inline-size:1em;block-size:.8em;margin:0 .3em 0 .8em;border-radius:2px}
"""


def html_page(
    reading: Reading, vocabulary: Sequence[str], manifest: Mapping[str, Any], colouring: str = "hue", address: str = ""
) -> str:
    """The page. Pointing at a token, or focusing it, shows its probability, rank and surprisal (bits) and the
    ALTERNATIVES most likely tokens in its place. address: a link to the text in Tokenlight; "": none."""
    run = build(reading, vocabulary, manifest)
    statistics, tokens, count = reading.trace.statistics(), reading.tokens, reading.trace.shown
    colours = COLOURINGS[colouring].function(statistics)
    given = count if reading.prompt_length is None else reading.prompt_length
    spans = []
    for i, text in enumerate(_unix_lines(shown_texts(tokens))[:count]):
        name = ' class="generated"' if i >= given else ""
        card = _card(visible(tokens.texts[i]), statistics, i, vocabulary)
        spans.append(f'<span tabindex="0"{name} style="{_style(colours.light, colours.dark, i)}">{escape(text)}'
                     f'<span class="card">{card}</span></span>')
    model, prefix = run["model"], run["prefix"]
    facts = [f"{model['id']} ({', '.join(str(each) for each in (model['weights'], model['revision']) if each)})",
             f"after {prefix['text']}" if prefix else "read without a prefix token",
             *(["the model was changed: see the interventions in the page's metadata"] if run["interventions"] else []),
             run["summary"]["convention"]]
    link = f' · <a href="{escape(address)}">Open in Tokenlight</a>' if address else ""
    metadata = {"tokenlight:model": model["id"], "tokenlight:revision": model["revision"],
                "tokenlight:weights": model["weights"], "tokenlight:sha256": model["sha256"],
                "tokenlight:prefix": prefix and prefix["text"], "tokenlight:interventions": run["interventions"]}
    meta = "".join(f'<meta name="{name}" content="{escape(str(value))}">' for name, value in metadata.items() if value)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="generator" content="{MADE_BY}">{meta}'
        f'<meta name="viewport" content="width=device-width,initial-scale=1"><title>{escape(tokens.text[:60])}</title>'
        f'<style>{STYLE}</style></head><body><figure><p class="text" dir="auto" translate="no">{"".join(spans)}</p>'
        f'<figcaption>{_key(colours.legend)}<br>{escape(" · ".join(facts[:2]))} · {MADE_BY}{link}</figcaption>'
        f"</figure></body></html>\n"
    )


def _unix_lines(texts: list[str]) -> list[str]:
    """[token] with line feeds for all line ends, also where CR and LF are two tokens: HTML has no others."""
    following = ["".join(texts[i + 1 : i + 2])[:1] for i in range(len(texts))]
    cut = [text[:-1] if text.endswith("\r") and after == "\n" else text
           for text, after in zip(texts, following, strict=True)]
    return [text.replace("\r\n", "\n").replace("\r", "\n") for text in cut]


def _card(name: str, statistics: TokenStatistics, i: int, vocabulary: Sequence[str]) -> str:
    if not statistics.rank[i]:
        return f"<b>{escape(name)}</b> has no probability: nothing comes before it."
    bits = float(statistics.surprisal[i]) / np.log(2)
    share, rank = wording.share(float(statistics.probability[i])), int(statistics.rank[i])
    first = f"<b>{escape(name)}</b> {share} · rank {rank:,} · {bits:.2f} bits"
    best = zip(statistics.top_ids[i, :ALTERNATIVES].tolist(), statistics.top_logprobs[i].tolist(), strict=False)
    rows = "".join(f"<i>{escape(visible(vocabulary[id]))} {wording.share(float(np.exp(value)))}</i>"
                   for id, value in best if not np.isnan(value))
    return f"{first}<br>{rows}"


def _style(light: Theme, dark: Theme, i: int) -> str:
    if light.background[i] == "transparent":
        return ""
    return (f"background:light-dark({light.background[i]},{dark.background[i]});"
            f"color:light-dark({light.text[i]},{dark.text[i]})")


def _key(legend: Legend) -> str:
    each = (f'<i style="background:light-dark({legend.light.background[i]},{legend.dark.background[i]})"></i>'
            f"{escape(label)}" for i, label in enumerate(legend.labels))
    return f'<span class="key">{"".join(each)}</span>'
