"""An index on disk: files named by the hash of their content, and a manifest that lists them, replaced atomically.

`manifest.json` has the name, size and sha256 of every file. An update writes new files beside the old ones, flushes
them to the disk, then replaces the manifest by a rename; files that it does not list are deleted afterwards. So at any
time, even after a kill or a power failure, the manifest lists files that all exist and are complete.
"""

import contextlib
import hashlib
import json
import os
import re
import secrets
import shlex
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib.format import open_memmap

from lingon.core.errors import DataError, UserError
from lingon.core.files import TEMPORARY, atomic_write, open_regular, read_json, sha256_of, sync_folder
from lingon.core.strict_json import dumps
from lingon.core.tensors import load_arrays

FORMAT, MANIFEST = 1, "manifest.json"
NAME = re.compile(r"[a-z0-9]+-[0-9a-f]{16}\.(safetensors|npy|jsonl)")
TRIES = 3  # of a reader, if an update replaces files after it has read the manifest
MOST_JSON = 64 << 20
ENTRY = {"name": str, "bytes": int, "sha256": str}

Listing = dict[str, dict[str, Any]]  # by role: name, bytes and sha256 of the file


def write_index(folder: Path, about: Mapping[str, Any], writers: Mapping[str, tuple[str, Callable]]) -> None:
    """Write the files of an index and then its manifest. Call it only while holding the lock of the folder.

    about: what the manifest holds besides the files. writers: by role, the suffix of the file and a function that
    writes its content into an open binary file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = {role: _write(folder, role, suffix, write) for role, (suffix, write) in writers.items()}
    sync_folder(folder)
    with atomic_write(folder / MANIFEST) as file:
        file.write(dumps({"format": FORMAT, "kind": "lingon-index", **about, "files": files}, indent=1) + "\n")
    remove_unnamed(folder, files)


def _write(folder: Path, role: str, suffix: str, write: Callable[[IO[bytes]], None]) -> dict[str, Any]:
    temporary = folder / f"{TEMPORARY}{secrets.token_hex(8)}"
    handle = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_RDWR | getattr(os, "O_BINARY", 0), 0o666)
    try:
        with os.fdopen(handle, "w+b") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
            file.seek(0)
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            size = os.fstat(file.fileno()).st_size
        name = f"{role}-{digest[:16]}{suffix}"
        os.replace(temporary, folder / name)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return {"name": name, "bytes": size, "sha256": digest}


def remove_unnamed(folder: Path, files: Listing) -> None:
    """Delete files of an index that its manifest does not list."""
    named = {entry["name"] for entry in files.values()}
    for path in folder.iterdir():
        if NAME.fullmatch(path.name) and path.name not in named:
            with contextlib.suppress(OSError):  # on Windows, a file in use cannot be deleted; the next update does
                path.unlink()


def is_index(folder: Path) -> bool:
    """Return whether a folder holds an index, intact or damaged."""
    return (Path(folder) / MANIFEST).is_file()


class StoredIndex:
    """An index on disk; the sha256 of each file is verified before it is read.

    Raises DataError, naming the file, for one that is missing, damaged or of another format.
    """

    def __init__(self, folder: Path):
        self.folder = Path(folder)
        self.about = read_manifest(self.folder)
        self.files: Listing = self.about["files"]

    def has(self, role: str) -> bool:
        """Return whether the index has a file for this role."""
        return role in self.files

    def path(self, role: str) -> Path:
        """Return the path of a file, after verifying its sha256."""
        if role not in self.files:
            raise DataError(f"{self.folder / MANIFEST}: names no {role}; it is not an index, or a damaged one")
        entry, path = self.files[role], self.folder / self.files[role]["name"]
        with open_regular(path) as file:
            size = os.fstat(file.fileno()).st_size
            if size != entry["bytes"] or sha256_of(path) != entry["sha256"]:
                raise DataError(f"{path}: damaged, its size or sha256 is not what {MANIFEST} says; index again")
        return path

    def arrays(self, role: str) -> dict[str, np.ndarray]:
        """Return the arrays of a safetensors file."""
        return load_arrays(self.path(role))

    def matrix(self, role: str) -> np.ndarray:
        """Return the float32 matrix of a .npy file, memory-mapped."""
        path = self.path(role)
        try:
            found = open_memmap(path, mode="r")  # unlike np.load, it never reads a pickle or an archive
        except (ValueError, OSError, EOFError, OverflowError, SyntaxError) as error:
            raise DataError(f"{path}: not a complete .npy file ({str(error)[:80]})") from None
        if found.ndim != 2 or found.dtype != np.float32 or not found.flags.c_contiguous:
            raise DataError(f"{path}: {found.dtype} {list(found.shape)}; expected a matrix of float32, row by row")
        return found

    def lines(self, role: str) -> "JsonLines":
        """Return the lines of a .jsonl file, each parsed when it is accessed."""
        return JsonLines(self.path(role))


def open_stored(folder: Path, check: Callable[[StoredIndex], Any]) -> Any:
    """Return the result of `check` for an index; try again if an update has replaced its files in the meantime."""
    for turn in range(TRIES):
        stored = StoredIndex(folder)
        try:
            return check(stored)
        except (DataError, FileNotFoundError):
            if turn + 1 == TRIES or read_manifest(folder) == stored.about:
                raise
            time.sleep(0.05)
    raise AssertionError("a turn returns or raises")


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return the manifest of an index, validated. Raises UserError if there is none, DataError if it is invalid."""
    path = folder / MANIFEST
    if not folder.is_dir() or not path.exists():
        if folder.is_dir() and any(one.name[0] != "." for one in folder.iterdir()):  # most likely the texts to index
            texts, out = shlex.quote(str(folder)), shlex.quote(f"{folder.name or 'texts'}-index")
            how = f"build one with: lingon index {texts} --out {out}"
        else:
            how = f"build one with: lingon index FOLDER --out {shlex.quote(str(folder))}"
        raise UserError(f"{str(folder)!r} is {'a folder without an index' if folder.is_dir() else 'no folder'}; {how}")
    found = read_json(path, MOST_JSON)
    if not isinstance(found, dict) or found.get("kind") != "lingon-index" or found.get("format") != FORMAT:
        kind = found.get("format") if isinstance(found, dict) else type(found).__name__
        raise DataError(f"{path}: not the manifest of an index of format {FORMAT}, which this Lingon reads ({kind!r})")
    files = found.get("files")
    for role, entry in files.items() if isinstance(files, dict) else [("files", None)]:
        types = {key: type(value) for key, value in entry.items()} if isinstance(entry, dict) else {}
        if types != ENTRY or entry is None or not NAME.fullmatch(entry["name"]):
            said = f"{str(entry)[:60]!r}, expected name, bytes and sha256"
            raise DataError(f"{path}: key {role!r} of its files is {said}")
    return found


class JsonLines:
    """Lines of JSON objects, each parsed when it is accessed."""

    def __init__(self, path: Path):
        self.path = path
        self.data = path.read_bytes()
        ends = np.flatnonzero(np.frombuffer(self.data, np.uint8) == ord("\n")) if self.data else np.zeros(0, np.int64)
        self.places = np.concatenate([[0], ends + 1])

    def __len__(self) -> int:
        return len(self.places) - 1

    def __getitem__(self, i: int) -> dict[str, Any]:
        line = self.data[self.places[i] : self.places[i + 1]]
        try:
            found = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise DataError(f"{self.path}:{i + 1}: not JSON ({error})") from None
        if not isinstance(found, dict):
            raise DataError(f"{self.path}:{i + 1}: a {type(found).__name__}, expected an object")
        return found

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return (self[i] for i in range(len(self)))


def lines_writer(rows: Iterable[Mapping[str, Any]]) -> tuple[str, Callable[[IO[bytes]], None]]:
    """Return the suffix and the writer of a file of JSON lines."""

    def write(file: IO[bytes]) -> None:
        file.writelines((dumps(row) + "\n").encode() for row in rows)

    return ".jsonl", write


def matrix_writer(matrix: np.ndarray) -> tuple[str, Callable[[IO[bytes]], None]]:
    """Return the suffix and the writer of a float32 matrix."""
    whole = np.ascontiguousarray(matrix, np.float32)
    return ".npy", lambda file: np.save(file, whole, allow_pickle=False)


def arrays_writer(arrays: Mapping[str, np.ndarray]) -> tuple[str, Callable[[IO[bytes]], None]]:
    """Return the suffix and the writer of arrays by name."""

    def write(file: IO[bytes]) -> None:
        from safetensors.numpy import save

        file.write(save({name: np.ascontiguousarray(array) for name, array in arrays.items()}))

    return ".safetensors", write
