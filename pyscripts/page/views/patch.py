"""Activation patching in the page: the pinned reading's residual stream, or one of its heads' outputs, copied into the
current one, cell by cell."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyscripts import patching, run
from pyscripts.alignment import NOWHERE, Align
from pyscripts.colour import scales
from pyscripts.metrics.likelihood import log_softmax
from pyscripts.page.patches import Patch
from pyscripts.page.views.context import Context
from pyscripts.page.views.registry import Table, view
from pyscripts.page.views.variants import NOT_PINNED, TOP, streams, to_compute
from pyscripts.page.views.why import named
from pyscripts.tokens import token_id

OFFERED = 6  # likeliest next tokens of each text
LARGEST = 8  # cells named


def patch_table(_: Context, answer: dict[str, Any]) -> Table:
    of_heads = answer.get("heads")
    columns = ["layer", "head", "change, nats"] if of_heads else ["layer", "index", "token", "change, nats"]
    if "deltas" not in answer:
        return {"columns": columns, "rows": []}
    layers, tokens = answer["layers"], answer["alignment"]["b"]
    rows = []
    for (layer, i), value in np.ndenumerate(answer["deltas"].reshape(-1, answer["columns"])):
        name = layer if layer < layers else "final norm"
        rows.append([name, i, *([] if of_heads else [tokens[i]["text"]]), run.number(value)])
    return {"columns": columns, "rows": rows}


@view("patch", patch_table)
def patch(
    context: Context, target: int | str | None = None, versus: int | str | None = None, align: Align = None,
    sweep: bool = False, heads: bool = False, token: int | None = None,
) -> dict[str, Any]:
    """What copying A into B changes, `deltas` and levels: the grid of patching.grid for the shown tokens [layer+1 ·
    token] or, with `heads`, patching.head_grid [layer · head], copied at a token (None: at every token). NaN and -1 if
    not computed yet; the grid's levels are -1 outside the causal cone, too, where nothing can change. `shares`: the
    same as parts of the whole change, from the metric after B to that after A; NaN if both are the same.

    Also the metric after A and after B, and the next tokens that may be asked about. `missing`: what is still to be
    computed, if `sweep`. `why_not`: why one text cannot be copied into the other. align: as in alignment.origins;
    `alignment`: the tokens of both texts, and for each of B the one of A that goes with it, None: none.
    """
    try:
        wanted = Patch(align, heads, token if heads else None)
        a, b = streams(context, wanted)
    except ValueError as error:
        return {"why_not": str(error), "missing": None, "alignment": _alignment(context, None)}
    wanted = Patch(align if a.origin else None, heads, wanted.token)
    chosen = (None if each is None else token_id(each, context.vocabulary) for each in (target, versus))
    ids, last, count = patching.targets(a, b, *chosen), len(b.ids) - 1, context.model["heads"]
    places = wanted.places(a, b, count)
    missing = to_compute(context, wanted.kind, last, ids) if sweep and places else None
    variants = context.beside.variants.get((wanted.kind, last, tuple(ids)))
    logprobs = np.full((len(places), len(ids)), np.nan) if variants is None else variants.logprobs
    of_a, of_b = patching.ends(a, b, ids)
    found = _heads(a, b, ids, logprobs, count) if heads else _grid(a, b, ids, logprobs)
    return {
        "why_not": None, "missing": missing, **named(context, ids), "of_a": of_a, "of_b": of_b,
        "done": 0 if variants is None else variants.done, "of": len(places),
        "offered": {name: _offered(context, each) for name, each in (("a", a), ("b", b))},
        "alignment": _alignment(context, a), "layers": len(a.residual), "heads": heads, "token": wanted.token,
        "begin": max(0, patching.begins(a, b) - b.first), "palette": "signed", **found,
        "shares": found["deltas"] / (of_a - of_b or np.nan),
    }


def _grid(
    a: patching.Stream, b: patching.Stream, ids: list[int], logprobs: NDArray[np.float64]
) -> dict[str, Any]:
    """By layer and token."""
    values = patching.grid(a, b, ids, logprobs)[:, b.first :]  # [layer+1, token]
    scale = scales.symmetric(values)
    levels = scale.levels(values).astype(np.int16)
    at = np.array(patching.copied_positions(a, b)) - b.first  # -1: the prefix token
    levels[:, ~np.isin(np.arange(values.shape[1]), at)] = -1
    levels[-1, :-1] = -1  # outside the causal cone, too
    largest = [{"layer": row, "token": column, "value": value} for row, column, value in _largest(values[:-1], LARGEST)]
    return {"columns": values.shape[1], "stops": scale.stops(), "largest": largest, "top": [],
            "deltas": values.ravel(), "levels": levels.ravel()}


def _heads(
    a: patching.Stream, b: patching.Stream, ids: list[int], logprobs: NDArray[np.float64], heads: int
) -> dict[str, Any]:
    """By layer and head."""
    values = patching.head_grid(a, b, ids, logprobs, heads)
    scale = scales.symmetric(values)
    top = [{"layer": layer, "head": head, "value": value} for layer, head, value in _largest(values, TOP)]
    return {"columns": heads, "stops": scale.stops(), "largest": [], "top": top,
            "deltas": values.ravel(), "levels": scale.levels(values).astype(np.int16).ravel()}


def _largest(values: NDArray[np.float64], count: int) -> list[tuple[int, int, float]]:
    """The largest that are not 0, with their row and column."""
    order = np.argsort(-np.abs(np.nan_to_num(values)), axis=None, kind="stable")[:count].tolist()
    return [(*divmod(i, values.shape[1]), float(values.flat[i])) for i in order if np.nan_to_num(values.flat[i])]


def _alignment(context: Context, a: patching.Stream | None) -> dict[str, Any] | None:
    """The tokens of both texts, as far as they are aligned; None: they cannot be."""
    whole, here = context.pinned_stream, patching.stream(context.reading, context.model["sha256"])
    if context.pinned is None or whole is None or here is None or patching.not_comparable(whole, here):
        return None
    origin = a.origin or range(len(a.ids)) if a else [NOWHERE] * len(here.ids)
    texts = {
        name: [{"id": id, "text": text} for id, text in zip(tokens.ids, tokens.texts, strict=True)]
        for name, tokens in (("a", context.pinned.tokens), ("b", context.reading.tokens))
    }
    return {**texts, "origin": [None if p == NOWHERE else p - here.first for p in origin[here.first :]]}


@view("steering")
def steering(context: Context, layer: int, mean: bool) -> dict[str, Any]:
    """The pinned reading's residual stream minus the current one's, as it enters a layer (patching.steering): `vector`
    [hidden], its L2 norm, and the mean norm of the current text's residual stream there. `why_not`: why there is none,
    and then an empty vector.
    """
    a, b = context.pinned_stream, patching.stream(context.reading, context.model["sha256"])
    reason = NOT_PINNED if context.pinned is None else patching.not_comparable(a, b)
    if reason or a is None or b is None:
        return {"why_not": reason, "layer": layer, "norm": None, "usual": None, "vector": np.zeros(0, np.float32)}
    vector = patching.steering(a, b, layer, mean)
    usual = np.linalg.norm(b.residual[layer, b.first :], axis=-1).mean()
    return {"why_not": None, "layer": layer, "norm": float(np.linalg.norm(vector)), "usual": float(usual),
            "vector": np.ascontiguousarray(vector)}


@view("list_steering")
def list_steering(context: Context, layer: int, mean: bool) -> dict[str, Any]:
    """The mean over the texts of list A minus the mean over those of list B of what enters a layer, each as in
    patching.steering: `vector` [hidden], its L2 norm and how many texts there were. ValueError: they were not read."""
    lists = context.beside.lists
    if lists is None or (lists.layer, lists.mean) != (layer, mean) or not all(lists.texts):
        raise ValueError("Each list needs at least one text, read for this layer.")
    vector = np.mean(lists.texts[0], axis=0) - np.mean(lists.texts[1], axis=0)
    return {"texts": [len(texts) for texts in lists.texts], "norm": float(np.linalg.norm(vector)), "vector": vector}


def _offered(context: Context, stream: patching.Stream) -> list[dict[str, Any]]:
    """The likeliest next tokens after a text."""
    logprobs = log_softmax(stream.logits[None])[0]
    best = np.argsort(-logprobs, kind="stable")[:OFFERED].tolist()
    return [{"id": id, "text": context.vocabulary[id], "logprob": float(logprobs[id])} for id in best]
