"""Colours whole words: each of a word's tokens has the colour of the word."""

from dataclasses import replace

import numpy as np

from pyscripts.colour.colourings import Colouring, Colours, Theme
from pyscripts.metrics import Scored
from pyscripts.metrics.likelihood import TokenStatistics
from pyscripts.metrics.word_metrics import word_logprob


def colours(colouring: Colouring, scored: Scored) -> Colours:
    """A colouring (of_words) of the words' corrected log-probabilities, by token."""
    count, nothing = len(scored.words), np.zeros((len(scored.words), 0))
    words = TokenStatistics(word_logprob(scored), np.zeros(count, np.int32), nothing, nothing,
                            nothing.astype(np.int32), nothing)
    by_word = colouring.function(words)
    lengths = np.diff(scored.words, axis=1)[:, 0].tolist()  # [word] tokens
    return replace(by_word, light=_by_token(by_word.light, lengths), dark=_by_token(by_word.dark, lengths))


def _by_token(theme: Theme, lengths: list[int]) -> Theme:
    """[word] to [token]."""
    lists = ([each for each, length in zip(words, lengths, strict=True) for _ in range(length)]
             for words in (theme.background, theme.text))
    return Theme(*lists)
