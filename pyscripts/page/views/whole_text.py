"""The whole text: the Run, and what the tokens lens shows of it."""

from dataclasses import asdict
from typing import Any

import numpy as np

from pyscripts import run
from pyscripts.json_numbers import number, numbers
from pyscripts.metrics import repeats, text, words
from pyscripts.metrics.likelihood import TokenStatistics, token_statistics
from pyscripts.metrics.means import known_mean
from pyscripts.metrics.word_table import class_table
from pyscripts.page.views import text_tables
from pyscripts.page.views.context import Context
from pyscripts.page.views.registry import view
from pyscripts.saved import files
from pyscripts.trace import TOP_K

REMARKS = 10  # tokens in each of the two lists
COPIES = 20  # repeated passages listed


@view("run", of_likelihoods=True)
def whole_run(context: Context) -> dict[str, Any]:
    """The Run."""
    return run.build(context.reading, context.vocabulary, context.model)


@view("file", of_likelihoods=True)
def file(context: Context, kind: str, colouring: str = "hue", address: str = "") -> dict[str, Any]:
    """A file of the run (pyscripts/saved/files.py): `type`, its media type, and `bytes`. address: of the text in this
    page, for the page of coloured text."""
    run = files.Saveable(context.reading, context.vocabulary, context.model, colouring, address)
    return {"type": files.KINDS[kind].type, "bytes": np.frombuffer(files.write(run, kind), np.uint8)}


@view("strip", text_tables.strip, of_likelihoods=True)
def strip(context: Context) -> dict[str, Any]:
    """The surprisal strip over the tokens read so far, in nats (see text.Strip); NaN where there is no number."""
    statistics = context.reading.trace.statistics()
    return asdict(text.strip(statistics.logprob, np.where(np.isnan(statistics.logprob), np.nan, statistics.entropy)))


@view("findings", text_tables.findings, of_likelihoods=True)
def findings(context: Context) -> dict[str, Any]:
    """What stands out in the text read so far.

    surprises, less_surprising: lists of tokens (text.top_surprises, text.less_surprising_than_expected); classes: means
    by word class; code: whether the text was classed as code; copies: repeated passages with the mean surprisal (nats)
    of their first and later occurrences; curve: the same by place in the passage, nats.
    """
    trace, tokens = context.reading.trace, context.reading.tokens
    statistics = trace.statistics()
    code = words.looks_like_code(tokens.text)
    classes = words.classify(tokens.data, tokens.spans[: trace.shown], code)
    no_layers = np.zeros((0, trace.shown))  # [layer, token]
    table = class_table(classes, statistics.logprob, statistics.entropy, no_layers, no_layers)
    ids = trace.ids[trace.first : trace.length]
    easier = text.less_surprising_than_expected(statistics.logprob, statistics.entropy, statistics.rank, REMARKS)
    surprises = text.top_surprises(statistics.logprob, statistics.rank, REMARKS)
    curve = repeats.second_copy_curve(statistics.surprisal, ids)
    return {
        "surprises": [remark(context, statistics, i) for i in surprises.tolist()],
        "less_surprising": [remark(context, statistics, i) for i in easier.tolist()],
        "classes": [
            {"title": row.title, "count": row.count, "mean_surprisal_nats": number(row.mean_surprisal),
             "mean_entropy_nats": number(row.mean_entropy)}
            for row in table
        ],
        "code": code,
        "copies": [_copy(context, statistics, copy) for copy in repeats.copies(ids)[:COPIES]],
        "curve": {name: numbers(line) for name, line in asdict(curve).items()},
    }


@view("next", text_tables.next_tokens, of_likelihoods=True)
def next_tokens(context: Context, count: int = 10) -> dict[str, Any]:
    """What the model expects after the last token, once the whole text has been read: `rows` of the `count` most likely
    tokens (at most TOP_K) with their probability (0 ... 1), and the entropy of the distribution in nats.

    rows is empty and entropy None if the logits of the last position are not known: of a part of the text, of a run
    from a file.
    """
    trace = context.reading.trace
    if trace.last_logits is None or trace.length < len(trace.ids):
        return {"rows": [], "entropy": None}
    row = token_statistics(trace.last_logits[None], [0], TOP_K)
    best = zip(row.top_ids[0, :count].tolist(), np.exp(row.top_logprobs[0, :count]).tolist(), strict=True)
    return {"rows": [{"id": id, "text": context.vocabulary[id], "probability": p} for id, p in best],
            "entropy": number(row.entropy[0])}


def remark(context: Context, statistics: TokenStatistics, token: int) -> dict[str, Any]:
    """One token for a list: probability 0 ... 1, surprisal and entropy in nats, the most likely token in its place
    (None: not known)."""
    best = statistics.best(token)
    return {
        "token": token,
        "text": context.reading.tokens.texts[token],
        "probability": number(statistics.probability[token]),
        "surprisal_nats": number(statistics.surprisal[token]),
        "entropy_nats": number(statistics.entropy[token]),
        "expected": None if best is None else context.vocabulary[best[0]],
    }


def _copy(context: Context, statistics: TokenStatistics, copy: repeats.Copy) -> dict[str, Any]:
    """A repeated passage: where it is, and the mean surprisal (nats) of its first and this occurrence."""
    def mean(start: int) -> float | int | None:
        return number(float(known_mean(statistics.surprisal[start : start + copy.length])))

    passage = context.reading.tokens.passage(copy.start, copy.start + copy.length)
    return {**asdict(copy), "text": passage, "first_nats": mean(copy.source), "later_nats": mean(copy.start)}
