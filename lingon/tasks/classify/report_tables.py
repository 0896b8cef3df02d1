"""Tables of a classifier's report: which labels are taken for which, and how well each is found."""

from collections.abc import Mapping, Sequence
from typing import Any

MOST_LABELS = 100  # rows of the confusion table, which is scrolled
FEW_LABELS = 8  # with more, the worst pairs are listed, and labels stand in the order of their texts
WORST_PAIRS = 10


def confusion(matrix: list[list[int]], labels: Sequence[str]) -> dict[str, Any]:
    """Return the confusion table of the labels with the most texts, those first, and the worst pairs of labels."""
    order = sorted(range(len(labels)), key=lambda i: -sum(matrix[i]))[:MOST_LABELS]
    order = order if len(labels) > FEW_LABELS else sorted(order)
    rows = [(labels[i], [(matrix[i][j], matrix[i][j] / max(1, sum(matrix[i]))) for j in order]) for i in order]
    note = f"The {MOST_LABELS} most frequent of {len(labels)} labels." if len(labels) > MOST_LABELS else ""
    pairs = worst_pairs(matrix, labels) if len(labels) > FEW_LABELS else []
    return {"labels": [labels[i] for i in order], "confusion": rows, "confusion_note": note, "worst_pairs": pairs}


def worst_pairs(matrix: list[list[int]], labels: Sequence[str]) -> list[tuple[str, str, int, int]]:
    """Return the pairs of labels that are confused most: the true one, the predicted one, how often, of how many."""
    found = [
        (count, labels[i], labels[j], sum(row))
        for i, row in enumerate(matrix)
        for j, count in enumerate(row)
        if i != j and count
    ]
    found.sort(key=lambda pair: (-pair[0], pair[3]))
    return [(true, predicted, count, texts) for count, true, predicted, texts in found[:WORST_PAIRS]]


def by_class(table: Mapping[str, Mapping[str, float]]) -> list[tuple[str, Mapping[str, float]]]:
    """Precision, recall, F1 and support of the labels with the most texts, in the order of the labels."""
    most = set(sorted(table, key=lambda label: -table[label]["support"])[:MOST_LABELS])
    return [(label, of) for label, of in table.items() if label in most]
