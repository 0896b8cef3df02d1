"""Prepares a model with pretrained weights for its training: all of it, its head alone, or thin matrices beside it."""

from functools import partial
from typing import Any

from torch import nn

from lingon.engine.distributed import distribute
from lingon.engine.loss import LossFunction
from lingon.engine.step import MicroBatches, StepResult, step
from lingon.engine.trainer import Trainer
from lingon.layers.attention import Attention
from lingon.layers.int8_linear import quantize_linear
from lingon.layers.lora import LoRA, add_lora
from lingon.layers.residual import PostNorm, PreNorm, Sandwich
from lingon.tasks.tuning_options import LORA_LAYERS

HEAD_FIRST = 0.2  # fraction of the steps in which the head is trained alone


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
        if settings.quantize == "int8":
            quantize_linear(body)
        add_lora(body, lora_of(settings))
    return model


def set_dropout(model: nn.Module, dropout: float | None) -> nn.Module:
    """Give an encoder, and what stands on it, another dropout in place, where one is named; return the model.

    No attention weights are dropped while an encoder is trained further: fused attention, which keeps no weights for
    the gradient, has no dropout on CPUs, and a training of few epochs does not miss it (docs/log.md).
    """
    for module in model.modules():
        if isinstance(module, Attention):
            module.dropout = 0.0
        elif dropout is not None and isinstance(module, nn.Dropout):
            module.p = dropout
        elif dropout is not None and isinstance(module, PreNorm | PostNorm | Sandwich):
            module.dropout = dropout
    return model


def lora_of(settings: Any) -> LoRA:
    """Return where adapters stand and how large they are; what is not given is as in the paper."""
    given = (settings.lora_layers or LORA_LAYERS).split(",")
    layers = [name.strip() for name in given if name.strip()]
    rank, alpha, dropout = settings.lora_rank, settings.lora_alpha, settings.lora_dropout
    return LoRA(rank or LoRA.rank, LoRA.alpha if alpha is None else alpha, dropout or 0.0, layers)


def training_parts(model: nn.Module, settings: Any) -> dict[str, Any]:
    """Return the parts of a `Training` that follow from the tuning: how it steps, and how it is distributed."""
    if settings.tuning != "head-first":
        return {}
    return {"update": HeadFirst(model, HEAD_FIRST), "distribute": partial(distribute, unused=True)}


class HeadFirst:
    """One step of the weights; in the first part of a training, of the head alone (Howard and Ruder 2018, 3.3).

    A fresh head would else send a gradient without meaning through weights that are good already.
    share: fraction of all steps. Under DistributedDataParallel the model must be looked through for unused weights.
    """

    def __init__(self, model: nn.Module, share: float):
        self.body, self.share = body_of(model), share

    def __call__(self, trainer: Trainer, group: MicroBatches, loss_fn: LossFunction) -> StepResult:
        """Update the weights once; see `lingon.engine.step.step`."""
        alone = trainer.state.step < self.share * trainer.config.total(len(trainer.batches))
        self.body.requires_grad_(not alone)
        try:
            return step(trainer, group, loss_fn)
        finally:
            self.body.requires_grad_(True)
