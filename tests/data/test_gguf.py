"""GGUF files: blocks equal to loops over their bits, every type of metadata, every kind of damage refused by name."""

import random
import struct

import numpy as np
import pytest

from lingon.core.errors import DataError
from lingon.data.files import gguf
from lingon.data.files.gguf import GGUF, is_gguf
from tests.data.gguf_files import BLOCKS, KINDS, TYPES, gguf_bytes, random_blocks, slow, text, value

EACH = {"u8": 251, "i8": -7, "u16": 65_521, "i16": -32_749, "u32": 4_294_967_291, "i32": -3, "f32": 0.625, "bool": True}
EACH |= {"u64": (1 << 64) - 59, "i64": -(1 << 62), "f64": 0.1, "text": "Grüße \u2581"}


def written(folder, metadata, tensors=None, **more):
    path = folder / "a.gguf"
    path.write_bytes(gguf_bytes(metadata, tensors or {}, **more))
    return path


@pytest.mark.parametrize("kind", BLOCKS)
def test_blocks_are_what_loops_over_their_bits_give(kind, tmp_path):
    size, numbers, _ = BLOCKS[kind]
    raw = random_blocks(kind, 3 * 7)
    found = GGUF(written(tmp_path, {}, {"w": (kind, (3, 7 * numbers), raw)})).read("w")
    loops = [x for at in range(0, len(raw), size) for x in slow(kind, raw[at : at + size])]
    assert found.dtype == np.float32
    assert found.shape == (3, 7 * numbers)
    np.testing.assert_allclose(found.reshape(-1), loops, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("kind", ["F32", "F16", "BF16"])
def test_plain_numbers(kind, tmp_path):
    numbers = np.random.default_rng(0).normal(size=(5, 7)).astype(np.float32)
    if kind == "BF16":
        raw = (numbers.view(np.uint32) >> 16).astype("<u2").tobytes()
        numbers = (numbers.view(np.uint32) >> 16 << 16).view(np.float32)
    else:
        numbers = numbers.astype("<f2") if kind == "F16" else numbers
        raw = numbers.tobytes()
    found = GGUF(written(tmp_path, {}, {"w": (kind, (5, 7), raw)})).read("w")
    assert np.array_equal(found, numbers.astype(np.float32))


def test_a_tensor_of_many_pieces_is_put_together(tmp_path, monkeypatch):
    raw = random_blocks("Q6_K", 3 * 5)
    path = written(tmp_path, {}, {"a": np.ones((2, 3)), "w": ("Q6_K", (3, 5 * 256), raw), "z": np.zeros(7)})
    whole = GGUF(path).read("w")
    monkeypatch.setattr(gguf, "CHUNK", 512)
    assert np.array_equal(GGUF(path).read("w"), whole)
    assert np.array_equal(GGUF(path).read("a"), np.ones((2, 3)))


@pytest.mark.parametrize("version", [2, 3])
def test_every_type_of_metadata(version, tmp_path):
    metadata = {kind: value(kind, x) for kind, x in EACH.items()}
    metadata |= {f"[{kind}]": value(f"[{kind}]", [x, x, x]) for kind, x in EACH.items()}
    metadata |= {"[[i16]]": value("[[i16]]", [[3, -5], [7]]), "[[text]]": value("[[text]]", [["a"], ["b", ""]])}
    metadata |= {"none": value("[u8]", [])}
    found = GGUF(written(tmp_path, metadata, version=version)).metadata
    assert {kind: found[kind] for kind in EACH} == EACH
    assert all(type(found[kind]) is type(x) for kind, x in EACH.items())
    for kind, x in EACH.items():
        assert list(found[f"[{kind}]"]) == [x, x, x]
    assert [list(row) for row in found["[[i16]]"]] == [[3, -5], [7]]
    assert found["[[text]]"] == [["a"], ["b", ""]]
    assert len(found["none"]) == 0


@pytest.mark.parametrize("alignment", [8, 64, 256])
def test_tensors_are_found_at_any_alignment(alignment, tmp_path):
    tensors = {"a": np.arange(7.0), "b": np.arange(11.0).reshape(11, 1), "c": np.arange(13.0)}
    metadata = {"general.alignment": alignment}
    file = GGUF(written(tmp_path, metadata, tensors, alignment=alignment))
    for name, numbers in tensors.items():
        assert np.array_equal(file.read(name), numbers)


def damaged(position: int, raw: bytes) -> bytes:
    """The file of `good` with other bytes from a place on."""
    return good()[:position] + raw + good()[position + len(raw) :]


def good() -> bytes:
    return gguf_bytes({"a": 7, "b": ["x", "yz"], "c": True}, {"w": np.ones((3, 5)), "v": np.ones(7)})


HUGE = struct.pack("<Q", 1 << 62)
PLACE = good().index(text("w")) + len(text("w"))  # of the axes of the first tensor
NEXT = good().index(text("v")) + len(text("v"))  # of the axis of the second
LIST = good().index(text("b")) + len(text("b"))  # of the type of a list
TRUTH = good().index(text("c")) + len(text("c"))
DAMAGE = {
    "not a GGUF file": b"GGML" + good()[4:],
    "version 1 of the format": damaged(4, struct.pack("<I", 1)),
    "big-endian": damaged(4, struct.pack(">I", 3)),
    r"4,611,686,018,427,387,904 tensors are declared": damaged(8, HUGE),
    "metadata keys are declared": damaged(16, HUGE),
    "bytes of a text are declared": damaged(24, HUGE),
    "members are declared": damaged(LIST + 8, HUGE),
    "not UTF-8": damaged(32, b"\xff"),
    "metadata of type 13": damaged(33, struct.pack("<I", 13)),
    "a truth is 2": damaged(TRUTH + 4, b"\2"),
    "has 5 axes": damaged(PLACE, struct.pack("<I", 5)),
    "has 0 axes": damaged(PLACE, struct.pack("<I", 0)),
    r"cannot have the shape \[3, 0\]": damaged(PLACE + 4, struct.pack("<Q", 0)),
    "cannot have the shape .* as F32": damaged(PLACE + 4, HUGE),
    "is stored as IQ4_NL; what is read: F32": damaged(PLACE + 20, struct.pack("<I", 20)),
    "is stored as number 4;": damaged(PLACE + 20, struct.pack("<I", 4)),
    r"cannot have the shape \[3, 5\] as Q4_0": damaged(PLACE + 20, struct.pack("<I", 2)),
    "'v' begins at 32, within another": damaged(NEXT + 16, struct.pack("<Q", 32)),
    "begins at 7, within another or between places": damaged(PLACE + 24, struct.pack("<Q", 7)),
    "would end after the file": damaged(PLACE + 24, HUGE),
    "the metadata key 'a' occurs twice": good().replace(text("c"), text("a")),
    "tensor 'w' occurs twice": good().replace(text("v"), text("w")),
    "general.alignment is 3": gguf_bytes({"general.alignment": 3}, {}),
    "general.alignment is 0": gguf_bytes({"general.alignment": 0}, {}),
    "general.alignment is 'x'": gguf_bytes({"general.alignment": "x"}, {}),
    "lists in lists": gguf_bytes({"a": struct.pack("<I", 9) + struct.pack("<IQ", 9, 1) * 9}, {}),
    "cannot be mapped|cannot mmap": b"",
}


@pytest.mark.parametrize("why", DAMAGE)
def test_damage_is_named(why, tmp_path):
    path = tmp_path / "a.gguf"
    path.write_bytes(DAMAGE[why])
    with pytest.raises(DataError, match=why) as caught:
        GGUF(path)
    assert str(path) in str(caught.value)


def test_a_file_that_is_cut_anywhere_says_so(tmp_path):
    path, whole = tmp_path / "a.gguf", good()
    GGUF(written(tmp_path, {}))
    for length in range(4, len(whole) - 4):
        path.write_bytes(whole[:length])
        with pytest.raises(DataError, match=r"truncated|declared"):
            GGUF(path)


def test_any_bytes_end_in_a_file_that_is_read_or_a_data_error(tmp_path):
    """Fuzzed: bytes changed, pieces taken out, put in twice; sizes replaced by large ones."""
    draw = random.Random(0)
    path, whole = tmp_path / "a.gguf", good()
    read = refused = 0
    for _ in range(1000):
        raw = bytearray(whole)
        for _ in range(draw.choice([1, 1, 2, 5])):
            at = draw.randrange(len(raw))
            what = draw.randrange(4)
            if what == 0:
                raw[at] = draw.randrange(256)
            elif what == 1:
                raw[at : at + 8] = struct.pack("<Q", draw.choice([0, 1, 1 << 31, 1 << 40, (1 << 64) - 1]))
            elif what == 2:
                del raw[at : at + draw.randrange(1, 9)]
            else:
                raw[at:at] = raw[: draw.randrange(1, 40)]
        path.write_bytes(raw)
        try:
            file = GGUF(path)
            for name in file.tensors:
                assert file.read(name).size == file.tensors[name].size
            read += 1
        except DataError:
            refused += 1
    assert read > 30
    assert refused > 300


def test_a_missing_file_and_what_is_taken_for_one(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        GGUF(tmp_path / "b.gguf")
    with pytest.raises(DataError, match="tensor 'w' is missing"):
        GGUF(written(tmp_path, {})).read("w")
    assert is_gguf(written(tmp_path, {}))
    assert not is_gguf(tmp_path)
    (tmp_path / "weights").write_bytes(good())
    assert is_gguf(tmp_path / "weights")


def test_the_tables_of_the_writer_and_the_reader_agree():
    assert {gguf.NAMES[number] for number in KINDS.values()} == set(gguf.QUANTIZATIONS)
    assert set(TYPES.values()) == set(gguf.NUMBERS)
