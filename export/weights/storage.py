"""Store a graph's weights in one external file: int8 blocks, fp16 or fp32. Offline, numpy and onnx.

What an embedding lookup reads is gathered while still small; everything else is rebuilt in fp32 at load.
"""

from pathlib import Path

import numpy as np
import onnx
from onnx import NodeProto, TensorProto, helper, numpy_helper

from export.graph.clean_up import Graph
from export.weights import encoding
from export.weights.encoding import Encoded

OPSET = 21  # the first with blocked DequantizeLinear
IR_VERSION = 10
EXTERNAL_BYTES = 1024  # smaller tensors stay inside model.onnx
ALIGNMENT = 64


class File:
    """Writes tensors to `weights.bin` and makes the initializers that refer to them."""

    def __init__(self, directory: Path) -> None:
        self.file = (directory / "weights.bin").open("wb")
        self.offset = 0

    def add(self, name: str, array: np.ndarray) -> TensorProto:
        """Append the array, aligned, and return its initializer."""
        tensor = TensorProto(name=name, dims=array.shape)
        tensor.data_type = helper.np_dtype_to_tensor_dtype(array.dtype)
        tensor.data_location = TensorProto.EXTERNAL
        padding = -self.offset % ALIGNMENT
        self.file.write(b"\0" * padding)
        self.offset += padding
        data = np.ascontiguousarray(array)
        place = {"location": "weights.bin", "offset": str(self.offset), "length": str(data.nbytes)}
        for key, value in place.items():
            tensor.external_data.add(key=key, value=value)
        self.file.write(data.tobytes())
        self.offset += data.nbytes
        return tensor


def encode(name: str, graph: Graph, weights_format: str) -> Encoded | None:
    """Choose how one matrix is stored; None leaves it fp32."""
    matrix = graph.weights[name]
    if weights_format == "fp32":
        return None
    uses = [node for node in graph.proto.graph.node if name in node.input]
    axis = input_axis(uses)
    if any(is_lookup(node, name) and attribute(node, "axis") == axis for node in uses):
        return None  # equal matrices, both zero, are one: a row cannot be looked up where blocks run across the rows
    if weights_format == "fp16":
        return encoding.wide(matrix, axis)
    grouped = name.endswith(("k_proj.weight", "v_proj.weight")) and matrix.shape[1 - axis] < matrix.shape[axis]
    return encoding.small(matrix, axis, lookup=any(is_lookup(node, name) for node in uses), shared=grouped)


def store(graph: Graph, weights_format: str, directory: Path) -> None:
    """Write `model.onnx` and `weights.bin` into `directory`."""
    proto = onnx.ModelProto()
    proto.CopyFrom(graph.proto)
    body, file = proto.graph, File(directory)
    inputs = [value for value in body.input if value.name not in graph.weights]
    del body.input[:]
    body.input.extend(inputs)
    nodes, folded = list(body.node), list[NodeProto]()
    # The largest first, so that its temporary memory is reused by the others.
    for name in sorted(graph.weights, key=lambda name: (-graph.weights[name].size, name)):
        encoded = encode(name, graph, weights_format)
        if encoded is None:
            body.initializer.append(file.add(name, graph.weights[name]))
            continue
        body.initializer.extend(file.add(f"{name}.{part}", array) for part, array in encoded.parts.items())
        uses = [node for node in nodes if name in node.input]
        lookups = [node for node in uses if is_lookup(node, name)]
        for node in lookups:
            place = next(i for i, other in enumerate(nodes) if other is node)
            nodes[place : place + 1] = small_lookup(node, name, encoded)
        if len(lookups) < len(uses):
            folded += encoding.rebuild(encoded, name, name, encoded.axis)
    del body.node[:]
    body.node.extend(folded + nodes)
    for tensor in body.initializer:  # biases and norms
        if tensor.data_location != TensorProto.EXTERNAL and tensor.ByteSize() > EXTERNAL_BYTES:
            tensor.CopyFrom(file.add(tensor.name, numpy_helper.to_array(tensor)))
    file.file.close()
    finish(proto)
    onnx.save(proto, directory / "model.onnx")


def attribute(node: NodeProto, name: str) -> int:
    """An integer attribute, 0 if it is not set."""
    return next((int(a.i) for a in node.attribute if a.name == name), 0)


def is_lookup(node: NodeProto, name: str) -> bool:
    """Whether the node picks rows or columns of this matrix."""
    return node.op_type == "Gather" and node.input[0] == name


def input_axis(uses: list[NodeProto]) -> int:
    """Blocks run along the axis a product sums over, which for an embedding is the hidden one."""
    for node in uses:
        if node.op_type == "Gemm":
            return attribute(node, "transB")
        if node.op_type == "MatMul":
            return 0
    return 1 - attribute(uses[0], "axis")


def small_lookup(gather: NodeProto, name: str, encoded: Encoded) -> list[NodeProto]:
    """Gather from every part, then convert only the gathered rows to fp32.

    Rows come out as [batch, token, hidden], columns as [hidden, batch, token].
    """
    output, index, axis = gather.output[0], gather.input[1], attribute(gather, "axis")
    picks = [
        helper.make_node("Gather", [f"{name}.{part}", index], [f"{output}.{part}"], axis=axis) for part in encoded.parts
    ]
    return picks + encoding.rebuild(encoded, output, output, 0 if axis == 1 else 2)


def finish(proto: onnx.ModelProto) -> None:
    """Set versions and remove everything that could differ between two exports of one model."""
    proto.ir_version = IR_VERSION
    proto.producer_name, proto.producer_version, proto.doc_string = "tokenlight", "", ""
    proto.graph.name = "tokenlight"
    for opset in proto.opset_import:
        if opset.domain == "":
            opset.version = OPSET
    for node in proto.graph.node:
        node.doc_string = ""
    del proto.metadata_props[:]
    del proto.graph.value_info[:]
