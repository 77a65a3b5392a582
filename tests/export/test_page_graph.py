"""The page's graph gives what the stored graph gives: with weights decoded outside onnxruntime, its cache in parts."""

import copy
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
import scipy.special

from export import build
from export.architectures.families import FAMILIES, submodule
from export.check import verify
from export.graph import capture, kv_cache, page_graph
from tests.export.models import CONFIGS, ONE_HEAD, Exported, export, random_model
from tests.export.tiny import tiny, write_tokenizer


def decode(table: dict, weights: bytes) -> bytes:
    """decoded.bin as the manifest describes it, written again from that description."""
    out = bytearray(table["bytes"])
    for tensor in table["tensors"]:
        parts = {
            name: np.frombuffer(weights[p["at"] : p["at"] + p["bytes"]], p["type"]).astype(np.float32)
            for name, p in tensor["parts"].items()
        }
        if "half" in parts:
            matrix = parts["half"].reshape(tensor["shape"])
        else:
            shape = list(tensor["shape"])
            shape[tensor["axis"]] //= tensor["block"]
            codes = parts["codes"].reshape(tensor["shape"])
            spread = {
                name: np.repeat(parts[name].reshape(shape), tensor["block"], tensor["axis"])
                for name in ("scale", "zero")
                if name in parts
            }
            matrix = (codes - spread.get("zero", np.float32(0))) * spread["scale"]
        data = matrix.astype(np.float32).tobytes()
        out[tensor["at"] : tensor["at"] + len(data)] = data
    return bytes(out)


def check_what_stays_on_the_processor(page: Path, table: dict) -> None:
    """Nothing of it is large; no shader needs fp16, or more buffers than any adapter has."""
    graph = onnx.load(page, load_external_data=False).graph
    kept = {node.name: node for node in graph.node if node.name in table["on_processor"]}
    assert len(kept) == len(table["on_processor"]) == sum(node.name in kept for node in graph.node), "each is one node"
    inputs = {value.name for value in graph.input}
    halves = {tensor.name for tensor in graph.initializer if tensor.data_type == onnx.TensorProto.FLOAT16}
    for node in graph.node:
        if node.op_type in {"Sin", "Cos"} or halves & set(node.input):
            assert node.name in kept
            if node.op_type == "Gather":
                halves.update(node.output)
        if node.op_type == "Split" and node.name not in kept:
            assert len(node.output) <= 3, "queries, keys and values"
    layers = {name for node in kept.values() if node.op_type == "Split" for name in node.input}
    made = {name for node in kept.values() if inputs & set(node.input) for name in node.output}
    assert len(layers & made) == 4, "every input that has a part for each layer"
    matrices = {tensor["name"] for tensor in table["tensors"]}
    assert not [node.name for node in kept.values() if matrices & set(node.input)]


@pytest.mark.parametrize("architecture", sorted(CONFIGS))
def test_a_cache_in_two_parts_is_the_whole_cache(architecture: str, exported: Callable[[str], Exported]) -> None:
    """Wherever it is parted: every output is the stored graph's, new keys and values are the last of its cache."""
    check_parted_caches(exported(architecture))


@pytest.mark.parametrize("architecture", sorted(ONE_HEAD))
def test_a_cache_of_a_single_head_in_two_parts_is_the_whole_cache(architecture: str, tmp_path: Path) -> None:
    """Its transpositions move nothing, so that onnxruntime may do them anywhere; and the stored graph is PyTorch's."""
    model = random_model(architecture, **ONE_HEAD[architecture])
    assert capture.dimensions(model.config)["kv_heads"] == 1
    one = Exported(model, export(model, tmp_path))
    check_parted_caches(one)
    verify.check(model, one.path)


@pytest.mark.parametrize("architecture", ["opt", "xglm"])
def test_keys_and_values_of_equal_weights_are_two_outputs(architecture: str, tmp_path: Path) -> None:
    """onnxruntime computes them once."""
    model = random_model(architecture)
    for layer in submodule(model, FAMILIES[architecture].layers):
        layer.self_attn.v_proj.load_state_dict(layer.self_attn.k_proj.state_dict())
    check_parted_caches(Exported(model, export(model, tmp_path)))


def check_parted_caches(one: Exported) -> None:
    """The page's graph against the stored one, with the past parted in several places."""
    names = page_graph.write(one.path, one.path.with_name("page.onnx"))["cache"]
    stored, page = (verify.session(one.path.with_name(name)) for name in ("model.onnx", "page.onnx"))
    ids = np.random.default_rng(3).integers(3, 130, (1, 14))
    before = verify.run(stored, verify.feeds(one.model, ids[:, :11]))
    feeds = verify.feeds(one.model, ids[:, 11:], before)
    expected = verify.run(stored, feeds)
    keys = [name for name in feeds if name.startswith("past_key_values")]
    assert len(keys) == 2 * len(names["recent"]) == 2 * len(names["added"])
    for parted in (0, 4, 11):
        parts: dict[str, np.ndarray] = {}
        for layer, pair in enumerate(names["recent"]):
            for part, recent in zip(("key", "value"), pair, strict=True):
                past = f"past_key_values.{layer}.{part}"
                parts |= {past: feeds[past][:, :, :parted], recent: feeds[past][:, :, parted:]}
        found = verify.run(page, feeds | parts)
        assert set(found) == {name.replace("present", "added") for name in expected}
        for name, value in expected.items():
            if name.startswith("present"):
                value = value[:, :, 11:]
            np.testing.assert_array_equal(found[name.replace("present", "added")], value, err_msg=name)


@pytest.mark.parametrize(("architecture", "layers"), [("gpt2", {"n_layer": 3}), ("llama", {"num_hidden_layers": 3})])
def test_no_layer_waits_for_attribution_with_its_values(
    architecture: str, layers: dict[str, int], tmp_path: Path
) -> None:
    """By the order in which onnxruntime runs the nodes; and no pass copies a layer's values for it."""
    model = random_model(architecture, **layers)
    stored = export(model, tmp_path)
    page_graph.write(stored, stored.with_name("page.onnx"))
    graph = onnx.load(stored.with_name("page.onnx"), load_external_data=False).graph
    made = {name: node for node in graph.node for name in node.output}
    options = ort.SessionOptions()
    options.enable_profiling, options.profile_file_prefix, options.log_severity_level = True, str(tmp_path / "p"), 3
    session = ort.InferenceSession(stored.with_name("page.onnx"), options, providers=["CPUExecutionProvider"])
    feeds = verify.feeds(model, np.arange(3, 15)[None])
    empty = {each.name: feeds[each.name.replace("recent", "past_key_values")] for each in session.get_inputs()
             if each.name.startswith("recent.")}
    session.run(None, feeds | empty)
    events = json.loads(Path(session.end_profiling()).read_text())
    order = [each["name"].removesuffix("_kernel_time") for each in events if each["name"].endswith("_kernel_time")]
    for layer in range(2):
        assert order.index(made[f"direct.{layer}"].name) < order.index(made[f"attentions.{layer + 1}"].name)
        readers = {node.op_type for node in graph.node if f"present.{layer}.value" in node.input}
        assert readers <= {"MatMul", "Unsqueeze"}, "these copy nothing of it"


def test_a_cache_that_is_not_its_past_and_more_is_refused(exported: Callable[[str], Exported]) -> None:
    """The page could not keep it: here the new values come before the past, then they are joined along the heads."""
    proto = onnx.load(exported("gpt2").path, load_external_data=False)

    def of(graph: onnx.ModelProto) -> onnx.NodeProto:
        return next(node for node in graph.graph.node if "present.1.value" in node.output)

    swapped, along_heads = copy.deepcopy(proto), copy.deepcopy(proto)
    of(swapped).input[:] = reversed(of(swapped).input)
    of(along_heads).attribute[0].i = 1
    for wrong in (swapped, along_heads):
        with pytest.raises(ValueError, match=r"present\.1\.value is not past_key_values\.1\.value and the new"):
            kv_cache.grow_in_place(wrong)


@pytest.mark.parametrize(("architecture", "weights"), [("gpt2", "int8"), ("llama", "fp16"), ("gpt2", "fp32")])
def test_equal_to_the_stored_graph(architecture: str, weights: str, tmp_path: Path) -> None:
    checkpoint = tmp_path / architecture
    if architecture == "gpt2":
        tiny(checkpoint)
    else:
        random_model("llama", vocab_size=600, max_position_embeddings=256).save_pretrained(checkpoint)
        write_tokenizer(checkpoint)
    command = [str(checkpoint), "--name", architecture, "--out", str(tmp_path / "models"), "--weights", weights]
    assert build.main(command) == 0
    folder, files = tmp_path / "models" / architecture, tmp_path / "files"
    manifest = json.loads((folder / "manifest.json").read_text())
    files.mkdir()
    for file in manifest["files"]:
        (files / file["path"]).write_bytes(b"".join((folder / c["name"]).read_bytes() for c in file["chunks"]))
    table = manifest["decode"]
    assert bool(table["tensors"]) == (weights != "fp32")
    (files / page_graph.DECODED).write_bytes(decode(table, (files / "weights.bin").read_bytes()))

    check_what_stays_on_the_processor(files / "page.onnx", table)

    stored, page = (verify.session(files / name) for name in ("model.onnx", "page.onnx"))
    ids = np.arange(3, 15)[None]
    size = [1, manifest["kv_heads"], 0, manifest["head_size"]]
    feeds: dict[str, np.ndarray] = {
        "input_ids": ids,
        "attention_mask": np.ones_like(ids),
        "position_ids": np.arange(12)[None],
        "head_mask": np.ones([1, 1, 1, 1], np.float32),
        "attention_bias": np.zeros([1, 1, 1, 1], np.float32),
        "residual_add": np.zeros([1, 1, 1], np.float32),
        "head_output_add": np.zeros([1, 1, 1], np.float32),
        "logit_rows": np.arange(12),
        "lens": np.ones([2, manifest["hidden_size"]], np.float32),
        "target_ids": np.array([5, 7]),
        "direction": np.ones([1, manifest["hidden_size"]], np.float32),
        **{name: np.zeros(size, np.float32) for pair in manifest["inputs"]["past"] for name in pair},
    }
    recent = {name: np.zeros(size, np.float32) for pair in manifest["cache"]["recent"] for name in pair}
    ids = np.array([manifest["reference"]["ids"]])
    neutral = feeds | {"input_ids": ids, "attention_mask": np.ones_like(ids), "position_ids": np.arange(ids.size)[None]}
    logits = page.run(["logits"], neutral | recent | {"logit_rows": np.arange(ids.size)})[0][0]
    logprob = scipy.special.log_softmax(logits[:-1], axis=-1)[np.arange(ids.size - 1), ids[0, 1:]]
    assert ids.size == 64 and ids[0, 0] == manifest["prefix"]["id"]
    np.testing.assert_allclose(manifest["reference"]["logprob"], logprob, atol=1e-5)

    found = verify.run(page, feeds | recent)
    for name, expected in verify.run(stored, feeds).items():
        np.testing.assert_array_equal(found[name.replace("present", "added")], expected, err_msg=name)
    graph = onnx.load(files / "page.onnx", load_external_data=False).graph
    gathered = {name for node in graph.node if node.op_type == "Gather" for name in node.output}
    rebuilt = {node.input[0] for node in graph.node if node.op_type == "DequantizeLinear"}
    assert rebuilt <= gathered, "only what lookups gather is rebuilt while the model runs"
    declared = {value.name for value in graph.input} - set(feeds | recent)
    shared = {node.input[1] for node in graph.node if node.op_type == "MatMul" and "lm_head" in node.name}
    assert len(shared) == 1 and declared == shared, "the unembedding would be packed twice"
