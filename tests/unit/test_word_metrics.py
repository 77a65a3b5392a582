"""The probability of a word against the sum over every way to spell and to end it, on a tiny vocabulary."""

import itertools

import numpy as np
import pytest
from numpy.testing import assert_allclose

from pyscripts.metrics import METRICS, Scored
from pyscripts.metrics.likelihood import TokenStatistics, token_statistics
from pyscripts.metrics.word_metrics import begins_word, words_of

VOCABULARY = ["a", "b", " a", " ab", "<end>"]
END = 4
LONGEST = 4


def logits(ids: tuple[int, ...]) -> np.ndarray:
    """A language model: any prediction, fixed for each beginning; after LONGEST tokens the text ends."""
    row = np.random.default_rng([7, *(id + 1 for id in ids)]).normal(scale=1.5, size=len(VOCABULARY))
    return np.where(np.arange(len(VOCABULARY)) == END, 0.0, -np.inf) if len(ids) >= LONGEST else row


def probability(ids: tuple[int, ...]) -> float:
    """Of these tokens, from the start."""
    total = 1.0
    for i, id in enumerate(ids):
        p = np.exp(logits(ids[:i]) - np.logaddexp.reduce(logits(ids[:i])))
        total *= float(p[id])
    return total


def texts() -> list[tuple[int, ...]]:
    """Every text the model can write, with its end."""
    return [(*ids, END) for n in range(LONGEST + 1) for ids in itertools.product(range(END), repeat=n)]


def is_start(id: int) -> bool:
    return VOCABULARY[id].startswith(" ") or id == END


def scored(ids: tuple[int, ...]) -> Scored:
    mask = begins_word(VOCABULARY, [END])
    rows = np.array([logits(ids[:i]) for i in range(len(ids) + 1)])
    found = token_statistics(rows, [*ids, -1], 0, begins_word=mask)
    statistics = type(found)(*(getattr(found, name)[:-1] for name in found.__dataclass_fields__))
    control = [id == END for id in ids]
    words, edges = words_of(ids, mask, control, statistics.new_word_logprob, float(found.new_word_logprob[-1]))
    return Scored(statistics, np.arange(len(ids)), words, edges)


@pytest.mark.parametrize("ids", [(0, 2), (0, 1, 2), (2, 1, 3), (3, 2, 0), (1,), (2, 3, 0), (0, 2, 1)])
def test_a_word_has_the_probability_of_all_texts_that_have_it_next(ids: tuple[int, ...]) -> None:
    whole = scored(ids)
    found = np.exp(-METRICS["word_surprisal_corrected"].function(whole))
    plain = np.exp(-METRICS["word_surprisal"].function(whole))
    everything = {text: probability(text) for text in texts()}
    assert sum(everything.values()) == pytest.approx(1)
    for (first, stop), mine, summed in zip(whole.words.tolist(), found, plain, strict=True):
        # Given the tokens before, and that a word begins there: that these tokens come next, and then a word's start.
        here = {text: p for text, p in everything.items() if text[:first] == ids[:first] and len(text) > first
                and (first == 0 or is_start(text[first]))}
        this = sum(p for text, p in here.items() if text[first:stop] == ids[first:stop] and is_start(text[stop]))
        assert mine == pytest.approx(this / sum(here.values()), rel=1e-5)
        spelled = probability(ids[:stop]) / probability(ids[:first])
        assert summed == pytest.approx(spelled, rel=1e-5)


def test_the_corrected_probabilities_of_all_next_words_sum_to_one() -> None:
    """The plain ones do not."""
    before = (0,)
    ways = [(*before, *more) for n in (1, 2, 3) for more in itertools.product(range(END), repeat=n)
            if is_start(more[0]) and not any(map(is_start, more[1:]))]
    totals = {name: sum(np.exp(-METRICS[name].function(scored(ids))[1]) for ids in ways)
              for name in ("word_surprisal", "word_surprisal_corrected")}
    p = np.exp(logits(before) - np.logaddexp.reduce(logits(before)))
    starts = float(sum(p[id] for id in range(len(p)) if is_start(id)))
    assert totals["word_surprisal_corrected"] == pytest.approx(1 - p[END] / starts, rel=1e-5)
    assert abs(totals["word_surprisal"] - (1 - p[END] / starts)) > 0.02


def test_words_begin_at_spaces_control_tokens_and_after_them() -> None:
    mask = begins_word(VOCABULARY, [END])
    assert mask.tolist() == [False, False, True, True, True]
    words, edges = words_of([0, 1, 2, END, 1, 3], mask, [False, False, False, True, False, False], [-1.0] * 6, -2.0)
    assert words.tolist() == [[0, 2], [2, 3], [3, 4], [4, 5], [5, 6]]
    assert_allclose(edges, [0, -1, -1, -1, 0, -1, -2])


def test_a_word_without_a_first_probability_has_none() -> None:
    found = scored((0, 1, 2))
    found.statistics.logprob[0] = np.nan
    for name in ("word_surprisal", "word_surprisal_corrected"):
        assert np.isnan(METRICS[name].function(found)[0]) and np.isfinite(METRICS[name].function(found)[1])


def test_an_impossible_token_makes_its_own_word_impossible_and_no_other() -> None:
    """Words of 1, 2 and 1 tokens; the first token of the second has probability 0."""
    logprob = np.array([-1.0, -np.inf, -2.0, -4.0])
    nothing = np.zeros((4, 0))
    statistics = TokenStatistics(logprob, np.ones(4, np.int32), np.zeros(4), np.zeros(4), nothing.astype(int), nothing)
    whole = Scored(statistics, np.arange(4), np.array([[0, 1], [1, 3], [3, 4]]), np.zeros(5))
    for name in ("word_surprisal", "word_surprisal_corrected"):
        np.testing.assert_array_equal(METRICS[name].function(whole), [1, np.inf, 4])
