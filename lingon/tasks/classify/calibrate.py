"""What is fitted to validation texts after a classifier is trained: a temperature, thresholds."""

from collections.abc import Callable

from lingon.core.shapes import Float, Tensor
from lingon.data.examples import Examples
from lingon.tasks.classify.classifier import Classifier
from lingon.tasks.classify.columns import text_weights


def calibrate(
    classifier: Classifier, valid: Examples, scaled: Callable[[], Float[Tensor, "n C"]] | None = None
) -> None:
    """Fit the temperature and thresholds of a trained classifier to validation texts.

    scaled: returns the logits of these texts by a model whose scale was fitted to them while it was trained; without
    it they are computed here. Logits that are not finite change nothing.
    """
    logits = scaled() if scaled else classifier.any_logits(classifier.model, classifier.encoded(valid.inputs))
    numbers = classifier.numbers(valid.labels)
    if logits.isfinite().all():
        scale = 1.0 if scaled else classifier.targets.scale_of(logits, numbers, text_weights(valid), 1.0)
        classifier.targets = classifier.targets.calibrated(logits, numbers, scale)
