"""The bar for one model in two runtimes: the build's against PyTorch, WebGPU's against WebAssembly in the page."""

import numpy as np
from numpy.typing import NDArray

TOLERANCE = 5e-4  # relative to a component's own size plus the median at its position; fp32 rounding stays below 1e-4


def scale_of(name: str, value: NDArray) -> NDArray:
    """What an error in each component of an output is measured against, broadcast to `value`.

    A component's own size plus the median of its position: a few residual dimensions are thousands of times larger
    than the others, and an error that is nothing for them would be everything for the rest. Attention is measured
    against the largest weight of its query.
    """
    size = np.abs(value)
    if name.startswith("attentions"):
        return np.maximum(size.max(axis=-1, keepdims=True), 1e-6)
    axes = (1, 3) if name.startswith("present") else (-1,)  # [batch, kv_head, key, head_size]: all heads of a position
    ordinary = _median(size, axes)
    rms = np.sqrt(np.square(value, dtype=np.float64).mean(axis=axes, keepdims=True))
    return np.maximum(ordinary, np.maximum(1e-3 * rms, 1e-6)) + size


def errors(name: str, found: NDArray, expected: NDArray) -> NDArray:
    """The difference of each component of an output, in units of `scale_of`; not a number where one of them is none."""
    return np.abs(found - expected) / scale_of(name, expected)


def _median(values: NDArray, axes: tuple[int, ...]) -> NDArray:
    """As np.median with keepdims, which needs numpy.ma; the page's Python has only what its start imports."""
    last = np.moveaxis(values, axes, range(-len(axes), 0))
    flat = last.reshape(*last.shape[: -len(axes)], -1)
    middle = [(flat.shape[-1] - 1) // 2, flat.shape[-1] // 2]
    found = np.partition(flat, middle, axis=-1)[..., middle].mean(axis=-1)
    return np.expand_dims(found, axes)
