"""Python in the page against Python here: one recorded trace through the same files in both. Real Chromium."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Page
from transformers import AutoTokenizer

from tests.e2e.likelihood import MIXED, numbers_in
from tests.e2e.reference import ReferenceModel
from tests.unit.cut_text import cut


class FakeArray:
    """A JavaScript Float32Array as pyscripts sees it."""

    def __init__(self, values: np.ndarray) -> None:
        self.values = values.ravel().astype(np.float32)
        self.length = self.values.size

    def assign_to(self, target: np.ndarray) -> None:
        target.ravel()[:] = self.values if target.flags.c_contiguous else np.nan
        target[...] = self.values.reshape(target.shape)

    def subarray(self, start: int, stop: int) -> FakeArray:
        return FakeArray(self.values[start:stop])


def test_pyodide_and_cpython_agree(tiny: Page, checkpoints: Path) -> None:
    """One recorded trace through the same files in both: every number within 1e-5, tokens in equal order."""
    from pyscripts.page.session import Session

    manifest = {"id": "recorded", "sha256": "0" * 64, "layers": 2, "heads": 4, "hidden_size": 64, "vocab_size": 600}
    manifest["prefix"] = {"id": 0, "text": "<|endoftext|>"}
    text = MIXED[:60]
    ids = AutoTokenizer.from_pretrained(checkpoints / "tiny-gpt2")(text).input_ids
    expected = ReferenceModel(checkpoints / "tiny-gpt2").read([0, *ids])
    logits = np.round(expected.logprobs * 8) / 8  # many ties
    states = expected.hidden_states
    added = np.diff(states, axis=0)
    tokens = {**cut(*[b"x"] * len(ids)), "ids": ids}
    conditions = {"model": manifest["sha256"], "prefix": 0, "interventions": "{}", "stride": None}
    request = {"tokens": tokens, "options": {"topK": 50}, "conditions": conditions, "keep": 0, "promptLength": None}
    vocabulary = [f"token {i}" for i in range(600)]
    arrays: dict[str, np.ndarray] = {"attentions": expected.attentions, "hiddenStates": states}
    arrays |= {"attentionOutput": added, "mlpOutput": added / 2}

    chunk: Any = type("Chunk", (), {
        "count": len(logits), "logits": FakeArray(logits),
        **{name: FakeArray(array) for name, array in arrays.items()},
    })
    session = Session()
    session.use_model(json.dumps(manifest), json.dumps(vocabulary), "[]")
    session.begin(1, json.dumps(request))
    session.extend(1, [chunk], "[]")
    here = json.loads(session.view(1, "run", "{}")["json"])

    there = tiny.evaluate(
        """async ([manifest, vocabulary, request, count, logits, arrays]) => {
          const { proxy, wrap } = await import(new URL('vendor/comlink.min.js', location.href.split('#')[0]).href);
          const worker = new Worker('analysis/analysis.worker.js', { type: 'module' });
          const analysis = wrap(worker);
          await analysis.boot(proxy(() => {}));
          await analysis.useModel(manifest, vocabulary, []);
          await analysis.begin(1, request);
          const chunk = { count, logits: Float32Array.from(logits) };
          for (const [name, numbers] of Object.entries(arrays)) chunk[name] = Float32Array.from(numbers);
          await analysis.extend(1, [chunk], [], true);
          const { run } = await analysis.views(1, { run: { view: 'run', args: {} } });
          worker.terminate();
          return run.json;
        }""",
        [
            manifest, vocabulary, request, len(logits), logits.ravel().tolist(),
            {name: array.ravel().tolist() for name, array in arrays.items()},
        ],
    )
    for ours, theirs in zip(here["tokens"], there["tokens"], strict=True):
        assert [top["id"] for top in ours["top"]] == [top["id"] for top in theirs["top"]]
        assert ours["rank"] == theirs["rank"]
    np.testing.assert_allclose(numbers_in(here), numbers_in(there), atol=1e-5)
