"""The course names each standard term in the lesson where its thing first appears."""

import re
from pathlib import Path

import pytest

LESSONS = {path.name[:2]: path for path in (Path(__file__).parents[2] / "course").glob("[0-9]*.py")}
FIRST = {
    "00": ("FLOPs", "parameters", "token", "tokenize", "batch"),
    "02": ("loss function", "hidden units", "learning rate", "backpropagation"),
    "04": (
        "hyperparameter",
        "nn.Module",
        "logits",
        "epoch",
        "optimizer",
        "activation function",
        "multilayer perceptron",
    ),
    "05": ("validation", "cross-validation", "regularization", "dropout"),
    "06": ("embedding", "tokenizer", "vocabulary", "id"),
    "07": ("pretrained", "fine-tune"),
    "08": ("encoder", "bidirectional"),
    "10": ("perplexity",),
    "11": ("decoder", "causal"),
    "13": ("key-value cache", "beam search"),
}


def prose(number: str) -> str:
    """The Markdown of a lesson, as one text."""
    lines = LESSONS[number].read_text(encoding="utf-8").splitlines()
    return " ".join(line.removeprefix("#").strip() for line in lines if line.startswith("#"))


def names(term: str, text: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(term)}", text, re.IGNORECASE) is not None


@pytest.mark.parametrize(("lesson", "term"), [(lesson, term) for lesson, terms in FIRST.items() for term in terms])
def test_a_term_is_named_in_its_lesson(lesson, term):
    assert names(term, prose(lesson))


@pytest.mark.parametrize("term", ["hyperparameter", "nn.Module", "fine-tun", "logits", "perplexity", "pretrained"])
def test_a_term_is_in_no_lesson_before_it_is_named(term):
    (named,) = [lesson for lesson, terms in FIRST.items() if any(each.startswith(term) for each in terms)]
    assert [lesson for lesson in sorted(LESSONS) if lesson < named and names(term, prose(lesson))] == []


def test_no_lesson_says_that_there_is_one_training_loop():
    claim = re.compile(r"only (one )?(training )?loop|same for every model in this course[.,;]", re.IGNORECASE)
    assert claim.search("There is only one loop.")
    assert [number for number in LESSONS if claim.search(prose(number))] == []
