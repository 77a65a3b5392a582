"""Single ONNX operators for what transformers writes as many, used while a model is traced. Offline, PyTorch."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn
from transformers.activations import FastGELUActivation, NewGELUActivation
from transformers.models.cohere.modeling_cohere import CohereRotaryEmbedding
from transformers.pytorch_utils import Conv1D


class RootMeanSquareNorm(torch.autograd.Function):
    """RMSNorm that exports as onnxruntime's SimplifiedLayerNormalization, one node instead of six."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, weight: torch.Tensor, epsilon: float) -> torch.Tensor:
        """`x` scaled to unit mean square over its last axis, times `weight`."""
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + epsilon) * weight

    @staticmethod
    def symbolic(g: Any, x: Any, weight: Any, epsilon: float) -> Any:
        """The ONNX node."""
        node = g.op("SimplifiedLayerNormalization", x, weight, axis_i=-1, epsilon_f=epsilon, stash_type_i=1)
        return node.setType(x.type())


def linear(module: Conv1D, x: torch.Tensor) -> torch.Tensor:
    """GPT-2's Conv1D without flattening batch and tokens; `x` [batch, token, in]."""
    return torch.matmul(x, module.weight) + module.bias


def gelu(module: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """The tanh form of GELU, which ONNX has as one operator."""
    return F.gelu(x, approximate="tanh")


def rms_norm(module: Any, x: torch.Tensor) -> torch.Tensor:
    """Any family's RMSNorm; Gemma's weight is an offset from one."""
    epsilon = module.variance_epsilon if hasattr(module, "variance_epsilon") else module.eps
    weight = module.weight + 1.0 if type(module).__name__.startswith("Gemma") else module.weight
    return RootMeanSquareNorm.apply(x, weight, float(epsilon))


def interleaved_angles(module: Any, x: torch.Tensor, position_ids: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Cohere's rotations, each angle twice in a row; the exporter cannot write its repeat_interleave."""
    angles = position_ids[:, :, None].float() * module.inv_freq  # [batch, token, head_size / 2]
    twice = torch.stack((angles, angles), dim=-1).flatten(-2)
    return twice.cos() * module.attention_scaling, twice.sin() * module.attention_scaling


def replacement(module: nn.Module) -> Callable[..., Any] | None:
    """The forward to trace instead of the module's own, or None."""
    if isinstance(module, Conv1D):
        return linear
    if isinstance(module, NewGELUActivation | FastGELUActivation):
        return gelu
    if isinstance(module, CohereRotaryEmbedding):
        return interleaved_angles
    return rms_norm if type(module).__name__.endswith("RMSNorm") else None


@contextlib.contextmanager
def single_operators(model: nn.Module) -> Iterator[None]:
    """Trace `model` with one operator for each of the modules above."""
    changed = []
    for module in model.modules():
        forward = replacement(module)
        if forward is not None:
            module.forward = forward.__get__(module)
            changed.append(module)
    try:
        yield
    finally:
        for module in changed:
            del module.forward
