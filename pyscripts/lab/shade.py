"""Colours for a text's tokens from numbers or classes that a user computed, with their legend."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pyscripts.checks import said
from pyscripts.colour import colour
from pyscripts.colour.colourings import Colours, Legend, Theme
from pyscripts.colour.scales import PALETTES
from pyscripts.wording import short

CLASSES = ("#adff80 #ffea80 #ff9280 #e5b0ff #9fd3ff #d9d9d9", "#1d5c00 #6b5900 #8c1f0d #5b2080 #0f4a78 #4a4a4a")
HUE = 150.0  # degrees at the green end; 0 is red


def coloured(values: ArrayLike, palette: str | None = None, *, order: Sequence[str] = ()) -> Colours:
    """Colours of numbers [token] (NaN: none) or of classes [token], given as strings, at most six.

    palette: "magnitude" from the smallest to the largest number, "signed" around 0, "focus", or "hue" for degrees from
    0 (red) to 150 (green). None: "signed" if there are numbers below and above 0, else "magnitude". order: of the
    classes. ValueError: there is no such palette, there are too many classes, or the values are not [token].
    """
    array = np.asarray(values)
    if array.ndim != 1:
        raise ValueError(f"coloured() takes one value for each token, not an array of shape {array.shape}.")
    if array.dtype.kind in "US":
        return _classes(array.astype(str).tolist(), order)
    numbers = array.astype(np.float64)
    known = numbers[np.isfinite(numbers)]
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 0.0)
    name = palette or ("signed" if low < 0 < high else "magnitude")
    if name == "hue":
        return _continuous(numbers, np.linspace(0, HUE, 5), None, (0.0, HUE))
    if name not in PALETTES:
        raise ValueError(f"There is no palette {said(name)}. Choose from hue, {', '.join(PALETTES)}.")
    if name == "signed":
        low, high = -max(-low, high), max(-low, high)
    return _continuous(numbers, np.linspace(low, high, 3), PALETTES[name], (low, high))


def _continuous(
    numbers: NDArray[np.float64], stops: NDArray[np.float64], anchors: tuple[str, str] | None, ends: tuple[float, float]
) -> Colours:
    low, high = ends

    def theme(values: NDArray[np.float64], dark: int) -> Theme:
        if anchors is None:
            paint = colour.from_hsl(np.clip(values, low, high), 0.6, (0.85, 0.22)[dark])
        else:
            paint = colour.ramp(anchors[dark], (values - low) / (high - low or 1))
        paint[~np.isfinite(values)] = np.nan
        return Theme(colour.css(paint), colour.text_on(paint))

    labels = [short(value, 3) for value in stops.tolist()]
    legend = Legend(stops.tolist(), labels, theme(stops, 0), theme(stops, 1), True)
    return Colours(theme(numbers, 0), theme(numbers, 1), legend)


def _classes(names: Sequence[str], order: Sequence[str]) -> Colours:
    kinds = list(dict.fromkeys([*order, *names]))
    if len(kinds) > 6:
        raise ValueError(f"coloured() takes at most six classes, not {len(kinds)}.")
    light, dark = (np.array([colour.parse(code) for code in each.split()])[: len(kinds)] for each in CLASSES)
    at = [kinds.index(name) for name in names]

    def theme(paint: NDArray[np.float64]) -> Theme:
        return Theme(colour.css(paint), colour.text_on(paint))

    legend = Legend([float(i) for i in range(len(kinds))], kinds, theme(light), theme(dark), False)
    return Colours(theme(light[at]), theme(dark[at]), legend)
