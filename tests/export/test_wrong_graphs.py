"""Graphs that are not their checkpoint are refused, whatever is wrong in them, from the published bar on."""

import copy
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from export.architectures import forward
from export.check import verify
from export.check.verify import ParityError
from tests.export.models import Exported, export, random_model


def test_a_wrong_graph_cannot_pass(exported: Callable[[str], Exported]) -> None:
    """The check fails when one component of one norm in the PyTorch model is not the exported one."""
    one = exported("llama")
    changed = copy.deepcopy(one.model)
    changed.model.norm.weight.data[5] += 0.01
    with pytest.raises(ParityError, match="differs from PyTorch"):
        verify.check(changed, one.path)


def spoiled(path: Path, directory: Path, name: str, neutral: float | None) -> Path:
    """A copy of a graph whose logits are 1% off as soon as the input `name` is not all `neutral`; None: not empty."""
    proto = onnx.load(path)
    graph = proto.graph
    for node in graph.node:
        node.output[:] = ["right" if each == "logits" else each for each in node.output]
        node.input[:] = ["right" if each == "logits" else each for each in node.input]
    constants = {"percent": 0.01, "one": 1.0, "neutral": neutral or 0.0}
    for each, value in constants.items():
        graph.initializer.append(numpy_helper.from_array(np.array(value, np.float32), each))
    make = onnx.helper.make_node
    if neutral is None:
        amount = [make("Size", [name], ["size"]), make("Cast", ["size"], ["amount"], to=onnx.TensorProto.FLOAT)]
    else:
        amount = [make("Sub", [name, "neutral"], ["off"]), make("Abs", ["off"], ["size"]),
                  make("ReduceMax", ["size"], ["amount"], keepdims=0)]
    graph.node.extend([
        *amount, make("Min", ["amount", "one"], ["changed"]), make("Mul", ["changed", "percent"], ["share"]),
        make("Add", ["share", "one"], ["factor"]), make("Mul", ["right", "factor"], ["logits"]),
    ])  # fmt: skip
    onnx.save(proto, directory / "model.onnx")
    return directory / "model.onnx"


@pytest.mark.parametrize(("name", "neutral", "stage"), [
    ("past_key_values.1.key", None, "chunk after past"),
    ("head_mask", 1.0, "interventions and lens"),
    ("attention_bias", 0.0, "interventions and lens"),
    ("residual_add", 0.0, "interventions and lens"),
    ("head_output_add", 0.0, "interventions and lens"),
])  # fmt: skip
def test_a_graph_that_is_wrong_in_one_case_alone_cannot_pass(
    name: str, neutral: float | None, stage: str, exported: Callable[[str], Exported], tmp_path: Path
) -> None:
    """Right as long as nothing was read before and nothing is changed."""
    one = exported("gpt2")
    with pytest.raises(ParityError, match=f"^{stage}: logits differs from PyTorch"):
        verify.check(one.model, spoiled(one.path, tmp_path, name, neutral))


def test_the_bar_is_a_twentieth_of_a_per_cent() -> None:
    """Of a component's size plus the median size at its position: 0.0005 · (8 + 4) and 0.0005 · (2 + 4)."""
    value = np.array([[[2, -4, 8]]], np.float32)  # [batch, token, hidden]
    for place, bar in ((2, 0.006), (0, 0.003)):
        close, far = value.copy(), value.copy()
        close[0, 0, place] += 0.98 * bar
        far[0, 0, place] += 1.02 * bar
        verify.compare({"hidden_states.1": close}, {"hidden_states.1": value}, "test")
        with pytest.raises(ParityError, match=rf"hidden_states.1 differs .* at \[0, 0, {place}\]"):
            verify.compare({"hidden_states.1": far}, {"hidden_states.1": value}, "test")


def test_one_giant_component_hides_no_error() -> None:
    """As in SmolLM2: one dimension of 22,330 at one position; elsewhere an error of a third of the ordinary size."""
    hidden = np.random.default_rng(0).normal(size=(1, 8, 64)).astype(np.float32) * 6
    hidden[0, 0, 7] = 22330
    verify.compare({"hidden_states.3": hidden * (1 + 1e-6)}, {"hidden_states.3": hidden}, "test")
    for position in (0, 5):
        wrong = hidden.copy()
        wrong[0, position, 20] += 1.9
        with pytest.raises(ParityError, match=rf"hidden_states.3 differs from PyTorch: .* at \[0, {position}, 20\]"):
            verify.compare({"hidden_states.3": wrong}, {"hidden_states.3": hidden}, "test")


def test_contributions_that_do_not_add_up_are_noticed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Granite without its residual multiplier, wrong in the graph and in the reference alike, as it once was."""
    monkeypatch.setattr(forward, "added_to_stream", lambda config, output: output)
    monkeypatch.setattr(verify, "added_to_stream", lambda config, output: output)
    model = random_model("granite")
    path = export(model, tmp_path)
    with pytest.raises(ParityError, match=r"embeddings plus contributions: hidden_states\.1"):
        verify.check(model, path)


def test_logits_the_lens_does_not_give_are_noticed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Cohere without its logit scale in the lens, wrong in the graph and in the reference alike."""
    monkeypatch.setattr(forward, "scale_logits", lambda config, logits: logits)
    monkeypatch.setattr(verify, "scale_logits", lambda config, logits: logits)
    model = random_model("cohere")
    path = export(model, tmp_path)
    with pytest.raises(ParityError, match="through norm and unembedding: logits"):
        verify.check(model, path)
