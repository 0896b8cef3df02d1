"""Prepares a model with pretrained weights for its training: all of it, its head alone, or thin matrices beside it."""

from typing import Any

from torch import nn

from lingon.engine.loss import LossFunction
from lingon.engine.step import MicroBatches, StepResult, step
from lingon.engine.trainer import Trainer
from lingon.layers.lora import LoRA, add_lora
from lingon.tasks.tuning_options import LORA_LAYERS


def body_of(model: nn.Module) -> nn.Module:
    """Return the pretrained part of a model: its encoder where it has one, else all of it."""
    body = getattr(model, "encoder", model)
    return body if isinstance(body, nn.Module) else model


def apply_tuning(model: nn.Module, settings: Any) -> nn.Module:
    """Choose what of a model trains, in place, as the settings name it; return the model.

    Raises UserError for layers of LoRA that are not there.
    """
    model.requires_grad_(True)
    body = body_of(model)
    if settings.tuning == "frozen":
        body.requires_grad_(False)
    elif settings.tuning == "lora":
        add_lora(body, lora_of(settings))
    return model


def lora_of(settings: Any) -> LoRA:
    """Return where adapters stand and how large they are; what is not given is as in the paper."""
    given = (settings.lora_layers or LORA_LAYERS).split(",")
    layers = [name.strip() for name in given if name.strip()]
    rank, alpha, dropout = settings.lora_rank, settings.lora_alpha, settings.lora_dropout
    return LoRA(rank or LoRA.rank, LoRA.alpha if alpha is None else alpha, dropout or 0.0, layers)


class HeadFirst:
    """One step of the weights; of the first `steps`, the head's alone (Howard and Ruder 2018: gradual unfreezing).

    A fresh head would else send a gradient without meaning through weights that are good already.
    """

    def __init__(self, model: nn.Module, steps: int):
        self.body, self.steps = body_of(model), steps

    def __call__(self, trainer: Trainer, group: MicroBatches, loss_fn: LossFunction) -> StepResult:
        """Update the weights once; see `lingon.engine.step.step`."""
        alone = trainer.state.step < self.steps
        self.body.requires_grad_(not alone)
        try:
            return step(trainer, group, loss_fn)
        finally:
            self.body.requires_grad_(True)
