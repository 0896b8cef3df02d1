"""Block formats of GGUF files: a few bits per number, with scales that are shared within a block.

Each function converts bytes, one row per block, to numbers: [blocks, bytes] -> [blocks, numbers]; those of QUANTIZERS
convert numbers to bytes.
Each layout is that of `ggml-quants.c` of llama.cpp, written for whole arrays.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

Blocks = np.ndarray  # uint8 [blocks, bytes]
Numbers = np.ndarray  # float32 [blocks, numbers]


class Quantization(NamedTuple):
    """Format of quantized numbers: bytes per block, numbers per block, and the function that dequantizes blocks."""

    block_bytes: int
    block_size: int
    dequantize: Callable[[Blocks], Numbers]


def unquantized(kind: str) -> Callable[[Blocks], Numbers]:
    """Return a function that reads numbers that are not quantized, one per block. kind: their NumPy type."""
    return lambda raw: raw.reshape(-1).view(kind).astype(np.float32)[:, None]


def bf16(raw: Blocks) -> Numbers:
    """Dequantize bfloat16: the upper half of a float32."""
    return (raw.reshape(-1).view("<u2").astype(np.uint32) << 16).view(np.float32)[:, None]


def q4_0(raw: Blocks) -> Numbers:
    """Dequantize 32 numbers of 4 bits, from -8, and a scale."""
    return _half(raw[:, :2]) * (_nibbles(raw[:, 2:]).astype(np.float32) - 8)


def q4_1(raw: Blocks) -> Numbers:
    """Dequantize 32 numbers of 4 bits, a scale and a minimum."""
    return _half(raw[:, :2]) * _nibbles(raw[:, 4:]) + _half(raw[:, 2:4])


def q5_0(raw: Blocks) -> Numbers:
    """Dequantize 32 numbers of 5 bits, from -16, and a scale; the fifth bits are stored together."""
    return _half(raw[:, :2]) * (_five_bits(raw[:, 2:]).astype(np.float32) - 16)


def q5_1(raw: Blocks) -> Numbers:
    """Dequantize 32 numbers of 5 bits, a scale and a minimum."""
    return _half(raw[:, :2]) * _five_bits(raw[:, 4:]) + _half(raw[:, 2:4])


def q8_0(raw: Blocks) -> Numbers:
    """Dequantize 32 numbers of 8 bits and a scale."""
    return _half(raw[:, :2]) * _signed(raw[:, 2:])


def q2_k(raw: Blocks) -> Numbers:
    """Dequantize 256 numbers of 2 bits in 16 groups, each with a scale and a minimum of 4 bits."""
    scale = _half(raw[:, 80:82]) * (raw[:, :16] & 15)
    least = _half(raw[:, 82:84]) * (raw[:, :16] >> 4)
    numbers = _two_bits(raw[:, 16:80]).reshape(-1, 16, 16)
    return (scale[:, :, None] * numbers - least[:, :, None]).reshape(len(raw), 256)


def q3_k(raw: Blocks) -> Numbers:
    """Dequantize 256 numbers of 3 bits, from -4, in 16 groups with a scale of 6 bits each, from -32."""
    third = raw[:, None, :32] >> np.arange(8, dtype=np.uint8)[:, None] & 1
    numbers = (_two_bits(raw[:, 32:96]).reshape(-1, 8, 32) | third << 2).astype(np.float32) - 4
    low = _nibbles(raw[:, 96:104])
    high = raw[:, None, 104:108] >> np.array([0, 2, 4, 6], np.uint8)[:, None] & 3
    scale = _half(raw[:, 108:]) * ((low | high.reshape(-1, 16) << 4).astype(np.float32) - 32)
    return (scale[:, :, None] * numbers.reshape(-1, 16, 16)).reshape(len(raw), 256)


def q4_k(raw: Blocks) -> Numbers:
    """Dequantize 256 numbers of 4 bits in 8 groups, each with a scale and a minimum of 6 bits."""
    scale, least = _scales_and_minimums(raw[:, :16])
    numbers = _nibbles(raw[:, 16:].reshape(-1, 32)).reshape(-1, 8, 32)
    return (scale * numbers - least).reshape(len(raw), 256)


def q5_k(raw: Blocks) -> Numbers:
    """Dequantize as q4_k, with a fifth bit: bit g of byte i is that of number i of group g."""
    scale, least = _scales_and_minimums(raw[:, :16])
    fifth = raw[:, None, 16:48] >> np.arange(8, dtype=np.uint8)[:, None] & 1
    numbers = _nibbles(raw[:, 48:].reshape(-1, 32)).reshape(-1, 8, 32) | fifth << 4
    return (scale * numbers - least).reshape(len(raw), 256)


def q6_k(raw: Blocks) -> Numbers:
    """Dequantize 256 numbers of 6 bits, from -32, in 16 groups with a scale of 8 bits each."""
    low = _nibbles(raw[:, :128].reshape(-1, 64)).reshape(-1, 8, 32)
    high = _two_bits(raw[:, 128:192]).reshape(-1, 8, 32)
    numbers = (low | high << 4).astype(np.float32).reshape(-1, 16, 16) - 32
    scale = _half(raw[:, 208:]) * _signed(raw[:, 192:208])
    return (scale[:, :, None] * numbers).reshape(len(raw), 256)


def _half(raw: Blocks) -> Numbers:
    """Return two bytes of each block as a float16, [blocks, 1]."""
    return np.ascontiguousarray(raw).view("<f2").astype(np.float32)


def _signed(raw: Blocks) -> Numbers:
    """Return bytes as integers from -128 to 127."""
    return np.ascontiguousarray(raw).view(np.int8).astype(np.float32)


def _nibbles(raw: Blocks) -> Blocks:
    """Return the lower four bits of every byte of a row, then the upper four."""
    return np.concatenate([raw & 15, raw >> 4], 1)


def _five_bits(raw: Blocks) -> Blocks:
    """Return 32 numbers of 5 bits: four bytes of fifth bits, then the others."""
    return _nibbles(raw[:, 4:]) | np.unpackbits(raw[:, :4], axis=1, bitorder="little") << 4


def _two_bits(raw: Blocks) -> Blocks:
    """Return numbers of 2 bits [blocks, 2, 4, 32]: for each 32 bytes, the lowest two bits of all, then the next two."""
    return raw.reshape(-1, 2, 1, 32) >> np.array([0, 2, 4, 6], np.uint8)[:, None] & 3


def _scales_and_minimums(raw: Blocks) -> tuple[Numbers, Numbers]:
    """Return scale and minimum [blocks, 8, 1] from two float16 and 12 bytes that hold 16 numbers of 6 bits."""
    b = raw[:, 4:]
    scale = np.concatenate([b[:, :4] & 63, b[:, 8:] & 15 | b[:, :4] >> 6 << 4], 1)
    least = np.concatenate([b[:, 4:8] & 63, b[:, 8:] >> 4 | b[:, 4:8] >> 6 << 4], 1)
    return (_half(raw[:, :2]) * scale)[:, :, None], (_half(raw[:, 2:4]) * least)[:, :, None]


QUANTIZATIONS = {
    "F32": Quantization(4, 1, unquantized("<f4")),
    "F16": Quantization(2, 1, unquantized("<f2")),
    "BF16": Quantization(2, 1, bf16),
    "Q4_0": Quantization(18, 32, q4_0),
    "Q4_1": Quantization(20, 32, q4_1),
    "Q5_0": Quantization(22, 32, q5_0),
    "Q5_1": Quantization(24, 32, q5_1),
    "Q8_0": Quantization(34, 32, q8_0),
    "Q2_K": Quantization(84, 256, q2_k),
    "Q3_K": Quantization(110, 256, q3_k),
    "Q4_K": Quantization(144, 256, q4_k),
    "Q5_K": Quantization(176, 256, q5_k),
    "Q6_K": Quantization(210, 256, q6_k),
}


def quantize_f32(numbers: Numbers) -> bytes:
    """Return numbers as they are."""
    return np.ascontiguousarray(numbers, "<f4").tobytes()


def quantize_f16(numbers: Numbers) -> bytes:
    """Return numbers in 16 bits; numbers over 65,504 become infinite."""
    with np.errstate(over="ignore"):
        return numbers.astype("<f2").tobytes()


def quantize_q8_0(numbers: Numbers) -> bytes:
    """Quantize runs of 32 numbers to 8 bits: the largest becomes 127 or -127, halves are rounded away from zero."""
    blocks = np.ascontiguousarray(numbers, np.float32).reshape(-1, 32)
    scale = np.abs(blocks).max(1, keepdims=True) / np.float32(127)
    inverse = np.divide(1, scale, out=np.zeros_like(scale), where=scale > 0)
    size = np.abs(blocks * inverse)
    whole = np.copysign(np.floor(size) + (size - np.floor(size) >= 0.5), blocks)
    with np.errstate(over="ignore"):
        half = scale.astype("<f2")
    return np.concatenate([half.view(np.uint8), whole.astype(np.int8).view(np.uint8)], 1).tobytes()


QUANTIZERS: dict[str, Callable[[Numbers], bytes]] = {
    "F32": quantize_f32,
    "F16": quantize_f16,
    "Q8_0": quantize_q8_0,
}
