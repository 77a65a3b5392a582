"""Tiny random models, one for each supported architecture, with sizes no two of which agree."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedModel

from export.graph import capture, clean_up
from export.weights import storage

_SIZES: dict[str, Any] = {"hidden_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4}
_LLAMA = {**_SIZES, "intermediate_size": 80, "num_key_value_heads": 2}

CONFIGS: dict[str, dict[str, Any]] = {
    "gpt2": {"n_embd": 48, "n_layer": 2, "n_head": 4},
    "gpt_neo": {
        "hidden_size": 48,
        "num_layers": 2,
        "num_heads": 4,
        "intermediate_size": 80,
        "attention_types": [[["global", "local"], 1]],
        "window_size": 8,
    },
    "gpt_neox": {**_SIZES, "intermediate_size": 80, "rotary_pct": 0.25},
    "opt": {**_SIZES, "ffn_dim": 80, "word_embed_proj_dim": 48},
    "llama": _LLAMA,
    "mistral": {**_LLAMA, "sliding_window": 8, "head_dim": 16},
    "qwen2": _LLAMA,
    "qwen3": {**_LLAMA, "head_dim": 16},
    "gemma": {**_LLAMA, "head_dim": 16},
    "gemma2": {**_LLAMA, "head_dim": 16, "sliding_window": 8, "query_pre_attn_scalar": 16},
    "gemma3_text": {**_LLAMA, "head_dim": 16, "sliding_window": 8, "query_pre_attn_scalar": 16},
    "olmo": {**_LLAMA, "clip_qkv": 1.0},
    "olmo2": _LLAMA,
    "smollm3": {**_LLAMA, "no_rope_layers": [1, 0]},
    "phi3": {**_LLAMA, "partial_rotary_factor": 0.5},
    "helium": {**_LLAMA, "head_dim": 12},
    "arcee": _LLAMA,
    "gpt_bigcode": {"n_embd": 48, "n_layer": 2, "n_head": 4, "n_positions": 64},
    "phi": {**_LLAMA, "partial_rotary_factor": 0.5, "tie_word_embeddings": False},
    "stablelm": {**_LLAMA, "partial_rotary_factor": 0.5, "use_qkv_bias": True},
    "falcon": {**_SIZES, "ffn_hidden_size": 80, "alibi": False},
    "bloom": {**_SIZES, "seq_length": 64},
    "mpt": {"d_model": 48, "n_layers": 2, "n_heads": 4, "max_seq_len": 64},
    "codegen": {"n_embd": 48, "n_layer": 2, "n_head": 4, "rotary_dim": 8, "n_positions": 64},
    "gptj": {"n_embd": 48, "n_layer": 2, "n_head": 4, "rotary_dim": 8, "n_positions": 64},
    "xglm": {"d_model": 48, "num_layers": 2, "attention_heads": 4, "ffn_dim": 80},
    "starcoder2": {**_LLAMA, "sliding_window": 8},
    "cohere": {**_LLAMA, "logit_scale": 0.25},
    "granite": {
        **_LLAMA,
        "residual_multiplier": 0.3,
        "embedding_multiplier": 6.0,
        "attention_multiplier": 0.2,
        "logits_scaling": 4.0,
    },
}

# The same with one key/value head, where it is a number of the config.
_HEADS = {"gpt2": "n_head", "gpt_neo": "num_heads", "gptj": "n_head", "mpt": "n_heads", "xglm": "attention_heads"}
_HEADS |= dict.fromkeys(("gpt_bigcode", "falcon", "gpt_neox", "opt", "bloom"), "num_attention_heads")
ONE_HEAD = {name: {_HEADS.get(name, "num_key_value_heads"): 1} for name in CONFIGS if name != "codegen"}


def random_model(architecture: str, seed: int = 0, **overrides: Any) -> PreTrainedModel:
    """A model of `architecture` with random weights, norms included, so that no parameter is a neutral one."""
    torch.manual_seed(seed)
    settings = {"vocab_size": 130, "max_position_embeddings": 64, **CONFIGS[architecture], **overrides}
    settings |= {"bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 2}
    config = AutoConfig.for_model(architecture, **settings)
    model = AutoModelForCausalLM.from_config(config, attn_implementation="eager")
    for name, parameter in model.named_parameters():
        spread = 0.1 if parameter.ndim > 1 else 0.3
        noise = torch.randn_like(parameter) * spread
        parameter.data = parameter.data + noise if parameter.ndim == 1 else noise
        if "layernorm" in name and parameter.ndim == 1 and "gemma" not in architecture:
            parameter.data = parameter.data.abs() + 0.5
    return model.eval()


@dataclass
class Exported:
    """A tiny random model and its graph in fp32."""

    model: PreTrainedModel
    path: Path


def export(model: PreTrainedModel, directory: Path, weights_format: str = "fp32") -> Path:
    """Export, clean and store; returns the path of model.onnx."""
    raw = directory / "raw.onnx"
    capture.export_graph(model, raw)
    cleaned = clean_up.load(raw, ((name, p.detach().numpy()) for name, p in model.named_parameters()))
    storage.store(cleaned, weights_format, directory)
    return directory / "model.onnx"
