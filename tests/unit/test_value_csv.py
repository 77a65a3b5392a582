"""What a user's code gives is saved as CSV: tables, heatmaps and arrays by token, whole and unrounded. CPython."""

import csv

import numpy as np
import pytest

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
