"""The graph the page runs: the page decodes its matrices itself, so onnxruntime need not fold them, and keeps the KV
cache itself (kv_cache.py). Offline, onnx.

Folding in the browser holds codes and results at once, and a wasm heap never shrinks. So `page.onnx` takes
each rebuilt matrix from a file that does not exist, `decoded.bin`: while onnxruntime reads it, the page decodes the
stored codes of weights.bin into the very bytes asked for. `model.onnx` stays as it is, for any other runtime.
"""

import re
from collections import Counter
from pathlib import Path
from typing import Any

import onnx
from onnx import ModelProto, TensorProto

from export.graph.kv_cache import grow_in_place

DECODED = "decoded.bin"
ALIGNMENT = 64
PARTS = ("codes", "scale", "zero", "half")
TYPES: dict[int, str] = {
    TensorProto.INT8: "int8",
    TensorProto.UINT8: "uint8",
    TensorProto.INT16: "int16",
    TensorProto.FLOAT16: "float16",
    TensorProto.FLOAT: "float32",
}


def write(model: Path, page: Path) -> dict[str, Any]:
    """Writes `page` from `model` (both use the same weights.bin); returns the manifest's `decode` and `cache`.

    decode: {file, bytes, tensors: [{name, at, shape, axis, block, parts}], on_processor: [node]}. A tensor's fp32 bytes
    are at `at` of the file that does not exist; parts are {codes, scale[, zero]} or {half}, each {type, at, bytes} in
    weights.bin. A weight is (code - zero) · scale, scale and zero being one for `block` neighbours along `axis`; or
    just half. cache: see kv_cache.grow_in_place.
    """
    proto = onnx.load(model, load_external_data=False)
    cache = grow_in_place(proto)
    initializers = {tensor.name: tensor for tensor in proto.graph.initializer}
    rebuilt = [
        name for name in _computed_at_load(proto) if any(f"{name}.{part}" in initializers for part in ("codes", "half"))
    ]
    tensors, at = [], 0
    for name in rebuilt:
        parts = {part: initializers[f"{name}.{part}"] for part in PARTS if f"{name}.{part}" in initializers}
        shape = list(next(iter(parts.values())).dims)
        axis, block = _blocks(shape, list(parts["scale"].dims)) if "scale" in parts else (0, 1)
        size = 4 * shape[0] * shape[1]
        tensors.append(
            {
                "name": name,
                "at": at,
                "shape": shape,
                "axis": axis,
                "block": block,
                "parts": {part: _place(tensor) for part, tensor in parts.items()},
            }
        )
        proto.graph.initializer.append(_from_decoded(name, shape, at, size))
        at += size + -size % ALIGNMENT
    _prune(proto, set(rebuilt))
    _leave_shared_unpacked(proto)
    _use_values_early(proto)
    on_processor = _left_to_the_processor(proto)
    onnx.save(proto, page)
    decode = {"file": DECODED, "bytes": at, "tensors": tensors, "on_processor": on_processor}
    return {"decode": decode, "cache": cache}


def _computed_at_load(proto: ModelProto) -> list[str]:
    """Outputs of nodes whose inputs are all constant."""
    constant = {tensor.name for tensor in proto.graph.initializer}
    found = []
    for node in proto.graph.node:
        if node.input and all(name in constant for name in node.input if name):
            constant.update(node.output)
            found += node.output
    return found


def _blocks(shape: list[int], scale: list[int]) -> tuple[int, int]:
    """The axis along which weights share a scale, and how many share one."""
    axis = 0 if shape[0] != scale[0] else 1
    return axis, shape[axis] // scale[axis]


def _place(tensor: TensorProto) -> dict[str, Any]:
    """Where weights.bin holds a tensor."""
    place = {entry.key: entry.value for entry in tensor.external_data}
    if place.get("location") != "weights.bin":
        raise ValueError(f"{tensor.name} is not in weights.bin, so the page could not decode it.")
    return {"type": TYPES[tensor.data_type], "at": int(place["offset"]), "bytes": int(place["length"])}


def _from_decoded(name: str, shape: list[int], at: int, size: int) -> TensorProto:
    tensor = TensorProto(name=name, dims=shape, data_type=TensorProto.FLOAT, data_location=TensorProto.EXTERNAL)
    for key, value in {"location": DECODED, "offset": str(at), "length": str(size)}.items():
        tensor.external_data.add(key=key, value=value)
    return tensor


def _leave_shared_unpacked(proto: ModelProto) -> None:
    """Declares matrices that several nodes multiply by as graph inputs with a default value.

    onnxruntime packs a constant matrix for each node that multiplies by it: the unembedding, which the logits and the
    lens share, would be held twice, and with its plain form three times while the session is created. It packs no
    input, even one that is never fed.
    """
    users = Counter(node.input[1] for node in proto.graph.node if node.op_type in {"MatMul", "Gemm"})
    for tensor in proto.graph.initializer:
        if users[tensor.name] > 1:
            shape = list(tensor.dims)
            proto.graph.input.append(onnx.helper.make_tensor_value_info(tensor.name, tensor.data_type, shape))


def _use_values_early(proto: ModelProto) -> None:
    """Makes onnxruntime compute `direct.i` before layer i + 1. Otherwise it would hold the values of all layers until
    the end of the pass: 0.19 GB for SmolLM2's 8,192 tokens.

    onnxruntime starts with what the last node in the file needs, of those whose outputs no other node uses.
    """
    graph = proto.graph
    direct = [node for node in graph.node if re.fullmatch(r"direct\.\d+", node.output[0])]
    others = [node for node in graph.node if node not in direct]
    del graph.node[:]
    graph.node.extend([*others, *sorted(direct, key=lambda node: -int(node.output[0].split(".")[1]))])


def _left_to_the_processor(proto: ModelProto) -> list[str]:
    """Names of the nodes that a graphics card is not given when WebGPU runs the others; all of them are small.

    Splits of an input into a part for each layer write more buffers than a shader may (10 on many adapters). Scales of
    lookups are stored in fp16, which many adapters lack. Sines and cosines of large angles, which rotary embeddings
    take of positions, may be less exact there than fp32.
    """
    graph = proto.graph
    makers = {name: node for node in graph.node for name in node.output}
    constant = {tensor.name: tensor.data_type for tensor in graph.initializer}
    stored = {name for name, kind in constant.items() if kind not in {TensorProto.FLOAT, TensorProto.INT64}}
    given = {value.name for value in graph.input}
    positions, found = {"position_ids"}, []
    for node in graph.node:
        maker = makers.get(node.input[0]) if node.op_type == "Split" else None
        if maker is not None and given & set(maker.input):  # an input, brought to its full number of layers
            found += [node, maker]
        elif node.op_type in {"Gather", "Cast", "DequantizeLinear"} and stored & set(node.input):
            found.append(node)
            stored.update(node.output)
        elif positions & set(node.input) and all(name in constant or name in positions for name in node.input):
            found.append(node)
            positions.update(node.output)
    for number, node in enumerate(found):
        node.name = node.name or f"/processor/{node.op_type}_{number}"
    return sorted({node.name for node in found})


def _prune(proto: ModelProto, rebuilt: set[str]) -> None:
    """Removes the nodes that computed the rebuilt matrices, then everything that is no longer used."""
    graph = proto.graph
    nodes = [node for node in graph.node if not rebuilt & set(node.output)]
    kept: list[Any] = []
    used = {output.name for output in graph.output}
    for node in reversed(nodes):
        if used & set(node.output):
            used.update(node.input)
            kept.append(node)
    del graph.node[:]
    graph.node.extend(reversed(kept))
    initializers = [tensor for tensor in graph.initializer if tensor.name in used]
    del graph.initializer[:]
    graph.initializer.extend(initializers)
