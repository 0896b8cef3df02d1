"""What a task gives the one recipe `lingon.recipes.train`: all in which the training of tasks differs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from lingon.data.tokenizer_table import train_tokenizer
from lingon.data.tokenizers import Tokenizer
from lingon.engine.distributed import distribute
from lingon.engine.fit import History
from lingon.engine.loss import LossFunction
from lingon.engine.step import Update, step
from lingon.engine.world import World, wait_for_all
from lingon.metrics.scores import Scores
from lingon.tasks.pretrained import Pretrained
from lingon.tasks.task import Task

WordTable = tuple[list[str], np.ndarray]  # words, and their vectors [V, D]
ReadVectors = Callable[[str, set[str] | None], WordTable]


@dataclass(frozen=True)
class TrainContext:
    """Context of a training: where a task is trained, and from what.

    folder: of the run. read_vectors: pretrained vectors of a file, of some words only or of all. pretrained: what the
    training starts from; None: fresh weights. load_task: opens another model that a setting names, by name or folder.
    """

    folder: Path
    world: World
    device: torch.device
    read_vectors: ReadVectors
    pretrained: Pretrained | None = None
    load_task: Callable[[str], Any] | None = None
    _tokenizers: dict[Path, Tokenizer] = field(default_factory=dict, init=False, repr=False, compare=False)

    def tokenizer(self, name: str, texts: Callable[[], list[str]], size: int, part: str = "tokenizer") -> Tokenizer:
        """Return a tokenizer of that name trained on texts; kept in the run's folder for when the run is resumed.

        size: of its vocabulary at most. part: of the task, when it has several tokenizers.
        """
        kept = self.folder / f"{part}.json"
        if self.world.rank == 0 and not kept.exists():
            train_tokenizer(name, texts(), size).save(kept)
        wait_for_all()
        if kept not in self._tokenizers:  # a refit reuses the tokenizer of the first training
            self._tokenizers[kept] = Tokenizer.load(kept)
        return self._tokenizers[kept]


@dataclass(frozen=True)
class Training:
    """A task that is ready to be trained.

    task: with fresh weights, which are trained in place. module: what is trained and called by the loss; the model of
    the task, or that with its loss. batches: of the training data, this process's share. evaluator: the metrics of the
    module on the validation data. metric: of those, the one that selects the best weights. test: the metrics of the
    trained task on the test data. models: the name of each module in the registry, by part, where the task has
    several. facts: what run.json shall hold. report: writes the page of a run, of its folder and what run.json holds.
    sample: what the trained task says of some examples. distribute: spreads the module over the processes of torchrun.
    optimizer: of the module, where it is no matter of settings alone. update: one step of the weights. encoder: is
    saved in the Hugging Face layout too, for others to start from. calibrate: fits what is fitted to the validation
    data once the best weights are in place, such as thresholds. refit: the same task, ready to be trained on training
    and validation data together for as long as the best weights were. starts_good: whether the weights that it begins
    with may be the best, so that they are evaluated too.
    """

    task: Task
    module: nn.Module
    batches: Any
    loss: LossFunction
    evaluator: Callable[[nn.Module], dict[str, float]]
    metric: str
    test: Callable[[], Scores]
    models: Mapping[str, str] | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    report: Callable[[Path, Mapping[str, Any]], Path] | None = None
    sample: Callable[[], str] = lambda: ""
    distribute: Callable[[nn.Module], nn.Module] = distribute
    optimizer: Any = None
    update: Update = step
    encoder: nn.Module | None = None
    calibrate: Callable[[], None] = lambda: None
    refit: Callable[[History], "Training"] | None = None
    starts_good: bool = False
