"""Batches of running text for language models: in contiguous order, or as shuffled windows."""

import zlib
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import torch

from lingon.core.errors import UserError
from lingon.core.shapes import Tensor
from lingon.data.batches.loader import Loader
from lingon.data.batches.order import BatchRows, check_positive, numpy_generator


@runtime_checkable
class Tokens(Protocol):
    """Token ids of a text, in memory or on disk, as an array or a `lingon.data.shards.Stream`."""

    def __len__(self) -> int: ...
    def __getitem__(self, part: slice) -> np.ndarray: ...


class NextTokens:
    """A running text as `ids` and `targets` [B, T]: each target is the token that follows.

    Row i consists of `context_length` tokens from token i on, but not past the end of its lane: the text is cut into
    lanes of `lane` tokens each, or is a single lane if that is None.
    """

    def __init__(self, tokens: Tokens, context_length: int, lane: int | None = None):
        self.tokens, self.context_length, self.lane = tokens, context_length, lane

    def __len__(self) -> int:
        return max(0, len(self.tokens) - 1)

    def lengths(self) -> None:
        """Return None: nothing is padded."""

    def collate(self, rows: np.ndarray) -> dict[str, Tensor]:
        """Return the pieces of the text that start at these tokens, all of the same length."""
        size = self.context_length
        if self.lane is not None:
            size = min(size, self.lane - int(rows[0]) % self.lane)
        pieces = np.stack([self.tokens[start : start + size + 1] for start in rows.tolist()])
        ids = torch.from_numpy(pieces.astype(np.int64))
        return {"ids": ids[:, :-1], "targets": ids[:, 1:]}

    def checksum(self) -> int:
        """Return the checksum of the length and some pieces of the text, which may be larger than memory."""
        total = zlib.crc32(repr(len(self.tokens)).encode())
        for start in np.linspace(0, max(0, len(self.tokens) - 4096), 17).astype(int).tolist():
            total = zlib.crc32(np.ascontiguousarray(self.tokens[start : start + 4096], dtype=np.int64).data, total)
        return total


@dataclass(frozen=True)
class Contiguous:
    """A text cut into `batch_size` lanes of equal length, read in parallel, `context_length` tokens at a time.

    count: number of tokens that have a next token. The last batch of an epoch may be shorter; tokens that do not fill
    the lanes are left out.
    """

    count: int
    batch_size: int
    context_length: int
    continues = True

    def __post_init__(self):
        check_positive(batch_size=self.batch_size)
        if self.context_length < 1 or self.lane < 1:
            raise _too_few(self)

    @property
    def lanes(self) -> int:
        """Return the number of rows of every batch."""
        return self.batch_size

    @property
    def lane(self) -> int:
        """Return the number of tokens of a lane."""
        return self.count // self.batch_size

    def __len__(self) -> int:
        return -(-self.lane // self.context_length)

    def batch_rows(self, epoch: int) -> BatchRows:
        """Return the same batches in every epoch."""
        starts = np.arange(self.batch_size) * self.lane
        return lambda number: starts + number * self.context_length


@dataclass(frozen=True)
class ShuffledWindows:
    """Windows of `context_length` tokens, each once per epoch, with order and offset given by seed and epoch.

    count: number of tokens that have a next token. Windows that do not fill a batch are left out, other ones in each
    epoch.
    """

    count: int
    batch_size: int
    context_length: int
    seed: int = 0
    continues = False

    def __post_init__(self):
        check_positive(batch_size=self.batch_size)
        if self.context_length < 1 or self.windows < self.batch_size:
            raise _too_few(self)

    @property
    def lanes(self) -> int:
        """Return the rows of every batch."""
        return self.batch_size

    @property
    def windows(self) -> int:
        """Return the number of windows in an epoch, whatever its offset."""
        return (self.count + 1 - self.context_length) // self.context_length

    def __len__(self) -> int:
        return self.windows // self.batch_size

    def batch_rows(self, epoch: int) -> BatchRows:
        """Return the starts of the windows of each batch."""
        random = numpy_generator(self.seed, "windows", epoch)
        offset, order = int(random.integers(self.context_length)), random.permutation(self.windows)
        size = self.batch_size
        return lambda number: order[number * size : (number + 1) * size] * self.context_length + offset


def contiguous_batches(tokens: Tokens, batch_size: int, context_length: int, rank: int = 0, world: int = 1) -> Loader:
    """Return a loader of a text in contiguous order, for models that carry a state; see `Contiguous`."""
    order = Contiguous(len(tokens) - 1, batch_size, context_length)
    return Loader({"tokens": NextTokens(tokens, context_length, order.lane)}, order, rank, world)


def shuffled_windows(
    tokens: Tokens, batch_size: int, context_length: int, seed: int = 0, rank: int = 0, world: int = 1
) -> Loader:
    """Return a loader of windows of a text in a new order every epoch; see `ShuffledWindows`."""
    order = ShuffledWindows(len(tokens) - 1, batch_size, context_length, seed)
    return Loader({"tokens": NextTokens(tokens, context_length)}, order, rank, world)


def _too_few(order: Contiguous | ShuffledWindows) -> UserError:
    return UserError(
        f"{order.count + 1:,} tokens are too few for {order.batch_size} rows of {order.context_length}; "
        "lower the batch size or the context length"
    )
