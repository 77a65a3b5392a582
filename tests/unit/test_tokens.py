"""Places in a text are places in its tokens' own bytes, also where they are not UTF-8; runs in CPython."""

import json
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyscripts.page.session import Session
from pyscripts.tokens import Tokens, character_starts
from tests.unit.cut_text import cut, tokens_of

FLAMINGO = "🦩".encode()
MODEL = {"id": "m", "sha256": "0" * 64, "layers": 1, "heads": 2, "hidden_size": 4, "vocab_size": 8,
         "prefix": {"id": 0, "text": "<s>", "reason": "why"}}
LEADS = b"\x00a\x80\x8f\x90\x9f\xa0\xbf\xc0\xc1\xc2\xdf\xe0\xe1\xec\xed\xee\xef\xf0\xf1\xf3\xf4\xf5\xff"


@given(st.one_of(st.binary(max_size=12), st.lists(st.sampled_from(LEADS), max_size=12).map(bytes)))
def test_characters_begin_where_the_decoder_begins_one(data: bytes) -> None:
    starts, text = character_starts(data).tolist(), data.decode(errors="replace")
    assert len(starts) == len(text)
    for start, stop, character in zip(starts, [*starts[1:], len(data)], text, strict=False):
        assert data[start:stop].decode(errors="replace") == character


def test_a_character_of_several_tokens_one_of_them_without_bytes() -> None:
    tokens = tokens_of(b"\xf0\x9f", b"", b"\xa6\xa9", total=5)
    assert tokens.data == "🦩".encode() and tokens.text == "🦩" and tokens.texts == ("�", "", "��")
    assert tokens.spans.tolist() == [[0, 2], [2, 2], [2, 4]] and tokens.total == 5


@given(st.lists(st.binary(max_size=3), max_size=6), st.integers(0, 9))
def test_tokens_are_the_same_read_or_added_one_by_one(pieces: list[bytes], total: int) -> None:
    """What the page sends is what comes back; tokens.total is never below the number of tokens."""
    grown = Tokens.of([], [], [], total)
    for i, piece in enumerate(pieces):
        grown = grown.with_token(i, piece, False)
    whole = {**cut(*pieces), "total": max(total, len(pieces))}
    assert grown.to_json() == whole and Tokens.from_json(whole) == grown
    assert grown.spans.shape == (len(pieces), 2)


class Floats:
    """A JavaScript Float32Array, as Pyodide hands it to Python."""

    def __init__(self, values: np.ndarray) -> None:
        self.values = values

    def assign_to(self, target: np.ndarray) -> None:
        target[...] = self.values.reshape(target.shape)

    def subarray(self, start: int, stop: int) -> "Floats":
        return Floats(self.values.reshape(-1)[start:stop])


def chunk(past: int, logits: np.ndarray) -> Any:
    """One position's or more outputs; only the logits matter here."""
    count = len(logits)
    attentions = np.tril(np.ones((2, count, past + count)), past) / (past + np.arange(1, count + 1))[:, None]
    return SimpleNamespace(count=count, logits=Floats(logits), attentions=Floats(attentions),
                           hiddenStates=Floats(np.ones((2, count, 4))), attentionOutput=None, mlpOutput=None)


def generated(*pieces: bytes, given: int) -> dict[str, Any]:
    """The Run of a generation of these tokens, ids 1, 2, ..., after the first `given` of them, as the page makes it."""
    session, whole = Session(), cut(*pieces)
    session.use_model(json.dumps(MODEL), json.dumps(["<s>", *whole["texts"], *[""] * (7 - len(pieces))]), "[0]")
    tokens = {**cut(*pieces[:given]), "ids": list(range(1, given + 1))}
    conditions = {"model": MODEL["sha256"], "prefix": 0, "interventions": "{}", "stride": None}
    asked = {"tokens": tokens, "options": {"greedy": True}, "conditions": conditions, "keep": 0, "promptLength": given}
    session.begin(1, json.dumps(asked))
    logits = np.log(np.full((len(pieces) + 1, 8), 1 / 14))
    logits[np.arange(len(pieces)), np.arange(1, len(pieces) + 1)] = np.log(0.5)
    session.extend(1, [chunk(0, logits[:given])], "[]")
    for i in range(given, len(pieces)):
        assert session.sample(1, Floats(logits[i])) == i + 1
        upto = cut(*pieces[: i + 1])
        appended = {"id": i + 1, "text": whole["texts"][i], "whole": upto["text"],
                    **{name: upto[name][i] for name in ("bytes", "hex", "control")}}
        session.extend(1, [chunk(i, logits[i : i + 1])], json.dumps([appended]))
    session.extend(1, [chunk(len(pieces), logits[-1:])], "[]")
    session.finish(1, json.dumps({"model": 1, "total": 2}))
    found: dict[str, Any] = json.loads(session.view(1, "run", "{}")["json"])
    classes = json.loads(session.view(1, "findings", "{}")["json"])["classes"]
    assert {row["title"]: row["count"] for row in classes} == {"content word": 1, "symbol": 1, "word continuation": 1}
    return found


@pytest.mark.parametrize("given", [1, 3], ids=["generated", "read"])
def test_a_text_that_ends_inside_a_character(given: int) -> None:
    """Half a flamingo, then the next byte of it: 6 bytes at one bit for each of the three tokens."""
    run = generated(b"fox", FLAMINGO[:2], FLAMINGO[2:3], given=given)
    assert run["text"] == "fox�" and len(run["text"].encode()) == 6
    assert [token["hex"] for token in run["tokens"]] == ["66 6F 78", "F0 9F", "A6"]
    assert [token["bytes"] for token in run["tokens"]] == [[0, 3], [3, 5], [5, 6]]
    assert run["summary"]["bits_per_byte"] == pytest.approx(3 / 6)
    assert run["summary"]["bits_per_character"] == pytest.approx(3 / 4)


def test_a_passage_is_decoded_as_a_whole() -> None:
    face = "🙂".encode()
    tokens = tokens_of(b"I ", face[:2], face[2:3], face[3:] + b" you", face[:2])
    assert tokens.passage(0, 4) == "I 🙂 you"
    assert tokens.passage(2, 5) == " you", "parts of characters at the ends are left out"
    assert tokens.passage(1, 3) == "bytes F0 9F 99"
