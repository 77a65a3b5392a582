"""Export a causal LM as one ONNX graph with an output for everything the page shows. Offline, PyTorch.

The graph takes `input_ids`, `attention_mask`, `position_ids`, the KV cache and inputs that no other export has:

- `head_mask` [layer or 1, head or 1, query or 1, key or 1]: multiplies attention after the softmax; 1 leaves it.
- `attention_bias` [layer or 1, head or 1, query or 1, key or 1]: added to the attention scores before the
  softmax; -10000 cuts a query→key link, 0 leaves it.
- `residual_add` [layer + 1 or 1, query or 1, hidden or 1]: added to the residual stream that enters a layer or, last,
  the final norm.
- `head_output_add` [layer or 1, query or 1, head · head_size or 1]: added to the heads' outputs, side by side, before
  the projection that mixes them.
- `logit_rows` [row]: the queries whose logits are given out.
- `lens` [row, hidden]: rows sent through the final norm and the unembedding, out as `lens_logits` [row, vocab].
- `target_ids` [target]: tokens whose logits are to be attributed, out as `target_rows` and `target_constants`
  (Recorder.target_rows in forward.py).
- `direction` [direction, hidden]: more directions; `direct.i` has what each head would add from each key, along the
  targets' rows and then along these.
"""

import contextlib
import io
import logging
import warnings
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from optimum.exporters.onnx.config import TextDecoderOnnxConfig
from optimum.exporters.onnx.convert import export_pytorch
from optimum.exporters.onnx.model_patcher import ModelPatcher
from optimum.utils import NormalizedTextConfig
from transformers import PretrainedConfig, PreTrainedModel
from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS
from transformers.models.gpt_neo.modeling_gpt_neo import GPTNeoSelfAttention

from export.architectures.families import FAMILIES, stated
from export.architectures.forward import Recorder, attention_mask
from export.architectures.operators import single_operators

OPSET = 20  # the newest the TorchScript exporter writes; storage.py raises it to 21 for blocked DequantizeLinear
ATTENTION = "tokenlight"


class TracePatcher(ModelPatcher):
    """optimum's patcher, with the attention function and hooks of `Recorder` instead of its forward."""

    def __init__(self, config: Any, model: PreTrainedModel, model_kwargs: dict[str, Any] | None = None) -> None:
        super().__init__(config, model, model_kwargs)
        self.recorder = Recorder(model, FAMILIES[model.config.model_type])
        self.patched_forward = self.recorder.forward

    def __enter__(self) -> None:
        super().__enter__()
        self.original = self._model.config._attn_implementation
        self.gpt_neo_original = GPTNeoSelfAttention._attn
        self.softmax_original = F.softmax
        self.operators = single_operators(self._model)
        self.operators.__enter__()
        recorder = self.recorder
        ALL_ATTENTION_FUNCTIONS.register(ATTENTION, recorder.attention_function)
        ALL_MASK_ATTENTION_FUNCTIONS.register(ATTENTION, attention_mask)
        if self._model.config.model_type == "gpt_neo":  # it does not use the attention interface
            GPTNeoSelfAttention._attn = lambda module, *args: recorder.gpt_neo_attention(module, *args)
        elif recorder.family.own_attention:  # its masks and scores are unchanged; only the softmax is replaced
            F.softmax = recorder.softmax  # type: ignore[assignment]
        else:
            self._model.config._attn_implementation = ATTENTION

    def __exit__(self, *exc: Any) -> None:
        self._model.config._attn_implementation = self.original
        GPTNeoSelfAttention._attn = self.gpt_neo_original
        F.softmax = self.softmax_original
        self.operators.__exit__(None, None, None)
        super().__exit__(*exc)
        # optimum leaves its own wrapper here, which returns the last hidden state before the final norm
        del self._model.forward


class TracedConfig(TextDecoderOnnxConfig):
    """The inputs, outputs and dummy inputs of the page's graph, the same for every architecture."""

    NORMALIZED_CONFIG_CLASS = NormalizedTextConfig
    _MODEL_PATCHER = TracePatcher
    _config: PretrainedConfig

    @property
    def inputs(self) -> dict[str, dict[int, str]]:
        """Input names and their dynamic axes."""
        inputs = super().inputs
        inputs["position_ids"] = {0: "batch_size", 1: "sequence_length"}
        inputs["head_mask"] = {0: "mask_layers", 1: "mask_heads", 2: "mask_queries", 3: "mask_keys"}
        inputs["attention_bias"] = {0: "bias_layers", 1: "bias_heads", 2: "bias_queries", 3: "bias_keys"}
        inputs["residual_add"] = {0: "add_layers", 1: "add_queries", 2: "add_hidden"}
        inputs["head_output_add"] = {0: "head_add_layers", 1: "head_add_queries", 2: "head_add_size"}
        inputs["logit_rows"] = {0: "logit_rows"}
        inputs["lens"] = {0: "lens_rows"}
        inputs["target_ids"] = {0: "targets"}
        inputs["direction"] = {0: "directions"}
        return inputs

    @property
    def outputs(self) -> dict[str, dict[int, str]]:
        """Output names and their dynamic axes, in the order `Recorder.forward` returns them."""
        layers = self._config.num_hidden_layers
        token = {0: "batch_size", 1: "sequence_length"}
        key = "past_sequence_length + sequence_length"
        outputs: dict[str, dict[int, str]] = {"logits": {0: "batch_size", 1: "logit_rows"}}
        for i in range(layers):
            outputs[f"present.{i}.key"] = {0: "batch_size", 2: key}
            outputs[f"present.{i}.value"] = {0: "batch_size", 2: key}
        outputs |= {f"hidden_states.{i}": token for i in range(layers + 1)}
        outputs |= {f"attentions.{i}": {0: "batch_size", 2: "sequence_length", 3: key} for i in range(layers)}
        outputs |= {f"attention_output.{i}": token for i in range(layers)}
        outputs |= {f"mlp_output.{i}": token for i in range(layers)}
        outputs["lens_logits"] = {0: "lens_rows"}
        outputs["target_rows"] = {0: "targets"}
        outputs["target_constants"] = {0: "targets"}
        outputs |= {f"direct.{i}": {0: "targets + directions", 3: key} for i in range(layers)}
        return outputs

    def generate_dummy_inputs(self, framework: str = "pt", **_: Any) -> dict[str, Any]:
        """Small inputs in which no dynamic axis has the size of a static one."""
        shape, batch, tokens, past = dimensions(self._config), 2, 5, 3
        layers, heads = shape["layers"], shape["heads"]
        cache = [
            tuple(torch.randn(batch, shape["kv_heads"], past, shape["head_size"]) for _ in range(2))
            for _ in range(layers)
        ]
        return {
            "input_ids": torch.randint(0, shape["vocab_size"], (batch, tokens)),
            "attention_mask": torch.ones(batch, past + tokens, dtype=torch.int64),
            "position_ids": torch.arange(past, past + tokens).expand(batch, -1).contiguous(),
            "past_key_values": cache,
            "head_mask": torch.ones(layers, heads, tokens, past + tokens),
            "attention_bias": torch.zeros(layers, heads, tokens, past + tokens),
            "residual_add": torch.zeros(layers + 1, tokens, shape["hidden_size"]),
            "head_output_add": torch.zeros(layers, tokens, heads * shape["head_size"]),
            "logit_rows": torch.arange(4),
            "lens": torch.randn(7, shape["hidden_size"]),
            "target_ids": torch.randint(0, shape["vocab_size"], (9,)),
            "direction": torch.randn(10, shape["hidden_size"]),
        }


def dimensions(config: PretrainedConfig) -> dict[str, int]:
    """The sizes that later steps need, whatever names the architecture uses for them."""
    heads = config.num_attention_heads
    grouped = stated(config, "num_key_value_heads")
    sized = grouped and config.model_type not in ("gpt_bigcode", "stablelm")  # no architecture without groups reads it
    own_size = getattr(config, "head_dim", None) if sized else None
    kv_heads = grouped or heads
    if config.model_type in ("falcon", "gpt_bigcode"):  # newer Falcons repeat keys before they are cached
        kv_heads = 1 if config.multi_query and not getattr(config, "new_decoder_architecture", False) else heads
    return {
        "layers": config.num_hidden_layers,
        "heads": heads,
        "kv_heads": kv_heads,
        "head_size": own_size or config.hidden_size // heads,
        "hidden_size": config.hidden_size,
        "vocab_size": config.vocab_size,
        "context_length": context_length(config),
    }


def context_length(config: PretrainedConfig) -> int:
    """The number of positions for which the graph is correct.

    With longrope the rotations change as soon as a text is longer than `original_max_position_embeddings`; the graph
    holds those of shorter texts. Bloom names no limit: 2048 is what it was trained with.
    """
    name = {"mpt": "max_seq_len", "bloom": "seq_length"}.get(config.model_type, "max_position_embeddings")
    longest = int(getattr(config, name, None) or 2048)
    scaling = getattr(config, "rope_scaling", None) or {}
    if scaling.get("rope_type", scaling.get("type")) == "longrope":
        original = getattr(config, "original_max_position_embeddings", None)
        longest = min(longest, original or scaling.get("original_max_position_embeddings") or longest)
    return longest


def export_graph(model: PreTrainedModel, path: Path) -> None:
    """Write the fp32 graph of `model` to `path` (weights inside, or in separate files above 2 GB)."""
    logging.getLogger("optimum").setLevel(logging.ERROR)
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")  # tracer warnings: every output is checked against PyTorch instead
        config = TracedConfig(model.config, task="text-generation", use_past=True, use_past_in_inputs=True)
        export_pytorch(model, config, OPSET, path)
