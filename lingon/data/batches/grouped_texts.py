"""Groups of texts as a column: all questions on an image are one row, so that the image is encoded once."""

import zlib
from collections.abc import Sequence

import numpy as np
import torch

from lingon.core.errors import UserError
from lingon.core.shapes import Tensor
from lingon.data.batches.columns import TokenIds


class GroupedTexts:
    """Groups of texts as token ids: `ids` and `mask` [B, Q, T], and `labels` [B, Q] if given.

    groups: the texts of each row, as lists of token ids. labels: a number for each text of each row. ignored: the label
    of padding. Raises UserError if the numbers of labels and texts differ.
    """

    def __init__(
        self,
        groups: Sequence[Sequence[Sequence[int]]],
        labels: Sequence[Sequence[int]] | None = None,
        pad: int = 0,
        ignored: int = -100,
    ):
        self.pad, self.ignored = pad, ignored
        sizes = [len(group) for group in groups]
        if labels is not None and [len(row) for row in labels] != sizes:
            raise UserError("the labels of groups of texts need to be as many as the texts in each group")
        self._sizes = np.asarray(sizes, np.int64)
        self._starts = np.concatenate([[0], np.cumsum(self._sizes)])
        self._texts = TokenIds([text for group in groups for text in group], pad=pad)
        flat = None if labels is None else [label for row in labels for label in row]
        self._labels = None if flat is None else torch.tensor(flat, dtype=torch.int64)

    def __len__(self) -> int:
        return len(self._sizes)

    def lengths(self) -> None:
        """Return None: batches are counted in rows."""

    def collate(self, rows: np.ndarray) -> dict[str, Tensor]:
        """Return the texts of these rows, and their labels."""
        flat = np.concatenate([np.arange(self._starts[i], self._starts[i + 1]) for i in rows])
        found = self._texts.collate(flat) if len(flat) else {"ids": torch.zeros(0, 1), "mask": torch.zeros(0, 1)}
        there = np.arange(max(1, int(self._sizes[rows].max()))) < self._sizes[rows][:, None]
        places, tokens = torch.from_numpy(there), found["ids"].shape[1]
        ids = torch.full((*places.shape, tokens), self.pad)
        mask = torch.zeros((*places.shape, tokens), dtype=torch.bool)
        ids[places], mask[places] = found["ids"].long(), found["mask"].bool()
        if self._labels is None:
            return {"ids": ids, "mask": mask}
        labels = torch.full(places.shape, self.ignored)
        labels[places] = self._labels[torch.from_numpy(flat)]
        return {"ids": ids, "mask": mask, "labels": labels}

    def checksum(self) -> int:
        """Return the checksum of all token ids, sizes and labels."""
        found = zlib.crc32(self._sizes.data, self._texts.checksum())
        return found if self._labels is None else zlib.crc32(self._labels.numpy().data, found)
