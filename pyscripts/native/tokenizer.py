"""Text to token ids with byte offsets, as the page's tokenizer has them (site/inference/tokenizer.js)."""

import json
import re
from collections.abc import Sequence
from functools import cached_property
from typing import Any

from tokenizers import Tokenizer  # type: ignore[import-untyped]

from pyscripts.tokens import Tokens


def byte_alphabet() -> dict[str, int]:
    """GPT-2's alphabet, character → byte; printable bytes are themselves, the others characters from U+0100.

    Source: bytes_to_unicode in openai/gpt-2 src/encoder.py.
    """
    alphabet, substitute = {}, 256
    for byte in range(256):
        printable = 33 <= byte <= 126 or 161 <= byte <= 172 or byte >= 174
        alphabet[chr(byte if printable else substitute)] = byte
        substitute += not printable
    return alphabet


def steps(node: dict[str, Any] | None, name: str) -> list[dict[str, Any]]:
    """A normalizer or pre-tokenizer as a list; `name` is the key of a Sequence's own list."""
    if node is None:
        return []
    return [step for each in node[name] for step in steps(each, name)] if node["type"] == "Sequence" else [node]


def prefix_space(description: dict[str, Any]) -> str | None:
    """Where a tokenizer.json puts a space in front of a text.

    "each": in front of every section between added tokens, before those that are looked for in the normalized text are
    found: they take the space before them, and none is put after them; "bare": of every section that does not begin
    with a space; "first": only of the whole text, if it does not begin with one; None: nowhere.
    """
    if any(step["type"] == "Prepend" for step in steps(description["normalizer"], "normalizers")):
        return "each"
    for step in steps(description["pre_tokenizer"], "pretokenizers"):
        scheme = step.get("prepend_scheme", "never")
        if step["type"] == "Metaspace" and scheme != "never":
            return "first" if scheme == "first" else "bare"
        if step["type"] == "ByteLevel" and step["add_prefix_space"]:
            return "bare"
    return None


class TextTokenizer:
    """A tokenizer.json: the ids of a text, and the bytes of every id."""

    def __init__(self, description: str) -> None:
        """Takes the text of a tokenizer.json. ValueError: it is not usable."""
        try:
            self._json: dict[str, Any] = json.loads(description)
            self._plain = _without_limits(self._json)
        except Exception as error:  # the library raises Exception itself
            raise ValueError(f"tokenizer.json is not usable ({error}). Build the model again.") from error
        parts = [self._json[name] for name in ("normalizer", "pre_tokenizer", "decoder")]
        described = json.dumps(parts, ensure_ascii=False)
        self.alphabet = byte_alphabet() if '"ByteLevel"' in described else None
        self.sentencepiece = self.alphabet is None and "▁" in described
        self.byte_fallback = self._json["model"].get("byte_fallback") is True
        self.prefix_space = prefix_space(self._json)
        self.added = {token["id"]: token for token in self._json["added_tokens"]}
        self.known: dict[int, bytes] = {}

    @cached_property
    def _literal(self) -> Tokenizer:
        return _without_limits(_without_control_tokens(self._json))

    def bytes_of(self, id: int) -> bytes:
        """UTF-8, which may be part of a character; empty for an id the tokenizer does not have."""
        if id not in self.known:
            self.known[id] = self._bytes_of(id)
        return self.known[id]

    def _bytes_of(self, id: int) -> bytes:
        added = self.added.get(id)
        if added and (added["special"] or not self.sentencepiece):
            return str(added["content"]).encode()
        token = self._plain.id_to_token(id) or ""
        if self.alphabet is not None:
            if all(character in self.alphabet for character in token):
                return bytes(self.alphabet[character] for character in token)
            return token.encode()
        byte = re.fullmatch(r"<0x([0-9A-F]{2})>", token) if self.byte_fallback else None
        if byte:
            return bytes([int(byte[1], 16)])
        return (token.replace("▁", " ") if self.sentencepiece else token).encode()

    def vocabulary(self, size: int) -> list[str]:
        """[id] the text of every token; U+FFFD for a part of a character."""
        return [self.bytes_of(id).decode(errors="replace") for id in range(size)]

    def pieces(self, ids: list[int]) -> list[bytes]:
        """The bytes each token adds to a text, without the space that the tokenizer itself puts in front."""
        pieces = [self.bytes_of(id) for id in ids]
        for i, id in enumerate(ids):
            begins = i == 0 or (self.prefix_space != "first" and self._ends_section(ids[i - 1]))
            if self.prefix_space == "each" and id in self.added and not self._ends_section(id) and not begins:
                pieces[i] = b" " + pieces[i]
            if not self.prefix_space or not begins or id in self.added:
                continue
            follows = b"" if i + 1 == len(ids) or ids[i + 1] in self.added else pieces[i + 1]
            typed = (pieces[i] + follows)[1:2] in (b"", b" ")  # before a space only "each" puts another
            if self.prefix_space == "each" or not typed:
                pieces[i] = pieces[i].removeprefix(b" ")
        return pieces

    def _ends_section(self, id: int) -> bool:
        """Whether the tokenizer reads what follows this token as it does the beginning of a text."""
        return id in self.added and not (self.prefix_space == "each" and self.added[id]["normalized"])

    def ids(self, texts: Sequence[str], *, literal: bool = False) -> list[list[int]]:
        """The ids of each text. literal: control tokens are read as the characters that spell them.

        Lone surrogates, which are not characters, become U+FFFD.
        """
        tokenizer = self._literal if literal else self._plain
        encoded = tokenizer.encode_batch([well_formed(text) for text in texts], add_special_tokens=False)
        return [each.ids for each in encoded]

    def encode(self, text: str, limit: int | None = None, *, literal: bool = False) -> Tokens:
        """The first `limit` tokens of a text (None: all)."""
        ids = self.ids([text], literal=literal)[0]
        return self.describe(ids[:limit], total=len(ids))

    def describe(self, ids: list[int], total: int = 0) -> Tokens:
        """The tokens with these ids; total: of the whole text, if it has more."""
        return Tokens.of(ids, self.pieces(ids), map(self.is_control, ids), total)

    def is_control(self, id: int) -> bool:
        """Whether it is a control token, such as <|endoftext|>."""
        return id in self.added and bool(self.added[id]["special"])


def well_formed(text: str) -> str:
    """The text with U+FFFD for each lone surrogate, as JavaScript's toWellFormed."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _without_limits(description: dict[str, Any]) -> Tokenizer:
    tokenizer = Tokenizer.from_str(json.dumps(description, ensure_ascii=False))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def _without_control_tokens(description: dict[str, Any]) -> dict[str, Any]:
    """The same tokenizer, but it reads control tokens as ordinary text."""
    control = {token["content"] for token in description["added_tokens"] if token["special"]}
    changed = {**description, "added_tokens": [token for token in description["added_tokens"] if not token["special"]]}
    model = description["model"]
    if model["type"] == "Unigram":  # it chooses among all its pieces: no text spells these names
        vocab = [[f"\0{piece}" if piece in control else piece, score] for piece, score in model["vocab"]]
        changed["model"] = {**model, "vocab": vocab}
    return changed
