"""An encoder-decoder as decoding asks for it: its sources are tuples of token ids."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from lingon.core.errors import UserError
from lingon.core.shapes import Bool, Int, Tensor
from lingon.decoding.source_decoder import SourceDecoder


def source_decoder(model: nn.Module, columns: int = 0) -> SourceDecoder:
    """Return the decoder of an `EncoderDecoder`, whose sources are tuples of ids; see `SourceDecoder`.

    It raises UserError for a source that is empty or longer than the model reads.
    """
    pad_id: Any = model.pad_id
    return SourceDecoder(model, lambda sources: padded_right([_checked(one) for one in sources], pad_id), columns)


def _checked(source: Any) -> tuple[int, ...]:
    if not isinstance(source, tuple) or not source:
        raise UserError(f"a source is {str(source)[:40]!r}, expected a tuple of ids, one at least, such as the end")
    return source


def padded_right(rows: Sequence[Sequence[int]], pad_id: int) -> tuple[Int[Tensor, "B S"], Bool[Tensor, "B S"]]:
    """Return rows as one tensor, the shorter ones padded on the right, and the mask of what is text.

    >>> padded_right([[7], [3, 5]], 0)[0].tolist()
    [[7, 0], [3, 5]]
    """
    longest = max(map(len, rows))
    ids = torch.tensor([[*row, *[pad_id] * (longest - len(row))] for row in rows])
    return ids, torch.arange(longest) < torch.tensor([[len(row)] for row in rows])
