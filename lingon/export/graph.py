"""What of a model is exported, and what stays outside: the inputs of some are made from the ids by a rule."""

from torch import nn

from lingon.core.shapes import Tensor
from lingon.models.registry import Preprocessing, entry_of_model


def preprocessing_of(model: nn.Module) -> Preprocessing | None:
    """Return what is done to the ids before the exported graph of a model; None where it reads the ids."""
    entry = entry_of_model(model)
    return entry.preprocessing if entry is not None else None


def graph_of(model: nn.Module) -> nn.Module:
    """Return the module that is exported: (ids, mask) -> logits, of the ids that `inputs_of` gives."""
    before = preprocessing_of(model)
    return model if before is None else before.graph(model)


def inputs_of(model: nn.Module, ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Return what the exported graph of a model reads, of token ids and their mask [B, T]."""
    before = preprocessing_of(model)
    return (ids, mask) if before is None else before.inputs(model, ids, mask)
