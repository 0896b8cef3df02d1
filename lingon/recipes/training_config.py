"""From the settings that every task has to parts: the optimizer, the configuration and the evaluation of a training."""

from torch import nn

from lingon.engine import precision, schedule
from lingon.engine.average import EMA, NTASGD, SWA
from lingon.engine.evaluation import Evaluation
from lingon.engine.fit import TrainConfig
from lingon.engine.optimizers import adamw
from lingon.engine.sparse_optimizer import row_adagrad
from lingon.metrics.metric_table import HIGHER_IS_BETTER
from lingon.models.registry import entry_of
from lingon.tasks.settings import TrainSettings
from lingon.tasks.training import Training


def optimizer_of(module: nn.Module, settings: TrainSettings):
    """AdamW; for n-grams, of which a batch meets few, an optimizer that touches only those."""
    if entry_of(settings.model).optimizer == "row_adagrad":
        return row_adagrad(module, settings.lr)
    return adamw(module, settings.lr, weight_decay=settings.weight_decay or 0.0)


def steps_of(settings: TrainSettings, batches_per_epoch: int) -> int:
    """Steps of the whole training."""
    config = TrainConfig(epochs=settings.epochs, steps=settings.steps, accumulation_steps=settings.accumulation_steps)
    return config.total(range(batches_per_epoch))


def evaluation_of(training: Training, settings: TrainSettings) -> Evaluation:
    """When to look at the validation data; the weights that are best on it by the training's metric are kept."""
    every = max(1, steps_of(settings, len(training.batches)) // settings.evals)
    better = HIGHER_IS_BETTER[training.metric]
    return Evaluation(training.evaluator, every, training.metric, better, settings.patience)


def train_config(settings: TrainSettings, batches_per_epoch: int) -> TrainConfig:
    """How long, how fast and how precisely to train."""
    steps = steps_of(settings, batches_per_epoch)
    rise = round(settings.warmup * steps)
    falls = {
        "constant": schedule.constant,
        "linear": lambda: schedule.linear(steps - rise),
        "cosine": lambda: schedule.cosine(steps - rise),
        "inverse_sqrt": lambda: schedule.inverse_sqrt(max(1, rise)),
    }
    averages = {"none": None, "ema": EMA(), "swa": SWA(start=steps * 3 // 4), "nt": NTASGD(2)}
    return TrainConfig(
        epochs=settings.epochs,
        steps=settings.steps,
        schedule=schedule.warmup(rise, falls[settings.schedule]()),
        max_grad_norm=settings.max_grad_norm,
        accumulation_steps=settings.accumulation_steps,
        precision=getattr(precision, settings.precision)(),
        weight_average=averages[settings.weight_average],
    )
