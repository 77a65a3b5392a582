"""A wrong value in config.json or generation_config.json is named with file and field before the weights are read."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM
from transformers.modeling_utils import no_init_weights

from export import sources
from export.architectures.families import Refusal, family_of
from export.weights.checkpoint import check_buildable, load_model
from export.weights.configuration import check_config
from tests.export.hub_server import Hub
from tests.export.models import CONFIGS, random_model


def change(folder: Path, **settings: Any) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | settings))


WRONG: dict[str, dict[str, Any]] = {
    r"model_type must be text, not \['gpt2'\]": {"model_type": ["gpt2"]},
    "model_type must be text, not 5": {"model_type": 5},
    "architectures must be a list of names, not 'GPT2LMHeadModel'": {"architectures": "GPT2LMHeadModel"},
    "n_head must be a whole number, 1 or more, not 0": {"n_head": 0},
    "n_head must be a whole number, 1 or more, not '4'": {"n_head": "4"},
    "n_layer must be a whole number, 1 or more, not True": {"n_layer": True},
    "n_positions must be a whole number, 1 or more, not 256.5": {"n_positions": 256.5},
    "vocab_size must be a whole number, 1 or more, not '600'": {"vocab_size": "600"},
    "vocab_size must be a whole number, 1 or more, not None": {"vocab_size": None},
    "n_layer must be at most 10,000, not 1,000,000,000": {"n_layer": 10**9},
    "n_embd must be at most 1,000,000, not 1,000,000,000": {"n_embd": 10**9},
    "vocab_size must be at most 1,000,000, not 10,000,000,000": {"vocab_size": 10**10},
    "n_positions must be at most 100,000,000, not 1,000,000,000": {"n_positions": 10**9},
    "layer_norm_epsilon must be a number, 0 or more, not 'x'": {"layer_norm_epsilon": "x"},
    "layer_norm_epsilon must be a number, 0 or more, not nan": {"layer_norm_epsilon": float("nan")},
    "layer_norm_epsilon must be a number, 0 or more, not inf": {"layer_norm_epsilon": float("inf")},
    "layer_norm_epsilon must be a number, 0 or more, not -1": {"layer_norm_epsilon": -1},
    "layer_norm_epsilon must be a number, 0 or more, not None": {"layer_norm_epsilon": None},
    "layer_norm_epsilon must be a number, 0 or more, not 1000": {"layer_norm_epsilon": 10**400},
    "attn_pdrop must be a number, not 'x'": {"attn_pdrop": "x"},
    "auto_map must be a JSON object, not 5": {"auto_map": 5},
    "eos_token_id must be a token id or a list of them, not '1'": {"eos_token_id": "1"},
    r"eos_token_id must be a token id or a list of them, not \[1, None\]": {"eos_token_id": [1, None]},
    r"bos_token_id must be a token id, not 1\.5": {"bos_token_id": 1.5},
}


@pytest.mark.parametrize("message", WRONG)
def test_a_wrong_value_names_the_file_and_the_field(message: str, folder: Path, hub: Hub) -> None:
    """Before the weights are fetched."""
    change(folder, **WRONG[message])
    hub.repositories["someone/tiny"] = folder
    for model in (str(folder), "someone/tiny"):
        with pytest.raises(Refusal, match=rf"config\.json of {model}: {message}"):
            sources.find(model)
    assert "model.safetensors" not in hub.downloads()


@pytest.mark.parametrize(("architecture", "field"), [("mistral", "sliding_window"), ("gpt_neo", "window_size")])
@pytest.mark.parametrize("wrong", [0, -5, "8", 8.5])
def test_a_window_is_a_number_of_positions(architecture: str, field: str, wrong: Any) -> None:
    config: dict[str, Any] = {"model_type": architecture, field: 8}
    check_config("here", config)
    with pytest.raises(Refusal, match=f"{field} must be a whole number, 1 or more, not {wrong!r}"):
        check_config("here", config | {field: wrong})
    check_config("here", {"model_type": "mistral", "sliding_window": None})
    check_config("here", {"model_type": "llama", "sliding_window": wrong})  # which ignores it


@pytest.mark.parametrize(
    ("architecture", "settings", "message"),
    [
        ("llama", {"rope_theta": 0}, "rope_theta must be a number above 0, not 0"),
        ("gpt_neox", {"rotary_emb_base": "x"}, "rotary_emb_base must be a number above 0, not 'x'"),
        ("granite", {"logits_scaling": 0.0}, r"logits_scaling must be a number above 0, not 0\.0"),
        ("gemma2", {"attn_logit_softcapping": 0.0}, "attn_logit_softcapping must be a number above 0 or null"),
        ("gemma2", {"final_logit_softcapping": -1}, "final_logit_softcapping must be a number above 0 or null"),
        ("qwen3", {"layer_types": ["full_attention", "chunked_attention"]}, "layer_types has 'chunked_attention'"),
    ],
)
def test_values_that_leave_no_number_or_no_attention(architecture: str, settings: dict[str, Any], message: str) -> None:
    """Every number of the model would be a division by zero; a kind of attention is not known."""
    config = random_model(architecture).config.to_dict()
    check_config("here", config)
    with pytest.raises(Refusal, match=f"^config.json of here: {message}"):
        check_config("here", config | settings)
    check_config("here", {"model_type": "gemma2", "attn_logit_softcapping": None, "final_logit_softcapping": None})
    check_config("here", {"model_type": "gpt2", "final_logit_softcapping": 0.0})  # which ignores it


@pytest.mark.parametrize("field", ["add_cross_attention", "use_bidirectional_attention"])
def test_attention_that_is_not_causal_is_named(field: str, folder: Path) -> None:
    change(folder, **{field: True})
    with pytest.raises(Refusal, match=rf"attention.* is not supported \({field} in config\.json\)"):
        sources.find(str(folder))


@pytest.mark.parametrize(("field", "usual", "other", "said"), [
    ("alibi", True, False, "alibi=false"),
    ("prefix_lm", False, True, "prefix_lm=true"),
    ("alibi_bias_max", 8, 16, "alibi_bias_max=16"),
])  # fmt: skip
def test_an_mpt_that_transformers_would_run_as_another_is_refused(
    field: str, usual: Any, other: Any, said: str
) -> None:
    """It ignores these, so that a build would be exactly that other model."""
    ids, logits = torch.arange(3, 11)[None], []
    for value in (usual, other):
        model = random_model("mpt", attn_config={field: value})
        with torch.no_grad():
            logits.append(model(ids).logits)
    assert torch.equal(*logits)
    config: dict[str, Any] = {"model_type": "mpt", "attn_config": {field: usual}}
    family_of(config)
    family_of({"model_type": "mpt", "attn_config": None})
    with pytest.raises(Refusal, match=f"^MPT with {said} in attn_config is not supported; transformers would ignore"):
        family_of(config | {"attn_config": {field: other}})


def test_how_to_compute_is_not_read_from_the_config(folder: Path) -> None:
    """Eager attention, and outputs by name."""
    change(folder, _attn_implementation="flash_attention_2", return_dict=False)
    model = load_model(sources.from_folder(folder))
    assert model.config._attn_implementation == "eager"
    assert model(torch.arange(5)[None]).logits.shape == (1, 5, 600)


def test_a_missing_model_type(folder: Path) -> None:
    settings = json.loads((folder / "config.json").read_text())
    del settings["model_type"]
    (folder / "config.json").write_text(json.dumps(settings))
    with pytest.raises(Refusal, match=r"config\.json of .*: model_type is missing; use a checkpoint saved"):
        sources.find(str(folder))


def test_a_wrong_generation_config(folder: Path, hub: Hub) -> None:
    """Its ends of a text, which a build states in the manifest; from the hub before the weights are fetched."""
    hub.repositories["someone/tiny"] = folder
    (folder / "generation_config.json").write_text('{"eos_token_id": 1.5}')
    with pytest.raises(Refusal, match=r"generation_config\.json: eos_token_id must be .*, not 1\.5"):
        sources.find("someone/tiny")
    assert "model.safetensors" not in hub.downloads()
    for text, message in (
        ('{"eos_token_id": "x"}', r"eos_token_id must be a token id or a list of them, not 'x'"),
        ("{", "is not valid JSON"),
        ("[]", "is not a JSON object"),
    ):
        (folder / "generation_config.json").write_text(text)
        with pytest.raises(Refusal, match=rf"generation_config\.json.* {message}"):
            sources.find(str(folder))


@pytest.mark.parametrize(
    ("settings", "reason"),
    [({"n_head": 5}, "must be divisible by num_heads"), ({"activation_function": "foo"}, "activation_function: 'foo'")],
)
def test_a_config_that_makes_no_model_is_not_called_broken_weights(
    settings: dict[str, Any], reason: str, folder: Path
) -> None:
    change(folder, **settings)
    with pytest.raises(Refusal, match=rf"config\.json describes a model that cannot be built \(.*{reason}.*correct it"):
        load_model(sources.from_folder(folder))


@pytest.mark.parametrize(
    ("settings", "weight"),
    [
        ({"n_positions": 50_000_000}, r"transformer\.wpe\.weight is 256 × 64, but should be 50000000 × 64"),
        ({"n_embd": 1_000_000}, r"transformer\.h\.0\.attn\.c_attn\.bias is 192, but should be 3000000"),
    ],
)
def test_sizes_that_are_not_those_of_the_weights_allocate_nothing(
    settings: dict[str, Any], weight: str, folder: Path
) -> None:
    change(folder, **settings)
    with pytest.raises(Refusal, match=rf"config\.json does not fit the weights: {weight}; correct it"):
        load_model(sources.from_folder(folder))


@pytest.mark.parametrize("architecture", CONFIGS)
def test_every_family_can_be_built_without_its_weights(architecture: str, tmp_path: Path) -> None:
    """As the check of config.json does it."""
    random_model(architecture).config.save_pretrained(tmp_path)
    check_config(str(tmp_path), json.loads((tmp_path / "config.json").read_text()))
    check_buildable(tmp_path)


@pytest.mark.parametrize(
    ("architecture", "settings"),
    [("stablelm", {"qk_layernorm": True}), ("opt", {"layer_norm_elementwise_affine": False})],
)
def test_norms_without_weights_are_no_fault_of_the_config(
    architecture: str, settings: dict[str, Any], tmp_path: Path
) -> None:
    """transformers cannot give such norms random weights, but loads them."""
    config = AutoConfig.for_model(architecture, **CONFIGS[architecture] | settings)
    with no_init_weights():
        AutoModelForCausalLM.from_config(config).save_pretrained(tmp_path)
    check_buildable(tmp_path)
    AutoModelForCausalLM.from_pretrained(tmp_path)


def test_an_activation_that_is_not_supported_is_named(folder: Path) -> None:
    change(folder, activation_function="xielu")
    with pytest.raises(Refusal, match=r"^the activation xielu is not supported$"):
        sources.find(str(folder))
