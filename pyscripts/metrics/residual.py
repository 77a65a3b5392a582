"""What each layer does to the residual stream: norms and changes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

States = NDArray | Sequence[NDArray]  # [layer, token, hidden], or one [token, hidden] per layer


def norms(states: States) -> NDArray[np.float64]:
    """L2 norm of every vector in states [layer, token, hidden] (or a sequence of layers): [layer, token].

    Squares are summed in float64, so float16 and float32 neither overflow nor lose precision. NaN and infinities
    raise ValueError.
    """
    return np.sqrt(_squares(_stacked(states)))


@dataclass(frozen=True)
class Changes:
    """What each layer did to the residual stream; layer l is the step from states[l] to states[l + 1]."""

    norm: NDArray[np.float64]  # [layer, token] L2 norm of the difference
    cosine: NDArray[np.float64]  # [layer, token] -1 ... 1 between before and after; NaN if either is 0


def changes(states: States) -> Changes:
    """Changes between successive states [layer + 1, token, hidden].

    transformers returns the last state after the final norm, which would dominate its norm and cosine: pass `unnormed`
    states, or do not show the last layer. Same errors as `norms`.
    """
    stacked = _stacked(states)
    if len(stacked) < 2:
        raise ValueError("changes need the states before and after at least one layer.")
    squares = _squares(stacked)  # [layer + 1, token]
    cross = _products(stacked[:-1], stacked[1:])  # [layer, token]
    lengths = np.sqrt(squares[:-1] * squares[1:])
    parallel = np.divide(cross, lengths, out=np.full_like(lengths, np.nan), where=lengths > 0)
    # |a - b|² = a·a + b·b - 2 a·b: float64 is exact enough for float32 states, whose own rounding error is far larger
    distance = np.sqrt(np.maximum(squares[:-1] + squares[1:] - 2 * cross, 0))
    return Changes(norm=distance, cosine=np.clip(parallel, -1, 1))


def unnormed(states: States, attention_output: States, mlp_output: States) -> NDArray:
    """States [layer + 1, token, hidden] with the last one rebuilt as it was before the final norm.

    It is the previous state plus the last layer's attention and MLP outputs [layer, token, hidden], in every
    architecture whose blocks only add to the residual stream.
    """
    layers, attention, mlp = _stacked(states), _stacked(attention_output), _stacked(mlp_output)
    if not len(layers) - 1 == len(attention) == len(mlp) or layers.shape[1:] != attention.shape[1:]:
        raise ValueError(
            "states must be one layer longer than attention and MLP outputs, and shaped like them."
        )
    rebuilt = layers.copy()
    rebuilt[-1] = rebuilt[-2] + attention[-1] + mlp[-1]
    return rebuilt


def _products(one: NDArray, other: NDArray) -> NDArray[np.float64]:
    """[layer, token] scalar products of vectors in [layer, token, hidden], summed in float64."""
    return np.asarray(np.einsum("lth,lth->lt", one, other, dtype=np.float64))


def _squares(states: NDArray) -> NDArray[np.float64]:
    """[layer, token] squared norms; ValueError if a vector contains NaN or infinities, which propagate here."""
    squares = _products(states, states)
    finite = np.isfinite(squares).all(axis=1)  # [layer]
    if not finite.all():
        raise ValueError(f"states of layer {finite.argmin()} contain NaN or infinities: the output is unusable.")
    return squares


def _stacked(states: States) -> NDArray:
    """[layer, token, hidden]; otherwise ValueError."""
    layers = [np.asarray(layer) for layer in states]
    if not layers or layers[0].ndim != 2 or any(layer.shape != layers[0].shape for layer in layers):
        raise ValueError(f"states must be [layer, token, hidden], not {[layer.shape for layer in layers]}.")
    return states if isinstance(states, np.ndarray) else np.stack(layers)
