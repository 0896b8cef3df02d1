"""Columns of a classifier's batches, beside the texts and their labels."""

import torch

from lingon.core.shapes import Float, Tensor
from lingon.data.batches import Column, Padded
from lingon.data.examples import Examples
from lingon.tasks.classify.encoding import Encoded


def types_of(encoded: Encoded) -> dict[str, Column]:
    """Return the column of token types, where there are some."""
    return {} if encoded.token_types is None else {"token_types": Padded("token_types", encoded.token_types)}


def text_weights(examples: Examples) -> Float[Tensor, " n"] | None:
    """Return the weights of texts; None where all count alike."""
    return None if examples.weights is None else torch.tensor(examples.weights, dtype=torch.float32)
