"""The page's session: chunks in, updates out, results kept after an edit, and what is refused."""

import json
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy.special import log_softmax

from pyscripts.model_outputs import Outputs
from pyscripts.page.session import Session
from tests.unit.cut_text import cut
from tests.unit.test_tokens import Floats
from tests.unit.test_trace import HEADS, HIDDEN, LAYERS, VOCABULARY, outputs

MODEL = {"id": "m", "name": "Tiny", "sha256": "0" * 64, "layers": LAYERS, "heads": HEADS, "hidden_size": HIDDEN,
         "vocab_size": VOCABULARY, "windows": [None, 3], "prefix": {"id": 0, "text": "<s>", "reason": "why"}}
CONDITIONS = {"model": MODEL["sha256"], "prefix": 0, "interventions": "{}", "stride": None}
IDS = [1, 4, 2, 5, 3]


def begun(
    session: Session, run: int, ids: list[int], keep: int = 0, given: int | None = None,
    options: dict[str, Any] | None = None, **changed: Any,
) -> str:
    tokens = {**cut(*(b"abcdef"[id : id + 1] for id in ids)), "ids": ids}
    request = {"tokens": tokens, "options": options or {}, "conditions": {**CONDITIONS, **changed}, "keep": keep,
               "promptLength": given}
    return session.begin(run, json.dumps(request))


def read(session: Session, run: int, ids: list[int], start: int, stop: int) -> None:
    """One chunk of what a model says at these positions."""
    hand(session, run, [outputs([0, *ids], start, stop)], [])


def hand(session: Session, run: int, passes: list[Outputs], appended: list[dict[str, Any]]) -> None:
    """Hands over the outputs of passes, and the tokens drawn from them, as JavaScript does."""
    chunks = [SimpleNamespace(
        count=len(each.logits), logits=Floats(each.logits),
        **{name: array if array is None else Floats(array[:]) for name, array in (
            ("attentions", each.attentions), ("hiddenStates", each.hidden_states),
            ("attentionOutput", each.attention_output), ("mlpOutput", each.mlp_output))},
    ) for each in passes]
    session.extend(run, chunks, json.dumps(appended))


def expected(ids: list[int]) -> np.ndarray:
    logits = outputs([0, *ids], 0, len(ids) + 1).logits.astype(np.float64)
    return log_softmax(logits, axis=1)[np.arange(len(ids)), ids]


@pytest.fixture
def session() -> Session:
    new = Session()
    new.use_model(json.dumps(MODEL), json.dumps(list("abcdef")), "[0]")
    return new


def test_every_token_is_in_one_update(session: Session) -> None:
    assert begun(session, 1, IDS) == "null"  # read in one pass
    parts, counts = list[np.ndarray](), list[int]()
    for start, stop in ((0, 1), (1, 4), (4, 6)):
        read(session, 1, IDS, start, stop)
        update = session.update(1)
        assert update["first"] == sum(counts)
        counts.append(update["count"])
        parts.append(update["arrays"]["logprob"])
    assert counts == [0, 3, 2] and session.update(1)["count"] == 0
    np.testing.assert_allclose(np.concatenate(parts), expected(IDS), rtol=1e-5)
    summary = json.loads(session.update(1)["summary"])
    assert summary["perplexity"] == pytest.approx(np.exp(-expected(IDS).mean()), rel=1e-5)


def test_after_an_edit_only_the_rest_is_read(session: Session) -> None:
    begun(session, 1, IDS)
    read(session, 1, IDS, 0, 6)
    edited = [*IDS[:3], 1, 1, 2]
    begun(session, 2, edited, keep=3)  # the row before the first changed token predicts another one
    read(session, 2, edited, 3, 7)
    np.testing.assert_allclose(session.update(2)["arrays"]["logprob"], expected(edited), rtol=1e-5)
    whole = json.loads(session.view(2, "run", "{}")["json"])
    fresh = Session()
    fresh.use_model(json.dumps(MODEL), json.dumps(list("abcdef")), "[0]")
    begun(fresh, 1, edited)
    read(fresh, 1, edited, 0, 7)
    assert whole == json.loads(fresh.view(1, "run", "{}")["json"])


def test_how_tokens_were_chosen_is_kept_as_far_as_they_stay(session: Session) -> None:
    begun(session, 1, IDS[:2], given=2)
    read(session, 1, IDS[:2], 0, 2)
    ids = list(IDS[:2])
    for _ in range(2):
        ids.append(session.sample(1, Floats(outputs([0, *ids], len(ids), len(ids) + 1).logits)))
        appended = {"id": ids[-1], "hex": "78", "control": False}
        hand(session, 1, [outputs([0, *ids], len(ids) - 1, len(ids))], [appended])
    other = 1 + ids[3] % (VOCABULARY - 1)  # in place of the second token drawn
    begun(session, 2, [*ids[:3], other], keep=3, given=2)
    steps = json.loads(session.view(2, "run", "{}")["json"])["steps"]
    assert [(step["token"], step["id"]) for step in steps] == [(2, ids[2])]


def written(together: int) -> dict[str, Any]:
    """The Run of a text of two tokens with nine drawn after them, so many passes handed over at once."""
    new, given = Session(), IDS[:2]
    new.use_model(json.dumps(MODEL), json.dumps(list("abcdef")), "[0]")
    begun(new, 1, given, given=len(given), options={"temperature": 0.8, "topK": 4, "seed": 3})
    ids, passes, appended = [0, *given], [outputs([0, *given], 0, 3)], list[dict[str, Any]]()
    for _ in range(9):
        ids.append(new.sample(1, Floats(passes[-1].logits[-1])))
        appended.append({"id": ids[-1], "hex": b"abcdef"[ids[-1] : ids[-1] + 1].hex(), "control": False})
        if len(passes) >= together:
            hand(new, 1, passes, appended)
            passes, appended = [], []
        passes.append(outputs(ids, len(ids) - 1, len(ids)))
    hand(new, 1, passes, appended)
    run = json.loads(new.view(1, "run", "{}")["json"])
    arrays = [new.view(1, "attention", json.dumps({"layer": layer, "head": 1}))["arrays"] for layer in range(LAYERS)]
    return {"run": run, "attention": [{name: array.tolist() for name, array in each.items()} for each in arrays]}


def rounded(value: Any) -> Any:
    """A JSON value whose numbers are compared within 1e-5: sums over rows of other lengths end in other digits."""
    if isinstance(value, dict):
        return {name: rounded(each) for name, each in value.items()}
    if isinstance(value, list):
        return [rounded(each) for each in value]
    return pytest.approx(value, rel=1e-5, abs=1e-6) if isinstance(value, float) else value


def test_passes_handed_over_together_give_what_they_give_one_by_one() -> None:
    """How each token was chosen included; two, four and all of the ten passes at once."""
    one_by_one = written(1)
    assert len(one_by_one["run"]["steps"]) == 9 and len(one_by_one["run"]["tokens"]) == 11
    for together in (2, 4, 20):
        assert written(together) == rounded(one_by_one)


def test_only_what_was_drawn_can_be_added(session: Session) -> None:
    begun(session, 1, IDS, given=len(IDS))
    read(session, 1, IDS, 0, 5)
    with pytest.raises(ValueError, match="0 tokens were drawn, not 1"):
        hand(session, 1, [outputs([0, *IDS], 5, 6)], [{"id": 1, "hex": "61", "control": False}])
    assert session.update(1)["count"] == 4  # nothing was added


def test_what_cannot_be_answered_is_said(session: Session) -> None:
    with pytest.raises(ValueError, match="There is no run yet: analyse a text first"):
        session.update(1)
    begun(session, 1, IDS)
    read(session, 1, IDS, 0, 6)
    for changed in ({"prefix": None}, {"interventions": '{"heads": []}'}):
        with pytest.raises(ValueError, match="made under other conditions"):
            begun(session, 2, IDS, keep=2, **changed)
    assert session.update(1)["count"] == 5  # a refused run ends nothing
    begun(session, 2, IDS, keep=5)
    with pytest.raises(ValueError, match="replaced by a newer one"):
        session.view(1, "run", "{}")
    with pytest.raises(ValueError, match="There is no view 'no'"):
        session.view(2, "no", "{}")
    with pytest.raises(ValueError, match="There is no colouring 'no'"):
        session.colour("no", False)
    with pytest.raises(ValueError, match="No blank is being filled in"):
        session.ranking()
