"""One forward pass of a causal LM in which every intermediate the page shows is recorded and can be changed; PyTorch.

Hidden states are what transformers returns: each layer's input, and the last one after the final norm.
"""

import contextlib
import inspect
from collections.abc import Iterator
from typing import Any

import torch
import torch.nn.functional as F
from transformers import PreTrainedModel
from transformers.cache_utils import DynamicCache
from transformers.models.gpt_neo.modeling_gpt_neo import GPTNeoSelfAttention

from export.architectures.families import Family, added_to_stream, scale_logits, submodule
from export.architectures.linear_parts import centred, final_norm, logit_multiplier, norm_after_attention


class Recorder:
    """The intermediates of one traced forward pass, recorded by hooks and by the attention function."""

    def __init__(self, model: PreTrainedModel, family: Family) -> None:
        self.model = model
        self.family = family
        self.layers = list(submodule(model, family.layers))
        self.hidden_states: dict[int, torch.Tensor] = {}
        self.attentions: dict[int, torch.Tensor] = {}
        self.attention_output: dict[int, torch.Tensor] = {}
        self.mlp_output: dict[int, torch.Tensor] = {}
        self.projected: dict[int, torch.Tensor] = {}  # the output projection's output, before a norm that may follow
        self.head_masks: tuple[torch.Tensor, ...] = ()  # per layer [1, head or 1, query or 1, key or 1]
        self.biases: tuple[torch.Tensor, ...] = ()  # per layer [1, head or 1, query or 1, key or 1]
        self.residual_adds: tuple[torch.Tensor, ...] = ()  # per layer, and for the norm: [1, query or 1, hidden or 1]
        self.head_adds: tuple[torch.Tensor, ...] = ()  # per layer [1, query or 1, head · head_size or 1]
        self.logit_rows = torch.zeros(0, dtype=torch.int64)
        self.layer = 0  # the one whose attention is being computed

    @contextlib.contextmanager
    def hooks(self) -> Iterator[None]:
        """Add what is to be added; record each layer's input, its two contributions and the final norm's output."""
        handles = []

        def on_input(index: int) -> Any:
            def hook(module: Any, args: Any, kwargs: Any) -> Any:
                state = (args[0] if args else kwargs["hidden_states"]) + self.residual_adds[index]
                self.hidden_states[index] = state
                return ((state, *args[1:]), kwargs) if args else (args, {**kwargs, "hidden_states": state})

            return hook

        def on_heads(index: int) -> Any:
            def hook(module: Any, args: Any) -> Any:
                return (args[0] + self.head_adds[index],)

            return hook

        def on_unembedding(module: Any, args: Any) -> Any:
            return (torch.index_select(args[0], 1, self.logit_rows),)

        def on_output(store: dict[int, torch.Tensor], index: int) -> Any:
            def hook(module: Any, args: Any, output: Any) -> None:
                value = output[0] if isinstance(output, tuple) else output
                store[index] = value.clone()  # Falcon adds to it in place

            return hook

        def on_mixer(index: int) -> Any:
            def hook(module: Any, args: Any) -> None:
                self.layer = index

            return hook

        for i, layer in enumerate(self.layers):
            handles += [
                layer.register_forward_pre_hook(on_input(i), with_kwargs=True),
                submodule(layer, self.family.attention).register_forward_hook(on_output(self.attention_output, i)),
                submodule(layer, self.family.mlp).register_forward_hook(on_output(self.mlp_output, i)),
                submodule(layer, self.family.mixer).register_forward_pre_hook(on_mixer(i)),
                self.projection(i).register_forward_pre_hook(on_heads(i)),
                self.projection(i).register_forward_hook(on_output(self.projected, i)),
            ]
        norm = submodule(self.model, self.family.norm)
        handles.append(norm.register_forward_pre_hook(on_input(len(self.layers)), with_kwargs=True))
        handles.append(self.model.get_output_embeddings().register_forward_pre_hook(on_unembedding))
        handles.append(norm.register_forward_hook(on_output(self.hidden_states, len(self.layers))))
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def projection(self, layer: int) -> Any:
        """The module that mixes the heads' outputs into the residual stream."""
        return getattr(submodule(self.layers[layer], self.family.mixer), self.family.mixer_output)

    def target_rows(self, ids: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """For each token id, the direction of its logit before the final norm [target, hidden], and its constant
        [target]: logit = residual stream · row / scale of the norm + constant."""
        unembedding = self.model.get_output_embeddings()
        norm = final_norm(submodule(self.model, self.family.norm))
        weights = F.embedding(ids[None], unembedding.weight)[0]  # [target, hidden]
        rows = weights if norm.gain is None else weights * norm.gain
        # A product, since onnxruntime's sum over an axis is wrong if there are no targets.
        shift = torch.zeros_like(weights[0]) if norm.shift is None else norm.shift
        constants = torch.matmul(weights, shift[:, None])[:, 0]
        if unembedding.bias is not None:
            constants = constants + torch.index_select(unembedding.bias, 0, ids)
        multiplier = logit_multiplier(self.model.config)
        return centred(rows, norm) * multiplier, constants * multiplier

    def direct(self, layer: int, directions: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
        """What each head would add to the residual stream from each key, along each direction, if it attended to that
        key alone: V · (W_O · direction), for the last query of the pass (a norm after attention depends on it).

        Args:
            layer: its index.
            directions: [direction, hidden].
            values: the cache's, [batch, kv_head, key, head_size]; only the first text's are used.

        Returns:
            [direction, kv_head, group, key]; its second and third axes, one after the other, are the heads
        """
        if self.family.norm_after:
            norm = submodule(self.layers[layer], self.family.attention)
            gain, scale = norm_after_attention(norm, self.projected[layer])
            directions = directions * gain * scale
        projection = self.projection(layer)
        weight = projection.weight if type(projection).__name__ == "Conv1D" else projection.weight.t()  # [in, hidden]
        kv_heads, _, size = values.shape[1:]
        along = added_to_stream(self.model.config, directions).t()  # [hidden, direction]
        moved = torch.matmul(weight, along)  # [head · head_size, direction]
        group = self.model.config.num_attention_heads // kv_heads
        moved = moved.reshape(kv_heads, group, size, moved.shape[-1])  # [kv_head, group, head_size, direction]
        # The first text is selected after the product: selecting it before would copy all values in every pass.
        found = torch.matmul(values[:, :, None], moved)[0]  # [kv_head, group, key, direction]
        return found.permute(3, 0, 1, 2)

    def attend(
        self,
        layer: int,
        query: torch.Tensor,  # [batch, head, query, head_size]
        key: torch.Tensor,  # [batch, kv_head, key, head_size]
        value: torch.Tensor,  # [batch, kv_head, key, head_size]
        mask: torch.Tensor | None,  # [batch, 1, query, key], 0 or the lowest float
        scale: float,
        softcap: float | None,
    ) -> torch.Tensor:
        """Eager attention with head scaling and an additive bias; returns [batch, head, query, head_size].

        Query heads that share a key head are laid along the query axis, so keys are never repeated.
        """
        heads, kv_heads, size = query.shape[1], key.shape[1], query.shape[3]
        if scale != 1.0:
            query = query * scale
        if heads != kv_heads:
            query = query.reshape(query.shape[0], kv_heads, -1, size)
        scores = torch.matmul(query, key.transpose(-1, -2))
        if heads != kv_heads:
            scores = scores.reshape(scores.shape[0], heads, -1, scores.shape[3])
        if softcap is not None:
            scores = torch.tanh(scores / softcap) * softcap
        bias = self.biases[layer] if mask is None else mask + self.biases[layer]
        weights = torch.softmax(scores + bias, dim=-1) * self.head_masks[layer]  # [batch, head, query, key]
        self.attentions[layer] = weights
        if heads != kv_heads:
            weights = weights.reshape(weights.shape[0], kv_heads, -1, weights.shape[3])
        mixed = torch.matmul(weights, value)
        return mixed.reshape(mixed.shape[0], heads, -1, size) if heads != kv_heads else mixed

    def attention_function(
        self,
        module: Any,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        attention_mask: torch.Tensor | None,
        scaling: float | None = None,
        softcap: float | None = None,
        **_: Any,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Adapts `attend` to transformers' attention interface."""
        scale = query.shape[-1] ** -0.5 if scaling is None else scaling
        if scaling is None and not getattr(module, "scale_attn_weights", True):
            scale = 1.0
        if getattr(module, "scale_attn_by_inverse_layer_idx", False):
            scale /= module.layer_idx + 1
        mixed = self.attend(module.layer_idx, query, key, value, attention_mask, float(scale), softcap)
        return mixed.transpose(1, 2), self.attentions[module.layer_idx]

    def softmax(self, scores: torch.Tensor, dim: int = -1, **_: Any) -> torch.Tensor:
        """Replaces torch's softmax in an architecture that computes its attention itself.

        Args:
            scores: mask included, [batch, head, query, key] or, in XGLM, [batch · head, query, key].
            dim: the last axis.
        """
        grouped = scores if scores.dim() == 4 else scores.unflatten(0, (-1, self.model.config.num_attention_heads))
        weights = torch.softmax(grouped + self.biases[self.layer], dim) * self.head_masks[self.layer]
        self.attentions[self.layer] = weights
        return weights if scores.dim() == 4 else weights.flatten(0, 1)

    def gpt_neo_attention(
        self,
        module: GPTNeoSelfAttention,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        attention_mask: torch.Tensor,
        head_mask: None = None,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """GPT-Neo scales nothing and gives every second layer a sliding window."""
        layer, window = module.layer_id, module.config.window_size
        if module.config.attention_layers[layer] == "local":
            keys = torch.arange(key.shape[2])  # [key]
            queries = keys[-query.shape[2] :, None]  # [query, 1]
            outside = torch.finfo(torch.float32).min * (keys <= queries - window).float()
            attention_mask = torch.maximum(attention_mask + outside, torch.tensor(torch.finfo(torch.float32).min))
        mixed = self.attend(layer, query, key, value, attention_mask, 1.0, None)
        return mixed, self.attentions[layer]

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        position_ids: torch.Tensor,
        past_key_values: list[tuple[torch.Tensor, torch.Tensor]],
        head_mask: torch.Tensor,
        attention_bias: torch.Tensor,
        residual_add: torch.Tensor,
        head_output_add: torch.Tensor,
        logit_rows: torch.Tensor,
        lens: torch.Tensor,
        target_ids: torch.Tensor,
        direction: torch.Tensor,
    ) -> tuple[torch.Tensor, ...]:
        """One pass; the returned tensors are in the order of `TracedConfig.outputs`."""
        layers = range(len(self.layers))
        each = torch.zeros(len(self.layers), 1, 1, 1)
        self.head_masks = torch.split(head_mask + each, 1)
        self.biases = torch.split(attention_bias + each, 1)
        self.residual_adds = torch.split(residual_add + torch.zeros(len(self.layers) + 1, 1, 1), 1)
        self.head_adds = torch.split(head_output_add + each[..., 0], 1)
        self.logit_rows = logit_rows
        cache = DynamicCache.from_legacy_cache(tuple(past_key_values))
        positions = {}
        if "position_ids" in inspect.signature(type(self.model).forward).parameters:  # none with ALiBi
            positions["position_ids"] = position_ids.clone()  # XGLM shifts them in place
        with self.hooks():
            logits = (
                type(self.model)
                .forward(
                    self.model,
                    input_ids=input_ids,
                    attention_mask=attention_mask,
                    past_key_values=cache,
                    use_cache=True,
                    **positions,
                )
                .logits
            )
        for i, value in self.mlp_output.items():
            if value.dim() == 2:  # OPT flattens batch and tokens before its MLP
                self.mlp_output[i] = value.view(self.hidden_states[0].shape)
        # With two axes, a biased head would become a Gemm, whose matrix is the transpose of the logits' one.
        rows = submodule(self.model, self.family.norm)(lens[None])
        lens_logits = scale_logits(self.model.config, self.model.get_output_embeddings()(rows))[0]
        target_rows, target_constants = self.target_rows(target_ids)
        directions = torch.cat((target_rows, direction))
        for store in (self.attention_output, self.mlp_output):
            for i in layers:
                store[i] = added_to_stream(self.model.config, store[i])
        return (
            logits,
            *(tensor for i in layers for tensor in (cache.layers[i].keys, cache.layers[i].values)),
            *(self.hidden_states[i] for i in (*layers, len(self.layers))),
            *(self.attentions[i] for i in layers),
            *(self.attention_output[i] for i in layers),
            *(self.mlp_output[i] for i in layers),
            lens_logits,
            target_rows,
            target_constants,
            *(self.direct(i, directions, cache.layers[i].values) for i in layers),
        )


def attention_mask(
    batch_size: int,
    cache_position: torch.Tensor,  # [query]
    kv_length: int,
    mask_function: Any,
    attention_mask: torch.Tensor,  # [batch, key]
    **_: Any,
) -> torch.Tensor:
    """The additive mask [batch, 1, query, key], 0 where a query may attend and the lowest float elsewhere."""
    keys = torch.arange(kv_length)
    visible = mask_function(None, None, cache_position[:, None], keys[None, :])  # [query, key]
    visible = visible & attention_mask[:, None, None, :].bool()
    return torch.where(visible, 0.0, torch.finfo(torch.float32).min)
