"""Check the outputs that attribution is computed from against PyTorch's own modules. Offline.

The logit that follows from a token's row is compared with norm and unembedding themselves; what each head adds from
each key with the output projection, given that head's values and zeros for the others.
"""

from typing import Any

import numpy as np
import onnxruntime as ort
import torch
from transformers import DynamicCache, PreTrainedModel

from export.architectures import linear_parts
from export.architectures.families import FAMILIES, added_to_stream, submodule
from export.check.verify import compare, feeds, reference_lens, run
from export.graph.capture import dimensions


@torch.no_grad()
def check(model: PreTrainedModel, graph: ort.InferenceSession, tokens: int = 12) -> float:
    """Attribute at the end of a text of random tokens, for three targets and two more directions.

    Returns:
        The worst difference, in units of `parity.scale_of`.

    Raises:
        ParityError: one output is missing, misshapen or past the tolerance.
    """
    generator = np.random.default_rng(1)
    shape = dimensions(model.config)
    ids = generator.integers(0, shape["vocab_size"], (1, min(tokens, shape["context_length"])))
    targets = generator.integers(0, shape["vocab_size"], 3)
    directions = generator.normal(size=(2, shape["hidden_size"])).astype(np.float32)
    found = run(graph, feeds(model, ids) | {"target_ids": targets, "direction": directions})
    states = generator.normal(size=(8, shape["hidden_size"])).astype(np.float32)
    worst = compare(
        {"logits": logits_of_rows(model, states, found["target_rows"], found["target_constants"])},
        {"logits": reference_lens(model, states)[:, targets]},
        "rows of target tokens",
    )
    every = np.concatenate([found["target_rows"], directions])
    expected = {name: value.reshape(found[name].shape) for name, value in reference_direct(model, ids, every).items()}
    return max(worst, compare(found, expected, "what heads add from each key"))


def logits_of_rows(model: Any, states: np.ndarray, rows: np.ndarray, constants: np.ndarray) -> np.ndarray:
    """[state, target] the logits of residual streams [state, hidden], from the rows and the norm's scale alone."""
    facts = linear_parts.facts(model, FAMILIES[model.config.model_type])
    centre = states.mean(-1, keepdims=True) if facts["final_norm"]["kind"] == "layer" else 0
    scale = np.sqrt(np.square(states - centre).mean(-1, keepdims=True) + facts["final_norm"]["epsilon"])
    logits: np.ndarray = states @ rows.T / scale + constants
    cap = facts["logit_softcap"]
    return logits if cap is None else np.tanh(logits / cap) * cap


def reference_direct(model: Any, ids: np.ndarray, directions: np.ndarray) -> dict[str, np.ndarray]:
    """`direct.i` [direction, head, key] from PyTorch, for the last of `ids` [1, token]."""
    family = FAMILIES[model.config.model_type]
    layers = list(submodule(model, family.layers))
    projections = [getattr(submodule(layer, family.mixer), family.mixer_output) for layer in layers]
    ends: dict[tuple[str, int], torch.Tensor] = {}
    handles = []
    for i, layer in enumerate(layers):
        for name, module in (("projected", projections[i]), ("added", submodule(layer, family.attention))):

            def keep(module: Any, args: Any, out: Any, key: tuple[str, int] = (name, i)) -> None:
                ends[key] = (out[0] if isinstance(out, tuple) else out).clone()[0, -1]  # [hidden] of the last query

            handles.append(module.register_forward_hook(keep))
    cache = DynamicCache()
    model(torch.from_numpy(ids), past_key_values=cache, use_cache=True)
    for handle in handles:
        handle.remove()
    along = torch.from_numpy(directions).T  # [hidden, direction]
    expected = {}
    for i, projection in enumerate(projections):
        values = cache.layers[i].values[0]  # [kv_head, key, head_size]
        kv_heads, keys, size = values.shape
        heads = model.config.num_attention_heads
        slots = torch.zeros(heads, keys, heads, size)  # each head's values in its own place, the others zero
        for head in range(heads):
            slots[head, :, head] = values[head // (heads // kv_heads)]
        nothing = projection(torch.zeros(1, heads * size))  # the bias
        moved = projection(slots.flatten(2)) - nothing  # [head, key, hidden]
        if family.norm_after:
            moved = moved * (ends["added", i] / ends["projected", i])  # what the norm multiplies each dimension by
        found = torch.matmul(added_to_stream(model.config, moved), along)  # [head, key, direction]
        expected[f"direct.{i}"] = found.permute(2, 0, 1).numpy()
    return expected
