"""The logit lens of one token: what each layer would predict."""

from typing import Any

import numpy as np

from pyscripts.colour import scales
from pyscripts.json_numbers import number
from pyscripts.metrics import lens
from pyscripts.metrics.likelihood import NO_TARGET
from pyscripts.page.views import activation_tables, layers
from pyscripts.page.views.context import Context
from pyscripts.page.views.registry import view


@view("lens", activation_tables.lens)
def logit_lens(context: Context, token: int, topK: int = 5, this_token: bool = False) -> dict[str, Any]:
    """What each layer would predict after a shown token, or in its place: per layer (embeddings first, the output last)
    the top tokens with colour steps by probability, logprob (nats) and rank of the actual token (`next`), entropy and
    KL(final || layer) in nats; and the layer from which the final top prediction stays on top. The position that
    predicts must have been inspected."""
    inspected, trace = context.inspection(token, before=this_token), context.reading.trace
    if inspected.lens_logits is None:
        raise ValueError("This model was exported without a logit lens.")
    target = trace.ids[inspected.position + 1] if inspected.position + 1 < len(trace.ids) else NO_TARGET
    vocabulary, names, scale = context.vocabulary, layers.layer_names(trace), scales.Scale(0, 1)
    read = lens.read(np.concatenate([inspected.lens_logits, inspected.logits[None]]), target, topK)
    settled = len(read.rank) - 1
    while settled and read.top_ids[settled - 1, 0] == read.top_ids[-1, 0]:
        settled -= 1
    rows = [
        {
            "layer": layer,
            "name": names[layer],
            "top": [
                {"id": id, "text": vocabulary[id], "logprob": number(value), "probability": np.exp(value),
                 "level": int(scale.levels(np.exp(value)))}
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
    actual = None if target == NO_TARGET else {"id": target, "text": vocabulary[target]}
    return {"token": token, "this_token": this_token, "next": actual, "layers": rows, "settled": names[settled],
            "palette": "magnitude", "stops": scale.stops()}
