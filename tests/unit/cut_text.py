"""A text cut into tokens at any byte, as the page's tokenizer would describe it."""

from typing import Any

from pyscripts.tokens import Tokens


def cut(*pieces: bytes) -> dict[str, Any]:
    """The TokenizedText of tokens with these bytes."""
    ends = [len(b"".join(pieces[: i + 1])) for i in range(len(pieces))]
    return {
        "text": b"".join(pieces).decode(errors="replace"),
        "ids": list(range(len(pieces))),
        "texts": [piece.decode(errors="replace") for piece in pieces],
        "bytes": [[end - len(piece), end] for piece, end in zip(pieces, ends, strict=True)],
        "hex": [piece.hex(" ").upper() for piece in pieces],
        "control": [False] * len(pieces),
        "total": len(pieces),
    }


def tokens_of(*pieces: bytes, **changed: Any) -> Tokens:
    """The same as Python keeps it; `changed`: other ids, control or total."""
    return Tokens.from_json({**cut(*pieces), **changed})
