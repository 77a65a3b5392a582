"""Every colouring: its own formula, readable text in both themes, nulls, a true legend; runs in CPython."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyscripts.colour import colour, colourings, hue
from pyscripts.colour.colourings import COLOURINGS, Colours, Theme
from pyscripts.metrics.likelihood import TokenStatistics
from tests.unit import page_module
from tests.unit.page_texts import NODE


def statistics(logprob: list[float], entropy: float = 2.0) -> TokenStatistics:
    """Statistics whose rank follows from the probability; NaN = null."""
    values = np.array(logprob, np.float64)
    with np.errstate(invalid="ignore"):
        rank = np.where(np.isnan(values), 0, np.minimum(np.ceil(np.exp(-values)), 50257)).astype(np.int32)
    no_top = np.zeros((len(values), 0))
    mass = np.where(np.isnan(values), np.nan, 0.0)
    return TokenStatistics(values, rank, np.full(len(values), entropy), mass, no_top.astype(np.int32), no_top)


def rgb(css: str) -> np.ndarray:
    """[3] of `#rrggbb` or `hsl(h 60% 85%)`."""
    if css.startswith("#"):
        return np.array(colour.parse(css))
    degrees, saturation, lightness = css.removeprefix("hsl(").removesuffix(")").replace("%", "").split()
    return colour.from_hsl(float(degrees), float(saturation) / 100, float(lightness) / 100)


def themes(found: Colours) -> list[Theme]:
    return [found.light, found.dark, found.legend.light, found.legend.dark]


@settings(deadline=None)
@given(
    st.sampled_from(sorted(COLOURINGS)),
    st.lists(st.one_of(st.just(float("nan")), st.floats(-30, 0), st.just(-np.inf)), max_size=20),
    st.floats(0, 11),
)
def test_text_is_readable_and_nulls_have_no_colour(name: str, logprob: list[float], entropy: float) -> None:
    found = COLOURINGS[name].function(statistics(logprob, entropy))
    for theme in themes(found):
        for background, text in zip(theme.background, theme.text, strict=True):
            if background == "transparent":
                assert text == "inherit"
            else:
                assert colour.contrast(rgb(background), rgb(text)) >= colour.MINIMUM_CONTRAST
    for theme in (found.light, found.dark):
        null = [background == "transparent" for background in theme.background]
        assert null == np.isnan(logprob).tolist()
    legend = found.legend
    assert len(legend.values) == len(legend.labels) == len(legend.light.background) == len(legend.dark.text)


@pytest.mark.parametrize("count", [1, 3, 7, 10, 100])
def test_equal_tokens_have_one_colour_in_the_legend_too(count: int) -> None:
    """Also where the mean of equal log-probabilities is off by a rounding error, as it is for ten of them."""
    found = COLOURINGS["hue"].function(statistics([float(np.log(0.1))] * count))
    assert found.legend.labels == ["10%"] and len(set(found.light.background)) == 1
    (shown,) = found.legend.light.background
    np.testing.assert_allclose(rgb(found.light.background[0]), rgb(shown), atol=1 / 255)


@pytest.mark.parametrize("name", sorted(COLOURINGS))
def test_legend_colours_are_those_of_its_values(name: str) -> None:
    legend = COLOURINGS[name].function(statistics([-1.0, -2.0, -8.0])).legend
    # Per colouring, statistics whose tokens have just the legend's values.
    if name == "hue":
        logprob = np.array([-1.0, -2.0, -8.0])
        lo, hi = hue.limits(logprob)
        assert hi > 0  # where no log-probability can be: the legend ends at certainty
        assert (legend.labels[0], legend.labels[-1]) == (f"1 in {float(f'{np.exp(-lo):.2g}'):,.0f}", "100%")
        np.testing.assert_allclose(legend.values, [lo, lo / 2, 0])
        shown = [rgb(c) for c in legend.light.background]
        at = [150 * (value - lo) / (hi - lo) for value in legend.values]
        np.testing.assert_allclose(shown, [rgb(c) for c in hue.css(at)], atol=1 / 255)
        return
    entropies = np.full(len(legend.values), 2.0)
    values = np.array(legend.values)
    if name == "gltr":
        logprob = -np.log([9.5, 99.5, 999.5, 1000.5])
    elif name == "transformer_lab":
        logprob = np.log(np.maximum(values / 100, 1e-9))
    elif name == "circuitsvis":
        logprob = values
    elif name in ("viridis", "cividis"):
        logprob = -values * np.log(2)
    elif name == "entropy":
        logprob, entropies = np.full(len(values), -1.0), values
    else:
        logprob, entropies = np.full(len(values), -5.0), 5.0 - values
    made = statistics(list(logprob))
    made = TokenStatistics(
        made.logprob, made.rank, entropies, made.mass_above, made.top_ids, made.top_logprobs
    )
    found = COLOURINGS[name].function(made)
    for theme, of_legend in ((found.light, legend.light), (found.dark, legend.dark)):
        for css, of_stop in zip(theme.background, of_legend.background, strict=True):
            np.testing.assert_allclose(rgb(css), rgb(of_stop), atol=1.5 / 255)


def test_hue_is_design_s() -> None:
    logprob = [-2.0, -6.0, -2.0, -6.0]
    found = COLOURINGS["hue"].function(statistics(logprob))
    assert found.light.background == ["hsl(105.0 60% 85%)", "hsl(45.0 60% 85%)"] * 2
    assert next(iter(COLOURINGS)) == "hue"


def test_gltr_classes() -> None:
    made = statistics([-1.0] * 7)
    made.rank[:] = [1, 10, 11, 100, 101, 1000, 1001]
    found = COLOURINGS["gltr"].function(made).light.background
    assert found[0] == found[1] == "#adff80" and found[2] == found[3] == "#ffea80"
    assert found[4] == found[5] == "#ff9280" and found[6] == "#e5b0ff"


def test_circuitsvis_saturates_at_minus_five() -> None:
    found = COLOURINGS["circuitsvis"].function(statistics([0, -2.5, -5, -30, -np.inf])).light.background
    assert found == ["#ff0000", "#ff8080", "#ffffff", "#ffffff", "#ffffff"]


def test_transformer_lab_rounds_as_it_does() -> None:
    # In JavaScript: Math.floor(Math.round(p * 100) / 100 * 100), which is 28 for 29 %.
    found = COLOURINGS["transformer_lab"].function(statistics(np.log([1.0, 0.5, 0.29, 0.004]).tolist()))
    expected = colour.css(colour.from_hsl([100, 50, 28, 0], 0.9, 0.89))
    assert found.light.background == expected


def test_difference_is_mirrored() -> None:
    found = colourings.difference([5.0, 0.0, -5.0, np.nan], 5)
    assert found.light.background == ["#4393c3", "#f7f7f7", "#e08214", "transparent"]
    assert found.legend.values[0] == 5 and found.legend.labels[0] == "+5 nats"
    small = colourings.difference([0.25, 0.0, -0.5], 0.25)
    assert small.light.background == ["#4393c3", "#f7f7f7", "#e08214"]
    assert small.legend.labels == ["+0.25 nats", "+0.125 nats", "0 (no change)", "−0.125 nats", "−0.25 nats"]
    assert small.legend.in_units == {"nats": small.legend.labels, "bits": [
        "+0.361 bits", "+0.18 bits", "0 (no change)", "−0.18 bits", "−0.361 bits"]}


def test_amounts_in_a_legend_are_in_either_unit() -> None:
    legends = {id: entry.function(statistics([-1.0, -2.0])).legend for id, entry in COLOURINGS.items()}
    assert {id for id, legend in legends.items() if legend.in_units} == {
        "viridis", "cividis", "entropy", "surprise_excess"}
    assert legends["viridis"].in_units == {
        "bits": ["0 bits (100%)", "3 bits (12.5%)", "6 bits (1.6%)", "9 bits (0.2%)", "12 bits (0.02%)"],
        "nats": ["0 nats (100%)", "2.08 nats (12.5%)", "4.16 nats (1.6%)", "6.24 nats (0.2%)", "8.32 nats (0.02%)"]}
    assert legends["entropy"].in_units == {
        "bits": ["0 bits (certain)", "2.89 bits", "5.77 bits", "8.66 bits", "11.5 bits (uncertain)"],
        "nats": legends["entropy"].labels}
    assert legends["entropy"].labels == ["0 nats (certain)", "2 nats", "4 nats", "6 nats", "8 nats (uncertain)"]


def test_menu_is_complete_and_quick() -> None:
    made = statistics(np.random.default_rng(0).uniform(-12, 0, 1024).tolist())
    start = time.process_time()  # of this process alone: the machine may be busy
    for name, entry in COLOURINGS.items():
        assert entry.id == name and entry.title and entry.description.endswith((".", "?"))
        assert len(entry.function(made).dark.text) == 1024
    assert time.process_time() - start < 0.1 * len(COLOURINGS)


def test_hue_of_equal_values_and_of_nothing_known() -> None:
    equal = COLOURINGS["hue"].function(statistics([-2.0, -2.0]))
    assert equal.legend.values == [-2.0] and equal.light.background == ["hsl(75.0 60% 85%)"] * 2
    unknown = COLOURINGS["hue"].function(statistics([float("nan")]))
    assert unknown.legend.values == unknown.legend.labels == unknown.legend.light.text == []


@pytest.mark.parametrize(
    ("one_in", "said"),
    [(20_000, "1 in 20,000"), (999_000, "1 in 1M"), (6.04e8, "1 in 600M"), (7.4e9, "1 in 7.4B"),
     (9.7e11, "1 in 970B"), (3e13, "1 in 30T"), (3.2e200, "< 1 in 1,000T")],
)
def test_a_tiny_probability_has_a_short_label(one_in: float, said: str) -> None:
    assert colourings._logprob_label(-np.log(one_in)) == said


@pytest.mark.skipif(not NODE, reason="needs Node (make)")
def test_the_page_knows_every_colouring() -> None:
    """It takes no other from a link or from what it kept."""
    script = "import(process.argv[1]).then(({COLOURINGS}) => process.stdout.write(JSON.stringify(COLOURINGS)))"
    assert page_module.run(script, "shared/options.js", None) == list(COLOURINGS)
