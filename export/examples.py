"""Precompute what the page shows for its example texts, so that one is visible before a model has loaded. Offline.

The stored graph runs in onnxruntime and the same pyscripts as in the page make the Run (`tokenlight.run/2`).
"""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from export import verify
from export.token_text import TokenText
from pyscripts import preview, run
from pyscripts.trace import ModelShape, Outputs, Trace
from pyscripts.views import Context

TEXTS = Path(__file__).resolve().parent.parent / "site" / "examples.json"
WORDS = (
    "copper window seventeen marble drift cousin velvet harbour quickly onion paper thunder elbow silver question"
    " garden plastic orbit whistle bottom"
)
INDUCTION = {"id": "induction", "title": "Random words, twice", "text": f"{WORDS} {WORDS}"}
LONGEST = 256  # tokens of an example that are kept
TOP_K = 10


def texts() -> list[dict[str, str]]:
    """The page's examples, and one that can only be predicted by copying."""
    examples: list[dict[str, str]] = json.loads(TEXTS.read_text(encoding="utf-8"))
    return [*examples, INDUCTION]


def compute(
    text: str,
    model: PreTrainedModel,
    graph: ort.InferenceSession,
    names: TokenText,
    vocabulary: Sequence[str],
    facts: dict[str, Any],
) -> dict[str, Any]:
    """One text's Run, with `page`: what the page draws of it; `vocabulary` is the text of every token id."""
    prefix, layers = facts["prefix"], range(facts["layers"])
    tokens = names.encode(text, min(LONGEST, facts["context_length"] - 1))
    ids = [prefix["id"], *tokens["ids"]] if prefix else tokens["ids"]
    found = verify.run(graph, verify.feeds(model, np.array([ids], np.int64)))

    def stacked(name: str, count: int) -> np.ndarray:
        return np.stack([found[f"{name}.{i}"][0] for i in range(count)])

    trace = Trace(ids, ModelShape.of(facts), prefix=prefix is not None)
    trace.extend(
        Outputs(
            logits=found["logits"][0],
            attentions=stacked("attentions", len(layers)),
            hidden_states=stacked("hidden_states", len(layers) + 1),
            attention_output=stacked("attention_output", len(layers)),
            mlp_output=stacked("mlp_output", len(layers)),
        )
    )
    reading = run.Reading(trace, tokens, {"topK": TOP_K})
    page = preview.preview(Context(reading, facts, vocabulary))
    return {**run.build(reading, vocabulary, facts), "page": page}


def rounded(value: Any) -> Any:
    """Floats to six significant digits, more than the page displays; other values unchanged."""
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, dict):
        return {key: rounded(each) for key, each in value.items()}
    return [rounded(each) for each in value] if isinstance(value, list) else value


def write(
    model: PreTrainedModel,
    graph: ort.InferenceSession,
    tokenizer: PreTrainedTokenizerBase,
    facts: dict[str, Any],
    directory: Path,
) -> list[dict[str, Any]]:
    """Write one content-hashed JSON file per example; returns the manifest's entries."""
    names, entries = TokenText(tokenizer), []
    vocabulary = names.vocabulary(facts["vocab_size"])
    for example in texts():
        result = rounded(compute(example["text"], model, graph, names, vocabulary, facts))
        data = json.dumps(result, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
        sha256 = hashlib.sha256(data).hexdigest()
        name = f"{sha256[:32]}.json"
        (directory / name).write_bytes(data)
        entry = {"id": example["id"], "title": example["title"], "name": name}
        entries.append({**entry, "bytes": len(data), "sha256": sha256})
    return entries
