"""Measure how far the stored model is from its checkpoint in fp32 PyTorch, on a fixed text set. Offline.

The texts (prose, code, dialogue, German, a recipe in several scripts) lie in `texts/`; nothing is tuned on them.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from export import verify
from export.families import Refusal

TEXTS = Path(__file__).resolve().parent / "texts"
WINDOW = 256  # tokens in one pass, so that attentions of every layer fit

# format: (largest mean abs Δlogprob in nats, smallest share of equal top tokens)
THRESHOLDS = {"fp32": (0.0005, 0.999), "fp16": (0.002, 0.995), "int8": (0.05, 0.95)}


class Unfaithful(Refusal):
    """The stored model is too far from its checkpoint; the build stops."""


def windows(tokenizer: PreTrainedTokenizerBase, prefix: int | None, context: int) -> Iterator[np.ndarray]:
    """Every text as token ids [1, token], cut into windows that start with the prefix token where the model has one."""
    front = [] if prefix is None else [prefix]
    size = min(WINDOW, context) - len(front)
    for path in sorted(TEXTS.glob("*.txt")):
        ids = tokenizer(path.read_text(encoding="utf-8"), add_special_tokens=False)["input_ids"]
        for start in range(0, len(ids), size):
            yield np.array([front + ids[start : start + size]], np.int64)


def measure(
    model: PreTrainedModel, graph: ort.InferenceSession, tokenizer: PreTrainedTokenizerBase, prefix: int | None
) -> dict[str, Any]:
    """Compare distributions, probabilities of the actual next tokens, attentions and hidden states.

    Returns:
        KL divergence reference‖stored and Δlogprob in nats a token; perplexities over the whole set;
        `hidden_difference` relative to the largest value of the same hidden state.
    """
    divergence, same, reference_logprob, stored_logprob = [], [], [], []
    attention_difference = hidden_difference = 0.0
    for ids in windows(tokenizer, prefix, model.config.max_position_embeddings):
        expected = verify.reference(model, ids)
        found = verify.run(graph, verify.feeds(model, ids))
        p = torch.log_softmax(torch.from_numpy(expected["logits"][0]), -1)  # [token, vocab]
        q = torch.log_softmax(torch.from_numpy(found["logits"][0]), -1)
        divergence.append((p.exp() * (p - q)).sum(-1).numpy())
        same.append((p.argmax(-1) == q.argmax(-1)).numpy())
        following = torch.from_numpy(ids[0, 1:, None])
        reference_logprob.append(p[:-1].gather(1, following)[:, 0].numpy())
        stored_logprob.append(q[:-1].gather(1, following)[:, 0].numpy())
        for name, value in expected.items():
            difference = float(np.abs(found[name] - value).max())
            if name.startswith("attentions"):
                attention_difference = max(attention_difference, difference)
            elif name.startswith("hidden_states"):
                hidden_difference = max(hidden_difference, difference / float(np.abs(value).max()))
    kl, agree = np.concatenate(divergence).astype(np.float64), np.concatenate(same)
    a, b = np.concatenate(reference_logprob), np.concatenate(stored_logprob)
    delta = np.abs(a.astype(np.float64) - b)
    return {
        "tokens": len(kl),
        "mean_kl": max(0.0, float(kl.mean())),
        "max_kl": float(kl.max()),
        "top1_agreement": float(agree.mean()),
        "mean_abs_logprob_difference": float(delta.mean()),
        "p99_abs_logprob_difference": float(np.quantile(delta, 0.99)),
        "perplexity_reference": float(np.exp(-a.mean(dtype=np.float64))),
        "perplexity": float(np.exp(-b.mean(dtype=np.float64))),
        "max_attention_difference": attention_difference,
        "max_hidden_difference": hidden_difference,
    }


def enforce(found: dict[str, Any], weights_format: str) -> None:
    """Stop the build when the measured figures are past the format's thresholds.

    Raises:
        Unfaithful: names the figure and the bar.
    """
    most, least = THRESHOLDS[weights_format]
    if not found["mean_abs_logprob_difference"] <= most:
        figure = found["mean_abs_logprob_difference"]
        raise Unfaithful(f"{weights_format}: mean abs Δlogprob {figure:.4f} nats, at most {most} is allowed")
    if not found["top1_agreement"] >= least:
        figure = found["top1_agreement"]
        raise Unfaithful(f"{weights_format}: top token agrees in {figure:.2%}, at least {least:.1%} is required")


def rows(found: dict[str, Any]) -> list[tuple[str, str]]:
    """The figures as lines of the final table."""
    return [
        ("mean / max KL", f"{found['mean_kl']:.5f} / {found['max_kl']:.4f} nats"),
        ("top token agrees", f"{found['top1_agreement']:.2%} of {found['tokens']}"),
        (
            "mean / p99 abs Δlogprob",
            f"{found['mean_abs_logprob_difference']:.4f} / {found['p99_abs_logprob_difference']:.4f} nats",
        ),
        ("perplexity, PyTorch / stored", f"{found['perplexity_reference']:.3f} / {found['perplexity']:.3f}"),
        ("largest attention difference", f"{found['max_attention_difference']:.4f}"),
        ("largest hidden difference", f"{found['max_hidden_difference']:.4f} of its scale"),
    ]
