"""A training without a run folder: nothing is logged, saved or resumed."""

from lingon.engine.compile import compile_model
from lingon.engine.fit import fit
from lingon.recipes.refit import refitted
from lingon.recipes.training_config import fit_parts
from lingon.tasks.settings import TrainSettings
from lingon.tasks.training import Training


def train_once(training: Training, settings: TrainSettings) -> Training:
    """Train, calibrate and refit what was prepared; return the training that has the trained task."""
    module = compile_model(training.module) if settings.compile else training.module
    history = fit(module, training.batches, training.loss, **fit_parts(module, training, settings))
    training.calibrate()
    return refitted(training, history, settings) if training.refit else training
