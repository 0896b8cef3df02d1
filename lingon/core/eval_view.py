"""A model as it predicts, beside the same model as it trains: so that no prediction changes what others see."""

from typing import Any

from torch import nn


def eval_view(model: Any) -> Any:
    """Makes a second tree of the modules of a model, in evaluation mode, that shares all weights.

    `model.eval()` would turn off dropout for everybody, a thread that trains the model among them. A view costs
    microseconds per module, so that each use makes its own. What compiles a model is left out, since it would call
    the model it was made of; what is not a module is given back as it is.
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
    """Copies the tree of modules but no tensor; weights and modes put into the copy leave the first as it is."""
    return _copied(module, {})


def _copied(module: nn.Module, made: dict[int, nn.Module]) -> nn.Module:
    """The copy of a part; a part that stands in two places has one."""
    if id(module) in made:
        return made[id(module)]
    # Neither __init__ nor copy.copy: both make the weights of an LSTM anew.
    twin = made[id(module)] = object.__new__(type(module))
    held = dict(module.__dict__)
    for name in ("_parameters", "_buffers", "_flat_weights"):  # the last: what an LSTM calls its weights in a row
        if name in held:
            held[name] = held[name].copy()
    children = module._modules.items()
    held["_modules"] = {name: None if child is None else _copied(child, made) for name, child in children}
    twin.__dict__.update(held)
    return twin
