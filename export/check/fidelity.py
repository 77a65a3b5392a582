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

from export.architectures.families import Refusal
from export.check import verify
from export.graph.capture import dimensions
from export.report import figure

TEXTS = Path(__file__).resolve().parents[1] / "texts"
WINDOW = 256  # tokens in one pass, so that the attentions of every layer fit in memory

CLOSER = {"int8": "fp16", "fp16": "fp32"}  # the next format, which changes less

# The limits of each format: `top1_agreement` is a minimum, the others are maximum means.
BARS: dict[str, dict[str, float]] = {
    "fp32": {
        "mean_abs_logprob_difference": 0.0005,
        "top1_agreement": 0.999,
        "mean_attention_difference": 0.0005,
        "mean_hidden_difference": 0.0005,
    },
    "fp16": {
        "mean_abs_logprob_difference": 0.002,
        "top1_agreement": 0.995,
        "mean_attention_difference": 0.002,
        "mean_hidden_difference": 0.002,
    },
    "int8": {
        "mean_abs_logprob_difference": 0.05,
        "top1_agreement": 0.95,
        "mean_attention_difference": 0.02,
        "mean_hidden_difference": 0.05,
    },
}


class Unfaithful(Refusal):
    """The stored model is too far from its checkpoint; the build stops."""


def windows(tokenizer: PreTrainedTokenizerBase, prefix: int | None, context: int) -> Iterator[np.ndarray]:
    """Every text as token ids [1, token], cut into windows that start with the prefix token, if the model has one."""
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
        `attention_difference`: the share of a query's attention that lies on other keys (total variation), over all
        layers, heads and queries; `hidden_difference`: the median error of a position's components over their median
        size, over all layers and positions, so that a few giant dimensions do not hide the others.
    """
    divergence, same, reference_logprob, stored_logprob = [], [], [], []
    attention, hidden = [], []
    for ids in windows(tokenizer, prefix, dimensions(model.config)["context_length"]):
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
            if name.startswith("attentions"):
                attention.append(np.abs(found[name] - value).sum(axis=-1).ravel() / 2)  # per head and query
            elif name.startswith("hidden_states") and name != "hidden_states.0":
                off, size = np.abs(found[name] - value), np.median(np.abs(value), axis=-1)
                hidden.append((np.median(off, axis=-1) / np.maximum(size, 1e-6)).ravel())  # per position
    kl, agree = np.concatenate(divergence).astype(np.float64), np.concatenate(same)
    moved, off_by = np.concatenate(attention).astype(np.float64), np.concatenate(hidden).astype(np.float64)
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
        "mean_attention_difference": float(moved.mean()),
        "p99_attention_difference": float(np.quantile(moved, 0.99)),
        "mean_hidden_difference": float(off_by.mean()),
        "p99_hidden_difference": float(np.quantile(off_by, 0.99)),
    }


def enforce(found: dict[str, Any], weights_format: str) -> None:
    """Stop the build if a measured figure exceeds the format's limits.

    Raises:
        Unfaithful: names the figure and the bar.
    """
    for name, bar in BARS[weights_format].items():
        value, least = found[name], name == "top1_agreement"
        if not (value >= bar if least else value <= bar):
            allowed = f"at least {bar} is required" if least else f"at most {bar} is allowed"
            closer = CLOSER.get(weights_format)
            advice = f"; use --weights {closer}" if closer else ""
            raise Unfaithful(f"{weights_format}: {name.replace('_', ' ')} is {figure(value, 3)}, {allowed}{advice}")


def rows(found: dict[str, Any]) -> list[tuple[str, str]]:
    """The figures as lines of the final table."""
    delta = (figure(found[f"{kind}_abs_logprob_difference"]) for kind in ("mean", "p99"))
    return [
        ("mean / max KL", f"{figure(found['mean_kl'])} / {figure(found['max_kl'])} nats"),
        ("top token agrees", f"{found['top1_agreement']:.2%} of {found['tokens']}"),
        ("mean / p99 abs Δlogprob", " / ".join(delta) + " nats"),
        ("perplexity, PyTorch / stored", f"{found['perplexity_reference']:.3f} / {found['perplexity']:.3f}"),
        ("attention moved, mean / p99", shares(found, "attention")),
        ("hidden states off, mean / p99", shares(found, "hidden")),
    ]


def shares(found: dict[str, Any], kind: str) -> str:
    """Mean and 99th percentile of one of the differences as percentages."""
    return " / ".join(f"{figure(100 * found[f'{part}_{kind}_difference'])}%" for part in ("mean", "p99"))
