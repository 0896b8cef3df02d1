"""Batches of running text for language models: lanes that are read on and on, or windows in any order."""

import zlib
from collections.abc import Iterator
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
import torch

from lingon.core.errors import UserError
from lingon.core.seed import derive
from lingon.core.shapes import Bool, Int, Tensor


@runtime_checkable
class Tokens(Protocol):
    """Token ids of a text, in memory or on disk, as an array or a `lingon.data.shards.Stream`."""

    def __len__(self) -> int: ...
    def __getitem__(self, part: slice) -> np.ndarray: ...


class Stretch(NamedTuple):
    """A batch of running text: each target is the token that follows.

    ids, targets: [B, T]. first: whether lanes start here, with nothing carried from before.
    """

    ids: Int[Tensor, "B T"]
    targets: Int[Tensor, "B T"]
    first: bool

    @property
    def real(self) -> Bool[Tensor, "B T"]:
        """Every position is a token."""
        return torch.ones_like(self.ids, dtype=torch.bool)

    def to(self, device: torch.device | str) -> "Stretch":
        """The same batch on another device."""
        return Stretch(self.ids.to(device), self.targets.to(device), self.first)


class Lanes:
    """A text cut into `rows` lanes of one length, read side by side, `context` tokens at a time, in order.

    The last stretch of an epoch may be shorter; tokens that fill no lane are left out. With `world` processes each
    reads its share of the lanes.
    """

    def __init__(self, tokens: Tokens, rows: int, context: int, rank: int = 0, world: int = 1):
        length = (len(tokens) - 1) // rows
        if rows % world:
            raise UserError(f"{rows} rows cannot be shared by {world} processes; choose a multiple")
        if context < 1 or length < 1:
            raise UserError(f"{len(tokens):,} tokens are too few for {rows} rows of {context}; lower rows or context")
        self.tokens, self.rows, self.context, self.length, self.rank, self.world = (
            tokens, rows, context, length, rank, world,
        )  # fmt: skip
        self.epoch, self.position = 0, 0

    def __len__(self) -> int:
        """Batches in an epoch."""
        return -(-self.length // self.context)

    def __iter__(self) -> Iterator[Stretch]:
        """The batches of this epoch that are still to come."""
        while self.position < len(self):
            self.position += 1
            yield self._stretch(self.position - 1)
        self.set_epoch(self.epoch + 1)

    def _stretch(self, number: int) -> Stretch:
        start, stop = number * self.context, min((number + 1) * self.context, self.length)
        lanes = range(self.rank, self.rows, self.world)
        rows = np.stack([self.tokens[lane * self.length + start : lane * self.length + stop + 1] for lane in lanes])
        ids = torch.from_numpy(rows.astype(np.int64))
        return Stretch(ids[:, :-1], ids[:, 1:], number == 0)

    def set_epoch(self, epoch: int) -> None:
        """Goes to the start of an epoch; does nothing when that epoch has already begun, as after a resume."""
        if epoch != self.epoch:
            self.epoch, self.position = epoch, 0

    def state_dict(self) -> dict[str, Any]:
        """Where the lanes stand, as plain numbers."""
        return {"epoch": self.epoch, "position": self.position, "made_of": self._made_of()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on exactly where `state_dict` was taken. The number of processes may be another."""
        _check(state, self)
        self.epoch, self.position = state["epoch"], state["position"]

    def _made_of(self) -> int:
        return _checksum(self.tokens, self.rows, self.context, 0)


class Windows:
    """Windows of `context` tokens, each once an epoch, in an order and from an offset that the seed alone decides."""

    def __init__(self, tokens: Tokens, rows: int, context: int, seed: int = 0, rank: int = 0, world: int = 1):
        self.count = (len(tokens) - context) // context
        if rows % world:
            raise UserError(f"{rows} rows cannot be shared by {world} processes; choose a multiple")
        if context < 1 or self.count < rows:
            raise UserError(f"{len(tokens):,} tokens are too few for {rows} rows of {context}; lower rows or context")
        self.tokens, self.rows, self.context, self.seed, self.rank, self.world = (
            tokens, rows, context, seed, rank, world,
        )  # fmt: skip
        self.epoch, self.position = 0, 0
        self._order: tuple[int, int, np.ndarray] | None = None

    def __len__(self) -> int:
        """Batches in an epoch; windows that fill no batch are left out, others in every epoch."""
        return self.count // self.rows

    def __iter__(self) -> Iterator[Stretch]:
        """The batches of this epoch that are still to come."""
        while self.position < len(self):
            self.position += 1
            yield self._stretch(self.position - 1)
        self.set_epoch(self.epoch + 1)

    def _stretch(self, number: int) -> Stretch:
        if self._order is None or self._order[0] != self.epoch:
            random = np.random.Generator(np.random.PCG64(derive(self.seed, "windows", self.epoch)))
            self._order = self.epoch, int(random.integers(self.context)), random.permutation(self.count)
        _, offset, order = self._order
        mine = order[number * self.rows : (number + 1) * self.rows][self.rank :: self.world]
        starts = (mine * self.context + offset).tolist()
        rows = np.stack([self.tokens[start : start + self.context + 1] for start in starts])
        ids = torch.from_numpy(rows.astype(np.int64))
        return Stretch(ids[:, :-1], ids[:, 1:], True)

    def set_epoch(self, epoch: int) -> None:
        """Goes to the start of an epoch; does nothing when that epoch has already begun, as after a resume."""
        if epoch != self.epoch:
            self.epoch, self.position = epoch, 0

    def state_dict(self) -> dict[str, Any]:
        """Where the windows stand, as plain numbers."""
        return {"epoch": self.epoch, "position": self.position, "made_of": self._made_of()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on exactly where `state_dict` was taken. The number of processes may be another."""
        _check(state, self)
        self.epoch, self.position = state["epoch"], state["position"]

    def _made_of(self) -> int:
        return _checksum(self.tokens, self.rows, self.context, self.seed)


def _check(state: dict[str, Any], batches: Lanes | Windows) -> None:
    if not all(type(state.get(key)) is int for key in ("epoch", "position", "made_of")):
        raise UserError(f"not a state of batches: {str(state)[:80]}")
    if state["made_of"] != batches._made_of():
        raise UserError("these batches are of another text, seed or size than those of the saved run")
    if not (0 <= state["position"] <= len(batches) and state["epoch"] >= 0):
        raise UserError(f"position is {state['position']}, epoch is {state['epoch']}; there are {len(batches)} batches")


def _checksum(tokens: Tokens, *sizes: int) -> int:
    """Of the sizes, the length, and a few stretches of the text: all of it may be larger than memory."""
    total = zlib.crc32(repr((len(tokens), *sizes)).encode())
    for start in np.linspace(0, max(0, len(tokens) - 4096), 17).astype(int).tolist():
        total = zlib.crc32(np.ascontiguousarray(tokens[start : start + 4096], dtype=np.int64), total)
    return total
