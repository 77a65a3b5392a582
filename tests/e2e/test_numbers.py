"""The page's numbers against transformers in fp32. Real Chromium."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from playwright.sync_api import Page, expect
from transformers import AutoTokenizer

from tests.e2e.likelihood import MIXED, analyze, numbers_in
from tests.e2e.reference import ReferenceModel


def hues(logprobs: list[float]) -> np.ndarray:
    """DESIGN.md's formula, written again from its text."""
    mean, std = np.mean(logprobs), np.std(logprobs)
    lo, hi = mean - 2.5 * std, mean + 2.5 * std
    return (np.clip(logprobs, lo, hi) - lo) / (hi - lo) * 150


@pytest.mark.parametrize("model", ["tiny-gpt2", "tiny-llama"])
def test_tiny_models_equal_transformers(model: str, tiny: Page, checkpoints: Path) -> None:
    """Chunked prefill in the page (more than one chunk) against one pass in PyTorch: every kind of number."""
    run = analyze(tiny, MIXED, topK=20)
    tokens, reference = run["tokens"], ReferenceModel(checkpoints / model)
    ids = [t["id"] for t in tokens]
    assert len(ids) > 64, "the text must span several chunks"
    assert ids == AutoTokenizer.from_pretrained(checkpoints / model)(MIXED, add_special_tokens=False).input_ids
    expected = reference.read([reference.prefix, *ids])

    np.testing.assert_allclose([t["logprob"] for t in tokens], expected.token_logprob(), atol=1e-4)
    np.testing.assert_allclose([t["entropy"] for t in tokens], expected.entropy(), atol=1e-4)
    assert [t["rank"] for t in tokens] == expected.rank().tolist()
    np.testing.assert_allclose([t["hue"] for t in tokens], hues([t["logprob"] for t in tokens]), atol=1e-3)
    for token, row in zip(tokens, expected.logprobs, strict=False):
        best = np.sort(row)[::-1][:20]
        np.testing.assert_allclose([top["logprob"] for top in token["top"]], best, atol=1e-4)
        np.testing.assert_allclose([row[top["id"]] for top in token["top"]], best, atol=1e-4)
    norms = np.linalg.norm(expected.hidden_states.astype(np.float64), axis=2)[:, 1:]
    np.testing.assert_allclose(run["hidden_norm"], norms, rtol=1e-4)
    p = expected.attentions.astype(np.float64)
    entropy = -(p * np.log(np.where(p > 0, p, 1))).sum(axis=3)[:, :, 1:]
    np.testing.assert_allclose(run["attention_entropy"], entropy, atol=1e-4)
    first = expected.attentions[:, :, 1:, 0].mean(axis=2)
    np.testing.assert_allclose(run["heads_on_text"]["first_token"]["mass"], first, atol=1e-4)
    head = tiny.evaluate("tokenlight.attention(1, 2).then((head) => ({ ...head, data: Array.from(head.data) }))")
    assert head["rows"] == head["cols"] == len(ids) + 1
    matrix = np.reshape(head["data"], (head["rows"], head["cols"]))
    np.testing.assert_allclose(matrix, expected.attentions[1, 2], atol=1e-5)
    mean = float(np.mean(expected.token_logprob()))
    assert run["summary"]["perplexity"] == pytest.approx(np.exp(-mean), rel=1e-3)
    bits = -mean * len(ids) / np.log(2)
    assert run["summary"]["bits_per_byte"] == pytest.approx(bits / len(MIXED.encode()), rel=1e-3)


def test_texts_and_byte_offsets(tiny: Page) -> None:
    """Tokens cover the text byte by byte, whatever characters they cut; the Run carries its schema and model."""
    run = analyze(tiny, MIXED)
    data = run["text"].encode()
    assert run["text"] == MIXED and run["schema"] == "tokenlight.run/2" and run["model"]["id"] == "tiny-gpt2"
    at = 0
    for token in run["tokens"]:
        start, end = token["bytes"]
        assert start == at < end
        assert token["text"] == data[start:end].decode(errors="replace")
        assert bytes.fromhex(token["hex"]) == data[start:end] and token["control"] is False
        at = end
    assert at == len(data)
    assert any("\ufffd" in token["text"] for token in run["tokens"]), "the text must cut characters"


def test_a_text_that_ends_inside_a_character(tiny: Page) -> None:
    """Ids of 🦩's first bytes: places, classes and bits per byte go by the tokens' own bytes, not by U+FFFD's."""
    ids = [token["id"] for token in analyze(tiny, "the 🦩")["tokens"]]
    run = tiny.evaluate("ids => tokenlight.generate(ids, {maxTokens: 1, greedy: true})", ids[:-2])
    assert "\ufffd" in run["text"]
    data = bytes.fromhex(" ".join(token["hex"] for token in run["tokens"]))
    assert run["text"] == data.decode(errors="replace")
    assert [token["bytes"][1] for token in run["tokens"]][-1] == len(data)
    bits = -sum(token["logprob"] for token in run["tokens"]) / np.log(2)
    assert run["summary"]["bits_per_byte"] == pytest.approx(bits / len(data), rel=1e-6)
    cut = len(ids) - 3  # the character's first part
    tiny.evaluate(f"import(new URL('page/choices.js', document.baseURI)).then((choices) => choices.stepTo({cut}))")
    expect(tiny.locator("#stepper .current code")).to_have_text(f"bytes {run['tokens'][cut]['hex'].upper()}")
    expect(tiny.locator("#remarks")).to_contain_text("bytes ")
    expect(tiny.locator("#remarks, #stepper")).not_to_contain_text(["\ufffd", "\ufffd"])


def test_without_bos_the_first_token_has_no_numbers(tiny: Page, checkpoints: Path) -> None:
    run = analyze(tiny, "The river and the hill", bos=False)
    first, *rest = run["tokens"]
    assert [first[name] for name in ("logprob", "rank", "entropy", "hue", "top")] == [None, None, None, None, []]
    expected = ReferenceModel(checkpoints / "tiny-gpt2").read([t["id"] for t in run["tokens"]])
    np.testing.assert_allclose([t["logprob"] for t in rest], expected.token_logprob(), atol=1e-4)
    assert run["attention_entropy"][0][0][0] == 0


def test_generation_equals_transformers(tiny: Page, checkpoints: Path) -> None:
    """Greedy tokens, and the numbers of every generated token, against one pass over the finished text."""
    run = tiny.evaluate("tokenlight.generate('The people of', {maxTokens: 30, greedy: true})")
    reference = ReferenceModel(checkpoints / "tiny-gpt2")
    bos = reference.prefix
    ids = [t["id"] for t in run["tokens"]]
    given = [bos, *ids[: run["prompt_tokens"]]]
    written = reference.model.generate(torch.tensor([given]), max_new_tokens=30, do_sample=False)[0].tolist()
    assert [bos, *ids] == written and len(run["steps"]) == len(ids) - run["prompt_tokens"]
    expected = reference.read([bos, *ids])
    np.testing.assert_allclose([t["logprob"] for t in run["tokens"]], expected.token_logprob(), atol=1e-4)
    np.testing.assert_allclose(
        run["hidden_norm"], np.linalg.norm(expected.hidden_states, axis=2)[:, 1:], rtol=1e-4
    )


def test_sampling_is_seeded(tiny: Page) -> None:
    options = {"maxTokens": 20, "temperature": 0.9, "topK": 40, "topP": 0.9, "seed": 7}
    call = "options => tokenlight.generate('When the light', options).then(run => run.tokens.map(t => t.id))"
    first = tiny.evaluate(call, options)
    assert tiny.evaluate(call, options) == first
    assert tiny.evaluate(call, {**options, "seed": 8}) != first
    run = tiny.evaluate("options => tokenlight.generate('When the light', options)", options)
    assert all(len(step["sampled"]) <= 40 and step["sampled_probability"] > 0 for step in run["steps"])


@pytest.mark.parametrize("model", ["tiny-gpt2", "tiny-llama"])
def test_logit_lens_equals_transformers(model: str, tiny: Page, checkpoints: Path) -> None:
    """Each layer's stream through the final norm and the unembedding, as PyTorch computes it."""
    run = analyze(tiny, MIXED)
    reference = ReferenceModel(checkpoints / model)
    ids = [reference.prefix, *(t["id"] for t in run["tokens"])]
    hidden = torch.tensor(reference.read(ids).hidden_states)
    base = reference.model.base_model
    norm = base.ln_f if hasattr(base, "ln_f") else base.norm
    for token in (0, 70):
        lens = tiny.evaluate("token => tokenlight.lens(token, 3)", token)
        with torch.no_grad():
            rows = reference.model.lm_head(norm(hidden[:-1, token + 1]))
            last = reference.model.lm_head(hidden[-1, token + 1])
        expected = torch.log_softmax(torch.cat([rows, last[None]]).double(), -1).numpy()
        actual = ids[token + 2]
        assert lens["next"]["id"] == actual and len(lens["layers"]) == len(expected)
        np.testing.assert_allclose([layer["logprob"] for layer in lens["layers"]], expected[:, actual], atol=1e-3)
        for layer, row in zip(lens["layers"], expected, strict=True):
            np.testing.assert_allclose([t["logprob"] for t in layer["top"]], np.sort(row)[::-1][:3], atol=1e-3)


def test_an_edited_text_reads_only_what_changed(tiny: Page) -> None:
    """The reused prefix gives the very numbers a fresh run gives."""
    edited = MIXED.replace("return a + b", "return a - b")
    analyze(tiny, MIXED)
    reused = analyze(tiny, edited)
    tiny.evaluate("tokenlight.load('tiny-gpt2')")  # in a new worker, with an empty KV cache
    fresh = analyze(tiny, edited)
    found, expected = ([token.pop("hue") for token in run["tokens"]] for run in (reused, fresh))
    np.testing.assert_allclose(found, expected, atol=1e-5 * 150)  # a scale of 150, where the others are of order 1
    for name in ("tokens", "hidden_norm", "attention_entropy", "heads_on_text"):
        np.testing.assert_allclose(numbers_in(reused[name]), numbers_in(fresh[name]), atol=1e-5, err_msg=name)


PROSE = (
    "It was a bright cold day in April, and the clocks were striking thirteen. The old man who kept the lighthouse "
    "had not spoken to anyone since the storm, but every evening he climbed the stairs and lit the lamp, because "
    "somewhere out there, he believed, a ship might still be looking for the shore."
)
CODE = '''import json
from pathlib import Path


def load_settings(path: Path) -> dict[str, str]:
    """Read the settings file and return its entries."""
    with path.open() as file:
        settings = json.load(file)
    if not isinstance(settings, dict):
        raise ValueError(f"{path} does not hold a JSON object")
    return {str(key): str(value) for key, value in settings.items()}
'''


def test_real_model_is_faithful(real: Page) -> None:
    """SmolLM2, int8 in the real, against the same checkpoint in fp32: the bars of the exporter hold end to end."""
    reference = ReferenceModel("smollm2")
    for text in (PROSE, CODE):
        run = analyze(real, text)
        tokens = run["tokens"]
        expected = reference.read([reference.prefix, *(t["id"] for t in tokens)])
        logprob = np.array([t["logprob"] for t in tokens])
        assert np.abs(logprob - expected.token_logprob()).mean() <= 0.08
        top1 = [t["top"][0]["id"] for t in tokens] == expected.logprobs[:-1].argmax(axis=1)
        assert top1.mean() >= 0.95
        assert np.abs(np.array([t["entropy"] for t in tokens]) - expected.entropy()).mean() <= 0.08
        ranks = np.array([t["rank"] for t in tokens])
        assert np.abs(np.log(ranks) - np.log(expected.rank())).mean() <= 0.1
        assert ((ranks == 1) == (expected.rank() == 1)).mean() >= 0.95
        np.testing.assert_allclose([t["hue"] for t in tokens], hues(logprob.tolist()), atol=1e-3)
