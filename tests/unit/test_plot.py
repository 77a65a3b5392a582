"""The lab's plot: coordinates worked out by hand, whole XML with hostile labels, and what is refused."""

import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from pyscripts.lab.plot import COLOURS, MOST, WIDTH, plot, ticks

SVG = "{http://www.w3.org/2000/svg}"


def parsed(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)


def words(svg: str) -> list[str | None]:
    return [each.text for each in parsed(svg).iter(f"{SVG}text")]


def paths(svg: str, colour: str) -> list[str]:
    return [each.get("d", "") for each in parsed(svg).iter(f"{SVG}path")
            if each.get("stroke") == f"var(--{colour}, {COLOURS[colour]})"]


def rects(svg: str, colour: str) -> list[list[float]]:
    found = (each for each in parsed(svg).iter(f"{SVG}rect") if each.get("fill", "").startswith(f"var(--{colour},"))
    return [[float(each.get(name, "nan")) for name in ("x", "y", "width", "height")] for each in found]


@pytest.mark.parametrize(("low", "high", "expected"), [
    (0, 2, [0, 0.5, 1, 1.5, 2]), (-3, 10, [-5, 0, 5, 10]), (0.21, 0.29, [0.2, 0.22, 0.24, 0.26, 0.28, 0.3]),
    (7, 7, [2, 4, 6, 8, 10, 12]), (0, 1e6, [0, 2e5, 4e5, 6e5, 8e5, 1e6]), (0, 0, [-0.6, -0.4, -0.2, 0, 0.2, 0.4, 0.6]),
])
def test_ticks_are_round_and_hold_the_values(low: float, high: float, expected: list[float]) -> None:
    found = ticks(low, high)
    assert found == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("values", [[5e-324, 0], [1e-320, 1e-319], [1, 1 + 1e-15], [1e299, 1e299 * (1 + 1e-12)],
                                    [1e300, -1e300], [1e-299, 2e-299], [0, 0], [-1e9, -1e9]])
@pytest.mark.parametrize("kind", ["line", "bar"])
def test_values_that_are_as_good_as_equal_are_drawn(values: list[float], kind: str) -> None:
    for given in ((values,), ([1, 2], values)):
        svg = plot(*given, kind=kind)
        drawn = rects(svg, "bar") if kind == "bar" else [[float(each) for each in re.findall(r"[^MLH ]+", path)]
                                                         for path in paths(svg, "accent")]
        assert drawn and all(0 <= value <= WIDTH for each in drawn for value in each)
        assert not re.search(r">\W*(nan|inf)", svg)


def test_a_line_lies_where_its_values_are() -> None:
    """Without words the axes run from 56 to 624 and from 294 up to 12; the values 0, 1 and 2 end at both."""
    svg = plot([0, 1, 2])
    assert paths(svg, "accent") == ["M56 294L340 153L624 12"]
    assert [each for each in words(svg) if each] == ["0", "0.5", "1", "1.5", "2", *("0", "0.5", "1", "1.5", "2")]
    assert parsed(svg).get("width") == "640" and parsed(svg).get("viewBox") == "0 0 640 320"
    over = plot([0, 1, 2], [0, 10, 40], title="T", x_label="x", y_label="nats")  # 52 … 274; 10 is a quarter of the way
    assert paths(over, "accent") == ["M56 274L198 163L624 52"]
    assert {"T", "x", "nats"} <= set(words(over)) and parsed(over).findtext(f"{SVG}title") == "T"


def test_a_missing_value_breaks_the_line() -> None:
    svg = plot([0, 1, np.nan, 1, np.nan, 2, 0])
    x = [56 + 568 * i / 6 for i in range(7)]
    assert paths(svg, "accent") == [f"M56 294L{x[1]:.2f} 153M340 153M{x[5]:.2f} 12L624 294"]
    alone = [(each.get("cx"), each.get("cy")) for each in parsed(svg).iter(f"{SVG}circle")]
    assert alone == [("340", "153")]


def test_bars_stand_on_zero_side_by_side() -> None:
    """Two places of 284 px each; −1 … 1 over 282 px; bars take 80% of their place."""
    svg = plot([1, -1], ["a", "b"], kind="bar")
    assert rects(svg, "bar") == [[84.4, 12, 227.2, 141], [368.4, 153, 227.2, 141]]
    assert words(svg)[-2:] == ["a", "b"] and "−1" in words(svg)
    both = plot({"one": [1, -1], "two": [np.nan, 1]}, kind="bar")  # the names take 20 px at the top
    assert rects(both, "accent")[-2:] == [[84.4, 32, 113.6, 131], [368.4, 163, 113.6, 131]]
    assert rects(both, "second")[-1] == [482, 32, 113.6, 131]
    assert {"one", "two"} <= set(words(both))


def test_dots_and_several_lines() -> None:
    svg = plot([3.0, 1.0], [2.0, 1.0], kind="scatter")
    dots = [(each.get("cx"), each.get("cy")) for each in parsed(svg).iter(f"{SVG}circle")]
    assert dots == [("624", "12"), ("56", "294")]
    lines = plot({"a": np.arange(4), "b": np.arange(4)[::-1]})
    assert len(paths(lines, "accent")) == len(paths(lines, "second")) == 2  # the line, and its part of the key
    assert 'stroke-dasharray="6 3"' in lines
    assert words(plot([1, 2], kind="bar", x=["a" * 40, "b"]))[-2] == "a" * 13 + "…"
    names = [each for each in words(plot(np.ones(100), [f"token {i}" for i in range(100)])) if "token" in str(each)]
    assert names[0] == "token 0" and 5 < len(names) < 12  # as many as fit


def test_hostile_labels_are_words() -> None:
    hostile = '</text><script>alert(1)</script>&amp; "\' ]]> \x00\x1b\ud800 ="var(--ink, #000000)"'
    labels = dict.fromkeys(("title", "x_label", "y_label"), hostile)
    svg = plot({hostile: [1, 2], "b": [2, 1]}, [hostile, "c"], kind="bar", **labels)
    assert not list(parsed(svg).iter("script")) and "<script" not in svg
    shown = hostile.replace("\x00", "\ufffd").replace("\x1b", "\ufffd").replace("\ud800", "\ufffd")
    assert words(svg).count(shown) == 3
    attributes = {name for each in parsed(svg).iter() for name in each.attrib}
    assert not [name for name in attributes if name.startswith("on") or "href" in name]
    assert svg.count('="var(--') == svg.count("var(--") - 4  # nowhere in a label, of which the title is one twice
    svg.encode()


@pytest.mark.parametrize(("given", "why"), [
    (([1e308, -1e308],), r"plot\(\) draws numbers from -1e\+300 to 1e\+300\. Scale them first\."),
    (([1, 2], [0, 1e308]), r"plot\(\) draws numbers from"),
    (([1, 2], [1]), "one value for each"), (([[1, 2], [1]],), "one length"), (([float("nan")],), "no number"),
    ((np.zeros((2, 2, 2)),), "one length"), ((["a"],), "arrays of numbers"), (([[1]] * 5,), "at most 4"),
    ((np.zeros(MOST + 1),), "at most 20000 points"), (([],), "no number"),
])
def test_what_cannot_be_drawn_is_said(given: tuple, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        plot(*given)
    with pytest.raises(ValueError, match="kind is one of"):
        plot([1], kind="pie")
