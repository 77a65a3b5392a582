"""The sentences about numbers, at the bounds where they change."""

import math

import pytest

from export.site.serve import SITE
from pyscripts import wording
from pyscripts.strides import ONLY_LIKELIHOODS
from pyscripts.trace import NO_PREDICTION


@pytest.mark.parametrize(("probability", "said"), [
    (1.0, "almost certain"), (0.9, "almost certain"), (0.899, "confident"), (0.6, "confident"), (0.599, "undecided"),
    (0.3, "undecided"), (0.299, "uncertain"), (0.1, "uncertain"), (0.0999, "very uncertain"), (0.0, "very uncertain"),
])  # fmt: skip
def test_how_certain_the_model_was(probability: float, said: str) -> None:
    assert wording.confidence(probability) == said


@pytest.mark.parametrize(("entropy", "said"), [
    (0.0, "sharply focused"), (0.2, "sharply focused"), (0.201, "focused"), (0.4, "focused"), (0.401, "mixed"),
    (0.6, "mixed"), (0.601, "spread out"), (0.8, "spread out"), (0.801, "diffuse"), (1.0, "diffuse"),
    (1.0000001, "diffuse"),
])  # fmt: skip
def test_how_diffuse_attention_is(entropy: float, said: str) -> None:
    assert wording.focus(entropy) == said


def test_places_are_counted_in_english() -> None:
    said = [wording.ordinal(n) for n in (1, 2, 3, 4, 10, 11, 12, 13, 21, 22, 23, 101, 111, 112, 1001, 50257)]
    assert said == ["1st", "2nd", "3rd", "4th", "10th", "11th", "12th", "13th", "21st", "22nd", "23rd", "101st",
                    "111th", "112th", "1,001st", "50,257th"]


def test_a_prediction_in_two_sentences() -> None:
    assert wording.expectation(math.log(4), 0.25, 3, 0.125) == (
        "The model was uncertain (as if between 4.0 equally likely tokens). This token ranked 3rd, with 12.5%.")
    assert "between 2,500 equally likely" in wording.expectation(math.log(2500), 0.01, 1200, 1e-6)
    assert wording.expectation(0.0, 1.0, 1, 1.0).endswith("This token ranked 1st, with 100.0%.")
    assert wording.choices(0.0) == 1 and wording.choices(math.log(7)) == pytest.approx(7)


def test_a_number_has_a_true_minus_sign_and_a_short_exponent() -> None:
    assert [wording.short(value) for value in (-0.123456, 1234567.0, -1e-5, 1e12)] == [
        "−0.1235", "1.235e6", "−1e−5", "1e+12"]
    assert wording.short(-0.123456, 3) == "−0.123"


@pytest.mark.parametrize(("sentence", "module"), [
    (ONLY_LIKELIHOODS, "page/runs.js"), (NO_PREDICTION, "lenses/why/choice.js"),
])  # fmt: skip
def test_the_page_says_the_same_before_python_is_asked(sentence: str, module: str) -> None:
    assert f"'{sentence}'" in (SITE / module).read_text(encoding="utf-8")
