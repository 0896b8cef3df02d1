"""A model that answers questions on an image: words attend to its places; the answer is one of the training data."""

from typing import Annotated, Any

import torch
from torch import nn

from lingon.core.shapes import Bool, Float, Int, Tensor
from lingon.models.image_places import ImagePlaces
from lingon.models.option_types import AttentionHeads, Classes, Depth, Fraction, PaddingIdx, Range, VocabSize, Width
from lingon.models.question_reader import QuestionAttention, QuestionReader
from lingon.models.registry import ModelEntry

ImageSide = Annotated[int, Range(8, 1024)]
Halvings = Annotated[int, Range(1, 6)]
Filters = Annotated[int, Range(1, 256)]


class ImageAnswerer(nn.Module):
    """image -> grid of places; question -> words that attend to the places -> one of C answers.

    image_height, image_width: in pixels. filters, halvings: see `ImagePlaces`. depth: number of attention blocks.
    """

    def __init__(
        self,
        vocab_size: VocabSize,
        classes: Classes,
        image_height: ImageSide,
        image_width: ImageSide,
        width: Width = 64,
        depth: Depth = 2,
        heads: AttentionHeads = 4,
        filters: Filters = 16,
        halvings: Halvings = 3,
        dropout: Fraction = 0.0,
        padding_idx: PaddingIdx = 0,
    ):
        super().__init__()
        self.sizes: dict[str, Any] = {"vocab_size": vocab_size, "classes": classes, "image_height": image_height}
        self.sizes |= {"image_width": image_width, "width": width, "depth": depth, "heads": heads, "filters": filters}
        self.sizes |= {"halvings": halvings, "dropout": dropout, "padding_idx": padding_idx}
        self.places = ImagePlaces(image_height, image_width, 3, filters, halvings, width)
        self.reader = QuestionReader(vocab_size, classes, width, depth, heads, dropout, padding_idx)

    @property
    def grid(self) -> tuple[int, int]:
        """Return the number of rows and columns of places in an image."""
        return self.places.grid[0], self.places.grid[1]

    def forward(
        self, images: Float[Tensor, "B 3 H W"], ids: Int[Tensor, "B Q T"], mask: Bool[Tensor, "B Q T"]
    ) -> Float[Tensor, "B Q C"]:
        """Return the logits of the answers to Q questions on each image, which is encoded once for all of them."""
        return self.reader(self.places(images), ids, mask)

    @torch.no_grad()
    def attention(
        self, images: Float[Tensor, "B 3 H W"], ids: Int[Tensor, "B Q T"], mask: Bool[Tensor, "B Q T"]
    ) -> QuestionAttention:
        """Return the weight of each word, and its attention over the places."""
        return self.reader.attention(self.places(images), ids, mask)

    def config(self) -> dict[str, Any]:
        return self.sizes


ENTRY = ModelEntry(
    ImageAnswerer,
    defaults={"lr": 1e-3, "epochs": 10, "batch_size": 16, "weight_decay": 0.01, "max_grad_norm": 1.0},
)
