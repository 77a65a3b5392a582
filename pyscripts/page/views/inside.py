"""Inside the model: one head, and the logit lens of one token or of the whole text."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyscripts.json_numbers import number
from pyscripts.metrics import lens
from pyscripts.metrics.likelihood import NO_TARGET
from pyscripts.page.views import attention_source
from pyscripts.page.views.context import Context
from pyscripts.page.views.registry import view


@view("attention")
def attention(context: Context, layer: int, head: int) -> dict[str, Any] | None:
    """One head's attention over all positions, prefix included: {rows, cols, data}, data [rows · cols], 0 ... 1.

    None if the matrix was too large to keep and has not been recomputed yet.
    """
    matrix = attention_source.matrix(context, layer, head)
    if matrix is None:
        return None
    return {"rows": matrix.shape[0], "cols": matrix.shape[1], "data": matrix.ravel()}


def logit_lens(context: Context, token: int, topK: int, this_token: bool) -> dict[str, Any]:
    """What each layer would predict after a shown token, or in its place: per layer (embeddings first, the output last)
    the top tokens, logprob (nats) and rank of the actual token (`next`), entropy and KL(final || layer) in nats."""
    inspected, trace = context.inspection(token, before=this_token), context.reading.trace
    if inspected.lens_logits is None:
        raise ValueError("This model was exported without a logit lens.")
    target = trace.ids[inspected.position + 1] if inspected.position + 1 < len(trace.ids) else NO_TARGET
    vocabulary = context.vocabulary
    read = lens.read(np.concatenate([inspected.lens_logits, inspected.logits[None]]), target, topK)
    layers = [
        {
            "layer": layer,
            "top": [
                {"id": id, "text": vocabulary[id], "logprob": number(value), "probability": np.exp(value)}
                for id, value in zip(read.top_ids[layer].tolist(), read.top_logprobs[layer].tolist(), strict=True)
            ],
            "logprob": number(read.logprob[layer]),
            "probability": number(np.exp(read.logprob[layer])),
            "rank": int(read.rank[layer]) or None,
            "entropy": number(read.entropy[layer]),
            "divergence": number(read.divergence[layer]),
        }
        for layer in range(len(read.rank))
    ]
    actual = None if target == NO_TARGET else {"id": target, "text": context.vocabulary[target]}
    return {"token": token, "this_token": this_token, "next": actual, "layers": layers}


def lens_over_text(context: Context, name: str) -> tuple[NDArray[np.float64], dict[str, Any] | None]:
    """[layer+1, token] one of lens.OVER_TEXT for the prediction after each token, NaN until it is computed; and what is
    still missing, as {"position", "done"}: the next position, and how many tokens are done. None: nothing."""
    trace, known = context.reading.trace, context.beside.lens
    values = np.full((trace.shape.layers + 1, trace.shown), np.nan)
    done = min(len(known), trace.shown)
    for token, found in enumerate(known[:done]):
        values[:, token] = found[lens.OVER_TEXT.index(name)]
    return values, None if done == trace.shown else {"position": done + trace.first, "done": done}
