"""The bytes and texts of tokens, as in the page's tokenizer (site/inference/tokenizer.js). Offline, stdlib."""

import json
import re
from itertools import accumulate
from typing import Any

from transformers import PreTrainedTokenizerFast


def byte_alphabet() -> dict[str, int]:
    """GPT-2's alphabet, character → byte; printable bytes stand for themselves, the others for U+0100 and on.

    Source: bytes_to_unicode in openai/gpt-2 src/encoder.py.
    """
    alphabet, following = {}, 256
    for byte in range(256):
        printable = 33 <= byte <= 126 or 161 <= byte <= 172 or byte >= 174
        alphabet[chr(byte if printable else following)] = byte
        following += not printable
    return alphabet


def steps(node: dict[str, Any] | None, name: str) -> list[dict[str, Any]]:
    """A normalizer or pre-tokenizer as a list; `name` is that of a Sequence's own list."""
    if node is None:
        return []
    return [step for each in node[name] for step in steps(each, name)] if node["type"] == "Sequence" else [node]


def prefix_space(description: dict[str, Any]) -> str | None:
    """How a tokenizer.json puts a space in front of a text.

    "each": every section between added tokens gets one; "bare": those that do not begin with a space; "first": only the
    beginning of the whole text, if it has none; None: it does not.
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


class TokenText:
    """The bytes of every token id of a tokenizer."""

    def __init__(self, tokenizer: PreTrainedTokenizerFast) -> None:
        self.tokenizer = tokenizer
        description = json.loads(tokenizer.backend_tokenizer.to_str())
        parts = [description[name] for name in ("normalizer", "pre_tokenizer", "decoder")]
        described = json.dumps(parts, ensure_ascii=False)
        self.alphabet = byte_alphabet() if '"ByteLevel"' in described else None
        self.sentencepiece = self.alphabet is None and "▁" in described
        self.byte_fallback = description["model"].get("byte_fallback") is True
        self.prefix_space = prefix_space(description)
        self.added = {token["id"]: token for token in description["added_tokens"]}
        self.known: dict[int, bytes] = {}

    def bytes_of(self, id: int) -> bytes:
        """UTF-8, which may be part of a character; empty for an id the tokenizer does not have."""
        if id not in self.known:
            self.known[id] = self._bytes_of(id)
        return self.known[id]

    def _bytes_of(self, id: int) -> bytes:
        added = self.added.get(id)
        if added and (added["special"] or not self.sentencepiece):
            return str(added["content"]).encode()
        token = self.tokenizer.convert_ids_to_tokens(id) or ""
        if self.alphabet is not None:
            if all(character in self.alphabet for character in token):
                return bytes(self.alphabet[character] for character in token)
            return token.encode()
        byte = re.fullmatch(r"<0x([0-9A-F]{2})>", token) if self.byte_fallback else None
        if byte:
            return bytes([int(byte[1], 16)])
        return (token.replace("▁", " ") if self.sentencepiece else token).encode()

    def vocabulary(self, size: int) -> list[str]:
        """The text of every id; U+FFFD where a token is part of a character."""
        return [self.bytes_of(id).decode(errors="replace") for id in range(size)]

    def pieces(self, ids: list[int]) -> list[bytes]:
        """The bytes each token adds to a text, without the space that the tokenizer itself puts in front."""
        found = [self.bytes_of(id) for id in ids]
        for i, id in enumerate(ids):
            begins = i == 0 or (self.prefix_space != "first" and ids[i - 1] in self.added)
            if not self.prefix_space or not begins or id in self.added:
                continue
            follows = b"" if i + 1 == len(ids) or ids[i + 1] in self.added else found[i + 1]
            typed = (found[i] + follows)[1:2] in (b"", b" ")  # before a space only "each" puts another
            if self.prefix_space == "each" or not typed:
                found[i] = found[i].removeprefix(b" ")
        return found

    def encode(self, text: str, most: int) -> dict[str, Any]:
        """The first `most` tokens of a text, as `TokenizedText` of site/shared/protocol.js has them."""
        ids = self.tokenizer(text, add_special_tokens=False)["input_ids"]
        return {**self.describe(ids[:most]), "total": len(ids)}

    def describe(self, ids: list[int]) -> dict[str, Any]:
        """The same as `encode`, from ids."""
        pieces = self.pieces(ids)
        ends = list(accumulate(len(piece) for piece in pieces))
        return {
            "text": b"".join(pieces).decode(errors="replace"),
            "ids": ids,
            "total": len(ids),
            "texts": [piece.decode(errors="replace") for piece in pieces],
            "bytes": [[end - len(piece), end] for piece, end in zip(pieces, ends, strict=True)],
            "hex": [piece.hex(" ").upper() for piece in pieces],
            "control": [id in self.added and self.added[id]["special"] for id in ids],
        }
