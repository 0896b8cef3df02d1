"""Batches of running text for language models: read in contiguous order, or as shuffled windows."""

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

    Row i is the text from token i on, `context_length` tokens of it, but never past the end of its lane: the text is
    cut into lanes of `lane` tokens each, or is one lane where that is None.
    """

    def __init__(self, tokens: Tokens, context_length: int, lane: int | None = None):
        self.tokens, self.context_length, self.lane = tokens, context_length, lane

    def __len__(self) -> int:
        return max(0, len(self.tokens) - 1)

    def lengths(self) -> None:
        """Return None: nothing is padded."""

    def collate(self, rows: np.ndarray) -> dict[str, Tensor]:
        """Return the pieces of the text that begin at these tokens, all equally long."""
        size = self.context_length
        if self.lane is not None:
            size = min(size, self.lane - int(rows[0]) % self.lane)
        pieces = np.stack([self.tokens[start : start + size + 1] for start in rows.tolist()])
        ids = torch.from_numpy(pieces.astype(np.int64))
        return {"ids": ids[:, :-1], "targets": ids[:, 1:]}

    def checksum(self) -> int:
        """Return the checksum of the length and a few pieces of the text: all of it may be larger than memory."""
        total = zlib.crc32(repr(len(self.tokens)).encode())
        for start in np.linspace(0, max(0, len(self.tokens) - 4096), 17).astype(int).tolist():
            total = zlib.crc32(np.ascontiguousarray(self.tokens[start : start + 4096], dtype=np.int64).data, total)
        return total


@dataclass(frozen=True)
class Contiguous:
    """A text cut into `batch_size` lanes of one length, read side by side, `context_length` tokens at a time, in order.

    count: tokens that have one that follows. The last batch of an epoch may be shorter; tokens that fill no lane are
    left out.
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
        """Return the rows of every batch."""
        return self.batch_size

    @property
    def lane(self) -> int:
        """Return the tokens of a lane."""
        return self.count // self.batch_size

    def __len__(self) -> int:
        return -(-self.lane // self.context_length)

    def batch_rows(self, epoch: int) -> BatchRows:
        """Return the same in every epoch."""
        starts = np.arange(self.batch_size) * self.lane
        return lambda number: starts + number * self.context_length


@dataclass(frozen=True)
class ShuffledWindows:
    """Windows of `context_length` tokens, each once an epoch, in an order and from an offset by seed and epoch.

    count: tokens that have one that follows. Windows that fill no batch are left out, others in every epoch.
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
        """Return where the windows of each batch begin."""
        random = numpy_generator(self.seed, "windows", epoch)
        offset, order = int(random.integers(self.context_length)), random.permutation(self.windows)
        size = self.batch_size
        return lambda number: order[number * size : (number + 1) * size] * self.context_length + offset


def contiguous_batches(tokens: Tokens, batch_size: int, context_length: int, rank: int = 0, world: int = 1) -> Loader:
    """Load a text in contiguous order, for models that carry a state from batch to batch; see `Contiguous`."""
    order = Contiguous(len(tokens) - 1, batch_size, context_length)
    return Loader({"tokens": NextTokens(tokens, context_length, order.lane)}, order, rank, world)


def shuffled_windows(
    tokens: Tokens, batch_size: int, context_length: int, seed: int = 0, rank: int = 0, world: int = 1
) -> Loader:
    """Load a text as windows in a new order every epoch; see `ShuffledWindows`."""
    order = ShuffledWindows(len(tokens) - 1, batch_size, context_length, seed)
    return Loader({"tokens": NextTokens(tokens, context_length)}, order, rank, world)


def _too_few(order: Contiguous | ShuffledWindows) -> UserError:
    return UserError(
        f"{order.count + 1:,} tokens are too few for {order.batch_size} rows of {order.context_length}; "
        "lower the batch size or the context length"
    )
