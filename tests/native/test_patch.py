"""Activation patching without a browser, against PyTorch hooks that replace the residual stream.

Texts, layers, positions and targets are drawn anew for each run; a test that fails prints its seed.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from pyscripts.native import Model, Run
from tests.e2e.reference import ReferenceModel

COUNT = 12  # tokens of each text


@pytest.fixture(scope="session")
def torch_model(checkpoints: Path, model_folder: Path) -> Any:
    return ReferenceModel(checkpoints / model_folder.name).model


def places(torch_model: Any) -> list[Any]:
    """The modules that the residual stream enters: each layer, and the final norm."""
    if torch_model.config.model_type == "gpt2":
        return [*torch_model.transformer.h, torch_model.transformer.ln_f]
    return [*torch_model.model.layers, torch_model.model.norm]


@torch.no_grad()
def read(torch_model: Any, ids: list[int], layer: int, put: torch.Tensor | None, position: int) -> Any:
    """The log-probabilities after ids [vocabulary] and what enters a layer [position, hidden], with `put` [hidden] in
    the place of one position."""
    seen: list[torch.Tensor] = []

    def hook(module: Any, args: Any, kwargs: Any) -> Any:
        state = (args[0] if args else kwargs["hidden_states"]).clone()
        if put is not None:
            state[0, position] = put
        seen.append(state[0])
        return ((state, *args[1:]), kwargs) if args else (args, {**kwargs, "hidden_states": state})

    handle = places(torch_model)[layer].register_forward_pre_hook(hook, with_kwargs=True)
    logits = torch_model(torch.tensor([ids])).logits[0, -1]
    handle.remove()
    return torch.log_softmax(logits.double(), -1).numpy(), seen[0]


def pair(model: Model, generator: np.random.Generator) -> tuple[Run, Run, int]:
    """Two readings that differ in two tokens, and the first position where they do."""
    ids = generator.integers(300, model.manifest["vocab_size"], COUNT)
    other = ids.copy()
    places = np.sort(generator.choice(np.arange(1, COUNT), 2, replace=False))
    other[places] = 300 + (other[places] - 299) % (model.manifest["vocab_size"] - 300)
    a, b = model.read(ids.tolist()), model.read(other.tolist())
    return a, b, int(places[0]) + a.reading.trace.first


def test_a_patch_is_what_hooks_give(
    model: Model, torch_model: Any, generator: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every cell of the grid, of one token and of one rather than another; copies equal one pass for each."""
    a, b, begin = pair(model, generator)
    of_a, of_b = a.reading.trace.ids, b.reading.trace.ids
    target, versus = generator.choice(model.manifest["vocab_size"], 2, replace=False).tolist()
    found = model.patch_sweep(a, b, target)
    both = model.patch_sweep(a, b, target, versus)
    assert found.shape == both.shape == (model.manifest["layers"] + 1, len(of_b))
    assert not found[:, :begin].any()
    assert np.abs(found[:, begin:]).max() > 1e-3
    plain, _ = read(torch_model, of_b, 0, None, 0)
    for layer in range(len(found)):
        _, state = read(torch_model, of_a, layer, None, 0)
        for position in range(len(of_b)):
            changed = read(torch_model, of_b, layer, state[position], position)[0] - plain
            assert found[layer, position] == pytest.approx(changed[target], abs=2e-4)
            assert both[layer, position] == pytest.approx(changed[target] - changed[versus], abs=2e-4)
    monkeypatch.setattr("pyscripts.native.why.COPIES", 1)
    assert_allclose(model.patch_sweep(a, b, target), found, atol=1e-4)


def test_the_defaults_and_a_patch_under_interventions(
    model: Model, torch_model: Any, generator: np.random.Generator
) -> None:
    """The last row is A's prediction, whose likeliest token is the target; the first position that can change anything
    is 0 if the readings differ in their interventions."""
    a, b, _ = pair(model, generator)
    top, other = (int(run.reading.trace.last_logits.argmax()) for run in (a, b))  # type: ignore[union-attr]
    found = model.patch_sweep(a, b)
    assert_allclose(found, model.patch_sweep(a, b, top, None if top == other else other), atol=1e-6)
    off = {"heads": [{"layer": 0, "head": 1, "scale": 0}], "cut": [{"query": None, "keys": [1]}]}
    ids = b.ids.tolist()
    changed = model.read(ids, interventions=off)
    found = model.patch_sweep(b, changed, top)
    whole = b.reading.trace.last_logits, changed.reading.trace.last_logits
    logprobs = [torch.log_softmax(torch.tensor(each).double(), -1)[top].item() for each in whole]
    assert found[-1, -1] == pytest.approx(logprobs[0] - logprobs[1], abs=1e-5)
    assert found[0] == pytest.approx(0, abs=1e-4)  # the embeddings are the same
    assert np.abs(found[1, :-1]).max() > 1e-4


@pytest.mark.parametrize("align", ["start", "end", "both"])
def test_texts_of_different_lengths_are_aligned(
    model: Model, torch_model: Any, generator: np.random.Generator, align: str
) -> None:
    """Every cell against hooks; which position goes where is worked out by hand: A has two more in the middle."""
    ids = generator.integers(300, model.manifest["vocab_size"], 9).tolist()
    inserted = [(ids[4] - 299) % 200 + 300, (ids[3] - 298) % 200 + 300]
    a, b = model.read([*ids[:4], *inserted, *ids[4:]]), model.read([*ids[:4], (ids[4] - 297) % 200 + 300, *ids[5:]])
    first, nowhere = a.reading.trace.first, -1
    by_hand = {"start": list(range(9)), "end": list(range(2, 11)), "both": [0, 1, 2, 3, nowhere, 7, 8, 9, 10]}[align]
    origin = [*range(first), *(place + first if place >= 0 else nowhere for place in by_hand)]
    of_a, of_b = a.reading.trace.ids, b.reading.trace.ids
    target = int(generator.integers(model.manifest["vocab_size"]))
    found = model.patch_sweep(a, b, target, align=align)
    assert found.shape == (model.manifest["layers"] + 1, len(of_b))
    plain = read(torch_model, of_b, 0, None, 0)[0][target]
    for layer in range(len(found) - 1):
        _, state = read(torch_model, of_a, layer, None, 0)
        for position, place in enumerate(origin):
            changed = plain if place < 0 else read(torch_model, of_b, layer, state[place], position)[0][target]
            assert found[layer, position] == pytest.approx(changed - plain, abs=2e-4)
    whole = read(torch_model, of_a, 0, None, 0)[0][target] - plain
    assert np.isnan(found[-1, -1]) if align == "start" else found[-1, -1] == pytest.approx(whole, abs=2e-4)
    with pytest.raises(ValueError, match="align is one of start, end, both"):
        model.patch_sweep(a, b, target, align="middle")


@pytest.mark.parametrize("mean", [False, True])
def test_a_steering_vector_of_lists_is_that_of_hooks(
    model: Model, torch_model: Any, generator: np.random.Generator, mean: bool
) -> None:
    """Texts of several lengths, more in one list than in the other; each text counts once."""
    layer, size = int(generator.integers(model.manifest["layers"])), model.manifest["vocab_size"]
    lists = [[model.read(generator.integers(300, size, int(generator.integers(2, COUNT))).tolist())
              for _ in range(count)] for count in (3, 2)]
    expected = []
    for runs in lists:
        each = []
        for run in runs:
            states = read(torch_model, run.reading.trace.ids, layer, None, 0)[1][run.reading.trace.first :]
            each.append((states.mean(dim=0) if mean else states[-1]).numpy())
        expected.append(np.mean(each, axis=0))
    found = model.steering_vector(lists[0], lists[1], layer, mean)
    assert_allclose(found, expected[0] - expected[1], atol=2e-4)
    with pytest.raises(ValueError, match="at least one text"):
        model.steering_vector(lists[0], [], layer, mean)


def test_what_cannot_be_patched_is_said(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    a, b = model.read("The quick brown fox"), model.read("The quick brown fox jumps")
    with pytest.raises(ValueError, match="change a text so that both have the same number of tokens"):
        model.patch_sweep(a, b)
    with pytest.raises(ValueError, match="Both texts are the same"):
        model.patch_sweep(a, a)
    for keep in ((), ("attentions",)):
        bare = model.read("The quick brown fox", keep=keep)
        for ask in (lambda bare=bare: model.patch_sweep(a, bare), lambda bare=bare: model.patch_head_sweep(bare, a),
                    lambda bare=bare: model.steering_vector([a, bare], a, 1)):
            with pytest.raises(ValueError, match=r"was not kept: read the text with keep=\('resid',\)"):
                ask()
    with monkeypatch.context() as patched:
        patched.setattr("pyscripts.patching.LONGEST", 3)
        with pytest.raises(ValueError, match="at most 3 tokens"):
            model.patch_sweep(a, b)
    with pytest.raises(ValueError, match="600 is not a token id"):
        model.patch_sweep(a, model.read("The quick brown dog"), 600)
