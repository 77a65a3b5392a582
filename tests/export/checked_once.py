"""Lets builds of models with the same tokenizer compare it with the page's once per process: half of a tiny build."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from transformers import PreTrainedTokenizerFast

from export.tokenizer import tokenizer_check

passed: dict[tuple[object, ...], int] = {}


def patch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes tokenizer_check.check answer as before where everything that it compares is as before."""
    check = tokenizer_check.check
    if check.__module__ == __name__:
        return

    def once(tokenizer: PreTrainedTokenizerFast, directory: Path, vocab_size: int, texts: Sequence[str]) -> int:
        files = sorted((path.name, path.read_bytes()) for path in directory.glob("*.json"))
        added = str(tokenizer.added_tokens_decoder)
        key = (tokenizer.backend_tokenizer.to_str(), added, tuple(files), vocab_size, tuple(texts))
        if key not in passed:
            passed[key] = check(tokenizer, directory, vocab_size, texts)
        return passed[key]

    monkeypatch.setattr(tokenizer_check, "check", once)
