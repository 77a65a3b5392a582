"""A text cut into tokens at any byte, as the page's tokenizer would describe it."""

from typing import Any


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
