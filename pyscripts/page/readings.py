"""A reading as the inference worker announces it and fills it chunk by chunk; analysis worker and lab."""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pyscripts.model_outputs import ModelShape, Outputs
from pyscripts.page.arrays import JavaScriptLayers, to_numpy
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


def outputs_of(chunk: Any, shape: ModelShape, past: int) -> Outputs:
    """All of a ForwardChunk after `past` positions; None for what the model was not asked for."""
    count = chunk.count
    added = (shape.layers, count, shape.hidden_size)
    shapes: dict[str, tuple[str, tuple[int, ...]]] = {
        "hidden_states": ("hiddenStates", (shape.layers + 1, count, shape.hidden_size)),
        "attention_output": ("attentionOutput", added),
        "mlp_output": ("mlpOutput", added),
    }
    arrays: dict[str, Any] = {name: to_numpy([given], (1, *size))[0] if (given := getattr(chunk, key)) else None
                              for name, (key, size) in shapes.items()}
    if chunk.attentions is not None:
        arrays["attentions"] = JavaScriptLayers(chunk.attentions, (shape.layers, shape.heads, count, past + count))
    return Outputs(logits_of(chunk, shape.vocab_size), **arrays)


def add_chunks(to: "Reading | Run", trace: Trace, chunks: Sequence[Any], appended: str) -> None:
    """Adds ForwardChunks to what holds the trace; appended: the tokens drawn from them, as JSON (AppendedToken)."""
    if isinstance(trace, StridedTrace):
        for chunk in chunks:
            trace.score(logits_of(chunk, trace.shape.vocab_size))
        return
    passes, past = [], trace.length
    for chunk in chunks:
        passes.append(outputs_of(chunk, trace.shape, past))
        past += chunk.count
    drawn = [(bytes.fromhex(token["hex"]), token["control"]) for token in json.loads(appended)]
    to.extend(Outputs.joined(passes), drawn)
