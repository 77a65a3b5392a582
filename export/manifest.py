"""What manifest.json of a model says. Offline, onnx."""

import hashlib
import math
from pathlib import Path
from typing import Any

import onnx
from onnx import TensorProto

from export.library import MODEL_SCHEMA

ITEM_BYTES = {
    TensorProto.INT8: 1,
    TensorProto.UINT8: 1,
    TensorProto.BOOL: 1,
    TensorProto.INT16: 2,
    TensorProto.FLOAT16: 2,
    TensorProto.FLOAT: 4,
    TensorProto.INT32: 4,
    TensorProto.INT64: 8,
}


def input_names(layers: int) -> dict[str, Any]:
    """The graph's inputs."""
    return {
        "input_ids": "input_ids",
        "attention_mask": "attention_mask",
        "position_ids": "position_ids",
        "past": [[f"past_key_values.{i}.{part}" for part in ("key", "value")] for i in range(layers)],
        "head_mask": "head_mask",
        "attention_bias": "attention_bias",
        "residual_add": "residual_add",
        "head_output_add": "head_output_add",
        "logit_rows": "logit_rows",
        "lens": "lens",
        "target_ids": "target_ids",
        "direction": "direction",
    }


def output_names(layers: int) -> dict[str, Any]:
    """The graph's outputs."""
    return {
        "logits": "logits",
        "present": [[f"present.{i}.{part}" for part in ("key", "value")] for i in range(layers)],
        "hidden_states": [f"hidden_states.{i}" for i in range(layers + 1)],
        "attentions": [f"attentions.{i}" for i in range(layers)],
        "attention_output": [f"attention_output.{i}" for i in range(layers)],
        "mlp_output": [f"mlp_output.{i}" for i in range(layers)],
        "lens_logits": "lens_logits",
        "target_rows": "target_rows",
        "target_constants": "target_constants",
        "direct": [f"direct.{i}" for i in range(layers)],
    }


def build(facts: dict[str, Any], files: list[dict[str, Any]]) -> dict[str, Any]:
    """The manifest: `facts`, the graph's inputs and outputs, and the files."""
    identity = hashlib.sha256("".join(f["path"] + f["sha256"] for f in files).encode()).hexdigest()
    layers = facts["layers"]
    return {
        "schema": MODEL_SCHEMA,
        **facts,
        "inputs": input_names(layers),
        "outputs": output_names(layers),
        "files": files,
        "sha256": identity,
    }


def memory(facts: dict[str, Any], model: Path) -> dict[str, int]:
    """Bytes the page needs, from the stored graph's sizes: weights after folding, and 256 tokens in one pass.

    Every stored matrix is held in fp32; matrices read by embedding lookups are also held as stored.
    """
    graph = onnx.load(model, load_external_data=False).graph
    stored = {i.name: math.prod(i.dims) * ITEM_BYTES[i.data_type] for i in graph.initializer}
    read = {node.input[0] for node in graph.node if node.op_type == "Gather"}
    folded = facts["parameters"] * 4 + sum(size for name, size in stored.items() if name in read)
    tokens, layers = 256, facts["layers"]
    cache = 2 * layers * facts["kv_heads"] * facts["head_size"] * tokens
    attentions = layers * facts["heads"] * tokens * tokens
    vectors = (3 * layers + 1) * facts["hidden_size"] * tokens
    outputs = attentions + vectors + facts["vocab_size"] * tokens
    return {"weights": folded, "tokens_256": 4 * (cache + outputs)}
