"""A linear classifier that is trained to its optimum: the path of C, chosen on validation texts, and probabilities."""

from collections.abc import Callable
from typing import Any

from torch import nn

from lingon.data.examples import Examples
from lingon.engine.dual_coordinate_descent import DualCoordinateDescent, FeatureStore
from lingon.tasks.classify.calibration import USUAL as USUAL_SCALE
from lingon.tasks.classify.classifier import Classifier
from lingon.tasks.classify.columns import text_weights
from lingon.tasks.classify.settings import Settings
from lingon.tasks.classify.targets.target import Targets

PATH = (0.3, 1.0, 3.0, 10.0, 30.0)
USUAL = (10.0,)  # where there are too few validation texts to choose by
ENOUGH = 30


def takes_over(model: nn.Module, first: DualCoordinateDescent | None) -> bool:
    """Return whether a model has taken over what that of a first training learned of the same texts before it."""
    learn_as = getattr(model, "learn_as", None)
    return first is not None and learn_as is not None and learn_as(first.model)


def optimizer_of(
    model: nn.Module,
    targets: Targets,
    train: Examples,
    valid: Examples,
    settings: Settings,
    store: FeatureStore | None = None,
) -> DualCoordinateDescent:
    """Return the optimizer; its path is the C that was asked for, or those among which the validation texts choose.

    store: the features of the first of the texts, from a first training.
    """
    path = (settings.C,) if settings.C is not None else PATH if len(valid) >= ENOUGH else USUAL
    return DualCoordinateDescent(model, len(train), path, targets.linear_problem(), settings.seed, store=store)


def calibrated_evaluator(classifier: Classifier, valid: Examples) -> Callable[[nn.Module], dict[str, float]]:
    """Return a function of the model that fits the scale of its logits to these texts, and scores it on them.

    So the loss of two models can be compared: a larger C has larger scores.
    """
    encoded, numbers, weights = classifier.encoded(valid.inputs), classifier.numbers(valid.labels), text_weights(valid)

    def evaluate(model: Any) -> dict[str, float]:
        model.scale.fill_(1.0)
        logits = classifier.logits_of(encoded)
        model.scale.fill_(scale := classifier.targets.scale_of(logits, numbers, weights, USUAL_SCALE))
        return classifier.targets.metrics_of(logits * scale, numbers, weights)

    return evaluate
