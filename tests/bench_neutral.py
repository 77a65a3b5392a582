"""What neutral intervention inputs cost: a pass of a model's graph against one of the same graph with the nodes that
use them removed. `python -m tests.bench_neutral site/models/gpt2`; the bar is 2%."""

import json
import statistics
import sys
import time
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from onnx import helper

from pyscripts.native.files import read_file
from pyscripts.native.session import Session

INPUTS = ("head_mask", "attention_bias", "residual_add", "head_output_add")
TOKENS, PASSES = 64, 15


def without(graph: onnx.GraphProto, names: set[str]) -> None:
    """Removes graph inputs, what depends on them alone, and each Add or Mul that joins that with something else."""
    constants, tainted, kept = {i.name for i in graph.initializer}, set(names), []
    same: dict[str, str] = {}  # what a removed node gave out, and what stands for it
    for node in graph.node:
        for i, name in enumerate(node.input):
            node.input[i] = same.get(name, name)
        own = [name for name in node.input if name in tainted]
        others = [name for name in node.input if name and name not in tainted and name not in constants]
        if own and not others:
            tainted.update(node.output)
        elif own and node.op_type in ("Add", "Mul"):
            same[node.output[0]] = others[0]
        else:
            assert not own, node
            kept.append(node)
    outputs = {output.name for output in graph.output}
    kept += [helper.make_node("Identity", [source], [name]) for name, source in same.items() if name in outputs]
    inputs = [value for value in graph.input if value.name not in names]
    for field, values in ((graph.node, kept), (graph.input, inputs)):
        del field[:]
        field.extend(values)


def main(folder: Path) -> None:
    """Prints the times of both, taken in turns, and their ratio."""
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    names = {manifest["inputs"][name] for name in INPUTS if manifest["inputs"].get(name)}
    model = onnx.load_from_string(read_file(folder, manifest, "model.onnx"))
    without(model.graph, names)
    weights, options = read_file(folder, manifest, "weights.bin"), ort.SessionOptions()
    options.log_severity_level = 3
    options.add_session_config_entry("session.disable_quant_qdq", "1")  # as in pyscripts/native/session.py
    options.add_external_initializers_from_files_in_memory(["weights.bin"], [weights], [len(weights)])
    full, bare = Session(folder, manifest, 0), Session(folder, manifest, 0)
    bare._session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    bare.manifest = manifest | {"inputs": {k: v for k, v in manifest["inputs"].items() if k not in INPUTS}}
    ids = np.random.default_rng(0).integers(0, manifest["vocab_size"], (1, TOKENS))
    logits = manifest["outputs"]["logits"]
    found = [session.forward(ids, [logits])[logits] for session in (full, bare)]
    times: tuple[list[float], list[float]] = [], []
    for _ in range(PASSES):
        for session, taken in zip((full, bare), times, strict=True):
            before = time.perf_counter()
            session.forward(ids, [logits])
            taken.append(1000 * (time.perf_counter() - before))
    middle, least = ([call(taken) for taken in times] for call in (statistics.median, min))
    print(f"{folder.name}, {TOKENS} tokens, neutral {', '.join(sorted(names))}: median {middle[0]:.1f} ms against "
          f"{middle[1]:.1f} ms (× {middle[0] / middle[1]:.3f}), least × {least[0] / least[1]:.3f}; "
          f"logits differ by {np.abs(found[0] - found[1]).max():g}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
