"""How one matrix is compressed, and the ONNX nodes that restore it in fp32. Offline, numpy and onnx.

The nodes have constant inputs, so onnxruntime computes them once, at load; the page then runs in fp32. It keeps every
intermediate result until it has folded them all, so a matrix must come out of a single node.
"""

from dataclasses import dataclass

import numpy as np
from onnx import NodeProto, TensorProto, helper

from export.architectures.families import Refusal

COARSE, FINE = 32, 16  # neighbours along the input axis that share a scale
STEPS = tuple(range(255, 119, -15))  # into how many code steps a block's range may be divided
LARGEST = float(np.finfo(np.float16).max)  # 65504
TINY = np.float16(6e-8)  # the smallest float16: a block of zeros still needs a scale


@dataclass
class Encoded:
    """A matrix in parts, each an initializer named after the matrix and the part.

    kinds: `half` (float16); `symmetric` (int8 or int16 codes · scale); `asymmetric` ((uint8 codes - zero) · scale).
    Scales and zeros are one for each block along `axis`.
    """

    kind: str
    parts: dict[str, np.ndarray]
    axis: int = 0
    block: int = COARSE

    def decoded(self) -> np.ndarray:
        """The fp32 matrix the page will compute with."""
        if self.kind == "half":
            return self.parts["half"].astype(np.float32)
        scale = np.repeat(self.parts["scale"].astype(np.float32), self.block, self.axis)
        codes = self.parts["codes"].astype(np.float32)
        if self.kind == "asymmetric":
            codes -= np.repeat(self.parts["zero"].astype(np.float32), self.block, self.axis)
        return codes * scale


def fits_half(matrix: np.ndarray) -> bool:
    """Whether every weight is in float16's range."""
    return bool(np.abs(matrix).max(initial=0) <= LARGEST)


def half(matrix: np.ndarray) -> Encoded:
    """float16, as most checkpoints are published; only for a matrix that `fits_half`."""
    return Encoded("half", {"half": matrix.astype(np.float16)})


def in_blocks(matrix: np.ndarray, axis: int, most: int) -> tuple[np.ndarray, int]:
    """The matrix as [other axis, block, position] and the block's size, the largest up to `most` that divides."""
    size = matrix.shape[axis]
    block = min(most, size & -size)
    turned = np.moveaxis(matrix, axis, -1)
    return turned.reshape(len(turned), -1, block), block


def back(blocks: np.ndarray, axis: int) -> np.ndarray:
    """Undo `in_blocks`; also for one value per block, [other axis, block]."""
    return np.ascontiguousarray(np.moveaxis(blocks.reshape(len(blocks), -1), -1, axis))


def as_half(scale: np.ndarray) -> np.ndarray:
    """Scales as float16; one below its normal range is rounded up, or its block's largest values would be cut off.

    Raises:
        Refusal: a scale is beyond float16, so its weights beyond eight million.
    """
    if np.abs(scale).max(initial=0) > LARGEST:
        raise Refusal("a weight is too large for 8 bits with a float16 scale; build this model with --weights fp32")
    rounded = scale.astype(np.float16)
    lost = rounded.astype(np.float32) < scale * (1 - 2**-10)
    return np.maximum(np.where(lost, np.nextafter(rounded, np.float16("inf")), rounded), TINY)


def symmetric(matrix: np.ndarray, axis: int, most: int, width: type[np.signedinteger] = np.int8) -> Encoded:
    """Signed codes times a scale. 16-bit codes need float32 scales, which would be too small for float16."""
    blocks, block = in_blocks(matrix, axis, most)
    limit = np.iinfo(width).max
    scale = np.abs(blocks).max(axis=-1) / limit  # [other axis, block]
    scale = as_half(scale) if width is np.int8 else np.maximum(scale, np.float32(1e-30))
    codes = np.rint(blocks / scale.astype(np.float32)[..., None]).clip(-limit, limit).astype(width)
    return Encoded("symmetric", {"codes": back(codes, axis), "scale": back(scale, axis)}, axis, block)


def asymmetric(matrix: np.ndarray, axis: int, most: int) -> Encoded:
    """uint8 codes less a zero, times a scale, over the block's own range.

    For each block the closest of several scales is kept. STEPS are multiples of 15, so the sixteen levels of a 4-bit
    checkpoint fall on codes in all of them, and in one of them its offset falls near a code as well.
    """
    blocks, block = in_blocks(matrix, axis, most)
    low, high = np.minimum(blocks.min(axis=-1), 0), np.maximum(blocks.max(axis=-1), 0)  # [other axis, block]
    codes = np.zeros(blocks.shape, np.uint8)
    scale, zero = np.full(low.shape, TINY), np.zeros(low.shape, np.uint8)
    least = np.full(low.shape, np.inf, np.float32)
    for steps in STEPS:
        step = as_half((high - low) / steps)
        wide = step.astype(np.float32)
        origin = np.rint(-low / wide).clip(0, 255)
        found = (np.rint(blocks / wide[..., None]) + origin[..., None]).clip(0, 255)
        squared = np.square((found - origin[..., None]) * wide[..., None] - blocks).sum(axis=-1)
        closer = squared < least
        least[closer], scale[closer], zero[closer] = squared[closer], step[closer], origin[closer]
        codes[closer] = found[closer]
    parts = {"codes": back(codes, axis), "scale": back(scale, axis), "zero": back(zero, axis)}
    return Encoded("asymmetric", parts, axis, block)


def error(encoded: Encoded, matrix: np.ndarray) -> float:
    """Root mean square difference from the matrix."""
    return float(np.sqrt(np.square(encoded.decoded() - matrix).mean()))


def small(matrix: np.ndarray, axis: int, lookup: bool, shared: bool) -> Encoded:
    """The int8 format's choice for one matrix.

    Fine blocks, but coarse ones where they are closer, as in a checkpoint that was quantized in blocks before.

    Args:
        matrix: its fp32 values.
        axis: the axis a product sums over.
        lookup: rows are gathered from it, which is simplest without zeros.
        shared: several query heads depend on each of its outputs (keys and values of grouped attention), which
            makes it the most sensitive for its size: float16.
    """
    encode = symmetric if lookup else asymmetric
    coarse, fine = encode(matrix, axis, COARSE), encode(matrix, axis, FINE)
    if error(coarse, matrix) <= error(fine, matrix):
        return coarse
    return half(matrix) if shared and fits_half(matrix) else fine


def wide(matrix: np.ndarray, axis: int) -> Encoded:
    """The fp16 format's choice: 16 bits a weight, as float16 or as integers in blocks, whichever is closer."""
    integers = symmetric(matrix, axis, COARSE, np.int16)
    if not fits_half(matrix):
        return integers
    return min(integers, half(matrix), key=lambda encoded: error(encoded, matrix))


def rebuild(encoded: Encoded, source: str, output: str, axis: int) -> list[NodeProto]:
    """Nodes from the parts `source.codes` … to the fp32 tensor `output`.

    Args:
        encoded: what the parts are.
        source: the parts' common name.
        output: the tensor to make.
        axis: the axis the blocks run along in the tensors at hand; a lookup may have moved it.
    """
    if encoded.kind == "half":
        return [helper.make_node("Cast", [f"{source}.half"], [output], to=TensorProto.FLOAT)]
    scale = f"{output}.scale32"
    inputs = [f"{source}.codes", scale] + ([f"{source}.zero"] if encoded.kind == "asymmetric" else [])
    return [
        helper.make_node("Cast", [f"{source}.scale"], [scale], to=TensorProto.FLOAT),
        helper.make_node("DequantizeLinear", inputs, [output], axis=axis, block_size=encoded.block),
    ]
