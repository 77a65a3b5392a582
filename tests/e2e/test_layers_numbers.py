"""Every panel of the layers lens against transformers, through its CSV and what stands on the page. Chromium."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from playwright.sync_api import Page
from transformers import (
    LogitsProcessorList,
    MinPLogitsWarper,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from tests.e2e.layers import csv_of, fresh, generate, ids, numbers, step_to
from tests.e2e.likelihood import shows
from tests.e2e.reference import Reference, ReferenceModel

OPTIONS: dict[str, Any] = {
    "maxTokens": 12, "temperature": 0.9, "topK": 30, "topP": 0.95, "minP": 0.01, "repetitionPenalty": 1.2, "seed": 5,
}
TALL = {"width": 1600, "height": 3000}  # every panel in sight
# The largest differences allowed: of probabilities, relative of norms, of entropies (nats), of logits.
EXACT = {"p": 1e-5, "norm": 1e-4, "entropy": 1e-4, "logit": 1e-3}
# SmolLM2's weights are int8 in the page, in blocks of 32: mean KL 0.0014, mean log-probability off by 0.042 from fp32.
INT8 = {"p": 0.06, "norm": 0.04, "entropy": 0.15, "logit": 0.6}


def filtered(logprobs: np.ndarray, before: list[int]) -> np.ndarray:
    """The distribution transformers' own processors make of one position; log-probabilities serve as logits, since
    only the repetition penalty minds their offset, and the page gives it the model's own logits."""
    steps = LogitsProcessorList([
        RepetitionPenaltyLogitsProcessor(OPTIONS["repetitionPenalty"]), TemperatureLogitsWarper(OPTIONS["temperature"]),
        TopKLogitsWarper(OPTIONS["topK"]), TopPLogitsWarper(OPTIONS["topP"]), MinPLogitsWarper(OPTIONS["minP"])])
    return torch.softmax(steps(torch.tensor([before]), torch.tensor(logprobs)[None].clone())[0], -1).numpy()


def logits_of(reference: ReferenceModel, all_ids: list[int]) -> np.ndarray:
    """[position, vocab]"""
    with torch.no_grad():
        return reference.model(torch.tensor([all_ids])).logits[0].double().numpy()


def check_choice(page: Page, token: int, all_ids: list[int], logits: np.ndarray, bars: dict[str, float]) -> None:
    """Row t of the logits chose shown token t, BOS being position 0."""
    raw = torch.softmax(torch.tensor(logits[token]), -1).numpy()
    after = filtered(logits[token], all_ids[: token + 1])
    rows = csv_of(page, "choice")
    assert [row["id"] for row in rows if row["chosen"] == "True"] == [str(all_ids[token + 1])]
    assert len(rows) >= 10
    for row in rows:
        assert float(row["probability"]) == pytest.approx(raw[int(row["id"])], abs=bars["p"])
        if row["probability after filters"]:
            assert float(row["probability after filters"]) == pytest.approx(after[int(row["id"])], abs=1.5 * bars["p"])
    shown = page.locator("#panel-choice .facts > div", has_text="Before").locator("dd").inner_text()
    assert shows(shown, raw[all_ids[token + 1]], bars["p"])


def check_inside(page: Page, token: int, expected: Reference, bars: dict[str, float]) -> None:
    states = expected.hidden_states.astype(np.float64)  # [layer+1, position, hidden]
    norms = np.linalg.norm(states, axis=2)
    layers = csv_of(page, "layers")
    np.testing.assert_allclose(numbers(layers, "hidden_norm"), norms[:, token + 1], rtol=bars["norm"])
    change = np.linalg.norm(np.diff(states, axis=0), axis=2)[:-1, token + 1]  # the last one is before the final norm
    np.testing.assert_allclose(numbers(layers, "change_norm")[:-1], change, rtol=4 * bars["norm"])
    whole = csv_of(page, "layer_map")
    assert len(whole) == norms.shape[1] - 1
    np.testing.assert_allclose(numbers(whole, "layer 0"), norms[1, 1:], rtol=bars["norm"])
    middle = len(norms) // 2
    values = numbers(csv_of(page, "dimensions"), "value")
    np.testing.assert_allclose(values, states[middle, token + 1], atol=bars["norm"] * norms[middle, token + 1])

    p = expected.attentions[:, :, token + 1, : token + 2].astype(np.float64)
    entropy = -(p * np.log(np.where(p > 0, p, 1))).sum(axis=2)  # [layer, head]
    focus = csv_of(page, "focus")
    means = [float(row["entropy (nats)"]) for row in focus if row["head"] == "mean"]
    heads = [float(row["normalised entropy"]) for row in focus if row["head"] != "mean"]
    np.testing.assert_allclose(means, entropy.mean(axis=1), atol=bars["entropy"])
    np.testing.assert_allclose(heads, entropy.ravel() / np.log(token + 2), atol=2 * bars["entropy"])

    lens = csv_of(page, "lens")
    final = np.exp(expected.logprobs[token])  # of the token itself; the panel's menu has the next one
    assert float(lens[-1]["its probability"]) == pytest.approx(final[expected.ids[token + 1]], abs=bars["p"])
    assert float(lens[-1]["KL to the final distribution (nats)"]) == pytest.approx(0, abs=1e-9)


def check_transformer_lab(
    page: Page, token: int, logits: np.ndarray, expected: Reference, bars: dict[str, float]
) -> None:
    """Its own operations in torch, at the position that chose the token."""
    lab = page.evaluate(
        """async ({token, temperature, topP}) => {
            const {inspect, view} = await import(new URL('page/questions.js', document.baseURI));
            await inspect(token - 1);
            return (await view('transformer_lab', {token, temperature, topP})).json;
        }""",
        {"token": token, "temperature": OPTIONS["temperature"], "topP": OPTIONS["topP"]},
    )
    scaled = torch.tensor(logits[token]) / OPTIONS["temperature"]
    kept = TopPLogitsWarper(OPTIONS["topP"])(torch.empty(1, 0), scaled[None])[0]
    best = torch.topk(torch.softmax(kept, -1), 5)
    np.testing.assert_allclose([each["probability"] for each in lab["predictions"]], best.values, atol=bars["p"])
    top = np.sort(logits[token])[::-1][:5]
    np.testing.assert_allclose([each["logit"] for each in lab["predictions"]], top, atol=bars["logit"])
    norms = np.linalg.norm(expected.hidden_states[:, token].astype(np.float64), axis=1)
    np.testing.assert_allclose(lab["activations"], norms, rtol=bars["norm"])
    last = expected.attentions[:, :, token, : token + 1]
    entropy = -(last * np.log(last + 1e-9)).sum(axis=2).mean(axis=1)
    np.testing.assert_allclose(lab["attention_entropy"], entropy, atol=bars["entropy"])


def check_all(page: Page, prompt: str, reference: ReferenceModel, bars: dict[str, float]) -> None:
    page.set_viewport_size(TALL)
    shown = generate(page, prompt, **OPTIONS)
    all_ids = [reference.prefix, *shown]
    expected, logits = reference.read(all_ids), logits_of(reference, all_ids)
    given = len(shown) - OPTIONS["maxTokens"]
    for token in (2, given + 3):  # one that was given, one that was generated
        step_to(page, token)
        check_choice(page, token, all_ids, logits, bars)
        check_inside(page, token, expected, bars)
    check_transformer_lab(page, given + 3, logits, expected, bars)
    assert ids(page) == shown, "looking changed nothing"


def test_tiny_gpt2(tiny_site: str, checkpoints: Path, open_page: Callable[..., Page]) -> None:
    page = open_page(f"{tiny_site}#model=tiny-gpt2&lens=layers")
    check_all(page, "The people of the village went", ReferenceModel(checkpoints / "tiny-gpt2"), EXACT)


def test_smollm2(real: Page) -> None:
    """The real model, int8 in the page and fp32 in transformers: within the stated error of the weights."""
    fresh(real, "layers")
    check_all(real, "The capital of France is Paris. The capital of Italy is", ReferenceModel("smollm2"), INT8)
