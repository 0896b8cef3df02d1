"""What a classifier and a regressor of scikit-learn do in `fit`: settings, and a training without a folder."""

import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from lingon.core.device import pick_device
from lingon.core.errors import UserError, unknown
from lingon.core.progress import no_progress
from lingon.data.examples import Examples, Splits
from lingon.data.problem_types import ProblemType
from lingon.data.split import stratified_split
from lingon.engine.world import World
from lingon.kernels.allocator import give_back_freed_memory
from lingon.recipes.pretrained import merge_adapters, open_pretrained
from lingon.recipes.sklearn_inputs import seed_of
from lingon.recipes.train_once import train_once
from lingon.tasks.classify import Classifier
from lingon.tasks.classify.settings import Settings
from lingon.tasks.training import TrainContext
from lingon.word_vectors.files.text_format import read_vectors

# Settings with parameters of their own.
OWN = ("model", "from_", "C", "epochs", "lr", "max_length", "class_weights", "seed", "device", "folds")
ALIKE = ("model", "from_", "C", "epochs", "lr", "max_length", "device")  # called the same in both


def settings_of(estimator: Any, class_weights: str | None = None) -> Settings:
    """Return the options of `lingon train classify` that the parameters of an estimator mean."""
    more: Mapping[str, Any] = dict(estimator.settings or {})
    known, name_of = Settings.__dataclass_fields__, type(estimator).__name__
    for name in more:
        if name in OWN:
            raise UserError(f"settings has {name!r}, which is a parameter of {name_of} itself")
        if name not in known:
            raise unknown("setting", name, [name for name in known if name not in OWN])
    given: dict[str, Any] = {name: getattr(estimator, name) for name in ALIKE}
    return replace(Settings(), **given, class_weights=class_weights, seed=seed_of(estimator.random_state), **more)


def fitted(
    examples: Examples, problem_type: ProblemType, settings: Settings, validation_fraction: float, verbose: bool
) -> Classifier:
    """Return a classifier that was trained as `lingon train classify` does; no folder is left behind.

    The best weights are selected on a part of the texts, or on all of them where they are too few.
    """
    train, valid = stratified_split(examples, validation_fraction, settings.seed, "valid")
    valid = valid if len(valid) else train
    splits = Splits(train, valid, valid, "texts", problem_type=problem_type)
    settings, pretrained = settings.checked(), open_pretrained(settings.from_)
    settings = (settings.started(pretrained) if pretrained else settings).filled(splits)
    if splits.valid is splits.train:  # there are no others to refit on
        settings = replace(settings, refit=False)
    with no_progress(not verbose), tempfile.TemporaryDirectory() as folder:
        context = TrainContext(Path(folder), World(0, 1), pick_device(settings.device), read_vectors, pretrained)
        training = train_once(Classifier.prepare(splits, settings, context), settings)
        merge_adapters(training.task)
    give_back_freed_memory()  # the program that called goes on
    return cast(Classifier, training.task)
