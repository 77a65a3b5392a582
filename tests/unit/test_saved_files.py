"""Every file of a run says the same in other programs: csv, numpy, html.parser."""

import csv
import io
import json
import math
import random
from html.parser import HTMLParser

import numpy as np
import pytest

from pyscripts.metrics import METRICS
from pyscripts.run import Reading
from pyscripts.saved import files
from pyscripts.tokens import Tokens
from pyscripts.trace import Trace
from tests.run_schema import check
from tests.unit.saved_runs import IDS, MANIFEST, PIECES, VOCABULARY, built, saveable
from tests.unit.test_trace import SHAPE
from tests.unit.test_trace import read as read_all


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
    assert meta["tokenlight:model"] == "m"
    assert json.loads(meta["tokenlight:interventions"]) == saveable().reading.interventions != {}


def test_the_embedded_text_names_the_interventions() -> None:
    run = saveable()
    assert json.loads(files.write(run, "embed"))["interventions"] == run.reading.interventions != {}


@pytest.mark.parametrize("pieces", [PIECES, [b"", b"a\r", b"\nb", b"\r", b"\xf0\x9f", b"\xa6\xa9\xff"]])
@pytest.mark.parametrize("stop", [None, 2, 3, 4, 5])
def test_the_embedded_tokens_are_how_its_text_begins(pieces: list[bytes], stop: int | None) -> None:
    """The embed page refuses others."""
    reading = saveable(stop=stop).reading
    tokens = Tokens.of(IDS, [pieces[id] for id in IDS], [False] * len(IDS))
    reading = Reading(reading.trace, tokens, reading.options)
    found = json.loads(files.write(files.Saveable(reading, VOCABULARY, MANIFEST), "embed"))
    shown = "".join(token["text"] for token in found["tokens"])
    text = found["text"].replace("\r\n", "\n").replace("\r", "\n")
    assert found["tokens"] and text.startswith(shown) and (stop or text == shown)


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


def test_there_is_no_other_kind() -> None:
    with pytest.raises(ValueError, match="Choose from json, csv, npz, html, embed"):
        files.write(saveable(), "pdf")
