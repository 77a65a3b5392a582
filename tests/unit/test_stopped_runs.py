"""A reading that was stopped is saved in every format, and opened again with its whole text."""

import csv
import io
import json
from types import SimpleNamespace

import numpy as np
import pytest

from pyscripts import run as run_json
from pyscripts.page.session import Session
from pyscripts.saved import files
from pyscripts.saved.opened import open_reading
from tests.unit.saved_runs import IDS, built, saveable
from tests.unit.test_opened_runs import opened_as


@pytest.mark.parametrize("stop", [1, 2, 3, 5])
@pytest.mark.parametrize("kind", ["json", "npz"])
def test_a_reading_that_was_stopped_is_opened_with_its_whole_text(kind: str, stop: int) -> None:
    """After position 3, in the middle of a character."""
    run = saveable(stop=stop)
    data, text, read = files.write(run, kind), run.reading.tokens.text, run.reading.trace.shown
    assert read == stop - 1
    opened = open_reading(data, "run")
    assert opened.text == text and opened.reading.trace.shown == read
    np.testing.assert_array_equal(opened.reading.trace.statistics().logprob, run.reading.trace.statistics().logprob)
    assert opened.reading.tokens.ids[:read] == run.reading.tokens.ids[:read] and opened.reading.tokens.total == len(IDS)
    assert run_json.build(opened.reading, opened.vocabulary, opened.manifest) == built(run)
    session = Session()
    about = json.loads(session.open_saved(SimpleNamespace(to_py=lambda: data), "run"))
    session.show_saved(1)
    assert about["text"] == text and session.update(1, ended=True)["count"] == read
    for again in (files.write(opened_as(data), "json"), files.write(opened_as(data), "npz")):
        assert open_reading(again, "again").text == text


@pytest.mark.parametrize("kind", ["json", "npz"])
def test_other_files_of_a_reading_that_was_stopped_say_so(kind: str) -> None:
    run = saveable(stop=4)
    for saved in (run, opened_as(files.write(run, kind))):
        assert len(list(csv.DictReader(io.StringIO(files.write(saved, "csv").decode())))) == 3
        shown = json.loads(files.write(saved, "embed"))
        assert shown["text"] == run.reading.tokens.text and len(shown["tokens"]) == 3
        assert shown["facts"].endswith("the first 3 of 6 tokens")
        assert "the first 3 of 6 tokens" in files.write(saved, "html").decode()
        with np.load(io.BytesIO(files.write(saved, "npz")), allow_pickle=False) as arrays:
            assert {len(arrays[name]) for name in ("ids", "texts", "spans", "logprob")} == {3}
    assert "the first" not in json.loads(files.write(saveable(), "embed"))["facts"]


def test_tokens_of_another_text_are_refused() -> None:
    for stop in (None, 4):
        saved = built(saveable(stop=stop))
        with pytest.raises(ValueError, match="its tokens are not those of its text"):
            open_reading(json.dumps(saved | {"text": "Another text"}).encode(), "run.json")
    with pytest.raises(ValueError, match="its tokens are not those of its text"):
        open_reading(json.dumps(built(saveable()) | {"text": built(saveable())["text"] + "more"}).encode(), "run.json")
