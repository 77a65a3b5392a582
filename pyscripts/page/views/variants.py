"""Variants of a prediction: which there are of each kind, which are still to be computed, and what they change."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyscripts import patching
from pyscripts.interventions import is_wide, of_positions
from pyscripts.metrics import ablation, head_outputs
from pyscripts.metrics.attribution import curve_lengths
from pyscripts.page.beside import MEANS, OF_A, OF_B
from pyscripts.page.patches import PATCH, Patch
from pyscripts.page.views.context import Context

SPANS = 12  # parts of the text that are left out one by one
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
    """The variants of a kind; the first changes nothing, but for a context curve."""
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
    raise ValueError(f"There are no variants {kind!r}.")


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


def to_compute(context: Context, kind: str, position: int, ids: list[int]) -> dict[str, Any] | None:
    """The next batch of variants to compute, or what must be read before them; None: all are computed."""
    of_heads = [OF_A, OF_B] if kind.startswith(PATCH) and Patch.of(kind).heads else []
    for of in [MEANS] if "_mean" in kind else of_heads:
        if lacking := heads_to_read(context, of):
            return lacking
    key = kind, position, tuple(ids)
    variants = context.beside.variants.get(key)
    if variants is None:
        variants = context.beside.begin(key, plan(context, kind, position, ids))
    if variants.done == len(variants.planned):
        return None
    scope = SCOPES[kind.partition(":")[0]]
    batch = variants.planned[variants.done : variants.done + BATCH[scope]]
    if kind.startswith(PATCH):  # copies of the text from one position on
        begin = batch[0]["patch"][1]
        batch = [one for one in batch if one["patch"][1] == begin][: max(1, ROWS // (position + 1 - begin))]
    return {"kind": kind, "scope": scope, "position": position, "targets": ids, "first": variants.done,
            "variants": batch, "of": len(variants.planned)}


def deltas(context: Context, kind: str, position: int, ids: list[int]) -> NDArray[np.float64]:
    """[variant, 1 or 2] changes against the first variant: of the target's log-probability and, with another token, of
    the difference of the two; NaN: not computed yet."""
    logprobs = context.beside.variants[kind, position, tuple(ids)].logprobs
    both = logprobs if len(ids) == 1 else np.stack([logprobs[:, 0], logprobs[:, 0] - logprobs[:, 1]], axis=1)
    return np.asarray(both[1:] - both[0])
