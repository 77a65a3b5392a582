"""Every way to colour a text's tokens, with its legend, for light and dark pages.

A colouring is a pure function from TokenStatistics to Colours. Null values (a first
token without a prefix) get no colour.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pyscripts.colour import colour
from pyscripts.colour import hue as linus_lee
from pyscripts.metrics.likelihood import TokenStatistics, surprisal_bits

SHORT = ((1e12, "T"), (1e9, "B"), (1e6, "M"))  # how large numbers are written: 7.4B
RAREST = 1e15  # a probability below 1 in so many is not told apart from others
Values = NDArray[np.float64]  # [token]; NaN = null
Paint = Callable[[Values], colour.RGB]
Limits = tuple[float, float]
UNITS = {"bits": math.log(2), "nats": 1.0}  # what a page can show amounts in -> its size in nats


@dataclass(frozen=True)
class Theme:
    """One page theme's colours as CSS; text on its background has a contrast of at least 4.5."""

    background: list[str]  # [token]; `transparent` = null
    text: list[str]  # [token]; `inherit` = null


@dataclass(frozen=True)
class Legend:
    """Some values with their colours, in display order."""

    values: list[float]  # [stop] in the unit of the labels; classes are numbered from 0
    labels: list[str]  # [stop]
    light: Theme  # [stop]
    dark: Theme  # [stop]
    continuous: bool  # whether colours flow between the stops
    in_units: dict[str, list[str]] | None = None  # "bits", "nats" -> labels [stop], if they hold amounts of these


@dataclass(frozen=True)
class Colours:
    light: Theme
    dark: Theme
    legend: Legend


@dataclass(frozen=True)
class Colouring:
    """An entry of the menu."""

    id: str
    title: str
    description: str
    function: Callable[..., Colours]  # takes TokenStatistics; if there are `limits`, also what `hue` takes
    of_words: bool = False  # whether it reads log-probabilities only, so that words can be coloured by it too
    limits: Callable[[TokenStatistics], Limits] | None = None  # of its scale, if that depends on the text

    def colours(self, statistics: TokenStatistics, first: int = 0, limits: Limits | None = None) -> Colours:
        """Of token `first` and all later ones; limits: those of the scale, if not the text's own."""
        if self.limits is None:
            return self.function(statistics.since(first))
        return self.function(statistics, first, limits)


def hue(statistics: TokenStatistics, first: int = 0, limits: Limits | None = None) -> Colours:
    """Linus Lee's: hue 0 ... 150 over mean +- 2.5 std of the run, `hsl(hue 60% 85%)`; dark pages get 22%.

    Of token `first` and all later ones; limits: the scale's lowest and highest log-probability, if not the text's own.
    """
    lo, hi = limits = linus_lee.limits(statistics.logprob) if limits is None else limits
    hues = linus_lee.hue(statistics.logprob, limits)[first:]  # [token]
    top = min(hi, 0.0)  # no log-probability lies above 0
    logprobs = [lo, (lo + top) / 2, top]
    if linus_lee.is_even(lo, hi):  # all equally likely, or all null
        stops, logprobs = ([], []) if np.isnan(lo) else ([linus_lee.EVEN], [lo])
    else:
        stops = [linus_lee.GREEN * (value - lo) / (hi - lo) for value in logprobs]
    colours = _colours(
        hues,
        light=lambda h: colour.from_hsl(h, 0.6, 0.85),
        dark=lambda h: colour.from_hsl(h, 0.6, 0.22),
        stops=stops,
        labels=[_logprob_label(value) for value in logprobs],
    )
    return Colours(
        light=replace(colours.light, background=linus_lee.css(hues)),
        dark=colours.dark,
        legend=replace(colours.legend, values=logprobs),
    )


def gltr(statistics: TokenStatistics) -> Colours:
    """GLTR's classes (Gehrmann et al. 2019): green for the top 10, yellow 100, red 1000, purple below.

    GLTR counts ranks from 0 and tests rank < 10, which is rank 10 or better here.
    """
    classes = np.digitize(statistics.rank, [10, 100, 1000], right=True)  # [token]
    return _colours(
        np.where(statistics.rank > 0, classes, np.nan),
        light=_ramp("#adff80 #ffea80 #ff9280 #e5b0ff", 0, 3),
        dark=_ramp("#1d5c00 #6b5900 #8c1f0d #5b2080", 0, 3),
        stops=[0, 1, 2, 3],
        labels=["top 10", "top 100", "top 1,000", "below"],
        continuous=False,
    )


def circuitsvis(statistics: TokenStatistics) -> Colours:
    """CircuitsVis' token log-probabilities: the redder the likelier, white at -5 nats and below."""
    return _colours(
        statistics.logprob,
        light=_ramp("#ffffff #ff0000", -5, 0),
        dark=_ramp("#161616 #c00000", -5, 0),
        stops=[-5, -2.5, 0],
        labels=[_logprob_label(value) for value in (-5, -2.5, 0)],
    )


def transformer_lab(statistics: TokenStatistics) -> Colours:
    """Transformer Lab's: p in whole percents is the hue in degrees, `hsl(100p 90% 89%)`, linear in p."""
    # Its order of rounding and flooring, which turns 29% into 28 degrees (29 / 100 * 100 is slightly below 29).
    probability = np.floor(statistics.probability * 100 + 0.5) / 100
    return _colours(
        np.floor(probability * 100),
        light=lambda h: colour.from_hsl(h, 0.9, 0.89),
        dark=lambda h: colour.from_hsl(h, 0.9, 0.2),
        stops=[0, 25, 50, 75, 100],
        labels=["0%", "25%", "50%", "75%", "100%"],
    )


def viridis(statistics: TokenStatistics) -> Colours:
    """Surprisal 0 ... 12 bits on matplotlib's viridis, perceptually even."""
    return _surprisal_ramp(statistics, colour.VIRIDIS)


def cividis(statistics: TokenStatistics) -> Colours:
    """Surprisal 0 ... 12 bits on cividis, which looks the same with red-green colour blindness."""
    return _surprisal_ramp(statistics, colour.CIVIDIS)


def uncertainty(statistics: TokenStatistics) -> Colours:
    """Entropy 0 ... 8 nats of the prediction, whatever token followed."""
    in_units = _in_units([0, 2, 4, 6, 8], ["{} (certain)", "{}", "{}", "{}", "{} (uncertain)"])
    return _colours(
        np.where(np.isnan(statistics.logprob), np.nan, statistics.entropy),
        light=_ramp("#f7fbff #c6dbef #6baed6 #2171b5", 0, 8),
        dark=_ramp("#10161d #0b3a66 #2171b5 #9ecae1", 0, 8),
        stops=[0, 2, 4, 6, 8],
        labels=in_units["nats"],
        in_units=in_units,
    )


def surprise_excess(statistics: TokenStatistics) -> Colours:
    """Surprisal minus entropy, -5 ... 5 nats: orange is more surprising than expected, blue less."""
    return _diverging(statistics.surprise_excess, "as expected")


def difference(change: ArrayLike, most: float) -> Colours:
    """Change of log-probability [token] from another reading, -most ... most nats: blue likelier, orange less."""
    colours = _diverging(-np.asarray(change, np.float64), "no change", most)
    legend = colours.legend
    in_units = {unit: labels[::-1] for unit, labels in (legend.in_units or {}).items()}
    values = [-value for value in legend.values]
    return replace(colours, legend=replace(legend, values=values, labels=in_units["nats"], in_units=in_units))


COLOURINGS = {
    entry.id: entry
    for entry in (
        Colouring(
            "hue",
            "Likelihood in this text",
            "Red: unlikely for this text. Green: likely.",
            hue,
            of_words=True,
            limits=lambda statistics: linus_lee.limits(statistics.logprob),
        ),
        Colouring(
            "gltr",
            "Rank classes (GLTR)",
            "Whether the token ranked among the model's top 10, 100 or 1,000.",
            gltr,
        ),
        Colouring("viridis", "Surprisal (viridis)", "The same surprisal scale for every text.", viridis, True),
        Colouring("cividis", "Surprisal (cividis)", "The same scale in colour-blind safe colours.", cividis, True),
        Colouring("entropy", "Entropy", "Entropy of the prediction, whatever token followed.", uncertainty),
        Colouring(
            "surprise_excess",
            "Surprisal minus entropy",
            "Orange: more surprising than expected. Blue: less.",
            surprise_excess,
        ),
        Colouring(
            "transformer_lab",
            "Probability (Transformer Lab)",
            "From red at 0% to green at 100%, linear in probability.",
            transformer_lab,
            of_words=True,
        ),
        Colouring(
            "circuitsvis",
            "Log-probability (CircuitsVis)",
            "Red at 0 nats (certain), fading to none at −5 nats.",
            circuitsvis,
            of_words=True,
        ),
    )
}  # id -> Colouring, the default first


def _colours(
    values: Values, light: Paint, dark: Paint, stops: list[float], labels: list[str], continuous: bool = True,
    in_units: dict[str, list[str]] | None = None,
) -> Colours:
    at = np.array(stops, np.float64)  # [stop]
    legend = Legend(stops, labels, _theme(light(at)), _theme(dark(at)), continuous, in_units)
    return Colours(_theme(light(values)), _theme(dark(values)), legend)


def _in_units(nats: Sequence[float], labels: Sequence[str]) -> dict[str, list[str]]:
    """[stop] labels in each of UNITS, with the amounts in place of "{}"."""
    return {
        unit: [label.format(f"{amount / size:.3g} {unit}") for amount, label in zip(nats, labels, strict=True)]
        for unit, size in UNITS.items()
    }


def _theme(background: colour.RGB) -> Theme:
    return Theme(colour.css(background), colour.text_on(background))


def _ramp(anchors: str, lowest: float, highest: float) -> Paint:
    return lambda values: colour.ramp(anchors, (values - lowest) / (highest - lowest))


def _surprisal_ramp(statistics: TokenStatistics, anchors: str) -> Colours:
    backwards = " ".join(reversed(anchors.split()))
    stops: list[float] = [0, 3, 6, 9, 12]
    shares = ["{} (100%)", "{} (12.5%)", "{} (1.6%)", "{} (0.2%)", "{} (0.02%)"]
    in_units = _in_units([stop * UNITS["bits"] for stop in stops], shares)
    return _colours(surprisal_bits(statistics.logprob), _ramp(backwards, 0, 12), _ramp(anchors, 0, 12), stops,
                    in_units["bits"], in_units=in_units)


def _diverging(values: Values, middle: str, most: float = 5) -> Colours:
    amounts = [most, most / 2, 0, most / 2, most]
    in_units = _in_units(amounts, ["−{}", "−{}", f"0 ({middle})", "+{}", "+{}"])
    return _colours(
        values,
        light=_ramp("#4393c3 #f7f7f7 #e08214", -most, most),
        dark=_ramp("#4393c3 #1c1c1c #e08214", -most, most),
        stops=[-most, -most / 2, 0, most / 2, most],
        labels=in_units["nats"],
        in_units=in_units,
    )


def _logprob_label(logprob: float) -> str:
    """The probability, as a percentage or as one in so many, with two digits."""
    probability = math.exp(logprob)
    if probability >= 0.001:
        return f"{100 * probability:.3g}%"
    if probability * RAREST < 1:
        return "< 1 in 1,000T"
    number = float(f"{1 / probability:.2g}")
    size, letter = next(((size, letter) for size, letter in SHORT if number >= size), (1, ""))
    return f"1 in {number / size:,.{int(size > 1 and number < 10 * size)}f}{letter}".replace(".0", "")
