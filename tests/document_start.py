"""Which token starts a document for a checkpoint, found without the exporter: a reference. CPython, PyTorch."""

from typing import Any

import torch

TEXTS = (  # none of them is among the exporter's own
    "The quick brown fox jumps over the lazy dog.",
    "Once upon a time, there was a little girl who lived in a village near the forest.",
    "It was the best of times, it was the worst of times, it was the age of wisdom.",
    "The capital of France is Paris. The capital of Japan is Tokyo.",
    "def add(a, b):\n    return a + b\n",
    "When the light of the morning came over the hill, the people of the village went down to the river.\n",
)


def perplexity(model: Any, tokenizer: Any, prefix: int, texts: tuple[str, ...]) -> float:
    """Of all tokens of the texts after the prefix, from transformers' own loss."""
    total, count = 0.0, 0
    for text in texts:
        ids = torch.tensor([[prefix, *tokenizer(text, add_special_tokens=False)["input_ids"]]])
        with torch.no_grad():
            loss = model(ids, labels=ids).loss
        total, count = total + float(loss) * (ids.shape[1] - 1), count + ids.shape[1] - 1
    return float(torch.tensor(total / count).exp())


def document_start(model: Any, tokenizer: Any, texts: tuple[str, ...] = TEXTS) -> int:
    """The special token after which the texts have the lowest perplexity."""
    special = [id for id, token in tokenizer.added_tokens_decoder.items() if token.special]
    return min(special, key=lambda id: perplexity(model, tokenizer, id, texts)) if len(special) > 1 else special[0]
