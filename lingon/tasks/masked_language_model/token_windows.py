"""Running text as windows of one length, each between the special tokens that an encoder expects around a text."""

import zlib

import numpy as np
import torch

from lingon.core.errors import UserError
from lingon.core.shapes import Tensor
from lingon.data.batches import Tokens


class TokenWindows:
    """Windows of a text as `ids` [B, T]: a column of a loader.

    context_length: T, with the special tokens. before, after: those that stand around each window; None for none. What
    does not fill a window at the end is left out, unless it is all there is.
    """

    def __init__(self, tokens: Tokens, context_length: int, before: int | None = None, after: int | None = None):
        self.tokens, self.before, self.after = tokens, before, after
        self.inner = context_length - sum(special is not None for special in (before, after))
        if self.inner < 1:
            raise UserError(f"the context length is {context_length}, which the special tokens fill; give 8 or more")
        if not len(tokens):
            raise UserError("there is no text to make windows of")

    def __len__(self) -> int:
        return max(1, len(self.tokens) // self.inner)

    def lengths(self) -> None:
        """Return None: all windows are equally long."""

    def collate(self, rows: np.ndarray) -> dict[str, Tensor]:
        """Return these windows."""
        starts = [int(row) * self.inner for row in rows]
        pieces = np.stack([self.tokens[start : start + self.inner] for start in starts]).astype(np.int64)
        column = lambda special: [] if special is None else [np.full((len(rows), 1), special, np.int64)]
        return {"ids": torch.from_numpy(np.concatenate([*column(self.before), pieces, *column(self.after)], 1))}

    def checksum(self) -> int:
        """Return the checksum of the lengths and a few windows of the text: all of it may be larger than memory."""
        total = zlib.crc32(repr((len(self.tokens), self.inner, self.before, self.after)).encode())
        for row in np.unique(np.linspace(0, len(self) - 1, 17).astype(int)):
            part = self.tokens[row * self.inner : (row + 1) * self.inner]
            total = zlib.crc32(np.ascontiguousarray(part, dtype=np.int64).data, total)
        return total
