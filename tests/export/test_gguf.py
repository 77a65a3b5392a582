"""GGUF files: what transformers overlooks in them, against the same weights and tokenizers read another way."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer  # type: ignore[import-untyped]

from export import sources
from export.architectures.families import Refusal
from export.weights import gguf_file
from export.weights.checkpoint import load_model
from tests.export.gguf_files import mini_llama, write_gguf


@pytest.fixture(scope="module")
def vocabulary(checkpoint: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((checkpoint / "tokenizer.json").read_text(encoding="utf-8"))
    return found


def logits_of(path: Path) -> np.ndarray:
    model = load_model(sources.from_gguf(path))
    with torch.no_grad():
        return np.asarray(model(torch.arange(5, 60)[None]).logits[0])


def test_rope_factors_of_a_gguf_file_are_applied(tmp_path: Path, vocabulary: dict[str, Any]) -> None:
    """The same weights in LlamaForCausalLM with rope_scaling, whose frequencies are plain ones over the factors."""
    scaling = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0}
    scaled = mini_llama(rope_scaling={**scaling, "original_max_position_embeddings": 32})
    plain = mini_llama().model.rotary_emb.inv_freq
    factors = (plain / scaled.model.rotary_emb.inv_freq).numpy().astype(np.float32)
    assert factors.min() == pytest.approx(1) and factors.max() == pytest.approx(8)
    write_gguf(tmp_path / "with.gguf", vocabulary, extra={"rope_freqs.weight": factors})
    write_gguf(tmp_path / "without.gguf", vocabulary)
    ids = torch.arange(5, 60)[None]
    with torch.no_grad():
        expected, unscaled = scaled(ids).logits[0].numpy(), mini_llama()(ids).logits[0].numpy()
    assert np.abs(expected - unscaled).max() > 0.01
    np.testing.assert_allclose(logits_of(tmp_path / "with.gguf"), expected, atol=1e-4)
    np.testing.assert_allclose(logits_of(tmp_path / "without.gguf"), unscaled, atol=1e-4)


def test_linear_rope_scaling_of_a_gguf_file(tmp_path: Path, vocabulary: dict[str, Any]) -> None:
    """Linear is a factor; YaRN is more than that."""
    write_gguf(tmp_path / "linear.gguf", vocabulary, scaling="linear")
    expected = mini_llama(rope_scaling={"rope_type": "linear", "factor": 4.0})
    with torch.no_grad():
        logits = expected(torch.arange(5, 60)[None]).logits[0].numpy()
    np.testing.assert_allclose(logits_of(tmp_path / "linear.gguf"), logits, atol=1e-4)
    write_gguf(tmp_path / "yarn.gguf", vocabulary, scaling="yarn")
    with pytest.raises(Refusal, match="yarn rope scaling"):
        logits_of(tmp_path / "yarn.gguf")


def test_a_gguf_tensor_without_a_place_is_refused(tmp_path: Path, vocabulary: dict[str, Any]) -> None:
    """A bias on the queries."""
    write_gguf(tmp_path / "bias.gguf", vocabulary, extra={"blk.0.attn_q.bias": np.ones(64, np.float32)})
    with pytest.raises(Refusal, match=r"does not use \(blk\.0\.attn_q\.bias\)"):
        logits_of(tmp_path / "bias.gguf")


def tokenizer_of(path: Path, directory: Path) -> Tokenizer:
    directory.mkdir()
    gguf_file.write_tokenizer(path, directory)
    return Tokenizer.from_file(str(directory / "tokenizer.json"))


def test_tokenizer_details_of_gguf_files(tmp_path: Path, vocabulary: dict[str, Any]) -> None:
    """Whole words before merges (Llama 3), user-defined tokens as tokens, NFC (Qwen)."""
    words = vocabulary["model"]["vocab"]
    unreachable = next(token for token in words if len(token) > 5 and token.isascii() and token.isalpha())
    cut = json.loads(json.dumps(vocabulary))
    cut["model"]["merges"] = [merge for merge in cut["model"]["merges"] if "".join(merge) != unreachable]
    text = unreachable.replace("Ġ", " ")
    for pre, count in (("llama-bpe", 1), ("gpt-2", 2)):
        path = tmp_path / f"{pre}.gguf"
        write_gguf(path, cut, pre=pre)
        tokens = tokenizer_of(path, tmp_path / pre).encode(text).tokens
        assert (tokens == [unreachable]) == (count == 1)

    path = tmp_path / "user.gguf"
    write_gguf(path, vocabulary, user_defined=("it",))
    assert tokenizer_of(path, tmp_path / "user").encode("waiting").tokens.count("it") == 1

    for pre, same in (("qwen2", True), ("gpt-2", False)):
        path = tmp_path / f"{pre}-nfc.gguf"
        write_gguf(path, vocabulary, pre=pre)
        tokenizer = tokenizer_of(path, tmp_path / f"{pre}-nfc")
        assert (tokenizer.encode("e\u0301").ids == tokenizer.encode("é").ids) == same
