"""The column of words: where each word of a sentence stands among its tokens."""

from collections.abc import Sequence

import numpy as np

from lingon.core.shapes import Tensor
from lingon.data.batches.columns import TokenIds


class FirstPieces:
    """Places of the words of sentences in their tokens: `first` [B, W], and `words` [B, W], False where there is none.

    first: of each sentence, as `lingon.data.tokenizers.word_pieces` gives it. They stand beside the token ids of the
    same sentences, which count against the budget of tokens; tags beside them are
    `Padded`. A batch of empty sentences has W = 1.
    """

    def __init__(self, first: Sequence[Sequence[int]]):
        self._places = TokenIds(first)

    def __len__(self) -> int:
        return len(self._places)

    def lengths(self) -> None:
        """Return None: the tokens beside it say the lengths."""

    def collate(self, rows: np.ndarray) -> dict[str, Tensor]:
        """Return the places of these sentences' words."""
        found = self._places.collate(rows)
        return {"first": found["ids"], "words": found["mask"]}

    def checksum(self) -> int:
        """Return the checksum of all places."""
        return self._places.checksum()
