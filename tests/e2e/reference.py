"""What transformers says of a checkpoint, in fp32: the reference of the browser tests. CPython, PyTorch."""

from __future__ import annotations

import functools
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from export import sources
from export.weights import checkpoint


@dataclass(frozen=True)
class Reference:
    """Outputs for one text, the prefix token in front; T positions."""

    ids: list[int]  # [T]
    logprobs: NDArray[np.float64]  # [T, vocab]
    attentions: NDArray[np.float32]  # [layer, head, T, T]
    hidden_states: NDArray[np.float32]  # [layer+1, T, hidden]

    def token_logprob(self) -> NDArray[np.float64]:
        """[T-1] of the tokens after the prefix."""
        return self.logprobs[np.arange(len(self.ids) - 1), self.ids[1:]]

    def rank(self) -> NDArray[np.int64]:
        """[T-1] 1 = most likely."""
        return (self.logprobs[:-1] > self.token_logprob()[:, None]).sum(axis=1) + 1

    def entropy(self) -> NDArray[np.float64]:
        """[T-1] nats, of the distributions the tokens after the prefix came from."""
        p = np.exp(self.logprobs[:-1])
        return -(p * self.logprobs[:-1]).sum(axis=1)


class ReferenceModel:
    """A checkpoint as transformers runs it."""

    def __init__(self, name: str | Path) -> None:
        self.source = sources.find(str(name), None, False)
        self.model: Any = checkpoint.load_model(self.source)

    @functools.cached_property
    def prefix(self) -> int:
        """The token that starts a document: for SmolLM2 tests/export/test_smollm2.py measures that it is this one."""
        with tempfile.TemporaryDirectory() as work:
            return int(checkpoint.write_tokenizer(self.source, Path(work)).convert_tokens_to_ids("<|endoftext|>"))

    def read(self, ids: list[int]) -> Reference:
        """One forward pass over ids, the prefix included."""
        with torch.no_grad():
            out = self.model(torch.tensor([ids]), output_attentions=True, output_hidden_states=True)
        return Reference(
            ids,
            torch.log_softmax(out.logits[0].double(), -1).numpy(),
            torch.stack(out.attentions)[:, 0].numpy(),
            torch.stack(out.hidden_states)[:, 0].numpy(),
        )
