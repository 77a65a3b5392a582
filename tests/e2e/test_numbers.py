"""The page's numbers against transformers in fp32, and Python in the page against Python here. Real Chromium."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from playwright.sync_api import Browser, Page, expect
from transformers import AutoTokenizer

from tests.e2e.likelihood import facts, open_view, settled
from tests.e2e.reference import ReferenceModel
from tests.unit import json_schema
from tests.unit.cut_text import cut

LONG = (Path(__file__).parents[2] / "export/texts/prose.txt").read_text(encoding="utf-8")
TEXT = "The people of the village 🙂 went\tdown to the river.\n\n  東京 naïve — def add(a, b):\n    return a + b\n" * 2


@pytest.fixture(scope="module")
def view(browser: Browser, tiny_site: str) -> Iterator[Page]:
    """One page for all tests with tiny models."""
    with open_view(browser, tiny_site) as page:
        yield page


@pytest.fixture
def tiny(view: Page, request: pytest.FixtureRequest) -> Page:
    """That page with the test's `model`, or with tiny-gpt2."""
    model = request.node.callspec.params.get("model", "tiny-gpt2")
    if view.evaluate("tokenlight.state().model") != model:
        view.evaluate("id => tokenlight.load(id)", model)
        settled(view)
    return view


def analyze(page: Page, text: str, **options: Any) -> dict:
    return page.evaluate("([text, options]) => tokenlight.analyze(text, options)", [text, options])


def hues(logprobs: list[float]) -> np.ndarray:
    """DESIGN.md's formula, written again from its text."""
    mean, std = np.mean(logprobs), np.std(logprobs)
    lo, hi = mean - 2.5 * std, mean + 2.5 * std
    return (np.clip(logprobs, lo, hi) - lo) / (hi - lo) * 150


@pytest.mark.parametrize("model", ["tiny-gpt2", "tiny-llama"])
def test_tiny_models_equal_transformers(model: str, tiny: Page, checkpoints: Path) -> None:
    """Chunked prefill in the page (more than one chunk) against one pass in PyTorch: every kind of number."""
    run = analyze(tiny, TEXT, topK=20)
    tokens, reference = run["tokens"], ReferenceModel(checkpoints / model)
    ids = [t["id"] for t in tokens]
    assert len(ids) > 64, "the text must span several chunks"
    assert ids == AutoTokenizer.from_pretrained(checkpoints / model)(TEXT, add_special_tokens=False).input_ids
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
    assert run["summary"]["bits_per_byte"] == pytest.approx(bits / len(TEXT.encode()), rel=1e-3)


def test_texts_and_byte_offsets(tiny: Page) -> None:
    """Tokens cover the text byte by byte, whatever characters they cut; the Run carries its schema and model."""
    run = analyze(tiny, TEXT)
    data = run["text"].encode()
    assert run["text"] == TEXT and run["schema"] == "tokenlight.run/2" and run["model"]["id"] == "tiny-gpt2"
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
    for found in (run, analyze(tiny, TEXT, topK=3, prefix=False)):
        json_schema.check(found)


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
    run = analyze(tiny, TEXT)
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
    edited = TEXT.replace("return a + b", "return a - b")
    analyze(tiny, TEXT)
    reused = analyze(tiny, edited)
    tiny.evaluate("tokenlight.load('tiny-gpt2')")  # in a new worker, with an empty KV cache
    fresh = analyze(tiny, edited)
    found, expected = ([token.pop("hue") for token in run["tokens"]] for run in (reused, fresh))
    np.testing.assert_allclose(found, expected, atol=1e-5 * 150)  # a scale of 150, where the others are of order 1
    for name in ("tokens", "hidden_norm", "attention_entropy", "heads_on_text"):
        np.testing.assert_allclose(_numbers(reused[name]), _numbers(fresh[name]), atol=1e-5, err_msg=name)


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
        """Promise.all(['runs', 'state'].map((name) => import(new URL(`page/${name}.js`, location.href.split('#')[0]))))
          .then(([runs, state]) => runs.wholeRun(state.run.value.id))"""
    )
    json_schema.check(run)
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
    run = analyze(tiny, TEXT, stride=100)
    assert run["windows"] is None and len(run["attention_entropy"]) == 2
    expect(tiny.locator("#layers .panel:visible")).not_to_have_count(0)


def _numbers(value: Any) -> list[float]:
    """All numbers in a JSON value, in order."""
    if isinstance(value, dict):
        return [n for part in value.values() for n in _numbers(part)]
    if isinstance(value, list):
        return [n for part in value for n in _numbers(part)]
    return [float(value)] if isinstance(value, int | float) else []


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


class FakeArray:
    """A JavaScript Float32Array as pyscripts sees it."""

    def __init__(self, values: np.ndarray) -> None:
        self.values = values.ravel().astype(np.float32)
        self.length = self.values.size

    def assign_to(self, target: np.ndarray) -> None:
        target.ravel()[:] = self.values if target.flags.c_contiguous else np.nan
        target[...] = self.values.reshape(target.shape)


def test_pyodide_and_cpython_agree(tiny: Page, checkpoints: Path) -> None:
    """One recorded trace through the same files in both: every number within 1e-5, tokens in equal order."""
    from pyscripts.page.session import Session

    manifest = {"id": "recorded", "sha256": "0" * 64, "layers": 2, "heads": 4, "hidden_size": 64, "vocab_size": 600}
    manifest["prefix"] = {"id": 0, "text": "<|endoftext|>"}
    text = TEXT[:60]
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
        **{name: [FakeArray(part) for part in array] for name, array in arrays.items()},
    })
    session = Session()
    session.use_model(json.dumps(manifest), json.dumps(vocabulary))
    session.begin(1, json.dumps(request))
    session.extend(1, chunk, None)
    here = json.loads(session.view(1, "run", "{}")["json"])

    there = tiny.evaluate(
        """async ([manifest, vocabulary, request, count, logits, arrays]) => {
          const { proxy, wrap } = await import(new URL('vendor/comlink.min.js', location.href.split('#')[0]).href);
          const worker = new Worker('analysis/analysis.worker.js', { type: 'module' });
          const analysis = wrap(worker);
          await analysis.boot(proxy(() => {}));
          await analysis.useModel(manifest, vocabulary);
          await analysis.begin(1, request);
          const chunk = { count, logits: Float32Array.from(logits) };
          const float = (part) => Float32Array.from(part);
          for (const [name, parts] of Object.entries(arrays)) chunk[name] = parts.map(float);
          await analysis.extend(1, chunk, null);
          const { run } = await analysis.views(1, { run: { view: 'run', args: {} } });
          worker.terminate();
          return run.json;
        }""",
        [
            manifest, vocabulary, request, len(logits), logits.ravel().tolist(),
            {name: [part.ravel().tolist() for part in array] for name, array in arrays.items()},
        ],
    )
    for ours, theirs in zip(here["tokens"], there["tokens"], strict=True):
        assert [top["id"] for top in ours["top"]] == [top["id"] for top in theirs["top"]]
        assert ours["rank"] == theirs["rank"]
    np.testing.assert_allclose(_numbers(here), _numbers(there), atol=1e-5)
