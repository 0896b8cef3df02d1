"""Columns of a classifier's batches, beside the texts."""

import torch

from lingon.core.shapes import Float, Tensor
from lingon.data.batches import Column, Padded, Values
from lingon.data.examples import Examples
from lingon.tasks.classify.encoding import Encoded


def columns_of(numbers: Tensor, encoded: Encoded | None, examples: Examples) -> dict[str, Column]:
    """Return the columns of labelled texts: labels, as numbers, token types and weights where there are some."""
    weights = text_weights(examples)
    of_weights = {} if weights is None else {"weights": Values("weights", weights)}
    return {"labels": Values("labels", numbers), **types_of(encoded), **of_weights}


def types_of(encoded: Encoded | None) -> dict[str, Column]:
    """Return the column of token types, where there are some."""
    return (
        {}
        if encoded is None or encoded.token_types is None
        else {"token_types": Padded("token_types", encoded.token_types)}
    )


def text_weights(examples: Examples) -> Float[Tensor, " n"] | None:
    """Return the weights of texts; None where all count alike."""
    return None if examples.weights is None else torch.tensor(examples.weights, dtype=torch.float32)
