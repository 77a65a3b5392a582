"""The texts of `make bench-peers` and what fp32 PyTorch says of them. Offline, transformers."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from transformers import PreTrainedTokenizerFast

from export import sources
from export.weights import checkpoint
from tests.peers import prepare

ROOT = Path(__file__).resolve().parents[2]
TEXTS = sorted((ROOT / "export/texts").glob("*.txt"))
PREFIX = json.loads((ROOT / "site/models/smollm2/manifest.json").read_text())["prefix"]["id"]  # of the page's runs
FIRST = 200  # tokens of each text that are compared


@functools.cache
def tokenizer() -> PreTrainedTokenizerFast:
    return PreTrainedTokenizerFast.from_pretrained(prepare.files() / "smollm2")


def ids_of(text: str) -> list[int]:
    return list(tokenizer()(text, add_special_tokens=False)["input_ids"])


@dataclass(frozen=True)
class Text:
    """A text and its token ids, the prefix token first."""

    text: str
    ids: list[int]

    @property
    def prompt(self) -> str:
        """The text after the prefix token, written out."""
        return tokenizer().decode([PREFIX]) + self.text

    def beginnings(self) -> Iterator[str | None]:
        """The prompt up to each token, for every token but the last; None where it has other tokens by itself."""
        for end in range(1, len(self.ids)):
            prompt = tokenizer().decode(self.ids[:end])
            yield prompt if ids_of(prompt) == self.ids[:end] else None


def cut(text: str, positions: int) -> Text:
    """The beginning of a text that has so many positions, or a few less where a token ends inside of a character."""
    ids = ids_of(text)
    for tokens in range(min(positions - 1, len(ids)), 0, -1):
        short = tokenizer().decode(ids[:tokens])
        if ids_of(short) == ids[:tokens]:
            return Text(short, [PREFIX, *ids[:tokens]])
    raise ValueError("no beginning of this text has its tokens")


@functools.cache
def beginning(positions: int) -> Text:
    """The beginning of all texts, one after the other."""
    return cut(" ".join(path.read_text(encoding="utf-8") for path in TEXTS), positions)


@dataclass(frozen=True)
class Checked:
    """A text, and for each of its tokens what PyTorch held most likely there, and its log-probability in nats."""

    text: Text
    top: list[int]
    logprob: np.ndarray  # [token]


def checked() -> list[Checked]:
    """The first tokens of each text with the checkpoint in fp32."""
    model = checkpoint.load_model(sources.find("smollm2", None, False))
    result = []
    for path in TEXTS:
        text = cut(path.read_text(encoding="utf-8"), FIRST + 1)
        ids = torch.tensor([text.ids])
        with torch.no_grad():
            logprobs = torch.log_softmax(model(ids).logits[0, :-1].double(), -1)  # [token, vocab]
        of_token = logprobs.gather(1, ids[0, 1:, None])[:, 0].numpy()
        result.append(Checked(text, logprobs.argmax(-1).tolist(), of_token))
    return result


Tops = Callable[[Text], tuple[list[int | None], list[float] | None]]


def compare(tops: Tops, texts: list[Checked]) -> dict[str, float | None]:
    """The share of top tokens equal to PyTorch's, of how many, and the mean distance of log-probabilities in nats."""
    same, apart = list[bool](), list[float]()
    for one in texts:
        top, logprob = tops(one.text)
        assert len(top) == len(one.top)
        same += [mine == theirs for mine, theirs in zip(top, one.top, strict=True) if mine is not None]
        if logprob is not None:
            apart += np.abs(one.logprob - logprob).tolist()
    return {
        "top token as in fp32, %": 100 * float(np.mean(same)),
        "of so many tokens": float(len(same)),
        "mean distance of log-probabilities, nats": float(np.mean(apart)) if apart else None,
    }
