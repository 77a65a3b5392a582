"""Activation patching in the page: the pinned reading's residual stream copied into the current one, cell by cell."""

from typing import Any

import numpy as np

from pyscripts import patching, run
from pyscripts.colour import scales
from pyscripts.metrics.likelihood import log_softmax
from pyscripts.page.beside import PATCH
from pyscripts.page.views.context import Context
from pyscripts.page.views.needs import NOT_PINNED, streams, trial
from pyscripts.page.views.registry import Table, view
from pyscripts.page.views.why import named
from pyscripts.tokens import token_id

OFFERED = 6  # likeliest next tokens of each text
LARGEST = 8  # cells named


def patch_table(_: Context, answer: dict[str, Any]) -> Table:
    if "deltas" not in answer:
        return {"columns": ["layer", "index", "token", "change, nats"], "rows": []}
    values = answer["deltas"].reshape(answer["layers"] + 1, answer["columns"])
    rows = [[layer if layer < answer["layers"] else "final norm", t, answer["texts"][t], run.number(value)]
            for (layer, t), value in np.ndenumerate(values)]
    return {"columns": ["layer", "index", "token", "change, nats"], "rows": rows}


@view("patch", patch_table)
def patch(
    context: Context, target: int | str | None = None, versus: int | str | None = None, align: str | None = None,
    sweep: bool = False,
) -> dict[str, Any]:
    """The grid of patching.grid for the shown tokens: `deltas` and levels [layer+1 · token], NaN and -1 if not computed
    yet, level -1 outside the causal cone too, where nothing can change; the metric after A and after B; the next tokens
    that may be asked about. `missing`: what is still to be computed, if `sweep`. `why_not`: why one text cannot be
    copied into the other; `counts`: how many tokens A and B have. align: one of patching.ALIGNMENTS, for texts of
    different lengths; `a_texts` is None where nothing of A is copied.
    """
    whole, here = context.pinned_stream, patching.stream(context.reading, context.model["sha256"])
    counts = [0 if each is None else len(each.ids) - each.first for each in (whole, here)]
    try:
        a, b = streams(context, align)
    except ValueError as error:
        return {"why_not": str(error), "missing": None, "counts": counts}
    kind = f"{PATCH}:{align}" if a.origin else PATCH
    chosen = (None if each is None else token_id(each, context.vocabulary) for each in (target, versus))
    ids, last = patching.targets(a, b, *chosen), len(b.ids) - 1
    missing = trial(context, kind, last, ids) if sweep else None
    tried, places = context.beside.tried.get((kind, last, tuple(ids))), patching.places(a, b)
    logprobs = np.full((len(places), len(ids)), np.nan) if tried is None else tried.logprobs
    values = patching.grid(a, b, ids, logprobs)[:, b.first :]  # [layer+1, token]
    begin = max(0, patching.begins(a, b) - b.first)
    scale = scales.symmetric(values)
    levels = scale.levels(values).astype(np.int16)
    levels[:, :begin] = levels[-1, :-1] = -1  # outside the causal cone
    copied = [not a.origin or a.origin[p] >= 0 for p in range(b.first, len(b.ids))]
    levels[:, ~np.array(copied)] = -1
    of_a, of_b = patching.ends(a, b, ids)
    order = np.argsort(-np.abs(np.nan_to_num(values[:-1])), axis=None, kind="stable")[:LARGEST].tolist()
    texts = list(context.reading.tokens.texts[: values.shape[1]])
    largest = [{"layer": i // len(texts), "token": i % len(texts), "value": run.number(values.flat[i])} for i in order]
    return {
        "why_not": None, "missing": missing, **named(context, ids), "of_a": of_a, "of_b": of_b,
        "done": 0 if tried is None else tried.done, "of": len(places),
        "offered": {name: _offered(context, each) for name, each in (("a", a), ("b", b))},
        "a_texts": [context.vocabulary[id] if own else None for id, own in zip(a.ids[a.first :], copied, strict=True)],
        "texts": texts, "counts": counts,
        "layers": len(a.residual), "columns": len(texts), "begin": begin, "palette": "signed", "stops": scale.stops(),
        "largest": [cell for cell in largest if cell["value"]],
        "deltas": values.ravel(), "levels": levels.ravel(),
    }


@view("steering")
def steering(context: Context, layer: int, mean: bool) -> dict[str, Any]:
    """The pinned reading's residual stream less the current one's, as it enters a layer (patching.steering): `vector`
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
    """The mean over the texts of list A less the mean over those of list B of what enters a layer, each as in
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
