"""Frozen weights, which training does not change: a checkpoint stores only their sha256."""

from typing import Any

import torch
from torch import nn

from lingon.core.errors import UserError
from lingon.core.shapes import Tensor
from lingon.core.tensors import tensors_sha256
from lingon.engine import fsdp as sharding


class StillWeights:
    """The frozen parameters of a model that its optimizer does not hold, such as the base weights under LoRA.

    To resume a run, the model is built as at first, frozen weights included; their sha256 in the checkpoint shows
    whether they are the same.
    """

    def __init__(self, model: nn.Module, optimizer: torch.optim.Optimizer):
        held = {id(p) for group in optimizer.param_groups for p in group.get("params", ())}
        self._model = model
        self._names = [name for name, p in _parameters(model).items() if not p.requires_grad and id(p) not in held]
        self._hashed: tuple[tuple[str, ...], str] = (), ""  # names of parameters, and the sha256 of their values

    @property
    def names(self) -> set[str]:
        """Return their names, without parameters that became trainable after training began."""
        parameters = _parameters(self._model)
        return {name for name in self._names if not parameters[name].requires_grad}

    def left_out(self, state: dict[str, Any]) -> dict[str, Any]:
        """Return a `state_dict` of the model without the frozen weights."""
        names = self.names
        return {name: value for name, value in state.items() if name not in names}

    def filled_in(self, weights: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return weights together with the frozen ones of the model, which were left out."""
        own = self._model.state_dict()
        return {name: own[name] for name in self.names if name in own} | weights

    def state_dict(self) -> dict[str, Any]:
        """Return names and sha256 for a checkpoint. All processes must call it."""
        names = sorted(self.names)
        return {"names": names, "sha256": self._hash(tuple(names))} if names else {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Compare the frozen weights with those of a checkpoint. Raises UserError if they differ."""
        if state and state["sha256"] != self._hash(tuple(state["names"])):
            raise UserError(
                "the frozen weights differ from those that the run started with; build the model from the same weights"
            )

    def _hash(self, names: tuple[str, ...]) -> str:
        if self._hashed[0] != names:
            parameters = _parameters(self._model)
            still = sharding.full_tensors({name: parameters[name] for name in names})
            self._hashed = names, tensors_sha256(still)
        return self._hashed[1]


def _parameters(model: nn.Module) -> dict[str, nn.Parameter]:
    return dict(model.named_parameters(remove_duplicate=False))
