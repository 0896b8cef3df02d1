"""A view of a model in evaluation mode, so that prediction does not change the mode of a model in training."""

from typing import Any

from torch import nn


def eval_view(model: Any) -> Any:
    """Return a copy of the module tree of a model, in evaluation mode, that shares all weights.

    `model.eval()` would turn off dropout for all users, including a thread that trains the model. A view costs
    microseconds per module, so each use makes its own. Compiled wrappers are removed, since they would call the
    original model; an object that is not a module is returned unchanged.
    """
    while hasattr(model, "_orig_mod"):
        model = model._orig_mod
    if not isinstance(model, nn.Module):
        return model
    view = shallow_copy(model)
    for part in view.modules():
        part.__dict__["training"] = False
    return view


def shallow_copy(module: nn.Module) -> nn.Module:
    """Copy the module tree but no tensors; replacing weights or modes in the copy does not change the original."""
    return _copied(module, {})


def _copied(module: nn.Module, made: dict[int, nn.Module]) -> nn.Module:
    """Return the copy of a module; a module that is used in two places has one copy."""
    if id(module) in made:
        return made[id(module)]
    # Neither __init__ nor copy.copy: both would create new weights for an LSTM.
    twin = made[id(module)] = object.__new__(type(module))
    held = dict(module.__dict__)
    for name in ("_parameters", "_buffers", "_flat_weights"):  # the last is the list of weights of an LSTM
        if name in held:
            held[name] = held[name].copy()
    children = module._modules.items()
    held["_modules"] = {name: None if child is None else _copied(child, made) for name, child in children}
    twin.__dict__.update(held)
    return twin
