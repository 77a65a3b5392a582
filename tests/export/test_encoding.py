"""Storage formats: what each one gives back, and that onnxruntime gives back the same."""

import math
import re
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper

from export.architectures.families import Refusal
from export.check import fidelity, verify
from export.graph import clean_up
from export.weights import encoding, storage
from export.weights.encoding import COARSE, FINE, Encoded
from tests.export.models import export, random_model

RANDOM = np.random.default_rng(1)
MATRIX = (RANDOM.standard_t(4, (96, 40)) * 0.05).astype(np.float32)  # heavy tails, as trained weights have


def by_onnxruntime(encoded: Encoded, shape: tuple[int, ...]) -> np.ndarray:
    """Run the nodes that rebuild the matrix."""
    nodes = encoding.rebuild(encoded, "w", "w", encoded.axis)
    parts = [onnx.numpy_helper.from_array(array, f"w.{name}") for name, array in encoded.parts.items()]
    output = helper.make_tensor_value_info("w", TensorProto.FLOAT, shape)
    model = helper.make_model(
        helper.make_graph(nodes, "rebuild", [], [output], parts),
        opset_imports=[helper.make_opsetid("", storage.OPSET)],
        ir_version=storage.IR_VERSION,
    )
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    found: np.ndarray = session.run(["w"], {})[0]
    return found


def encodings(matrix: np.ndarray, axis: int) -> dict[str, Encoded]:
    return {
        "half": encoding.half(matrix),
        "symmetric": encoding.symmetric(matrix, axis, COARSE),
        "symmetric 16": encoding.symmetric(matrix, axis, COARSE, np.int16),
        "asymmetric": encoding.asymmetric(matrix, axis, COARSE),
        "asymmetric fine": encoding.asymmetric(matrix, axis, FINE),
    }


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("kind", encodings(MATRIX, 0))
def test_onnxruntime_rebuilds_what_decoded_says(kind: str, axis: int) -> None:
    """Both directions of a matrix, blocks of 32, of 8 (40 = 5 · 8) and of 16."""
    encoded = encodings(MATRIX, axis)[kind]
    np.testing.assert_allclose(by_onnxruntime(encoded, MATRIX.shape), encoded.decoded(), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("axis", [0, 1])
def test_no_weight_is_off_by_more_than_its_step_allows(axis: int) -> None:
    """Half a step of its block, found from the block's own extremes; nothing clips."""
    turned = np.moveaxis(MATRIX, axis, -1)
    block = math.gcd(turned.shape[1], COARSE)
    blocks = turned.reshape(len(turned), -1, block)
    peak = np.abs(blocks).max(axis=-1, keepdims=True)
    spread = np.maximum(blocks.max(-1, keepdims=True), 0) - np.minimum(blocks.min(-1, keepdims=True), 0)
    # the asymmetric zero is rounded as well: at the ends of the range up to a whole step is lost, of the coarsest scale
    for kind, most in (("symmetric", peak / 254), ("symmetric 16", peak / 65534), ("asymmetric", spread / 120)):
        decoded = np.moveaxis(encodings(MATRIX, axis)[kind].decoded(), axis, -1).reshape(blocks.shape)
        # float16 rounds the scale by 2^-11 of itself; with float32 scales only the product is rounded
        slack = 2.0**-22 * peak if kind == "symmetric 16" else 2.0**-11 * (peak + spread)
        assert np.all(np.abs(decoded - blocks) <= most + slack), kind
        mean_square = np.square(decoded - blocks).mean(axis=-1, keepdims=True)
        assert np.all(mean_square <= np.square(most) + np.square(slack)), kind


def test_the_closest_scale_is_kept() -> None:
    """Never further from the block than the finest scale alone, and closer on average."""
    whole = encoding.asymmetric(MATRIX, 0, COARSE)
    steps, encoding.STEPS = encoding.STEPS, (255,)
    try:
        finest = encoding.asymmetric(MATRIX, 0, COARSE)
    finally:
        encoding.STEPS = steps
    assert encoding.error(whole, MATRIX) < encoding.error(finest, MATRIX)


def test_checkpoints_that_were_quantized_are_held_exactly() -> None:
    """Blocks of 32 with 255 levels (Q8_0) exactly, with sixteen levels and an offset (Q4_1) far closer than others."""
    step = (RANDOM.uniform(1, 3, (3, 1, 40)) * 0.01).astype(np.float16).astype(np.float32)
    levels = RANDOM.integers(0, 16, (3, 32, 40))
    levels[:, 0], levels[:, 1] = 0, 15  # such a block uses both its ends
    low = (-RANDOM.uniform(4, 11, (3, 1, 40)) * step).astype(np.float16).astype(np.float32)  # values of both signs
    four = (levels * step + low).reshape(96, 40).astype(np.float32)
    four_bit, ordinary = encoding.asymmetric(four, 0, COARSE), RANDOM.uniform(-0.3, 0.15, (96, 40)).astype(np.float32)
    other = encoding.asymmetric(ordinary, 0, COARSE)
    assert encoding.error(four_bit, four) < 0.35 * encoding.error(other, ordinary)
    codes = RANDOM.integers(-126, 127, (3, 32, 40))
    codes[:, 0] = 127
    eight = (codes * step / 16).reshape(96, 40).astype(np.float32)
    assert np.abs(encoding.symmetric(eight, 0, COARSE).decoded() - eight).max() < 1e-6
    assert encoding.small(four, 0, lookup=False, shared=True).block == COARSE


def test_the_int8_choice() -> None:
    """Fine blocks for ordinary weights, float16 for keys and values of grouped attention, no offset for lookups."""
    assert encoding.small(MATRIX, 0, lookup=False, shared=False).block == FINE
    assert encoding.small(MATRIX, 0, lookup=True, shared=False).kind == "symmetric"
    assert encoding.small(MATRIX, 0, lookup=False, shared=True).kind == "half"


def test_extreme_values_survive() -> None:
    """Zeros, a block of one value, tiny weights below float16's normal range, and what float16 cannot hold."""
    for matrix in (np.zeros((32, 4)), np.full((32, 4), 0.25), RANDOM.normal(size=(32, 4)) * 1e-5):
        for encoded in encodings(matrix.astype(np.float32), 0).values():
            error = np.abs(encoded.decoded() - matrix).max()
            assert np.isfinite(error) and error <= 0.01 * np.abs(matrix).max()


def test_weights_beyond_float16_take_another_form() -> None:
    """65504 is float16's largest; what 8 bits and a float16 scale cannot hold either is refused, not made infinite."""
    large = np.random.default_rng(0).normal(size=(64, 8)).astype(np.float32) * 1e5
    for encoded in (encoding.wide(large, 0), encoding.small(large, 0, lookup=False, shared=True)):
        assert encoded.kind != "half"
        np.testing.assert_allclose(encoded.decoded(), large, atol=0.01 * np.abs(large).max())
    huge = large * 1e4
    np.testing.assert_allclose(encoding.wide(huge, 0).decoded(), huge, atol=1e-4 * np.abs(huge).max())
    for lookup in (True, False):
        with pytest.raises(Refusal, match="--weights fp32"):
            encoding.small(huge, 0, lookup=lookup, shared=False)


@pytest.mark.parametrize("weights_format", ["int8", "fp16"])
@pytest.mark.parametrize("architecture", ["gpt2", "opt", "qwen2"])
def test_a_stored_graph_computes_with_the_decoded_weights(
    architecture: str, weights_format: str, tmp_path: Path
) -> None:
    """PyTorch with every matrix replaced by its decoded one gives the stored graph's outputs: nothing else changed."""
    model = random_model(architecture)
    export(model, tmp_path)
    parameters = ((name, p.detach().numpy().copy()) for name, p in model.named_parameters())
    cleaned = clean_up.load(tmp_path / "raw.onnx", parameters)
    storage.store(cleaned, weights_format, tmp_path)
    by_name = dict(model.named_parameters())
    for name, stored in cleaned.weights.items():
        encoded = storage.encode(name, cleaned, weights_format)
        assert encoded is not None
        decoded, own = encoded.decoded(), by_name[name].detach().numpy()
        turned = decoded if np.array_equal(stored, own) else decoded.T
        assert 0 < np.abs(turned - own).max() < 0.02 * np.abs(own).max()
        by_name[name].data.copy_(by_name[name].data.new_tensor(turned))
    assert verify.check(model, tmp_path / "model.onnx") < verify.TOLERANCE


FIGURES = ("mean_abs_logprob_difference", "top1_agreement", "mean_attention_difference", "mean_hidden_difference")
LIMITS = {  # as export/README.md publishes them
    "int8": (0.05, 0.95, 0.02, 0.05),
    "fp16": (0.002, 0.995, 0.002, 0.002),
    "fp32": (0.0005, 0.999, 0.0005, 0.0005),
}


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize("weights_format", LIMITS)
def test_a_format_past_one_limit_stops_the_build(weights_format: str, name: str) -> None:
    """Probabilities, top tokens, attention and hidden states each have theirs."""
    within = dict(zip(FIGURES, LIMITS[weights_format], strict=True))
    fidelity.enforce(within, weights_format)
    past = within[name] - 1e-6 if name == "top1_agreement" else within[name] + 1e-6
    for wrong in (past, float("nan")):
        with pytest.raises(fidelity.Unfaithful, match=name.replace("_", " ")):
            fidelity.enforce(within | {name: wrong}, weights_format)


def test_the_readme_states_the_limits() -> None:
    """And every format has them."""
    lines = (Path(fidelity.__file__).parents[1] / "README.md").read_text(encoding="utf-8").splitlines()
    start = next(i for i, line in enumerate(lines) if "at most" in line and line.startswith("| format |")) + 2
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[start : start + len(LIMITS)]]
    number = {"%": 0.01, "nats": 1.0}
    stated = {row[0]: [float(cell.rstrip("% nats")) * number[re.sub(r"[\d. ]", "", cell)] for cell in row[1:]]
              for row in rows}
    assert stated == {name: pytest.approx(limits) for name, limits in LIMITS.items()}
    assert set(fidelity.BARS) == set(LIMITS)
