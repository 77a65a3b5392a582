"""Which token starts a document for a checkpoint, found without the exporter: a reference. CPython, PyTorch.

`PYTHONPATH=. python tests/document_start.py smollm2` prints the figures of export/README.md.
"""

import sys
import tempfile
from pathlib import Path
from typing import Any

import torch

from export import sources
from export.check import prefix as exporter
from export.weights import checkpoint

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


def sink_mass(model: Any, tokenizer: Any, prefix: int, text: str) -> float:
    """Mean attention that every later position of a text's first 255 tokens puts on position 0."""
    ids = torch.tensor([[prefix, *tokenizer(text, add_special_tokens=False)["input_ids"][:255]]])
    with torch.no_grad():
        attentions = model(ids, output_attentions=True).attentions
    return float(torch.stack([layer[0, :, 1:, 0].mean() for layer in attentions]).mean())


def main(name: str) -> None:
    """Print a model's perplexity of each text after each of its named special tokens, and the mass of the sink."""
    source = sources.find(name)
    model = checkpoint.load_model(source)
    with tempfile.TemporaryDirectory() as work:
        tokenizer = checkpoint.write_tokenizer(source, Path(work))
    for id in tokenizer.all_special_ids:
        costs = "  ".join(f"{perplexity(model, tokenizer, id, (text,)):7.1f}" for text in TEXTS)
        print(f"{tokenizer.convert_ids_to_tokens(id):20} {costs}")
    start = document_start(model, tokenizer)
    for path in sorted(exporter.TEXTS.glob("*.txt")):
        mass = sink_mass(model, tokenizer, start, path.read_text(encoding="utf-8"))
        print(f"attention on position 0, {path.stem}: {mass:.3f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
