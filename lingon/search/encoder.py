"""The encoder of an index, identified by its vectors of two sentences; its results are cached while it runs."""

import hashlib
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.lib.format import open_memmap

from lingon.core.errors import DataError, UserError
from lingon.core.files import atomic_write
from lingon.core.progress import no_progress, track
from lingon.search.vectors import unit_rows

PROBES = ("A cat sat on the mat.", "The rate of inflation fell in March, the bank said.")
SAME = 0.99  # minimum cosine of a sentence's vectors: higher on another machine or precision, far less if another model
AT_ONCE = 1024  # texts that are encoded and cached together
WORKPLACE = ".encoding"  # the folder in an index where vectors are cached until the index is written


@runtime_checkable
class TextEncoder(Protocol):
    """An object that encodes texts as vectors, such as the task `lingon.load("minilm-l6")`."""

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Return the vectors of texts, float32 [n, D], in their order."""
        ...


@dataclass(frozen=True)
class Encoder:
    """An encoder and its name, with which `lingon.load` loads it again."""

    source: str
    model: TextEncoder

    def unit(self, texts: Sequence[str]) -> np.ndarray:
        """Return the vectors of texts with length 1, float32 [n, D]."""
        with no_progress(len(texts) < AT_ONCE):
            found = np.asarray(self.model.encode(list(texts)))
        if found.ndim != 2 or len(found) != len(texts):
            raise DataError(f"{self.source}: vectors of shape {list(found.shape)} for {len(texts)} texts")
        return unit_rows(found, self.source)

    def identity(self) -> dict[str, Any]:
        """Return what an index stores of its encoder, to recognise it: name, width and vectors of two sentences."""
        probe = self.unit(PROBES)
        return {"source": self.source, "width": probe.shape[1], "probe": np.round(probe, 5).tolist()}

    def check(self, kept: Mapping[str, Any], folder: Path) -> None:
        """Raise UserError if an index was made with another encoder, DataError if its identity `kept` is invalid."""
        source, width = kept.get("source"), kept.get("width")
        try:
            probe = np.asarray(kept.get("probe"), np.float32)
        except (TypeError, ValueError):
            probe = np.zeros(0, np.float32)
        if not isinstance(source, str) or probe.shape != (len(PROBES), width) or not np.isfinite(probe).all():
            raise DataError(f"{folder}: the manifest does not say which encoder its vectors are of; index again")
        own = self.unit(PROBES)
        if own.shape != probe.shape or (np.einsum("nd,nd->n", own, unit_rows(probe, source)) < SAME).any():
            raise UserError(
                f"{folder} was made with the encoder {source!r} (width {width}), and {self.source!r} (width "
                f"{own.shape[1]}) gives different vectors; search with the original encoder, or "
                "index again with --overwrite"
            )


def encode_kept(encoder: Encoder, texts: Sequence[str], folder: Path) -> np.ndarray:
    """Return the vectors of texts, float32 [n, D] of length 1; those cached by a killed process are not computed again.

    folder: of the index; groups of vectors are cached in it until `forget_kept`.
    """
    if not texts:
        return np.zeros((0, encoder.unit(PROBES).shape[1]), np.float32)
    seal = repr(encoder.identity())
    found = []
    with track(len(texts), "encoding", "passage") as bar:
        for begin in range(0, len(texts), AT_ONCE):
            some = texts[begin : begin + AT_ONCE]
            digest = hashlib.sha256("\0".join([seal, *map(_digest, some)]).encode()).hexdigest()
            path = folder / WORKPLACE / f"{digest[:32]}.npy"
            vectors = _read(path, len(some))
            if vectors is None:
                with no_progress():
                    vectors = encoder.unit(some)
                with atomic_write(path, "wb") as file:
                    np.save(file, vectors, allow_pickle=False)
            found.append(vectors)
            bar.advance(len(some))
    return np.concatenate(found)


def forget_kept(folder: Path) -> None:
    """Delete the cached vectors."""
    shutil.rmtree(folder / WORKPLACE, ignore_errors=True)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _read(path: Path, count: int) -> np.ndarray | None:
    """Return cached vectors; None if there are none, or not as many as expected."""
    try:
        found = open_memmap(path, mode="r")
    except (OSError, ValueError, EOFError, OverflowError, SyntaxError):
        return None
    whole = found.dtype == np.float32 and found.ndim == 2 and len(found) == count
    return np.array(found) if whole and np.isfinite(found).all() else None
