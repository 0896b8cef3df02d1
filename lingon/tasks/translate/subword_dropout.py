"""A column of texts whose words are cut into other pieces in every epoch: subword regularization (Kudo 2018)."""

from collections.abc import Sequence
from random import Random

import numpy as np

from lingon.core.seed import derive
from lingon.core.shapes import Int, Tensor
from lingon.data.batches import Column, TokenIds
from lingon.data.tokenizers import Tokenizer
from lingon.data.tokenizers.bpe_dropout import BPEDropout


class SubwordDropout:
    """Texts as ids and mask [B, T], cut anew for each epoch: by its number, the seed and the text's row alone.

    plain: the same texts as they are usually cut, whose lengths count against the budget of tokens. longest: tokens of
    a text at most; one that is cut into more keeps its usual pieces.
    """

    def __init__(
        self,
        tokenizer: Tokenizer,
        texts: Sequence[str],
        plain: Column,
        longest: int | None,
        dropout: float,
        seed: int = 0,
    ):
        assert isinstance(plain, TokenIds), "the column of usual pieces"
        self.texts, self.plain, self.longest, self.seed, self.epoch = texts, plain, longest, seed, 0
        self._encoder = BPEDropout(tokenizer, dropout)

    def __len__(self) -> int:
        return len(self.plain)

    def lengths(self) -> Int[np.ndarray, " N"]:
        """Return the usual tokens of each text."""
        return self.plain.lengths()

    def set_epoch(self, epoch: int) -> None:
        """Cut the texts as it is done in this epoch."""
        self.epoch = epoch

    def collate(self, rows: np.ndarray) -> dict[str, Tensor]:
        """Return the ids and mask of these texts."""
        ids = [self._ids(int(row)) for row in rows]
        return TokenIds(ids, pad=self.plain.pad, prefix=self.plain.prefix).collate(np.arange(len(ids)))

    def checksum(self) -> int:
        """Return the checksum of the usual ids."""
        return self.plain.checksum()

    def _ids(self, row: int) -> list[int]:
        rng = Random(derive(self.seed, "subword-dropout", self.plain.prefix, self.epoch, row))
        found = self._encoder.encode(self.texts[row], rng)
        if self.longest is None or len(found) <= self.longest:
            return found
        return self.plain.row(row)
