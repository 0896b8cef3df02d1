"""The parts of a training run by name, as in the settings: optimizers, schedules, weight averages, precisions.

Each name is listed only here. The tables do not import torch: `lingon --help` lists them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any

from lingon.engine import schedule
from lingon.engine.schedule import Schedule

if TYPE_CHECKING:
    from torch import nn
    from torch.optim import Optimizer

    from lingon.engine.average import EMA, NTASGD, SWA
    from lingon.engine.precision import Precision


@dataclass(frozen=True)
class OptimizerRow:
    """An optimizer by name: made by the function of that name in `module`, called with (model, lr, **options).

    options: the settings that it uses besides the learning rate, with their defaults. sparse: it takes sparse
    gradients of an embedding table. gradient: it uses gradients and a learning rate; an optimizer that does not is
    made by the task, which knows the examples.
    """

    module: str = "lingon.engine.optimizers"
    options: Mapping[str, float | None] = field(default_factory=dict)
    sparse: bool = False
    gradient: bool = True


OPTIMIZERS: dict[str, OptimizerRow] = {
    "adamw": OptimizerRow(options={"weight_decay": 0.0}),
    "adam": OptimizerRow(),
    "sgd": OptimizerRow(options={"weight_decay": 0.0}),
    "adagrad": OptimizerRow(options={"weight_decay": 0.0}),
    "row_adagrad": OptimizerRow("lingon.engine.sparse_optimizer", sparse=True),
    "dual_coordinate_descent": OptimizerRow(
        "lingon.engine.dual_coordinate_descent", options={"C": None}, sparse=True, gradient=False
    ),
}
# Learning rate schedules, from the number of warm-up steps (`rise`) and of all steps.
SCHEDULES: dict[str, Callable[[int, int], Schedule]] = {
    "constant": lambda rise, steps: schedule.warmup(rise, schedule.constant_schedule()),
    "linear": lambda rise, steps: schedule.warmup(rise, schedule.linear(steps - rise)),
    "cosine": lambda rise, steps: schedule.warmup(rise, schedule.cosine(steps - rise)),
    "inverse_sqrt": lambda rise, steps: schedule.warmup(rise, schedule.inverse_sqrt(max(1, rise))),
}
# Averages of the weights, from the number of all steps.
AVERAGES: "dict[str, Callable[[int], EMA | SWA | NTASGD | None]]" = {
    "none": lambda steps: None,
    "ema": lambda steps: _module("average").EMA(),
    "swa": lambda steps: _module("average").SWA(start=steps * 3 // 4),
    "nt": lambda steps: _module("average").NTASGD(2),
}
PRECISIONS: "dict[str, Callable[[], Precision]]" = {
    "float32": lambda: _module("precision").float32(),
    "bfloat16": lambda: _module("precision").bfloat16(),
    "float16": lambda: _module("precision").float16(),
}


def make_optimizer(name: str, model: "nn.Module", lr: float, settings: Any) -> "Optimizer":
    """Return the optimizer of that name. settings: an object with its options as attributes; None is the default."""
    row = OPTIMIZERS[name]
    given = {option: getattr(settings, option, None) for option in row.options}
    options = {option: usual if given[option] is None else given[option] for option, usual in row.options.items()}
    return getattr(import_module(row.module), name)(model, lr, **options)


def _module(name: str) -> Any:
    return import_module(f"lingon.engine.{name}")
