"""Spans scored as conlleval scores them: its published example, cases by hand, and every short sequence of tags."""

import itertools
from pathlib import Path

import pytest

from lingon.core.errors import UserError
from lingon.data.tag_schemes import spans_of
from lingon.metrics.spans import span_errors, span_scores, tag_accuracy

# What the reference script prints for the example of CoNLL-2000 (output.txt), of which the tags are here: the true one
# and the predicted one of each word. Of each type: precision, recall and F1.
PUBLISHED = {
    "ADJP": (0.00, 0.00, 0.00),
    "ADVP": (45.45, 62.50, 52.63),
    "NP": (64.98, 78.63, 71.16),
    "PP": (83.18, 98.89, 90.36),
    "SBAR": (66.67, 33.33, 44.44),
    "VP": (69.00, 79.31, 73.80),
}


def columns(name):
    text = (Path(__file__).parent / name).read_text()
    sentences = [[line.split() for line in part.splitlines()] for part in text.strip().split("\n\n")]
    return tuple([[row[i] for row in rows] for rows in sentences] for i in (0, 1))


def test_the_published_example_of_conlleval():
    true, predicted = columns("conll2000_chunks.txt")
    found = span_scores(true, predicted)
    assert sum(map(len, true)) == 961
    assert (found.total.support, found.total.predicted, found.total.correct) == (459, 539, 371)
    rounded = tuple(round(100 * value, 2) for value in (found.accuracy, *list(found.total.row().values())[:3]))
    assert rounded == (84.08, 68.83, 80.83, 74.35)
    got = {kind: tuple(round(100 * v, 2) for v in (c.precision, c.recall, c.f1)) for kind, c in found.by_type.items()}
    assert got == PUBLISHED


def brute_force(tags):
    """Every span by the two rules of conlleval, as a table of neighbours: where one starts, and where one ends.

    E before B is not in its table; here an end is an end.
    """
    marked = [("O", ""), *((tag[0], tag[2:]) for tag in tags), ("O", "")]
    begins = {("O", "B"), ("O", "I"), ("O", "E"), ("I", "B"), ("B", "B"), ("E", "E"), ("E", "I"), ("E", "B")}
    ends = {("B", "B"), ("B", "O"), ("I", "B"), ("I", "O"), ("E", "E"), ("E", "I"), ("E", "O"), ("E", "B")}
    found = set()
    for start, end in itertools.combinations(range(1, len(marked)), 2):

        def starts_at(i):
            (before, old), (here, new) = marked[i - 1], marked[i]
            return here != "O" and ((before, here) in begins or old != new)

        def ends_at(i):
            (before, old), (here, new) = marked[i - 1], marked[i]
            return before != "O" and ((before, here) in ends or old != new)

        if starts_at(start) and ends_at(end) and not any(ends_at(i) or starts_at(i) for i in range(start + 1, end)):
            found.add((start - 1, end - 1, marked[start][1]))
    return found


@pytest.mark.parametrize(("places", "length"), [("BI", 5), ("BIE", 4)])
def test_spans_of_every_short_sequence_are_those_of_conlleval(places, length):
    tags = ["O", *(f"{place}-{kind}" for place in places for kind in "ab")]
    for sequence in itertools.product(tags, repeat=length):
        assert set(spans_of(sequence)) == brute_force(sequence), sequence


@pytest.mark.parametrize(
    ("true", "predicted", "counts"),
    [
        ("B-a I-a O", "B-a I-a O", (1, 1, 1)),
        ("B-a I-a O", "I-a I-a O", (1, 1, 1)),  # I- after O begins a span
        ("B-a I-a O", "B-a O O", (1, 1, 0)),  # half a span is none
        ("B-a I-a I-a", "B-a B-a I-a", (1, 2, 0)),
        ("B-a I-a O", "B-b I-b O", (1, 1, 0)),  # the right words, another type
        ("B-a I-b I-b", "B-a B-b I-b", (2, 2, 2)),  # I- of another type begins a span
        ("O O O", "O B-a O", (0, 1, 0)),
        ("S-a B-b E-b", "B-a B-b I-b", (2, 2, 2)),  # of another scheme
    ],
)
def test_cases_by_hand(true, predicted, counts):
    found = span_scores([true.split()], [predicted.split()]).total
    assert (found.support, found.predicted, found.correct) == counts


def test_a_share_of_nothing_is_0():
    found = span_scores([["O", "O"], []], [["O", "O"], []])
    assert found.total.row() == {"precision": 0, "recall": 0, "f1": 0, "support": 0, "predicted": 0}
    assert (found.accuracy, found.by_type, span_scores([], []).accuracy) == (1.0, {}, 0.0)


def test_errors_of_a_sentence():
    missed, wrong = span_errors(["B-a", "I-a", "O", "B-b"], ["B-a", "I-a", "B-b", "I-b"])
    assert (missed, wrong) == ([(3, 4, "b")], [(2, 4, "b")])


def test_accuracy_of_tags():
    assert tag_accuracy([["DET", "NOUN"], ["VERB"]], [["DET", "VERB"], ["VERB"]]) == pytest.approx(2 / 3)


def test_what_cannot_be_scored():
    with pytest.raises(UserError, match=r"sentence 2 has 1 tag, and 2 were predicted"):
        span_scores([["O"], ["O"]], [["O"], ["O", "O"]])
    with pytest.raises(UserError, match=r"2 sentences have tags, and 1 were predicted"):
        span_scores([["O"], ["O"]], [["O"]])
    with pytest.raises(UserError, match=r"'NOUN' is not a span tag"):
        span_scores([["O", "NOUN"]], [["O", "O"]])
