"""From the settings that every task has to parts: the optimizer, the configuration and the evaluation of a training."""

from dataclasses import replace
from typing import Any

from torch import nn
from torch.optim import Optimizer

from lingon.engine.evaluation import Evaluation
from lingon.engine.fit import TrainConfig
from lingon.engine.param_groups import head_factors, layer_decay_factors, set_rate_factors
from lingon.engine.training_parts import AVERAGES, PRECISIONS, SCHEDULES, make_optimizer
from lingon.metrics.metric_table import HIGHER_IS_BETTER
from lingon.models.registry import get_entry
from lingon.tasks.settings import TrainSettings
from lingon.tasks.training import Training


def optimizer_of(module: nn.Module, settings: TrainSettings) -> Optimizer:
    """Return the optimizer that the settings name. Default: set by the model."""
    name = settings.optimizer or get_entry(settings.model).optimizer
    assert settings.lr is not None, "settings are filled in before a training"
    optimizer, factors = make_optimizer(name, module, settings.lr, settings), dict[str, float]()
    if settings.layer_lr_decay is not None:
        factors = layer_decay_factors(module, settings.layer_lr_decay)
    if settings.head_lr is not None:
        of_head = head_factors(module, settings.head_lr / settings.lr)
        factors = {name: factor * factors.get(name, 1.0) for name, factor in of_head.items()}
    return set_rate_factors(optimizer, module, factors) if factors else optimizer


def fit_parts(module: nn.Module, training: Training, settings: TrainSettings) -> dict[str, Any]:
    """Return what `fit` takes beside the model, the batches and the loss: optimizer, config and evaluation."""
    config, evaluation = train_config(settings, len(training.batches)), evaluation_of(training, settings)
    if training.optimizer is None:
        optimizer = optimizer_of(module, settings)
        return {"optimizer": optimizer, "update": training.update, "config": config, "evaluation": evaluation}
    # What it comes to on its way is worth nothing until it is at an optimum; past the best, metric and loss are worse.
    exact = training.optimizer
    evaluation = replace(evaluation, every=exact.optimal, patience=1, loss_is_progress=True)
    config = replace(config, log_every=len(training.batches))
    return {"optimizer": exact, "update": exact.update, "config": config, "evaluation": evaluation}


def steps_of(settings: TrainSettings, batches_per_epoch: int) -> int:
    """Steps of the whole training."""
    config = TrainConfig(epochs=settings.epochs, steps=settings.steps, accumulation_steps=settings.accumulation_steps)
    return config.total(batches_per_epoch)


def evaluation_of(training: Training, settings: TrainSettings) -> Evaluation:
    """When to look at the validation data; the weights that are best on it by the training's metric are kept."""
    every = max(1, steps_of(settings, len(training.batches)) // settings.evals)
    better = HIGHER_IS_BETTER[training.metric]
    first = training.starts_good
    return Evaluation(training.evaluator, every, training.metric, better, settings.patience, at_start=first)


def train_config(settings: TrainSettings, batches_per_epoch: int) -> TrainConfig:
    """How long, how fast and how precisely to train."""
    steps = steps_of(settings, batches_per_epoch)
    rise = round(settings.warmup * steps)
    return TrainConfig(
        epochs=settings.epochs,
        steps=settings.steps,
        schedule=SCHEDULES[settings.schedule](rise, steps),
        max_grad_norm=settings.max_grad_norm,
        accumulation_steps=settings.accumulation_steps,
        precision=PRECISIONS[settings.precision](),
        weight_average=AVERAGES[settings.weight_average](steps),
    )
