"""Windows are checked on the exported graph, and head scores are TransformerLens' diagnostic."""

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import pytest
import torch
from transformers import PreTrainedTokenizerFast

from export.check import head_scores, verify, windows
from export.graph import capture, clean_up
from export.weights import storage
from pyscripts.metrics import heads
from tests.export import tiny
from tests.export.models import random_model

WINDOWS = {"gpt_neo": [None, 8], "mistral": [8, 8], "gemma2": [8, None], "gemma3_text": [8, 8], "llama": [None, None]}


@pytest.fixture(scope="module")
def graphs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Any, ort.InferenceSession]]:
    """Random models of several families with their exported graphs."""
    made = {}
    for name in WINDOWS:
        folder, model = tmp_path_factory.mktemp(name), random_model(name, vocab_size=300, max_position_embeddings=128)
        capture.export_graph(model, folder / "raw.onnx")
        parameters = ((key, p.detach().numpy()) for key, p in model.named_parameters())
        (folder / "fp32").mkdir()
        storage.store(clean_up.load(folder / "raw.onnx", parameters), "fp32", folder / "fp32")
        made[name] = (model, verify.session(folder / "fp32" / "model.onnx"))
    return made


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> PreTrainedTokenizerFast:
    folder: Path = tmp_path_factory.mktemp("tokenizer")
    tiny.write_tokenizer(folder, 280)
    return PreTrainedTokenizerFast(tokenizer_file=str(folder / "tokenizer.json"), bos_token=tiny.END)


@pytest.mark.parametrize("name", WINDOWS)
def test_the_graph_attends_within_the_windows_of_the_config(name: str, graphs: dict[str, Any]) -> None:
    model, session = graphs[name]
    found = windows.of_config(model.config)
    assert found == WINDOWS[name]
    windows.check(model, session, found)
    for layer, width in enumerate(found):
        for wrong in (7, 9) if width else (127,):
            changed = [*found[:layer], wrong, *found[layer + 1 :]]
            with pytest.raises(verify.ParityError, match=f"layer {layer} "):
                windows.check(model, session, changed)
        if width:
            with pytest.raises(verify.ParityError, match=f"layer {layer} sees 8 positions, its config says all"):
                windows.check(model, session, [*found[:layer], None, *found[layer + 1 :]])


def test_head_scores_equal_transformer_lens_stripes(
    graphs: dict[str, Any], tokenizer: PreTrainedTokenizerFast
) -> None:
    """The mean of a diagonal of PyTorch's own attention, as in TransformerLens' induction mosaic.

    Its stripe `offset=1 - length` begins at the last token of the first copy, which has no earlier copy; ours leaves
    that query out.
    """
    model, session = graphs["llama"]
    found = head_scores.measure(model, session, tokenizer, 0, [None, None])
    assert found is not None
    length, seeds = found["measured"]["tokens"], found["measured"]["seeds"]
    assert (length, found["measured"]["prefix"]) == (50, 0) and seeds > 1
    choices = head_scores.drawable(model, tokenizer)
    stripes: dict[str, list[np.ndarray]] = {"induction": [], "duplicate_token": [], "previous_token": []}
    for seed in range(seeds):
        ids = torch.tensor(heads.repeated_random_ids(choices, length, 0, seed))[None].long()
        assert ids.shape[1] == 1 + 2 * length and torch.equal(ids[0, 1:51], ids[0, 51:])
        with torch.no_grad():
            attention = torch.stack(model(ids, output_attentions=True).attentions)[:, 0]  # [layer, head, query, key]
        for name, offset, skipped in (
            ("induction", 1 - length, 2), ("duplicate_token", -length, 1), ("previous_token", -1, 0)
        ):
            stripes[name].append(attention.diagonal(offset, -2, -1)[..., skipped:].mean(-1).numpy())
    for name, values in stripes.items():
        np.testing.assert_allclose(found[name], np.mean(values, axis=0), atol=1e-6)
    deviation = max(float(np.std(values, axis=0).max()) for values in stripes.values())
    assert found["measured"]["largest_deviation"] == pytest.approx(deviation, abs=1e-6)


def test_a_window_that_hides_the_pattern_leaves_no_score(
    graphs: dict[str, Any], tokenizer: PreTrainedTokenizerFast
) -> None:
    model, session = graphs["gpt_neo"]
    found = head_scores.measure(model, session, tokenizer, None, [None, 8])
    assert found is not None
    assert found["induction"][1] == [None] * 4 and None not in found["induction"][0]
    assert None not in found["previous_token"][1]


def test_only_ordinary_tokens_are_drawn(tokenizer: PreTrainedTokenizerFast) -> None:
    """Neither special tokens nor the rows that pad a vocabulary, which were never trained."""
    model: Any = random_model("llama", vocab_size=300)
    drawn = head_scores.drawable(model, tokenizer)
    assert drawn.tolist() == list(range(1, 280))
    model = random_model("llama", vocab_size=100)
    assert head_scores.drawable(model, tokenizer).tolist() == list(range(1, 100))
