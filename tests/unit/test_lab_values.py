"""What a user's code gives: what it is shown as, and saved as CSV, whole and unrounded; runs in CPython."""

import csv

import numpy as np
import pytest

from pyscripts.colour import colourings
from pyscripts.lab.values import value_csv
from tests.unit.test_lab import IDS, lab, page_session, shown


def rows(text: str) -> list[list[str]]:
    assert text.startswith("\ufeff")
    return list(csv.reader(text.removeprefix("\ufeff").splitlines()))


def test_a_table_is_saved_whole() -> None:
    """Also the rows that are not shown, and columns of several lengths; a spreadsheet takes no cell for a formula."""
    found = rows(value_csv({"n": [1 / 3, float("nan"), *range(2000)], "text": ["=1+1", 'a "b", c'], "one": True}, None))
    assert found[:4] == [["n", "text", "one"], [str(1 / 3), "'=1+1", "True"], ["", 'a "b", c', ""], ["0", "", ""]]
    assert len(found) == 1 + 2002


def test_arrays_have_names_where_they_are_as_long_as_the_run() -> None:
    run = lab(page_session())._run
    assert run is not None
    by_token = rows(value_csv(run.logprob, run))
    assert [row[0] for row in by_token] == ["", *run.texts] and len(run.texts) == len(IDS)
    assert [float(cell or "nan") for _, cell in by_token[1:]] == pytest.approx(run.logprob.tolist(), rel=0, nan_ok=True)
    assert rows(value_csv(np.array([[1, 2], [np.inf, -4]]), None)) == [
        ["", "0", "1"],
        ["0", "1.0", "2.0"],
        ["1", "", "-4.0"],
    ]
    assert rows(value_csv(["x", "y"], None)) == [["", "value"], ["0", "x"], ["1", "y"]]


def test_what_the_last_code_gave_is_saved() -> None:
    session = lab(page_session())
    shown(session, "{'a': [1, 2]}")
    assert rows(session.csv()) == [["a"], ["1"], ["2"]]
    for other in ("coloured(run.logprob)", "'words'", "1 / 0", "None"):
        shown(session, other)
        with pytest.raises(ValueError, match="no rows and columns"):
            session.csv()


def test_what_values_are_shown_as() -> None:
    session = lab(page_session())
    value, _ = shown(session, "run.logprob")
    assert value["kind"] == "colours" and len(value["values"]) == len(value["colours"]["light"]["background"]) == 5
    assert "mean −" in value["text"]
    by_position, _ = shown(session, "np.append(9.0, run.logprob)")  # [position]: the prefix token has no colour
    assert by_position["colours"] == value["colours"]
    assert shown(session, "coloured(run.logprob)")[0]["colours"] == value["colours"]
    hue = "from pyscripts.colour import colourings\ncolourings.hue(run.statistics)"
    page = colourings.hue(page_session()._current(1).reading.trace.statistics())
    assert shown(session, hue)[0]["colours"]["light"] == vars(page.light)
    assert shown(session, "['x', 'y'] * 2 + ['x']")[0]["colours"]["legend"]["labels"] == ["x", "y"]
    value, arrays = shown(session, "run.attentions[0, 0]")
    assert [value["kind"], value["rows"], value["columns"], value["palette"]] == ["heatmap", 6, 6, "magnitude"]
    assert value["row_names"] == value["column_names"] == ["(prefix)", *session._run.texts]  # type: ignore[union-attr]
    assert arrays["levels"].dtype == np.int16 and arrays["levels"].max() == 255
    value, arrays = shown(session, "[[-1, 2], [float('nan'), 0]]")
    assert value["palette"] == "signed" and arrays["levels"].tolist() == [[64, 255], [-1, 128]]
    assert shown(session, "np.arange(3)")[0]["rows"] == 1
    value, _ = shown(session, "{'n': [1, 2.5, float('inf')], 'text': run.texts, 'one': 'x'}")
    assert value["kind"] == "table" and value["columns"] == ["n", "text", "one"] and value["length"] == 5
    assert value["rows"][:3] == [[1, "b", "x"], [2.5, "e", None], [None, "c", None]]
    value, _ = shown(session, "{'of no axis': [np.array(2.5), np.array(1)], 'one': np.array(3)}")
    assert value["rows"] == [[2.5, 3], [1, None]]
    assert shown(session, "'<svg></svg>'")[0] == {"kind": "picture", "svg": "<svg></svg>", "title": ""}
    value, _ = shown(session, "plot(run.logprob, title='a < b', y_label='nats')")
    assert value["kind"] == "picture" and value["title"] == "a < b" and ">nats</text>" in value["svg"]
    assert shown(session, "'<b>'")[0] == {"kind": "text", "text": "<b>"}
    assert shown(session, "run")[0]["text"].startswith("Run of 5 tokens: ")
    assert shown(session, "{1: run}")[0]["kind"] == "text"
    assert "shape (2, 2, 6, 6)" in shown(session, "run.attentions")[0]["text"]
    assert shown(session, "None")[0] == {"kind": "nothing"}
