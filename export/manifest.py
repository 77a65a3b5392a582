"""Write manifest.json of a model and index.json of the library. Offline, onnx."""

import hashlib
import json
import math
from pathlib import Path
from typing import Any

import onnx
from onnx import TensorProto

MODEL_SCHEMA = "tokenlight.model/3"
LIBRARY_SCHEMA = "tokenlight.models/1"
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
FIRST = "gpt2"  # the default model if it is built


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


def complete(folder: Path) -> dict[str, Any] | None:
    """The manifest of a build with all its chunks, or None."""
    try:
        found: dict[str, Any] = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        chunks = [chunk for file in found["files"] for chunk in file["chunks"]]
        whole = all((folder / chunk["name"]).stat().st_size == chunk["bytes"] for chunk in chunks)
    except (OSError, ValueError, KeyError):
        return None
    return found if whole and found.get("schema") == MODEL_SCHEMA else None


def write_json(path: Path, value: Any) -> None:
    """Write to a temporary file and rename it, so that a reader never sees half a file."""
    partial = path.with_suffix(".json.partial")
    partial.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    partial.replace(path)


def add_to_library(directory: Path, model: dict[str, Any]) -> None:
    """Put the model into `index.json`: gpt2 first, then in the order built; entries without files are removed."""
    path = directory / "index.json"
    models = json.loads(path.read_text(encoding="utf-8"))["models"] if path.exists() else []
    entry = {key: model[key] for key in ("id", "name", "weights", "parameters", "license")}
    entry["bytes"] = sum(file["bytes"] for file in model["files"])
    kept = [m for m in models if (directory / m["id"] / "manifest.json").exists()]
    places = [m["id"] for m in kept]
    if entry["id"] in places:
        kept[places.index(entry["id"])] = entry
    else:
        kept.append(entry)
    kept.sort(key=lambda m: m["id"] != FIRST)
    for position, m in enumerate(kept):
        m.pop("default", None)
        if position == 0:
            m["default"] = True
    write_json(path, {"schema": LIBRARY_SCHEMA, "models": kept})
