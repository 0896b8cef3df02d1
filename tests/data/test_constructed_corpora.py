"""Corpora of several labels and of numbers that are made of others."""

from lingon.data.corpora.catalogue import CORPORA
from lingon.data.corpora.published_parts import _concatenated
from lingon.data.examples import Examples


def test_texts_are_concatenated_with_the_labels_of_all_and_each_once():
    found = _concatenated(Examples([f"t{i}" for i in range(13)], ["a", "b", "c", "a", "b"] * 2 + ["d"] * 3), 3, "train")
    lines = [text.split("\n") for text in found.texts]
    assert sorted(line for text in lines for line in text) == sorted(f"t{i}" for i in range(13))
    assert [len(text) for text in lines] == [1, 2, 3, 1, 2, 3, 1]
    label_of = dict(zip([f"t{i}" for i in range(13)], ["a", "b", "c", "a", "b"] * 2 + ["d"] * 3, strict=True))
    assert [set(labels) for labels in found.labels] == [{label_of[line] for line in text} for text in lines]


def test_the_rows_say_what_their_labels_are():
    assert CORPORA["reuters-joined"].problem_type == "multi-label"
    assert "constructed" in CORPORA["reuters-joined"].summary
    assert CORPORA["vader"].problem_type == "regression"
