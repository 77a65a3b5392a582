"""The colours of a text while it is read, put together as in the page, are those of the whole text; runs in CPython."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyscripts.colour import whole_words
from pyscripts.colour.colourings import COLOURINGS
from pyscripts.colour.growing import GrowingColours
from pyscripts.metrics import Scored
from tests.unit.test_colourings import statistics

VALUES = st.lists(st.one_of(st.just(float("nan")), st.floats(-30, 0), st.just(-np.inf)), min_size=1, max_size=30)


def scored(logprob: list[float], words: list[int], stop: int) -> Scored:
    """The first tokens of a text whose words begin at `words`."""
    starts = [0, *sorted({each for each in words if 0 < each < stop})]
    spans = np.array([[a, b] for a, b in zip(starts, [*starts[1:], stop], strict=True)], np.int64)
    return Scored(statistics(logprob[:stop]), np.arange(stop), spans, np.zeros(stop + 1))


def put_together(shown: dict[str, Any] | None, new: dict[str, Any]) -> dict[str, Any]:
    """What the page shows after an update."""
    first = new["first"]
    assert first == 0 or (shown is not None and first <= len(shown["light"]["text"]))

    def theme(name: str) -> dict[str, list[str]]:
        return {of: [*(shown[name][of][:first] if shown else []), *added[name][of]] for of in ("background", "text")}

    added = json.loads(json.dumps(new, default=vars))
    return {"light": theme("light"), "dark": theme("dark"), "legend": added["legend"]}


def of_whole(name: str, of_words: bool, whole: Scored) -> dict[str, Any]:
    colouring = COLOURINGS[name]
    colours = whole_words.colours(colouring, whole) if of_words else colouring.function(whole.statistics)
    return {"light": vars(colours.light), "dark": vars(colours.dark), "legend": {
        **vars(colours.legend), "light": vars(colours.legend.light), "dark": vars(colours.legend.dark)}}


@settings(deadline=None, max_examples=200)
@given(
    st.lists(st.tuples(st.sampled_from(sorted(COLOURINGS)), st.booleans()), min_size=1, max_size=3),
    VALUES, st.lists(st.integers(0, 30)), st.lists(st.integers(1, 30), max_size=6),
)
def test_at_the_end_all_colours_are_those_of_the_whole_text(
    chosen: list[tuple[str, bool]], logprob: list[float], words: list[int], stops: list[int],
) -> None:
    """In several updates, by a colouring that may change between them, of tokens or words."""
    growing, shown = GrowingColours(), None
    cuts = sorted({min(stop, len(logprob)) for stop in stops} | {len(logprob)})
    for i, stop in enumerate(cuts):
        name, of_words = chosen[i % len(chosen)]
        of_words &= COLOURINGS[name].of_words
        whole = scored(logprob, words, stop)
        shown = put_together(shown, growing.new(COLOURINGS[name], whole, of_words=of_words, exact=False))
        assert len(shown["light"]["text"]) == stop
    if not growing.exact:
        shown = put_together(shown, growing.new(COLOURINGS[name], whole, of_words=of_words, exact=True))
    np.testing.assert_equal(shown, of_whole(name, of_words, whole))  # a null's legend is NaN


@pytest.mark.parametrize("of_words", [False, True])
def test_a_long_text_is_coloured_by_little_and_little(of_words: bool) -> None:
    """2,000 tokens, ten at a time: most updates colour the new ones only, and no hue is off by over 1.5 degrees."""
    draw = np.random.default_rng(5)
    logprob = (-draw.gamma(1, 3, size=2000)).tolist()
    growing, shown, coloured = GrowingColours(), None, []
    for stop in range(10, 2001, 10):
        whole = scored(logprob, list(range(0, 2000, 2)), stop)
        new = growing.new(COLOURINGS["hue"], whole, of_words=of_words, exact=False)
        coloured.append(stop - new["first"])
        shown = put_together(shown, new)
        right = of_whole("hue", of_words, whole)
        hues, expected = ([float(css[4:].split()[0]) for css in each["light"]["background"]] for each in (shown, right))
        assert max(abs(np.subtract(hues, expected))) <= 1.5 + 0.1  # one decimal each
    assert np.median(coloured) <= 12 and sum(coloured) < 200 * 2000 / 2 / 3
    assert not growing.exact and growing.new(COLOURINGS["hue"], whole, of_words=of_words, exact=True)["first"] == 0
    assert growing.exact and growing.new(COLOURINGS["hue"], whole, of_words=of_words, exact=True)["first"] >= 1998
