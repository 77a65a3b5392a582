"""Activation patching: what is refused and how it is said, and the grid by hand."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

from pyscripts import patching
from pyscripts.alignment import origins
from pyscripts.page.patches import Patch
from pyscripts.page.session import Session
from pyscripts.patching import Place
from tests.unit.cut_text import cut
from tests.unit.test_charts import call
from tests.unit.test_tokens import Floats, chunk

LOGITS_A = np.log(np.array([0.5, 0.3, 0.2], np.float32))
LOGITS_B = np.log(np.array([0.1, 0.2, 0.7], np.float32))
B = patching.Stream("sha", (9, 1, 2, 3), 1, {}, np.zeros((2, 4, 2), np.float32), LOGITS_B)
A = replace(B, ids=(9, 1, 5, 3), residual=np.arange(16, dtype=np.float32).reshape(2, 4, 2), logits=LOGITS_A)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"model": "other"}, "A was read with another model"),
        ({"first": 0}, "Only one of the texts was read with a prefix token"),
        ({"ids": (9, 1, 2)}, "A has 2 tokens and B 3. Choose how they are aligned, or change a text"),
        ({"ids": B.ids}, "Both texts are the same"),
    ],
)
def test_what_cannot_be_copied_is_said_in_a_sentence(changes: dict[str, Any], words: str) -> None:
    assert patching.why_not(A, B) is None
    assert words in (patching.why_not(replace(A, **changes), B) or "")
    assert "at most 256 tokens" in (patching.why_not(None, B) or "")


def test_targets() -> None:
    assert patching.targets(A, B, None, None) == [0, 2]
    assert patching.targets(A, replace(B, logits=LOGITS_A), None, None) == [0]
    assert patching.targets(A, B, 1, None) == [1]
    assert patching.targets(A, B, None, 1) == [0, 1]
    with pytest.raises(ValueError, match="compared with itself"):
        patching.targets(A, B, 1, 1)


@pytest.mark.parametrize(
    ("align", "a", "b", "expected"),
    [  # where two alignments would be possible, the beginning goes first
        ("start", (9, 1, 2), (9, 1, 2, 1, 2), (0, 1, 2, -1, -1)),
        ("end", (9, 1, 2), (9, 7, 8, 1, 2), (0, -1, -1, 1, 2)),
        ("both", (9, 1, 2), (9, 1, 2, 1, 2), (0, 1, 2, -1, -1)),
        ("both", (9, 1, 2), (9, 7, 8, 1, 2), (0, -1, -1, 1, 2)),
        ("end", (9, 7, 8, 1, 2), (9, 1, 2), (0, 3, 4)),
        ("both", (9, 1, 2, 1, 2), (9, 1, 2), (0, 1, 2)),
    ],
)
def test_texts_of_different_lengths_are_aligned_by_hand(
    align: str, a: tuple[int, ...], b: tuple[int, ...], expected: tuple[int, ...]
) -> None:
    """No position of A is copied twice, nor the prefix token to where a token is."""
    assert origins(a, b, 1, align) == expected


def test_the_grid_by_hand() -> None:
    """Nothing changes before the token that differs; the stream after the last layer is A's at the last position."""
    places = [Place(0, (2,)), Place(1, (2,)), Place(0, (3,)), Place(1, (3,))]
    assert patching.places(A, B) == places
    assert_allclose(patching.difference(A, B, places[0]), [[4, 5]])
    assert_allclose(patching.difference(A, B, Place(1, (2, 3))), [[12, 13], [14, 15]])
    logprobs = np.log([[0.1, 0.7], [0.2, 0.7], [0.4, 0.7], [np.nan, np.nan]])
    found = patching.grid(A, B, [0, 2], logprobs)
    assert_allclose(found[:, :2], 0, atol=0)
    assert_allclose(found[:2, 2], np.log([1, 2]), atol=1e-6)
    assert found[0, 3] == pytest.approx(np.log(4)) and np.isnan(found[1, 3])
    assert found[2, 2] == 0
    assert found[2, 3] == pytest.approx(np.log(0.5 / 0.2) - np.log(0.1 / 0.7))
    changed = {"heads": [{"layer": 0, "head": 0, "scale": 0}]}
    assert patching.begins(replace(A, interventions=changed), B) == 0


def test_a_steering_vector_by_hand() -> None:
    """A's residual stream is 0 … 15, B's 0; the prefix token's is not in the mean, and the lengths may differ."""
    short = replace(A, ids=(9, 1, 5), residual=A.residual[:, :3])
    assert_allclose(patching.steering(A, B, 1, False), [14, 15])
    assert_allclose(patching.steering(short, B, 1, False), [12, 13])
    assert_allclose(patching.steering(short, B, 1, True), [11, 12])
    for a, layer, words in ((replace(A, model="x"), 0, "another model"), (A, 2, "from 0 to 1"), (None, 0, "at most")):
        with pytest.raises(ValueError, match=words):
            patching.steering(a, B, layer, True)


class Flat(Floats):
    """One that knows its length."""

    @property
    def length(self) -> int:
        return self.values.size


def read(session: Session, run_id: int, ids: list[int], generator: np.random.Generator) -> np.ndarray:
    """One layer's outputs at random; the hidden states [2, position, 4]."""
    tokens = {**cut(*[b"x"] * len(ids)), "ids": ids}
    conditions = {"model": "sha", "prefix": 0, "interventions": "{}", "stride": None}
    asked = {"tokens": tokens, "options": {}, "conditions": conditions, "keep": 0, "promptLength": None}
    session.begin(run_id, json.dumps(asked))
    one = chunk(0, generator.normal(size=(len(ids) + 1, 8)))
    states = generator.normal(size=(2, len(ids) + 1, 4)).astype(np.float32)
    one.hiddenStates = Floats(states)
    session.extend(run_id, [one], "[]")
    session.update(run_id)
    return states


def opened(**inputs: str) -> Session:
    """A session with a model of one layer with two heads."""
    session = Session()
    sizes = {"layers": 1, "heads": 2, "kv_heads": 1, "head_size": 2, "hidden_size": 4, "vocab_size": 8}
    manifest = {"id": "m", "name": "Tiny", "sha256": "sha", **sizes, "context_length": 16,
                "prefix": {"id": 0, "text": "<s>", "reason": ""}, "inputs": {"residual_add": "r", **inputs}}
    session.use_model(json.dumps(manifest), json.dumps(list("abcdefgh")), "[]")
    return session


def test_the_heads_of_the_page_are_read_then_tried() -> None:
    """A's heads first, then those of the text here, then variants; the rows are the difference of their outputs."""
    generator, session = np.random.default_rng(6), opened(head_output_add="h")
    read(session, 1, [1, 2, 3], generator)
    session.pin(1)
    read(session, 2, [1, 5, 3, 6], generator)

    def view(**args: Any) -> dict[str, Any]:
        answer = session.view(2, "patch", json.dumps({"heads": True, "token": 3, "sweep": True, **args}))
        return {**json.loads(answer["json"]), **answer["arrays"]}

    assert "Choose how they are aligned" in view()["why_not"]
    assert view()["alignment"] == {
        "a": [{"id": id, "text": "x"} for id in (1, 2, 3)],
        "b": [{"id": id, "text": "x"} for id in (1, 5, 3, 6)],
        "origin": [None] * 4,
    }
    align = [[1, 3], [2, 0]]
    outputs = {}
    for of, ids in (("a", [0, 1, 2, 3]), ("b", [0, 1, 5, 3, 6])):
        missing = view(align=align)["missing"]
        assert missing == {"kind": "head_outputs", "of": of, "ids": ids, "interventions": {}}
        weights = generator.random((2, len(ids), len(ids)), np.float32)  # [head, query, key]
        values = generator.random((1, len(ids), 2), np.float32)  # [kv_head, key, head_size]
        for start, stop in ((0, 2), (2, len(ids))):
            part = np.tril(weights, 0)[:, start:stop, :stop]
            session.add_head_attention(2, of, start, stop - start, [Flat(part.ravel().reshape(part.shape))])
        session.head_values(2, of, [Flat(values)])
        outputs[of] = np.tril(weights) @ values[0]  # [head, position, head_size]
    found = view(align=align)
    assert found["missing"]["variants"] == [{"patch": [0, 4, 0]}, {"patch": [0, 4, 1]}]
    assert found["alignment"]["origin"] == [2, None, None, 1] and (found["done"], found["of"]) == (0, 2)
    kind = found["missing"]["kind"]
    difference = outputs["a"][:, 2] - outputs["b"][:, 4]  # token 1 of A at token 3 here
    assert_allclose(session.patch_rows(2, kind, 4), difference.reshape(1, 1, 4), atol=1e-6)
    logits = np.log(np.array([[0.1] * 6 + [0.2] * 2, [0.05] * 6 + [0.4, 0.3]], np.float32))
    session.variants_read(2, json.dumps(found["missing"]), Flat(logits))
    done = view(align=align)
    assert done["missing"] is None and not np.isnan(done["deltas"]).any()
    assert len(done["top"]) == 2 and abs(done["top"][0]["value"]) >= abs(done["top"][1]["value"])
    for token in (1, 0):  # goes with none; the last layer, where nothing looks there any more
        nothing = view(align=align, token=token)
        assert (nothing["of"], nothing["missing"], nothing["deltas"].tolist()) == (0, None, [0, 0])
    every = view(align=align, token=None)["missing"]
    rows = session.patch_rows(2, every["kind"], 1)  # tokens 0 to 3, of which the second and third go with none
    assert every["variants"][0] == {"patch": [0, 1, 0]} and rows.shape == (4, 1, 4) and not rows[1:3].any()
    assert_allclose(rows[0, 0], (outputs["a"][:, 3] - outputs["b"][:, 1]).ravel(), atol=1e-6)
    assert "A has no token 3" in view(align=[[3, 0]])["why_not"]
    session.pin(2)
    assert "Both texts are the same" in view()["why_not"]


def test_a_model_without_heads_outputs_says_so() -> None:
    generator, session = np.random.default_rng(7), opened()
    read(session, 1, [1, 2], generator)
    session.pin(1)
    read(session, 2, [1, 5], generator)
    for args in ({"heads": True}, {"heads": False}):
        why_not = json.loads(session.view(2, "patch", json.dumps(args))["json"])["why_not"]
        assert ("exported without its heads' outputs" in (why_not or "")) == args["heads"]
    with pytest.raises(ValueError, match="Tiny was exported without its heads' outputs"):
        session.view(2, "why_heads", json.dumps({"token": 1, "mean": True}))


def test_the_grid_of_the_page_fills_batch_by_batch() -> None:
    """A sweep is planned position by position; another pinned text begins it anew."""
    generator, session = np.random.default_rng(4), opened()

    def view(run_id: int, **args: Any) -> tuple[dict[str, Any], Any]:
        answer = session.view(run_id, "patch", json.dumps(args))
        return json.loads(answer["json"]), answer["arrays"]

    of_a = read(session, 1, [1, 2, 3], generator)
    assert "pinned as A" in view(1)[0]["why_not"]
    session.pin(1)
    assert "Both texts are the same" in view(1)[0]["why_not"]
    of_b = read(session, 2, [1, 5, 3], generator)
    steering = session.view(2, "steering", json.dumps({"layer": 0, "mean": False}))
    assert_allclose(steering["arrays"]["vector"], of_a[0, 3] - of_b[0, 3])
    assert_allclose(session.patch_rows(2, Patch().kind, 2), [of_a[:1, 2] - of_b[:1, 2]])
    first, arrays = view(2)
    assert first["missing"] is None and (first["done"], first["of"], first["begin"]) == (0, 2, 1)
    assert np.isnan(arrays["deltas"]).tolist() == [False, True, True, False, False, False]
    for position in (2, 3):
        found, _ = view(2, target=4, sweep=True)
        assert found["missing"]["variants"] == [{"patch": [0, position]}]
        assert found["missing"]["position"] == 3
        logits = np.zeros((1, 8), np.float32)
        logits[0, 4] = position
        session.variants_read(2, json.dumps(found["missing"]), Flat(logits))
    done, arrays = view(2, target="e", sweep=True)
    assert done["missing"] is None and done["target"] == {"id": 4, "text": "e"}
    expected = [np.exp(p) / (np.exp(p) + 7) for p in (2, 3)]
    assert_allclose(arrays["deltas"][1:3], np.log(expected) - done["of_b"], atol=1e-6)
    assert arrays["levels"].tolist()[0] == -1 and arrays["levels"].tolist()[3:5] == [-1, -1]
    assert done["of_a"] - done["of_b"] == pytest.approx(arrays["deltas"][-1])
    assert_allclose(arrays["shares"] * (done["of_a"] - done["of_b"]), arrays["deltas"])
    assert arrays["shares"][-1] == 1 and arrays["shares"][0] == 0
    session.pin(2)
    session.variants_read(2, json.dumps(found["missing"]), Flat(logits))  # too late: nothing is kept
    assert "Both texts are the same" in view(2)[0]["why_not"]


def test_two_texts_one_above_the_other() -> None:
    """Tokens of A that go with none come before the next that does; pairs may cross."""

    def columns(origin: list[int | None], of_a: int) -> list[list[int | None]]:
        both = {"a": ["x"] * of_a, "b": ["y"] * len(origin), "origin": origin}
        return [[column["a"], column["b"]] for column in call("../lenses/why/pairs", "columnsOf", both)]

    assert columns([0, 1], 2) == [[0, 0], [1, 1]]
    assert columns([0, None, 3], 5) == [[0, 0], [None, 1], [1, None], [2, None], [3, 2], [4, None]]
    assert columns([2, 0], 4) == [[1, None], [2, 0], [0, 1], [3, None]]
    assert columns([None, None], 1) == [[None, 0], [None, 1], [0, None]]
