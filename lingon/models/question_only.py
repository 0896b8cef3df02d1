"""A question-only baseline of visual question answering, which does not use the image."""

from typing import Any

import torch
from torch import nn

from lingon.core.shapes import Bool, Float, Int, Tensor
from lingon.models.option_types import AttentionHeads, Classes, Depth, Fraction, PaddingIdx, VocabSize, Width
from lingon.models.question_reader import QuestionAttention, QuestionReader
from lingon.models.registry import ModelEntry


class QuestionOnly(nn.Module):
    """The reader of `ImageAnswerer` over one trained vector, the same for all images.

    Source of the baseline: Antol et al. 2015, "VQA: Visual Question Answering", section 4.1.
    """

    grid = (1, 1)

    def __init__(
        self,
        vocab_size: VocabSize,
        classes: Classes,
        width: Width = 64,
        depth: Depth = 2,
        heads: AttentionHeads = 4,
        dropout: Fraction = 0.0,
        padding_idx: PaddingIdx = 0,
    ):
        super().__init__()
        self.sizes: dict[str, Any] = {"vocab_size": vocab_size, "classes": classes, "width": width, "depth": depth}
        self.sizes |= {"heads": heads, "dropout": dropout, "padding_idx": padding_idx}
        self.nothing = nn.Parameter(torch.empty(1, 1, width).normal_(std=0.1))
        self.reader = QuestionReader(vocab_size, classes, width, depth, heads, dropout, padding_idx)

    def forward(
        self, images: Float[Tensor, "B 3 H W"], ids: Int[Tensor, "B Q T"], mask: Bool[Tensor, "B Q T"]
    ) -> Float[Tensor, "B Q C"]:
        """Return the logits of the answers to Q questions on each image; only the number of images matters."""
        return self.reader(self.nothing.expand(len(images), -1, -1), ids, mask)

    @torch.no_grad()
    def attention(
        self, images: Float[Tensor, "B 3 H W"], ids: Int[Tensor, "B Q T"], mask: Bool[Tensor, "B Q T"]
    ) -> QuestionAttention:
        """Return the weight of each word; the image is a single place."""
        return self.reader.attention(self.nothing.expand(len(images), -1, -1), ids, mask)

    def config(self) -> dict[str, Any]:
        return self.sizes


ENTRY = ModelEntry(
    QuestionOnly,
    defaults={"lr": 1e-3, "epochs": 6, "batch_size": 16, "weight_decay": 0.01, "max_grad_norm": 1.0},
)
