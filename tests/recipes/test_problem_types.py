"""Trainings on labels of every kind: several, numbers, ranks, pairs; saved, loaded, asked and exported."""

import csv
import json
import random
from pathlib import Path

import numpy as np
import pytest

import lingon
from lingon.cli.app import app
from lingon.core.errors import DataError, UserError
from lingon.core.files import read_json

WORDS = {"price": ["cheap", "costly"], "taste": ["sweet", "sour"], "service": ["rude", "kind"]}
GOOD, POOR = ["fine", "great", "superb"], ["poor", "awful", "dull"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Tables with labels of every kind."""
    place, draw = tmp_path_factory.mktemp("kinds"), random.Random(1)
    with open(place / "several.jsonl", "w") as file:
        for i in range(150):
            labels = [name for name in WORDS if draw.random() < 0.45]
            text = " ".join([*(draw.choice(WORDS[name]) for name in labels), f"meal {i % 5}"])
            file.write(json.dumps({"text": text, "labels": labels}) + "\n")
    for name, column in (("numbers.csv", "score"), ("ranks.csv", "stars")):
        with open(place / name, "w", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["text", column])
            for i in range(150):
                good, poor = draw.randrange(4), draw.randrange(4)
                text = " ".join([*GOOD[:good], *POOR[:poor], f"film {i % 5}"])
                number = round(50 + 10 * (good - poor) + draw.gauss(0, 2), 2)
                rows.writerow([text, number if column == "score" else max(1, min(5, 3 + good - poor))])
    with open(place / "pairs.csv", "w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["first", "second", "label"])
        for i in range(160):
            word = draw.choice(["red", "blue"])
            rows.writerow([f"it is {word} {i % 9}", f"row {i}", "warm" if word == "red" else "cold"])
    return place


@pytest.fixture(autouse=True)
def here(folder, monkeypatch):
    monkeypatch.chdir(folder)


def trained(out: str, data: str, **settings):
    if not Path(out).exists():
        lingon.train("classify", data, out=out, settings={"C": 3.0, **settings})
    return lingon.load(out)


def several():
    return trained("several", "several.jsonl")


def test_several_labels_are_guessed_learned_and_given_back(capsys):
    found = several()
    record = read_json(Path("several/run.json"))
    assert record["test"]["micro_f1"] > 0.9
    assert found.targets.problem_type == "multi-label"
    assert set(found.predict("cheap and rude").labels) == {"price", "service"}
    assert found.predict("meal 3").labels == []
    page = Path("several/report.html").read_text()
    assert "<h2>Thresholds</h2>" in page
    assert "Confusion matrix" not in page
    app(["evaluate", "several", "--data", "several.jsonl", "--json"], standalone_mode=False)
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["subset_accuracy"] > 0.9
    with open("unknown.jsonl", "w") as file:
        file.write('{"text": "x", "labels": ["price"]}\n{"text": "y", "labels": ["price", "noise"]}\n')
    with pytest.raises(DataError, match=r"unknown.jsonl:2: unknown label 'noise'"):
        app(["evaluate", "several", "--data", "unknown.jsonl"], standalone_mode=False)


@pytest.mark.parametrize("ending", ["csv", "parquet", "jsonl"])
def test_predictions_of_several_labels_are_a_table_that_is_read_again(ending):
    several()
    out = f"said.{ending}"
    app(
        ["predict", "several", "--file", "several.jsonl", "--text", "text", "--out", out, "--overwrite"],
        standalone_mode=False,
    )
    rows = lingon.load_data(out, label="predicted_labels", text="text").all()
    whole = lingon.load_data("several.jsonl").all()
    said = dict(zip(rows.texts, map(set, rows.labels), strict=True))
    right = [said[text] == set(labels) for text, labels in zip(whole.texts, whole.labels, strict=True)]
    assert np.mean(right) > 0.9


def test_numbers_are_learned_in_their_unit(capsys):
    found = trained("numbers", "numbers.csv", label="score")
    record = read_json(Path("numbers/run.json"))
    assert record["test"]["pearson"] > 0.9
    assert record["test"]["rmse"] < 6  # the drawn ones are 2 off, and lie 16 apart
    assert found.predict("fine great superb").value > 65 > 35 > found.predict("poor awful dull").value
    assert "Predicted and true" in Path("numbers/report.html").read_text()
    app(["predict", "numbers", "fine film", "--words"], standalone_mode=False)
    assert "fine +" in capsys.readouterr().out


def test_ranks_are_learned_in_their_order():
    found = trained("ranks", "ranks.csv", problem_type="ordinal", label="stars")
    assert read_json(Path("ranks/run.json"))["test"]["quadratic_kappa"] > 0.8
    assert found.labels == ["1", "2", "3", "4", "5"]
    assert (found.predict("poor awful dull").label, found.predict("fine great superb").label) == ("1", "5")
    assert sum(found.predict("fine").probabilities.values()) == pytest.approx(1)


def test_pairs_are_joined_and_both_texts_are_read(capsys):
    found = trained("pairs", "pairs.csv", text="first", text_pair="second")
    ids = found.encode([("it is red", "row 3")])[0]
    assert ids.count(found.tokenizer.library.token_to_id("[SEP]")) == 1
    assert found.predict(("it is red 3", "row 3")).label == "warm"
    assert [one.label for one in found.predict([("it is blue 3", "row 3"), "it is red 4\trow 3"])] == ["cold", "warm"]
    with pytest.raises(UserError, match=r"a pair is two texts, not 'it is red'"):
        found.predict("it is red")
    table = ["--file", "pairs.csv", "--text", "first", "--text-pair", "second"]
    app(["predict", "pairs", *table, "--out", "p.csv", "--overwrite"], standalone_mode=False)
    with open("p.csv") as file:
        rows = list(csv.DictReader(file))
    assert np.mean([row["label"] == row["predicted_label"] for row in rows]) > 0.95
    with pytest.raises(UserError, match="'pairs' reads pairs; give --text-pair too"):
        app(["predict", "pairs", *table[:4]], standalone_mode=False)
    with pytest.raises(UserError, match="this model reads pairs; give --text-pair too"):
        app(["evaluate", "pairs", "--data", "pairs.csv", "--text", "first"], standalone_mode=False)
    app(["evaluate", "pairs", "--data", *table[1:], "--split", "test", "--json"], standalone_mode=False)
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["accuracy"] > 0.9


@pytest.mark.parametrize("how", [{"loss": "focal"}, {"gamma": 1.0, "loss": "focal"}])
def test_a_neural_model_has_a_temperature_and_a_focal_loss(how):
    settings = {"width": 8, "steps": 30, "lr": 0.02, **how}
    found = lingon.train("classify", "several.jsonl", model="bag", out="bag", overwrite=True, settings=settings)
    assert found.targets.temperature != 1
    assert read_json(Path("bag/bundle/config.json"))["targets"] == found.targets.config()


WRONG = {
    "gamma": ({"gamma": 1.0}, "--gamma is 1, which is of --loss focal"),
    "focal": ({"loss": "focal"}, "--loss is focal, but --model ngrams is trained to the optimum"),
    "metric": ({"metric": "accuracy"}, "unknown metric of multi-label 'accuracy'"),
    "kind": ({"problem_type": "several"}, "unknown value of --problem-type 'several'"),
    "numbers": ({"problem_type": "regression"}, r"several.jsonl:1: .* is no number|no number in column"),
}


@pytest.mark.parametrize("name", WRONG)
def test_settings_that_do_not_suit_the_labels_are_named(name):
    settings, message = WRONG[name]
    with pytest.raises((UserError, DataError), match=message):
        lingon.train("classify", "several.jsonl", out="wrong", settings=settings)
