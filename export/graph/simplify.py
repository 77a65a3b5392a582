"""Shrink an exported graph without changing its outputs: shape arithmetic becomes constants. Offline, onnxruntime.

The exporter writes every reshape as a dozen nodes that compute sizes. Here the graph is run at three settings in
which no two dynamic axes agree; a size that never changes is a constant, one that always equals the same axis of
the reshaped tensor is "copy that axis" (0), and a single one that is left is "whatever remains" (-1).
"""

import tempfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

# batch, new tokens, past tokens, rows for the lens, rows of logits, targets, directions: every axis and the sums that
# occur differ between and within settings
SETTINGS = ((2, 5, 7, 9, 10, 13, 14), (3, 4, 11, 8, 9, 13, 6), (4, 7, 6, 5, 9, 11, 8))
DOMAINS = ("", "com.microsoft")
Feeds = dict[str, np.ndarray]


def simplify(proto: onnx.ModelProto, weights: Feeds) -> onnx.ModelProto:
    """Return the graph with standard-operator optimisations applied and shape arithmetic folded.

    Args:
        proto: a graph whose matrices are inputs.
        weights: those matrices by input name; their values do not matter here, their shapes do.
    """
    proto = optimised(proto)
    fold_sizes(proto, observe(proto, weights))
    drop_unused(proto.graph)
    return optimised(proto)


def optimised(proto: onnx.ModelProto) -> onnx.ModelProto:
    """Run onnxruntime's basic optimisations offline; they write standard operators only.

    All but one, which moves transpositions: with a single key/value head it would move them to the far side of the KV
    cache, which must stay its past and the new tokens after it (kv_cache.py).
    """
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.log_severity_level = 3
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "optimised.onnx")
        options.optimized_model_filepath = str(path)
        ort.InferenceSession(
            proto.SerializeToString(),
            options,
            providers=["CPUExecutionProvider"],
            disabled_optimizers=["TransposeOptimizer"],
        )
        result = onnx.load(path)
    for opset in list(result.opset_import):
        if opset.domain not in DOMAINS:
            result.opset_import.remove(opset)
    return result


def inputs_at(proto: onnx.ModelProto, weights: Feeds, setting: tuple[int, ...]) -> Feeds:
    """Zeros of the right shapes for one setting."""
    batch, tokens, past, rows, logit_rows, targets, directions = setting
    sizes = {
        "batch_size": batch,
        "sequence_length": tokens,
        "past_sequence_length": past,
        "past_sequence_length + sequence_length": past + tokens,
        "lens_rows": rows,
        "logit_rows": logit_rows,
        "targets": targets,
        "directions": directions,
        "bias_queries": tokens,
        "bias_keys": past + tokens,
        "mask_queries": tokens,
        "mask_keys": past + tokens,
        "add_queries": tokens,
        "head_add_queries": tokens,
    }
    feeds = dict(weights)
    for value in proto.graph.input:
        if value.name not in weights:
            tensor = value.type.tensor_type
            shape = [d.dim_value or sizes.get(d.dim_param, 1) for d in tensor.shape.dim]
            feeds[value.name] = np.zeros(shape, helper.tensor_dtype_to_np_dtype(tensor.elem_type))
    feeds["attention_mask"] += 1
    return feeds


def sizes_in(graph: onnx.GraphProto) -> list[str]:
    """Every tensor computed from shapes and integer constants alone."""
    known = {i.name for i in graph.initializer if i.data_type == TensorProto.INT64}
    found = []
    for node in graph.node:
        if node.op_type == "Shape" or (node.input and all(name in known or not name for name in node.input)):
            known.update(node.output)
            found += node.output
    return found


def observe(proto: onnx.ModelProto, weights: Feeds) -> list[Feeds]:
    """Run each setting and return every tensor of sizes, and the shape of every reshaped one as `shape of …`."""
    probe = onnx.ModelProto()
    probe.CopyFrom(proto)
    wanted = sizes_in(proto.graph)
    for node in proto.graph.node:
        if node.op_type == "Reshape":
            name = f"shape of {node.output[0]}"
            probe.graph.node.append(helper.make_node("Shape", [node.input[0]], [name]))
            wanted.append(name)
    existing = {value.name for value in probe.graph.output}
    probe.graph.output.extend(onnx.ValueInfoProto(name=name) for name in wanted if name not in existing)
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    session = ort.InferenceSession(probe.SerializeToString(), options, providers=["CPUExecutionProvider"])
    runs = [session.run(wanted, inputs_at(proto, weights, setting)) for setting in SETTINGS]
    return [dict(zip(wanted, run, strict=True)) for run in runs]


def fold_sizes(proto: onnx.ModelProto, runs: list[Feeds]) -> None:
    """Replace what `observe` found constant, and reshapes that can be written with 0 and -1."""
    graph, first = proto.graph, runs[0]
    produced = {output for node in graph.node for output in node.output}
    outputs = {value.name for value in graph.output}
    fixed = {
        name: value
        for name, value in first.items()
        if name in produced
        and name not in outputs
        and value.size < 16
        and all(np.array_equal(value, run[name]) for run in runs)
    }
    for node in graph.node:
        for position, name in enumerate(node.input):
            if name in fixed:
                node.input[position] = constant(graph, fixed[name])
        if node.op_type == "Reshape" and node.input[1] in first and node.input[1] not in fixed:
            target = [run[node.input[1]] for run in runs]
            source = [run[f"shape of {node.output[0]}"] for run in runs]
            shape = written(target, source)
            if shape.count(-1) <= 1:
                node.input[1] = constant(graph, np.array(shape, np.int64))


def drop_unused(graph: onnx.GraphProto) -> None:
    """Remove unused nodes and the constants only they read, which onnxruntime keeps."""
    needed = {value.name for value in graph.output}
    kept = []
    for node in reversed(graph.node):
        if needed.intersection(node.output):
            kept.append(node)
            needed.update(node.input)
    del graph.node[:]
    graph.node.extend(reversed(kept))
    constants = [initializer for initializer in graph.initializer if initializer.name in needed]
    del graph.initializer[:]
    graph.initializer.extend(constants)


def written(targets: list[np.ndarray], sources: list[np.ndarray]) -> list[int]:
    """One reshape's target in ONNX notation: a constant, 0 for "same axis of the input", -1 for the rest."""
    shape = []
    for axis in range(len(targets[0])):
        seen = [int(target[axis]) for target in targets]
        if len(set(seen)) == 1:
            shape.append(seen[0])
        elif all(axis < len(source) and source[axis] == size for source, size in zip(sources, seen, strict=True)):
            shape.append(0)
        else:
            shape.append(-1)
    return shape


def constant(graph: onnx.GraphProto, value: np.ndarray) -> str:
    """The name of an initializer that holds `value`, created if there is none."""
    name = f"{value.dtype}_{value.ndim}d_{'_'.join(map(str, np.atleast_1d(value))).replace('-', 'm')}"
    if not any(initializer.name == name for initializer in graph.initializer):
        graph.initializer.append(numpy_helper.from_array(value, name))
    return name
