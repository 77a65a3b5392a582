"""Scoring without a browser against onnxruntime alone and transformers, and its memory; part of `make bench`.

onnxruntime alone runs the same graph on the same batches, in turns; machines are noisy, so read the ratio, whose bar is
0.8. transformers reads the checkpoint in fp32, in the windows on which the build measured the format's fidelity; the
distance of its log-likelihoods must be the published one. Logits only, two threads. The memory is of 10,000 short
documents, sampled after each block.
"""

from __future__ import annotations

import json
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import torch
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from export import sources  # noqa: E402
from export.check import fidelity  # noqa: E402
from export.weights import checkpoint  # noqa: E402
from pyscripts.native import Model, load  # noqa: E402
from pyscripts.native.corpus import score_corpus  # noqa: E402
from pyscripts.native.documents import Document  # noqa: E402
from pyscripts.native.scoring import Settings, score  # noqa: E402

TEXTS = sorted((ROOT / "export/texts").glob("*.txt"))
ROUNDS, THREADS, SHORT = 5, 2, 10_000


def paragraphs() -> list[Document]:
    """The paragraphs of the texts that fidelity is measured on, short and long ones."""
    texts = [part for path in TEXTS for part in path.read_text(encoding="utf-8").split("\n\n") if part.strip()]
    return [Document(str(i), text, 1.0) for i, text in enumerate(texts)]


def batches_of(model: Model, documents: list[Document], settings: Settings) -> list[tuple[Any, dict[str, Any]]]:
    """The calls that scoring makes of the graph."""
    calls: list[tuple[Any, dict[str, Any]]] = []
    forward = model.session.forward

    def watched(rows: Any, outputs: Any, **more: Any) -> Any:
        calls.append((rows, {"outputs": outputs, **more}))
        return forward(rows, outputs, **more)

    model.session.forward = watched  # type: ignore[method-assign]
    score(model, documents, settings)
    del model.session.forward  # the class's again
    return calls


def speed(folder: Path) -> dict[str, float]:
    """Tokens per second of scoring and of the graph alone, medians of interleaved rounds, and their ratio."""
    model, documents = load(folder, threads=THREADS), paragraphs()
    result: dict[str, float] = {}
    for columns in (("logprob",), ("logprob", "rank", "entropy")):
        settings = Settings(columns).check(dict(model.manifest))
        calls = batches_of(model, documents, settings)
        tokens = sum(map(len, model.tokenizer.ids([document.text for document in documents])))
        seconds: dict[str, list[float]] = {"scored": [], "alone": []}
        for _ in range(ROUNDS):
            start = time.perf_counter()
            score(model, documents, settings)
            seconds["scored"].append(time.perf_counter() - start)
            start = time.perf_counter()
            for rows, how in calls:
                model.session.forward(rows, **how)
            seconds["alone"].append(time.perf_counter() - start)
        scored, alone = (tokens / statistics.median(seconds[side]) for side in ("scored", "alone"))
        ratio = statistics.median(b / a for a, b in zip(seconds["scored"], seconds["alone"], strict=True))
        result |= {f"{','.join(columns)}: tokens/s": scored, f"{','.join(columns)}: onnxruntime alone": alone,
                   f"{','.join(columns)}: ratio": ratio}
    return result


def agreement(folder: Path) -> dict[str, float]:
    """Log-likelihoods by transformers, in fp32, of the texts and windows that the published fidelity was measured on:
    its speed, and the mean distance of a token's log-probability, which is then the published one.

    AssertionError: it is not, or it is above the limit of the model's format (export/check/fidelity.py).
    """
    model, source = load(folder, threads=THREADS), sources.find("smollm2", None, False)
    reference: Any = checkpoint.load_model(source)
    with tempfile.TemporaryDirectory() as name:
        tokenizer = checkpoint.write_tokenizer(source, Path(name))
    torch.set_num_threads(THREADS)
    front, context = model.prefix_ids(True), model.manifest["context_length"]
    apart, seconds = list[float](), 0.0
    for ids in fidelity.windows(tokenizer, front[0] if front else None, context):  # [1, token]
        start = time.perf_counter()
        with torch.no_grad():
            logprobs = torch.log_softmax(reference(torch.from_numpy(ids)).logits[0, :-1].double(), -1)
        expected = logprobs.gather(1, torch.from_numpy(ids[0, 1:, None]))[:, 0].numpy()  # [token]
        seconds += time.perf_counter() - start
        run = model.read(ids[0, len(front) :].tolist(), keep=())
        apart += np.abs(expected - run.logprob[-len(expected) :]).tolist()
    mean, published = float(np.mean(apart)), model.manifest["fidelity"]["mean_abs_logprob_difference"]
    limit = fidelity.BARS[model.manifest["weights"]]["mean_abs_logprob_difference"]
    assert mean <= limit, f"{mean} nats from transformers; the limit is {limit}"
    assert abs(mean - published) <= 0.01 * published, f"{mean} nats from transformers; published: {published}"
    return {f"transformers, windows of {fidelity.WINDOW}: tokens/s": len(apart) / seconds,
            "nats from transformers, mean of tokens": mean, "nats from transformers, published": published}


def memory(folder: Path) -> dict[str, float]:
    """Resident megabytes while 10,000 short documents are scored: the first after 1,000 of them, and the most later."""
    draw, words = random.Random(0), ["the", "quick", "brown", "fox", "jumps", "over", "a", "lazy", "dog"]
    sizes: list[tuple[int, float]] = []
    with tempfile.TemporaryDirectory() as name:
        corpus = Path(name) / "short.jsonl"
        with corpus.open("w") as file:
            for _ in range(SHORT):
                file.write(json.dumps({"text": " ".join(draw.choices(words, k=draw.randint(1, 12)))}) + "\n")
        process = psutil.Process()
        score_corpus(folder, [corpus], Path(name) / "out.jsonl", Settings(), threads=THREADS, progress=lambda now:
                     sizes.append((now.documents, process.memory_info().rss / 1e6)))
    later = [size for documents, size in sizes if documents >= SHORT // 10]
    return {"MB after 1,000 documents": later[0], "most MB after that": max(later), "least": min(later),
            "growth": float(np.ptp(later))}


def main() -> dict[str, float]:
    """Prints the figures of SmolLM2; returns them."""
    folder = ROOT / "site/models/smollm2"
    found = {name: float(value) for name, value in (speed(folder) | agreement(folder) | memory(folder)).items()}
    table = Table("native, SmolLM2, 2 threads", "")
    for name, value in found.items():
        table.add_row(name, f"{value:,.4f}" if "nats" in name or "ratio" in name else f"{value:,.0f}")
    Console().print(table)
    return found


if __name__ == "__main__":
    main()
