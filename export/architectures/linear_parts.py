"""The linear parts of a model's ends: final norm, unembedding, and a norm that follows attention. Offline, PyTorch."""

from dataclasses import dataclass
from typing import Any

import torch

from export.architectures.families import Family, stated, submodule


@dataclass(frozen=True)
class Norm:
    """A norm as (x - mean) / sqrt(mean square + epsilon) · gain + shift; `rms` subtracts no mean."""

    kind: str  # "layer" or "rms"
    epsilon: float
    gain: torch.Tensor | None  # [hidden]; None: ones
    shift: torch.Tensor | None  # [hidden]; None: zeros


def final_norm(module: Any) -> Norm:
    """What a norm of transformers computes; verify.py compares the logits that follow from it with PyTorch's."""
    name = type(module).__name__
    found = (getattr(module, key, None) for key in ("variance_epsilon", "eps", "epsilon"))
    epsilon = next((float(value) for value in found if value is not None), 1e-5)  # OLMo's is in its code
    gain = getattr(module, "weight", None)
    if gain is not None and name.startswith("Gemma"):  # an offset from one
        gain = gain + 1.0
    return Norm("rms" if name.endswith("RMSNorm") else "layer", epsilon, gain, getattr(module, "bias", None))


def centred(rows: torch.Tensor, norm: Norm) -> torch.Tensor:
    """Directions [row, hidden] along which a state need not be centred: LayerNorm subtracts the mean of either."""
    if norm.kind == "rms":
        return rows
    hidden = rows.shape[-1]
    return rows - torch.matmul(rows, torch.full((hidden, 1), 1 / hidden))  # onnxruntime's mean of no rows is wrong


def logit_multiplier(config: Any) -> float:
    """What the unembedding's output is multiplied by to be the logits, before any cap."""
    if config.model_type == "cohere":
        return float(config.logit_scale)
    return 1 / float(config.logits_scaling) if config.model_type == "granite" else 1.0


def norm_after_attention(module: Any, projected: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The gain [hidden] of an RMSNorm after attention, and what it multiplies the last query by [1].

    Args:
        module: the norm.
        projected: its input [batch, query, hidden]; the first text's is used.
    """
    norm = final_norm(module)
    assert norm.kind == "rms" and norm.gain is not None
    last = projected[0, -1:]  # [1, hidden]
    return norm.gain, torch.rsqrt(last.pow(2).mean(-1) + norm.epsilon)


def facts(model: Any, family: Family) -> dict[str, Any]:
    """What reading the graph's attribution outputs takes, for the manifest.

    final_norm {kind, epsilon}; logit_softcap (null: none), through which the sum of the parts passes; attention_bias:
    whether the projection of the heads adds a bias.
    """
    norm = final_norm(submodule(model, family.norm))
    mixer = submodule(submodule(model, family.layers)[0], family.mixer)
    return {
        "final_norm": {"kind": norm.kind, "epsilon": norm.epsilon},
        "logit_softcap": stated(model.config, "final_logit_softcapping"),
        "attention_bias": getattr(mixer, family.mixer_output).bias is not None,
    }
