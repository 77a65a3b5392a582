"""How many positions each layer's attention can see, from the configuration, checked on the exported graph. Offline."""

from typing import Any

import numpy as np
import onnxruntime as ort
from transformers import PretrainedConfig, PreTrainedModel

from export.architectures.families import stated
from export.check import verify
from export.graph.capture import context_length, dimensions

UNSEEN = 2048  # length of the past for layers without a window, limited by the context


def of_config(config: PretrainedConfig) -> list[int | None]:
    """The window of each layer: a query sees itself and the `window - 1` positions before it; None: all before it.

    `layer_types` says it for Qwen, Gemma and those that mix; GPT-Neo has its own two names; in Mistral, Phi-3 and
    StarCoder2 a `sliding_window` is for every layer. A window as wide as the context hides nothing and is None.
    """
    width = stated(config, "sliding_window")
    if types := stated(config, "layer_types"):
        local = [kind == "sliding_attention" for kind in types]
    elif types := stated(config, "attention_layers"):
        local, width = [kind == "local" for kind in types], config.window_size
    else:
        local = [width is not None] * dimensions(config)["layers"]
    context = context_length(config)
    return [width if here and width is not None and width < context else None for here in local]


def check(model: PreTrainedModel, graph: ort.InferenceSession, windows: list[int | None]) -> None:
    """Read one token after a past of zeros, where every score is 0, and see which keys receive attention.

    Raises:
        verify.ParityError: a layer looks beyond its window, or not as far as its edge.
    """
    shape = dimensions(model.config)
    widest = max((width for width in windows if width is not None), default=0)
    past = min(max(UNSEEN, widest + 1), shape["context_length"] - 1)
    zeros = np.zeros((1, shape["kv_heads"], past, shape["head_size"]), np.float32)
    cache = {f"present.{i}.{part}": zeros for i in range(shape["layers"]) for part in ("key", "value")}
    inputs = verify.feeds(model, np.zeros((1, 1), np.int64), cache)
    names = [f"attentions.{i}" for i in range(shape["layers"])]
    taken = {value.name for value in graph.get_inputs()}
    found: list[Any] = graph.run(names, {key: value for key, value in inputs.items() if key in taken})
    for layer, (attention, width) in enumerate(zip(found, windows, strict=True)):
        mass = attention[0, :, 0].max(axis=0)  # [key] maximum over heads
        edge = 0 if width is None else past + 1 - width
        if mass[:edge].any():
            raise verify.ParityError(f"layer {layer} attends beyond the window of {width} positions in its config")
        if not mass[edge] > 0:
            seen, named = past + 1 - int(np.flatnonzero(mass)[0]), width or "all"
            raise verify.ParityError(f"layer {layer} sees {seen} positions, its config says {named}")
