"""A plot of one or more arrays as an SVG string, in the colours and manner of the page's charts; no packages."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pyscripts.checks import said
from pyscripts.wording import short

KINDS = ("line", "scatter", "bar")
WIDTH, HEIGHT = 640, 320  # px
LEFT, RIGHT, TOP, BOTTOM = 56, 16, 12, 26  # margins, without the lines of words
LINE = 20  # height of a line of words
COLOURS = {  # custom properties of the page, which replaces them, and what stands for them elsewhere
    "page": "#ffffff", "ink": "#1b1f24", "ink-soft": "#565e68", "line": "#e3e5e8", "line-strong": "#868d96",
    "accent": "#1f5fae", "second": "#a8590b", "wrong": "#a4262c", "bar": "#b9cde6",
}
SERIES = (("accent", ""), ("second", "6 3"), ("ink-soft", "2 3"), ("wrong", "9 3 2 3"))  # colour and dashes of lines
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif"
MOST = 20_000  # points
LARGEST = 1e300  # of a value: an axis ends further out
FINEST = 1e-10  # of an axis, relative to its values: its labels have twelve digits
LETTER = 6.5  # px of a letter of an axis, about
LONGEST = 14  # letters of a name on the x axis

Values = NDArray[np.float64]
Series = ArrayLike | Sequence[ArrayLike] | Mapping[str, ArrayLike]


@dataclass(frozen=True)
class Frame:
    """Where values lie: pixels at the ends of the axes, and the values there."""

    top: float
    bottom: float
    x_ends: tuple[float, float]
    y_ends: tuple[float, float]

    def x(self, value: float) -> float:
        low, high = self.x_ends
        return LEFT + (value - low) / (high - low) * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        low, high = self.y_ends
        return self.bottom - (value - low) / (high - low) * (self.bottom - self.top)


def plot(
    y: Series, x: ArrayLike | None = None, *, kind: str = "line", title: str = "", x_label: str = "", y_label: str = ""
) -> str:
    """Draws values [point] over x [point] as an SVG string, which the Python lens shows as a picture.

    y: one array, a list of arrays, or a dict of arrays by name (at most four); NaN: no value there. x: numbers, or
    names, which stand side by side; None: 0, 1, 2 … kind: "line", "scatter" or "bar" (side by side, from 0). Labels
    may name units. ValueError: the arrays differ in length, hold no number, or are too many or too long.
    """
    if kind not in KINDS:
        raise ValueError(f"kind is one of {', '.join(KINDS)}, not {said(kind)}.")
    series = _series(y)
    count = len(next(iter(series.values())))
    given = np.arange(count) if x is None else np.asarray(x)
    if given.shape != (count,):
        raise ValueError(f"x must have one value for each of the {count} of y, not shape {given.shape}.")
    named = kind == "bar" or given.dtype.kind not in "biuf"
    places = np.arange(count, dtype=np.float64) if named else given.astype(np.float64)
    everything = np.concatenate([values[np.isfinite(values) & np.isfinite(places)] for values in series.values()])
    if not everything.size:
        raise ValueError("There is no number to plot.")
    known = places[np.isfinite(places)]
    low, high = float(everything.min()), float(everything.max())
    if max(np.abs(everything).max(), np.abs(known).max()) > LARGEST:
        raise ValueError(f"plot() draws numbers from {-LARGEST:g} to {LARGEST:g}. Scale them first.")
    steps = ticks(min(low, 0) if kind == "bar" else low, max(high, 0) if kind == "bar" else high)
    ends = (-0.5, count - 0.5) if named else _apart(float(known.min()), float(known.max()))
    keyed = len(series) > 1
    top = TOP + LINE * (bool(title) + bool(y_label or keyed))
    frame = Frame(top, HEIGHT - BOTTOM - LINE * bool(x_label), ends, (steps[0], steps[-1]))
    marks = [f'<rect width="{WIDTH}" height="{HEIGHT}" fill="{_colour("page")}"/>']
    marks += _words(title, x_label, y_label)
    marks += _key([*series], kind, top - LINE / 2 - 4) if keyed else []
    marks += _y_axis(frame, steps)
    labels = [short(value) if given.dtype.kind in "biuf" else str(value) for value in given.tolist()] if named else []
    marks += _x_names(frame, labels) if named else _x_axis(frame)
    for i, values in enumerate(series.values()):
        if kind == "bar":
            marks += _bars(frame, values, i, len(series))
        else:
            points = [(frame.x(a), frame.y(b)) if math.isfinite(a) and math.isfinite(b) else None
                      for a, b in zip(places.tolist(), values.tolist(), strict=True)]
            marks += _line(points, i) if kind == "line" else _dots(points, i)
    base = frame.y(0 if kind == "bar" else steps[0])
    marks.append(_stroke(f"M{LEFT} {_at(base)}H{WIDTH - RIGHT}", "line-strong"))
    name = _text(title or y_label or "Plot")
    head = (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}" '
            f'font-family="{FONT}" font-size="11" role="img">')
    return "\n".join([head, f"<title>{name}</title>", *marks, "</svg>"])


def ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Round numbers from at or below `low` to at or above `high`, about `most` steps of 1, 2 or 5 times a power of 10
    apart."""
    low, high = _apart(low, high)
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * (1 - 1e-9))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [float(f"{i * step:.12g}") for i in range(first, last + 1)]


def _apart(low: float, high: float) -> tuple[float, float]:
    """The ends of an axis; two that are equal, or as good as that, are moved apart."""
    size = max(abs(low), abs(high))
    if size > 1 / LARGEST and high - low > FINEST * size:
        return low, high
    around = abs(low) / 2 if size > 1 / LARGEST else 0.5
    return low - around, high + around


def _series(y: Series) -> dict[str, Values]:
    """The arrays by name, checked."""
    if isinstance(y, Mapping):
        given = {str(name): np.asarray(values) for name, values in y.items()}
    elif isinstance(y, Sequence) and y and not np.isscalar(y[0]):
        given = {str(i + 1): np.asarray(values) for i, values in enumerate(y)}
    else:
        given = {"": np.asarray(y)}
    shapes, kinds = {values.shape for values in given.values()}, {values.dtype.kind for values in given.values()}
    if len(shapes) != 1 or len(next(iter(shapes))) != 1 or not kinds <= set("biuf"):
        raise ValueError(f"plot() takes arrays of numbers [point] of one length, not of shapes {sorted(shapes)}.")
    if len(given) > len(SERIES):
        raise ValueError(f"plot() takes at most {len(SERIES)} arrays, not {len(given)}.")
    if (count := next(iter(shapes))[0]) > MOST:
        raise ValueError(f"plot() takes at most {MOST} points, not {count}.")
    return {name: values.astype(np.float64) for name, values in given.items()}


def _words(title: str, x_label: str, y_label: str) -> list[str]:
    """The title and the labels of the axes."""
    middle = TOP + LINE / 2 - 4
    marks = []
    if title:
        marks.append(_label(8, middle, title, fill="ink", more=' font-size="13" font-weight="600"'))
    if y_label:
        marks.append(_label(8, middle + LINE * bool(title), y_label))
    if x_label:
        marks.append(_label((LEFT + WIDTH - RIGHT) / 2, HEIGHT - LINE / 2, x_label, anchor="middle"))
    return marks


def _key(names: list[str], kind: str, y: float) -> list[str]:
    """What the colours and dashes of several series mean, in a line that ends at the right."""
    marks, right = [], float(WIDTH - RIGHT)
    for i, name in reversed(list(enumerate(names))):
        left = right - LETTER * len(_cut(name)) - 24
        colour, dashes = SERIES[i]
        sign = f'<rect x="{_at(left)}" y="{_at(y - 4)}" width="8" height="8" fill="{_colour(colour)}"/>'
        marks.append(_stroke(f"M{_at(left - 8)} {_at(y)}h16", colour, 1.75, dashes) if kind == "line" else sign)
        marks.append(_label(left + 14, y, _cut(name)))
        right = left - 12
    return marks


def _y_axis(frame: Frame, steps: list[float]) -> list[str]:
    lines = "".join(f"M{LEFT} {_at(frame.y(step))}H{WIDTH - RIGHT}" for step in steps)
    return [_stroke(lines, "line"), *(_label(LEFT - 6, frame.y(step), short(step), anchor="end") for step in steps)]


def _x_axis(frame: Frame) -> list[str]:
    low, high = frame.x_ends
    inside = [step for step in ticks(low, high, 8) if low <= step <= high]
    return [_label(frame.x(step), frame.bottom + BOTTOM / 2, short(step), anchor="middle") for step in inside]


def _x_names(frame: Frame, names: list[str]) -> list[str]:
    """As many names as there is room for."""
    room = LETTER * (max(len(_cut(name)) for name in names) + 1)
    every = math.ceil(len(names) * room / (WIDTH - LEFT - RIGHT))
    return [_label(frame.x(i), frame.bottom + BOTTOM / 2, _cut(name), anchor="middle")
            for i, name in enumerate(names) if i % every == 0]


def _bars(frame: Frame, values: Values, series: int, count: int) -> list[str]:
    step = frame.x(1) - frame.x(0)
    wide, zero = 0.8 * step / count, frame.y(0)
    colour = _colour("bar" if count == 1 else SERIES[series][0])
    marks = []
    for i, value in enumerate(values.tolist()):
        if math.isfinite(value):
            y = frame.y(value)
            left = frame.x(i) - 0.4 * step + series * wide
            marks.append(f'<rect x="{_at(left)}" y="{_at(min(y, zero))}" width="{_at(wide)}" '
                         f'height="{_at(abs(zero - y))}" fill="{colour}"/>')
    return marks


def _line(points: list[tuple[float, float] | None], series: int) -> list[str]:
    """One path, broken where there is no value; a value between two such is a dot."""
    colour, dashes = SERIES[series]
    path, alone = "", []
    for i, point in enumerate(points):
        if point is None:
            continue
        joined, after = i and points[i - 1] is not None, i + 1 < len(points) and points[i + 1] is not None
        path += f"{'L' if joined else 'M'}{_at(point[0])} {_at(point[1])}"
        if not joined and not after:
            alone.append(point)
    return [_stroke(path, colour, 1.75, dashes), *_dots([*alone], series)]


def _dots(points: list[tuple[float, float] | None], series: int) -> list[str]:
    return [f'<circle cx="{_at(point[0])}" cy="{_at(point[1])}" r="3" fill="{_colour(SERIES[series][0])}"/>'
            for point in points if point]


def _stroke(path: str, colour: str, width: float = 1, dashes: str = "") -> str:
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    return f'<path d="{path}" fill="none" stroke="{_colour(colour)}" stroke-width="{width:g}"{dashed}/>'


def _label(x: float, y: float, words: str, *, fill: str = "ink-soft", anchor: str = "start", more: str = "") -> str:
    """Words whose middle is at y."""
    return (f'<text x="{_at(x)}" y="{_at(y)}" text-anchor="{anchor}" dominant-baseline="central" '
            f'fill="{_colour(fill)}"{more}>{_text(words)}</text>')


def _colour(name: str) -> str:
    return f"var(--{name}, {COLOURS[name]})"


def _text(words: str) -> str:
    """As XML has it: no markup, no quotes, and none of the control characters that it cannot hold."""
    allowed = "".join(each if each in "\t\n" or (each >= " " and not "\ud800" <= each <= "\udfff" and
                                                 each not in "\ufffe\uffff") else "\ufffd" for each in words)
    return escape(allowed, {'"': "&quot;"})


def _cut(name: str) -> str:
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"


def _at(value: float) -> str:
    """Pixels, to a hundredth."""
    return f"{round(value, 2) + 0.0:g}" if abs(value) < 1e5 else f"{value:.0f}"
