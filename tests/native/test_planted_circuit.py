"""An induction circuit planted in a hand-set model is found by each method: Adds, Looks at, Needs and Patch.

The circuit is two heads: 0.0 copies the token before each position, 1.1 looks for the query's own token among these
copies and writes the token it finds there. Everything else is as good as zero. Texts and places are drawn
anew for each run.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from transformers import GPT2Config, GPT2LMHeadModel

from export import build
from pyscripts.native import Model, load
from tests.export.tiny import write_tokenizer

USED, POSITIONS, LENGTH = 40, 64, 9  # token ids 1 to USED, and positions, that the circuit knows; of the passage
WIDTH = USED + POSITIONS + USED  # one-hot token, one-hot position, one-hot token before
HEAD = WIDTH // 2


@torch.no_grad()
def plant(folder: Path) -> None:
    """Saves the checkpoint: two layers of two heads, no MLP."""
    torch.manual_seed(0)
    end = write_tokenizer(folder)
    model = GPT2LMHeadModel(GPT2Config(
        vocab_size=600, n_positions=256, n_embd=WIDTH, n_layer=2, n_head=2, bos_token_id=end, eos_token_id=end))
    token, position, before = slice(0, USED), slice(USED, USED + POSITIONS), slice(USED + POSITIONS, WIDTH)
    for name, parameter in model.named_parameters():
        parameter.normal_(float("ln" in name and name.endswith("weight")), 1e-6)
    one = torch.eye(USED)
    model.transformer.wte.weight[USED + 1 :].normal_(0, 0.01)  # unknown tokens have a place to be, or parity is noise
    model.transformer.wte.weight[1 : USED + 1, token] = one
    model.transformer.wpe.weight[:POSITIONS, position] = torch.eye(POSITIONS)
    first, second = (layer.attn for layer in model.transformer.h)

    def weights(attention: Any, what: int, head: int) -> Any:
        """[WIDTH, HEAD] of one head: what = 0 queries, 1 keys, 2 values."""
        start = what * WIDTH + head * HEAD
        return attention.c_attn.weight[:, start : start + HEAD]

    weights(first, 0, 0)[position, : POSITIONS - 1] = 5 * torch.eye(POSITIONS)[:, 1:]  # asks for the position before
    weights(first, 1, 0)[position, :POSITIONS] = torch.eye(POSITIONS)
    weights(first, 2, 0)[token, :USED] = one
    first.c_proj.weight[:USED, before] = one
    weights(second, 0, 1)[token, :USED] = 20 * one
    weights(second, 1, 1)[before, :USED] = one
    weights(second, 2, 1)[token, :USED] = one
    second.c_proj.weight[HEAD : HEAD + USED, token] = 10 * one
    model.save_pretrained(folder)


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Model:
    folder, out = tmp_path_factory.mktemp("checkpoint") / "planted", tmp_path_factory.mktemp("models")
    plant(folder)
    assert build.main([str(folder), "--out", str(out), "--weights", "fp32"]) == 0
    return load(out / "planted", threads=1)


def test_adds_looks_at_and_needs_find_it(planted: Model, generator: np.random.Generator) -> None:
    passage = (1 + generator.permutation(USED)[:LENGTH]).tolist()
    run = planted.read([*passage, *passage])
    token = LENGTH + 1 + int(generator.integers(LENGTH - 1))  # in the second copy
    first = run.reading.trace.first
    source = token - LENGTH + first  # its position in the first copy
    assert run.logprob[token] > -0.1
    split = planted.attribution(run, token)
    assert split.total == pytest.approx(split.logit, abs=1e-3)
    assert np.unravel_index(split.heads.argmax(), split.heads.shape) == (1, 1)
    assert split.heads[1, 1] > 0.9 * split.logit
    assert split.sources[1, 1].argmax() == source
    assert run.attentions[1, 1, token + first - 1].argmax() == source
    dependence = planted.dependence(run, token)
    assert dependence.argmin() == source and dependence[source] < -1
    last, text = (planted.head_sweep(run, token, scope=scope) for scope in ("last", "text"))
    assert last.argmin() == 3 and last[1, 1] < -1  # the other copied long before
    assert_allclose(last.ravel()[:3], 0, atol=0.1)
    assert text[0, 0] < -1 and text[1, 1] < -1
    assert_allclose([text[0, 1], text[1, 0]], 0, atol=0.1)


@pytest.mark.parametrize("step", ["written", "looked for"])
def test_patch_finds_both_steps(planted: Model, generator: np.random.Generator, step: str) -> None:
    """B differs in one token of the first copy: the one that head 1.1 writes, or the one it looks for, which reaches it
    through head 0.0, one position later."""
    *passage, other = (1 + generator.permutation(USED)[: LENGTH + 1]).tolist()
    at = 1 + int(generator.integers(LENGTH - 1))  # in the passage: what follows the last token, in the first copy
    changed = at if step == "written" else at - 1
    a = planted.read([*passage, *passage[:at]])
    b = planted.read([*passage[:changed], other, *passage[changed + 1 :], *passage[:at]])
    found = planted.patch_sweep(a, b, passage[at])
    whole, first = found[-1, -1], a.reading.trace.first
    assert whole > 1
    expected = np.zeros_like(found)
    expected[0, changed + first] = expected[1, at + first] = expected[2, -1] = whole
    assert_allclose(found, expected, atol=0.1 * whole)
    heads = {token: planted.patch_head_sweep(a, b, passage[at], token=token) for token in (-1, at, None)}
    copies = whole * (step == "looked for")  # what head 0.0 brings to the token after the changed one
    for token, by_head in ((-1, [[0, 0], [0, whole]]), (at, [[copies, 0], [0, 0]]), (None, [[copies, 0], [0, whole]])):
        assert_allclose(heads[token], by_head, atol=0.1 * whole)
