"""Direct logit attribution on every architecture: parts sum to PyTorch's logit, and each is what a hook gives."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from transformers import PreTrainedModel

from export.architectures import linear_parts
from export.architectures.families import FAMILIES, added_to_stream, submodule
from export.check import verify
from export.graph.capture import dimensions
from pyscripts.metrics.attribution import Recorded, attribute, uncapped
from tests.export.models import CONFIGS, Exported, export, random_model


def recorded(model: PreTrainedModel, path: Path, ids: np.ndarray, targets: list[int], past: int) -> Recorded:
    """The last of `ids` [1, token], after a cache of the `past` before it."""
    graph, layers = verify.session(path), dimensions(model.config)["layers"]
    before = verify.run(graph, verify.feeds(model, ids[:, :past]))
    found = verify.run(graph, verify.feeds(model, ids[:, past:], before) | {"target_ids": np.array(targets)})
    direct = np.stack([found[f"direct.{i}"] for i in range(layers)])
    return Recorded(
        position=ids.shape[1] - 1,
        embedding=found["hidden_states.0"][0, -1],
        attention_output=np.stack([found[f"attention_output.{i}"][0, -1] for i in range(layers)]),
        mlp_output=np.stack([found[f"mlp_output.{i}"][0, -1] for i in range(layers)]),
        attentions=np.stack([found[f"attentions.{i}"][0, :, -1] for i in range(layers)]),
        direct=direct.reshape(layers, len(targets), -1, ids.shape[1]),
        rows=found["target_rows"],
        constants=found["target_constants"],
        logits=found["logits"][0, -1, targets],
    )


@torch.no_grad()
def hooked(model: Any, ids: np.ndarray, direction: np.ndarray) -> dict[str, np.ndarray]:
    """What PyTorch's hooks say each part adds along `direction` [hidden], already divided by the final norm's scale."""
    family, heads = FAMILIES[model.config.model_type], model.config.num_attention_heads
    along = torch.from_numpy(direction)
    values: dict[str, list[torch.Tensor]] = {"stream": [], "attention": [], "mlp": [], "inner": [], "outer": []}
    handles = []

    def last(value: Any) -> torch.Tensor:
        first = value[0] if isinstance(value, tuple) else value
        found: torch.Tensor = (first[-1] if first.dim() == 2 else first[0, -1]).clone()
        return found

    for layer in submodule(model, family.layers):
        projection = getattr(submodule(layer, family.mixer), family.mixer_output)
        handles += [
            layer.register_forward_pre_hook(
                lambda m, args, kwargs: values["stream"].append(last(args[0] if args else kwargs["hidden_states"])),
                with_kwargs=True,
            ),
            projection.register_forward_pre_hook(lambda m, args: values["inner"].append(last(args[0]))),
            projection.register_forward_hook(lambda m, args, out: values["outer"].append(last(out))),
            submodule(layer, family.attention).register_forward_hook(
                lambda m, args, out: values["attention"].append(last(out))
            ),
            submodule(layer, family.mlp).register_forward_hook(lambda m, args, out: values["mlp"].append(last(out))),
        ]
    model(torch.from_numpy(ids))
    for handle in handles:
        handle.remove()
    by_head = []
    for i, layer in enumerate(submodule(model, family.layers)):
        projection = getattr(submodule(layer, family.mixer), family.mixer_output)
        inner = values["inner"][i].reshape(heads, -1)
        alone = torch.eye(heads)[:, :, None] * inner  # [head, head, head_size]: each head with the others at zero
        moved = projection(alone.flatten(1)[None])[0] - projection(torch.zeros(1, 1, inner.numel()))[0]
        if family.norm_after:
            moved = moved * values["attention"][i] / values["outer"][i]
        by_head.append(added_to_stream(model.config, moved) @ along)
    return {
        "embedding": (values["stream"][0] @ along).numpy(),
        "heads": torch.stack(by_head).numpy(),
        "mlp": np.array([added_to_stream(model.config, each) @ along for each in values["mlp"]]),
    }


def check(model: PreTrainedModel, path: Path, seed: int) -> None:
    family = FAMILIES[model.config.model_type]
    manifest = linear_parts.facts(model, family) | {"outputs": {"direct": ["direct.0"]}, "name": "tiny"}
    generator = np.random.default_rng(seed)
    ids = generator.integers(3, 130, (1, 13))
    target, other = (int(id) for id in generator.choice(130, 2, replace=False))
    with torch.no_grad():
        logits = model(torch.from_numpy(ids)).logits[0, -1].numpy()
    cap = manifest["logit_softcap"]
    for targets in ([target], [target, other]):
        one = recorded(model, path, ids, targets, past=int(generator.integers(4, 12)))
        found = attribute(one, manifest)
        expected = uncapped(logits[targets], cap)
        difference = expected[0] - (expected[1] if len(targets) > 1 else 0)
        assert found.logit == pytest.approx(difference, abs=1e-3)
        assert found.total == pytest.approx(difference, abs=1e-3)
        assert sum(part["value"] for part in found.parts(bias=manifest["attention_bias"])) == pytest.approx(
            difference, abs=1e-3
        )
        if not manifest["attention_bias"]:
            assert_allclose(found.attention_bias, 0, atol=1e-4)
        assert_allclose(found.sources.sum(axis=2), found.heads, atol=1e-9)
    state = one.embedding + one.attention_output.sum(0) + one.mlp_output.sum(0)
    centred = state - (state.mean() if manifest["final_norm"]["kind"] == "layer" else 0)
    size = np.sqrt(np.square(centred).mean() + manifest["final_norm"]["epsilon"])
    parts = hooked(model, ids, (one.rows[0] - one.rows[1]) / size)
    assert found.embedding == pytest.approx(float(parts["embedding"]), abs=1e-3)
    assert_allclose(found.heads, parts["heads"], atol=1e-3)
    assert_allclose(found.mlp, parts["mlp"], atol=1e-3)


@pytest.mark.parametrize("architecture", sorted(CONFIGS))
def test_parts_sum_to_the_logit(architecture: str, exported: Callable[[str], Exported]) -> None:
    """One token's logit, and the difference of two: LayerNorm and RMSNorm, grouped keys, norms after attention."""
    one = exported(architecture)
    check(one.model, one.path, seed=sorted(CONFIGS).index(architecture))


@pytest.mark.parametrize("architecture", ["gpt2", "gpt_neox", "llama", "gemma2"])
def test_parts_sum_with_an_untied_head_too(architecture: str, tmp_path: Path) -> None:
    """Embedding and unembedding are then two matrices."""
    model = random_model(architecture, tie_word_embeddings=False)
    check(model, export(model, tmp_path), seed=7)


def test_a_part_left_out_would_be_noticed(exported: Callable[[str], Exported]) -> None:
    """The sum is no identity: without one MLP it misses the logit."""
    one = exported("llama")
    ids = np.arange(3, 16)[None]
    given = recorded(one.model, one.path, ids, [20], past=5)
    given.mlp_output[1] = 0
    manifest = linear_parts.facts(one.model, FAMILIES["llama"]) | {"outputs": {"direct": ["direct.0"]}}
    found = attribute(given, manifest)
    assert abs(found.total - found.logit) > 0.01
