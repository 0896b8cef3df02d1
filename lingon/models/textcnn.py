"""A convolutional network for text classification: filters detect phrases at any position (Kim 2014)."""

from collections.abc import Iterable, Sequence
from typing import Annotated, cast

import torch
from torch import nn

from lingon.core.shapes import Bool, Float, Int, Tensor
from lingon.kernels.dropout import Dropout
from lingon.layers.conv import ConvMax
from lingon.layers.embedding import Embedding
from lingon.models.option_types import Classes, Fraction, PaddingIdx, Range, VocabSize, Whole, Width
from lingon.models.registry import Expression, ModelEntry


class TextCNN(nn.Module):
    """Filters over 3, 4 and 5 tokens, max pooling over time, dropout, one linear layer.

    Source: Yoon Kim 2014, "Convolutional Neural Networks for Sentence Classification", section 2. Its variants:
    CNN-rand is this model itself; CNN-static and CNN-non-static have pretrained vectors in `embedding`,
    frozen or not (`lingon.layers.embedding.load_pretrained`); CNN-multichannel has a frozen copy beside it, `frozen`,
    made by `freeze_copy` after vectors were loaded: the same filters over both, their scores added before ReLU.
    """

    def __init__(
        self,
        vocab_size: VocabSize,
        classes: Classes,
        width: Width = 100,
        kernels: Sequence[Annotated[int, Range(1, 100)]] = (3, 4, 5),
        channels: Whole = 100,
        dropout: Fraction = 0.5,
        word_dropout: Fraction = 0.0,
        multichannel: bool = False,
        padding_idx: PaddingIdx = 0,
    ):
        super().__init__()
        self.sizes = {"vocab_size": vocab_size, "classes": classes, "width": width, "kernels": list(kernels)}
        self.sizes |= {"channels": channels, "dropout": dropout}
        self.sizes |= {"word_dropout": word_dropout, "multichannel": multichannel}
        self.sizes["padding_idx"] = padding_idx
        self.embedding = Embedding(vocab_size, width, padding_idx=padding_idx)
        self.frozen = (
            Embedding(vocab_size, width, padding_idx=padding_idx).requires_grad_(False) if multichannel else None
        )
        self.convs = nn.ModuleList(ConvMax(width, channels, kernel) for kernel in kernels)
        self.dropout = Dropout(dropout)
        self.word_dropout = nn.Dropout1d(word_dropout)  # whole vectors, not single elements
        self.out = nn.Linear(channels * len(kernels), classes)
        self.freeze_copy()

    @torch.no_grad()
    def freeze_copy(self) -> None:
        """Copy the current `embedding` to the frozen channel, if there is one."""
        if self.frozen is not None:
            self.frozen.weight.copy_(self.embedding.weight)

    def forward(self, ids: Int[Tensor, "B T"], mask: Bool[Tensor, "B T"]) -> Float[Tensor, "B C"]:
        return self.out(self.dropout(self.features(ids, mask)))

    def features(self, ids: Int[Tensor, "B T"], mask: Bool[Tensor, "B T"]) -> Float[Tensor, "B features"]:
        """Return the maximum over time of every filter, kernel by kernel: features = channels * len(kernels)."""
        x = self.embedding(ids)
        if self.frozen is not None:
            # A filter is linear, so that the sum of its scores of both channels is its score of their sum.
            x = x + self.frozen(ids)
        if self.embedding.padding_idx is None:  # the convolution needs zeros at padding
            x = x * mask[..., None]
        x = self.word_dropout(x)
        return torch.cat([conv(x, mask) for conv in self.convs], 1)

    def config(self) -> dict:
        return self.sizes


def program(model: TextCNN, ids: Expression, mask: Expression) -> Expression:
    """Return the logits as an expression of `lingon.program`."""
    from lingon import program as P
    from lingon.layers import expressions as E

    x, weights = E.embedded(model.embedding.weight, ids), mask.astype("float32")
    if model.frozen is not None:
        x = x + E.embedded(model.frozen.weight, ids)
    if model.embedding.padding_idx is None:
        x = x * P.expand_dims(weights, -1)
    lengths = E.lengths(weights)
    places = P.cumsum(weights * 0.0 + 1.0, 1) - 1.0
    highest = []
    for conv in cast(Iterable[ConvMax], model.convs):
        # Zeros at the end, so that a text shorter than the kernel has a window; windows that end in them are ignored.
        filled = P.concatenate([x, *[x[:, :1] * 0.0] * (conv.kernel - 1)], 1)
        assert conv.conv.bias is not None
        scores = P.conv1d(
            P.transpose(filled, (0, 2, 1)), E.tensor_constant(conv.conv.weight), E.tensor_constant(conv.conv.bias)
        )
        outside = places > P.maximum(lengths - float(conv.kernel), 0.0)
        best = P.max(P.where(P.expand_dims(outside, 1), E.LOWEST, scores), 2)
        highest.append(P.relu(best) * (lengths > 0.0).astype("float32"))
    return E.linear(P.concatenate(highest, 1), model.out)


# Chosen on the validation texts of film reviews; see docs/log.md for what was tried.
ENTRY = ModelEntry(
    TextCNN,
    program=program,
    defaults={
        "max_tokens_per_batch": 16_384,
        "batch_size": 64,
        "vocab": 30_000,
        "max_length": 500,
        "epochs": 4,
        "lr": 2e-3,
        "dropout": 0.5,
        "width": 100,
        "max_grad_norm": 1.0,
    },
    after_vectors=TextCNN.freeze_copy,
)
