"""Pairs of texts as the columns of batches: ids of sources and of targets, each with the end token."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lingon.core.counted import counted
from lingon.core.errors import UserError
from lingon.data.batches import ByPairLength, Column, Loader, TokenIds

if TYPE_CHECKING:
    from lingon.data.parallel_texts import ParallelTexts
    from lingon.tasks.translate.translator import Translator


@dataclass(frozen=True, eq=False)
class EncodedPairs:
    """Pairs as ids: of sources, and of targets. left_out: how many were longer than the model reads or writes."""

    sources: list[list[int]]
    targets: list[list[int]]
    rows: list[int]
    left_out: int = 0

    def __len__(self) -> int:
        return len(self.sources)

    def loader(self, pad_id: int, columns: dict[str, Column] | None = None, **how: Any) -> Loader:
        """Return batches: source_ids, source_mask, target_ids, target_mask. columns: in place of these.

        how: max_tokens, batch_size, seed and shuffle of `ByPairLength`; rank and world of `Loader`.
        """
        place = {name: how.pop(name) for name in ("rank", "world") if name in how}
        made = columns or self.columns(pad_id)
        return Loader(made, ByPairLength(_lengths(self.sources), _lengths(self.targets), **how), **place)

    def columns(self, pad_id: int) -> dict[str, Column]:
        """Return the columns of the two sides."""
        return {
            "sources": TokenIds(self.sources, pad=pad_id, prefix="source_"),
            "targets": TokenIds(self.targets, pad=pad_id, prefix="target_"),
        }


def encode_pairs(translator: "Translator", pairs: "ParallelTexts", max_length: int | None = None) -> EncodedPairs:
    """Return pairs as ids, without those that have a side longer than the model takes, or than max_length tokens.

    Raises UserError where none is left.
    """
    model = translator.model
    limit = lambda own: min(x for x in (own, max_length or own) if x is not None)
    most_source, most_target = limit(model.source_length), limit(model.context_length - 1 - len(translator.prefix_ids))
    sources, targets = translator.source.encode_batch(pairs.sources), translator.target.encode_batch(pairs.targets)
    rows = [
        i
        for i, (source, target) in enumerate(zip(sources, targets, strict=True))
        if source and target and len(source) <= most_source and len(target) <= most_target
    ]
    if not rows:
        raise UserError(
            f"of {counted(len(pairs), 'pair')} none has at most {most_source:,} tokens in its "
            f"source and {most_target:,} in its "
            "target; shorten the texts or raise --context-length"
        )
    left_out = len(sources) - len(rows)
    return EncodedPairs([sources[i] for i in rows], [targets[i] for i in rows], rows, left_out)


def tell_left_out(encoded: EncodedPairs, what: str) -> None:
    """Say on stderr how many pairs are too long. what: they are for."""
    if encoded.left_out:
        total = len(encoded) + encoded.left_out
        print(f"{encoded.left_out:,} of {counted(total, 'pair')} for {what} are too long and left out", file=sys.stderr)


def _lengths(rows: Sequence[Sequence[int]]) -> np.ndarray:
    return np.fromiter(map(len, rows), np.int64, len(rows))
