"""Whether attention times the cache's values is what enters the projection of the heads, in PyTorch. Offline.

If it is, a head's output can be computed from what the graph gives out: its mean for mean ablation, and another text's
for patching. It would not be in an architecture that gates or normalises its heads before they are projected.
"""

import numpy as np
import onnxruntime as ort
import torch
from transformers import PreTrainedModel

from export.architectures.families import FAMILIES, submodule
from export.check.verify import feeds, run
from export.graph.capture import dimensions
from pyscripts.metrics.head_outputs import HeadOutputs

AGREE = 1e-4  # in units of the outputs' spread; rounding stays below a hundredth of it


def exact(model: PreTrainedModel, graph: ort.InferenceSession, tokens: int = 14) -> bool:
    """Compare the outputs of all heads over a random text, which the graph reads in two passes."""
    shape = dimensions(model.config)
    ids = np.random.default_rng(3).integers(0, shape["vocab_size"], (1, min(tokens, shape["context_length"])))
    found, before, layers = HeadOutputs(), None, range(shape["layers"])
    for part in np.array_split(ids, 2, axis=1):
        before = run(graph, feeds(model, part, before))
        found.add(np.concatenate([before[f"attentions.{i}"] for i in layers]))
    assert before is not None
    ours = found.finish(np.concatenate([before[f"present.{i}.value"] for i in layers]))
    theirs = hooked(model, ids)
    return bool(np.abs(ours - theirs).max() <= AGREE * theirs.std())


@torch.no_grad()
def hooked(model: PreTrainedModel, ids: np.ndarray) -> np.ndarray:
    """[layer, head, position, head_size] what a forward pass over ids [1, token] gives to the projections."""
    family, inputs, handles = FAMILIES[model.config.model_type], list[torch.Tensor](), []
    for layer in submodule(model, family.layers):
        projection = getattr(submodule(layer, family.mixer), family.mixer_output)
        handles.append(projection.register_forward_pre_hook(lambda module, args: inputs.append(args[0].clone())))
    model(torch.from_numpy(ids))
    for handle in handles:
        handle.remove()
    each = torch.cat([value.reshape(1, ids.shape[1], -1) for value in inputs])  # [layer, position, head · head_size]
    return each.unflatten(-1, (dimensions(model.config)["heads"], -1)).transpose(1, 2).numpy()
