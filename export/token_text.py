"""The bytes and texts of tokens, as the page's tokenizer gives them. Offline, stdlib and tokenizers."""

import re
from typing import Any

from transformers import PreTrainedTokenizerBase


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


class TokenText:
    """What every token id of a tokenizer stands for."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self.tokenizer = tokenizer
        backend = tokenizer.backend_tokenizer
        described = f"{backend.decoder}{backend.pre_tokenizer}"
        self.alphabet = byte_alphabet() if "ByteLevel" in described else None
        self.added = {id: str(token) for id, token in tokenizer.added_tokens_decoder.items()}

    def bytes_of(self, id: int) -> bytes:
        """UTF-8, which may be part of a character; empty for an id the tokenizer does not have."""
        if id in self.added:
            return self.added[id].encode()
        token = self.tokenizer.convert_ids_to_tokens(id) or ""
        if self.alphabet is not None:
            if all(character in self.alphabet for character in token):
                return bytes(self.alphabet[character] for character in token)
            return token.encode()
        byte = re.fullmatch(r"<0x([0-9A-F]{2})>", token)
        return bytes([int(byte[1], 16)]) if byte else token.replace("▁", " ").encode()

    def vocabulary(self, size: int) -> list[str]:
        """The text of every id; U+FFFD where a token is part of a character."""
        return [self.bytes_of(id).decode(errors="replace") for id in range(size)]

    def encode(self, text: str, most: int) -> dict[str, Any]:
        """The first `most` tokens of a text: {text, ids, total, texts, bytes}, bytes as [start, end] offsets."""
        every = self.tokenizer(text, add_special_tokens=False)["input_ids"]
        ids = every[:most]
        pieces = [self.bytes_of(id) for id in ids]
        if pieces and self.alphabet is None and not text.startswith(" "):
            pieces[0] = pieces[0].removeprefix(b" ")  # SentencePiece puts a space in front of a text
        ends = [len(b"".join(pieces[: i + 1])) for i in range(len(pieces))]
        return {
            "text": b"".join(pieces).decode(errors="replace"),
            "ids": ids,
            "total": len(every),
            "texts": [piece.decode(errors="replace") for piece in pieces],
            "bytes": [[end - len(piece), end] for piece, end in zip(pieces, ends, strict=True)],
        }
