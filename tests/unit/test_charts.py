"""Charts are pure functions: the marks of small scenes worked by hand, and the SVG made of them; run in Node."""

import json
import subprocess
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest

from tests.unit.page_texts import NODE

pytestmark = pytest.mark.skipif(not NODE, reason="needs Node (make)")

PALETTE = {"light": ["#000000", "#777777", "#ffffff"], "dark": ["#ffffff", "#777777", "#000000"]}
SVG = "{http://www.w3.org/2000/svg}"


def call(*request: Any) -> Any:
    command = [str(NODE), str(Path(__file__).with_name("call_charts.mjs"))]
    done = subprocess.run(command, input=json.dumps(request), capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


def marks(scene: dict[str, Any], kind: str, **values: Any) -> list[dict[str, Any]]:
    return [m for m in scene["marks"] if m["kind"] == kind and all(m.get(k) == v for k, v in values.items())]


def bars(*series: list[float | None], **more: Any) -> dict[str, Any]:
    """The scene of rows a, b, c with one track of bars, 100 px wide from x = 40."""
    track = {"kind": "bars", "title": "t", "series": [{"values": values, "fill": "bar"} for values in series], **more}
    rows = {"labels": ["a", "b", "c"], "labelRoom": 40, "rowHeight": 20, "tracks": [track]}
    return call("rows", "rowsScene", rows, 140)


def test_bars_are_as_long_as_their_values_on_one_axis() -> None:
    scene = bars([1.0, 4.0, None])
    assert [(m["x"], m["width"]) for m in marks(scene, "rect")] == [(40, 25), (40, 100)]
    assert {"0", "4", "a", "b", "c", "t"} == {m["text"] for m in marks(scene, "text")}
    assert [m["width"] for m in marks(bars([1.0, 4.0, 2.0], most=8), "rect")] == [12.5, 50, 25]
    assert [m["width"] for m in marks(bars([1.0, 2.0, 2.0], [4.0, None, 1.0]), "rect")] == [25, 50, 50, 100, 25]
    assert not marks(scene, "line")[1:]


def test_a_bar_beyond_the_axis_is_cut_off_and_marked() -> None:
    scene = bars([100.0, 1.0, 4.0], most=4)
    assert [(m["x"], m["width"]) for m in marks(scene, "rect")] == [(40, 100), (40, 25), (40, 100)]
    (cut,) = marks(scene, "line", stroke="panel")
    row = marks(scene, "rect")[0]
    for path in cut["paths"]:
        for x, y in path:
            assert 40 < x < 140 and row["y"] - 1 <= y <= row["y"] + row["height"] + 1
    assert "4" in {m["text"] for m in marks(scene, "text")}


def test_bars_of_both_signs_begin_at_zero() -> None:
    scene = bars([-1.0, 3.0, 0.0])
    assert [(m["x"], m["width"]) for m in marks(scene, "rect")] == [(40, 25), (65, 75)]
    zero = marks(scene, "line")[0]["paths"][0]
    assert {x for x, _ in zero} == {65}


def test_cells_and_their_key() -> None:
    levels = [0, 1, 2, -1, 1, 0]
    track = {"kind": "cells", "title": "heads", "levels": levels, "columns": 3, "palette": PALETTE, "ends": ["0", "2"],
             "key": [{"level": 0, "label": "low"}, {"level": 2, "label": "high"}]}
    rows = {"labels": ["0", "1"], "labelRoom": 20, "rowHeight": 10, "tracks": [track]}
    scene = call("rows", "rowsScene", rows, 80)
    cells, ramp = marks(scene, "cells")
    assert (cells["x"], cells["width"], cells["height"], cells["levels"]) == (20, 60, 20, levels)
    assert (ramp["levels"][0], ramp["levels"][-1]) == (0, 2)
    texts = {m["text"] for m in marks(scene, "text")}
    assert {"heads", "0", "2", "low", "high"} <= texts
    assert scene["areas"] == [{"x": 20, "y": cells["y"], "width": 60, "height": 20, "rows": 2, "columns": 3}]


def test_cells_without_a_number_are_struck_through_and_columns_named_as_far_as_they_fit() -> None:
    track = {"kind": "cells", "title": "", "levels": [0, -1, 1, -1, -1, 2], "columns": 3, "palette": PALETTE, "key": [],
             "names": ["one", "two", "three"], "blank": "not computed yet"}
    rows = {"labels": ["0", "1"], "labelRoom": 20, "rowHeight": 10, "tracks": [track]}
    scene = call("rows", "rowsScene", rows, 80)
    struck, key = marks(scene, "line")
    assert len(struck["paths"]) == 3 and len(key["paths"]) == 1
    assert [path[0][0] for path in struck["paths"]] == [40, 20, 40]
    assert [m["x"] for m in marks(scene, "text", upright=True)] == [30, 50, 70]
    assert len(marks(scene, "text", text="not computed yet")) == 1
    filled = call("rows", "rowsScene", {**rows, "tracks": [{**track, "levels": [0] * 6}]}, 80)
    assert not marks(filled, "line") and not marks(filled, "text", text="not computed yet")
    assert filled["height"] == scene["height"], "nothing moves when the last cell is computed"
    narrow = call("rows", "rowsScene", {**rows, "tracks": [{**track, "widest": 5}]}, 80)
    assert [m["text"] for m in marks(narrow, "text", upright=True)] == ["one"]


def test_narrow_cells_make_a_wide_scene() -> None:
    track = {"kind": "cells", "title": "", "levels": [0] * 500, "columns": 500, "palette": PALETTE, "key": [],
             "narrowest": 4}
    scene = call("rows", "rowsScene", {"labels": ["x"], "labelRoom": 30, "rowHeight": 10, "tracks": [track]}, 300)
    assert scene["width"] == 30 + 4 * 500 and scene["frozen"] == 30


def test_the_strip_has_a_bar_for_each_number() -> None:
    data = {"bars": {"nan": [None, 8.0, 2.0, 4.0]}, "line": {"nan": [None, 5.0, 4.0, 3.0]},
            "dashes": {"nan": [1.0, None, 2.0, 3.0]}, "highest": 8.0, "unit": "bits"}
    scene = call("along", "alongScene", data, 432, 126)
    bars = marks(scene, "rect")
    assert [bar["height"] for bar in bars] == pytest.approx([100, 25, 50])
    assert [bar["x"] + bar["width"] / 2 for bar in bars] == pytest.approx([30 + 100 * (i + 0.5) for i in (1, 2, 3)])
    dashed = next(m for m in marks(scene, "line") if m.get("dash"))
    assert [len(path) for path in dashed["paths"]] == [2], "a gap is not bridged, one point alone is no line"
    assert len(marks(scene, "text", text="bits")) == 1
    assert scene["areas"][0]["columns"] == 4


def test_a_vector_is_folded_without_losing_a_value() -> None:
    levels = list(range(3)) * 33
    scene = call("vector", "vectorScene", {"levels": levels, "palette": PALETTE, "key": []}, 34 + 6 * 40)
    cells = marks(scene, "cells")[0]
    assert cells["columns"] == 32 and cells["rows"] == 4
    assert cells["levels"][: len(levels)] == levels and set(cells["levels"][len(levels) :]) == {-1}


def pieces(*texts: str) -> list[dict[str, Any]]:
    return [{"text": text, "fill": ["#eee", "#111"], "ink": "ink", "generated": False} for text in texts]


def test_the_coloured_text_keeps_words_together_and_every_character() -> None:
    texts = ["The", " light", "house", " of", "\n", " x", "extraordinarily-long-word-without-end"]
    data = {"pieces": pieces(*texts), "key": [], "rtl": False, "mono": False}
    scene = call("coloured_text", "colouredTextScene", data, 100)  # a character is 8.5 px wide: 11 in a line
    lines: dict[float, str] = {}
    for mark in marks(scene, "text"):
        lines[mark["y"]] = lines.get(mark["y"], "") + mark["text"]
    assert list(lines.values())[:3] == ["The", " lighthouse", " of"]
    assert "".join(lines.values()).replace(" ", "") == "".join(texts).replace(" ", "").replace("\n", "")
    assert all(len(line) <= 11 for line in lines.values())


def test_right_to_left_text_begins_at_the_right() -> None:
    data = {"pieces": pieces("שלום", " עולם"), "key": [], "rtl": True, "mono": False}
    first, second = marks(call("coloured_text", "colouredTextScene", data, 300), "text")
    assert first["x"] == 300 and first["align"] == "end" and second["x"] < first["x"]


def test_svg_holds_texts_as_they_are_and_merges_equal_cells() -> None:
    cells = {"kind": "cells", "x": 0, "y": 0, "width": 40, "height": 10, "rows": 1, "columns": 4,
             "levels": [0, 0, 1, -1], "palette": PALETTE, "gap": 0}
    text = {"kind": "text", "x": 1, "y": 2, "text": '<b> & "q" \x00  ', "size": 11, "fill": "ink", "align": "end"}
    root = ElementTree.fromstring(call("svg", "svgOf", {"width": 50, "height": 20, "marks": [cells, text]}, "a<b", 5))
    assert root.attrib["viewBox"] == "-5 -5 60 30" and root.findtext(f"{SVG}title") == "a<b"
    assert root.findtext(f"{SVG}text") == '<b> & "q" �  '
    paths = [(p.attrib["fill"], p.attrib["d"]) for p in root.iter(f"{SVG}path")]
    assert paths == [("#000000", "M0 0h20v10h-20z"), ("#777777", "M20 0h10v10h-10z")]


def test_the_axis_of_the_strip_separates_thousands() -> None:
    data = {"bars": {"nan": [1600.0] * 3000}, "line": {"nan": [None]}, "dashes": {"nan": [None]},
            "highest": 1600.0, "unit": "bits"}
    texts = {m["text"] for m in marks(call("along", "alongScene", data, 432, 126), "text")}
    assert {"2,000", "1,000"} <= texts and not any(text.isdigit() and len(text) > 3 for text in texts)
