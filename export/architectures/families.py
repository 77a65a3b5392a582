"""Where each supported architecture keeps its layers, norm, attention and MLP. Offline; no model is loaded here."""

import json
from dataclasses import dataclass, replace
from typing import Any


class Refusal(Exception):
    """Input that cannot be exported; its text is the one line the user sees, and the exit code is 2."""


@dataclass(frozen=True)
class Family:
    """Attribute paths and special cases of one architecture in transformers.

    `attention` and `mlp` name, inside a layer, the module whose output is what that block adds to the
    residual stream. `mixer` is the module that receives the attention mask.
    """

    layers: str
    norm: str
    attention: str
    mlp: str
    mixer: str
    mixer_output: str  # inside the mixer: the projection whose input is the heads' outputs, side by side
    own_attention: bool = False  # computes attention itself, with torch's softmax, in place of transformers' interface
    scores_argument: str = "attention_mask"  # the mixer's argument that is added to the scores
    bias_per_head: bool = True  # whether that argument may differ between heads
    norm_after: bool = False  # whether attention's output is normalised before it is added to the residual stream


_GPT = Family("transformer.h", "transformer.ln_f", "attn", "mlp", "attn", "c_proj")
_LLAMA = Family("model.layers", "model.norm", "self_attn", "mlp", "self_attn", "o_proj")
# These normalise each block's output before it is added to the residual stream.
_POST_NORM = Family(
    "model.layers",
    "model.norm",
    "post_attention_layernorm",
    "post_feedforward_layernorm",
    "self_attn",
    "o_proj",
    norm_after=True,
)
_GPTJ = Family("transformer.h", "transformer.ln_f", "attn", "mlp", "attn", "out_proj", own_attention=True)
# Bloom's attention and MLP return the residual stream; what they add to it is their last projection's output.
_BLOOM = Family(
    "transformer.h",
    "transformer.ln_f",
    "self_attention.dense",
    "mlp.dense_4h_to_h",
    "self_attention",
    "dense",
    own_attention=True,
)

FAMILIES: dict[str, Family] = {
    "gpt2": _GPT,
    "gpt_bigcode": _GPT,
    "gpt_neo": Family("transformer.h", "transformer.ln_f", "attn", "mlp", "attn.attention", "out_proj"),
    "gpt_neox": Family("gpt_neox.layers", "gpt_neox.final_layer_norm", "attention", "mlp", "attention", "dense"),
    "opt": Family(
        "model.decoder.layers", "model.decoder.final_layer_norm", "self_attn", "fc2", "self_attn", "out_proj"
    ),
    "llama": _LLAMA,
    "mistral": _LLAMA,
    "qwen2": _LLAMA,
    "qwen3": _LLAMA,
    "gemma": _LLAMA,
    "gemma2": _POST_NORM,
    "gemma3_text": _POST_NORM,
    "olmo": _LLAMA,
    "olmo2": _POST_NORM,
    "smollm3": _LLAMA,
    "phi3": _LLAMA,
    "helium": _LLAMA,
    "arcee": _LLAMA,
    "starcoder2": _LLAMA,
    "cohere": _LLAMA,
    "granite": _LLAMA,
    "phi": Family("model.layers", "model.final_layernorm", "self_attn", "mlp", "self_attn", "dense"),
    "stablelm": replace(_LLAMA, own_attention=True),
    "gptj": _GPTJ,
    "codegen": _GPTJ,
    "bloom": _BLOOM,
    "falcon": _BLOOM,
    "mpt": Family(
        "transformer.blocks",
        "transformer.norm_f",
        "attn",
        "ffn.down_proj",
        "attn",
        "out_proj",
        own_attention=True,
        scores_argument="position_bias",
    ),
    "xglm": Family(
        "model.layers",
        "model.layer_norm",
        "self_attn",
        "fc2",
        "self_attn",
        "out_proj",
        own_attention=True,
        bias_per_head=False,
    ),
}


def stated(config: Any, name: str) -> Any:
    """A field of a config; None if its architecture has none of this name, and so ignores what config.json says."""
    return getattr(config, name, None) if hasattr(type(config)(), name) else None


def added_to_stream(config: Any, output: Any) -> Any:
    """What a block's output adds to the residual stream; Granite scales it first."""
    multiplier = getattr(config, "residual_multiplier", None) if config.model_type == "granite" else None
    return output if multiplier is None else output * multiplier


def scale_logits(config: Any, logits: Any) -> Any:
    """The logits from the unembedding's output: some architectures scale or cap it."""
    if config.model_type == "cohere":
        return logits * config.logit_scale
    if config.model_type == "granite":
        return logits / config.logits_scaling
    cap = stated(config, "final_logit_softcapping")
    return logits if cap is None else (logits / cap).tanh() * cap


def family_of(config: dict[str, Any]) -> Family:
    """Return the family of a `config.json`, or raise Refusal; needs no weights, so it runs before any download."""
    model_type = config.get("model_type")
    if "auto_map" in config and model_type not in FAMILIES:
        raise Refusal(f"this model ({model_type}) needs remote code, which is never run; choose another model")
    if model_type not in FAMILIES:
        known = ", ".join(sorted(FAMILIES))
        raise Refusal(f"architecture {model_type!r} cannot be exported; supported: {known}")
    architectures = config.get("architectures") or []
    if architectures and not any(name.endswith(("ForCausalLM", "LMHeadModel")) for name in architectures):
        raise Refusal(f"{architectures[0]} is not a causal language model; choose one that generates text")
    if "xielu" in config.values():  # transformers cannot make it without its weights, as the check of sizes does
        raise Refusal("the activation xielu is not supported")
    if config.get("add_cross_attention"):
        raise Refusal("a model with cross-attention is not supported (add_cross_attention in config.json)")
    if config.get("use_bidirectional_attention"):
        raise Refusal("attention to later tokens is not supported (use_bidirectional_attention in config.json)")
    if model_type == "bloom" and config.get("apply_residual_connection_post_layernorm"):
        raise Refusal("Bloom with apply_residual_connection_post_layernorm is not supported")
    if model_type == "bloom" and config.get("slow_but_exact"):
        raise Refusal("Bloom with slow_but_exact is not supported; set it to false in config.json")
    if model_type == "mpt" and config.get("logit_scale") is not None:
        raise Refusal("MPT with a logit_scale is not supported; transformers would ignore it")
    attention = config.get("attn_config") if model_type == "mpt" else None
    for name, usual in {"alibi": True, "prefix_lm": False, "alibi_bias_max": 8}.items():
        if isinstance(attention, dict) and attention.get(name, usual) != usual:
            value = json.dumps(attention[name])
            raise Refusal(f"MPT with {name}={value} in attn_config is not supported; transformers would ignore it")
    if model_type == "opt" and not config.get("do_layer_norm_before", True):
        raise Refusal("OPT with do_layer_norm_before=false (opt-350m) is not supported; opt-125m is")
    if model_type == "opt" and config.get("word_embed_proj_dim", config["hidden_size"]) != config["hidden_size"]:
        raise Refusal("OPT with projected embeddings is not supported; opt-125m is")
    return FAMILIES[model_type]


def submodule(root: Any, path: str) -> Any:
    """Follow a dotted attribute path."""
    for name in path.split("."):
        root = getattr(root, name)
    return root
