"""A small writer of GGUF files, and loops that read their blocks number by number, from the format's description."""

import struct

import numpy as np

TYPES = {"u8": 0, "i8": 1, "u16": 2, "i16": 3, "u32": 4, "i32": 5, "f32": 6, "bool": 7, "u64": 10, "i64": 11, "f64": 12}
CODES = dict(zip(TYPES, "BbHhIif?Qqd", strict=True))
KINDS = {"F32": 0, "F16": 1, "Q4_0": 2, "Q4_1": 3, "Q5_0": 6, "Q5_1": 7, "Q8_0": 8, "Q2_K": 10, "Q3_K": 11}
KINDS |= {"Q4_K": 12, "Q5_K": 13, "Q6_K": 14, "BF16": 30}
# Bytes and numbers of a block, and where in it the scales of 16 bits stand.
BLOCKS = {"Q4_0": (18, 32, (0,)), "Q4_1": (20, 32, (0, 2)), "Q5_0": (22, 32, (0,)), "Q5_1": (24, 32, (0, 2))}
BLOCKS |= {"Q8_0": (34, 32, (0,)), "Q2_K": (84, 256, (80, 82)), "Q3_K": (110, 256, (108,))}
BLOCKS |= {"Q4_K": (144, 256, (0, 2)), "Q5_K": (176, 256, (0, 2)), "Q6_K": (210, 256, (208,))}


def text(value: str) -> bytes:
    return struct.pack("<Q", len(value.encode())) + value.encode()


def value(kind: str, x) -> bytes:
    """A value's type and value; a list of them has a kind such as "[u8]"."""
    if kind == "text":
        return struct.pack("<I", 8) + text(x)
    if not kind.startswith("["):
        return struct.pack(f"<I{CODES[kind]}", TYPES[kind], x)
    items = [value(kind[1:-1], item) for item in x]
    inner = items[0][:4] if items else struct.pack("<I", TYPES.get(kind[1:-1], 8))
    return struct.pack("<I", 9) + inner + struct.pack("<Q", len(items)) + b"".join(item[4:] for item in items)


def guess(x) -> bytes:
    """A value of the type that converters give it."""
    if isinstance(x, list):
        kinds = {str: "[text]", int: "[i32]", float: "[f32]"}
        return value(kinds[type(x[0])], x)
    return value({bool: "bool", str: "text", int: "u32", float: "f32"}[type(x)], x)


def encoded(tensor) -> tuple[str, tuple[int, ...], bytes]:
    """A float32 array as it is; or (kind, shape, bytes) as given."""
    if isinstance(tensor, tuple):
        return tensor
    return "F32", tensor.shape, np.ascontiguousarray(tensor, "<f4").tobytes()


def gguf_bytes(metadata: dict, tensors: dict, version: int = 3, alignment: int = 32) -> bytes:
    """A whole file. Metadata may be given as bytes: type and value."""
    out = b"GGUF" + struct.pack("<IQQ", version, len(tensors), len(metadata))
    for name, x in metadata.items():
        out += text(name) + (x if isinstance(x, bytes) else guess(x))
    body = b""
    for name, (kind, shape, raw) in ((name, encoded(t)) for name, t in tensors.items()):
        out += text(name) + struct.pack(f"<I{len(shape)}Q", len(shape), *shape[::-1])
        out += struct.pack("<IQ", KINDS[kind], len(body))
        body += raw + bytes(-len(raw) % alignment)
    return out + bytes(-len(out) % alignment) + body


def random_blocks(kind: str, count: int, seed: int = 0) -> bytes:
    """Blocks of any bits, but for scales between .001 and .01, so that the numbers are of a size that weights have."""
    size, _, scales = BLOCKS[kind]
    draw = np.random.default_rng(seed)
    raw = draw.integers(0, 256, (count, size), dtype=np.uint8)
    for at in scales:
        scale = draw.uniform(0.001, 0.01, count).astype("<f2")
        raw[:, at : at + 2] = scale.view(np.uint8).reshape(count, 2)
    return raw.tobytes()


def f16(raw: bytes) -> float:
    return struct.unpack("<e", raw)[0]


def slow(kind: str, b: bytes) -> list[float]:
    """The numbers of one block, one after the other."""
    return SLOW[kind](b)


def slow_q4(b: bytes, plus: int, least: bool) -> list[float]:
    d, q = f16(b[:2]), b[4:] if least else b[2:]
    m = f16(b[2:4]) if least else 0.0
    return [d * ((q[i % 16] >> 4 * (i // 16) & 15) - plus) + m for i in range(32)]


def slow_q5(b: bytes, plus: int, least: bool) -> list[float]:
    d, rest = f16(b[:2]), b[4:] if least else b[2:]
    m = f16(b[2:4]) if least else 0.0
    (fifth,) = struct.unpack("<I", rest[:4])
    q = rest[4:]
    return [d * (((q[i % 16] >> 4 * (i // 16) & 15) + 16 * (fifth >> i & 1)) - plus) + m for i in range(32)]


def slow_q8(b: bytes) -> list[float]:
    return [f16(b[:2]) * x for x in struct.unpack("<32b", b[2:])]


def slow_q2_k(b: bytes) -> list[float]:
    scales, q, d, least = b[:16], b[16:80], f16(b[80:82]), f16(b[82:84])
    out = []
    for i in range(256):
        part, within = divmod(i, 128)
        number = q[32 * part + within % 32] >> 2 * (within // 32) & 3
        out.append(d * (scales[i // 16] & 15) * number - least * (scales[i // 16] >> 4))
    return out


def slow_q3_k(b: bytes) -> list[float]:
    mask, q, packed, d = b[:32], b[32:96], b[96:108], f16(b[108:])
    out = []
    for i in range(256):
        part, within = divmod(i, 128)
        number = q[32 * part + within % 32] >> 2 * (within // 32) & 3
        if not mask[i % 32] >> (i // 32) & 1:
            number -= 4
        group = i // 16
        low = packed[group % 8] >> 4 * (group // 8) & 15
        high = packed[8 + group % 4] >> 2 * (group // 4) & 3
        out.append(d * (low + 16 * high - 32) * number)
    return out


def six_bits(packed: bytes, group: int) -> tuple[int, int]:
    """Scale and least number of a group of 32, from 12 bytes: `get_scale_min_k4` of ggml."""
    if group < 4:
        return packed[group] & 63, packed[group + 4] & 63
    scale = packed[group + 4] & 15 | (packed[group - 4] >> 6) << 4
    return scale, packed[group + 4] >> 4 | (packed[group] >> 6) << 4


def slow_q45_k(b: bytes, five: bool) -> list[float]:
    d, least, packed = f16(b[:2]), f16(b[2:4]), b[4:16]
    fifth, q = (b[16:48], b[48:]) if five else (bytes(32), b[16:])
    out = []
    for i in range(256):
        group, within = divmod(i, 32)
        number = q[32 * (group // 2) + within] >> 4 * (group % 2) & 15
        number += 16 * (fifth[within] >> group & 1)
        scale, minimum = six_bits(packed, group)
        out.append(d * scale * number - least * minimum)
    return out


def slow_q6_k(b: bytes) -> list[float]:
    low, high, scales, d = b[:128], b[128:192], struct.unpack("<16b", b[192:208]), f16(b[208:])
    out = []
    for i in range(256):
        part, within = divmod(i, 128)
        quarter, at = divmod(within, 32)
        number = low[64 * part + 32 * (quarter % 2) + at] >> 4 * (quarter // 2) & 15
        number += (high[32 * part + at] >> 2 * quarter & 3) << 4
        out.append(d * scales[i // 16] * (number - 32))
    return out


SLOW = {
    "Q4_0": lambda b: slow_q4(b, 8, False),
    "Q4_1": lambda b: slow_q4(b, 0, True),
    "Q5_0": lambda b: slow_q5(b, 16, False),
    "Q5_1": lambda b: slow_q5(b, 0, True),
    "Q8_0": slow_q8,
    "Q2_K": slow_q2_k,
    "Q3_K": slow_q3_k,
    "Q4_K": lambda b: slow_q45_k(b, False),
    "Q5_K": lambda b: slow_q45_k(b, True),
    "Q6_K": slow_q6_k,
}
