"""The real SmolLM2 through the whole exporter: cost, fidelity, tokenizer and examples."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from export import sources
from export.check import verify
from export.weights import checkpoint, encoding
from tests import document_start

TEXT = (
    "The committee met for the third time on Thursday, and the minutes of its second meeting were read aloud. "
    "for (let i = 0; i < rows.length; i++) { total += rows[i].price * rows[i].count; }\n"
    "Ask not what the weather will be, but which coat you have. 2 + 2 = 4, and 12 × 12 = 144."
)


@pytest.fixture(scope="module")
def manifest(smollm2: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((smollm2 / "manifest.json").read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="module")
def files(smollm2: Path, manifest: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The chunks put together, as the page does."""
    folder = tmp_path_factory.mktemp("joined")
    for file in manifest["files"]:
        data = b"".join((smollm2 / chunk["name"]).read_bytes() for chunk in file["chunks"])
        (folder / file["path"]).write_bytes(data)
    return folder


@pytest.fixture(scope="module")
def tokenizer(files: Path) -> PreTrainedTokenizerFast:
    return PreTrainedTokenizerFast.from_pretrained(files)


@pytest.fixture(scope="module")
def model() -> PreTrainedModel:
    """The checkpoint in PyTorch fp32."""
    return checkpoint.load_model(sources.find("smollm2"))


def test_the_files_are_small(manifest: dict[str, Any]) -> None:
    """At most 1.3 bytes a parameter, all files together."""
    assert sum(file["bytes"] for file in manifest["files"]) / manifest["parameters"] <= 1.3


def test_the_measured_fidelity_meets_the_bars(manifest: dict[str, Any]) -> None:
    """int8 on the fixed text set."""
    found = manifest["fidelity"]
    assert found["tokens"] >= 1500
    assert found["mean_abs_logprob_difference"] <= 0.035
    assert found["top1_agreement"] >= 0.985
    assert found["perplexity"] == pytest.approx(found["perplexity_reference"], rel=0.01)
    assert found["graph_difference"] <= verify.TOLERANCE  # of a component's own size and the median at its position
    assert found["mean_attention_difference"] <= 0.004 and found["mean_hidden_difference"] <= 0.012


def test_the_stored_model_says_what_pytorch_says(
    files: Path, model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, manifest: dict[str, Any]
) -> None:
    """A text the build has not seen, read in two chunks from the joined files."""
    ids = np.array([[manifest["prefix"]["id"], *tokenizer.encode(TEXT)]])
    with torch.no_grad():
        expected = torch.log_softmax(model(torch.from_numpy(ids)).logits[0], -1).numpy()
    graph = verify.session(files / "model.onnx")
    first = verify.run(graph, verify.feeds(model, ids[:, :40]))
    second = verify.run(graph, verify.feeds(model, ids[:, 40:], first))
    logits = np.concatenate([first["logits"][0], second["logits"][0]])
    found = torch.log_softmax(torch.from_numpy(logits), -1).numpy()
    following = ids[0, 1:, None]
    difference = np.take_along_axis(expected[:-1] - found[:-1], following, 1)
    assert np.abs(difference).mean() <= 0.035
    assert (found.argmax(-1) == expected.argmax(-1)).mean() >= 0.985


def test_sixteen_bit_weights_meet_their_bar(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, manifest: dict[str, Any]
) -> None:
    """Mean abs Δlogprob ≤ 0.001 and ≥ 99.9 % equal top tokens, with every matrix as the fp16 format gives it back."""
    ids = torch.tensor([[manifest["prefix"]["id"], *tokenizer.encode(TEXT)]])
    kept = {name: p.data.clone() for name, p in model.named_parameters() if p.ndim == 2}
    with torch.no_grad():
        before = torch.log_softmax(model(ids).logits[0], -1)
        for name, matrix in kept.items():
            decoded = encoding.wide(matrix.numpy(), 1).decoded()
            model.get_parameter(name).data = torch.from_numpy(decoded)
        after = torch.log_softmax(model(ids).logits[0], -1)
        for name, matrix in kept.items():
            model.get_parameter(name).data = matrix
    difference = (before - after)[:-1].gather(1, ids[0, 1:, None]).abs()
    assert 0 < difference.mean() <= 0.001
    assert (before.argmax(-1) == after.argmax(-1)).float().mean() >= 0.999


def test_the_tokenizer_is_the_checkpoints_own(tokenizer: PreTrainedTokenizerFast, manifest: dict[str, Any]) -> None:
    """SmolLM splits digits one by one, keeps spaces with words, and every text comes back as it was."""
    assert tokenizer.tokenize("in 2024 it") == ["in", "Ġ", "2", "0", "2", "4", "Ġit"]
    assert manifest["eos"] == [2] and manifest["vocab_size"] == len(tokenizer) == 49152
    for text in ("naïve café", "日本語 한국어 العربية", "🎉👩‍👩‍👧", "\t\n  x\r\n", "ﬁ ½ e\u0301", "<|im_end|> a"):
        assert tokenizer.decode(tokenizer.encode(text)) == text


def test_the_examples_are_finished_runs(smollm2: Path, manifest: dict[str, Any]) -> None:
    """Each file matches its hash and is a Run of this model whose logprobs and top tokens agree."""
    assert {"induction", "prose", "code", "facts", "scripts"} <= {example["id"] for example in manifest["examples"]}
    for example in manifest["examples"]:
        data = (smollm2 / example["name"]).read_bytes()
        assert (len(data), hashlib.sha256(data).hexdigest()) == (example["bytes"], example["sha256"])
        run = json.loads(data)
        assert run["schema"] == "tokenlight.run/2" and run["model"]["sha256"] == manifest["sha256"]
        encoded = run["text"].encode()
        for token in run["tokens"]:
            assert encoded[slice(*token["bytes"])].decode(errors="replace") == token["text"]
            if token["rank"] <= 10:
                best = token["top"][token["rank"] - 1]
                assert best["id"] == token["id"] and best["logprob"] == pytest.approx(token["logprob"], rel=1e-4)
        assert run["summary"]["tokens"] == len(run["tokens"])


def test_the_induction_example_shows_copying(smollm2: Path, manifest: dict[str, Any]) -> None:
    """The second copy of random words is far less surprising than the first."""
    name = next(example["name"] for example in manifest["examples"] if example["id"] == "induction")
    run = json.loads((smollm2 / name).read_text(encoding="utf-8"))
    logprobs = [token["logprob"] for token in run["tokens"]]
    half = len(logprobs) // 2
    assert np.mean(logprobs[half + 1 :]) > np.mean(logprobs[:half]) + 4
    induction = run["heads_on_text"]["induction"]
    assert np.max(induction["mass"]) > 0.5 and np.max(induction["chance"]) < 0.1


def test_the_prefix_starts_a_document_and_no_chat(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, manifest: dict[str, Any]
) -> None:
    """Of all special tokens, the one after which transformers finds short texts least surprising; not the chat marker
    that the checkpoint calls BOS."""
    texts = document_start.TEXTS[:3]
    cost = {id: document_start.perplexity(model, tokenizer, id, texts) for id in tokenizer.all_special_ids}
    cost |= {id: document_start.perplexity(model, tokenizer, id, texts) for id in (3, 6, 11)}  # other control tokens
    assert manifest["prefix"]["id"] == min(cost, key=cost.__getitem__) == 0
    assert manifest["prefix"]["text"] == "<|endoftext|>" and model.config.bos_token_id == 1
    assert cost[1] > 1.5 * cost[0]
    measured = {each["text"] for each in manifest["prefix"]["measured"]}
    assert measured == {"<|im_start|>", "<|im_end|>", "<|endoftext|>", None}


def test_the_best_induction_head_is_pytorchs(model: PreTrainedModel, manifest: dict[str, Any]) -> None:
    """TransformerLens' induction stripe of fp32 attention, on random tokens of its own."""
    generator, stripes = torch.Generator().manual_seed(11), []
    for _ in range(3):
        half = 17 + torch.randperm(49152 - 17, generator=generator)[:50]
        ids = torch.cat([torch.zeros(1, dtype=torch.int64), half, half])[None]
        with torch.no_grad():
            attention = torch.stack(model(ids, output_attentions=True).attentions)[:, 0]  # [layer, head, query, key]
        stripes.append(attention.diagonal(1 - 50, -2, -1)[..., 2:].mean(-1).numpy())
    expected, found = np.mean(stripes, axis=0), np.array(manifest["head_scores"]["induction"])
    assert found.argmax() == expected.argmax() == 18 * 9 + 6
    assert found.max() > 0.8 and abs(found.max() - expected.max()) < 0.1  # between seeds it varies by about 0.05
    assert np.corrcoef(found.ravel(), expected.ravel())[0, 1] > 0.99
    assert manifest["windows"] == [None] * 30
