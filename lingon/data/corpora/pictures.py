"""Small greyscale images with labels by name, as arrays with fixed splits."""

import contextlib
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lingon.core.errors import DataError, unknown
from lingon.core.files import atomic_write, cache_dir
from lingon.data.corpora.catalogue import PICTURES, PictureSet
from lingon.data.fetch import fetch

PARSED = 1  # version of the parsed cache, raised when the parser or the order changes
SHARES = {"test": 0.2, "valid": 0.1}  # fractions of each label


@dataclass(frozen=True)
class Pictures:
    """Images and their labels, as NumPy arrays.

    pixels: float32 [n, height, width] from 0 (background) to 1 (ink). labels: int64 [n].
    """

    pixels: Any
    labels: Any

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def flat(self) -> Any:
        """Return each image as one row of pixels: [n, height * width]."""
        return self.pixels.reshape(len(self), -1)


@dataclass(frozen=True)
class PictureSplits:
    """Training, validation and test images."""

    train: Pictures
    valid: Pictures
    test: Pictures
    name: str


def load_pictures(name: str) -> PictureSplits:
    """Return a set of small images by name, downloaded if it is not in the cache.

    The images of each label are ordered by the sha256 of their pixels, a fixed pseudo-random order: the first fifth is
    for the test, the next tenth for validation, the rest for training. In each split the labels alternate, so that the
    first hundred are balanced too. The digits are 3,500 to train on, 500 to validate and 1,000 to test on, with every
    digit equally often.
    Raises UserError for an unknown name, FetchError when the download fails.
    """
    if name not in PICTURES:
        raise unknown("set of pictures", name, PICTURES)
    row = PICTURES[name]
    table = _table(row)
    train, valid, test = (_pictures(row, table[rows]) for rows in _divide(table[:, -1]))
    return PictureSplits(train, valid, test, name)


def _pictures(row: PictureSet, table: Any) -> Pictures:
    import numpy as np

    pixels = table[:, :-1].reshape(-1, *row.size).astype(np.float32) / 255
    return Pictures(pixels, table[:, -1].astype(np.int64))


def _divide(labels: Any) -> list[Any]:
    """Return the row numbers of training, validation and test, with alternating labels."""
    import numpy as np

    rank, share = np.zeros(len(labels), int), np.zeros(len(labels))  # index of each row within its label
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        rank[rows], share[rows] = np.arange(len(rows)), np.arange(len(rows)) / len(rows)
    order = np.lexsort((labels, rank))
    cut = np.searchsorted(np.cumsum(list(SHARES.values())), share[order] + 1e-9, side="right")
    return [order[cut == part] for part in (2, 1, 0)]


def _table(row: PictureSet) -> Any:
    """Return uint8 [n, height * width + 1], the label last, ordered by the sha256 of the pixels; cached."""
    import numpy as np

    kept = cache_dir() / "corpora" / f"{row.name}-{PARSED}-{row.source.sha256[:12]}.npy"
    with contextlib.suppress(OSError, ValueError, EOFError):  # if missing or damaged, it is made again
        return _checked(np.load(kept, allow_pickle=False), row, kept)
    parsed = _checked(row.parse(fetch(row.source, row.name)), row, row.source.path)
    keys = [hashlib.sha256(pixels.tobytes()).digest() for pixels in parsed[:, :-1]]
    table = parsed[sorted(range(len(keys)), key=keys.__getitem__)]
    with atomic_write(kept, "wb") as file:
        np.save(file, table, allow_pickle=False)
    return table


def _checked(table: Any, row: PictureSet, path: Path) -> Any:
    wanted = (row.count, row.size[0] * row.size[1] + 1)
    if str(table.dtype) != "uint8" or table.shape != wanted:
        raise DataError(f"{path}: {table.dtype} numbers of shape {table.shape}, expected uint8 of shape {wanted}")
    return table
