"""The blocks of GGUF files: a few bits for each number, and scales that they share.

Each function turns rows of bytes, one row a block, into rows of numbers: [blocks, bytes] -> [blocks, numbers].
Each layout is that of `ggml-quants.c` of llama.cpp, written for whole arrays.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

Blocks = np.ndarray  # uint8 [blocks, bytes]
Numbers = np.ndarray  # float32 [blocks, numbers]


class Kind(NamedTuple):
    """How numbers are stored: bytes and numbers of a block, and what turns the one into the other."""

    bytes: int
    numbers: int
    unpack: Callable[[Blocks], Numbers]


def plain(kind: str) -> Callable[[Blocks], Numbers]:
    """Numbers as they are, one a block."""
    return lambda raw: raw.reshape(-1).view(kind).astype(np.float32)[:, None]


def bf16(raw: Blocks) -> Numbers:
    """The upper half of a float32."""
    return (raw.reshape(-1).view("<u2").astype(np.uint32) << 16).view(np.float32)[:, None]


def q4_0(raw: Blocks) -> Numbers:
    """32 numbers of 4 bits, from -8, and a scale."""
    return half(raw[:, :2]) * (nibbles(raw[:, 2:]).astype(np.float32) - 8)


def q4_1(raw: Blocks) -> Numbers:
    """32 numbers of 4 bits, a scale and a least number."""
    return half(raw[:, :2]) * nibbles(raw[:, 4:]) + half(raw[:, 2:4])


def q5_0(raw: Blocks) -> Numbers:
    """32 numbers of 5 bits, from -16, and a scale; the fifth bits stand together."""
    return half(raw[:, :2]) * (fives(raw[:, 2:]).astype(np.float32) - 16)


def q5_1(raw: Blocks) -> Numbers:
    """32 numbers of 5 bits, a scale and a least number."""
    return half(raw[:, :2]) * fives(raw[:, 4:]) + half(raw[:, 2:4])


def q8_0(raw: Blocks) -> Numbers:
    """32 numbers of 8 bits and a scale."""
    return half(raw[:, :2]) * signed(raw[:, 2:])


def q2_k(raw: Blocks) -> Numbers:
    """256 numbers of 2 bits in 16 groups, each with a scale and a least number of 4 bits."""
    scale = half(raw[:, 80:82]) * (raw[:, :16] & 15)
    least = half(raw[:, 82:84]) * (raw[:, :16] >> 4)
    numbers = pairs(raw[:, 16:80]).reshape(-1, 16, 16)
    return (scale[:, :, None] * numbers - least[:, :, None]).reshape(len(raw), 256)


def q3_k(raw: Blocks) -> Numbers:
    """256 numbers of 3 bits, from -4, in 16 groups with a scale of 6 bits each, from -32."""
    third = raw[:, None, :32] >> np.arange(8, dtype=np.uint8)[:, None] & 1
    numbers = (pairs(raw[:, 32:96]).reshape(-1, 8, 32) | third << 2).astype(np.float32) - 4
    low = nibbles(raw[:, 96:104])
    high = raw[:, None, 104:108] >> np.array([0, 2, 4, 6], np.uint8)[:, None] & 3
    scale = half(raw[:, 108:]) * ((low | high.reshape(-1, 16) << 4).astype(np.float32) - 32)
    return (scale[:, :, None] * numbers.reshape(-1, 16, 16)).reshape(len(raw), 256)


def q4_k(raw: Blocks) -> Numbers:
    """256 numbers of 4 bits in 8 groups, each with a scale and a least number of 6 bits."""
    scale, least = groups(raw[:, :16])
    numbers = nibbles(raw[:, 16:].reshape(-1, 32)).reshape(-1, 8, 32)
    return (scale * numbers - least).reshape(len(raw), 256)


def q5_k(raw: Blocks) -> Numbers:
    """As q4_k, with a fifth bit: bit g of byte i is that of number i of group g."""
    scale, least = groups(raw[:, :16])
    fifth = raw[:, None, 16:48] >> np.arange(8, dtype=np.uint8)[:, None] & 1
    numbers = nibbles(raw[:, 48:].reshape(-1, 32)).reshape(-1, 8, 32) | fifth << 4
    return (scale * numbers - least).reshape(len(raw), 256)


def q6_k(raw: Blocks) -> Numbers:
    """256 numbers of 6 bits, from -32, in 16 groups with a scale of 8 bits each."""
    low = nibbles(raw[:, :128].reshape(-1, 64)).reshape(-1, 8, 32)
    high = pairs(raw[:, 128:192]).reshape(-1, 8, 32)
    numbers = (low | high << 4).astype(np.float32).reshape(-1, 16, 16) - 32
    scale = half(raw[:, 208:]) * signed(raw[:, 192:208])
    return (scale[:, :, None] * numbers).reshape(len(raw), 256)


def half(raw: Blocks) -> Numbers:
    """Two bytes of each block as a float16, [blocks, 1]."""
    return np.ascontiguousarray(raw).view("<f2").astype(np.float32)


def signed(raw: Blocks) -> Numbers:
    """Bytes from -128 to 127."""
    return np.ascontiguousarray(raw).view(np.int8).astype(np.float32)


def nibbles(raw: Blocks) -> Blocks:
    """The lower four bits of every byte of a row, then the upper four."""
    return np.concatenate([raw & 15, raw >> 4], 1)


def fives(raw: Blocks) -> Blocks:
    """32 numbers of 5 bits: four bytes of fifth bits, then the others."""
    return nibbles(raw[:, 4:]) | np.unpackbits(raw[:, :4], axis=1, bitorder="little") << 4


def pairs(raw: Blocks) -> Blocks:
    """Numbers of 2 bits, [blocks, 2, 4, 32]: of each 32 bytes first the lowest two bits of all, then the next two."""
    return raw.reshape(-1, 2, 1, 32) >> np.array([0, 2, 4, 6], np.uint8)[:, None] & 3


def groups(raw: Blocks) -> tuple[Numbers, Numbers]:
    """Scale and least number [blocks, 8, 1] from two float16 and 12 bytes that hold 16 numbers of 6 bits."""
    b = raw[:, 4:]
    scale = np.concatenate([b[:, :4] & 63, b[:, 8:] & 15 | b[:, :4] >> 6 << 4], 1)
    least = np.concatenate([b[:, 4:8] & 63, b[:, 8:] >> 4 | b[:, 4:8] >> 6 << 4], 1)
    return (half(raw[:, :2]) * scale)[:, :, None], (half(raw[:, 2:4]) * least)[:, :, None]


KINDS = {
    "F32": Kind(4, 1, plain("<f4")),
    "F16": Kind(2, 1, plain("<f2")),
    "BF16": Kind(2, 1, bf16),
    "Q4_0": Kind(18, 32, q4_0),
    "Q4_1": Kind(20, 32, q4_1),
    "Q5_0": Kind(22, 32, q5_0),
    "Q5_1": Kind(24, 32, q5_1),
    "Q8_0": Kind(34, 32, q8_0),
    "Q2_K": Kind(84, 256, q2_k),
    "Q3_K": Kind(110, 256, q3_k),
    "Q4_K": Kind(144, 256, q4_k),
    "Q5_K": Kind(176, 256, q5_k),
    "Q6_K": Kind(210, 256, q6_k),
}
