"""Interventions, attribution and ablation without a browser, against PyTorch hooks on the same checkpoints.

Heads, positions, targets and vectors are drawn anew for each run; a test that fails prints its seed.
"""

import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from pyscripts import interventions as changes
from pyscripts.native import Model, Run
from tests.e2e.reference import ReferenceModel

TEXT = "The quick brown fox jumps over the lazy dog. The quick brown fox jumps over the"


@pytest.fixture
def seed() -> int:
    drawn = secrets.randbelow(10**6)
    print(f"seed {drawn}")
    return drawn


@pytest.fixture(scope="session")
def torch_model(checkpoints: Path, model_folder: Path) -> Any:
    return ReferenceModel(checkpoints / model_folder.name).model


@pytest.fixture(scope="session")
def run(model: Model) -> Run:
    return model.read(TEXT)


def blocks(torch_model: Any) -> list[tuple[Any, Any, Any]]:
    """Each layer with its attention and the projection of its heads; the final norm stands as a last layer."""
    if torch_model.config.model_type == "gpt2":
        return [(layer, layer.attn, layer.attn.c_proj) for layer in torch_model.transformer.h]
    return [(layer, layer.self_attn, layer.self_attn.o_proj) for layer in torch_model.model.layers]


def final_norm(torch_model: Any) -> Any:
    return torch_model.transformer.ln_f if torch_model.config.model_type == "gpt2" else torch_model.model.norm


@torch.no_grad()
def hooked(torch_model: Any, ids: list[int], given: dict[str, Any]) -> np.ndarray:
    """[position, vocabulary] log-probabilities with the interventions done by PyTorch hooks, entry by entry."""
    heads, count, handles = torch_model.config.num_attention_heads, len(ids), []

    def scale_or_add(projection: Any, head: int, change: Callable[[torch.Tensor], torch.Tensor]) -> None:
        def hook(module: Any, args: Any) -> Any:
            each = args[0].clone().unflatten(-1, (heads, -1))  # [batch, token, head, head_size]
            each[0, :, head] = change(each[0, :, head])
            return (each.flatten(-2),)

        handles.append(projection.register_forward_pre_hook(hook))

    def placed(vector: list[float], position: int | None) -> torch.Tensor:
        added = torch.zeros(count, len(vector))
        added[slice(None) if position is None else position] = torch.tensor(vector)
        return added

    for row in given.get("heads", ()):
        scale_or_add(blocks(torch_model)[row["layer"]][2], row["head"], lambda z, row=row: z * row["scale"])  # type: ignore[misc]
    for row in given.get("add", ()):
        added = placed(row["vector"], row["position"])
        if "head" in row:
            scale_or_add(blocks(torch_model)[row["layer"]][2], row["head"], lambda z, a=added: z + a)  # type: ignore[misc]
            continue
        place = [*(block[0] for block in blocks(torch_model)), final_norm(torch_model)][row["layer"]]

        def add(module: Any, args: Any, kwargs: Any, a: torch.Tensor = added) -> Any:
            if args:
                return (args[0] + a, *args[1:]), kwargs
            return args, {**kwargs, "hidden_states": kwargs["hidden_states"] + a}

        handles.append(place.register_forward_pre_hook(add, with_kwargs=True))
    for row in given.get("cut", ()):
        for layer in row.get("layers") or range(len(blocks(torch_model))):

            def cut(module: Any, args: Any, kwargs: Any, row: Any = row) -> Any:
                mask = kwargs["attention_mask"]
                mask = torch.zeros(1, 1, count, count) if mask is None else mask.clone()
                mask = mask.expand(1, heads, count, count).clone()
                for query in range(count) if row["query"] is None else [row["query"]]:
                    for key in row["keys"]:
                        for head in row.get("heads") or range(heads):
                            if key < query:
                                mask[0, head, query, key] = -np.inf
                return args, {**kwargs, "attention_mask": mask}

            handles.append(blocks(torch_model)[layer][1].register_forward_pre_hook(cut, with_kwargs=True))
    torch_model.set_attn_implementation("eager")
    logits = torch_model(torch.tensor([ids])).logits[0]
    for handle in handles:
        handle.remove()
    return np.asarray(torch.log_softmax(logits.double(), -1))


def drawn(model: Model, generator: np.random.Generator, count: int) -> dict[str, Any]:
    """Some of everything, anywhere."""
    m = model.manifest
    pick = lambda most: int(generator.integers(most))  # noqa: E731
    vector = lambda size: np.asarray(generator.normal(size=size)).tolist()  # noqa: E731
    query = 3 + pick(count - 3)
    return {
        "heads": [{"layer": i, "head": pick(m["heads"]), "scale": scale} for i, scale in enumerate((0, 1.7))],
        "cut": [
            {"query": query, "keys": [pick(query), pick(query)]},
            {"query": None, "keys": [1 + pick(5)], "layers": [pick(m["layers"])], "heads": [pick(m["heads"])]},
        ],
        "add": [
            {"layer": pick(m["layers"]), "position": pick(count), "vector": vector(m["hidden_size"])},
            {"layer": m["layers"], "position": None, "vector": vector(m["hidden_size"])},
            {
                "layer": pick(m["layers"]),
                "head": pick(m["heads"]),
                "position": pick(count),
                "vector": vector(m["head_size"]),
            },
        ],
    }  # fmt: skip


@pytest.mark.parametrize("kinds", [("heads",), ("cut",), ("add",), ("heads", "cut", "add")])
def test_interventions_are_what_hooks_give(
    model: Model, run: Run, torch_model: Any, seed: int, kinds: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Read in passes of seven tokens, so that places in a pass and positions differ."""
    monkeypatch.setattr("pyscripts.native.session.MAX_TOKENS", 7)
    ids = run.reading.trace.ids
    every = drawn(model, np.random.default_rng(seed), len(ids))
    given = {kind: every[kind] for kind in kinds}
    expected = hooked(torch_model, ids, given)[np.arange(len(ids) - 1), ids[1:]]
    found = model.read(TEXT, interventions=given)
    assert_allclose(found.logprob, expected, atol=2e-4)
    assert np.abs(found.logprob - run.logprob).max() > 1e-3
    assert found.to_json()["interventions"] == changes.checked(given, model.manifest)
    last = len(found.ids) - 1
    assert found.lens(last).logprob[-1] == pytest.approx(expected[-1], abs=2e-4)


def test_mean_ablation_is_what_hooks_give(model: Model, run: Run, torch_model: Any, seed: int) -> None:
    """Every head's mean output over the text, and a head with it in its place, at the last position or everywhere."""
    generator, m, ids = np.random.default_rng(seed), model.manifest, run.reading.trace.ids
    outputs: list[torch.Tensor] = []
    handles = [projection.register_forward_pre_hook(lambda module, args: outputs.append(args[0][0].clone()))
               for _, _, projection in blocks(torch_model)]
    with torch.no_grad():
        torch_model(torch.tensor([ids]))
    for handle in handles:
        handle.remove()
    expected = torch.stack(outputs).unflatten(-1, (m["heads"], -1)).mean(dim=1).numpy()  # [layer, head, head_size]
    base = {"heads": [{"layer": 0, "head": 1, "scale": 0.3}]}
    means = model.head_means(model.read(TEXT, interventions=base))  # of the unchanged model all the same
    assert_allclose(means, expected, atol=2e-4)
    token = 2 + int(generator.integers(len(run.ids) - 2))
    seen = ids[: token + run.reading.trace.first]
    layer, head, target = 1, int(generator.integers(m["heads"])), int(generator.integers(m["vocab_size"]))
    mean = torch.tensor(expected[layer, head])

    def replaced(module: Any, args: Any) -> Any:
        each = args[0].clone().unflatten(-1, (m["heads"], -1))
        each[0, -1, head] = mean
        return (each.flatten(-2),)

    for given, one in (({}, run), (base, model.read(TEXT, interventions=base))):
        plain = hooked(torch_model, seen, given)[-1, target]
        place = {"layer": layer, "head": head}
        whole = {"heads": [*given.get("heads", ()), {**place, "scale": 0}],
                 "add": [{**place, "position": None, "vector": mean.tolist()}]}
        everywhere = hooked(torch_model, seen, whole)[-1, target]
        handle = blocks(torch_model)[layer][2].register_forward_pre_hook(replaced)
        last = hooked(torch_model, seen, given)[-1, target]
        handle.remove()
        for scope, changed in (("last", last), ("text", everywhere)):
            swept = model.head_sweep(one, token, target, scope, mean=True)
            assert swept[layer, head] == pytest.approx(changed - plain, abs=2e-4)
    pair = [(layer, head), (0, (head + 1) % m["heads"])]
    both = {"heads": [{"layer": a, "head": b, "scale": 0} for a, b in pair]}
    changed = hooked(torch_model, seen, both)[-1, target] - hooked(torch_model, seen, {})[-1, target]
    assert model.heads_off(run, token, pair, target, "text") == pytest.approx(changed, abs=2e-4)
    with pytest.raises(ValueError, match=r"no layer 9, head 0"):
        model.heads_off(run, token, [(9, 0)])
    held = model.read(TEXT, interventions=whole)  # the head has its mean: off again is zero ablation
    off = hooked(torch_model, seen, {"heads": whole["heads"]})[-1, target]
    now = hooked(torch_model, seen, whole)[-1, target]
    assert model.head_sweep(held, token, target, "text")[layer, head] == pytest.approx(off - now, abs=2e-4)


def test_the_last_position_without_a_link_or_a_head(model: Model, run: Run, torch_model: Any, seed: int) -> None:
    """Copies in one pass equal hooks on the whole text, one link or head at a time, also under an intervention."""
    generator = np.random.default_rng(seed)
    token = 2 + int(generator.integers(len(run.ids) - 2))
    position = token + run.reading.trace.first - 1
    base = {"heads": [{"layer": 0, "head": 1, "scale": 0.3}]}
    target = int(generator.integers(model.manifest["vocab_size"]))
    ids = run.reading.trace.ids[: position + 1]
    for given, one in (({}, run), (base, model.read(TEXT, interventions=base))):
        plain = hooked(torch_model, ids, given)[-1, target]
        cuts = model.dependence(one, token, target)
        assert len(cuts) == position
        for key in range(position):
            changed = {**given, "cut": [{"query": position, "keys": [key]}]}
            assert cuts[key] == pytest.approx(hooked(torch_model, ids, changed)[-1, target] - plain, abs=2e-4)
        text = model.head_sweep(one, token, target, "text")
        off = [*(row for row in given.get("heads", ()) if (row["layer"], row["head"]) != (1, 2))]
        changed = {"heads": [*off, {"layer": 1, "head": 2, "scale": 0}]}
        assert text[1, 2] == pytest.approx(hooked(torch_model, ids, changed)[-1, target] - plain, abs=2e-4)


def test_a_head_off_at_the_last_position_alone(
    model: Model, run: Run, torch_model: Any, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    generator = np.random.default_rng(seed)
    token = 2 + int(generator.integers(len(run.ids) - 2))
    position = token + run.reading.trace.first - 1
    ids, heads = run.reading.trace.ids[: position + 1], model.manifest["heads"]
    swept = model.head_sweep(run, token)
    plain = hooked(torch_model, ids, {})[-1, run.ids[token]]
    for layer, (_, _, projection) in enumerate(blocks(torch_model)):
        for head in range(heads):

            def off(module: Any, args: Any, head: int = head) -> Any:
                each = args[0].clone().unflatten(-1, (heads, -1))
                each[0, -1, head] = 0
                return (each.flatten(-2),)

            handle = projection.register_forward_pre_hook(off)
            found = hooked(torch_model, ids, {})[-1, run.ids[token]]
            handle.remove()
            assert swept[layer, head] == pytest.approx(found - plain, abs=2e-4)
    monkeypatch.setattr("pyscripts.native.why.COPIES", 1)
    assert_allclose(model.head_sweep(run, token), swept, atol=1e-4)


def test_attribution_of_a_reading(model: Model, run: Run, torch_model: Any) -> None:
    """Sums to the logit, of one token and of one rather than another; also where an intervention added something."""
    token, other = 9, 17
    position = token + run.reading.trace.first - 1
    ids = run.reading.trace.ids[: position + 1]
    added = {"add": [{"layer": 1, "position": position, "vector": [0.5] * model.manifest["hidden_size"]}]}
    for given in ({}, added):
        one = model.read(TEXT, interventions=given)
        logprobs = hooked(torch_model, ids, given)[-1]
        found = model.attribution(one, token, versus=other)
        assert found.total == pytest.approx(logprobs[run.ids[token]] - logprobs[other], abs=1e-3)
        assert found.logit == pytest.approx(found.total, abs=1e-3)
        assert (found.added != 0) == bool(given)
        assert found.sources.shape == (model.manifest["layers"], model.manifest["heads"], position + 1)
    with pytest.raises(ValueError, match="There is no token 99"):
        model.attribution(run, 99)
    with pytest.raises(ValueError, match="A token cannot be compared with itself"):
        model.attribution(run, 5, versus=int(run.ids[5]))
    with pytest.raises(ValueError, match="600 is not a token id"):
        model.attribution(run, 3, target=600)
    with pytest.raises(ValueError, match="without a prefix"):
        model.attribution(model.read(TEXT, prefix=False), 0)


def test_the_context_curve(model: Model, run: Run, torch_model: Any) -> None:
    token = 11
    curve = model.context_curve(run, token)
    assert curve.tokens.tolist() == [1, 2, 4, 8, 11]
    ids, first = run.reading.trace.ids, run.reading.trace.first
    for count, found in zip(curve.tokens.tolist(), curve.logprob.tolist(), strict=True):
        seen = ids[:first] + ids[first + token - count : first + token]
        assert found == pytest.approx(hooked(torch_model, seen, {})[-1, ids[first + token]], abs=2e-4)
    assert curve.logprob[-1] == pytest.approx(run.logprob[token], abs=2e-4)


def test_generation_under_interventions(model: Model, torch_model: Any) -> None:
    """Greedy, token by token, as hooks on the growing text give it."""
    given = {"heads": [{"layer": 1, "head": 0, "scale": 0}, {"layer": 0, "head": 3, "scale": 0}]}
    found = model.generate("The quick brown", max_tokens=6, greedy=True, interventions=given, stop_at_end=False)
    ids = [*model.prefix_ids(True), *model.read("The quick brown").ids.tolist()]
    for id in found.ids[-6:].tolist():
        assert id == int(hooked(torch_model, ids, given)[-1].argmax())
        ids.append(id)


@pytest.mark.parametrize("prefix", [True, False])
def test_the_context_curve_under_interventions(
    model: Model, torch_model: Any, generator: np.random.Generator, prefix: bool
) -> None:
    """What is changed at a token stays at it in a shorter text, and goes with it. The positions are worked out from
    the texts: of 9 tokens before the one asked about, the last 4 are those at 5 ... 8."""
    token, first, m = 9, int(prefix), model.manifest

    def changes(place: Callable[[int], int | None]) -> dict[str, Any]:
        """A vector at tokens 2 and 7 and everywhere, of a head at 6; token 8 may not look at 1 and 7, nobody at 6."""
        vector, of_head = drawn_vector.tolist(), drawn_vector[: m["head_size"]].tolist()
        at = [(0, 2, vector), (1, 7, vector)]
        add = [{"layer": layer, "position": place(t), "vector": v} for layer, t, v in at if place(t) is not None]
        add.append({"layer": m["layers"], "position": None, "vector": vector})
        add.append({"layer": 1, "head": 1, "position": place(6), "vector": of_head})
        keys = [[where for t in tokens if (where := place(t)) is not None] for tokens in ((1, 7), (6,))]
        cut = [{"query": place(8), "keys": keys[0]}, {"query": None, "keys": keys[1], "layers": [0]}]
        return {"heads": [{"layer": 0, "head": 2, "scale": 0.2}], "cut": cut, "add": add}

    drawn_vector = generator.normal(size=m["hidden_size"])
    run = model.read(TEXT, prefix=prefix, interventions=changes(lambda t: t + first))
    curve = model.context_curve(run, token)
    assert curve.tokens.tolist() == [1, 2, 4, 8, 9]
    assert curve.logprob[-1] == pytest.approx(run.logprob[token], abs=1e-5)
    ids = run.position_ids.tolist()
    last = ids[:first] + ids[first + 5 : first + 9]
    given = changes(lambda t: t - 5 + first if t >= 5 else None)
    assert curve.logprob[2] == pytest.approx(hooked(torch_model, last, given)[-1, run.ids[token]], abs=2e-4)
