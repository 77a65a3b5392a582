"""Turn the exporter's raw ONNX into a small graph with separate, named weights. Offline, onnx."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.external_data_helper import load_external_data_for_model

from export.graph.simplify import simplify


@dataclass
class Graph:
    """A graph whose matrices are inputs, so that no step before storing has to copy them.

    `weights` maps a checkpoint's parameter name to its array; a matrix used by a MatMul is [in, out].
    The tied vocabulary matrix is held once, [hidden, vocab], and read by columns for the embedding.
    """

    proto: onnx.ModelProto
    weights: dict[str, np.ndarray]


def digest(array: np.ndarray) -> bytes:
    """A content key: shape and bytes."""
    data = np.ascontiguousarray(array)
    return str(data.shape).encode() + hashlib.sha256(data.tobytes()).digest()


def load(path: Path, parameters: Iterable[tuple[str, np.ndarray]]) -> Graph:
    """Read the exported file, take its matrices out and give them the checkpoint's names."""
    proto = onnx.load(path, load_external_data=False)
    load_external_data_for_model(proto, str(path.parent))
    graph = proto.graph
    skip_copies(graph)
    names: dict[bytes, str] = {}
    stored = [(name, array) for name, array in parameters if array.ndim == 2]
    for name, array in stored:
        names.setdefault(digest(array), name)
    for name, array in stored:  # after all others: a matrix of zeros is also the transpose of another one
        names.setdefault(digest(array.T), name)
    weights: dict[str, np.ndarray] = {}
    renamed: dict[str, str] = {}
    tied: set[str] = set()
    multiplied = {node.input[1] for node in graph.node if node.op_type == "MatMul"}
    matrices = [i for i in graph.initializer if len(i.dims) == 2 and i.data_type == TensorProto.FLOAT]
    for initializer in matrices:
        array = numpy_helper.to_array(initializer)
        name = names.get(digest(array), "")
        if not name:  # a computed table, such as positions, stored unchanged
            continue
        renamed[initializer.name] = name
        if name in weights and not np.array_equal(weights[name], array):
            tied.add(name)  # the unembedding is the embedding, transposed: keep [hidden, vocab]
        if name not in tied or initializer.name in multiplied:
            weights[name] = array
        graph.initializer.remove(initializer)
    for node in graph.node:
        for i, name in enumerate(node.input):
            node.input[i] = renamed.get(name, name)
    for name in tied:
        gather_columns(graph, name)
    if not any(value.name == "position_ids" for value in graph.input):  # ALiBi has none, but the page passes them
        axes = ["batch_size", "sequence_length"]
        graph.input.append(helper.make_tensor_value_info("position_ids", TensorProto.INT64, axes))
    for name, array in weights.items():
        graph.input.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, array.shape))
    return Graph(simplify(proto, weights), weights)


def skip_copies(graph: onnx.GraphProto) -> None:
    """Read every weight itself: the exporter keeps one of equal weights and copies it for the others' readers."""
    weights = {initializer.name for initializer in graph.initializer}
    copies = [node for node in graph.node if node.op_type == "Identity" and node.input[0] in weights]
    source = {node.output[0]: node.input[0] for node in copies}
    for node in copies:
        graph.node.remove(node)
    for node in graph.node:
        for i, name in enumerate(node.input):
            node.input[i] = source.get(name, name)


def gather_columns(graph: onnx.GraphProto, name: str) -> None:
    """Let lookups read columns of the [hidden, vocab] matrix the unembedding uses; their indices have two axes."""
    for position, node in reversed(list(enumerate(graph.node))):
        if node.op_type == "Gather" and node.input[0] == name:
            output = node.output[0]
            node.output[0] = output + ".columns"  # [hidden, batch, token]
            node.attribute.append(helper.make_attribute("axis", 1))
            turn = helper.make_node("Transpose", [node.output[0]], [output], perm=[1, 2, 0])
            graph.node.insert(position + 1, turn)
