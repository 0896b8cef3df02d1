"""Show and Tell: a convolutional vector of the image is the first input of an LSTM (Vinyals et al. 2015)."""

from typing import Any

import torch
from torch import nn

from lingon.core.shapes import Bool, Float, Int, Tensor
from lingon.kernels.dropout import Dropout
from lingon.kernels.linear import OneDNNLinear
from lingon.layers.recurrent_state import RecurrentState, zero_state
from lingon.layers.transformer import embed
from lingon.models.encoder_decoder import Memory, check_target_length, check_tokens
from lingon.models.option_types import ContextLength, Fraction, TokenId, VocabSize, Width
from lingon.models.place_encoder import PlaceEncoder
from lingon.models.registry import ModelEntry

POOLED = 4  # rows and columns of places to which the image is pooled


class ShowAndTell(nn.Module):
    """x_-1 = CNN(image), x_t = W_e S_t, p_t+1 = LSTM(x_t) (equations 10 to 12).

    width: of embeddings, of the image's vector and of the LSTM. dropout: of the LSTM's input and output. The paper's
    encoder was pretrained on other images and ends in a globally pooled vector; this one is trained with the LSTM, and
    pooled to 4 x 4 places whose vectors are concatenated, so that positions of objects are preserved.
    """

    def __init__(
        self,
        vocab_size: VocabSize,
        image_size: Width = 64,
        width: Width = 256,
        filters: Width = 32,
        context_length: ContextLength = 64,
        dropout: Fraction = 0.2,
        pad_id: TokenId = 0,
        start_id: TokenId = 1,
        eos_id: TokenId = 2,
    ):
        super().__init__()
        self.sizes: dict[str, Any] = {"vocab_size": vocab_size, "image_size": image_size, "width": width}
        self.sizes |= {"filters": filters, "context_length": context_length, "dropout": dropout}
        self.sizes |= {"pad_id": pad_id, "start_id": start_id, "eos_id": eos_id}
        self.image_size, self.context_length = image_size, context_length
        self.pad_id, self.start_id, self.eos_id = pad_id, start_id, eos_id
        self.encoder = PlaceEncoder(image_size, width, filters)
        self.pool = nn.AdaptiveAvgPool2d(min(POOLED, self.encoder.side))
        self.image = OneDNNLinear(width * min(POOLED, self.encoder.side) ** 2, width)
        self.embedding = nn.Embedding(vocab_size, width)
        self.decoder = nn.LSTM(width, width)
        self.dropout = Dropout(dropout)
        self.output = OneDNNLinear(width, vocab_size)
        nn.init.normal_(self.embedding.weight, std=width**-0.5)

    def forward(self, images: Float[Tensor, "B C H W"], ids: Int[Tensor, "B T"]) -> Float[Tensor, "B T D"]:
        """Return the hidden states after each token of whole captions, which begin with `start_id`."""
        return self.hidden(ids, self.new_state(self.encode(images)))[0]

    def encode(self, images: Float[Tensor, "B C H W"]) -> Memory:
        """Return one vector for each image, [B, 1, D]."""
        places = self.encoder(images).unflatten(1, (self.encoder.side, self.encoder.side)).permute(0, 3, 1, 2)
        vectors = self.image(self.pool(places).flatten(1))[:, None]
        return Memory(vectors, vectors.new_ones(vectors.shape[:2], dtype=torch.bool))

    def new_state(self, memory: Memory) -> RecurrentState:
        """Return the state after the LSTM has read the image, before the first token."""
        start = zero_state(memory.hidden.shape[0], [self.decoder.hidden_size], memory.hidden)
        return RecurrentState(self._read(self.dropout(memory.hidden), start)[1].layers, 0)

    def hidden(
        self, ids: Int[Tensor, "B T"], state: RecurrentState, mask: Bool[Tensor, "B T"] | None = None
    ) -> tuple[Float[Tensor, "B T D"], RecurrentState]:
        """Return the states after each of the next tokens, and the last. mask: False where a row is padded on the left.

        Raises UserError when there is no token, or more than the context length.
        """
        check_tokens(ids.shape[1])
        padded = mask is not None and not bool(mask.all())
        longest = int(mask.sum(1).max()) if mask is not None and padded else ids.shape[1]
        check_target_length(state.length + longest, self.context_length)
        x, columns = self.dropout(embed(self.embedding, ids)), []
        if mask is None or not padded:
            out, state = self._read(x, state)
            return self.dropout(out), state
        for t in range(ids.shape[1]):
            out, after = self._read(x[:, t : t + 1], state)
            state = _where(mask[:, t], after, state)
            columns.append(out)
        return self.dropout(torch.cat(columns, 1)), state

    def _read(self, x: Float[Tensor, "B T D"], state: RecurrentState) -> tuple[Float[Tensor, "B T D"], RecurrentState]:
        (h, c) = state.layers[0]
        out, (h, c) = self.decoder(x.transpose(0, 1), (h[None], c[None]))
        return out.transpose(0, 1), RecurrentState(((h[0], c[0]),), state.length + x.shape[1])

    def head(self, hidden: Float[Tensor, "... D"]) -> Float[Tensor, "... V"]:
        """Return the logits of states."""
        return self.output(hidden)

    def features(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B F"]:
        """Return one vector for each image, for comparing images."""
        return self.encoder.features(images)

    def place_attention(self, images: Float[Tensor, "1 C H W"], ids: Int[Tensor, "1 T"]) -> None:
        """Return None: this model has no attention."""

    def config(self) -> dict[str, Any]:
        return self.sizes


def _where(reads: Bool[Tensor, " B"], after: RecurrentState, before: RecurrentState) -> RecurrentState:
    """Return the new states of rows that read a token, and the old ones of rows that read padding."""
    (new,), (old,) = after.layers, before.layers
    h, c = (torch.where(reads[:, None], a, b) for a, b in zip(new, old, strict=True))
    return RecurrentState(((h, c),), after.length)


ENTRY = ModelEntry(ShowAndTell, defaults={"lr": 1e-3, "dropout": 0.2, "width": 256})
