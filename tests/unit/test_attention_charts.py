"""The charts of attention: nothing is skipped, names do not overlap, zooming stays in the matrix; run in Node."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from tests.unit.page_texts import NODE
from tests.unit.test_charts import PALETTE, call, marks

pytestmark = pytest.mark.skipif(not NODE, reason="needs Node (make)")


def matrix(size: int, width: int, part: dict[str, int] | None = None) -> dict[str, Any]:
    data = {
        "size": size, "levels": [i % 3 for i in range(size * size)], "palette": PALETTE,
        "names": [f"n{i}" for i in range(size)], "part": part or {"row": 0, "column": 0, "span": size},
        "rowSums": [1] * size, "columnSums": [2.0] * size, "key": [],
    }
    return call("matrix", "matrixScene", data, width)


@pytest.mark.parametrize("step", [1, 2, 3, 7])
def test_several_weights_in_a_pixel_show_the_largest(step: int, generator: np.random.Generator) -> None:
    size, part = 23, {"row": 4, "column": 2, "span": 17}
    levels = generator.integers(-1, 256, (size, size))
    found = call("matrix", "reduced", levels.ravel().tolist(), size, part, step)
    count = -(-17 // step)
    cells = np.array([found["levels"][str(i)] for i in range(count * count)]).reshape(count, count)
    window = levels[4:21, 2:19]
    for row in range(count):
        for column in range(count):
            block = window[row * step : (row + 1) * step, column * step : (column + 1) * step]
            assert cells[row, column] == block.max()


@pytest.mark.parametrize("size", [1, 8, 60, 700])
def test_names_of_a_matrix_never_overlap(size: int) -> None:
    scene = matrix(size, 500)
    names = [mark for mark in marks(scene, "text") if mark["text"].startswith("n")]
    down = [mark["y"] for mark in names if not mark.get("upright")]
    across = [mark["x"] for mark in names if mark.get("upright")]
    assert down and across
    for places in (down, across):
        assert all(b - a >= 11.9 for a, b in pairwise(places))
    area = scene["areas"][0]
    assert (area["rows"], area["columns"]) == (size, size)
    assert all(mark["x"] + mark["width"] <= scene["width"] + 2 for mark in marks(scene, "cells"))


def test_a_part_names_its_own_positions() -> None:
    scene = matrix(60, 500, {"row": 20, "column": 10, "span": 5})
    names = [mark["text"] for mark in marks(scene, "text") if mark["text"].startswith("n")]
    assert sorted(names) == sorted([f"n{i}" for i in range(20, 25)] + [f"n{i}" for i in range(10, 15)])


def test_zooming_keeps_the_place_and_stays_inside() -> None:
    whole = {"row": 0, "column": 0, "span": 100}
    near = call("matrix", "zoomed", whole, 100, 0.5, {"row": 80, "column": 20})
    assert near == {"row": 40, "column": 10, "span": 50}, "row 80 is 40 of 50 down, as it was 80 of 100"
    assert call("matrix", "zoomed", near, 100, 4, None) == whole
    assert call("matrix", "zoomed", {"row": 3, "column": 3, "span": 4}, 100, 0.5, None)["span"] == 4
    assert call("matrix", "zoomed", {"row": 0, "column": 0, "span": 3}, 3, 0.5, None)["span"] == 3
    assert call("matrix", "within", {"row": 90, "column": -5, "span": 20}, 100) == {"row": 80, "column": 0, "span": 20}


def heads(rows: int, columns: int, width: int, **more: Any) -> dict[str, Any]:
    blocks = 24
    data = {
        "rows": rows, "columns": columns, "group": 3, "order": list(range(rows * columns)), "inPlace": True,
        "names": [None] * (rows * columns), "shades": [0] * (rows * columns), "palette": PALETTE, "key": [],
        "opened": 1, "picked": [2],
        "patterns": {"levels": {"nan": [1] * (rows * columns * blocks * blocks)}, "blocks": blocks, "palette": PALETTE},
        **more,
    }
    return call("heads", "headsScene", data, width)


def test_every_head_has_a_pixel_for_each_block() -> None:
    """Thirty layers of nine heads, and more heads than fit: the chart scrolls rather than skip."""
    for columns, width in ((9, 320), (36, 320)):
        scene = heads(30, columns, width)
        cells = marks(scene, "cells")
        assert len(cells) == 30 * columns
        assert min(mark["width"] for mark in cells) >= 23
        assert (scene["areas"][0]["rows"], scene["areas"][0]["columns"]) == (30, columns)
    assert len([mark for mark in marks(scene, "text") if mark["text"].startswith("keys ")]) == 12


def test_heads_in_order_carry_their_names() -> None:
    scene = heads(2, 3, 300, order=[5, 0, 1, 2, 3, 4], inPlace=False, patterns=None)
    texts = [mark["text"] for mark in marks(scene, "text")]
    assert [text for text in texts if "." in text] == ["1.2", "0.0", "0.1", "0.2", "1.0", "1.1"]
    assert not marks(scene, "cells")


def linked(chosen: int | None = None, width: int = 150) -> dict[str, Any]:
    """The first word is position 1, the prefix token is not in the text; a character is 7 px wide: 21 in a line."""
    texts = ["", "The", " people", " of", " the", " village", " and", " the", " people"]
    links = [8, 2, 4, 1, 7, 5]
    data = {"texts": texts, "links": links, "levels": [2, 1, 0], "palette": PALETTE, "rtl": False, "chosen": chosen}
    return call("arcs", "arcsScene", data, width)


def test_an_arc_begins_and_ends_at_its_tokens() -> None:
    """Above both in one line; from the top of the one to the foot of the other between two lines."""
    scene = linked()
    words = {mark["text"]: mark for mark in marks(scene, "text")}
    assert "".join(mark["text"] for mark in marks(scene, "text")) == "The people of the village and the people"
    ends = [(mark["paths"][0][0], mark["paths"][0][-1]) for mark in marks(scene, "line")]
    areas = scene["areas"]
    assert len(areas) == 9 and areas[0]["width"] == 0
    centre = [area["x"] + area["width"] / 2 for area in areas]
    for (start, end), (query, key) in zip(ends, [(7, 5), (4, 1), (8, 2)], strict=True):  # the strongest is drawn last
        assert (start[0], end[0]) == pytest.approx((centre[query], centre[key]))
        same = areas[query]["y"] == areas[key]["y"]
        assert start[1] < areas[query]["y"] + areas[query]["height"] / 2
        assert (end[1] < areas[key]["y"] + areas[key]["height"] / 2) == same
    assert words["The"]["fill"] == "ink" and words[" and"]["fill"] == "ink-soft"


def test_a_chosen_token_has_only_its_own_arcs() -> None:
    assert len(marks(linked(), "line")) == 3
    scene = linked(chosen=5)
    assert len(marks(scene, "line")) == 1
    assert {mark["text"] for mark in marks(scene, "text") if mark["fill"] == "ink"} == {" the", " village"}
    assert not marks(linked(chosen=6), "line")


def test_arcs_stay_in_their_picture() -> None:
    for width in (80, 150, 900):
        scene = linked(width=width)
        for mark in marks(scene, "line"):
            assert all(0 <= x <= scene["width"] and 0 <= y <= scene["height"] for x, y in mark["paths"][0])
