"""The report of a classifier with many labels, and the page of an evaluation on texts of another kind."""

import re

import pytest
import torch

from lingon.core.errors import UserError
from lingon.data.examples import Examples
from lingon.data.tokenizers import words
from lingon.models.registry import build
from lingon.tasks.classify import Classifier
from lingon.tasks.classify.report_tables import confusion, worst_pairs
from lingon.tasks.classify.targets import MultiLabel, Ordinal, Regression
from lingon.tasks.task import Reporter


def test_many_labels_stand_in_the_order_of_their_texts_and_the_worst_pairs_are_listed():
    labels = [f"label {i}" for i in range(60)]
    matrix = [[(i + 1) * (i == j) for j in range(60)] for i in range(60)]
    matrix[3][7], matrix[50][2], matrix[51][2] = 5, 9, 9
    found = confusion(matrix, labels)
    assert len(found["labels"]) == 60
    assert found["labels"][:3] == ["label 51", "label 50", "label 59"]
    assert found["confusion"][0][1][0] == (52, 52 / 61)
    assert found["worst_pairs"] == [
        ("label 50", "label 2", 9, 60),
        ("label 51", "label 2", 9, 61),
        ("label 3", "label 7", 5, 9),
    ]
    assert worst_pairs(matrix, labels) == found["worst_pairs"]


def test_few_labels_stay_in_their_order():
    found = confusion([[1, 2], [3, 40]], ["a", "b"])
    assert found["labels"] == ["a", "b"]
    assert found["worst_pairs"] == []


TEXTS = ["warm film", "dull film", "warm day", "dull day", "warm", "film"]
KINDS = {
    "one label": (["1", "2"], ["1", "2", "1", "1", "2", "2"], ["Confusion matrix", "Calibration", "Most confident"]),
    "several labels": (
        MultiLabel(["1", "2"]),
        [("1",), (), ("2",), ("1", "2"), ("1",), ("2",)],
        ["Thresholds", "Calibration"],
    ),
    "numbers": (Regression(3.0, 2.0), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], ["Predicted and true", "Largest errors"]),
    "ranks": (Ordinal(["1", "2", "3"]), ["1", "2", "3", "1", "2", "3"], ["Confusion matrix", "Least confident"]),
}


def bag(targets, text_pair=False):
    torch.manual_seed(3)
    tokenizer = words(TEXTS)
    outputs = getattr(targets, "outputs", 2)
    model = build("bag", {"vocab_size": len(tokenizer.vocab), "classes": outputs, "width": 7}).eval()
    return Classifier(model, tokenizer, targets, text_pair=text_pair)


@pytest.mark.parametrize("kind", KINDS)
def test_the_page_of_an_evaluation_shows_what_is_confused_and_examples(kind, tmp_path):
    targets, labels, headings = KINDS[kind]
    task, examples = bag(targets), Examples(TEXTS, labels)
    assert isinstance(task, Reporter)
    more = [{"title": "One more", "note": "n", "rows": [("a", "b")]}]
    found = task.evaluate_with_page(examples, tmp_path / "p.html", "mine", more)
    assert found == task.evaluate(examples)
    page = (tmp_path / "p.html").read_text()
    titles = re.findall("<h2>(.*?)</h2>", page)
    assert all(any(heading in title for title in titles) for heading in [*headings, "One more"])
    assert "<h1>Evaluation of mine" in page
    assert "6 texts" in page
    assert not {"Training curves", "Settings and data"} & {*titles}, "it is no page of a run"
    if kind == "one label":
        said = [one.label for one in task.predict(TEXTS)]
        rows = re.findall(r"<tr><th>[12]</th>(.*?)</tr>", page.split("Precision")[0], re.DOTALL)
        counts = [[int(cell) for cell in re.findall(r">(\d+)</td>", row)] for row in rows]
        pairs = list(zip(labels, said, strict=True))
        assert counts == [[pairs.count((true, predicted)) for predicted in "12"] for true in "12"]


def test_the_page_of_pairs_has_both_texts(tmp_path):
    examples = Examples(TEXTS, ["1", "2"] * 3, text_pairs=TEXTS[::-1])
    bag(["1", "2"], text_pair=True).evaluate_with_page(examples, tmp_path / "p.html", "mine")
    assert any(f"{a} | {b}" in (tmp_path / "p.html").read_text() for a, b in zip(TEXTS, TEXTS[::-1], strict=True))
    with pytest.raises(UserError, match=r"ends in '.png', expected .html"):
        bag(["1", "2"]).evaluate_with_page(examples, tmp_path / "p.png", "mine")
