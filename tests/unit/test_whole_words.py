"""Whole words: their colours and columns in the page, against the same numbers worked out with numpy."""

import json
import math

import numpy as np
import pytest

from pyscripts.colour import whole_words
from pyscripts.colour.colourings import COLOURINGS
from pyscripts.metrics import Scored
from pyscripts.metrics.likelihood import TokenStatistics
from pyscripts.page.arrays import word_columns
from pyscripts.page.session import Session
from tests.unit import page_module
from tests.unit.test_metrics import reading

WORDS = np.array([[0, 1], [1, 4], [4, 6], [6, 7]])
LOGPROB = np.array([-2.0, -1.0, -0.5, -0.25, -3.0, -4.0, -0.125])  # [token]
BOUNDARIES = np.array([0.0, -0.5, -2, -1, -0.25, -3, -0.75, -0.0625])  # [token + 1]
# By hand: its tokens' log-probabilities, plus the boundary after it, minus the boundary before it.
EXPECTED = [-2 - 0.5 - 0, -1.75 - 0.25 + 0.5, -7 - 0.75 + 0.25, -0.125 - 0.0625 + 0.75]
EXPECTED[3] = 0.0  # never above: here boundaries were made up


def scored() -> Scored:
    nothing = np.zeros((7, 0))
    statistics = TokenStatistics(LOGPROB, np.ones(7, np.int32), np.zeros(7), np.zeros(7), nothing.astype(int), nothing)
    return Scored(statistics, np.arange(7), WORDS, BOUNDARIES)


def test_each_token_has_the_hue_of_its_word() -> None:
    """The default colouring's formula over the words, as README has it."""
    values = np.array(EXPECTED)
    lo, hi = values.mean() - 2.5 * values.std(), values.mean() + 2.5 * values.std()
    hues = (np.clip(values, lo, hi) - lo) / (hi - lo) * 150
    made = whole_words.colours(COLOURINGS["hue"], scored())
    found = [float(css.split("(")[1].split()[0]) for css in made.light.background]  # hsl(<hue> 60% 85%)
    np.testing.assert_allclose(found, np.repeat(hues, [1, 3, 2, 1]), atol=0.06)
    assert len(made.dark.background) == len(made.light.text) == len(made.dark.text) == 7


@pytest.mark.parametrize("name", [name for name, each in COLOURINGS.items() if each.of_words])
def test_colourings_of_words_read_nothing_but_log_probabilities(name: str) -> None:
    """A text of words with one token each, certain boundaries: the colours of tokens."""
    one = scored()
    single = Scored(one.statistics, one.tokens_seen, np.stack([np.arange(7), np.arange(1, 8)], 1), np.zeros(8))
    assert whole_words.colours(COLOURINGS[name], single) == COLOURINGS[name].function(one.statistics)


def test_columns_of_words() -> None:
    """Odd ids begin a word: tokens 1 and 2 are one, token 3 another."""
    made = reading()
    found = word_columns(made)
    after = made.trace.new_word_after()
    logprob, new = made.trace.statistics().logprob, made.trace.statistics().new_word_logprob
    assert found["words"].tolist() == [[0, 2], [2, 3]] and found["words"].dtype == np.int32
    sums = [-logprob[0] - logprob[1], -logprob[2]]
    corrected = [sums[0] - new[2], sums[1] - after + new[2]]  # a word is certain to begin at the start
    np.testing.assert_allclose(found["word_surprisal"], sums, rtol=1e-6)
    np.testing.assert_allclose(found["word_surprisal_corrected"], corrected, rtol=1e-6)
    np.testing.assert_allclose(found["probability"], [math.exp(-value) for value in corrected], rtol=1e-5)
    assert all(array.dtype == np.float32 for name, array in found.items() if name != "words")


def test_a_colouring_of_single_tokens_is_refused_for_words() -> None:
    session = Session()
    menu = {each["id"]: each["of_words"] for each in json.loads(session.menus())["colourings"]}
    assert menu["hue"] and not menu["gltr"] and not menu["entropy"]
    session.colour("viridis", True)
    with pytest.raises(ValueError, match=r"“Rank classes \(GLTR\)” is about single tokens"):
        session.colour("gltr", True)


def test_the_page_knows_which_colourings_words_can_have() -> None:
    script = "import(process.argv[1]).then((m) => console.log(JSON.stringify([m.COLOURINGS, m.OF_WORDS])))"
    assert page_module.run(script, "shared/options.js", None) == [
        list(COLOURINGS), [name for name, each in COLOURINGS.items() if each.of_words]
    ]
