"""Character CNN: the vector of a word from filters over its characters (Ma and Hovy 2016, section 2.1)."""

import torch
from torch import nn

from lingon.core.shapes import Float, Int, Tensor
from lingon.kernels.dropout import Dropout

SYMBOLS = 257  # 0 is padding, then the 256 bytes of UTF-8: no character of any script is unknown


class CharCNN(nn.Module):
    """Embedding of characters -> dropout -> filters over `kernel` of them -> maximum over the word.

    Characters are UTF-8 bytes plus one, 1 to 256; 0 is padding. width: of a character's vector. channels: number of
    filters, the width of a word's vector. kernel: width of a filter in characters, odd; words are padded with zeros.
    """

    def __init__(self, width: int = 30, channels: int = 30, kernel: int = 3, dropout: float = 0.5):
        super().__init__()
        self.embedding = nn.Embedding(SYMBOLS, width, padding_idx=0)
        bound = (3 / width) ** 0.5  # as in the paper, section 3.1
        with torch.no_grad():
            self.embedding.weight[1:].uniform_(-bound, bound)
        self.dropout = Dropout(dropout)
        self.conv = nn.Conv1d(width, channels, kernel, padding=kernel // 2)

    @property
    def channels(self) -> int:
        """Return the width of a word's vector."""
        return self.conv.out_channels

    def forward(self, characters: Int[Tensor, "B W L"]) -> Float[Tensor, "B W channels"]:
        """Return the vector of each word; zero for a word without characters, such as padding."""
        flat = characters.flatten(0, 1)
        x = self.dropout(self.embedding(flat)) * (flat > 0)[..., None]
        highest = self.conv(x.transpose(1, 2)).masked_fill((flat == 0)[:, None], -torch.inf).amax(2)
        return torch.where((flat > 0).any(1)[:, None], highest, 0.0).unflatten(0, characters.shape[:2])
