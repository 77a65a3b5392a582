"""Colour arithmetic: ramps, HSL, contrast and CSS, on arrays of sRGB values."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

RGB = NDArray[np.float64]  # [..., 3] sRGB, 0 ... 1; NaN = null

MINIMUM_CONTRAST = 4.5  # WCAG 2.2, success criterion 1.4.3, level AA

# Every 15th of matplotlib's 256 entries; linear interpolation between them is off by at most 11/255.
VIRIDIS = (
    "#440154 #481769 #472a7a #433d84 #3d4e8a #355e8d #2e6d8e #297b8e #23898e "
    "#1f978b #21a585 #2eb37c #46c06f #65cb5e #89d548 #b0dd2f #d8e219 #fde725"
)  # van der Walt and Smith 2015
CIVIDIS = (
    "#00224e #002d68 #163770 #2e416d #3f4c6c #4e566c #5c616e #696b71 #767676 "
    "#838179 #928c78 #a09875 #afa471 #bfb06b #cfbd62 #dfca57 #f0d846 #fee838"
)  # Nunez, Anderton and Renslow 2018: looks the same with red-green colour blindness


def ramp(anchors: str, position: ArrayLike) -> RGB:
    """Colours [..., 3] at positions [...] 0 ... 1 along evenly spaced `#rrggbb` anchors; clamped at the ends."""
    points = np.array([parse(anchor) for anchor in anchors.split()])  # [anchor, 3]
    at = np.clip(np.asarray(position, np.float64), 0, 1) * (len(points) - 1)
    return np.stack([np.interp(at, np.arange(len(points)), points[:, c]) for c in range(3)], axis=-1)


def parse(code: str) -> tuple[float, float, float]:
    """`#rrggbb` to red, green, blue, each 0 ... 1; anything else raises ValueError."""
    if len(code) != 7 or code[0] != "#":
        raise ValueError(f"{code!r} is not a colour of the form #rrggbb.")
    red, green, blue = (int(code[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return red, green, blue


def from_hsl(hue: ArrayLike, saturation: float, lightness: float) -> RGB:
    """Hues [...] in degrees, saturation and lightness 0 ... 1, to [..., 3], by the formula of CSS Color 4."""
    offset = np.array([0.0, 8.0, 4.0])
    k = (offset + np.asarray(hue, np.float64)[..., None] / 30) % 12
    return lightness - saturation * min(lightness, 1 - lightness) * np.clip(np.minimum(k - 3, 9 - k), -1, 1)


def luminance(rgb: ArrayLike) -> NDArray[np.float64]:
    """WCAG relative luminance [...] of colours [..., 3], 0 (black) ... 1 (white)."""
    values = np.asarray(rgb, np.float64)
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    return np.asarray(linear @ np.array([0.2126, 0.7152, 0.0722]))


def contrast(one: ArrayLike, other: ArrayLike) -> NDArray[np.float64]:
    """WCAG contrast ratio [...] of two colours [..., 3], 1 ... 21."""
    a, b = luminance(one), luminance(other)
    return np.asarray((np.maximum(a, b) + 0.05) / (np.minimum(a, b) + 0.05))


def text_on(background: RGB) -> list[str]:
    """Black or white on backgrounds [token, 3], whichever has more contrast (at least 4.58); null is `inherit`."""
    light = luminance(background)  # [token]
    black_wins = (light + 0.05) ** 2 >= 0.05 * 1.05
    texts: list[str] = np.where(np.isnan(light), "inherit", np.where(black_wins, "#000000", "#ffffff")).tolist()
    return texts


def css(rgb: RGB) -> list[str]:
    """Colours [token, 3] as `#rrggbb`; null is `transparent`."""
    null = np.isnan(rgb).any(axis=1)  # [token]
    digits = np.rint(np.nan_to_num(np.clip(rgb, 0, 1)) * 255).astype(np.uint8).tobytes().hex()
    codes = [f"#{digits[i : i + 6]}" for i in range(0, len(digits), 6)]
    for i in np.flatnonzero(null).tolist():
        codes[i] = "transparent"
    return codes
