"""Cross-validation: folds that are stratified, metrics of each, and a model of all texts at the end."""

import csv
import json
from pathlib import Path
from statistics import fmean, stdev

import pytest

import lingon
from lingon.core.errors import UserError
from lingon.core.files import read_json
from lingon.data.examples import Examples
from lingon.data.split import stratified_folds
from lingon.recipes.cross_validation import summary_of

TEXTS = [f"text {i}" for i in range(23)]
LABELS = ["a"] * 11 + ["b"] * 7 + ["c"] * 5


@pytest.mark.parametrize("folds", [2, 3, 5])
def test_each_text_is_in_one_fold_which_has_its_share_of_every_label(folds):
    found = stratified_folds(Examples(TEXTS, LABELS), folds, 3)
    assert sorted(i for fold in found for i in fold) == list(range(23))
    for label, count in {"a": 11, "b": 7, "c": 5}.items():
        shares = [sum(LABELS[i] == label for i in fold) for fold in found]
        assert max(shares) - min(shares) <= 1
        assert sum(shares) == count
    assert found == stratified_folds(Examples(TEXTS, LABELS), folds, 3)
    assert found != stratified_folds(Examples(TEXTS, LABELS), folds, 4)


def test_equal_texts_are_in_one_fold_and_a_text_alone_with_its_label_in_none():
    texts, labels = ["x", "y", "x", "z", "u", "v", "w"], ["a", "a", "a", "a", "b", "b", "c"]
    found = stratified_folds(Examples(texts, labels), 2, 0)
    assert any({0, 2} <= set(fold) for fold in found)
    assert sorted(i for fold in found for i in fold) == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("folds", [1, 12])
def test_folds_that_no_label_has_texts_for_are_refused(folds):
    with pytest.raises(UserError, match=f"--folds is {folds}; expected 2 or more, and no more than the texts of .* 11"):
        stratified_folds(Examples(TEXTS, LABELS), folds, 0)


def test_the_summary_is_the_mean_and_the_deviation_of_a_sample():
    rows = [{"accuracy": 0.5}, {"accuracy": 0.75}, {"accuracy": 1.0}]
    found = summary_of(rows)
    assert found["mean"]["accuracy"] == pytest.approx(fmean([0.5, 0.75, 1.0]))
    assert found["std"]["accuracy"] == pytest.approx(stdev([0.5, 0.75, 1.0]))


@pytest.fixture
def data(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = {"good": ["warm", "clever"], "poor": ["dull", "flat"], "rare": ["odd"]}
    with open("mine.csv", "w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["text", "label"])
        for i in range(60):
            label = "rare" if i < 2 else ("good", "poor")[i % 2]
            rows.writerow([f"film {i} was {words[label][i // 2 % len(words[label])]}", label])
    return "mine.csv"


def test_every_fold_is_recorded_and_the_model_is_of_all_texts(data, capsys, monkeypatch):
    how = {"settings": {"folds": 3, "C": 3.0}, "out": "run"}
    found = lingon.train("classify", data, **how)
    said = capsys.readouterr()
    assert "labels with fewer than 3 texts are not in every fold: 'rare'" in said.err
    assert "fold 3 of 3: accuracy" in said.out
    assert "3 folds, mean and standard deviation" in said.out
    record = read_json(Path("run/run.json"))
    assert len(record["folds"]) == 3
    assert record["test"] == record["folds_mean"] == pytest.approx(summary_of(record["folds"])["mean"], nan_ok=True)
    assert record["folds_mean"]["accuracy"] > 0.8
    assert found.labels == ["good", "poor", "rare"]
    assert all(f"{i}" in found.tokenizer.vocab for i in range(60))  # no text was left out
    assert json.loads(Path("run/folds.json").read_text()) == record["folds"]
    assert not Path("run/folds").exists() or not list(Path("run/folds").iterdir())


def test_a_run_that_is_stopped_does_not_test_its_folds_again(data, monkeypatch, capsys):
    from lingon.recipes import cross_validation

    how = {"settings": {"folds": 3, "C": 3.0}, "out": "run"}
    real, seen = cross_validation.CrossValidated._tested, []

    def stopped(self, parts, settings, context, number):
        seen.append(number)
        if len(seen) == 3:
            raise KeyboardInterrupt
        return real(self, parts, settings, context, number)

    monkeypatch.setattr(cross_validation.CrossValidated, "_tested", stopped)
    with pytest.raises(KeyboardInterrupt):
        lingon.train("classify", data, **how)
    lingon.train("classify", out="run", resume=True)
    assert seen == [0, 1, 2, 2]
    assert len(read_json(Path("run/run.json"))["folds"]) == 3
