"""Every supported architecture: each output of the exported graph against PyTorch, and the interventions by hooks."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper
from transformers import DynamicCache

from export.architectures.families import FAMILIES, scale_logits, submodule
from export.check import copies, head_outputs, verify, verify_attribution, windows
from export.graph import capture
from tests.export.models import CONFIGS, Exported, export, random_model

CLOSE = 1e-4  # in units of parity.scale_of; the largest any of these models needs is a tenth of it


def test_every_supported_architecture_is_tested() -> None:
    """Whatever a config.json may name."""
    assert set(CONFIGS) == set(FAMILIES)


@pytest.mark.parametrize("architecture", sorted(CONFIGS))
def test_every_output_matches_pytorch(architecture: str, exported: Callable[[str], Exported]) -> None:
    """Prefill, a chunk after past, the two identities, then head mask, attention bias and lens against hooks."""
    one = exported(architecture)
    assert verify.check(one.model, one.path) < CLOSE
    assert verify_attribution.check(one.model, verify.session(one.path)) < CLOSE
    graph_ = onnx.load(one.path, load_external_data=False).graph
    names = {output.name for output in graph_.output}
    for i in range(2):
        assert {f"attentions.{i}", f"attention_output.{i}", f"mlp_output.{i}"} <= names
    assert "position_ids" in {value.name for value in graph_.input}


VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "falcon-alibi": ("falcon", {"alibi": True}),
    "falcon-sequential": ("falcon", {"multi_query": False, "parallel_attn": False, "bias": True}),
    "falcon-new": ("falcon", {"new_decoder_architecture": True, "num_kv_heads": 2}),
    "gpt_bigcode-multi-head": ("gpt_bigcode", {"multi_query": False}),
    "stablelm-parallel": ("stablelm", {"use_parallel_residual": True, "num_key_value_heads": 4}),
    "cohere-norms": ("cohere", {"use_qk_norm": True}),
    "phi-norms": ("phi", {"qk_layernorm": True}),
    "mpt-clipped": ("mpt", {"attn_config": {"clip_qkv": 0.5}}),
    "llama3-rope": (
        "llama",
        {
            "rope_scaling": {
                "rope_type": "llama3",
                "factor": 4.0,
                "low_freq_factor": 1.0,
                "high_freq_factor": 4.0,
                "original_max_position_embeddings": 16,
            }
        },
    ),
    "phi3-longrope": (
        "phi3",
        {
            "partial_rotary_factor": 1.0,
            "original_max_position_embeddings": 32,
            "rope_scaling": {"type": "longrope", "short_factor": [1.1] * 6, "long_factor": [3.0] * 6},
        },
    ),
    "gpt2-few-tokens": ("gpt2", {"vocab_size": 40}),
    "gpt2-square": ("gpt2", {"vocab_size": 48}),
    "gpt2-short": ("gpt2", {"n_positions": 16, "max_position_embeddings": 16}),
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_variants_of_an_architecture_match_too(variant: str, tmp_path: Path) -> None:
    """Forms that take another path through the same classes: ALiBi, other norms, grouped keys, scaled rotations."""
    architecture, settings = VARIANTS[variant]
    model = random_model(architecture, **settings)
    path = export(model, tmp_path)
    assert verify.check(model, path) < CLOSE
    assert verify_attribution.check(model, verify.session(path)) < CLOSE
    assert head_outputs.exact(model, verify.session(path))


def test_longrope_ends_where_its_rotations_would_change() -> None:
    """PyTorch turns to the long factors after 32 positions; the graph, which holds the short ones, ends there."""
    model = random_model(VARIANTS["phi3-longrope"][0], **VARIANTS["phi3-longrope"][1])
    assert capture.context_length(model.config) == 32
    ids = torch.arange(3, 36)[None]
    with torch.no_grad():
        within, beyond = model(ids[:, :32]).logits[0], model(ids).logits[0, :32]
    assert (within - beyond).abs().max() > 1e-3


@pytest.mark.parametrize("architecture", ["gpt2", "gpt_neox", "llama"])
def test_an_untied_head_matches_too(architecture: str, tmp_path: Path) -> None:
    """Embedding and unembedding are then two matrices."""
    model = random_model(architecture, tie_word_embeddings=False)
    path = export(model, tmp_path)
    assert verify.check(model, path) < CLOSE
    assert verify_attribution.check(model, verify.session(path)) < CLOSE


def test_an_untied_head_of_the_same_values(tmp_path: Path) -> None:
    """A tied checkpoint that was saved as if it were not: the exporter keeps one of the two matrices."""
    model = random_model("llama", tie_word_embeddings=False)
    model.lm_head.weight.data = model.model.embed_tokens.weight.data.clone()
    path = export(model, tmp_path)
    assert verify.check(model, path) < CLOSE
    assert verify_attribution.check(model, verify.session(path)) < CLOSE


@pytest.mark.parametrize("architecture", sorted(CONFIGS))
def test_the_contributions_add_up(architecture: str, exported: Callable[[str], Exported]) -> None:
    """Embedding plus every contribution is what the final norm sees: the residual stream, split into its parts."""
    one = exported(architecture)
    session = verify.session(one.path)
    ids = np.arange(3, 15)[None]
    out = verify.run(session, verify.feeds(one.model, ids))
    with torch.no_grad():
        expected = one.model(torch.from_numpy(ids), output_hidden_states=True)
    residual = out["hidden_states.0"]
    for i in range(2):
        np.testing.assert_allclose(residual, expected.hidden_states[i], atol=1e-4, rtol=1e-4)
        residual = residual + out[f"attention_output.{i}"] + out[f"mlp_output.{i}"]
    lens = verify.feeds(one.model, ids) | {"lens": residual[0]}
    found = verify.run(session, lens)["lens_logits"]
    np.testing.assert_allclose(found, expected.logits[0], atol=1e-4, rtol=1e-4)


def test_positions_that_are_computed_stay_as_they_are(tmp_path: Path) -> None:
    """CodeGen's table of sines is no weight: int8 would turn every query a little."""
    path = export(random_model("codegen"), tmp_path, "int8")
    stored = {i.name: i for i in onnx.load(path).graph.initializer}
    tables = [numpy_helper.to_array(i) for i in stored.values() if list(i.dims) == [64, 8]]
    assert tables and all(table.dtype == np.float32 for table in tables)


def test_a_cut_link_is_gone_and_a_broadcast_bias_means_every_head(exported: Callable[[str], Exported]) -> None:
    """One query→key link at -10000 gets no attention; [1, 1, query, key] equals the same bias in every head."""
    model = exported("gpt2").model
    session = verify.session(exported("gpt2").path)
    ids = np.arange(3, 13)[None]
    bias = np.zeros((2, 4, 10, 10), np.float32)
    bias[1, 2, 7, 3] = -10000
    plain = verify.run(session, verify.feeds(model, ids))
    cut = verify.run(session, verify.feeds(model, ids) | {"attention_bias": bias})
    assert plain["attentions.1"][0, 2, 7, 3] > 1e-4
    assert cut["attentions.1"][0, 2, 7, 3] == 0
    np.testing.assert_allclose(cut["attentions.1"].sum(-1), 1, atol=1e-5)
    np.testing.assert_array_equal(cut["attentions.0"], plain["attentions.0"])
    assert np.abs(cut["logits"][0, 7] - plain["logits"][0, 7]).max() > 1e-4
    np.testing.assert_allclose(cut["logits"][0, :7], plain["logits"][0, :7], atol=1e-6)

    same = np.zeros((1, 1, 10, 10), np.float32)
    same[..., 7, 3] = -10000
    everywhere = np.broadcast_to(same, (2, 4, 10, 10)).copy()
    one = verify.run(session, verify.feeds(model, ids) | {"attention_bias": same})
    all_heads = verify.run(session, verify.feeds(model, ids) | {"attention_bias": everywhere})
    np.testing.assert_array_equal(one["logits"], all_heads["logits"])


def test_the_head_mask_is_what_transformers_calls_head_mask(exported: Callable[[str], Exported]) -> None:
    """GPT-2 has the argument itself."""
    model = exported("gpt2").model
    session = verify.session(exported("gpt2").path)
    ids = np.arange(3, 15)[None]
    mask = np.array([[0, 1, 0.5, 1], [1, 1, 0, 2]], np.float32)
    found = verify.run(session, verify.feeds(model, ids) | {"head_mask": mask[:, :, None, None]})
    with torch.no_grad():
        expected = model(torch.from_numpy(ids), head_mask=torch.from_numpy(mask), output_attentions=True)
    np.testing.assert_allclose(found["logits"], expected.logits, atol=1e-5)
    np.testing.assert_allclose(found["attentions.1"], expected.attentions[1], atol=1e-6)


def test_padding_and_batches(exported: Callable[[str], Exported]) -> None:
    """A batch of two with one row padded on the left gives what each row alone gives."""
    model = exported("llama").model
    session = verify.session(exported("llama").path)
    long, short = np.arange(3, 13), np.arange(20, 26)
    inputs = verify.feeds(model, np.stack([long, np.concatenate([np.zeros(4, np.int64), short])]))
    inputs["attention_mask"][1, :4] = 0
    inputs["position_ids"] = np.stack([np.arange(10), np.concatenate([np.zeros(4, np.int64), np.arange(6)])])
    both = verify.run(session, inputs)["logits"]
    np.testing.assert_allclose(both[0], verify.run(session, verify.feeds(model, long[None]))["logits"][0], atol=1e-5)
    alone = verify.run(session, verify.feeds(model, short[None]))["logits"][0]
    np.testing.assert_allclose(both[1, 4:], alone, atol=1e-5)


@pytest.mark.parametrize("architecture", sorted(CONFIGS))
def test_fields_that_an_architecture_ignores_change_nothing(architecture: str) -> None:
    """As in PyTorch, whose cache says how many heads of which size there are, and whose logits are not capped."""
    config = random_model(architecture).config
    usual = type(config)()
    ignored: dict[str, Any] = {"num_key_value_heads": 1, "sliding_window": 4, "final_logit_softcapping": 2.0,
                               "head_dim": 20, "attention_layers": ["local", "local"]}  # fmt: skip
    if architecture == "stablelm":  # its rotations read it, so that PyTorch cannot run the model
        del ignored["head_dim"]
    before = capture.dimensions(config), windows.of_config(config)
    model = random_model(architecture, **{name: value for name, value in ignored.items() if not hasattr(usual, name)})
    cache = DynamicCache()
    with torch.no_grad():
        logits = model(torch.arange(3, 15)[None], past_key_values=cache).logits
    sizes = capture.dimensions(model.config)
    assert cache.layers[1].keys.shape == (1, sizes["kv_heads"], 12, sizes["head_size"])
    assert sizes | {"head_size": 0} == before[0] | {"head_size": 0} and windows.of_config(model.config) == before[1]
    if not hasattr(usual, "final_logit_softcapping"):
        hidden = model.get_output_embeddings()(torch.randn(1, 48))
        assert torch.equal(scale_logits(model.config, hidden), scale_logits(config, hidden)) and logits.isfinite().all()


@pytest.mark.parametrize("architecture", sorted(CONFIGS))
def test_copies_are_possible_unless_positions_follow_from_places(
    architecture: str, exported: Callable[[str], Exported]
) -> None:
    """ALiBi computes distances from places in the cache."""
    one = exported(architecture)
    assert copies.possible(one.model, verify.session(one.path)) == (architecture not in ("bloom", "mpt"))


@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_the_narrowest_windows(width: int, tmp_path: Path) -> None:
    """Copies would hide the text from each other, unless one position more than they need is seen."""
    model = random_model("mistral", sliding_window=width)
    path = export(model, tmp_path)
    assert verify.check(model, path) < CLOSE
    windows.check(model, verify.session(path), [width, width])
    assert copies.possible(model, verify.session(path)) == (width == 4)


@pytest.mark.parametrize("architecture", sorted(CONFIGS))
def test_a_head_s_output_is_attention_times_values(architecture: str, exported: Callable[[str], Exported]) -> None:
    """What mean ablation and the patching of heads take; it is noticed if something comes between."""
    model, graph = exported(architecture).model, verify.session(exported(architecture).path)
    assert head_outputs.exact(model, graph)
    family = FAMILIES[architecture]
    mixer = submodule(submodule(model, family.layers)[1], family.mixer)
    gate = getattr(mixer, family.mixer_output).register_forward_pre_hook(lambda module, args: (args[0] * 1.01,))
    assert not head_outputs.exact(model, graph)
    gate.remove()


@pytest.mark.parametrize(("architecture", "most"), [("gpt2", 40), ("llama", 58)])
def test_the_graph_is_small(architecture: str, most: int, tmp_path: Path) -> None:
    """Nodes a layer costs; the raw export has over 200."""
    counts = []
    for layers in (1, 2):
        (tmp_path / str(layers)).mkdir()
        key = "n_layer" if architecture == "gpt2" else "num_hidden_layers"
        path = export(random_model(architecture, **{key: layers}), tmp_path / str(layers))
        counts.append(len(onnx.load(path, load_external_data=False).graph.node))
    assert counts[1] - counts[0] <= most
