"""What is fitted to validation texts after a classifier is trained: a temperature, thresholds."""

from collections.abc import Callable

from lingon.core.shapes import Float, Tensor
from lingon.data.examples import Examples
from lingon.tasks.classify.classifier import Classifier
from lingon.tasks.classify.columns import text_weights


def calibrate(
    classifier: Classifier, valid: Examples, scaled_logits: Callable[[], Float[Tensor, "n C"]] | None = None
) -> None:
    """Fit the temperature and thresholds of a trained classifier to validation texts.

    scaled_logits: returns the logits of these texts, already scaled by a factor that was fitted to them in training;
    by default they are computed here, and a scale is fitted. If a logit is not finite, nothing is fitted.
    """
    if scaled_logits:
        logits = scaled_logits()
    else:
        logits = classifier.any_logits(classifier.model, classifier.encoded(valid.inputs))
    numbers = classifier.numbers(valid.labels)
    if logits.isfinite().all():
        scale = 1.0 if scaled_logits else classifier.targets.scale_of(logits, numbers, text_weights(valid), 1.0)
        classifier.targets = classifier.targets.calibrated(logits, numbers, scale)
