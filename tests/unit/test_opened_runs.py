"""Saved runs are shown as they were, without their model; damaged files are refused in a sentence."""

import csv
import io
import json
import random
import re
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
from pyscripts.trace import Trace
from tests.run_schema import check
from tests.unit.saved_runs import IDS, MANIFEST, VOCABULARY, built, opened_views, saveable, tokens_of
from tests.unit.test_page_session import MODEL, begun, expected, read
from tests.unit.test_trace import SHAPE, outputs
from tests.unit.test_trace import everything as everything_of
from tests.unit.test_trace import read as read_all


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


@pytest.mark.parametrize("kind", ["json", "npz"])
def test_a_run_without_tokens_is_opened_again(kind: str) -> None:
    run = saveable()
    run.reading.tokens = tokens_of([])
    run.reading.trace = Trace([0], SHAPE, prefix=True)
    read_all(run.reading.trace, 1)
    opened = open_reading(files.write(run, kind), f"run.{kind}")
    assert opened.reading.tokens.ids == () and opened.reading.trace.shown == 0


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


def test_a_run_from_json_is_saved_as_npz_and_opened_again() -> None:
    run = saveable(generated=2)
    data = files.write(opened_as(files.write(run, "json")), "npz")
    again = open_reading(data, "again.npz")
    assert run_json.build(again.reading, again.vocabulary, again.manifest) == built(run)
    assert opened_views(Session(), data, "again.npz")["run"]["json"]


def test_what_a_json_file_says_of_the_mass_above_is_known() -> None:
    """It lists 4 alternatives: the probabilities of all those above the first five ranks."""
    run = saveable()
    before = run.reading.trace.statistics()
    after = open_reading(files.write(run, "json"), "run.json").reading.trace.statistics()
    known = before.rank <= 5
    assert known.any() and not known.all()
    np.testing.assert_allclose(after.mass_above[known], before.mass_above[known], atol=1e-6)
    assert np.isnan(after.mass_above[~known]).all()


@pytest.mark.parametrize("kind", ["json", "npz"])
def test_a_file_without_alternatives_invents_none(kind: str) -> None:
    run = saveable()
    run.reading.options = {"topK": 0}
    data = files.write(opened_as(files.write(run, "json")), kind)
    statistics = open_reading(data, "again").reading.trace.statistics()
    session = Session()
    opened_views(session, data, "again")
    lines = list(csv.DictReader(io.StringIO(files.write(opened_as(data), "csv").decode())))
    assert len(set(statistics.rank.tolist())) > 1
    for token, rank in enumerate(statistics.rank.tolist()):
        text = VOCABULARY[IDS[token]]
        choice = json.loads(session.view(1, "choice", json.dumps({"token": token}))["json"])
        assert [row["text"] for row in choice["rows"]] == [text] and choice["rows"][0]["rank"] == rank
        assert ("almost certain" in choice["words"] or "The model was" in choice["words"]) == (rank == 1)
        assert lines[token]["most likely token"].lstrip("'") == (text if rank == 1 else "")
    findings = json.loads(session.view(1, "findings", "{}")["json"])
    for each in (*findings["surprises"], *findings["less_surprising"]):
        assert each["expected"] == (each["text"] if statistics.rank[each["token"]] == 1 else None)


def opened_as(data: bytes) -> files.Saveable:
    opened = open_reading(data, "a file")
    return files.Saveable(opened.reading, opened.vocabulary, opened.manifest)


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
    lambda parts, about: parts.update({"rows/entropy": np.full(len(parts["rows/entropy"]), 1e300)}),
    lambda parts, about: parts.update({"rows/entropy": parts["rows/entropy"].astype("U9")}),
    lambda parts, about: parts.update({"rows/hidden_norm": parts["rows/hidden_norm"][:1]}),
    lambda parts, about: parts.update({"rows/attention_entropy": parts["rows/attention_entropy"][:, :1]}),
    lambda parts, about: about.update(schema="other"),
    lambda parts, about: about["manifest"].pop("layers"),
    lambda parts, about: about["manifest"].update(layers="many"),
    lambda parts, about: about["vocabulary"].update({"99999999999": "x"}),
    lambda parts, about: about["run"].pop("summary"),
])  # fmt: skip
def test_a_damaged_npz_is_refused_in_a_sentence(change: Any) -> None:
    with pytest.raises(ValueError, match=r"^[^\n]+$"):
        open_reading(npz_with(change), "run.npz")


def test_an_npz_that_is_said_to_be_encrypted_is_refused_in_a_sentence() -> None:
    data = bytearray(files.write(saveable(), "npz"))
    data[data.index(b"PK\x01\x02") + 8] |= 1  # a flag of the first entry
    data[6] |= 1
    with pytest.raises(ValueError, match=r"^x\.npz is damaged \([^\n]+$"):
        read_npz(bytes(data), "x.npz")


def test_an_npz_with_changed_bytes_is_opened_or_refused_in_a_sentence() -> None:
    draw, data = random.Random(3), files.write(saveable(), "npz")
    refused = 0
    for _ in range(400):
        changed = bytearray(data)
        for _ in range(draw.choice([1, 1, 4])):
            changed[draw.randrange(4, len(data))] = draw.randrange(256)
        try:
            open_reading(bytes(changed), "x.npz")
        except ValueError as error:
            assert str(error).startswith("x.npz ") and "\n" not in str(error)
            refused += 1
    assert refused > 100


def test_what_is_no_run_is_refused_and_the_run_stays() -> None:
    session, run = Session(), files.write(saveable(), "npz")
    opened_views(session, run, "run.npz")
    for data in (run[:2000], b"PK\x03\x04", b"{", b'{"schema": "tokenlight.run/2"}', b"\xff\xfe", b"[" * 100_000):
        with pytest.raises(ValueError, match=r"^x\.npz [^\n]+$"):
            session.open_saved(SimpleNamespace(to_py=lambda data=data: data), "x.npz")
    assert session.view(1, "strip", "{}")


@pytest.mark.parametrize("name", ["notes.txt", "other.npy", "about.npy"])
def test_a_zip_of_something_else_is_no_saved_run(name: str) -> None:
    file, array = io.BytesIO(), io.BytesIO()
    np.save(array, np.arange(3))
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(name, array.getvalue())
    with pytest.raises(ValueError, match=r"^x\.zip is not a saved run \(NPZ\)\.$"):
        open_reading(file.getvalue(), "x.zip")


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


@pytest.mark.parametrize(("path", "value", "said"), [
    ("tokens.2.logprob", -1e300, "it.tokens[2].logprob is out of range"),
    ("tokens.2.logprob", -1e39, "it.tokens[2].logprob is out of range"),
    ("tokens.2.entropy", 1e300, "it.tokens[2].entropy is out of range"),
    ("tokens.2.rank", 2**53, "it.tokens[2].rank is out of range"),
    ("tokens.2.top.0.logprob", -1e300, "it.tokens[2].top[0].logprob is out of range"),
    ("steps.0.sampled_entropy", 1e300, "it.steps[0].sampled_entropy is out of range"),
    ("hidden_norm.0.2", 1e300, "it.hidden_norm[0][2] is out of range"),
    ("options.temperature", float("inf"), "it.options.temperature is out of range"),
    ("options.temperature", float("nan"), "it.options.temperature is out of range"),
    ("options.stop", ["\ud800"], "it.options.stop[0] holds half a character"),
    ("hidden_norm", [[]], "it.hidden_norm has 1 item, not 3"),
    ("hidden_norm.1", [], "it.hidden_norm[1] has 0 items, not 6"),
    ("attention_entropy.1.0", [1.0], "it.attention_entropy[1][0] has 1 item, not 6"),
    ("heads_on_text.induction.mass", [], "it.heads_on_text.induction.mass has 0 items, not 2"),
    ("heads_on_text.induction.chance", [0.5], "it.heads_on_text.induction.chance has 1 item, not 2"),
])  # fmt: skip
@pytest.mark.parametrize("kind", ["json", "npz"])
def test_a_number_out_of_range_and_an_array_of_another_shape_are_named(
    kind: str, path: str, value: Any, said: str
) -> None:
    def change(inner: Any) -> None:
        *way, last = (int(part) if part.isdigit() else part for part in path.split("."))
        for part in way:
            inner = inner[part]
        inner[last] = value

    saved = json.loads(files.write(saveable(generated=2), "json"))
    change(saved)
    data = json.dumps(saved).encode() if kind == "json" else npz_with(lambda _, about: about.update(run=saved))
    with pytest.raises(ValueError, match=rf"^x\.file is not a whole Run \({re.escape(said)}\)\.$"):
        open_reading(data, "x.file")


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
