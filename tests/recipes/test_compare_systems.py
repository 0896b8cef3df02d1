"""Two models on the same examples: the table, JSON and page of a comparison, and what cannot be compared."""

import json
import re

import pytest

from lingon.cli.compare import comparison_lines
from lingon.core.errors import UserError
from lingon.data.examples import Examples
from lingon.metrics.resampling import compare, mean_statistics
from lingon.metrics.translation import corpus_bleu, translation_statistics
from lingon.recipes.compare_page import marked, write_comparison
from lingon.recipes.compare_systems import compare_systems
from lingon.tasks.comparison import Comparable, SystemOutput
from tests.checkpoints.test_bundle import classifier

SOURCES = ["ein Hund", "eine <Katze>", "das Haus ist rot"]
REFERENCES = ["a dog", "a <cat>", "the house is red"]
GOOD, BAD = ["a dog", "a <cat>", "the house is blue"], ["a dog", "the <dog>", "a mouse was green"]


class Spoken:
    """A task that gives what it is told."""

    name = "translate"

    def __init__(self, outputs):
        self.outputs = outputs

    def system_output(self, examples):
        found = {name: translation_statistics(name, self.outputs, REFERENCES) for name in ("bleu", "chrf", "ter")}
        return SystemOutput(examples, REFERENCES, self.outputs, found, "chrf")


@pytest.fixture(scope="module")
def found():
    return compare_systems(Spoken(BAD), Spoken(GOOD), SOURCES, ("runs/bad", "runs/good"))


def test_scores_and_signatures_are_in_the_table_and_in_json(found):
    row = json.loads(json.dumps(found.row()))
    assert (row["systems"], row["examples"]) == (["runs/bad", "runs/good"], 3)
    values = [row["bleu"][side]["value"] for side in ("first", "second")]
    assert values == [corpus_bleu(said, REFERENCES).value for said in (BAD, GOOD)]
    assert row["bleu"]["difference"]["value"] == pytest.approx(values[1] - values[0])
    assert row["chrf"]["p_value"] == found.metrics["chrf"].comparison.p_value
    lines = found.lines()
    assert [line.split()[0] for line in lines if line] == [
        *("first", "second", "first", "bleu", "chrf", "ter", "3", "bleu", "chrf", "ter")
    ]
    assert "ter (lower is better)" in "\n".join(lines)
    assert "tok:13a" in lines[-3]


def test_the_page_has_the_largest_differences_first_and_marks_words(found, tmp_path):
    page = write_comparison(tmp_path / "both.html", found).read_text()
    each = [one.statistics["chrf"].each() for one in found.outputs]
    order = sorted(range(3), key=lambda i: -abs(each[1][i] - each[0][i]))
    shown = re.findall(r"<article>\s*<p>(.*?)</p>", page)
    assert shown == [SOURCES[i].replace("<", "&lt;").replace(">", "&gt;") for i in order if BAD[i] != GOOD[i]]
    assert "2 of 3 outputs differ" in page
    assert page.count("<td>chrF++</td>") == 2  # what the numbers beside each output are
    assert "<mark>the house is blue</mark>" in page
    assert "<cat>" not in page


def test_marked_words_are_those_that_the_other_lacks():
    assert list(marked("a b  c", "a x c")) == [("a ", False), ("b  ", True), ("c", False)]
    assert list(marked("same", "same")) == [("same", False)]
    assert list(marked("", "gone")) == [("", True)]


def test_two_classifiers_are_compared_by_accuracy():
    one, other = classifier("bag"), classifier("bag")
    other.model.load_state_dict({name: -w for name, w in one.model.state_dict().items()})
    assert isinstance(one, Comparable)
    texts = ["good film", "bad film", "a film", "good", "bad"]
    examples = Examples(texts, [one.labels[i % 2] for i in range(5)])
    found = compare_systems(one, other, examples, ("one", "other"))
    right = [[float(p.label == label) for p, label in zip(task.predict(texts), examples.labels, strict=True)]
             for task in (one, other)]  # fmt: skip
    assert found.metrics["accuracy"].values == tuple(sum(some) / 5 for some in right)
    assert found.metrics["accuracy"].comparison == compare(*map(mean_statistics, right))
    assert found.metrics["accuracy"].values[0] == pytest.approx(one.evaluate(examples)["accuracy"])
    weighted = Examples(texts, examples.labels, weights=[1.0, 0.0, 0.0, 0.0, 3.0])
    assert one.system_output(weighted).statistics["accuracy"].value == (right[0][0] + 3 * right[0][4]) / 4


def test_what_cannot_be_compared_is_said(tmp_path):
    class Other(Spoken):
        name = "classify"

    class Whole:
        name = "parse"

    with pytest.raises(UserError, match=r"'a' is a translat.* and 'b' a classifier; two of one kind can be compared"):
        compare_systems(Spoken(GOOD), Other(GOOD), SOURCES, ("a", "b"))
    with pytest.raises(UserError, match="a parser is scored as a whole"):
        compare_systems(Whole(), Whole(), SOURCES, ("a", "b"))
    Whole.name = "answer"
    with pytest.raises(UserError, match="an answerer is scored as a whole"):
        compare_systems(Whole(), Whole(), SOURCES, ("a", "b"))
    with pytest.raises(UserError, match=r"expected \.html"):
        list(comparison_lines((Spoken(BAD), Spoken(GOOD)), SOURCES, ("a", "b"), False, tmp_path / "page.pdf"))
