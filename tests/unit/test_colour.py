"""Colour arithmetic against colorsys, WCAG's own examples and published ramps; runs in CPython."""

import colorsys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyscripts.colour import colour

UNIT = st.floats(0, 1)
COLOUR = st.tuples(UNIT, UNIT, UNIT)

# Viénot, Brettel and Mollon 1999: linear RGB as people without M (deuteranope) or L cones (protanope) see it.
DEUTERANOPE = np.array([[0.29275, 0.70725, 0], [0.29275, 0.70725, 0], [-0.02234, 0.02234, 1]])
PROTANOPE = np.array([[0.11238, 0.88762, 0], [0.11238, 0.88762, 0], [0.00401, -0.00401, 1]])


@given(st.floats(0, 360), UNIT, UNIT)
def test_hsl_equals_colorsys(hue: float, saturation: float, lightness: float) -> None:
    expected = colorsys.hls_to_rgb(hue / 360, lightness, saturation)
    np.testing.assert_allclose(colour.from_hsl(hue, saturation, lightness), expected, atol=1e-9)


def test_contrast_of_known_pairs() -> None:
    white, black = (1, 1, 1), (0, 0, 0)
    assert colour.contrast(white, black) == pytest.approx(21)
    assert colour.contrast(white, white) == 1
    # #767676 is the lightest grey that passes AA on white, as WCAG's documents say.
    assert colour.contrast(white, colour.parse("#767676")) == pytest.approx(4.54, abs=0.005)
    assert colour.contrast(white, colour.parse("#777777")) < 4.5
    np.testing.assert_allclose(colour.luminance([[1, 0, 0], [0, 1, 0], [0, 0, 1]]), [0.2126, 0.7152, 0.0722])


@given(COLOUR)
def test_black_or_white_is_always_readable(background: tuple[float, float, float]) -> None:
    rgb = np.array([background])
    text = colour.parse(colour.text_on(rgb)[0])
    other = tuple(1 - value for value in text)
    assert colour.contrast(rgb[0], text) >= max(4.58, float(colour.contrast(rgb[0], other)) - 1e-9)


@given(st.lists(st.integers(0, 255), min_size=3, max_size=3))
def test_css_and_parse_are_inverse(channels: list[int]) -> None:
    code = "#{:02x}{:02x}{:02x}".format(*channels)
    assert colour.css(np.array([colour.parse(code)])) == [code]


def test_null_has_no_colour() -> None:
    null = colour.ramp(colour.VIRIDIS, [np.nan, 0.5])
    assert colour.css(null)[0] == "transparent" and colour.css(null)[1] != "transparent"
    assert colour.text_on(null)[0] == "inherit"
    assert colour.css(np.zeros((0, 3))) == [] == colour.text_on(np.zeros((0, 3)))


def test_ramps_hit_their_anchors_and_published_values() -> None:
    # matplotlib 3.10: viridis(0), (127), (255); cividis(0), (127), (255).
    places = np.array([0, 127, 255]) / 255
    viridis = np.array([colour.parse(code) for code in ("#440154", "#21918c", "#fde725")])
    cividis = np.array([colour.parse(code) for code in ("#00224e", "#7c7b78", "#fee838")])
    np.testing.assert_allclose(colour.ramp(colour.VIRIDIS, places), viridis, atol=3 / 255)
    np.testing.assert_allclose(colour.ramp(colour.CIVIDIS, places), cividis, atol=3 / 255)
    np.testing.assert_array_equal(colour.ramp("#000000 #ffffff", [-1, 0.25, 2])[:, 0], [0, 0.25, 1])


@pytest.mark.parametrize("anchors", [colour.VIRIDIS, colour.CIVIDIS])
@pytest.mark.parametrize("vision", [np.eye(3), DEUTERANOPE, PROTANOPE])
def test_ramps_brighten_steadily_for_every_colour_vision(anchors: str, vision: np.ndarray) -> None:
    rgb = colour.ramp(anchors, np.linspace(0, 1, 52))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(linear @ vision.T, 0, 1) @ [0.2126, 0.7152, 0.0722]
    lightness = 116 * np.cbrt(np.maximum(seen, 0.008856)) - 16  # CIE L*
    steps = np.diff(lightness)
    assert (steps > 0).all()
    assert steps.max() < 3 * steps.mean()


def test_bad_input() -> None:
    for code in ("red", "#12345", "1234567"):
        with pytest.raises(ValueError, match="#rrggbb"):
            colour.parse(code)
    with pytest.raises(ValueError, match="invalid literal"):
        colour.parse("#zzzzzz")
