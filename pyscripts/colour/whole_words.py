"""Colours whole words: each of a word's tokens has the colour of the word."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from pyscripts.colour.colourings import Colouring, Colours, Theme
from pyscripts.metrics import Scored
from pyscripts.metrics.likelihood import TokenStatistics
from pyscripts.metrics.word_metrics import word_logprob


def colours(colouring: Colouring, scored: Scored) -> Colours:
    """A colouring (of_words) of the words' corrected log-probabilities, by token."""
    return by_token(colouring.colours(statistics(scored)), scored.words)


def statistics(scored: Scored) -> TokenStatistics:
    """The words' corrected log-probabilities in place of the tokens'; there is nothing else."""
    count, nothing = len(scored.words), np.zeros((len(scored.words), 0))
    return TokenStatistics(word_logprob(scored), np.zeros(count, np.int32), nothing, nothing,
                           nothing.astype(np.int32), nothing)


def by_token(colours: Colours, words: NDArray[np.integer]) -> Colours:
    """Colours of words [word, 2] (first token, and the one after the last) as those of their tokens."""
    lengths = np.diff(words, axis=1)[:, 0].tolist()  # [word] tokens
    return replace(colours, light=_by_token(colours.light, lengths), dark=_by_token(colours.dark, lengths))


def _by_token(theme: Theme, lengths: list[int]) -> Theme:
    """[word] to [token]."""
    lists = ([each for each, length in zip(words, lengths, strict=True) for _ in range(length)]
             for words in (theme.background, theme.text))
    return Theme(*lists)
