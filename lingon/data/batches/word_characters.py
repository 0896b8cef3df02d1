"""The column of characters: the bytes that each word of a sentence is made of."""

import zlib
from collections.abc import Sequence

import numpy as np
import torch

from lingon.core.shapes import Tensor
from lingon.data.batches.columns import TokenIds


class WordCharacters:
    """The characters of words as bytes of UTF-8: `characters` [B, W, L], each byte plus one, 0 where there is none.

    Of a word of more than `most` bytes its beginning and its end, which say most of what it is.
    """

    def __init__(self, sentences: Sequence[Sequence[str]], most: int = 32):
        kinds = {word: i for i, word in enumerate(dict.fromkeys(word for words in sentences for word in words), 1)}
        self._table = np.zeros((1 + len(kinds), most), np.uint16)  # row 0 is no word
        for word, row in kinds.items():
            data = np.frombuffer(word.encode("utf-8", "replace"), np.uint8)
            kept = data if len(data) <= most else np.concatenate([data[: most // 2], data[-(most - most // 2) :]])
            self._table[row, : len(kept)] = kept.astype(np.uint16) + 1
        self._rows = TokenIds([[kinds[word] for word in words] for words in sentences])

    def __len__(self) -> int:
        return len(self._rows)

    def lengths(self) -> None:
        """Return None: the tokens beside it say the lengths."""

    def collate(self, rows: np.ndarray) -> dict[str, Tensor]:
        """Return the characters of these sentences' words, as many columns as the longest word needs."""
        found = self._table[self._rows.collate(rows)["ids"].numpy()]
        used = np.flatnonzero(found.any((0, 1)))
        longest = int(used[-1]) + 1 if len(used) else 1
        return {"characters": torch.from_numpy(found[..., :longest].astype(np.int64))}

    def checksum(self) -> int:
        """Return the checksum of all words."""
        return zlib.crc32(self._table.data, self._rows.checksum())
