"""Span scores as in CoNLL (Tjong Kim Sang 2002): a span is correct only if its boundaries and type are."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

from lingon.core.counted import counted
from lingon.core.errors import UserError
from lingon.data.tag_schemes import Span, are_spans, spans_of

Tags = Sequence[Sequence[str]]  # of each sentence, one for each word


@dataclass(frozen=True)
class SpanCounts:
    """Counts of spans: true ones (`support`), predicted ones, and correct ones."""

    support: int
    predicted: int
    correct: int

    @property
    def precision(self) -> float:
        """Return the fraction of predicted spans that are correct; 0 if there are none."""
        return self.correct / max(1, self.predicted)

    @property
    def recall(self) -> float:
        """Return the fraction of true spans that were predicted; 0 if there are none."""
        return self.correct / max(1, self.support)

    @property
    def f1(self) -> float:
        """Return the harmonic mean of precision and recall."""
        return 2 * self.correct / max(1, self.support + self.predicted)

    def row(self) -> dict[str, float]:
        """Return the metrics by name."""
        return {
            "precision": self.precision,
            "recall": self.recall,
            "f1": self.f1,
            "support": self.support,
            "predicted": self.predicted,
        }


@dataclass(frozen=True)
class SpanScores:
    """Scores of all spans and of the spans of each type, and the accuracy of the tags of words."""

    total: SpanCounts
    by_type: dict[str, SpanCounts]
    accuracy: float


def span_scores(true: Tags, predicted: Tags) -> SpanScores:
    """Return the span scores of predicted tags. Both may be in any scheme but IO, or follow none consistently.

    Any sequence of tags defines spans: one begins at B-, at I- after O and at I- of another type (`spans_of`).
    Raises UserError if numbers or lengths of sentences differ, and for tags that are not span tags.

    >>> found = span_scores([["B-a", "I-a", "O", "B-b"]], [["B-a", "I-a", "O", "B-a"]])
    >>> found.total.precision, found.total.recall, found.by_type["b"].recall, found.accuracy
    (0.5, 0.5, 0.0, 0.75)
    """
    check_lengths(true, predicted)
    refuse_other_tags(true)
    refuse_other_tags(predicted)
    support, found, correct = Counter[str](), Counter[str](), Counter[str]()
    for tags, guessed in zip(true, predicted, strict=True):
        there, said = set(spans_of(tags)), set(spans_of(guessed))
        for counter, spans in ((support, there), (found, said), (correct, there & said)):
            counter.update(span.type for span in spans)
    by_type = {kind: SpanCounts(support[kind], found[kind], correct[kind]) for kind in sorted({*support, *found})}
    total = SpanCounts(support.total(), found.total(), correct.total())
    return SpanScores(total, by_type, tag_accuracy(true, predicted))


def tag_accuracy(true: Tags, predicted: Tags) -> float:
    """Return the fraction of words whose tag is right; 0 if there are none. Raises UserError if the lengths differ."""
    check_lengths(true, predicted)
    pairs = list(zip(chain.from_iterable(true), chain.from_iterable(predicted), strict=True))
    return sum(tag == guessed for tag, guessed in pairs) / max(1, len(pairs))


def span_errors(true: Sequence[str], predicted: Sequence[str]) -> tuple[list[Span], list[Span]]:
    """Return the spans of a sentence that were missed, and those that were predicted wrongly."""
    there, said = spans_of(true), spans_of(predicted)
    return [span for span in there if span not in said], [span for span in said if span not in there]


def check_lengths(true: Tags, predicted: Tags) -> None:
    """Raise UserError unless both have the same number of sentences, each with the same number of tags."""
    if len(true) != len(predicted):
        raise UserError(
            f"{counted(len(true), 'sentence has', 'sentences have')} tags, and {len(predicted):,} were predicted"
        )
    for i, (tags, guessed) in enumerate(zip(true, predicted, strict=True), 1):
        if len(tags) != len(guessed):
            raise UserError(f"sentence {i} has {counted(len(tags), 'tag')}, and {len(guessed):,} were predicted")


def refuse_other_tags(sentences: Tags) -> None:
    """Raise UserError for tags that are not span tags."""
    tags = sorted(set(chain.from_iterable(sentences)))
    if not are_spans(tags):
        strange = next((tag for tag in tags if not are_spans([tag])), tags[0])
        raise UserError(f"{strange!r} is not a span tag; expected O, or B- or I- and a type; score it by accuracy")
