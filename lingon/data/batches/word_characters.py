"""The column of characters: the UTF-8 bytes of each word of a sentence."""

import zlib
from collections.abc import Sequence

import numpy as np
import torch

from lingon.core.shapes import Tensor
from lingon.data.batches.columns import TokenIds


class WordCharacters:
    """The characters of words as UTF-8 bytes: `characters` [B, W, L], each byte plus one, 0 for padding.

    A word of more than `most` bytes is reduced to its start and its end, which are the most informative.
    """

    def __init__(self, sentences: Sequence[Sequence[str]], most: int = 32):
        kinds = {word: i for i, word in enumerate(dict.fromkeys(word for words in sentences for word in words), 1)}
        self._table = np.zeros((1 + len(kinds), most), np.uint16)  # row 0 is padding
        for word, row in kinds.items():
            data = np.frombuffer(word.encode("utf-8", "replace"), np.uint8)
            kept = data if len(data) <= most else np.concatenate([data[: most // 2], data[-(most - most // 2) :]])
            self._table[row, : len(kept)] = kept.astype(np.uint16) + 1
        self._rows = TokenIds([[kinds[word] for word in words] for words in sentences])

    def __len__(self) -> int:
        return len(self._rows)

    def lengths(self) -> None:
        """Return None: the token ids that they accompany have the lengths."""

    def collate(self, rows: np.ndarray) -> dict[str, Tensor]:
        """Return the characters of these sentences' words, as many columns as the longest word needs."""
        found = self._table[self._rows.collate(rows)["ids"].numpy()]
        used = np.flatnonzero(found.any((0, 1)))
        longest = int(used[-1]) + 1 if len(used) else 1
        return {"characters": torch.from_numpy(found[..., :longest].astype(np.int64))}

    def checksum(self) -> int:
        """Return the checksum of all words."""
        return zlib.crc32(self._table.data, self._rows.checksum())
