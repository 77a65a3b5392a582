"""Tiny Llamas written as GGUF, with what real files have and transformers overlooks."""

from pathlib import Path
from typing import Any

import numpy as np
from gguf import GGUFWriter, RopeScalingType
from transformers import PreTrainedModel

from tests.export.models import random_model


def mini_llama(**settings: Any) -> PreTrainedModel:
    """The model in every file `write_gguf` makes."""
    sizes = {"vocab_size": 600, "hidden_size": 64, "intermediate_size": 96, "tie_word_embeddings": True}
    return random_model("llama", **sizes, **settings)


def interleaved(weight: np.ndarray, heads: int) -> np.ndarray:
    """Query and key rows in GGUF's order: the two halves of each head taken in turn.

    Source: permute in llama.cpp's convert_hf_to_gguf.py.
    """
    return weight.reshape(heads, 2, -1, weight.shape[1]).swapaxes(1, 2).reshape(weight.shape)


def write_gguf(
    path: Path,
    tokenizer: dict[str, Any],
    pre: str = "gpt-2",
    user_defined: tuple[str, ...] = (),
    scaling: str | None = None,
    extra: dict[str, np.ndarray] | None = None,
) -> None:
    """The smallest file that transformers and the exporter read.

    Args:
        path: where it goes.
        tokenizer: a byte-level BPE's tokenizer.json with 600 tokens.
        pre: the name of its pre-tokenizer.
        user_defined: tokens of type 4.
        scaling: the kind of rope scaling the file claims.
        extra: more tensors.
    """
    model = mini_llama()
    writer = GGUFWriter(str(path), "llama")
    writer.add_name("Mini Llama")
    writer.add_license("mit")
    writer.add_context_length(64)
    writer.add_embedding_length(64)
    writer.add_block_count(2)
    writer.add_feed_forward_length(96)
    writer.add_head_count(4)
    writer.add_head_count_kv(2)
    writer.add_rope_dimension_count(16)
    writer.add_rope_freq_base(10000.0)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_vocab_size(600)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(pre)
    vocabulary = sorted(tokenizer["model"]["vocab"], key=tokenizer["model"]["vocab"].get)
    writer.add_token_list(vocabulary)
    writer.add_token_types([3] + [4 if token in user_defined else 1 for token in vocabulary[1:]])
    writer.add_token_merges([" ".join(merge) for merge in tokenizer["model"]["merges"]])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(0)
    names = {
        "model.embed_tokens": "token_embd",
        "model.norm": "output_norm",
        "self_attn.q_proj": "attn_q",
        "self_attn.k_proj": "attn_k",
        "self_attn.v_proj": "attn_v",
        "self_attn.o_proj": "attn_output",
        "mlp.gate_proj": "ffn_gate",
        "mlp.up_proj": "ffn_up",
        "mlp.down_proj": "ffn_down",
        "input_layernorm": "attn_norm",
        "post_attention_layernorm": "ffn_norm",
        "model.layers": "blk",
    }
    for name, parameter in model.named_parameters():
        for ours, theirs in names.items():
            name = name.replace(ours, theirs)
        array = parameter.detach().numpy()
        if "attn_q." in name or "attn_k." in name:
            array = interleaved(array, 4 if "attn_q." in name else 2)
        writer.add_tensor(name, np.ascontiguousarray(array))
    for name, array in (extra or {}).items():
        writer.add_tensor(name, array)
    if scaling:
        writer.add_rope_scaling_type(RopeScalingType(scaling))
        writer.add_rope_scaling_factor(4.0)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
