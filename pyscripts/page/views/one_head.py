"""One head: its matrix, whole and as shown, its sums, its strongest links, and the heads most like it."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyscripts.colour import scales
from pyscripts.json_numbers import number
from pyscripts.metrics import patterns
from pyscripts.page.views import attention_source, looks
from pyscripts.page.views.context import Context
from pyscripts.page.views.registry import Table, view

LINKS = 60  # arcs drawn
FAINT = 1e-4  # where the logarithmic scale begins
SIMILAR = 6  # heads listed


@view("attention")
def attention(context: Context, layer: int, head: int) -> dict[str, Any] | None:
    """One head's attention over all positions, prefix included: {rows, cols, data}, data [rows · cols], 0 ... 1.

    None if the matrix was too large to keep and has not been recomputed yet.
    """
    matrix = attention_source.matrix(context, layer, head)
    if matrix is None:
        return None
    return {"rows": matrix.shape[0], "cols": matrix.shape[1], "data": matrix.ravel()}


def head_table(context: Context, answer: dict[str, Any]) -> Table:
    """The matrix: a row for each query, a column for each key; empty where nothing is shown."""
    if "missing" in answer:
        return {"columns": [], "rows": []}
    names, size = context.position_names(), answer["size"]
    values = answer["values"].reshape(size, size)
    rows = [[q, names[q], *map(number, values[q])] for q in range(size)]
    return {"columns": ["position", "query", *(f"{k}: {name}" for k, name in enumerate(names))], "rows": rows}


@view("head", head_table)
def head(
    context: Context, layer: int, head: int, sink: bool = True, mass: float = 1.0, log: bool = False
) -> dict[str, Any]:
    """One head by position: values and levels [query · key] (NaN and -1 where nothing is shown, see
    patterns.visible), sums of rows and columns, and its LINKS strongest links [link, (query, key)] with weights."""
    values = looks.combined(context, [[layer, head]], "mean", sink)
    if isinstance(values, dict):
        return values
    if mass != 1:
        values = patterns.without_small(values, mass)
    shown = np.where(np.isnan(values), np.float32(0), values)
    most = max(float(shown.max(initial=0)), FAINT * 10)
    scale = scales.Scale(FAINT, most, True) if log else scales.Scale(0, most)
    links, weights = patterns.strongest(values, LINKS)
    return {
        "layer": layer,
        "head": head,
        "size": values.shape[0],
        "names": context.position_names(),
        "palette": "magnitude",
        "stops": scale.stops(),
        "values": values.ravel(),
        "levels": levels(scale, values).ravel(),
        "row_sums": shown.sum(axis=1),
        "column_sums": shown.sum(axis=0),
        "links": links.ravel(),
        "link_weights": weights,
        "link_levels": scales.Scale(0, float(weights[0]) if weights.size else 1).levels(weights).astype(np.int16),
    }


def levels(scale: scales.Scale, values: NDArray[np.float32]) -> NDArray[np.int16]:
    """scale.levels by blocks of rows and the keys they can see, so that a large matrix needs no large copies."""
    result = np.full(values.shape, -1, np.int16)
    for start in range(0, len(values), 128):
        seen = slice(start, start + 128), slice(0, start + 128)
        part = values[seen]
        result[seen] = scale.levels(part) if scale.logarithmic else scales.weight_levels(part, scale.high)
    return result


def similar_table(_: Context, answer: dict[str, Any]) -> Table:
    rows = [[each["layer"], each["head"], each["correlation"]] for each in answer.get("heads", ())]
    return {"columns": ["layer", "head", "correlation"], "rows": rows}


@view("similar_heads", similar_table)
def similar_heads(context: Context, layer: int, head: int) -> dict[str, Any]:
    """The SIMILAR heads whose patterns correlate most with this one's on this text, the sink left out.

    Pearson's correlation over all pairs of a query and a key it can see, position 0 excluded. `reduced`: in a text too
    long to keep every matrix, over the means of the blocks of survey.py instead.
    """
    trace = context.reading.trace
    trace.shape.check_head(layer, head)
    survey = attention_source.survey(context)
    if survey is None:
        return attention_source.needs(attention_source.SURVEY)
    if trace.kept_attention.complete:
        product = np.zeros(survey.total.shape)
        for chunk in trace.kept_attention.chunks():
            rest = chunk[:, :, :, 1:]
            product += np.einsum("lhqk,qk->lh", rest, rest[layer, head])
        n = trace.length * (trace.length - 1) // 2
        related = patterns.correlation(product, survey.total, survey.square, (layer, head), n)
    else:
        means = survey.block_means()[:, :, :, 1:]
        known = ~np.isnan(means[0, 0])
        blocks = means[:, :, known]  # [layer, head, block]
        product = np.einsum("lhb,b->lh", blocks, blocks[layer, head])
        square = np.einsum("lhb,lhb->lh", blocks, blocks)
        related = patterns.correlation(product, blocks.sum(axis=2), square, (layer, head), blocks.shape[2])
    others = np.where(np.isnan(related), -np.inf, related)
    others[layer, head] = -np.inf
    order = np.argsort(-others, axis=None, kind="stable")[:SIMILAR]
    places = [(int(i), int(j)) for i, j in zip(*np.unravel_index(order, others.shape), strict=True)]
    return {
        "reduced": not trace.kept_attention.complete,
        "heads": [
            {"layer": i, "head": j, "correlation": float(others[i, j])} for i, j in places if np.isfinite(others[i, j])
        ],
    }
