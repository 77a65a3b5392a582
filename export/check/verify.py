"""Check every output of an exported graph, each by itself, against PyTorch. Offline.

The reference is transformers' own eager attention and output flags; nothing of capture.py runs in it.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import torch
from transformers import DynamicCache, PreTrainedModel

from export.architectures.families import FAMILIES, Family, Refusal, added_to_stream, scale_logits, submodule
from export.graph.capture import dimensions
from pyscripts.parity import TOLERANCE, errors


class ParityError(Refusal):
    """An output of the graph differs from PyTorch; the export must not be used."""


def session(path: Path, threads: int = 2) -> ort.InferenceSession:
    """Open a stored graph as the page does: quantized constants folded at load, nothing prepacked."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    options.add_session_config_entry("session.disable_quant_qdq", "1")
    options.add_session_config_entry("session.disable_prepacking", "1")
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # leaves the cores to PyTorch's threads
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def feeds(model: PreTrainedModel, ids: np.ndarray, past: dict[str, np.ndarray] | None = None) -> dict[str, np.ndarray]:
    """Neutral inputs for `ids` [batch, token], after `past` (the `present.*` outputs of the run before)."""
    shape = dimensions(model.config)
    batch, tokens = ids.shape
    empty = np.zeros((batch, shape["kv_heads"], 0, shape["head_size"]), np.float32)
    cache = {
        f"past_key_values.{i}.{part}": past[f"present.{i}.{part}"] if past else empty
        for i in range(shape["layers"])
        for part in ("key", "value")
    }
    start = next(iter(cache.values())).shape[2]
    return {
        "input_ids": ids,
        "attention_mask": np.ones((batch, start + tokens), np.int64),
        "position_ids": np.broadcast_to(np.arange(start, start + tokens), ids.shape).astype(np.int64),
        "head_mask": np.ones((1, 1, 1, 1), np.float32),
        "attention_bias": np.zeros((1, 1, 1, 1), np.float32),
        "residual_add": np.zeros((1, 1, 1), np.float32),
        "head_output_add": np.zeros((1, 1, 1), np.float32),
        "logit_rows": np.arange(tokens),
        "lens": np.zeros((0, shape["hidden_size"]), np.float32),
        "target_ids": np.zeros(0, np.int64),
        "direction": np.zeros((0, shape["hidden_size"]), np.float32),
        **cache,
    }


def run(graph: ort.InferenceSession, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Every output by name."""
    names = [output.name for output in graph.get_outputs()]
    wanted = {value.name for value in graph.get_inputs()}
    return dict(zip(names, graph.run(names, {k: v for k, v in inputs.items() if k in wanted}), strict=True))


@dataclass
class Intervention:
    """A user's interventions, for the graph's inputs and for hooks on the PyTorch model alike."""

    head_mask: np.ndarray  # [layer, head, query, 1]
    attention_bias: np.ndarray  # [layer, head or 1, query, key]
    residual_add: np.ndarray  # [layer + 1, query, hidden]
    head_output_add: np.ndarray  # [layer, query, head · head_size]


@torch.no_grad()
def reference(
    model: PreTrainedModel,
    ids: np.ndarray,
    cache: DynamicCache | None = None,
    change: Intervention | None = None,
) -> dict[str, np.ndarray]:
    """The same outputs from PyTorch; `cache`, if given, is extended in place."""
    family = FAMILIES[model.config.model_type]
    contributions: dict[str, torch.Tensor] = {}
    handles = []
    for i, layer in enumerate(submodule(model, family.layers)):
        for name, path in (("attention_output", family.attention), ("mlp_output", family.mlp)):

            def keep(module: Any, args: Any, out: Any, key: str = f"{name}.{i}") -> None:
                contributions[key] = added_to_stream(model.config, (out[0] if isinstance(out, tuple) else out).clone())

            handles.append(submodule(layer, path).register_forward_hook(keep))
        if change is not None:
            handles += intervene(submodule(layer, family.mixer), family, change, i)
            handles.append(add_to_stream(layer, change.residual_add[i], contributions, f"hidden_states.{i}"))
    if change is not None:
        handles.append(add_to_stream(submodule(model, family.norm), change.residual_add[-1], {}, "norm"))
    cache = DynamicCache() if cache is None else cache
    model.set_attn_implementation("eager")
    outputs = model(
        torch.from_numpy(ids),
        past_key_values=cache,
        use_cache=True,
        output_attentions=True,
        output_hidden_states=True,
    )
    for handle in handles:
        handle.remove()
    hidden = outputs.hidden_states
    found = {"logits": outputs.logits}
    found |= {f"hidden_states.{i}": value for i, value in enumerate(hidden)}
    for i, value in enumerate(outputs.attentions):
        scale = 1.0 if change is None else torch.from_numpy(change.head_mask[i])
        found[f"attentions.{i}"] = value * scale
    found |= {key: value.reshape(hidden[0].shape) for key, value in contributions.items()}
    for i in range(len(outputs.attentions)):
        found[f"present.{i}.key"] = cache.layers[i].keys
        found[f"present.{i}.value"] = cache.layers[i].values
    return {key: value.float().numpy() for key, value in found.items()}


def intervene(mixer: Any, family: Family, change: Intervention, layer: int) -> list[Any]:
    """Hook one attention module: add the bias to its scores, change each head's input to the output projection."""
    bias = torch.from_numpy(change.attention_bias[layer])  # [head or 1, query, key]
    scale = torch.from_numpy(change.head_mask[layer])[..., 0].T[..., None]  # [query, head, 1]
    added_to_heads = torch.from_numpy(change.head_output_add[layer])  # [query, head · head_size]
    keys = bias.shape[-1]

    def add_bias(module: Any, args: Any, kwargs: dict[str, Any]) -> Any:
        added = kwargs[family.scores_argument]
        # GPT-Neo's mask is a column too wide; MPT's ALiBi covers its whole context, the last key at its end
        added = added[..., -keys:] if family.scores_argument == "position_bias" else added[..., :keys]
        return args, {**kwargs, family.scores_argument: added + bias}

    def scale_heads(module: Any, args: tuple[torch.Tensor]) -> tuple[torch.Tensor]:
        heads = args[0].unflatten(-1, (scale.shape[1], -1))  # [batch, token, head, head_size]
        return ((heads * scale).flatten(-2) + added_to_heads,)

    return [
        mixer.register_forward_pre_hook(add_bias, with_kwargs=True),
        getattr(mixer, family.mixer_output).register_forward_pre_hook(scale_heads),
    ]


def add_to_stream(module: Any, added: np.ndarray, store: dict[str, torch.Tensor], name: str) -> Any:
    """Hook a layer or the final norm: add `added` [query, hidden] to the residual stream it receives, and keep that."""

    def hook(module: Any, args: Any, kwargs: dict[str, Any]) -> Any:
        store[name] = (args[0] if args else kwargs["hidden_states"]) + torch.from_numpy(added)
        return ((store[name], *args[1:]), kwargs) if args else (args, {**kwargs, "hidden_states": store[name]})

    return module.register_forward_pre_hook(hook, with_kwargs=True)


@torch.no_grad()
def reference_lens(model: PreTrainedModel, rows: np.ndarray) -> np.ndarray:
    """Final norm and unembedding of `rows` [row, hidden], with the model's own modules."""
    family = FAMILIES[model.config.model_type]
    logits = model.get_output_embeddings()(submodule(model, family.norm)(torch.from_numpy(rows)))
    return scale_logits(model.config, logits).numpy()


def compare(found: dict[str, np.ndarray], expected: dict[str, np.ndarray], stage: str) -> float:
    """Names, then shapes, then values; returns the worst difference in units of `parity.scale_of`."""
    worst = 0.0
    for name, value in expected.items():
        if name not in found:
            raise ParityError(f"{stage}: the graph has no output {name}")
        if found[name].shape != value.shape:
            raise ParityError(f"{stage}: {name} is {found[name].shape}, PyTorch says {value.shape}")
        if not value.size:
            continue
        off = errors(name, found[name], value)
        error = float(off.max())
        if not error <= TOLERANCE:
            where = tuple(int(i) for i in np.unravel_index(off.argmax(), off.shape))
            said = f"{found[name][where]:.6g} at {list(where)}, not {value[where]:.6g}"
            raise ParityError(f"{stage}: {name} differs from PyTorch: {said}")
        worst = max(worst, error)
    return worst


def residual_stream(found: dict[str, np.ndarray], layers: int) -> list[np.ndarray]:
    """The input of each layer and, last, of the final norm, summed from the embeddings and all contributions."""
    stream = [found["hidden_states.0"]]  # each [batch, token, hidden]
    for i in range(layers):
        stream.append(stream[-1] + found[f"attention_output.{i}"] + found[f"mlp_output.{i}"])
    return stream


def check(model: PreTrainedModel, path: Path, tokens: int = 24, past: int = 40) -> float:
    """Compare every output over a prefill, a second chunk that continues it, and a run with interventions.

    Two identities are checked as well, in the graph alone: the embeddings plus all contributions before a layer are
    that layer's input, and before the final norm they give the logits.

    Returns:
        The worst difference, in units of `parity.scale_of`.

    Raises:
        ParityError: one output is missing, misshapen or past TOLERANCE.
    """
    generator = np.random.default_rng(0)
    shape = dimensions(model.config)
    layers = shape["layers"]
    tokens = min(tokens, shape["context_length"] // 2)
    past = min(past, shape["context_length"] - tokens)
    ids = generator.integers(0, shape["vocab_size"], (1, past + tokens))
    graph, cache = session(path), DynamicCache()
    first = run(graph, feeds(model, ids[:, :past]))
    worst = [compare(first, reference(model, ids[:, :past], cache), "prefill")]
    second = run(graph, feeds(model, ids[:, past:], first))
    worst.append(compare(second, reference(model, ids[:, past:], cache), "chunk after past"))

    stream = residual_stream(first, layers)
    chain = {f"hidden_states.{i}": stream[i] for i in range(layers)}
    worst.append(compare(first, chain, "embeddings plus contributions"))

    family = FAMILIES[model.config.model_type]
    bias_heads = shape["heads"] if family.bias_per_head else 1
    change = Intervention(
        generator.uniform(0, 1.5, (layers, shape["heads"], tokens, 1)).astype(np.float32),
        -1e4 * (generator.random((layers, bias_heads, tokens, tokens)) < 0.1).astype(np.float32),
        generator.normal(size=(layers + 1, tokens, shape["hidden_size"])).astype(np.float32) * ordinary_size(stream),
        generator.normal(size=(layers, tokens, shape["heads"] * shape["head_size"])).astype(np.float32) * 0.1,
    )
    change.attention_bias[..., 0] = 0  # every query keeps one key
    rows = generator.normal(size=(5, shape["hidden_size"])).astype(np.float32)
    inputs = feeds(model, ids[:, :tokens]) | vars(change)
    inputs["lens"] = np.concatenate([rows, stream[layers][0]])
    wanted = generator.permutation(tokens)[: tokens // 2]  # of the logits
    inputs["logit_rows"] = wanted
    changed = run(graph, inputs)
    lens_logits = changed.pop("lens_logits")  # [row, vocab]
    expected = reference(model, ids[:, :tokens], change=change) | {"lens_logits": reference_lens(model, rows)}
    expected["logits"] = expected["logits"][:, wanted]
    worst.append(compare(changed | {"lens_logits": lens_logits[:5]}, expected, "interventions and lens"))
    summed = {"logits": lens_logits[None, 5:]}
    worst.append(compare(first, summed, "embeddings plus all contributions through norm and unembedding"))
    return max(worst)


def ordinary_size(stream: list[np.ndarray]) -> float:
    """The median size of the residual stream's components over all layers."""
    return float(np.median(np.abs(np.stack(stream))))
