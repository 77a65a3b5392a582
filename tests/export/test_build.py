"""The command as a person runs it: files, manifest, library, refusals, and what a failure leaves behind."""

import errno
import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from gguf import GGUFWriter

from export import build, manifest
from export.architectures import forward
from export.weights import shards
from tests.export import tiny
from tests.export.gguf_files import write_gguf

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def built(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny model, built as int8."""
    out = tmp_path_factory.mktemp("models")
    assert build.main([str(checkpoint), "--out", str(out)]) == 0
    return out / "tiny-gpt2"


def manifest_of(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    return found


def joined(folder: Path, name: str) -> bytes:
    file = next(file for file in manifest_of(folder)["files"] if file["path"] == name)
    return b"".join((folder / chunk["name"]).read_bytes() for chunk in file["chunks"])


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_the_script_runs_from_the_repository_root(checkpoint: Path, tmp_path: Path, built: Path) -> None:
    """`python export/build.py FOLDER --out DIR`; a second export gives the same chunks, byte for byte."""
    command = [sys.executable, "export/build.py", str(checkpoint), "--out", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    for line in ("check every output against PyTorch", "bytes per parameter", "top token agrees", "memory: weights"):
        assert line in done.stdout
    assert snapshot(tmp_path / "tiny-gpt2") == snapshot(built)


def test_every_chunk_is_what_the_manifest_says(built: Path) -> None:
    """Names, sizes and hashes of chunks and whole files; nothing else lies there."""
    manifest = manifest_of(built)
    names = {"manifest.json"} | {example["name"] for example in manifest["examples"]}
    for file in manifest["files"]:
        data = joined(built, file["path"])
        assert (len(data), hashlib.sha256(data).hexdigest()) == (file["bytes"], file["sha256"])
        for chunk in file["chunks"]:
            part = (built / chunk["name"]).read_bytes()
            assert chunk["sha256"] == hashlib.sha256(part).hexdigest()
            assert chunk["name"] == chunk["sha256"][:32] + ".bin" and len(part) == chunk["bytes"] <= shards.CHUNK_BYTES
            names.add(chunk["name"])
    assert {path.name for path in built.iterdir()} == names
    assert [file["path"] for file in manifest["files"]] == list(build.FILES)


def test_large_files_are_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three chunks of at most the limit that join to the file."""
    monkeypatch.setattr(shards, "CHUNK_BYTES", 1000)
    (tmp_path / "weights.bin").write_bytes(np.random.default_rng(0).bytes(2500))
    entry = shards.split(tmp_path / "weights.bin", tmp_path)
    assert [chunk["bytes"] for chunk in entry["chunks"]] == [1000, 1000, 500]
    whole = b"".join((tmp_path / chunk["name"]).read_bytes() for chunk in entry["chunks"])
    assert whole == (tmp_path / "weights.bin").read_bytes()


def test_the_manifest_says_what_the_page_must_know(built: Path, tmp_path: Path) -> None:
    """Sizes, prefix, windows, names of inputs and outputs that the graph really has, fidelity and memory."""
    manifest = manifest_of(built)
    expected = {"id": "tiny-gpt2", "architecture": "gpt2", "weights": "int8", "layers": 2, "heads": 4, "kv_heads": 4}
    expected |= {"head_size": 16, "hidden_size": 64, "vocab_size": 600, "context_length": 256}
    assert expected.items() <= manifest.items()
    assert (manifest["prefix"]["id"], manifest["prefix"]["text"]) == (0, "<|endoftext|>") and manifest["eos"] == [0]
    assert manifest["windows"] == [None, None] and np.shape(manifest["head_scores"]["induction"]) == (2, 4)
    graph = onnx.load_model_from_string(joined(built, "model.onnx")).graph

    def flat(names: Any) -> set[str]:
        if isinstance(names, str):
            return {names}
        return set().union(*map(flat, names.values() if isinstance(names, dict) else names))

    assert flat(manifest["inputs"]) == {value.name for value in graph.input}
    assert flat(manifest["outputs"]) == {value.name for value in graph.output}
    assert manifest["fidelity"]["tokens"] >= 1500 and manifest["fidelity"]["graph_difference"] < 1e-4
    assert manifest["memory"]["weights"] > 4 * manifest["parameters"]


def test_the_memory_of_weights_and_a_pass_by_hand(tmp_path: Path) -> None:
    """56 parameters, four bytes each; the lookup's 40 codes and ten scales of two bytes stay beside them."""
    arrays: dict[str, np.ndarray] = {
        "codes": np.zeros((10, 4), np.uint8),
        "scales": np.zeros((10, 1), np.float16),
        "matrix": np.zeros((4, 4), np.float32),
    }
    nodes = [onnx.helper.make_node("Gather", [name, "ids"], [f"{name}.read"]) for name in ("codes", "scales")]
    nodes.append(onnx.helper.make_node("MatMul", ["x", "matrix"], ["y"]))
    stored = [onnx.numpy_helper.from_array(array, name) for name, array in arrays.items()]
    onnx.save(onnx.helper.make_model(onnx.helper.make_graph(nodes, "tiny", [], [], stored)), tmp_path / "model.onnx")
    facts = {"parameters": 56, "layers": 2, "heads": 3, "kv_heads": 1, "head_size": 2, "hidden_size": 4}
    found = manifest.memory({**facts, "vocab_size": 10}, tmp_path / "model.onnx")
    cache, attention, vectors, logits = 2 * 2 * 1 * 2 * 256, 2 * 3 * 256 * 256, (3 * 2 + 1) * 4 * 256, 10 * 256
    assert found == {"weights": 56 * 4 + 40 + 20, "tokens_256": 4 * (cache + attention + vectors + logits)}


def test_a_build_is_identified_by_its_files() -> None:
    """The same names and contents are the same model; another name or another content is another one."""
    files = [{"path": "model.onnx", "sha256": "ab", "bytes": 3}, {"path": "weights.bin", "sha256": "cd", "bytes": 4}]
    identity = manifest.build({"layers": 1}, files)["sha256"]
    assert identity == hashlib.sha256(b"model.onnxabweights.bincd").hexdigest()
    assert manifest.build({"layers": 1, "name": "Other"}, files)["sha256"] == identity
    for i, changed in ((0, {"sha256": "ac"}), (1, {"sha256": "ce"}), (1, {"path": "weights"})):
        others = [{**file, **(changed if n == i else {})} for n, file in enumerate(files)]
        assert manifest.build({"layers": 1}, others)["sha256"] != identity


def test_the_vocabulary_matrix_is_stored_once(built: Path) -> None:
    """600 · 64 codes in one tensor that both the lookup and the unembedding use."""
    graph = onnx.load_model_from_string(joined(built, "model.onnx")).graph
    large = [i.name for i in graph.initializer if np.prod(i.dims) >= 600 * 64]
    assert large == ["transformer.wte.weight.codes"]
    readers = {node.op_type for node in graph.node if large[0] in node.input}
    assert readers == {"Gather", "DequantizeLinear"}


def change(folder: Path, **settings: Any) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | settings))


def pickled(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


REFUSALS = {
    "only pickled weights (pytorch_model.bin), which can run code": pickled,
    "has no weights (model.safetensors)": lambda folder: (folder / "model.safetensors").unlink(),
    "architecture 'mamba' cannot be exported; supported: arcee": lambda f: change(f, model_type="mamba"),
    "needs remote code, which is never run": lambda f: change(f, model_type="own", auto_map={"AutoConfig": "x.y"}),
    "is not a causal language model": lambda f: change(f, architectures=["GPT2ForTokenClassification"]),
    "has no config.json": lambda folder: (folder / "config.json").unlink(),
    "is not valid JSON": lambda folder: (folder / "config.json").write_text("{"),
    "config.json does not fit the weights: transformer.wte.weight is 600 × 64, but should be 640 × 64; correct": (
        lambda f: change(f, vocab_size=640)
    ),
    "config.json does not fit the weights: transformer.h.0.attn.c_attn.bias is 192, but should be 96": (
        lambda f: change(f, n_embd=32)
    ),
    "has 700 tokens, but the model 600 rows": lambda folder: tiny.write_tokenizer(folder, 700),
    "cannot be read": lambda folder: (folder / "model.safetensors").write_bytes(b"\0" * 64),
}


@pytest.mark.parametrize("message", REFUSALS)
def test_refusals_say_why_and_leave_nothing(
    message: str, checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2, one line, no file."""
    folder = tmp_path / "checkpoint"
    shutil.copytree(checkpoint, folder)
    REFUSALS[message](folder)
    assert build.main([str(folder), "--out", str(tmp_path / "models")]) == 2
    error = capsys.readouterr().err
    assert message in error and error.startswith("error: ") and error.count("\n") == 1
    assert not (tmp_path / "models").exists() or not any((tmp_path / "models").iterdir())


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("nothing-like-it", "is not a folder, a .gguf file, a hub id"),
        ("absent.gguf", "absent.gguf does not exist"),
        ("broken.gguf", "is not a GGUF file"),
        ("short.gguf", "is damaged or incomplete"),
        ("weights.bin", "is a file but not a .gguf"),
        ("mamba.gguf", "contains a mamba model; supported in GGUF: llama"),
    ],
)
def test_refused_arguments(
    argument: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is no checkpoint at all."""
    monkeypatch.chdir(tmp_path)
    Path("broken.gguf").write_bytes(b"no such thing")
    Path("short.gguf").write_bytes(b"GGUF\3\0\0\0")
    Path("weights.bin").write_bytes(b"")
    writer = GGUFWriter("mamba.gguf", "mamba")
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    assert build.main([argument, "--out", "models"]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
    assert not Path("models").exists()


@pytest.mark.parametrize(
    ("failure", "code", "message"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), 2, "the disk is full"),
        (KeyboardInterrupt(), 130, "stopped"),
    ],
)
def test_a_failure_leaves_the_previous_build(
    failure: BaseException,
    code: int,
    message: str,
    checkpoint: Path,
    built: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A full disk or Ctrl-C while the chunks are written."""
    shutil.copytree(built.parent, tmp_path, dirs_exist_ok=True)
    before = snapshot(tmp_path)

    def fail(*args: Any) -> None:
        raise failure

    monkeypatch.setattr(shards, "split", fail)
    assert build.main([str(checkpoint), "--weights", "fp16", "--out", str(tmp_path)]) == code
    assert message in capsys.readouterr().err
    assert snapshot(tmp_path) == before


def test_a_graph_that_is_wrong_stops_the_build(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One attention scaled by half a per cent during export is noticed, named, and nothing is written."""
    original = forward.Recorder.attend

    def wrong(self: Any, layer: int, *rest: Any) -> Any:
        return original(self, layer, *rest) * (1.005 if layer == 1 else 1.0)

    monkeypatch.setattr(forward.Recorder, "attend", wrong)
    assert build.main([str(checkpoint), "--out", str(tmp_path)]) == 2
    assert "differs from PyTorch" in capsys.readouterr().err
    assert not any(tmp_path.iterdir())


def test_the_list(capsys: pytest.CaptureFixture[str]) -> None:
    """Names, sizes and licences; nothing is built."""
    assert build.main(["--list"]) == 0
    shown = capsys.readouterr().out
    for text in ("gpt2", "smollm2", "qwen2.5-0.5b", "apache-2.0", "124 M", "93 MB"):
        assert text in shown


def test_a_gguf_file_builds(tmp_path: Path, checkpoint: Path) -> None:
    """A tiny Llama written as GGUF with the tiny tokenizer; the build checks it against what transformers reads."""
    path = tmp_path / "mini.gguf"
    write_gguf(path, json.loads((checkpoint / "tokenizer.json").read_text(encoding="utf-8")))
    assert build.main([str(path), "--weights", "fp32", "--out", str(tmp_path / "models")]) == 0
    manifest = manifest_of(tmp_path / "models" / "mini")
    assert (manifest["name"], manifest["license"], manifest["source"]) == ("Mini Llama", "mit", "mini.gguf")
    assert (manifest["architecture"], manifest["kv_heads"], manifest["prefix"]["id"]) == ("llama", 2, 0)
