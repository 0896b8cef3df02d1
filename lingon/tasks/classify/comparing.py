"""What a classifier gives when it is compared with another: its labels, and whether each is right."""

from typing import TYPE_CHECKING

from lingon.core.errors import UserError
from lingon.data.examples import Examples
from lingon.metrics.resampling import mean_statistics
from lingon.tasks.classify.evaluation import check_examples
from lingon.tasks.comparison import SystemOutput

if TYPE_CHECKING:
    from lingon.tasks.classify.classifier import Classifier


def single_label_output(classifier: "Classifier", examples: Examples) -> SystemOutput:
    """Return the labels that a classifier gives texts, of which accuracy is the score.

    Raises UserError for other labels than one of each text.
    """
    check_examples(examples, "system_output", "test")
    kind = classifier.targets.problem_type
    if kind != "single-label":
        raise UserError(f"two models of problem type {kind} are not compared so far; evaluate them one by one")
    found = [one.label for one in classifier.predict(examples.inputs)]
    right = [float(one == label) for one, label in zip(found, examples.labels, strict=True)]
    inputs = ["\t".join(text) if isinstance(text, tuple) else text for text in examples.inputs]
    return SystemOutput(
        inputs, examples.labels, found, {"accuracy": mean_statistics(right, examples.weights)}, "accuracy"
    )
