"""Direct logit attribution: a logit as the exact sum of what each part of the model added to the residual stream.

After the last layer the residual stream is a sum: the embedding, what each attention head added, what each MLP added.
The final norm divides it by one number (its scale), so the logit is the sum of each part's own product with the token's
row. A head is a sum in turn: attention times value, over the positions it read from. Sources: Elhage et al. 2021 (a
mathematical framework for transformer circuits); TransformerLens ActivationCache; Ferrando et al. 2023 (arXiv
2305.12535); contribution weights as in arXiv 2606.07604.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Recorded:
    """What the graph gives out for one position, float32. Targets: the token asked about and, if any, the other one."""

    position: int  # its row of the logits predicts the token at position + 1
    embedding: NDArray  # [hidden] the residual stream that enters the first layer
    attention_output: NDArray  # [layer, hidden]
    mlp_output: NDArray  # [layer, hidden]
    attentions: NDArray  # [layer, head, key]
    direct: NDArray  # [layer, target, head, key] what a head would add from a key, along a target's row
    rows: NDArray  # [target, hidden]
    constants: NDArray  # [target] the final norm's and the unembedding's biases
    logits: NDArray  # [target] as the model computes them
    added: NDArray | None = None  # [layer + 1, hidden] what an intervention added to the residual stream


@dataclass(frozen=True)
class Attribution:
    """The parts of a logit, or of the difference of two, in logits."""

    logit: float  # the model's own, before a soft-cap
    embedding: float
    heads: Floats  # [layer, head]
    attention_bias: Floats  # [layer] the projection's bias, and what an intervention added to heads
    mlp: Floats  # [layer]
    added: float  # by an intervention to the residual stream
    norm_bias: float
    sources: Floats  # [layer, head, key] sums to heads over the keys

    @property
    def total(self) -> float:
        """The sum of all parts: the logit, but for rounding."""
        one_by_one = self.embedding + self.added + self.norm_bias
        return float(one_by_one + self.heads.sum() + self.attention_bias.sum() + self.mlp.sum())

    def parts(self, *, bias: bool) -> list[dict[str, Any]]:
        """[{kind, layer, head, value}] in the order of the model; `bias`: whether attention has one."""
        parts: list[dict[str, Any]] = [_part("embedding", self.embedding)]
        for layer in range(len(self.mlp)):
            parts += [_part("head", value, layer, head) for head, value in enumerate(self.heads[layer])]
            if bias:
                parts.append(_part("attention_bias", self.attention_bias[layer], layer))
            parts.append(_part("mlp", self.mlp[layer], layer))
        if self.added:
            parts.append(_part("added", self.added))
        return [*parts, _part("norm_bias", self.norm_bias)]


def _part(kind: str, value: float, layer: int | None = None, head: int | None = None) -> dict[str, Any]:
    return {"kind": kind, "layer": layer, "head": head, "value": float(value)}


def scale(state: Floats, norm: Mapping[str, Any]) -> float:
    """What the final norm divides a residual stream [hidden] by; norm: the manifest's {kind: layer | rms, epsilon}."""
    centred = state - state.mean() if norm["kind"] == "layer" else state
    return float(np.sqrt(np.mean(np.square(centred)) + norm["epsilon"]))


def attribute(recorded: Recorded, manifest: Mapping[str, Any]) -> Attribution:
    """Splits the first target's logit, minus the second's if there are two, into its parts.

    ValueError: the model was exported without what this takes.
    """
    check(manifest)
    sign = np.array([1.0, -1.0])[: len(recorded.rows)]  # [target]
    row = sign @ np.asarray(recorded.rows, np.float64)  # [hidden]
    attention, mlp = (np.asarray(each, np.float64) for each in (recorded.attention_output, recorded.mlp_output))
    added = np.zeros((len(mlp) + 1, len(row))) if recorded.added is None else np.asarray(recorded.added, np.float64)
    embedding = np.asarray(recorded.embedding, np.float64) - added[0]
    state = embedding + attention.sum(axis=0) + mlp.sum(axis=0) + added.sum(axis=0)
    divisor = scale(state, manifest["final_norm"])
    direct = np.einsum("t,lthk->lhk", sign, np.asarray(recorded.direct, np.float64))
    sources = np.asarray(recorded.attentions, np.float64) * direct / divisor  # [layer, head, key]
    heads = sources.sum(axis=2)
    return Attribution(
        logit=float(sign @ uncapped(recorded.logits, manifest.get("logit_softcap"))),
        embedding=float(embedding @ row) / divisor,
        heads=heads,
        attention_bias=attention @ row / divisor - heads.sum(axis=1),
        mlp=mlp @ row / divisor,
        added=float(added.sum(axis=0) @ row) / divisor,
        norm_bias=float(sign @ recorded.constants),
        sources=sources,
    )


def uncapped(logits: NDArray, cap: float | None) -> Floats:
    """Logits before a soft-cap, cap · tanh(logit / cap), which no sum of parts passes through."""
    values = np.asarray(logits, np.float64)
    return values if cap is None else cap * np.arctanh(values / cap)


def check(manifest: Mapping[str, Any]) -> None:
    """ValueError if the model was exported without what attribution takes."""
    if not manifest["outputs"].get("direct"):
        raise ValueError(f"{manifest['name']} was exported without attribution. Build the model again.")


def contribution_weights(attentions: NDArray, direct: NDArray, attention_output: NDArray) -> Floats:
    """[layer, head, key] the share of what a layer's attention added that came from each position, by each head.

    Attention × size of what is moved × its alignment with the layer's output: its projection onto that output, as a
    share of the output's own size. The shares of a layer sum to 1 minus the bias's share; one may be negative.

    attentions: [layer, head, key]. direct: [layer, head, key] along the layer's own output. attention_output: [layer,
    hidden].
    """
    size = np.square(np.asarray(attention_output, np.float64)).sum(axis=1)[:, None, None]
    return np.asarray(attentions, np.float64) * np.asarray(direct, np.float64) / np.maximum(size, 1e-30)


def curve_lengths(tokens: int) -> list[int]:
    """The steps of a context curve: 1, 2, 4 … tokens, and all of them."""
    return [n for n in (2**i for i in range(24)) if n < tokens] + ([tokens] if tokens else [])


def rank_correlation(a: NDArray, b: NDArray) -> float:
    """Spearman's rank correlation of two lists, ties sharing their mean rank; NaN if one is constant or too short."""
    ranks = [_ranks(np.asarray(each, np.float64)) for each in (a, b)]
    if len(ranks[0]) < 3 or any(np.ptp(each) == 0 for each in ranks):
        return float("nan")
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])


def _ranks(values: Floats) -> Floats:
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(count)
    return np.asarray((last - (count - 1) / 2)[place.ravel()], np.float64)
