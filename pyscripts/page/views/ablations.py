"""Heads switched off: each alone, the most needed together, and the mean that mean ablation puts in a head's place."""

from typing import Any

import numpy as np

from pyscripts.colour import scales
from pyscripts.metrics import ablation
from pyscripts.page.beside import MEANS
from pyscripts.page.views.context import Context
from pyscripts.page.views.needs import needs_table, of_what
from pyscripts.page.views.registry import view
from pyscripts.page.views.variants import FEW, TOGETHER, TOP, deltas, heads_to_read, needed, to_compute
from pyscripts.page.views.why import named, question


def _kind(whole_text: bool, mean: bool) -> str:
    return f"heads{'_text' if whole_text else ''}{'_mean' if mean else ''}"


@view("why_heads", needs_table)
def why_heads(context: Context, token: int, whole_text: bool = False, mean: bool = False,
              target: int | str | None = None, versus: int | str | None = None, both: bool = False) -> dict[str, Any]:
    """Each head switched off, at the position that predicts or in the whole text up to it: `deltas` and levels [layer ·
    head], NaN and -1 if not computed yet; the ten largest. `mean`: its mean output over the text takes its place."""
    position, ids = question(context, token, target, versus)
    kind = _kind(whole_text, mean)
    missing = to_compute(context, kind, position, ids)
    shape = context.reading.trace.shape
    change = np.full(shape.layers * shape.heads, np.nan)
    if (kind, position, tuple(ids)) in context.beside.variants:
        change = deltas(context, kind, position, ids)[:, -1 if both else 0]
    scale = scales.symmetric(change)
    order = np.argsort(-np.abs(np.nan_to_num(change)), kind="stable")[:TOP].tolist()
    best = [i for i in order if not np.isnan(change[i])]
    return {
        "token": token, **named(context, ids), "missing": missing, "by": "head off",
        "of_what": of_what(ids, both), "names": [f"{i // shape.heads}.{i % shape.heads}" for i in range(len(change))],
        "layers": shape.layers, "columns": shape.heads, "few": min(FEW, len(change)), "palette": "signed",
        "stops": scale.stops(),
        "top": [{"layer": i // shape.heads, "head": i % shape.heads, "value": float(change[i])} for i in best],
        "deltas": change, "levels": scale.levels(change).astype(np.int16),
    }


@view("why_together")
def why_together(
    context: Context, token: int, whole_text: bool = False, mean: bool = False, target: int | str | None = None,
    versus: int | str | None = None, both: bool = False,
) -> dict[str, Any]:
    """The most needed heads off at once: the change, beside the sum of their changes when each is off alone, and
    whether one takes over for another (ablation.take_over)."""
    position, ids = question(context, token, target, versus)
    kind = _kind(whole_text, mean)
    missing = to_compute(context, kind, position, ids) or to_compute(context, kind + TOGETHER, position, ids)
    if missing:
        return {"token": token, "missing": missing}
    column, heads = -1 if both else 0, needed(context, kind, position, ids)
    alone = deltas(context, kind, position, ids)[:, column].reshape(-1, context.reading.trace.shape.heads)
    total = float(sum(alone[layer, head] for layer, head in heads))
    together = float(deltas(context, kind + TOGETHER, position, ids)[0, column])
    return {
        "token": token, "missing": None,
        "heads": [{"layer": layer, "head": head, "value": float(alone[layer, head])} for layer, head in heads],
        "sum": total, "together": together, "take_over": ablation.take_over(total, together),
    }


@view("head_mean")
def head_mean(context: Context, layer: int, head: int) -> dict[str, Any]:
    """One head's mean output over the text, before W_O: `vector` [head_size], empty while `missing`."""
    missing = heads_to_read(context, MEANS)
    if missing:
        return {"missing": missing, "vector": np.zeros(0, np.float32)}
    return {"missing": None, "vector": np.ascontiguousarray(context.beside.heads[MEANS][layer, head])}
