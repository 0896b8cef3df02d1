"""Batching by length: texts of similar length under a token budget, to reduce padding."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from lingon.core.errors import UserError
from lingon.core.shapes import Int
from lingon.data.batches.columns import Column, TokenIds, Values
from lingon.data.batches.loader import Loader
from lingon.data.batches.order import BatchRows, check_positive, numpy_generator
from lingon.data.id_rows import IdRows

STEP = 1.06  # ratio of lengths within a bucket, about half of which becomes padding


@dataclass(frozen=True, eq=False)
class ByLength:
    """Batches of texts of similar length, each of at most `max_tokens` padded positions and `batch_size` rows.

    lengths: tokens of each text. A text longer than the budget is a batch by itself. Texts are shuffled within buckets
    of similar length, so that the number of batches is the same in every epoch while their members change. Without
    shuffling, the longest come first, so that running out of memory is noticed at once.
    """

    lengths: Int[np.ndarray, " N"] = field(repr=False)
    max_tokens: int = 16_384
    batch_size: int | None = None
    seed: int = 0
    shuffle: bool = True
    _bounds: np.ndarray = field(init=False, repr=False, compare=False)
    _cuts: list[int] = field(init=False, repr=False, compare=False)
    lanes = 0
    continues = False

    def __post_init__(self):
        check_positive(max_tokens=self.max_tokens, batch_size=self.batch_size)
        if not self.count:
            raise UserError("there are no texts to make batches of")
        bounds = bucket_bounds(self.lengths)
        object.__setattr__(self, "_bounds", bounds)
        object.__setattr__(self, "_cuts", _cuts(np.sort(bounds), self.max_tokens, self.batch_size))

    @property
    def count(self) -> int:
        """Return the number of texts."""
        return len(self.lengths)

    def __len__(self) -> int:
        return len(self._cuts) - 1

    def batch_rows(self, epoch: int) -> BatchRows:
        """Return the batches of an epoch: texts shuffled within buckets, cut into batches, which are shuffled."""
        pieces = list(zip(self._cuts, self._cuts[1:], strict=False))
        if not self.shuffle:
            order = np.argsort(self._bounds, kind="stable")
            return [order[a:b] for a, b in pieces][::-1].__getitem__
        random = numpy_generator(self.seed, "batches", epoch)
        order = random.permutation(self.count)
        # A stable sort of shuffled rows keeps them shuffled within each bucket.
        order = order[np.argsort(self._bounds[order], kind="stable")]
        return [order[slice(*pieces[i])] for i in random.permutation(len(pieces))].__getitem__


def text_batches(
    ids: IdRows,
    labels: Sequence[int] | None = None,
    *,
    max_tokens: int = 16_384,
    batch_size: int | None = None,
    max_length: int | None = None,
    seed: int = 0,
    shuffle: bool = True,
    rank: int = 0,
    world: int = 1,
    pad: int = 0,
    columns: Mapping[str, Column] | None = None,
) -> Loader:
    """Return a loader of texts batched by length, with ids and mask, and labels if given.

    ids: token ids of each text. labels: class numbers. max_length: longer texts are truncated. pad: `Tokenizer.pad_id`.
    columns: additional ones. For the other arguments, see `ByLength` and `Loader`.
    """
    texts = TokenIds(ids, max_length, pad)
    given: dict[str, Column] = {"texts": texts, **(columns or {})}
    if labels is not None:
        given["labels"] = Values("labels", np.asarray(labels, np.int64))
    return Loader(given, ByLength(texts.lengths(), max_tokens, batch_size, seed, shuffle), rank, world)


def bucket_bounds(lengths: np.ndarray) -> np.ndarray:
    """Return for each text the length of the longest text in its bucket; buckets grow by the factor STEP."""
    bucket = np.floor(np.log(np.maximum(lengths, 1)) / np.log(STEP)).astype(np.int64)
    longest = np.zeros(bucket.max() + 1, np.int64)
    np.maximum.at(longest, bucket, lengths)
    return np.maximum(longest[bucket], 1)


def _cuts(bounds: np.ndarray, max_tokens: int, batch_size: int | None) -> list[int]:
    """Return the boundaries of batches of texts sorted by bound, so that rows * longest stays within the budget."""
    cuts, limit = [0], batch_size or len(bounds)
    for i, bound in enumerate(bounds.tolist()):
        count = i - cuts[-1] + 1
        if count > 1 and (count > limit or count * bound > max_tokens):
            cuts.append(i)
    return [*cuts, len(bounds)]
