"""The tokens of a text and their bytes, which define every position in it, even if they are not valid UTF-8.

A token may hold half a character, and a text may end inside one. Its `text` then shows U+FFFD, which has other bytes,
so spans are offsets into the tokens' own bytes, never into those of `text`.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pyscripts.checks import is_whole, said

Target = int | str | None  # a token's id or text; None: the one in question

# A character, or the longest sequence that could begin one, for which a decoder writes one U+FFFD (Unicode, table 3-7).
CHARACTER = re.compile(
    rb"[\xc2-\xdf][\x80-\xbf]?"
    rb"|(?:\xe0[\xa0-\xbf]|\xed[\x80-\x9f]|[\xe1-\xec\xee\xef][\x80-\xbf])[\x80-\xbf]?"
    rb"|(?:\xf0[\x90-\xbf]|\xf4[\x80-\x8f]|[\xf1-\xf3][\x80-\xbf])(?:[\x80-\xbf][\x80-\xbf]?)?"
    rb"|.",
    re.DOTALL,
)


@dataclass(frozen=True)
class Tokens:
    """The shown tokens of a text, without the prefix token."""

    ids: tuple[int, ...]  # [token]
    pieces: tuple[bytes, ...]  # [token] the bytes that each adds to the text
    control: tuple[bool, ...]  # [token] which are control tokens, even if they were typed
    total: int  # tokens of the whole text, which may be more than fit the context

    @classmethod
    def of(cls, ids: Iterable[int], pieces: Iterable[bytes], control: Iterable[bool], total: int = 0) -> "Tokens":
        """From lists; a total below their length stands for their length."""
        each = tuple(ids)
        return cls(each, tuple(pieces), tuple(control), max(total, len(each)))

    @classmethod
    def from_json(cls, tokens: Mapping[str, Any]) -> "Tokens":
        """From a TokenizedText of site/shared/protocol.js, whose `hex` holds the bytes (such as "F0 9F A6")."""
        return cls.of(tokens["ids"], map(bytes.fromhex, tokens["hex"]), tokens["control"], tokens["total"])

    def to_json(self) -> dict[str, Any]:
        """The TokenizedText of protocol.js."""
        return {"text": self.text, "ids": list(self.ids), "texts": list(self.texts), "bytes": self.spans.tolist(),
                "hex": list(self.hex), "control": list(self.control), "total": self.total}

    def with_token(self, id: int, piece: bytes, control: bool) -> "Tokens":
        """The text with one more token."""
        total = max(self.total, len(self.ids) + 1)
        return replace(self, ids=(*self.ids, id), pieces=(*self.pieces, piece), control=(*self.control, control),
                       total=total)

    @cached_property
    def data(self) -> bytes:
        """The bytes of all tokens, one after the other."""
        return b"".join(self.pieces)

    @cached_property
    def text(self) -> str:
        """U+FFFD for bytes that are not UTF-8."""
        return self.data.decode(errors="replace")

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """[token] each token's text, U+FFFD for parts of characters."""
        return tuple(piece.decode(errors="replace") for piece in self.pieces)

    @cached_property
    def hex(self) -> tuple[str, ...]:
        """[token] each token's bytes, such as "F0 9F A6"."""
        return tuple(piece.hex(" ").upper() for piece in self.pieces)

    @cached_property
    def spans(self) -> NDArray[np.int64]:
        """[token, 2] where each token begins and ends in `data`."""
        ends = np.cumsum(np.fromiter(map(len, self.pieces), np.int64, len(self.pieces)))  # [token]
        return np.stack([np.append(0, ends)[:-1], ends], axis=1)

    def passage(self, start: int, stop: int) -> str:
        """The text of the tokens start ... stop - 1, without the parts of characters at its ends; if there is nothing
        else, their bytes, such as "bytes F0 9F"."""
        data = b"".join(self.pieces[start:stop])
        return data.decode(errors="replace").strip("\ufffd") or f"bytes {data.hex(' ').upper()}"


def character_starts(data: bytes) -> NDArray[np.int64]:
    """[character] the byte at which each character of `data.decode(errors="replace")` begins."""
    try:
        data.decode()
    except UnicodeDecodeError:
        return np.array([match.start() for match in CHARACTER.finditer(data)], np.int64)
    return np.flatnonzero(np.frombuffer(data, np.int8) >= -64)  # all but 10xxxxxx, which only continues a character


def checked_spans(data: bytes, spans: ArrayLike) -> NDArray[np.int64]:
    """Spans as int64 [token, 2] of byte offsets, 0 <= start <= end <= length; otherwise ValueError."""
    array = np.asarray(spans, np.int64).reshape(-1, 2) if np.size(spans) == 0 else np.asarray(spans, np.int64)
    if array.ndim != 2 or array.shape[1] != 2:
        raise ValueError(f"spans must be [token, 2] byte offsets, not {array.shape}.")
    if array.size and (array.min() < 0 or array.max() > len(data) or (array[:, 0] > array[:, 1]).any()):
        raise ValueError("spans must be byte offsets inside the text, each start before its end.")
    return array


def token_id(token: int | str, vocabulary: Sequence[str]) -> int:
    """An id, or the id of the token with that text, with a space before it if there is none without; vocabulary: [id]
    text. ValueError: there is no such token."""
    if not isinstance(token, str):
        if not is_whole(token) or not 0 <= token < len(vocabulary):
            raise ValueError(f"{said(token)} is not a token id; this model's are 0 to {len(vocabulary) - 1}.")
        return int(token)
    for text in (token, f" {token}") if token else ():
        if text in vocabulary:
            return list(vocabulary).index(text)
    raise ValueError(f"“{token:.60}” is not one token of this model.")


def target_ids(target: int, versus: int | None) -> list[int]:
    """The ids of a target and, if any, of the token it is compared with. ValueError: they are the same token."""
    if target == versus:
        raise ValueError("A token cannot be compared with itself.")
    return [target] if versus is None else [target, versus]
