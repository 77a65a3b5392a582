"""The likelihood view's own data: strip, findings, comparison and preview of a small run; runs in CPython."""

import csv
import json

import numpy as np
import pytest
from scipy.special import entr, softmax

from export.site.serve import SITE
from pyscripts import run, wording
from pyscripts.metrics import text
from pyscripts.metrics.compare import Reading as Compared
from pyscripts.model_outputs import ModelShape, Outputs
from pyscripts.page.preview import VERSION, preview
from pyscripts.page.views import VIEWS, Context
from pyscripts.trace import Trace
from tests.unit.cut_text import tokens_of
from tests.unit.test_views_activations import ABOUT

PIECES = ["The", " cat", " sat", ". ", "The", " cat", " sat", ".", " Naïve", " 🙂"]
IDS = [1, 2, 3, 4, 1, 2, 3, 5, 6, 7]
VOCABULARY = ["", "The", " cat", " sat", ". ", ".", " Naïve", " 🙂", *map(str, range(52))]
SHAPE = ModelShape(layers=2, heads=2, hidden_size=4, vocab_size=len(VOCABULARY))


@pytest.fixture(scope="module")
def context() -> Context:
    """A run with random outputs."""
    return context_of(np.random.default_rng(3).normal(0, 3, (len(IDS), SHAPE.vocab_size)).astype(np.float32))


def context_of(logits: np.ndarray) -> Context:
    """A run with these logits [position, vocab], without a prefix: its first token has no probability."""
    random = np.random.default_rng(3)
    n = len(IDS)
    attentions = np.tril(random.random((2, 2, n, n))).astype(np.float32)
    trace = Trace(IDS, SHAPE, prefix=False)
    trace.extend(
        Outputs(
            logits=logits,
            attentions=attentions / attentions.sum(-1, keepdims=True),
            hidden_states=random.normal(size=(3, n, 4)).astype(np.float32),
        )
    )
    tokens = tokens_of(*(piece.encode() for piece in PIECES), ids=IDS, total=12)
    return Context(run.Reading(trace, tokens, {"topK": 5}), {"name": "small"}, VOCABULARY)


def test_strip_is_in_nats(context: Context) -> None:
    lines = VIEWS["strip"](context)
    found = context.reading.trace.statistics()
    assert np.isnan(lines["surprisal_nats"][0]) and np.isnan(lines["entropy_nats"][0])
    np.testing.assert_allclose(lines["surprisal_nats"][1:], -found.logprob[1:])
    np.testing.assert_allclose(lines["entropy_nats"][1:], found.entropy[1:])
    assert lines["highest_nats"] == max(*-found.logprob[1:], *found.entropy[1:])


def test_the_text_and_its_findings_as_tables(context: Context) -> None:
    table, found = VIEWS["table"](context, "strip", {}), context.reading.trace.statistics()
    assert [row[1] for row in table["rows"]] == PIECES
    first, fourth = (dict(zip(table["columns"], table["rows"][i], strict=True)) for i in (0, 3))
    smooth = "mean surprisal of 15 tokens (nats)"
    assert {name for name, value in first.items() if value is not None} == {"index", "token", smooth}
    assert (fourth["probability"], fourth["rank"]) == (found.probability[3], found.rank[3])
    assert fourth["surprisal (nats)"] == -found.logprob[3] and fourth["entropy (nats)"] == found.entropy[3]
    assert all(len(row) == len(table["columns"]) for row in table["rows"])
    listed, said = VIEWS["table"](context, "findings", {}), VIEWS["findings"](context)
    lists = sum(len(said[name]) for name in ("surprises", "less_surprising", "classes", "copies"))
    assert len(listed["rows"]) == lists + len(said["curve"]["later"])
    what, place, _, passages, _, again, *_, first_time = listed["rows"][-1]
    assert (what, place, passages) == ("place in repeated passages", 2, 1)
    assert (first_time, again) == (pytest.approx(-found.logprob[2]), pytest.approx(-found.logprob[6]))
    assert all(len(row) == len(listed["columns"]) for row in listed["rows"])
    titles = next(csv.reader(VIEWS["csv"](context, "findings", {}).removeprefix("\ufeff").splitlines()))
    assert titles == [*listed["columns"], *ABOUT]


def test_findings(context: Context) -> None:
    found, statistics = VIEWS["findings"](context), context.reading.trace.statistics()
    logprob = statistics.logprob
    expected = [i for i in np.argsort(logprob).tolist() if not np.isnan(logprob[i]) and statistics.rank[i] > 1]
    assert [r["token"] for r in found["surprises"]] == expected and 1 in statistics.rank
    worst = found["surprises"][0]
    assert worst["text"] == PIECES[worst["token"]] and worst["probability"] == np.exp(logprob[worst["token"]])
    assert worst["surprisal_nats"] == pytest.approx(-logprob[worst["token"]])
    assert found["code"] is False
    assert sum(row["count"] for row in found["classes"]) == len(IDS)
    (copy,) = found["copies"]
    assert (copy["start"], copy["source"], copy["length"], copy["text"]) == (4, 0, 3, "The cat sat")
    assert copy["later_nats"] == pytest.approx(-logprob[4:7].mean())
    assert copy["first_nats"] == pytest.approx(-logprob[1:3].mean())  # the first token has none
    assert found["curve"]["later"] == pytest.approx((-logprob[4:7]).tolist())


def test_what_comes_next_once_all_of_the_text_has_been_read(context: Context) -> None:
    logits = np.array(
        [0.0, 3.0, 1.0, -np.inf, 2.0]
    )  # of the last position
    rows = np.concatenate([np.zeros((len(IDS) - 1, 5)), logits[None]]).astype(np.float32)
    rows = np.pad(rows, ((0, 0), (0, SHAPE.vocab_size - 5)), constant_values=-np.inf)
    found = VIEWS["next"](context_of(rows), count=3)
    p = softmax(logits)
    assert [row["id"] for row in found["rows"]] == [1, 4, 2]
    assert [row["text"] for row in found["rows"]] == [VOCABULARY[1], VOCABULARY[4], VOCABULARY[2]]
    assert [row["probability"] for row in found["rows"]] == pytest.approx([p[1], p[4], p[2]])
    assert found["entropy"] == pytest.approx(entr(p).sum())
    listed = VIEWS["table"](context, "next", {"count": 50})
    assert [row[0] for row in listed["rows"]] == list(range(1, 51)) and len(listed["columns"]) == 4
    part = context_of(rows)
    part.reading.trace.ids.append(1)  # a token that has not been read
    assert VIEWS["next"](part) == {"rows": [], "entropy": None}


def test_only_first_choices_are_less_surprising_than_expected() -> None:
    """All but undecided logits: half the tokens lie below their entropy, at any rank; two were made first choices."""
    logits = np.random.default_rng(8).normal(0, 0.1, (len(IDS), SHAPE.vocab_size)).astype(np.float32)
    for token, lead in ((2, 0.5), (6, 1.0)):
        logits[token - 1, IDS[token]] = logits[token - 1].max() + lead
    made = context_of(logits)
    found = made.reading.trace.statistics()
    assert [r["token"] for r in VIEWS["findings"](made)["less_surprising"]] == [6, 2]
    assert (found.rank[found.surprise_excess < 0] > 1).any(), "others are less surprising than expected, too"


def test_the_run_says_what_its_perplexity_is_of(context: Context) -> None:
    made = run.build(context.reading, VOCABULARY, {"id": "small", "prefix": {"id": 0, "text": "<s>", "reason": "why"}})
    summary, logprob = made["summary"], context.reading.trace.statistics().logprob
    assert made["schema"] == "tokenlight.run/2" and made["prefix"] is None and made["options"]["prefix"] is False
    assert made["model"]["prefix_reason"] == "why"
    assert (summary["tokens"], summary["total_tokens"], summary["scored_tokens"]) == (10, 12, 9)
    assert summary["perplexity"] == pytest.approx(np.exp(-np.nanmean(logprob)))
    assert summary["convention"] == (
        "Over 9 of the first 10 of 12 tokens, without a prefix token: the first token has no probability."
    )
    given = {"id": 0, "text": "<|endoftext|>"}
    assert text.convention(10, 10, 10, given) == ("Over 10 tokens, as the start of a document (after <|endoftext|>).")
    assert text.convention(1, 1, 1, given).startswith("Over 1 token, as")
    assert text.convention(1000, 1000, 2345, given).startswith("Over the first 1,000 of 2,345 tokens, as")


def test_heads_on_the_text_stand_beside_their_chance(context: Context) -> None:
    """By hand: The cat sat . The cat sat . at tokens 4 to 6, each copy 4 back, so induction looks 3 back."""
    found = run.build(context.reading, VOCABULARY, {})["heads_on_text"]
    trace = context.reading.trace
    for layer in range(2):
        assert found["induction"]["chance"][layer] == pytest.approx(np.mean([1 / 5, 1 / 6, 1 / 7]))
        assert found["duplicate_token"]["chance"][layer] == pytest.approx(np.mean([1 / 5, 1 / 6, 1 / 7]))
        for head in range(2):
            matrix = trace.kept_attention.matrix(layer, head)
            assert matrix is not None
            mass = [matrix[query, query - 3] for query in (4, 5, 6)]
            assert found["induction"]["mass"][layer][head] == pytest.approx(np.mean(mass), rel=1e-5)


def test_comparison(context: Context) -> None:
    assert VIEWS["comparison"](context) is None
    now = context.reading.trace.statistics().logprob
    kept = Compared("other", context.reading.tokens, now - np.arange(len(IDS)))
    found = VIEWS["comparison"](Context(context.reading, context.model, VOCABULARY, pinned=kept))
    assert found["a"]["model"] == "other" and found["b"]["model"] == "small"
    assert np.isnan(found["b_change"][0])
    np.testing.assert_allclose(found["b_change"][1:], np.arange(1, len(IDS)))
    np.testing.assert_allclose(found["a_change"][1:], -np.arange(1, len(IDS)))
    np.testing.assert_array_equal(found["a_logprob"], kept.logprob)
    np.testing.assert_array_equal(found["b_logprob"], now)
    assert found["largest"][0] == {"token": 9, "text": " 🙂", "change": pytest.approx(9)}
    assert found["b"]["colours"]["light"]["background"][0] == "transparent"
    assert found["compared"] == len(IDS) - 1 and found["least"] == 0.01


def test_the_colours_of_a_comparison_reach_to_the_largest_change(context: Context) -> None:
    now = context.reading.trace.statistics().logprob

    def against(change: list[float]) -> tuple[str, list[str], list[int]]:
        kept = Compared("other", context.reading.tokens, now - np.array([0, *change]))
        found = VIEWS["comparison"](Context(context.reading, context.model, VOCABULARY, pinned=kept))
        colours = found["b"]["colours"]
        assert colours["legend"] == found["a"]["colours"]["legend"]
        listed = [each["token"] for each in found["largest"]]
        return colours["legend"]["labels"][0], colours["light"]["background"][1:4], listed

    assert against([0.8, 0.4, -0.8, *[0.004] * 6]) == ("+0.8 nats", ["#4393c3", "#9dc5dd", "#e08214"], [1, 3, 2])
    assert against([-9, 5, 2.5, *[0] * 6]) == ("+5 nats", ["#e08214", "#4393c3", "#9dc5dd"], [1, 2, 3])
    assert against([0.009, -0.009, *[0] * 7])[::2] == ("+0.1 nats", [])


def test_preview_is_plain_json_with_every_colouring(context: Context) -> None:
    made = json.loads(json.dumps(preview(context), allow_nan=False))
    assert set(made["colours"]) == {entry["id"] for entry in made["colourings"]}
    assert all(len(colours["light"]["background"]) == len(IDS) for colours in made["colours"].values())
    assert made["columns"]["rank"] == context.reading.trace.statistics().rank.tolist()
    assert len(made["columns"]["top_ids"]) == len(IDS) * made["top_k"]
    assert {str(id) for id in made["columns"]["top_ids"]} == set(made["vocabulary"])
    assert f"const VERSION = {VERSION};" in (SITE / "text/precomputed.js").read_text(encoding="utf-8")
    assert made["version"] == VERSION
    assert made["findings"] == json.loads(json.dumps(VIEWS["findings"](context)))


def test_probabilities_in_sentences_are_percentages_without_exponents() -> None:
    texts = [wording.share(p) for p in (1, 0.1234, 0.0123, 0.00123, 0.00012, 0.0000999, 0)]
    assert texts == ["100.0%", "12.3%", "1.23%", "0.123%", "0.0120%", "<\u00a00.01%", "0%"]
