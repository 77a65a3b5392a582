"""The bytes of a text's tokens, which define every position in it, even if they are not valid UTF-8.

A token may hold half a character, and a text may end inside one. Its `text` then shows U+FFFD, which has other bytes,
so spans are offsets into the tokens' own bytes, never into those of `text`.
"""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

# A character, or the longest sequence that could begin one, for which a decoder writes one U+FFFD (Unicode, table 3-7).
CHARACTER = re.compile(
    rb"[\xc2-\xdf][\x80-\xbf]?"
    rb"|(?:\xe0[\xa0-\xbf]|\xed[\x80-\x9f]|[\xe1-\xec\xee\xef][\x80-\xbf])[\x80-\xbf]?"
    rb"|(?:\xf0[\x90-\xbf]|\xf4[\x80-\x8f]|[\xf1-\xf3][\x80-\xbf])(?:[\x80-\xbf][\x80-\xbf]?)?"
    rb"|.",
    re.DOTALL,
)


def own_bytes(tokens: Mapping[str, Any]) -> bytes:
    """The concatenated bytes of all tokens, from the tokenizer's `hex` (such as "F0 9F A6")."""
    return b"".join(map(bytes.fromhex, tokens["hex"]))


def spans(tokens: Mapping[str, Any], count: int) -> NDArray[np.int64]:
    """[token, 2] where the first `count` tokens begin and end in `own_bytes`."""
    return np.asarray(tokens["bytes"][:count], np.int64).reshape(-1, 2)


def character_starts(data: bytes) -> NDArray[np.int64]:
    """[character] the byte at which each character of `data.decode(errors="replace")` begins."""
    return np.array([found.start() for found in CHARACTER.finditer(data)], np.int64)


def checked_spans(data: bytes, spans: ArrayLike) -> NDArray[np.int64]:
    """Spans as int64 [token, 2] of byte offsets, 0 <= start <= end <= length; otherwise ValueError."""
    array = np.asarray(spans, np.int64).reshape(-1, 2) if np.size(spans) == 0 else np.asarray(spans, np.int64)
    if array.ndim != 2 or array.shape[1] != 2:
        raise ValueError(f"spans must be [token, 2] byte offsets, not {array.shape}.")
    if array.size and (array.min() < 0 or array.max() > len(data) or (array[:, 0] > array[:, 1]).any()):
        raise ValueError("spans must be byte offsets inside the text, each start before its end.")
    return array
