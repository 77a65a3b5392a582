"""Saved runs are shown as they were, without their model; damaged files are refused in a sentence."""

import io
import json
import random
import zipfile
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from pyscripts import run as run_json
from pyscripts.page.session import Session
from pyscripts.run import Reading
from pyscripts.saved import files, open_run
from pyscripts.saved.npz import read_npz
from pyscripts.saved.opened import open_reading
from pyscripts.strides import StridedTrace
from tests.run_schema import check
from tests.unit.saved_runs import IDS, MANIFEST, VOCABULARY, built, opened_views, saveable, tokens_of
from tests.unit.test_page_session import MODEL, begun, expected, read
from tests.unit.test_trace import SHAPE, outputs
from tests.unit.test_trace import everything as everything_of


@pytest.mark.parametrize("prefix", [True, False])
@pytest.mark.parametrize("generated", [0, 2])
def test_json_opens_with_the_same_numbers(prefix: bool, generated: int) -> None:
    run = saveable(prefix, generated)
    data = files.write(run, "json")
    saved = json.loads(data)
    check(saved)
    assert saved["made_by"].startswith("Tokenlight ") and saved["interventions"]["heads"][0]["scale"] == 0.5
    opened = open_reading(data, "run.json")
    before, after = run.reading.trace.statistics(), opened.reading.trace.statistics()
    for name in ("logprob", "rank", "entropy"):
        np.testing.assert_array_equal(getattr(after, name), getattr(before, name))
    if not prefix:
        np.testing.assert_array_equal(np.isnan(after.logprob), [True] + [False] * 5)
    k = 10 if generated else 4
    np.testing.assert_array_equal(after.top_ids[1:], before.top_ids[1:, :k])
    np.testing.assert_array_equal(after.top_logprobs[1:], before.top_logprobs[1:, :k])
    assert opened.reading.tokens == run.reading.tokens
    assert run_json.build(opened.reading, opened.vocabulary, opened.manifest) == saved
    for position, step in run.reading.steps.items():
        again = opened.reading.steps[position]
        assert (again.id, again.rank, again.filters) == (step.id, step.rank, step.filters)
        np.testing.assert_array_equal(again.sampled.probabilities, step.sampled.probabilities)


def test_json_is_shown_without_a_model() -> None:
    run = saveable()
    shown = opened_views(Session(), files.write(run, "json"), "run.json")
    assert shown["about"]["model"] == {"id": "m", "name": "m", "weights": "int8", "revision": "r1", "layers": 2,
                                       "lens": False}
    assert shown["update"]["count"] == 6
    np.testing.assert_allclose(shown["update"]["arrays"]["logprob"], run.reading.trace.statistics().logprob, rtol=1e-6)
    assert shown["about"]["vocabulary"]["5"] == VOCABULARY[5] and "JSON file" in shown["about"]["why_no_layers"]
    assert json.loads(shown["update"]["summary"]) == built(run)["summary"]
    session = Session()
    opened_views(session, files.write(run, "json"), "run.json")
    with pytest.raises(ValueError, match="holds no attention"):
        session.view(1, "layers", '{"token": 1}')


@pytest.mark.parametrize("prefix", [True, False])
def test_npz_is_shown_without_a_model(prefix: bool) -> None:
    run = saveable(prefix, generated=2)
    opened = open_reading(files.write(run, "npz"), "run.npz")
    before, after = everything_of(run.reading.trace), everything_of(opened.reading.trace)
    assert before.keys() == after.keys()
    for name, array in before.items():
        np.testing.assert_array_equal(after[name], array, err_msg=name)
    shown = opened_views(Session(), files.write(run, "npz"), "run.npz")
    assert json.loads(shown["run"]["json"]) == built(run) and shown["about"]["why_no_layers"] is None
    assert json.loads(shown["choice"]["json"])["sampled_probability"] is not None
    matrix = run.reading.trace.kept_attention.matrix(1, 1)
    assert matrix is not None
    np.testing.assert_array_equal(shown["attention"]["arrays"]["data"], matrix.ravel())


def test_attention_that_was_not_kept_is_not_in_the_file() -> None:
    run = saveable()
    run.reading.trace.kept_attention.drop()
    session = Session()
    opened = session.open_saved(SimpleNamespace(to_py=lambda: files.write(run, "npz")), "run.npz")
    session.show_saved(4)
    assert json.loads(opened)["why_no_layers"] is None
    assert json.loads(session.view(4, "thumbnails", "{}")["json"]) == {"missing": "survey"}


def test_a_text_read_in_windows_opens_from_both() -> None:
    ids = [0, *IDS, *IDS]
    trace = StridedTrace(ids, SHAPE, 6, 3, prefix=True, begins_word=np.ones(6, bool))
    for window in trace.windows:
        trace.score(outputs(ids, window.start, window.stop).logits)
    run = files.Saveable(Reading(trace, tokens_of([*IDS, *IDS]), {"topK": 3}), VOCABULARY, MANIFEST)
    for kind in ("json", "npz"):
        opened = open_reading(files.write(run, kind), kind)
        np.testing.assert_array_equal(opened.reading.trace.statistics().logprob, trace.statistics().logprob)
        np.testing.assert_array_equal(opened.reading.scored().tokens_seen, run.reading.scored().tokens_seen)
        assert opened.conditions["stride"] == 3 and opened.reading.trace.in_windows
        assert run_json.build(opened.reading, opened.vocabulary, opened.manifest) == built(run)


def npz_with(change: Any) -> bytes:
    """A file of a run in which one thing is wrong."""
    with np.load(io.BytesIO(files.write(saveable(), "npz")), allow_pickle=False) as arrays:
        parts = dict(arrays)
    about = json.loads(str(parts["about"]))
    change(parts, about)
    file = io.BytesIO()
    np.savez(file, **(parts | {"about": np.array(json.dumps(about))}), allow_pickle=True)
    return file.getvalue()


@pytest.mark.parametrize("change", [
    lambda parts, about: parts.update(attentions=parts["attentions"][:1]),
    lambda parts, about: parts.update(resid=parts["resid"][:, :3]),
    lambda parts, about: parts.update({"rows/logprob": parts["rows/logprob"][:3]}),
    lambda parts, about: parts.update({"rows/rank": np.array([{}])}),  # would need pickle
    lambda parts, about: about.update(schema="other"),
    lambda parts, about: about["manifest"].pop("layers"),
    lambda parts, about: about["manifest"].update(layers="many"),
    lambda parts, about: about["vocabulary"].update({"99999999999": "x"}),
    lambda parts, about: about["run"].pop("summary"),
])  # fmt: skip
def test_a_damaged_npz_is_refused_in_a_sentence(change: Any) -> None:
    with pytest.raises(ValueError, match=r"^[^\n]+$"):
        open_reading(npz_with(change), "run.npz")


def test_what_is_no_run_is_refused_and_the_run_stays() -> None:
    session, run = Session(), files.write(saveable(), "npz")
    opened_views(session, run, "run.npz")
    for data in (run[:2000], b"PK\x03\x04", b"{", b'{"schema": "tokenlight.run/2"}', b"\xff\xfe", b"[" * 100_000):
        with pytest.raises(ValueError, match=r"^x\.npz [^\n]+$"):
            session.open_saved(SimpleNamespace(to_py=lambda data=data: data), "x.npz")
    assert session.view(1, "strip", "{}")


def test_too_large_arrays_are_refused_unread() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("attentions.npy", "w") as entry:
        for _ in range(2001):
            entry.write(bytes(1_000_000))
    with pytest.raises(ValueError, match="too large"):
        read_npz(file.getvalue(), "bomb.npz")


def test_a_changed_json_is_opened_or_refused_in_a_sentence() -> None:
    """150 files in which one value anywhere was removed or replaced."""
    draw, saved = random.Random(7), json.loads(files.write(saveable(generated=2), "json"))
    refused = 0
    for _ in range(150):
        changed = json.loads(json.dumps(saved))
        at: Any = changed
        while True:
            key = draw.choice(list(at) if isinstance(at, dict) else range(len(at)))
            if isinstance(at[key], dict | list) and at[key] and draw.random() < 0.8:
                at = at[key]
                continue
            break
        if draw.random() < 0.3:
            del at[key]
        else:
            at[key] = draw.choice([None, -1, 1e300, "x", [], {}, [[]], True, 10**30, "\ud800"])
        try:
            opened_views(Session(), json.dumps(changed).encode(), "x.json")
        except ValueError as error:
            assert "\n" not in str(error)
            refused += 1
    assert 30 < refused < 150


def test_open_run_opens_npz(tmp_path: Any) -> None:
    run = saveable()
    (tmp_path / "run.npz").write_bytes(files.write(run, "npz"))
    assert open_run(tmp_path / "run.npz") == built(run)


def test_results_of_the_read_run_are_kept_past_an_opened_one() -> None:
    session = Session()
    session.use_model(json.dumps(MODEL), json.dumps(list("abcdef")), "[0]")
    begun(session, 1, [1, 4, 2])
    read(session, 1, [1, 4, 2], 0, 4)
    opened_views(session, files.write(saveable(), "json"), "run.json")
    begun(session, 3, [1, 4, 5], keep=2)
    read(session, 3, [1, 4, 5], 2, 4)
    np.testing.assert_allclose(session.update(3)["arrays"]["logprob"], expected([1, 4, 5]), rtol=1e-5)
