"""Inside the model at one token: heads, the logit lens, a step's distribution; CPython and the analysis worker."""

from collections.abc import Callable
from typing import Any

import numpy as np

from pyscripts import generation, lens, run
from pyscripts.likelihood import NO_TARGET
from pyscripts.sampling import distribution
from pyscripts.trace import TOP_K, join_queries
from pyscripts.views.context import Context


def attention(context: Context, layer: int, head: int) -> dict[str, Any] | None:
    """One head's attention over all positions, the prefix included: {rows, cols, data}, data row-major, 0 ... 1.

    None where the matrix was too large to keep and has not been computed again yet.
    """
    trace = context.reading.trace
    matrix = trace.attention_matrix(layer, head)
    if matrix is None and context.attentions is not None and context.attentions.layer == layer:
        matrix = join_queries([chunk[head] for chunk in context.attentions.chunks], trace.length)
    if matrix is None:
        return None
    return {"rows": matrix.shape[0], "cols": matrix.shape[1], "data": matrix.ravel().tolist()}


def logit_lens(context: Context, token: int, topK: int) -> dict[str, Any]:
    """What each layer would say comes after a shown token: per layer (embeddings first, the output last) the top
    tokens, logprob (nats) and rank of the actual next token, entropy and KL(final || layer) in nats."""
    found, trace = context.inspection(token), context.reading.trace
    if found.lens_logits is None:
        raise ValueError("This model was built without a lens input: build it again with python export/build.py.")
    target = trace.ids[found.position + 1] if found.position + 1 < len(trace.ids) else NO_TARGET
    vocabulary = context.vocabulary
    read = lens.read(np.concatenate([found.lens_logits, found.logits[None]]), target, topK)
    layers = [
        {
            "layer": layer,
            "top": [
                {"id": id, "text": vocabulary[id], "logprob": run.number(value), "probability": np.exp(value)}
                for id, value in zip(read.top_ids[layer].tolist(), read.top_logprobs[layer].tolist(), strict=True)
            ],
            "logprob": run.number(read.logprob[layer]),
            "probability": run.number(np.exp(read.logprob[layer])),
            "rank": int(read.rank[layer]) or None,
            "entropy": run.number(read.entropy[layer]),
            "divergence": run.number(read.divergence[layer]),
        }
        for layer in range(len(read.rank))
    ]
    actual = None if target == NO_TARGET else {"id": target, "text": context.vocabulary[target]}
    return {"token": token, "next": actual, "layers": layers}


def generation_step(context: Context, token: int) -> dict[str, Any] | None:
    """How a generated token was chosen (see run.step_json); None for a token that was given."""
    step = context.reading.steps.get(context.position_of(token))
    return run.step_json(step, token, context.vocabulary) if step else None


def next_distribution(context: Context, token: int, options: dict[str, Any]) -> dict[str, Any]:
    """What the model expected after a shown token, by itself and under sampling options, as if it wrote on.

    Same fields as a generation step, of the actual next token where there is one, else of the most likely one.
    """
    found, trace = context.inspection(token), context.reading.trace
    ids = trace.ids[: found.position + 1]
    given = distribution(found.logits, generation.settings_from(options), ids)
    follows = found.position + 1 < len(trace.ids)
    id = trace.ids[found.position + 1] if follows else int(np.argmax(given.raw))
    result = run.step_json(generation.describe(given, id, TOP_K), token + 1, context.vocabulary)
    return {**result, "actual": follows, "surprisal_nats": run.number(-np.log(result["raw_probability"]))}


VIEWS: dict[str, Callable[..., Any]] = {
    "attention": attention,
    "lens": logit_lens,
    "step": generation_step,
    "distribution": next_distribution,
}
