"""Examples in a classifier's report: the most confident predictions, right and wrong, with their words."""

from collections.abc import Sequence
from typing import Any

from lingon.core.shapes import Float, Tensor
from lingon.data.examples import Examples
from lingon.tasks.classify.classifier import Classifier
from lingon.tasks.classify.judging import GROUPS, Judged, judge, surest
from lingon.tasks.classify.saliency import attended_words, deciding_words

SHOWN_CHARACTERS = 1200  # of a text in the report
NOTE = (
    "Green words speak for the predicted label, red ones against it: each word's weight is how far the "
    "probability falls when the word is left out."
)


def example_groups(classifier: Classifier, test: Examples, logits: Float[Tensor, "n C"]) -> list[dict[str, Any]]:
    """Return the most confident correct predictions, the most confident errors and the least confident ones."""
    found = classifier.predictions(test.inputs, logits)
    judged = judge(classifier.targets.problem_type, found, test.labels)
    right, wrong = surest(judged)
    order = sorted(range(len(judged)), key=lambda i: -judged[i].confidence)
    titles = GROUPS[classifier.targets.problem_type]
    groups = [
        (titles.right, _one_each(right, judged, classifier.labels)),
        (titles.wrong, wrong[:4]),
        (titles.doubtful, order[::-1][:2] if titles.doubtful else []),
    ]
    note = "" if classifier.text_pair else NOTE
    shown = [
        {"title": title, "note": note, "shown": [_example(classifier, found[i], judged[i]) for i in chosen]}
        for title, chosen in groups
        if chosen
    ]
    if hasattr(classifier.model, "attention") and not classifier.text_pair:
        items = [_attended(classifier, found[i], judged[i]) for i in right[:3]]
        shown.append(
            {"title": "Attention weights", "note": "The weight that attention gives each word.", "shown": items}
        )
    return shown


def _one_each(right: Sequence[int], judged: Sequence[Judged], labels: Sequence[str]) -> list[int]:
    """The surest of each label, of the first four; of numbers the first four."""
    if not labels:
        return list(right[:4])
    first = (next((i for i in right if label in judged[i].predicted.split(", ")), None) for label in labels[:4])
    return list(dict.fromkeys(i for i in first if i is not None))


def _example(classifier: Classifier, found: Any, judged: Judged) -> dict[str, Any]:
    if classifier.text_pair:
        return _item(" | ".join(found.text)[:SHOWN_CHARACTERS], judged, [])
    text = found.text[:SHOWN_CHARACTERS]
    return _item(text, judged, deciding_words(classifier, text, getattr(found, "label", None)))


def _attended(classifier: Classifier, found: Any, judged: Judged) -> dict[str, Any]:
    text = found.text[:SHOWN_CHARACTERS]
    return _item(text, judged, attended_words(classifier, text))


def _item(text: str, judged: Judged, words: list) -> dict[str, Any]:
    pieces, end = [], 0
    for word in words:
        pieces += [(text[end : word.start], 0), (text[word.start : word.end], word.weight)]
        end = word.end
    pieces.append((text[end:], 0))
    strongest = max((abs(w.weight) for w in words), default=0) or 1
    fields = {"predicted": judged.predicted, "how_sure": judged.how_sure, "label": judged.true}
    return {**fields, "pieces": pieces, "scale": 0.75 / strongest}
