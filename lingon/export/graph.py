"""The part of a model that is exported; for some models, preprocessing of the ids stays outside of the graph."""

from torch import nn

from lingon.core.shapes import Tensor
from lingon.models.registry import Preprocessing, entry_of_model


def preprocessing_of(model: nn.Module) -> Preprocessing | None:
    """Return the preprocessing of ids before the exported graph of a model; None if the graph reads ids."""
    entry = entry_of_model(model)
    return entry.preprocessing if entry is not None else None


def graph_of(model: nn.Module) -> nn.Module:
    """Return the module that is exported: (ids, mask) -> logits, with the inputs from `inputs_of`."""
    before = preprocessing_of(model)
    return model if before is None else before.graph(model)


def inputs_of(model: nn.Module, ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Return the inputs of the exported graph of a model, from token ids and their mask [B, T]."""
    before = preprocessing_of(model)
    return (ids, mask) if before is None else before.inputs(model, ids, mask)
