"""The bar for two runtimes, and the verdict on a graphics card, on outputs made up here."""

import json
from typing import Any

import numpy as np
import pytest

from pyscripts.page.device_trial import DeviceTrial
from pyscripts.parity import TOLERANCE, errors, scale_of

MANIFEST = {"vocab_size": 11, "hidden_size": 6, "kv_heads": 2, "head_size": 3}
KEYS = 5
SIZES = {  # numbers of an output, from a pass of 4 tokens and 3 heads
    "logits": 4 * 11,
    "logits.batch": 4 * 11,
    "attentions.0": 3 * 4 * KEYS,
    "hidden_states.1": 4 * 6,
    "present.1": 2 * KEYS * 3,
    "direct.0": 2 * 3 * KEYS,
    "target_rows": 2 * 6,
    "target_constants": 2,
}


class FromJavaScript:
    """A Float32Array as Pyodide shows it."""

    def __init__(self, values: np.ndarray) -> None:
        self.values, self.length = values.astype(np.float32).ravel(), values.size

    def assign_to(self, row: np.ndarray) -> None:
        row[...] = self.values


def tried(change: dict[str, Any] | None = None, manifest: dict[str, Any] | None = None, **times: list[float]) -> dict:
    """The verdict on a card that gives the processor's outputs, some of them changed."""
    generator = np.random.default_rng(3)
    trial = DeviceTrial(json.dumps(MANIFEST | (manifest or {})))
    outputs = {name: generator.normal(size=size).astype(np.float32) for name, size in SIZES.items()}
    for name, values in outputs.items():
        trial.expect(name, FromJavaScript(values), KEYS)
    for name, values in outputs.items():
        trial.compare(name, FromJavaScript((change or {}).get(name, lambda v: v)(values.copy())), KEYS)
    verdict: dict = json.loads(trial.judge(json.dumps({"processor": [3.0], "graphics": [2.0]} | times)))
    return verdict


@pytest.mark.parametrize("axes", [(-1,), (1, 3)])
@pytest.mark.parametrize("size", [3, 4])
def test_scale_is_numpys_median_and_the_own_size(axes: tuple[int, ...], size: int) -> None:
    value = np.random.default_rng(size).normal(size=(1, 2, 5, size)).astype(np.float32)
    name = "present.0" if axes == (1, 3) else "hidden_states.0"
    expected = np.abs(value) + np.median(np.abs(value), axis=axes, keepdims=True)
    np.testing.assert_allclose(scale_of(name, value), expected, rtol=1e-6)


def test_attention_is_measured_against_the_largest_weight_of_a_query() -> None:
    attention = np.array([[[0.9, 0.1, 0.0], [0.2, 0.3, 0.5]]], np.float32)
    found = errors("attentions.0", attention + 0.09, attention)
    np.testing.assert_allclose(found, [[[0.1] * 3, [0.18] * 3]], rtol=1e-5)


def test_equal_outputs_and_speed() -> None:
    verdict = tried(processor=[30, 900, 33], graphics=[10, 11, 500])
    assert verdict["same"] and verdict["fast"] and verdict["difference"] == 0
    assert (verdict["processor"], verdict["graphics"], verdict["ratio"]) == (33, 11, 3)
    assert not tried(processor=[1.49], graphics=[1])["fast"] and tried(processor=[1.5], graphics=[1])["fast"]


@pytest.mark.parametrize("name", SIZES)
def test_one_wrong_number_in_any_output_is_found(name: str) -> None:
    def off(by: float) -> dict:
        def one(values: np.ndarray) -> np.ndarray:
            at = values.size // 2
            values[at] += by * abs(values[at])
            return values

        return tried({name: one})

    assert not off(0.05)["same"] and off(0.05)["output"] == name
    assert off(TOLERANCE / 2)["same"] and off(TOLERANCE / 2)["difference"] > 0


def test_the_bars_are_the_published_ones() -> None:
    """README: 0.05% of the component's size plus the median size at its position, here 0.0005 · (12 + 6)."""
    def off_by(change: float) -> dict:
        trial = DeviceTrial(json.dumps(MANIFEST))
        rows = np.array([[1, 2, 5, -7, 9, 12], [6] * 6], np.float32)
        trial.expect("target_rows", FromJavaScript(rows), KEYS)
        rows[0, 5] += change
        trial.compare("target_rows", FromJavaScript(rows), KEYS)
        verdict: dict = json.loads(trial.judge('{"processor": [3], "graphics": [1]}'))
        return verdict

    assert off_by(0.0088)["same"] and not off_by(0.0092)["same"]
    assert off_by(0.009)["bar"] == 0.0005 and off_by(0.009)["difference"] == pytest.approx(0.0005, rel=1e-3)


def test_what_is_not_a_number_is_refused() -> None:
    verdict = tried({"attentions.0": lambda values: values * np.nan})
    assert not verdict["same"] and verdict["difference"] is None and verdict["output"] == "attentions.0"


def test_the_stored_log_probabilities_are_compared_too() -> None:
    logits = np.random.default_rng(3).normal(size=44).astype(np.float32).reshape(4, 11).astype(np.float64)
    ids = [4, 7, 0, 10]
    stored = [np.log(np.exp(row[i]) / np.exp(row).sum()) for row, i in zip(logits, ids[1:], strict=False)]
    verdict = tried(manifest={"reference": {"ids": ids, "logprob": stored}})
    assert verdict["same"] and verdict["logprob"] < 1e-6
    for change, same in ((0.0009, True), (-0.0011, False), (0.01, False)):  # 0.001 nats is the most
        verdict = tried(manifest={"reference": {"ids": ids, "logprob": [stored[0], stored[1] + change, stored[2]]}})
        assert verdict["same"] == same and verdict["logprob"] == pytest.approx(abs(change), rel=1e-2)


def test_an_output_that_is_missing_or_of_another_size_is_refused() -> None:
    trial = DeviceTrial(json.dumps(MANIFEST))
    trial.expect("logits", FromJavaScript(np.zeros(44)), KEYS)
    assert not json.loads(trial.judge('{"processor": [3], "graphics": [1]}'))["same"]
    with pytest.raises(ValueError, match="logits of the graphics card"):
        trial.compare("logits", FromJavaScript(np.zeros(33)), KEYS)
    with pytest.raises(ValueError, match="target_rows of the graphics card"):
        trial.compare("target_rows", FromJavaScript(np.zeros(12)), KEYS)
