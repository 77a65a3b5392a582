"""Maps numbers to steps of a colour scale, so that charts only look up colours."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pyscripts.colour import colour

LEVELS = 256  # steps of every palette: more than the eye can tell apart

PALETTES = {  # name -> evenly spaced anchors for light and for dark pages
    "magnitude": ("#f5f9fd #c6dbef #6baed6 #2171b5 #08306b", "#171d25 #0f3d68 #2171b5 #6baed6 #d6e9f8"),
    "signed": (  # orange: below 0, page background: 0, blue: above
        "#b35806 #e08214 #fdb863 #f5f5f5 #92c5de #4393c3 #1f6aa5",
        "#f0a35e #c8741c #7a4a1a #20242b #1f5478 #4393c3 #9fd0ef",
    ),
    "focus": (  # orange: focused, grey: between, blue: diffuse
        "#c2600a #e39a4f #b3adb2 #6f9fcb #1f5fa0",
        "#f2a660 #b9763a #716c78 #4c82b3 #9ccdf0",
    ),
}


@dataclass(frozen=True)
class Scale:
    """The range of values that a chart's colours cover."""

    low: float
    high: float
    logarithmic: bool = False

    def levels(self, values: ArrayLike) -> NDArray[np.int32]:
        """Steps 0 ... LEVELS - 1 of values [...], clipped to the scale; -1 = null (NaN)."""
        array = np.asarray(values, np.float64)
        low, high = self.low, self.high
        if self.logarithmic:
            array, low, high = np.log(np.maximum(array, low)), np.log(low), np.log(high)
        place = (array - low) / (high - low) if high > low else np.full_like(array, 0.5) + 0 * array
        known = np.nan_to_num(np.clip(place, 0, 1), nan=0)
        return np.where(np.isnan(array), -1, np.rint(known * (LEVELS - 1))).astype(np.int32)

    def stops(self, count: int = 3) -> list[dict[str, float | int]]:
        """`count` evenly spaced legend entries: {value, level}."""
        at = np.linspace(0, 1, count)
        low, high = self.low, self.high
        values = low * (high / low) ** at if self.logarithmic else low + (high - low) * at
        steps = np.rint(at * (LEVELS - 1)).astype(int)
        return [{"value": float(v), "level": int(s)} for v, s in zip(values, steps, strict=True)]


def logarithmic(values: ArrayLike) -> Scale:
    """A logarithmic scale from the smallest positive to the largest value; NaN is ignored."""
    array = np.asarray(values, np.float64)
    positive = array[np.isfinite(array) & (array > 0)]
    if not positive.size:
        return Scale(1, 1, True)
    return Scale(float(positive.min()), float(positive.max()), True)


def symmetric(values: ArrayLike) -> Scale:
    """A linear scale, symmetric around 0, that covers all values; NaN is ignored."""
    array = np.asarray(values, np.float64)
    most = float(np.abs(array[np.isfinite(array)]).max(initial=0))
    return Scale(-most, most)


def row_levels(rows: NDArray[np.float32]) -> tuple[NDArray[np.int16], NDArray[np.float32]]:
    """Steps [row, column] of rows of weights 0 or more, from 0 to the row's largest weight; -1 = null (NaN). And those
    largest weights [row]; 0 if there is none."""
    most = np.fmax.reduce(rows, axis=1, initial=0)
    return weight_levels(rows, np.where(most > 0, most, 1)[:, None]), most.astype(np.float32)


def weight_levels(weights: NDArray[np.float32], most: ArrayLike) -> NDArray[np.int16]:
    """Steps [...] of weights from 0 to `most` (above 0); -1 = null (NaN). Single precision: there may be a million."""
    scaled = weights * np.divide(LEVELS - 1, most, dtype=np.float32)
    np.rint(scaled, out=scaled)
    scaled[np.isnan(scaled)] = -1
    return scaled.astype(np.int16)


def palette(name: str) -> dict[str, list[str]]:
    """CSS colours [level] of a palette, light and dark, and of text on them."""
    at = np.linspace(0, 1, LEVELS)
    light, dark = (colour.ramp(anchors, at) for anchors in PALETTES[name])
    return {
        "light": colour.css(light),
        "dark": colour.css(dark),
        "light_text": colour.text_on(light),
        "dark_text": colour.text_on(dark),
    }
