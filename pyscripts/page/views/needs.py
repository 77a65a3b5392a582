"""What a prediction needs: how log-probabilities change if something is hidden from it or switched off."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyscripts import patching, run
from pyscripts.colour import scales
from pyscripts.interventions import is_wide, of_positions
from pyscripts.metrics import ablation, head_outputs
from pyscripts.metrics.attribution import curve_lengths, rank_correlation
from pyscripts.page.beside import MEANS, OF_A, OF_B
from pyscripts.page.patches import PATCH, Patch
from pyscripts.page.views.context import Context
from pyscripts.page.views.registry import Table, view
from pyscripts.page.views.why import named, question, shading

SPANS = 12  # parts of the text that are left out one by one
LARGEST = 8  # tokens named as the most changed
TOP = 10  # heads that are switched off in the whole text after the quick sweep
BATCH = {"last": 64, "text": 2, "ids": 2}  # variants computed before the page looks again
NOT_PINNED = "No run is pinned as A. Read a text, and pin it."
ROWS = 256  # tokens of copies before it does


SCOPES = {  # of the kinds: a copy of the position, everything up to it read again, or other ids
    "tokens": "last", "heads": "last", PATCH: "last", "heads_text": "text", "top_heads": "text", "context": "ids",
    "spans": "ids", "heads_mean": "last", "heads_text_mean": "text"}
TOGETHER = "_together"  # ends the name of a kind of heads whose first few are off at once
SCOPES |= {kind + TOGETHER: scope for kind, scope in SCOPES.items() if kind.startswith("heads")}
FEW = 3  # heads that are off together


def plan(context: Context, kind: str, position: int, ids: list[int]) -> list[dict[str, Any]]:
    """The variants of a kind of trial; the first changes nothing, but for a context curve."""
    trace = context.reading.trace
    heads = [[layer, head] for layer in range(trace.shape.layers) for head in range(trace.shape.heads)]
    if kind == "tokens":
        return [{}, *({"cut": [key]} for key in range(position))]
    if kind.startswith("heads"):
        means = context.beside.heads[MEANS] if "_mean" in kind else None
        groups = [needed(context, kind, position, ids)] if kind.endswith(TOGETHER) else [[head] for head in heads]
        at = position if SCOPES[kind] == "last" else None
        return [{}, *(ablation.variant(group, means, at) for group in groups)]
    front, text = trace.ids[: trace.first], trace.ids[trace.first : position + 1]
    if kind.startswith(PATCH):
        patch, count = Patch.of(kind), trace.shape.heads
        return [{"patch": [place.layer, place.positions[0], *([] if place.head is None else [place.head])]}
                for place in patch.places(*streams(context, patch), count)]
    if kind in ("context", "spans"):
        whole, first = [*front, *text], trace.first
        parts = [[*range(first), *range(len(whole) - n, len(whole))] for n in curve_lengths(len(text))]
        if kind == "spans":
            left_out = [(a, b) for a, b in spans(len(text)) if front or b - a < len(text)]
            parts = [[*range(len(whole))], *([*range(first + a), *range(first + b, len(whole))] for a, b in left_out)]
        changes = context.reading.interventions
        return [{"ids": [whole[p] for p in seen], "interventions": of_positions(changes, seen)}
                for seen in parts]
    if kind == "top_heads":
        change = deltas(context, "heads", position, ids)
        best = np.argsort(-np.abs(change[:, 0]), kind="stable")[:TOP]
        return [{}, *({"heads": [heads[i]]} for i in best.tolist())]
    raise ValueError(f"There is no trial {kind!r}.")


def needed(context: Context, kind: str, position: int, ids: list[int]) -> list[tuple[int, int]]:
    """The FEW heads [(layer, head)] without which the target loses most, each off alone: the most needed first."""
    alone = deltas(context, kind.removesuffix(TOGETHER), position, ids)[:, 0]
    heads = context.reading.trace.shape.heads
    return [divmod(i, heads) for i in np.argsort(alone, kind="stable")[:FEW].tolist()]


def streams(context: Context, patch: Patch) -> tuple[patching.Stream, patching.Stream]:
    """What a patch copies from, the pinned reading aligned with the current one, and what it copies into; with the
    outputs of their heads as far as they are known. ValueError: why one cannot be copied into the other."""
    if not is_wide(context.model):
        raise ValueError(f"{context.model['name']} was exported without residual_add. Choose another model.")
    if context.pinned is None:
        raise ValueError(NOT_PINNED)
    a, b = context.pinned_stream, patching.stream(context.reading, context.model["sha256"])
    if patch.heads and a is not None and b is not None:
        head_outputs.check(context.model)
        a, b = (_with_heads(context, of, each) for of, each in ((OF_A, a), (OF_B, b)))
    if a is not None and b is not None:
        a = patching.aligned(a, b, patch.align)
    why_not = patching.why_not(a, b)
    if why_not or a is None or b is None:
        raise ValueError(why_not)
    return a, b


def _with_heads(context: Context, of: str, stream: patching.Stream) -> patching.Stream:
    found = context.beside.heads.get(of)
    if found is None:
        return stream
    return replace(stream, heads=head_outputs.with_added(found, stream.interventions, context.model))


def heads_to_read(context: Context, of: str) -> dict[str, Any] | None:
    """What must be read for the outputs of the heads: OF_A, OF_B or MEANS; None: they are known. ValueError: the model
    does not give them out."""
    head_outputs.check(context.model)
    if of in context.beside.heads:
        return None
    if of == OF_A:
        assert context.pinned_stream is not None
        ids, changes = list(context.pinned_stream.ids), context.pinned_stream.interventions
    else:
        ids, changes = context.reading.trace.ids, {} if of == MEANS else context.reading.interventions
    return {"kind": "head_outputs", "of": of, "ids": ids, "interventions": changes}


def spans(tokens: int) -> list[tuple[int, int]]:
    """[(start, stop)] at most SPANS parts of a text of about the same length, by shown token."""
    edges = np.unique(np.linspace(0, tokens, min(SPANS, tokens) + 1).round().astype(int)).tolist()
    return list(pairwise(edges))


def trial(context: Context, kind: str, position: int, ids: list[int]) -> dict[str, Any] | None:
    """What is still to be computed of a trial, a batch at a time; None: it is done."""
    of_heads = [OF_A, OF_B] if kind.startswith(PATCH) and Patch.of(kind).heads else []
    for of in [MEANS] if "_mean" in kind else of_heads:
        if lacking := heads_to_read(context, of):
            return lacking
    key = kind, position, tuple(ids)
    tried = context.beside.tried.get(key)
    if tried is None:
        tried = context.beside.begin(key, plan(context, kind, position, ids))
    if tried.done == len(tried.variants):
        return None
    scope = SCOPES[kind.partition(":")[0]]
    batch = tried.variants[tried.done : tried.done + BATCH[scope]]
    if kind.startswith(PATCH):  # copies of the text from one position on
        begin = batch[0]["patch"][1]
        batch = [one for one in batch if one["patch"][1] == begin][: max(1, ROWS // (position + 1 - begin))]
    return {"kind": kind, "scope": scope, "position": position, "targets": ids, "first": tried.done,
            "variants": batch, "of": len(tried.variants)}


def deltas(context: Context, kind: str, position: int, ids: list[int]) -> NDArray[np.float64]:
    """[variant, 1 or 2] changes against the first variant: of the target's log-probability and, with another token, of
    the difference of the two; NaN: not tried yet."""
    logprobs = context.beside.tried[kind, position, tuple(ids)].logprobs
    both = logprobs if len(ids) == 1 else np.stack([logprobs[:, 0], logprobs[:, 0] - logprobs[:, 1]], axis=1)
    return np.asarray(both[1:] - both[0])


def of_what(ids: list[int], both: bool) -> str:
    """What is counted by the `deltas` of a question about these ids."""
    return "change of the difference of log-probabilities" if both and len(ids) > 1 else "change of log-probability"


def needs_table(context: Context, answer: dict[str, Any]) -> Table:
    rows = [[name, run.number(value)] for name, value in zip(answer["names"], answer["deltas"], strict=True)]
    return {"columns": [answer["by"], f"{answer['of_what']}, nats"], "rows": rows}


@view("why_tokens", needs_table)
def why_tokens(context: Context, token: int, target: int | str | None = None, versus: int | str | None = None,
               both: bool = False) -> dict[str, Any]:
    """Each earlier position hidden from the one that predicts: `deltas` [position] of the target's log-probability, or
    (`both`) of its difference to the other token's. The text is shaded by them."""
    position, ids = question(context, token, target, versus)
    missing = trial(context, "tokens", position, ids)
    change = deltas(context, "tokens", position, ids)[:, -1 if both else 0]
    names = context.position_names()[:position]
    return {"token": token, **named(context, ids), "missing": missing, "by": "hidden token",
            "of_what": of_what(ids, both), "names": names, **shading(context, change), "deltas": change}


def context_table(context: Context, answer: dict[str, Any]) -> Table:
    rows = [[length, run.number(value)] for length, value in zip(answer["lengths"], answer["logprobs"], strict=True)]
    return {"columns": ["tokens before it", "log-probability, nats"], "rows": rows}


@view("why_context", context_table)
def why_context(context: Context, token: int, target: int | str | None = None,
                versus: int | str | None = None) -> dict[str, Any]:
    """The target's log-probability after only the last 1, 2, 4 … tokens before it: `logprobs` [step]."""
    position, ids = question(context, token, target, versus)
    missing = trial(context, "context", position, ids)
    tried = context.beside.tried["context", position, tuple(ids)]
    first = context.reading.trace.first
    lengths = [len(variant["ids"]) - first for variant in tried.variants]
    return {"token": token, **named(context, ids), "missing": missing, "lengths": lengths,
            "logprobs": tried.logprobs[:, 0]}


@view("why_agreement")
def why_agreement(context: Context, token: int, target: int | str | None = None,
                  versus: int | str | None = None) -> dict[str, Any]:
    """The quick answers beside the slow ones: spans of the text left out altogether against the sum of their tokens'
    quick changes, and the ten strongest heads off in the whole text; rank correlations, once all are known."""
    position, ids = question(context, token, target, versus)
    order = ("tokens", "heads", "spans", "top_heads")
    missing = next((batch for kind in order if (batch := trial(context, kind, position, ids))), None)
    if missing:
        return {"token": token, "missing": missing}
    first, shape = context.reading.trace.first, context.reading.trace.shape
    quick = deltas(context, "tokens", position, ids)[:, 0]
    hidden = np.append(quick, 0.0)[first:]  # the position that predicts always sees itself
    passage = context.reading.tokens.passage
    slow = deltas(context, "spans", position, ids)[:, 0]
    rows = [{"text": passage(a, b), "start": a, "stop": b, "quick": float(hidden[a:b].sum()),
             "slow": float(change)} for (a, b), change in zip(spans(position + 1 - first), slow.tolist(), strict=False)]
    tried = context.beside.tried["top_heads", position, tuple(ids)].variants[1:]
    quick_heads = deltas(context, "heads", position, ids)[:, 0].reshape(shape.layers, shape.heads)
    slow_heads = deltas(context, "top_heads", position, ids)[:, 0]
    heads = [{"layer": layer, "head": head, "quick": float(quick_heads[layer, head]), "slow": float(change)}
             for variant, change in zip(tried, slow_heads.tolist(), strict=True) for layer, head in variant["heads"]]
    return {
        "token": token, "missing": None, "spans": rows, "heads": heads,
        "spans_agree": run.number(rank_correlation(*_columns(rows))),
        "heads_agree": run.number(rank_correlation(*_columns(heads))),
    }


def change_table(context: Context, answer: dict[str, Any]) -> Table:
    texts = context.reading.tokens.texts
    values = answer["deltas"].tolist() if "deltas" in answer else []
    rows = [[t, texts[t], run.number(value)] for t, value in enumerate(values)]
    return {"columns": ["index", "token", "change of log-probability, nats"], "rows": rows}


def _columns(rows: list[dict[str, Any]]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return np.array([row["quick"] for row in rows]), np.array([row["slow"] for row in rows])


@view("change", change_table)
def change(context: Context) -> dict[str, Any]:
    """The reading under interventions against the untouched one: `deltas` [token] of log-probabilities in nats, the
    most changed tokens; the mean log-probability `before` and `after`, and their difference, `mean`; `shades` for the
    text. missing: the unchanged model has not read all of it."""
    trace = context.reading.trace
    logprob = trace.statistics().logprob
    if not context.reading.interventions:
        return {"tokens": 0, "missing": None}
    before = np.array(context.beside.untouched[: trace.first + trace.shown - 1])
    start = 1 - trace.first  # without a prefix the first token has no log-probability
    values = np.full(trace.shown, np.nan)
    known = min(len(before), trace.shown - start)
    values[start : start + known] = logprob[start : start + known] - before[:known]
    missing = None if known == trace.shown - start else {"kind": "untouched"}
    scale = scales.symmetric(values)
    order = np.argsort(-np.abs(np.nan_to_num(values)), kind="stable")[:LARGEST]
    texts = context.reading.tokens.texts
    return {
        "tokens": trace.shown, "missing": missing, "most": scale.high, "palette": "signed",
        "mean": run.number(float(np.nanmean(values))) if known else None,
        "before": run.number(float(np.mean(before[:known]))) if known else None,
        "after": run.number(float(np.mean(logprob[start : start + known]))) if known else None,
        "largest": [{"token": t, "text": texts[t], "value": float(values[t])} for t in order.tolist()
                    if not np.isnan(values[t])],
        "deltas": values, "shades": scale.levels(values).astype(np.int16),
    }

