"""The text of each token as it is drawn, and as it is named in a label."""

import numpy as np

from pyscripts.tokens import Tokens, character_starts


def shown_texts(tokens: Tokens) -> list[str]:
    """[token] texts that together are the text: a character that several tokens share is in the one where it begins; ""
    for a token that only continues it."""
    starts = character_starts(tokens.data)  # [character]
    ends = np.append(starts, len(tokens.data))
    first = np.searchsorted(starts, tokens.spans[:, 0])
    stop = np.searchsorted(starts, tokens.spans[:, 1])
    return [tokens.data[ends[a] : ends[b]].decode(errors="replace") for a, b in zip(first, stop, strict=True)]


NAMES = {" ": "␣", "\n": "↵", "\r": "␍", "\t": "⇥"}


def visible(text: str) -> str:
    """A token's text for a label: whitespace and other characters without a glyph by name; a dot if it has no text."""
    shown = (NAMES.get(each) or (each if each.isprintable() else f"\\u{ord(each):04x}") for each in text)
    return "".join(shown) or "·"
