"""Heads patched and replaced by their mean without a browser, against PyTorch hooks on what their projection takes.

Architectures, texts, places, pairs and targets are drawn anew for each run; a test that fails prints its seed.
"""

import secrets
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from pyscripts.native import Run
from tests.export.models import CONFIGS
from tests.native.families import Both, both

COUNT = 9  # tokens of each text
DRAWN = 3  # architectures beside GPT-2


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Both]:
    """GPT-2, and others that are drawn."""
    others = np.random.default_rng(secrets.randbelow(10**6)).choice(sorted(set(CONFIGS) - {"gpt2"}), DRAWN, False)

    @cache
    def of(index: int) -> Both:
        architecture = ["gpt2", *others.tolist()][index]
        print(architecture)
        return both(architecture, tmp_path_factory.mktemp(architecture))

    return of


@pytest.fixture(params=range(1 + DRAWN))
def one(request: pytest.FixtureRequest, drawn: Callable[[int], Both]) -> Both:
    return drawn(request.param)



def texts(model: Both, generator: np.random.Generator, longer: int = 0) -> tuple[Run, Run, int]:
    """Two readings, A with more tokens; if it has not, they differ in two, and the first of these."""
    size = model.native.manifest["vocab_size"]
    of_b = generator.integers(3, size, COUNT)
    of_a = generator.integers(3, size, COUNT + longer)
    first = 0
    if not longer:
        of_a, places = of_b.copy(), np.sort(generator.choice(np.arange(1, COUNT - 1), 2, replace=False))
        of_a[places], first = 3 + (of_b[places] - 2) % (size - 3), int(places[0])
    return model.native.read(of_a.tolist()), model.native.read(of_b.tolist()), first


def test_a_patched_head_is_what_hooks_give(
    one: Both, generator: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every head at the last token, at one that is drawn and at all; of one target, and of one rather than another."""
    model, m = one.native, one.native.manifest
    a, b, first = texts(one, generator)
    of_a, of_b = a.ids.tolist(), b.ids.tolist()
    outputs = one.head_outputs(of_a)
    assert_allclose(model.head_outputs(a), outputs, atol=1e-4)
    target, versus = generator.choice(m["vocab_size"], 2, replace=False).tolist()
    plain = one.replaced(of_b, 0, 0, {})
    token = int(generator.integers(first, COUNT))
    for at, positions in ((-1, [COUNT - 1]), (token, [token]), (None, list(range(COUNT)))):
        alone = model.patch_head_sweep(a, b, target, token=at)
        compared = model.patch_head_sweep(a, b, target, versus, token=at)
        assert alone.shape == compared.shape == (m["layers"], m["heads"])
        assert np.abs(alone).max() > 1e-4
        for layer, head in np.ndindex(alone.shape):
            put = {position: outputs[layer, head, position] for position in positions}
            changed = one.replaced(of_b, layer, head, put) - plain
            assert alone[layer, head] == pytest.approx(changed[target], abs=2e-4)
            assert compared[layer, head] == pytest.approx(changed[target] - changed[versus], abs=2e-4)
    assert not model.patch_head_sweep(a, b, target, token=first - 1).any()  # nothing differs there yet
    monkeypatch.setattr("pyscripts.native.why.COPIES", 1)
    assert_allclose(model.patch_head_sweep(a, b, target, token=None), alone, atol=1e-4)
    with pytest.raises(ValueError, match=f"There is no token {COUNT}: the text has {COUNT} tokens"):
        model.patch_head_sweep(a, b, target, token=COUNT)


def test_heads_are_patched_under_interventions(one: Both, generator: np.random.Generator) -> None:
    """A head that is scaled and has a vector added gives out both; A's replaces B's whole output."""
    model, m = one.native, one.native.manifest
    _, b, _ = texts(one, generator)
    ids, layer, head = b.ids.tolist(), int(generator.integers(m["layers"])), int(generator.integers(m["heads"]))
    vector, place = generator.normal(size=m["head_size"]).astype(np.float32), {"layer": layer, "head": head}
    changed = model.read(ids, interventions={
        "heads": [{**place, "scale": 0.4}], "add": [{**place, "position": None, "vector": vector.tolist()}]})
    outputs = one.head_outputs(ids)[layer, head]
    theirs = outputs * 0.4 + torch.from_numpy(vector)
    assert_allclose(model.head_outputs(changed)[layer, head], theirs, atol=1e-4)
    target = int(generator.integers(m["vocab_size"]))
    plain = one.replaced(ids, 0, 0, {})
    whole = one.replaced(ids, layer, head, dict(enumerate(theirs)))
    assert model.patch_head_sweep(changed, b, target, token=None)[layer, head] == pytest.approx(
        whole[target] - plain[target], abs=2e-4)
    back = model.patch_head_sweep(b, changed, target, token=None)[layer, head]
    assert back == pytest.approx(plain[target] - whole[target], abs=2e-4)


def test_texts_are_aligned_by_hand(one: Both, generator: np.random.Generator) -> None:
    """Pairs in any order, crossing ones too; heads and the residual stream, both against what is put in by hand."""
    model, m = one.native, one.native.manifest
    a, b, _ = texts(one, generator, longer=2)
    of_a, of_b = a.ids.tolist(), b.ids.tolist()
    count = int(generator.integers(2, COUNT))
    pairs = list(zip(generator.choice(COUNT + 2, count, False).tolist(), generator.choice(COUNT, count, False).tolist(),
                     strict=True))
    target, outputs = int(generator.integers(m["vocab_size"])), one.head_outputs(of_a)
    plain = one.replaced(of_b, 0, 0, {})[target]
    by_head = model.patch_head_sweep(a, b, target, align=pairs, token=None)
    for layer, head in np.ndindex(by_head.shape):
        put = {other: outputs[layer, head, token] for token, other in pairs}
        assert by_head[layer, head] == pytest.approx(one.replaced(of_b, layer, head, put)[target] - plain, abs=2e-4)
    grid = model.patch_sweep(a, b, target, align=pairs)
    unpaired = sorted(set(range(COUNT)) - {other for _, other in pairs})
    assert not grid[:-1, unpaired].any()
    layer, (token, other) = int(generator.integers(m["layers"])), pairs[0]
    given = {"add": [{"layer": layer, "position": other, "vector": a.resid[layer, token] - b.resid[layer, other]}]}
    copied = model.read(of_b, interventions=given).last_logits.astype(np.float64)
    expected = copied[target] - np.logaddexp.reduce(copied) - plain
    assert grid[layer, other] == pytest.approx(expected, abs=2e-4)
    assert np.isnan(grid[-1, -1]) == ((COUNT + 1, COUNT - 1) not in pairs)


@pytest.mark.parametrize(("pairs", "words"), [
    ([], "Pair at least one token of A with one of B"),
    ([[0, 1, 2]], r"each pair is \[token of A, token of B\], two whole numbers"),
    ([[0.0, 1]], "two whole numbers"),
    ([[0, True]], "two whole numbers"),
    ([3], "two whole numbers"),
    ([[11, 0]], "A has no token 11: it has 11, numbered from 0"),
    ([[0, -1]], "B has no token -1: it has 9"),
    ([[0, 1], [2, 1]], "token 1 of B is in two pairs"),
    ([[2, 0], [2, 1]], "token 2 of A is in two pairs"),
])
def test_pairs_that_do_not_fit_are_said(
    drawn: Callable[[int], Both], generator: np.random.Generator, pairs: Any, words: str
) -> None:
    a, b, _ = texts(drawn(0), generator, longer=2)
    with pytest.raises(ValueError, match=words):
        drawn(0).native.patch_sweep(a, b, 5, align=pairs)


def test_mean_ablation_is_what_hooks_give_in_any_architecture(one: Both, generator: np.random.Generator) -> None:
    """Each head's mean over the text in its place, at the last position and everywhere."""
    model, m = one.native, one.native.manifest
    _, run, _ = texts(one, generator)
    means = one.head_outputs(run.ids.tolist()).mean(dim=2)
    assert_allclose(model.head_means(run), means, atol=1e-4)
    token, target = int(generator.integers(2, COUNT)), int(generator.integers(m["vocab_size"]))
    seen = run.ids.tolist()[:token]
    plain = one.replaced(seen, 0, 0, {})[target]
    for scope, positions in (("last", [token - 1]), ("text", list(range(token)))):
        found = model.head_sweep(run, token, target, scope, mean=True)
        for layer, head in np.ndindex(found.shape):
            put = {position: means[layer, head] for position in positions}
            expected = one.replaced(seen, layer, head, put)[target] - plain
            assert found[layer, head] == pytest.approx(expected, abs=2e-4)
    inputs = {name: each for name, each in m["inputs"].items() if name != "head_output_add"}
    for old in ({**m, "inputs": inputs}, {**m, "head_outputs": False}):
        model.manifest = old
        for call in (lambda: model.head_sweep(run, token, mean=True), lambda: model.patch_head_sweep(run, run)):
            with pytest.raises(ValueError, match="exported without its heads' outputs"):
                call()
    model.manifest = m
