"""Recurrent layers over padded batches, whose states are not affected by padding."""

from typing import cast

import torch
import torch.nn.functional as F
from torch import nn

from lingon.core.shapes import Bool, Float, Int, Tensor
from lingon.kernels.dropout import Dropout
from lingon.kernels.parallel_lstm import parallel_lstm


def reverse_padded(x: Float[Tensor, "T B D"], lengths: Int[Tensor, " B"]) -> Float[Tensor, "T B D"]:
    """Return each text reversed, with its padding still at the end."""
    times, texts = torch.arange(x.shape[0], device=x.device)[:, None], torch.arange(x.shape[1], device=x.device)
    back = lengths - 1 - times
    rows = torch.where(back >= 0, back, times) * x.shape[1] + texts
    return F.embedding(rows, x.flatten(0, 1))  # on a CPU its gradient is faster than that of gather


class BidirectionalLayers(nn.Module):
    """A stack of bidirectional LSTMs or GRUs (Hochreiter 1997; Schuster 1997), with `hidden` units per direction.

    The backward direction reads the reversed text, with padding at its end too, so that padding affects neither
    direction. recurrent: nn.LSTM or nn.GRU.
    """

    def __init__(
        self,
        width: int,
        hidden: int,
        depth: int,
        dropout: float = 0.0,
        recurrent: type[nn.LSTM] | type[nn.GRU] = nn.LSTM,
    ):
        super().__init__()
        widths = [width] + [2 * hidden] * (depth - 1)
        self.forwards = nn.ModuleList(recurrent(w, hidden) for w in widths)
        self.backwards = nn.ModuleList(recurrent(w, hidden) for w in widths)
        self.dropout = Dropout(dropout)
        for name, p in self.named_parameters():
            if (
                "bias_hh" in name and recurrent is nn.LSTM
            ):  # the forget gate starts open (Jozefowicz 2015); its bias is the second quarter
                nn.init.ones_(p.data[hidden : 2 * hidden])

    def forward(
        self, x: Float[Tensor, "B T D"], mask: Bool[Tensor, "B T"]
    ) -> tuple[Float[Tensor, "B T states"], Float[Tensor, "B states"]]:
        """Return the states of the top layer (states = 2 * hidden), and its last state before padding per direction.

        Both are zero for padding and empty texts.
        """
        lengths = mask.sum(1)
        # Time first, as an LSTM computes it: batch first, input and output would be copied.
        x = x.transpose(0, 1).contiguous()
        for i, (ahead, back) in enumerate(zip(self.forwards, self.backwards, strict=True)):
            x = self.dropout(x) if i else x
            a, b = parallel_lstm(cast(nn.RNNBase, ahead), cast(nn.RNNBase, back), x, reverse_padded(x, lengths))
            x = torch.cat([a, reverse_padded(b, lengths)], -1)
        last, texts = (lengths - 1).clamp(min=0), torch.arange(x.shape[1], device=x.device)
        ends = torch.cat([a[last, texts], b[last, texts]], -1)
        return x.transpose(0, 1) * mask[..., None], ends * (lengths > 0)[:, None]
