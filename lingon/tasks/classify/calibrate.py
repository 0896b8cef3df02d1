"""What is fitted to validation texts after a classifier is trained: a temperature, thresholds."""

from lingon.data.examples import Examples
from lingon.tasks.classify.classifier import Classifier
from lingon.tasks.classify.columns import text_weights


def calibrate(classifier: Classifier, valid: Examples, scaled: bool = False) -> None:
    """Fit the temperature and thresholds of a trained classifier to validation texts.

    scaled: the model has a scale of its own, which was fitted while it was trained. A broken model is left as it is.
    """
    logits, numbers = (
        classifier.any_logits(classifier.model, classifier.encoded(valid.inputs)),
        classifier.numbers(valid.labels),
    )
    if logits.isfinite().all():
        scale = 1.0 if scaled else classifier.targets.scale_of(logits, numbers, text_weights(valid), 1.0)
        classifier.targets = classifier.targets.calibrated(logits, numbers, scale)
