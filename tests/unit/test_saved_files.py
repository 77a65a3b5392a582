"""Every file of a run opens again with the same numbers: in csv, numpy, html.parser, and in the page's session."""

import csv
import io
import json
import math
import random
import zipfile
from html.parser import HTMLParser
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from pyscripts import run as run_json
from pyscripts.metrics import METRICS
from pyscripts.page.session import Session
from pyscripts.run import Reading
from pyscripts.saved import files, open_run
from pyscripts.saved.npz import read_npz
from pyscripts.saved.opened import open_reading
from pyscripts.strides import StridedTrace
from pyscripts.tokens import Tokens
from pyscripts.trace import Trace
from tests.run_schema import check
from tests.unit.test_page_session import MODEL, begun, expected, read
from tests.unit.test_trace import SHAPE, outputs
from tests.unit.test_trace import everything as everything_of
from tests.unit.test_trace import read as read_all

PIECES = [b"<s>", b"=1+1", b" \"a,b\"", b"\n", b" \xf0\x9f", b"\xa6\xa9<b>"]  # two of them share a character
VOCABULARY = [piece.decode(errors="replace") for piece in PIECES]
IDS = [1, 4, 5, 2, 3, 5]
MANIFEST = {**MODEL, "source": "here", "revision": "r1", "weights": "int8", "inputs": {}, "outputs": {},
            "files": [{"path": "x"}]}


def tokens_of(ids: list[int]) -> Tokens:
    return Tokens.of(ids, [PIECES[id] for id in ids], [id == 2 for id in ids])


def saveable(prefix: bool = True, generated: int = 0) -> files.Saveable:
    """A run of random numbers that depend on its tokens, part of it generated."""
    front = [0] if prefix else []
    given = IDS[: len(IDS) - generated]
    trace = Trace([*front, *given], SHAPE, prefix=prefix, begins_word=np.array([True, False, True, True, False, False]))
    reading = Reading(trace, tokens_of(given), {"topK": 4}, len(given) if generated else None,
                      interventions={"heads": [{"layer": 1, "head": 0, "scale": 0.5}]}, timings={"total": 1.5})
    for _ in range(generated):  # a position is read into the trace once the token drawn after it is known
        pending = outputs(trace.ids, trace.length, len(trace.ids))
        id = reading.draw(pending.logits[-1])
        reading.append(PIECES[id], False)
        trace.extend(pending)
    read_all(trace, 4)
    return files.Saveable(reading, VOCABULARY, MANIFEST)


def built(run: files.Saveable) -> dict[str, Any]:
    return run_json.build(run.reading, run.vocabulary, run.manifest)


def opened_views(session: Session, data: bytes, name: str) -> dict[str, Any]:
    """What views show of a file's run."""
    about = json.loads(session.open_saved(SimpleNamespace(to_py=lambda: data), name))
    session.show_saved(1)
    names = ["run", "strip", "findings"]
    if about["why_no_layers"] is None:
        names += ["thumbnails"]
    views = {view: session.view(1, view, "{}") for view in names}
    if about["why_no_layers"] is None:
        for view, args in (("layers", {"token": 2}), ("focus", {"token": 2}), ("layer_map", {"name": "change_norm"}),
                           ("attention", {"layer": 1, "head": 1}), ("choice", {"token": 5})):
            views[view] = session.view(1, view, json.dumps(args))
    return {"about": about, "update": session.update(1), **views}


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


def test_npz_opens_in_numpy_by_the_librarys_names() -> None:
    run = saveable(generated=2)
    trace, scored = run.reading.trace, run.reading.scored()
    with np.load(io.BytesIO(files.write(run, "npz")), allow_pickle=False) as arrays:
        for name, each in METRICS.items():
            np.testing.assert_array_equal(arrays[name], each.function(scored))
        np.testing.assert_array_equal(arrays["attentions"], trace.kept_attention.all())
        np.testing.assert_array_equal(arrays["resid"], trace.hidden_states())
        np.testing.assert_array_equal(arrays["attention_entropy"], trace.attention_entropy())
        assert arrays["texts"].tolist() == list(run.reading.tokens.texts)
        about = json.loads(str(arrays["about"]))
    check(about["run"])
    assert about["run"] == built(run) and "files" not in about["manifest"]


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


def test_csv_has_the_same_numbers_and_no_formula() -> None:
    run = saveable()
    data = files.write(run, "csv")
    assert data.startswith(b"\xef\xbb\xbf") and b"\r\n" in data
    rows = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")))
    statistics = run.reading.trace.statistics()
    assert [float(row["log-probability (nats)"]) for row in rows] == statistics.logprob.tolist()
    assert [int(row["rank"]) for row in rows] == statistics.rank.tolist()
    assert [bytes.fromhex(row["bytes"]) for row in rows] == [PIECES[id] for id in IDS]
    assert rows[0]["token"] == "'=1+1" and rows[3]["token"] == ' "a,b"' and rows[4]["token"] == "\n"
    assert {row["model"] for row in rows} == {"m"} and {row["prefix"] for row in rows} == {"<s>"}
    assert json.loads(rows[0]["interventions"]) == run.reading.interventions
    for row in csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")):
        for cell in row:
            assert not cell.startswith(("=", "+", "@", "\t", "\r")) and (cell[:1] != "-" or math.isfinite(float(cell)))


class Parsed(HTMLParser):
    """The text of the page's tokens and cards, and the elements it has."""

    def __init__(self) -> None:
        super().__init__()
        self.elements, self.open, self.text, self.cards = list[tuple[str, dict]](), list[str](), "", list[str]()

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in ("meta", "br"):
            self.open.append(dict(attrs).get("class") or tag)
            if dict(attrs).get("class") == "card":
                self.cards.append("")

    def handle_endtag(self, tag: str) -> None:
        self.open.pop()

    def handle_data(self, data: str) -> None:
        if "card" in self.open:
            self.cards[-1] += data
        elif "text" in self.open:
            self.text += data


def page_of(run: files.Saveable) -> tuple[str, Parsed]:
    source, parsed = files.write(run, "html").decode(), Parsed()
    parsed.feed(source)
    assert not parsed.open
    return source, parsed


def test_the_page_shows_the_text_and_needs_nothing_else() -> None:
    source, parsed = page_of(saveable())
    assert parsed.text == saveable().reading.tokens.text and "🦩" in parsed.text
    used = "html head meta title style body figure p span b br i figcaption"
    assert {tag for tag, _ in parsed.elements} == set(used.split())
    assert not {"src", "href", "onclick", "onload"} & {name for _, attrs in parsed.elements for name in attrs}
    assert "url(" not in source and "@import" not in source
    statistics = saveable().reading.trace.statistics()
    for i, card in enumerate(parsed.cards):
        assert f"rank {statistics.rank[i]}" in card and f"{statistics.surprisal[i] / np.log(2):.2f} bits" in card
    meta = {attrs["name"]: attrs["content"] for tag, attrs in parsed.elements if tag == "meta" and "name" in attrs}
    assert meta["tokenlight:model"] == "m" and "'scale': 0.5" in meta["tokenlight:interventions"]


def test_a_link_in_the_page_is_an_attribute_only() -> None:
    run = saveable()
    address = 'https://example.org/#text="><script>'
    source, parsed = page_of(files.Saveable(run.reading, VOCABULARY, MANIFEST, address=address))
    assert [attrs["href"] for tag, attrs in parsed.elements if tag == "a"] == [address]
    assert "<script" not in source


def test_the_page_of_200_tokens_is_small() -> None:
    draw = random.Random(5)
    words = [f" {''.join(draw.choices('abcdefghijklmnop', k=6))}" for _ in range(6)]
    ids = [draw.randrange(1, 6) for _ in range(200)]
    trace = read_all(Trace([0, *ids], SHAPE, prefix=True), 200)
    reading = Reading(trace, Tokens.of(ids, [words[id].encode() for id in ids], [False] * 200), {})
    assert 50_000 < len(files.write(files.Saveable(reading, words, MANIFEST), "html")) < 150_000


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


def test_there_is_no_other_kind() -> None:
    with pytest.raises(ValueError, match="Choose from json, csv, npz, html, embed"):
        files.write(saveable(), "pdf")
