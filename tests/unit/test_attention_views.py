"""The attention views against transformers' attentions and plain numpy, kept and computed again; runs in CPython.

Matrices that were kept, and the survey, are float32. Layers that were computed again hold each weight in 16 bits, off
by up to 8e-6, which division by what the sink leaves of a row enlarges: only their tolerances are wider.
"""

from typing import Any

import numpy as np
import pytest
import torch

from pyscripts.metrics import heads
from pyscripts.metrics.survey import BLOCKS, Survey
from pyscripts.model_outputs import ModelShape, Outputs
from pyscripts.page.recomputed_attention import RecomputedAttention
from pyscripts.page.views import VIEWS, Context
from pyscripts.run import Reading
from pyscripts.trace import Trace
from tests.export.models import random_model
from tests.unit.cut_text import tokens_of

TOKENS = 41  # with the prefix token
SCORES = {name: [[0.1, 0.9, None, 0.5], [0.2, 0.3, 0.41, 0.0]] for name in
          ("induction", "previous_token", "duplicate_token")}


class Run:
    """A random text as a random GPT-2 reads it; `kept` is whether the trace keeps its attention."""

    def __init__(self, generator: np.random.Generator) -> None:
        model: Any = random_model("gpt2")
        self.ids = [0, *generator.integers(3, 130, TOKENS - 1).tolist()]
        with torch.no_grad():
            out = model(torch.tensor([self.ids]), output_attentions=True, output_hidden_states=True)
        self.attentions = torch.stack(out.attentions)[:, 0].numpy()  # [layer, head, query, key]
        states = torch.stack(out.hidden_states)[:, 0].numpy()
        layers, count, *_ = self.attentions.shape
        self.trace = Trace(self.ids, ModelShape(layers, count, states.shape[2], 130), prefix=True)
        for start, stop in ((0, 17), (17, 18), (18, TOKENS)):
            self.trace.extend(Outputs(
                out.logits[0, start:stop].numpy(), self.attentions[:, :, start:stop, :stop], states[:, start:stop]))
        words = [f" {i}".encode() for i in range(TOKENS - 1)]
        self.reading = Reading(self.trace, tokens_of(*words, ids=self.ids[1:]), {})
        self.model = {"head_scores": SCORES, "kv_heads": 2, "prefix": {"text": "<s>"}}

    def context(self) -> Context:
        return Context(self.reading, self.model, [])

    def again(self, monkeypatch: pytest.MonkeyPatch, *layers: int, survey: bool = False) -> Context:
        """The same, as if the text had been too long: only these layers, or the survey, were computed again."""
        monkeypatch.setattr(self.trace.kept_attention, "_chunks", None)
        made = RecomputedAttention()
        chunks = [self.attentions[:, :, a:b, :b] for a, b in ((0, 30), (30, TOKENS))]
        if layers:
            made.begin(list(layers), None)
            for chunk in chunks:
                made.add(chunk[list(layers)])
            made.finish()
        if survey:
            made.begin([], Survey(2, 4, TOKENS))
            for chunk in chunks:
                made.add(chunk)
            made.finish()
        return Context(self.reading, self.model, [], recomputed=made)


@pytest.fixture
def run(generator: np.random.Generator) -> Run:
    return Run(generator)


def without_sink(matrix: np.ndarray) -> np.ndarray:
    rest = matrix[:, 1:] / np.maximum(matrix[:, 1:].sum(axis=1, keepdims=True), 1e-30)
    return np.concatenate([np.zeros((len(matrix), 1)), rest], axis=1)


@pytest.mark.parametrize("kept", [True, False])
@pytest.mark.parametrize("sink", [True, False])
@pytest.mark.parametrize("by", ["mean", "max"])
def test_looks_equal_transformers(
    run: Run, by: str, sink: bool, kept: bool, generator: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every head, one layer's, two drawn ones; both directions; every token."""
    everything = [[layer, head] for layer in range(2) for head in range(4)]
    drawn = [everything[i] for i in generator.choice(8, 2, replace=False)]
    for chosen in (None, [[1, head] for head in range(4)], drawn):
        context = run.context() if kept else run.again(monkeypatch, 0, 1, survey=True)
        rounded = not kept and chosen is not None  # all heads together come from the survey
        close = 5e-5 if rounded else 2e-5
        each = np.stack([run.attentions[layer, head] for layer, head in chosen or everything]).astype(np.float64)
        expected = each.mean(axis=0) if by == "mean" else each.max(axis=0)
        if not sink:
            expected = without_sink(expected)
        size = TOKENS - 1
        seen = np.tri(size) > 0
        for direction, whole, shown in (("to", expected[1:, 1:], seen), ("from", expected[1:, 1:].T, seen.T)):
            found = VIEWS["looks"](context, direction=direction, heads=chosen, by=by, sink=sink)
            values, levels = (found[name].reshape(size, size) for name in ("values", "levels"))
            np.testing.assert_allclose(values[seen], expected[1:, 1:][seen], atol=close)
            assert np.isnan(values[~seen]).all()
            most = whole.max(axis=1)
            np.testing.assert_allclose(found["most"], most, atol=close)
            scaled = 255 * whole / most[:, None]
            np.testing.assert_allclose(levels[shown], scaled[shown], atol=0.8 if rounded else 0.6)
            assert (levels[~shown] == -1).all()
        token = int(generator.integers(size))
        for direction, row in (("to", expected[token + 1]), ("from", expected[:, token + 1])):
            one = VIEWS["looks_at"](context, token=token, direction=direction, heads=chosen, by=by, sink=sink)
            order = [i for i in np.argsort(-row[1:], kind="stable")[:10] if row[1:][i] > 0]
            assert [each["weight"] for each in one["top"]] == pytest.approx(row[1:][order].tolist(), abs=close)
            assert one["sum"] == pytest.approx(row[1:].sum(), abs=2e-4 if rounded else 2e-5)
            wanted = float(row[0]) if direction == "to" and sink else None
            assert one["prefix"] == (None if wanted is None else pytest.approx(wanted, abs=1e-5 if rounded else 1e-6))
            table = VIEWS["table"](context, "looks_at", {
                "token": token, "direction": direction, "heads": chosen, "by": by, "sink": sink})
            assert sum(row[2] for row in table["rows"]) == pytest.approx(one["sum"] + (one["prefix"] or 0), abs=1e-5)


@pytest.mark.parametrize("kept", [True, False])
def test_one_head_equals_transformers(
    run: Run, kept: bool, generator: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    layer, head = int(generator.integers(2)), int(generator.integers(4))
    context = run.context() if kept else run.again(monkeypatch, layer)
    weight, total = (1e-6, 2e-5) if kept else (8e-6, 2e-4)
    expected = run.attentions[layer, head]
    found = VIEWS["head"](context, layer=layer, head=head)
    np.testing.assert_allclose(np.nan_to_num(found["values"]), expected.ravel(), atol=weight)
    np.testing.assert_allclose(found["row_sums"], 1, atol=total)
    values = np.nan_to_num(found["values"]).reshape(expected.shape)
    np.testing.assert_allclose(found["column_sums"], values.sum(axis=0, dtype=np.float64), atol=2e-5)
    short = slice(None) if kept else slice(-12, None)  # at 16 bits the rounding of a longer column may add up to more
    np.testing.assert_allclose(found["column_sums"][short], expected.sum(axis=0)[short], atol=2e-5 if kept else 1e-4)
    links, weights = found["links"].reshape(-1, 2), found["link_weights"]
    off = expected.copy()
    np.fill_diagonal(off, 0)
    off[:, 0] = 0
    np.testing.assert_allclose(weights, np.sort(off.ravel())[::-1][: len(weights)], atol=weight)
    np.testing.assert_allclose(weights, expected[links[:, 0], links[:, 1]], atol=weight)
    assert (links[:, 0] > links[:, 1]).all() and (links[:, 1] > 0).all()
    assert found["names"][:2] == ["<s>", " 0"]
    table = VIEWS["table"](context, "head", {"layer": layer, "head": head, "sink": False})
    assert len(table["rows"]) == TOKENS and len(table["columns"]) == TOKENS + 2
    row = [value for value in table["rows"][9][2:] if value is not None]
    np.testing.assert_allclose(row, without_sink(expected)[9, 1:10], atol=2e-5 if kept else 5e-5)


def test_the_threshold_keeps_the_fewest_weights_that_hold_the_mass(run: Run) -> None:
    found = VIEWS["head"](run.context(), layer=1, head=2, sink=False, mass=0.8)
    values = found["values"].reshape(TOKENS, TOKENS)
    for query, row in enumerate(without_sink(run.attentions[1, 2])):
        kept = row[~np.isnan(values[query])]
        ordered = np.sort(row)[::-1]
        fewest = int(np.searchsorted(np.cumsum(ordered), 0.8 - 1e-6)) + 1 if query else 0
        assert len(kept) == fewest, query
        np.testing.assert_allclose(np.sort(kept)[::-1], ordered[:fewest], atol=1e-6)
        assert found["row_sums"][query] == pytest.approx(ordered[:fewest].sum(), abs=1e-5)
    with pytest.raises(ValueError, match="above 0 and at most 1"):
        VIEWS["head"](run.context(), layer=1, head=2, mass=0)


def test_log_levels(run: Run) -> None:
    found = VIEWS["head"](run.context(), layer=0, head=0, log=True)
    seen = ~np.isnan(found["values"])
    values = np.maximum(found["values"][seen].astype(np.float64), 1e-4)
    expected = 255 * (np.log(values) - np.log(1e-4)) / (np.log(values.max()) - np.log(1e-4))
    np.testing.assert_allclose(found["levels"][seen], expected, atol=0.51)
    assert (found["levels"][~seen] == -1).all()


@pytest.mark.parametrize("kept", [True, False])
def test_similar_heads_are_those_that_correlate(run: Run, kept: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """numpy's corrcoef over the pairs themselves; over the means of blocks where the matrices are gone."""
    context = run.context() if kept else run.again(monkeypatch, survey=True)
    found = VIEWS["similar_heads"](context, layer=0, head=1)
    assert found["reduced"] is not kept
    flat = run.attentions.reshape(8, TOKENS, TOKENS)
    query, key = np.tril_indices(TOKENS)
    if kept:
        pairs = flat[:, query[key > 0], key[key > 0]]
    else:
        block = np.arange(TOKENS) * BLOCKS // TOKENS
        pairs = np.stack([
            flat[:, query[mine], key[mine]].mean(axis=1)
            for i in range(BLOCKS) for j in range(1, i + 1)
            if (mine := (block[query] == i) & (block[key] == j)).any()
        ], axis=1)
    expected = np.atleast_2d(np.corrcoef(pairs.astype(np.float64)))[1]
    order = [i for i in np.argsort(-expected) if i != 1][: len(found["heads"])]
    assert [(each["layer"], each["head"]) for each in found["heads"]] == [divmod(int(i), 4) for i in order]
    assert [each["correlation"] for each in found["heads"]] == pytest.approx(expected[order].tolist(), abs=1e-3)


def test_the_grid_has_one_number_for_every_head(run: Run, generator: np.random.Generator) -> None:
    context, rows = run.context(), run.attentions.astype(np.float64)
    token = int(generator.integers(TOKENS - 2))
    back = np.arange(TOKENS)[:, None] - np.arange(TOKENS)
    entropy = -(rows * np.log(np.maximum(rows, 1e-30))).sum(axis=3)[:, :, 1:] / np.log(np.arange(2, TOKENS + 1))
    rest = rows[:, :, 2:, 1:] / rows[:, :, 2:, 1:].sum(axis=3, keepdims=True)
    other = -(rest * np.log(np.maximum(rest, 1e-30))).sum(axis=3) / np.log(np.arange(2, TOKENS))
    expected = {
        "text_previous_token": rows[:, :, np.arange(1, TOKENS), np.arange(TOKENS - 1)].mean(axis=2),
        "text_first_token": rows[:, :, 1:, 0].mean(axis=2),
        "entropy": entropy.mean(axis=2),
        "entropy_without_sink": other.mean(axis=2),
        "distance": (rows * back).sum(axis=3)[:, :, 1:].mean(axis=2),
        "received": rows[:, :, token + 2 :, token + 1].mean(axis=2),
        "induction": np.array(SCORES["induction"], np.float64),
    }
    for shade, numbers in expected.items():
        found = VIEWS["head_grid"](context, shade=shade, token=token, ordered=True)
        np.testing.assert_allclose(found["values"], numbers.ravel(), rtol=1e-3, atol=1e-6, err_msg=shade)
        flat = np.nan_to_num(np.array(numbers).ravel(), nan=-1)
        assert (np.diff(np.take(flat, found["order"])) <= 1e-9).all(), shade
        assert sorted(found["order"]) == list(range(8))
        assert (found["levels"] == -1).tolist() == np.isnan(numbers.ravel()).tolist()
        table = VIEWS["table"](context, "head_grid", {"shade": shade, "token": token})
        assert [row[:2] for row in table["rows"]] == [list(divmod(i, 4)) for i in range(8)]
    assert found["group"] == 2
    marked = {(label["layer"], label["head"]) for label in found["labels"] if label["name"] == "induction"}
    assert marked == {(0, 1), (0, 3), (1, 2)}, f"above {heads.THRESHOLD}"
    with pytest.raises(ValueError, match="no shade 'colour'"):
        VIEWS["head_grid"](context, shade="colour")


def test_what_is_missing_is_named(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert VIEWS["looks"](run.again(monkeypatch), direction="to", heads=[[0, 1], [1, 1]]) == {"missing": [0, 1]}
    monkeypatch.setattr("pyscripts.page.recomputed_attention.LAYER_BYTES", 0)
    context = run.again(monkeypatch, 1)
    assert VIEWS["head"](context, layer=0, head=1) == {"missing": [0]}
    assert VIEWS["looks"](context, direction="to", heads=None) == {"missing": "survey"}
    assert VIEWS["thumbnails"](context) == {"missing": "survey"}
    assert VIEWS["similar_heads"](context, layer=0, head=0) == {"missing": "survey"}
    assert VIEWS["head_grid"](context, shade="distance") == {"missing": "survey"}
    assert "values" in VIEWS["head_grid"](context, shade="entropy")
    assert "values" in VIEWS["head"](context, layer=1, head=3)
    with pytest.raises(ValueError, match="no layer 2"):
        VIEWS["head"](context, layer=2, head=0)
    assert list(context.recomputed.layers) == [1]
    with pytest.raises(ValueError, match="at most 1 can be combined"):
        VIEWS["looks"](context, direction="to", heads=[[0, 1], [1, 1]])
    with pytest.raises(ValueError, match="'to' or 'from'"):
        VIEWS["looks_at"](context, token=1, direction="up", heads=[[1, 1]])


def test_a_survey_keeps_all_layers_that_have_room(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    context = run.again(monkeypatch, survey=True)
    for layer, head in np.ndindex(2, 4):
        found = VIEWS["head"](context, layer=layer, head=head)
        np.testing.assert_allclose(np.nan_to_num(found["values"]), run.attentions[layer, head].ravel(), atol=8e-6)
    monkeypatch.setattr("pyscripts.page.recomputed_attention.LAYER_BYTES", 20_000)
    context = run.again(monkeypatch, survey=True)
    assert VIEWS["head"](context, layer=1, head=0) == {"missing": [1]}
    assert "levels" in VIEWS["thumbnails"](context)
