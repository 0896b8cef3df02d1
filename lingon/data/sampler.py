"""Which texts go together in a batch, and in what order: by length under a budget, shuffled by the seed alone."""

import zlib
from collections.abc import Iterator, Sequence
from itertools import chain

import numpy as np

from lingon.core.errors import UserError
from lingon.core.seed import derive
from lingon.data.batch import Batch, padded

STEP = 1.06  # texts whose lengths differ by less than this factor share a bucket: about half of it becomes padding
LARGEST_ID = 2**31 - 1


class Batches:
    """Batches of texts of similar length, each of at most `tokens` padded positions and `rows` rows.

    ids: token ids of each text. labels: class number of each text, or None. max_length: longer texts are cut.
    A text longer than the budget is a batch of its own. Batches are formed inside buckets of length, so the
    number of batches is the same in every epoch while their members change. Without shuffling the longest
    come first, so that a batch too large for the memory is met at once.

    With `world` processes, process `rank` gets rows rank, rank + world, ... of every batch; the steps are the
    same everywhere. Multiply a mean loss by `weight` before gradients are averaged over the processes, and the
    average is that of the whole batch, also when its rows do not divide evenly.
    """

    def __init__(
        self,
        ids: Sequence[Sequence[int]],
        labels: Sequence[int] | None = None,
        *,
        tokens: int = 16_384,
        rows: int | None = None,
        max_length: int | None = None,
        seed: int = 0,
        shuffle: bool = True,
        rank: int = 0,
        world: int = 1,
    ):
        _check(ids, labels, tokens, rows, max_length, rank, world)
        self.tokens, self.rows, self.seed, self.shuffle, self.rank, self.world = (
            tokens,
            rows,
            seed,
            shuffle,
            rank,
            world,
        )
        self._flat, self._lengths = _flatten(ids, max_length)
        self._starts = np.concatenate([[0], np.cumsum(self._lengths)])
        self._labels = None if labels is None else np.asarray(labels, np.int64)
        self._bounds = _bounds(self._lengths)
        self._cuts = _cuts(np.sort(self._bounds), tokens, rows)
        self._planned: tuple[int, list[np.ndarray]] | None = None
        self.epoch, self.position, self.weight = 0, 0, 1.0

    def __len__(self) -> int:
        """Batches in an epoch."""
        return len(self._cuts) - 1

    def __iter__(self) -> Iterator[Batch]:
        """The batches of this epoch that are still to come. At its end the next epoch begins.

        `position` already counts a batch while it is being used: a state saved after the step resumes with the next.
        """
        plan = self._plan()
        while self.position < len(plan):
            self.position += 1
            yield self._batch(plan[self.position - 1])
        self.set_epoch(self.epoch + 1)

    def set_epoch(self, epoch: int) -> None:
        """Goes to the start of an epoch; does nothing when that epoch has already begun, as after a resume."""
        if epoch != self.epoch:
            self.epoch, self.position = epoch, 0

    @property
    def padding(self) -> float:
        """Share of the positions of this epoch's batches that are padding."""
        total = sum(len(rows) * max(1, int(self._lengths[rows].max())) for rows in self._plan())
        return 1 - int(self._lengths.sum()) / total

    def state_dict(self) -> dict[str, int]:
        """Where the batches stand, as plain numbers, with a checksum of what they are made of."""
        return {"epoch": self.epoch, "position": self.position, "made_of": self._made_of()}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Goes on exactly where `state_dict` was taken. The number of processes may be another.

        Raises UserError when texts, labels, seed or sizes are not those of the state.
        """
        if set(state) != {"epoch", "position", "made_of"} or not all(type(n) is int for n in state.values()):
            raise UserError(f"not a state of batches: {str(state)[:80]}")
        if state["made_of"] != self._made_of():
            raise UserError("these batches are of other texts, labels, seed or sizes than those of the saved run")
        if not (0 <= state["position"] <= len(self) and state["epoch"] >= 0):
            raise UserError(
                f"position is {state['position']}, epoch is {state['epoch']}; there are {len(self)} batches"
            )
        self.epoch, self.position = state["epoch"], state["position"]

    def _made_of(self) -> int:
        sizes = [self.tokens, self.rows or 0, self.seed, int(self.shuffle)]
        parts = [self._flat, self._lengths, self._labels, repr(sizes).encode()]
        total = 0
        for part in parts:
            total = zlib.crc32(b"" if part is None else part, total)
        return total

    def _plan(self) -> list[np.ndarray]:
        """Row numbers of each batch of this epoch."""
        if self._planned is None or self._planned[0] != self.epoch:
            self._planned = self.epoch, self._draw()
        return self._planned[1]

    def _draw(self) -> list[np.ndarray]:
        if not self.shuffle:
            order = np.argsort(self._bounds, kind="stable")
            return [order[a:b] for a, b in zip(self._cuts, self._cuts[1:], strict=False)][::-1]
        random = np.random.Generator(np.random.PCG64(derive(self.seed, "batches", self.epoch)))
        order = random.permutation(len(self._bounds))
        # A stable sort of shuffled rows keeps them shuffled inside each bucket.
        order = order[np.argsort(self._bounds[order], kind="stable")]
        return [order[self._cuts[i] : self._cuts[i + 1]] for i in random.permutation(len(self))]

    def _batch(self, whole: np.ndarray) -> Batch:
        mine = whole[self.rank :: self.world]
        self.weight = len(mine) * self.world / len(whole)
        # A process left without a row takes the first one with weight 0, so that all take the same steps.
        mine = mine if len(mine) else whole[:1]
        lengths = self._lengths[mine]
        values = np.concatenate([self._flat[self._starts[i] : self._starts[i + 1]] for i in mine])
        return padded(values, lengths, None if self._labels is None else self._labels[mine], mine, pad=0)


def _check(ids, labels, tokens, rows, max_length, rank, world) -> None:
    if not len(ids):
        raise UserError("there are no texts to make batches of")
    if labels is not None and len(labels) != len(ids):
        raise UserError(f"there are {len(ids):,} texts but {len(labels):,} labels")
    for name, value in {"tokens": tokens, "rows": rows, "max_length": max_length, "world": world}.items():
        if value is not None and value < 1:
            raise UserError(f"{name} is {value}, it must be 1 or more")
    if not 0 <= rank < world:
        raise UserError(f"rank is {rank}, it must be one of 0 to {world - 1}")


def _flatten(ids: Sequence[Sequence[int]], max_length: int | None) -> tuple[np.ndarray, np.ndarray]:
    """All ids in one int32 array, and the length of each text: a list of lists would take ten times the memory."""
    lengths = np.fromiter((min(len(row), max_length or len(row)) for row in ids), np.int64, len(ids))
    kept = ids if max_length is None else (row[:max_length] for row in ids)
    flat = np.fromiter(chain.from_iterable(kept), np.int64, int(lengths.sum()))
    if len(flat) and (flat.min() < 0 or flat.max() > LARGEST_ID):
        raise UserError(f"token ids run from {flat.min()} to {flat.max()}; they must be 0 to {LARGEST_ID}")
    return flat.astype(np.int32), lengths


def _bounds(lengths: np.ndarray) -> np.ndarray:
    """For each text the length of the longest text in its bucket; buckets grow by the factor STEP."""
    bucket = np.floor(np.log(np.maximum(lengths, 1)) / np.log(STEP)).astype(np.int64)
    longest = np.zeros(bucket.max() + 1, np.int64)
    np.maximum.at(longest, bucket, lengths)
    return np.maximum(longest[bucket], 1)


def _cuts(bounds: np.ndarray, tokens: int, rows: int | None) -> list[int]:
    """Where to cut texts sorted by bound, so that rows * longest stays within the budget."""
    cuts, limit = [0], rows or len(bounds)
    for i, bound in enumerate(bounds.tolist()):
        count = i - cuts[-1] + 1
        if count > 1 and (count > limit or count * bound > tokens):
            cuts.append(i)
    return [*cuts, len(bounds)]
