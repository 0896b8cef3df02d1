"""Token streams on disk: text of any size, encoded once, read through memory maps.

A folder holds `index.json` and pairs of files: `00000.tokens` (little-endian, 2 or 4 bytes each) and `00000.ends`
(8 bytes each: where each document of the shard ends). A shard is either complete or missing, so a build that was
interrupted continues with the next one.
"""

import hashlib
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import numpy as np

from lingon.core.errors import DataError, UserError
from lingon.core.files import atomic_write, locked, read_json, remove_leftovers, write_json
from lingon.core.progress import track
from lingon.data.files.text_stream import group_by_size
from lingon.data.tokenizers.tokenizer import Tokenizer

FORMAT = 1
AT_ONCE = 8 << 20  # characters that are encoded in one call, on all cores
SHARD = 32 << 20  # tokens of a shard, up to one document more


def build_shards(
    folder: Path, documents: Iterable[str], tokenizer: Tokenizer, end: int | None = None, shard_tokens: int = SHARD
) -> "Stream":
    """Encode documents into shards, each followed by `end` if given, and return them as one stream.

    Only a few megabytes of text are in memory at a time. A second call with the same documents continues where the
    first was interrupted, or does nothing if it was complete. Raises UserError if the shards are of another tokenizer.
    """
    folder = Path(folder)
    made_of = {"tokenizer": fingerprint(tokenizer), "end": end, "shard_tokens": shard_tokens}
    with locked(folder, "a build of shards"):
        remove_leftovers(folder)
        index = _index(folder, made_of, len(tokenizer.vocab))
        if not index["whole"]:
            _encode(folder, islice(documents, index["documents"], None), tokenizer, end, index)
    return Stream(folder)


def fingerprint(tokenizer: Tokenizer) -> str:
    """Return a checksum of the complete definition of a tokenizer."""
    return hashlib.sha256(tokenizer.library.to_str().encode()).hexdigest()


def _index(folder: Path, made_of: dict, vocab_size: int) -> dict:
    path = folder / "index.json"
    if path.exists():
        index = _checked(path)
        if index["made_of"] != made_of:
            raise UserError(f"{folder} holds shards of another tokenizer or setting; choose another folder")
        return index
    dtype = "uint16" if vocab_size <= 1 << 16 else "uint32"
    index = {"format": FORMAT, "made_of": made_of, "vocab_size": vocab_size, "dtype": dtype}
    return index | {"shards": [], "documents": 0, "tokens": 0, "bytes": 0, "whole": False}


def _encode(folder: Path, documents: Iterator[str], tokenizer: Tokenizer, end: int | None, index: dict) -> None:
    ids: list[np.ndarray] = []
    held, size = 0, 0
    with track(0, "encoding", "token") as bar:
        for texts in group_by_size(documents, AT_ONCE):
            rows = tokenizer.encode_batch(texts)
            ids += [np.array(row if end is None else [*row, end], index["dtype"]) for row in rows]
            fresh = sum(map(len, ids[-len(rows) :]))
            held, size = held + fresh, size + sum(len(text.encode()) for text in texts)
            bar.advance(fresh)
            if held >= index["made_of"]["shard_tokens"]:
                _write(folder, ids, size, index)
                ids, held, size = [], 0, 0
        if ids:
            _write(folder, ids, size, index)
    if not index["tokens"]:
        raise UserError("there is no text to encode")
    index["whole"] = True
    write_json(folder / "index.json", index)


def _write(folder: Path, ids: list[np.ndarray], size: int, index: dict) -> None:
    name = f"{len(index['shards']):05d}"
    ends = np.cumsum([len(row) for row in ids], dtype=np.int64)
    for suffix, array in (("tokens", np.concatenate(ids)), ("ends", ends)):
        with atomic_write(folder / f"{name}.{suffix}", "wb") as file:
            file.write(array.tobytes())
    index["shards"].append({"name": name, "tokens": int(ends[-1]), "documents": len(ids)})
    index["documents"] += len(ids)
    index["tokens"] += int(ends[-1])
    index["bytes"] += size
    write_json(folder / "index.json", index)


def _checked(path: Path) -> dict:
    index = read_json(path)
    if not isinstance(index, dict) or index.get("format") != FORMAT:
        raise DataError(f"{path}: not an index of shards of format {FORMAT}")
    kinds = {
        "made_of": dict,
        "vocab_size": int,
        "dtype": str,
        "shards": list,
        "documents": int,
        "tokens": int,
        "bytes": int,
    }
    for key, kind in kinds.items():
        if not isinstance(index.get(key), kind):
            raise DataError(f"{path}: key {key!r} is {str(index.get(key))[:40]!r}, expected {kind.__name__}")
    if index["dtype"] not in ("uint16", "uint32"):
        raise DataError(f"{path}: key 'dtype' is {index['dtype']!r}, expected uint16 or uint32")
    return index


class Stream:
    """All tokens of a folder of shards as one sequence: len(stream), stream[a:b] as int64.

    documents: their number. bytes: size of the encoded text in UTF-8.
    """

    def __init__(self, folder: Path | str):
        self.folder = Path(folder)
        index = _checked(self.folder / "index.json")
        if not index.get("whole"):
            raise UserError(f"{self.folder} holds unfinished shards; run what builds them again")
        self.vocab_size, self.documents, self.bytes = index["vocab_size"], index["documents"], index["bytes"]
        self._parts = [self._open(shard, "tokens", index["dtype"], shard["tokens"]) for shard in index["shards"]]
        self._ends = [self._open(shard, "ends", "int64", shard["documents"]) for shard in index["shards"]]
        self._starts = np.concatenate([[0], np.cumsum([len(part) for part in self._parts])])

    def __len__(self) -> int:
        return int(self._starts[-1])

    def __getitem__(self, part: slice) -> np.ndarray:
        start, stop, step = part.indices(len(self))
        assert step == 1, "a stream is read without gaps"
        out = np.empty(max(0, stop - start), np.int64)
        shard = int(np.searchsorted(self._starts, start, "right")) - 1
        while start < stop:
            until = min(stop, int(self._starts[shard + 1]))
            out[len(out) - (stop - start) : len(out) - (stop - until)] = self._parts[shard][
                start - self._starts[shard] : until - self._starts[shard]
            ]
            start, shard = until, shard + 1
        return out

    def ends(self) -> np.ndarray:
        """Return where each document ends, in tokens from the start of the stream."""
        return np.concatenate([ends + start for ends, start in zip(self._ends, self._starts, strict=False)])

    def document(self, number: int) -> np.ndarray:
        """Return the tokens of one document."""
        ends = self.ends()
        return self[int(ends[number - 1]) if number else 0 : int(ends[number])]

    def _open(self, shard: dict, suffix: str, dtype: str, count: int) -> np.ndarray:
        path = self.folder / f"{Path(str(shard.get('name'))).name}.{suffix}"
        kind = np.dtype(dtype).newbyteorder("<")
        if not path.is_file():
            raise DataError(f"{path}: missing; remove the folder and build the shards again")
        if path.stat().st_size != count * kind.itemsize:
            raise DataError(f"{path}: {path.stat().st_size:,} bytes, the index says {count * kind.itemsize:,}")
        return np.memmap(path, kind, "r")
