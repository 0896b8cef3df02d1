"""The metrics of a tagger: accuracy of tags, or precision, recall and F1 of spans; accuracy of whole sentences."""

from collections import Counter
from collections.abc import Sequence
from itertools import chain

from lingon.metrics.class_table import class_lines
from lingon.metrics.per_class import ClassScores
from lingon.metrics.scores import Scores, Table
from lingon.metrics.spans import Tags, span_scores, tag_accuracy
from lingon.tasks.tag.metric_names import metrics_for


def metrics_of(
    true: Tags, found: Tags, spans: bool, labels: tuple[Sequence[str | None], Sequence[str]] | None, loss: float
) -> dict[str, float]:
    """Return the metrics of tags of sentences, and of their labels, the true ones and those that were found.

    spans: tags are of spans, which count only whole. accuracy: of tags. label_accuracy: share of sentences with the
    right label. sentence_accuracy: share of sentences whose label and tags are all right.
    """
    if spans:
        scored = span_scores(true, found)
        total = {"f1": scored.total.f1, "precision": scored.total.precision, "recall": scored.total.recall}
        total |= {"accuracy": scored.accuracy}
    else:
        total = {"accuracy": tag_accuracy(true, found)}
    if labels is None:
        return {**total, "loss": loss}
    right = [label == said for label, said in zip(*labels, strict=True)]
    whole = [ok and [*a] == [*b] for ok, a, b in zip(right, true, found, strict=True)]
    count = max(1, len(right))
    return {"sentence_accuracy": sum(whole) / count, "label_accuracy": sum(right) / count, **total, "loss": loss}


def scores_of(
    true: Tags, found: Tags, spans: bool, labels: tuple[Sequence[str | None], Sequence[str]] | None, loss: float
) -> Scores:
    """Return the metrics with a table of each tag, or of each type of span, and with labels one of each label."""
    values = metrics_of(true, found, spans, labels, loss)
    by_tag: dict[str, dict[str, float]]
    if spans:
        by_tag = {kind: dict(counts.row()) for kind, counts in span_scores(true, found).by_type.items()}
    else:
        by_tag = by_name([*chain.from_iterable(true)], [*chain.from_iterable(found)])
    tables: dict[str, Table] = {"per_type" if spans else "per_tag": by_tag}
    lines = class_lines(by_tag, weighted=False)
    if labels is not None:
        by_label = by_name([str(label) for label in labels[0]], labels[1])
        tables["per_label"] = by_label
        lines += class_lines(by_label, weighted=False)
    return Scores(values, metrics_for(spans, labels is not None)[0], tables, lines)


def by_name(true: Sequence[str], found: Sequence[str]) -> dict[str, dict[str, float]]:
    """Return precision, recall, F1 and support of each name, in the order of the alphabet."""
    support, predicted = Counter(true), Counter(found)
    hits = Counter(name for name, said in zip(true, found, strict=True) if name == said)
    table = {}
    for name in sorted({*support, *predicted}):
        h, p, t = hits[name], predicted[name], support[name]
        table[name] = ClassScores(h / max(1, p), h / max(1, t), 2 * h / max(1, p + t), t, p)._asdict()
    return table
