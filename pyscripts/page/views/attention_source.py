"""Where the attention views get their matrices: kept by the trace or, for a long text, computed again."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyscripts.metrics.survey import Survey
from pyscripts.page import recomputed_attention
from pyscripts.page.views.context import Context

SURVEY = "survey"  # the `missing` of a view that needs a pass over all heads


def matrix(context: Context, layer: int, head: int) -> NDArray[np.float32] | None:
    """[query, key] of one head by position; None if it must be computed again. ValueError if there is no such head."""
    trace = context.reading.trace
    trace.shape.check_head(layer, head)
    kept = trace.kept_attention.matrix(layer, head)
    return context.recomputed.matrix(layer, head) if kept is None else kept


def matrices(context: Context, heads: Sequence[tuple[int, int]]) -> Iterable[NDArray[np.float32]]:
    """The matrices of some heads, one after the other; `missing` of the same heads must be empty."""
    for layer, head in heads:
        weights = matrix(context, layer, head)
        assert weights is not None
        yield weights


def missing(context: Context, heads: Sequence[tuple[int, int]]) -> list[int]:
    """The layers of these heads that must be computed again. ValueError if so many can never be kept at once."""
    trace = context.reading.trace
    for layer, head in heads:
        trace.shape.check_head(layer, head)
    if trace.kept_attention.complete:
        return []
    layers = sorted({layer for layer, _ in heads})
    if all(layer in context.recomputed.layers for layer in layers):
        return []
    each, limit = recomputed_attention.layer_bytes(1, trace.shape.heads, trace.length), recomputed_attention.LAYER_BYTES
    if len(layers) > 1 and len(layers) * each > limit:
        most = max(1, limit // each)
        raise ValueError(f"These heads are in {len(layers)} layers. In a text of {trace.length:,} tokens, heads of at "
                         f"most {most} can be combined, or those of all layers.")
    return layers


def survey(context: Context) -> Survey | None:
    """What all heads do on the text; None if the text must be read again for it."""
    trace, recomputed = context.reading.trace, context.recomputed
    if recomputed.survey is not None and recomputed.survey.length == trace.length:
        return recomputed.survey
    if not trace.kept_attention.complete:
        return None
    recomputed.survey = Survey(trace.shape.layers, trace.shape.heads, trace.length)
    for chunk in trace.kept_attention.chunks():
        recomputed.survey.add(chunk)
    return recomputed.survey


def needs(what: Any) -> dict[str, Any]:
    """The answer of a view that cannot answer yet: layers (a list), or SURVEY."""
    return {"missing": what}
