"""What an embedded text shows: its tokens with colours and sentences, as JSON that a page draws without Python."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pyscripts import wording
from pyscripts.colour.colourings import COLOURINGS, Theme
from pyscripts.metrics import words
from pyscripts.metrics.likelihood import TokenStatistics
from pyscripts.run import MADE_BY, Reading, build
from pyscripts.saved.shown_text import shown_texts, visible

SCHEMA = "tokenlight.embed/1"
ALTERNATIVES = 5  # listed for each token


def embed(
    reading: Reading, vocabulary: Sequence[str], manifest: Mapping[str, Any], colouring: str = "hue"
) -> dict[str, Any]:
    """{schema, made_by, model: its id, interventions, text, code: whether it looks like code, facts: how it was read,
    legend: [{label, light, dark}], tokens}.

    tokens: [{text, light, dark: [background, text colour] or null, generated, name, says: probability, rank and bits,
    top: the ALTERNATIVES most likely tokens}], only those that were read.
    """
    run = build(reading, vocabulary, manifest)
    statistics, tokens, count = reading.trace.statistics(), reading.tokens, reading.trace.shown
    colours = COLOURINGS[colouring].function(statistics)
    given = count if reading.prompt_length is None else reading.prompt_length
    model, prefix = run["model"], run["prefix"]
    facts = [f"{manifest['name']} ({', '.join(str(each) for each in (model['weights'], model['revision']) if each)})",
             f"after {prefix['text']}" if prefix else "read without a prefix token",
             *(["with interventions"] if run["interventions"] else [])]
    read, total = run["summary"]["tokens"], run["summary"]["total_tokens"]
    if read < total:
        facts.append(f"the first {read:,} of {total:,} tokens")
    legend = colours.legend
    return {
        "schema": SCHEMA,
        "made_by": run.get("made_by", MADE_BY),
        "model": model["id"],
        "interventions": run["interventions"],
        "text": run["text"],
        "code": words.looks_like_code(tokens.text),
        "facts": " · ".join(facts),
        "legend": [{"label": label, "light": legend.light.background[i], "dark": legend.dark.background[i]}
                   for i, label in enumerate(legend.labels)],
        "tokens": [
            {"text": text, "light": _colours(colours.light, i), "dark": _colours(colours.dark, i),
             "generated": i >= given, "name": visible(tokens.texts[i]), **_sentences(statistics, i, vocabulary)}
            for i, text in enumerate(_unix_lines(shown_texts(tokens))[:count])
        ],
    }


def _unix_lines(texts: list[str]) -> list[str]:
    """[token] with line feeds for all line ends, also where CR and LF are two tokens: HTML has no others."""
    following = ["".join(texts[i + 1 : i + 2])[:1] for i in range(len(texts))]
    cut = [text[:-1] if text.endswith("\r") and after == "\n" else text
           for text, after in zip(texts, following, strict=True)]
    return [text.replace("\r\n", "\n").replace("\r", "\n") for text in cut]


def _colours(theme: Theme, i: int) -> list[str] | None:
    return None if theme.background[i] == "transparent" else [theme.background[i], theme.text[i]]


def _sentences(statistics: TokenStatistics, i: int, vocabulary: Sequence[str]) -> dict[str, Any]:
    if not statistics.rank[i]:
        return {"says": "no probability: nothing comes before it", "top": []}
    bits, rank = float(statistics.surprisal[i]) / np.log(2), int(statistics.rank[i])
    best = zip(statistics.top_ids[i, :ALTERNATIVES].tolist(), statistics.top_logprobs[i].tolist(), strict=False)
    return {
        "says": f"{wording.share(float(statistics.probability[i]))} · rank {rank:,} · {bits:.2f} bits",
        "top": [f"{visible(vocabulary[id])} {wording.share(float(np.exp(value)))}"
                for id, value in best if not np.isnan(value)],
    }
