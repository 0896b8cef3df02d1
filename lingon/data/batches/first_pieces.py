"""The column of words: the position of each word's first token."""

from collections.abc import Sequence

import numpy as np

from lingon.core.shapes import Tensor
from lingon.data.batches.columns import TokenIds


class FirstPieces:
    """The first token of each word: positions `first` [B, W], and `words` [B, W], False for padding.

    first: of each sentence, from `lingon.data.tokenizers.word_pieces`. They accompany the token ids of the same
    sentences, which count in the token budget; tags are a column of `Padded`. A batch of empty sentences has W = 1.
    """

    def __init__(self, first: Sequence[Sequence[int]]):
        self._places = TokenIds(first)

    def __len__(self) -> int:
        return len(self._places)

    def lengths(self) -> None:
        """Return None: the token ids that they accompany have the lengths."""

    def collate(self, rows: np.ndarray) -> dict[str, Tensor]:
        """Return the positions of the words of these sentences."""
        found = self._places.collate(rows)
        return {"first": found["ids"], "words": found["mask"]}

    def checksum(self) -> int:
        """Return the checksum of all positions."""
        return self._places.checksum()
