"""A reading as the inference worker announces it and fills it chunk by chunk; analysis worker and lab."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pyscripts.model_outputs import ModelShape, Outputs
from pyscripts.page.arrays import to_numpy
from pyscripts.page.models import Model
from pyscripts.strides import StridedTrace
from pyscripts.tokens import Tokens
from pyscripts.trace import Trace

if TYPE_CHECKING:
    from pyscripts.result import Run
    from pyscripts.run import Reading


def new_trace(model: Model, tokens: Tokens, conditions: Mapping[str, Any]) -> Trace:
    """The empty trace of a text under RunConditions (protocol.js), read in windows if they have a stride."""
    prefix = [] if conditions["prefix"] is None else [conditions["prefix"]]
    ids, shape, begins = [*prefix, *tokens.ids], ModelShape.of(model.manifest), model.begins_word
    if conditions["stride"] is None:
        return Trace(ids, shape, prefix=bool(prefix), begins_word=begins)
    context = model.manifest["context_length"]
    return StridedTrace(ids, shape, context, conditions["stride"], prefix=bool(prefix), begins_word=begins)


def windows_of(trace: Trace) -> list[list[int]] | None:
    """The windows to read, start and stop by position; None: all in one pass."""
    return [[window.start, window.stop] for window in trace.windows] if isinstance(trace, StridedTrace) else None


def logits_of(chunk: Any, vocab_size: int) -> NDArray[np.float32]:
    """[query, vocabulary] of a ForwardChunk (protocol.js)."""
    return to_numpy([chunk.logits], (1, chunk.count, vocab_size))[0]


def outputs_of(chunk: Any, trace: Trace) -> Outputs:
    """All of a ForwardChunk; None for what the model was not asked for."""
    shape, count = trace.shape, chunk.count
    layers = (shape.layers, count, shape.hidden_size)
    shapes: dict[str, tuple[str, tuple[int, ...]]] = {
        "attentions": ("attentions", (shape.layers, shape.heads, count, trace.length + count)),
        "hidden_states": ("hiddenStates", (shape.layers + 1, count, shape.hidden_size)),
        "attention_output": ("attentionOutput", layers),
        "mlp_output": ("mlpOutput", layers),
    }
    arrays = {name: to_numpy(parts, size) if (parts := getattr(chunk, key)) else None
              for name, (key, size) in shapes.items()}
    return Outputs(logits_of(chunk, shape.vocab_size), **arrays)


def add_chunk(to: "Reading | Run", trace: Trace, chunk: Any, appended: str | None) -> None:
    """Adds a ForwardChunk to what holds the trace; appended: the token drawn from the chunk's last row (AppendedToken
    as JSON), if one was."""
    if isinstance(trace, StridedTrace):
        trace.score(logits_of(chunk, trace.shape.vocab_size))
    elif appended is None:
        to.extend(outputs_of(chunk, trace))
    else:
        token = json.loads(appended)
        to.append(outputs_of(chunk, trace), bytes.fromhex(token["hex"]), token["control"])
