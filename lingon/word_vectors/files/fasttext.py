"""Models of fastText (.bin): words, parts of words and both tables, read as a map of the file and written back.

The layout is that of fastText 0.9 (FastText::saveModel, version 12): numbers of settings, words with their counts, the
input table [words + buckets, D], the output table. Models made small by `quantize` (.ftz) are refused by name.
"""

import struct
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from lingon.core.errors import DataError, UserError
from lingon.core.files import atomic_write
from lingon.word_vectors.files.loaded import Loaded, without_repeats
from lingon.word_vectors.files.mapped_bytes import check_finite, map_bytes
from lingon.word_vectors.files.subwords import Subwords, means_of_words

MAGIC, VERSIONS = 793_712_314, (11, 12)
SETTINGS = (
    *("dim", "ws", "epoch", "min_count", "neg", "word_ngrams", "loss", "model"),
    *("bucket", "minn", "maxn", "lr_update_rate"),
)
HEAD, SIZES, ENTRY = struct.Struct("<14id"), struct.Struct("<3i2q"), struct.Struct("<qb")
WIDEST, LONGEST = 65_536, 100  # numbers of a vector, letters of an n-gram: more is a broken file
SUPERVISED = 3
MATRIX = struct.Struct("<?2q")


@dataclass(frozen=True)
class FastText:
    """A model of fastText.

    words, counts: the known words, the most frequent first. inputs: float32 [words + buckets, D]: a row per word, then
    a row per bucket of n-grams. outputs: [words or labels, D]. settings: fastText's own, by name (see SETTINGS).
    labels, label_counts: of a supervised model. tokens: words that were read while training.
    """

    words: list[str]
    counts: list[int]
    inputs: np.ndarray
    outputs: np.ndarray
    settings: dict[str, int]
    tokens: int = 0
    labels: list[str] = field(default_factory=list)
    label_counts: list[int] = field(default_factory=list)
    threshold: float = 1e-4

    @property
    def subwords(self) -> Subwords | None:
        """Return the vectors of n-grams; None in a model without."""
        if self.settings["maxn"] < 1 or not self.settings["bucket"]:
            return None
        return Subwords(self.inputs[len(self.words) :], self.settings["minn"], self.settings["maxn"])

    def table(self) -> np.ndarray:
        """Return the vectors of the known words, [V, D], as fastText's `get_word_vector` gives them."""
        own = self.inputs[: len(self.words)]
        return np.array(own) if self.subwords is None else means_of_words(self.words, own, self.subwords)


def load_fasttext(path: Path) -> FastText:
    """Read a .bin file; the tables are maps of it. Raises DataError for anything that does not fit together."""
    path = Path(path)
    try:
        return _parse(path, map_bytes(path))
    except struct.error:
        raise DataError(f"{path}: ends inside its header; is the file complete?") from None


def read_fasttext(path: Path) -> Loaded:
    """Return the words, their vectors and those of their parts."""
    model = load_fasttext(path)
    check_finite(path, "row", model.inputs)
    words, table = without_repeats(path, model.words, model.table())
    if model.subwords is not None:
        check_finite(path, "the mean of word", table)  # finite parts may add up to infinity
    return Loaded(words, table, model.subwords)


def save_fasttext(path: Path, model: FastText) -> None:
    """Write a .bin file that fastText's own programs read; atomically. Raises UserError when parts do not fit."""
    given = model.settings | {"dim": model.inputs.shape[1]}
    rows = len(model.words) + given["bucket"]
    if len(model.inputs) != rows or len(model.counts) != len(model.words):
        raise UserError(
            f"{len(model.inputs):,} input rows and {len(model.counts):,} counts for {len(model.words):,} words and "
            f"{given['bucket']:,} buckets; expected {rows:,} rows and a count for each word"
        )
    entries = [(w, c, 0) for w, c in zip(model.words, model.counts, strict=True)]
    entries += [(w, c, 1) for w, c in zip(model.labels, model.label_counts, strict=True)]
    with atomic_write(Path(path), "wb") as file:
        file.write(HEAD.pack(MAGIC, 12, *(given[name] for name in SETTINGS), model.threshold))
        file.write(SIZES.pack(len(entries), len(model.words), len(model.labels), model.tokens, -1))
        for word, count, kind in entries:
            coded = word.encode("utf-8", "surrogateescape")
            if b"\0" in coded:
                raise UserError(f"the word {word[:40]!r} holds a zero byte, which ends a word in this format")
            file.write(coded + b"\0" + ENTRY.pack(count, kind))
        for table in (model.inputs, model.outputs):
            file.write(MATRIX.pack(False, *table.shape))
            for begin in range(0, len(table), 1 << 16):
                file.write(np.ascontiguousarray(table[begin : begin + (1 << 16)], "<f4").tobytes())


def _parse(path: Path, data: memoryview) -> FastText:
    magic, version, *settings, threshold = HEAD.unpack_from(data)
    if magic != MAGIC or version not in VERSIONS:
        raise DataError(f"{path}: not a model of fastText, or version {version}; versions 11 and 12 are read")
    given = dict(zip(SETTINGS, settings, strict=True))
    if version == 11 and given["model"] == SUPERVISED:
        given["maxn"] = 0  # what fastText itself does: there were no parts of words then
    _check(path, given)
    count, known, labels, tokens, pruned = SIZES.unpack_from(data, HEAD.size)
    at = HEAD.size + SIZES.size
    if min(known, labels) < 0 or count != known + labels or count > (len(data) - at) // 10:
        raise DataError(f"{path}: declares {known:,} words and {labels:,} labels; is the file broken?")
    if pruned > 0:
        raise DataError(f"{path}: a pruned model; export the one before `quantize`")
    entries, at = _entries(path, data, at, count)
    inputs, at = _matrix(path, data, at)
    outputs, _ = _matrix(path, data, at)
    wanted = (known + given["bucket"], given["dim"])
    if inputs.shape != wanted or outputs.shape[1] != given["dim"]:
        raise DataError(f"{path}: its table is {list(inputs.shape)}, its header declares {list(wanted)}")
    words = FastText(
        [w for w, _, _ in entries[:known]],
        [c for _, c, _ in entries[:known]],
        inputs,
        outputs,
        given,
        tokens,
        threshold=threshold,
    )
    if any(kind != (i >= known) for i, (_, _, kind) in enumerate(entries)):
        raise DataError(f"{path}: words and labels are mixed; is the file broken?")
    rest = entries[known:]
    return replace(words, labels=[w for w, _, _ in rest], label_counts=[c for _, c, _ in rest])


def _check(path: Path, given: dict[str, int]) -> None:
    if not 1 <= given["dim"] <= WIDEST or given["bucket"] < 0:
        raise DataError(
            f"{path}: vectors of width {given['dim']:,} and {given['bucket']:,} buckets; is the file broken?"
        )
    if not (0 <= given["maxn"] <= LONGEST and given["minn"] >= 0):
        raise DataError(f"{path}: n-grams of {given['minn']} to {given['maxn']} letters; is the file broken?")


def _entries(path: Path, data: memoryview, at: int, count: int) -> tuple[list[tuple[str, int, int]], int]:
    """Word, count and kind of each entry, and where they end."""
    found: list[tuple[str, int, int]] = []
    whole_bytes: Any = data.obj  # a memoryview cannot be searched, what lies under it can
    for _ in range(count):
        end = whole_bytes.find(b"\0", at)
        if end < 0:
            raise DataError(f"{path}: ends inside its words; is the file complete?")
        word = bytes(data[at:end]).decode("utf-8", "surrogateescape")  # fastText cuts a long word inside a letter
        found.append((word, *ENTRY.unpack_from(data, end + 1)))
        at = end + 1 + ENTRY.size
    return found, at


def _matrix(path: Path, data: memoryview, at: int) -> tuple[np.ndarray, int]:
    small, rows, width = MATRIX.unpack_from(data, at)
    if small:
        raise DataError(f"{path}: a quantized model (.ftz); export the one before `quantize`")
    at += MATRIX.size
    if rows < 0 or not 1 <= width <= WIDEST or rows * width * 4 > len(data) - at:
        raise DataError(f"{path}: declares {rows:,} x {width:,} numbers, {len(data) - at:,} bytes are left")
    return np.frombuffer(data, "<f4", rows * width, at).reshape(rows, width), at + rows * width * 4
