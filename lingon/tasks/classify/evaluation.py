"""A classifier on labelled texts: its metrics, a page of them, and a function that scores it while it is trained."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import nn

from lingon.core.errors import UserError
from lingon.data.examples import Examples, Splits
from lingon.metrics.scores import Scores
from lingon.pages.page import check_page_path
from lingon.tasks.classify.columns import text_weights
from lingon.tasks.classify.encoding import Encoded, warn_of_cut

if TYPE_CHECKING:
    from lingon.tasks.classify.classifier import Classifier


def evaluate(classifier: "Classifier", examples: Examples) -> Scores:
    """Return the metrics on labelled texts; see the `scores` of the targets.

    A metric that the texts do not define, such as AUC of a single class, is NaN. Raises NotFinite for broken weights.
    """
    encoded = warn_of_cut(_encoded(classifier, examples), classifier.max_length, stacklevel=4)
    return classifier.scores_of(classifier.logits_of(encoded), examples)


def evaluate_with_page(
    classifier: "Classifier", examples: Examples, path: Path, name: str, sections: Sequence[Mapping[str, Any]] = ()
) -> Scores:
    """Return what `evaluate` gives, and write it as a page, with what is confused and with examples.

    name: of the model. sections: more of them; see `lingon.tasks.classify.report`. Raises UserError for a path that is
    no .html.
    """
    from lingon.tasks.classify.report import write_evaluation

    check_page_path(path)
    logits = classifier.logits_of(warn_of_cut(_encoded(classifier, examples), classifier.max_length, stacklevel=4))
    write_evaluation(path, classifier, examples, logits, name, sections)
    return classifier.scores_of(logits, examples)


def evaluator(classifier: "Classifier", examples: Examples) -> Callable[[nn.Module], dict[str, float]]:
    """Return a function of the model that scores it on these texts, which are encoded only once.

    Broken weights give NaN here: a model that is being trained may recover.
    """
    encoded, weights = _encoded(classifier, examples), text_weights(examples)
    numbers = classifier.numbers(examples.labels)
    return lambda model: classifier.targets.metrics_of(classifier.any_logits(model, encoded), numbers, weights)


def check_examples(examples: Any, method: str, part: str) -> None:
    """Raise UserError for what is no `Examples`. method: that takes them. part: of splits, which is meant."""
    if not isinstance(examples, Examples):
        hint = f"; give one part of it, such as splits.{part}" if isinstance(examples, Splits) else ""
        raise UserError(f"{method} takes Examples, texts with labels, not {type(examples).__name__}{hint}")


def _encoded(classifier: "Classifier", examples: Any) -> Encoded:
    check_examples(examples, "evaluate", "test")
    if not len(examples):
        raise UserError("there are no texts to evaluate on")
    return classifier.encoded(examples.inputs)
