"""Measure the type of each head of a model, on repeated random tokens. Offline, onnxruntime and pyscripts."""

from typing import Any

import numpy as np
import onnxruntime as ort
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from export.check import verify
from export.graph.capture import context_length
from pyscripts.json_numbers import numbers
from pyscripts.metrics import heads

LENGTH = 50  # random tokens, read twice
SEEDS = 4
NAMES = ("induction", "previous_token", "duplicate_token")


def drawable(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> np.ndarray:
    """Ids to draw from: the tokenizer's, without special tokens; other ids of the vocabulary are padding."""
    special = {id for id, token in tokenizer.added_tokens_decoder.items() if token.special}
    known = set(tokenizer.get_vocab().values()) - special
    return np.array(sorted(id for id in known if id < model.config.vocab_size))


def measure(
    model: PreTrainedModel,
    graph: ort.InferenceSession,
    tokenizer: PreTrainedTokenizerBase,
    prefix: int | None,
    windows: list[int | None],
) -> dict[str, Any] | None:
    """The manifest's `head_scores`: [layer][head] of each name, 0 ... 1, and how they were measured.

    The prefix token, then `length` different random tokens, then the same again; for each head the mean attention from
    the queries that have the pattern to its keys (pyscripts/metrics/heads.py), and the mean of that over the seeds:
    induction: from each token of the second copy to the one that followed it in the first, `length - 1` back;
    duplicate_token: to its first copy, `length` back; previous_token: from every token to the one before it.
    A layer whose window hides the pattern has null. `largest_deviation`: the greatest standard deviation between seeds.
    None: the vocabulary or the context has no room for two tokens, twice.
    """
    choices = drawable(model, tokenizer)
    length = min(LENGTH, len(choices), (context_length(model.config) - 1) // 2)
    if length < 2:
        return None
    found = []  # [seed][name][layer, head]
    for seed in range(SEEDS):
        ids = heads.repeated_random_ids(choices, length, prefix, seed)
        outputs = verify.run(graph, verify.feeds(model, ids[None].astype(np.int64)))
        layers = [
            heads.scores(heads.pattern_mass(outputs[f"attentions.{i}"][0], ids, window=window))
            for i, window in enumerate(windows)
        ]
        found.append([[getattr(layer, name) for layer in layers] for name in NAMES])
    scores = np.array(found)  # [seed, name, layer, head]
    mean = scores.mean(axis=0)
    deviation = scores.std(axis=0)
    return {
        **{name: numbers(values) for name, values in zip(NAMES, mean, strict=True)},
        "measured": {
            "tokens": length,
            "copies": 2,
            "seeds": SEEDS,
            "prefix": prefix,
            "largest_deviation": float(deviation[~np.isnan(deviation)].max(initial=0)),
        },
    }


def rows(found: dict[str, Any] | None) -> list[tuple[str, str]]:
    """The best induction head as a line of the final table."""
    if found is None:
        return []
    scores = np.array(found["induction"], np.float64)  # [layer, head]
    if np.isnan(scores).all():
        return [("best induction head", "none: the windows hide the pattern")]
    layer, head = np.unravel_index(np.nanargmax(scores), scores.shape)
    return [("best induction head", f"layer {layer}, head {head}: {scores[layer, head]:.2f}")]
