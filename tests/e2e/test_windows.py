"""A text longer than the context, read in windows, against transformers' own loop over them. Real Chromium."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect
from transformers import AutoTokenizer

from tests.e2e.likelihood import MIXED, analyze, facts, settled
from tests.e2e.reference import ReferenceModel

LONG = (Path(__file__).parents[2] / "export/texts/prose.txt").read_text(encoding="utf-8")


def strided(model: ReferenceModel, ids: list[int], context: int, stride: int) -> np.ndarray:
    """[token] log-probabilities after the prefix, in the loop of transformers' documentation (perplexity.md)."""
    ids, found, before = [model.prefix, *ids], list[float](), 1
    for begin in range(0, len(ids), stride):
        end = min(begin + context, len(ids))
        found.extend(model.read(ids[begin:end]).token_logprob()[before - end :])
        before = end
        if end == len(ids):
            break
    return np.array(found)


def test_a_text_of_three_contexts_is_read_in_windows(tiny: Page, checkpoints: Path) -> None:
    """The page reads as far as the context goes and offers the rest; every token has the numbers of one window."""
    model = ReferenceModel(checkpoints / "tiny-gpt2")
    ids = AutoTokenizer.from_pretrained(checkpoints / "tiny-gpt2")(LONG).input_ids[:800]
    text = AutoTokenizer.from_pretrained(checkpoints / "tiny-gpt2").decode(ids)
    tiny.fill("#text", text)
    tiny.click("#run")
    settled(tiny)
    expect(tiny.locator("#notice")).to_contain_text("The text has 800 tokens")
    expect(tiny.locator("#notice")).to_contain_text("is 256. Showing the first 255.")
    expect(tiny.locator("#summary")).to_contain_text("255 of 800")

    tiny.click("text=Read it all in windows")
    expect(tiny.locator("#summary")).to_contain_text("Over 800 tokens in windows of 256, stride 128: each token saw at")
    settled(tiny)
    run = tiny.evaluate(
        """Promise.all(['questions', 'state'].map((name) => import(new URL(`page/${name}.js`, document.baseURI))))
          .then(([questions, state]) => questions.wholeRun(state.run.value.id))"""
    )
    expected = strided(model, ids, 256, 128)
    assert len(expected) == len(ids) == 800 and [token["id"] for token in run["tokens"]] == ids
    np.testing.assert_allclose([token["logprob"] for token in run["tokens"]], expected, atol=2e-4)
    assert run["summary"]["perplexity"] == pytest.approx(np.exp(-expected.mean()), rel=1e-3)
    ranges = [tuple(window.values()) for window in run["windows"]["ranges"]]
    assert ranges[:2] == [(0, 256, 1), (128, 384, 256)] and ranges[-1] == (640, 801, 768)
    tiny.click('#tokens [data-index="300"]')
    assert facts(tiny)["Context"] == "173 tokens"  # position 301, in the window from 128 on

    tiny.click("#tab-layers")
    expect(tiny.locator("#layers")).to_contain_text("This text was read in windows: layers and attention need a text")
    expect(tiny.locator("#layers .panel")).to_have_count(7)
    expect(tiny.locator("#layers .panel:visible")).to_have_count(0)
    for call in ("attention(0, 0)", "lens(300)"):
        assert "need a text within the context" in tiny.evaluate(f"tokenlight.{call}.catch((error) => error.message)")

    run = analyze(tiny, text, stride=100)  # nothing of the windows before may be reused
    np.testing.assert_allclose([token["logprob"] for token in run["tokens"]], strided(model, ids, 256, 100), atol=2e-4)
    assert "must be a whole number from 1 to 255" in tiny.evaluate(
        "tokenlight.analyze('x', {stride: 256}).catch((error) => error.message)"
    )
    run = analyze(tiny, MIXED, stride=100)
    assert run["windows"] is None and len(run["attention_entropy"]) == 2
    expect(tiny.locator("#layers .panel:visible")).not_to_have_count(0)
