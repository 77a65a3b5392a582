"""The text on which the page compares WebGPU with the processor, and what the stored graph says of it. Offline."""

from typing import Any

import numpy as np
import onnxruntime as ort
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from export.check import fidelity
from export.check.verify import feeds, run
from export.graph.capture import dimensions
from pyscripts.json_numbers import numbers
from pyscripts.metrics.likelihood import logprobs_of

TOKENS = 64  # with the prefix token; one pass of the page
TEXT = "mixed.txt"  # a table, digits, several scripts


def measure(
    model: PreTrainedModel, graph: ort.InferenceSession, tokenizer: PreTrainedTokenizerBase, prefix: int | None
) -> dict[str, Any]:
    """{ids: [token], logprob: [token - 1] nats of ids[1:]}: the first tokens of a text, after the prefix token."""
    text = (fidelity.TEXTS / TEXT).read_text(encoding="utf-8")
    front = [] if prefix is None else [prefix]
    ids = (front + tokenizer(text, add_special_tokens=False)["input_ids"])[:TOKENS]
    ids = ids[: dimensions(model.config)["context_length"]]
    logits = run(graph, feeds(model, np.array([ids], np.int64)))["logits"][0]  # [token, vocab]
    return {"ids": ids, "logprob": numbers(logprobs_of(logits[:-1], ids[1:]).diagonal())}
