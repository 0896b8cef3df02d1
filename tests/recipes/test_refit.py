"""The training on training and validation texts together, and what is said of how a training ended."""

import csv
import json
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

import lingon
from lingon.cli.app import main
from lingon.engine.fit import History
from lingon.recipes.refit import how_it_ended, still_improving
from lingon.tasks.classify import prepare
from lingon.tasks.classify.calibrate import calibrate

WORDS = {"good": ["warm", "clever", "moving", "bright"], "poor": ["dull", "flat", "stale", "slow"]}


@pytest.fixture
def data(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with open("mine.csv", "w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["text", "label"])
        for i in range(160):
            label = ("good", "poor")[i % 2]
            rows.writerow([f"the film {i} was {WORDS[label][i // 2 % 4]}", label])
    return "mine.csv"


def record(folder: str) -> dict:
    return json.loads(Path(folder, "run.json").read_text())


def test_ngrams_are_trained_again_on_all_texts_but_those_of_the_test(data):
    refitted = lingon.train("classify", data, out="all")
    kept = lingon.train("classify", data, out="part", settings={"refit": False})
    assert record("all")["arguments"]["refit"] is True
    assert record("all")["ended"] == record("part")["ended"] == "converged"
    assert record("all")["valid"]["accuracy"] == record("part")["valid"]["accuracy"] == 1
    assert refitted.model.scale != 1
    # Only what was trained on it knows a word that stands in the validation texts alone.
    assert len(refitted.tokenizer.vocab) > len(kept.tokenizer.vocab)
    assert not Path("all", "refit").exists()
    assert (
        sum(p.stat().st_size for p in Path("all").rglob("*") if p.is_file())
        < 2 * Path("all", "bundle", "model.safetensors").stat().st_size
    )


def test_a_neural_model_is_refitted_when_asked_for_as_long_as_it_was_best(data):
    how = {"epochs": 3.0, "settings": {"refit": True, "evals": 3, "width": 8}}
    lingon.train("classify", data, model="bag", out="run", **how)
    found = record("run")
    assert found["arguments"]["refit"] is True
    assert found["test"]["accuracy"] >= 0.5


@pytest.mark.parametrize("problem", ["single-label", "multi-label"])
def test_what_is_calibrated_by_stored_features_equals_what_the_model_says(data, problem, monkeypatch):
    found = []

    def both(classifier, valid, scaled_logits=None):
        by_model = classifier.any_logits(classifier.model, classifier.encoded(valid.inputs))
        found.append((scaled_logits(), by_model))
        calibrate(classifier, valid, scaled_logits)

    monkeypatch.setattr(prepare, "calibrate", both)
    lingon.train("classify", data, out="run", settings={"problem_type": problem})
    (stored, by_model), *others = found
    assert not others  # a refit takes over what was calibrated
    assert stored.shape == by_model.shape
    assert by_model.std() > 0.1
    torch.testing.assert_close(stored, by_model)


@pytest.mark.parametrize("where", ["before", "inside"])
def test_a_run_that_is_killed_before_or_inside_the_refit_is_resumed_from_its_folder(data, where, monkeypatch):
    whole = lingon.train("classify", data, out="whole")
    from lingon.recipes import refit

    def killed(*words, **names):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(refit, {"before": "refitted", "inside": "fit"}[where], killed)
        with pytest.raises(KeyboardInterrupt):
            lingon.train("classify", data, out="run")
    again = lingon.train("classify", data, out="run", resume=True)
    assert torch.equal(again.model.table, whole.model.table)
    assert torch.equal(again.model.scale, whole.model.scale)


def history(values: list[float], **how) -> History:
    rows = [{"step": 10 * (i + 1), "valid_accuracy": value} for i, value in enumerate(values)]
    given = {"steps": 10 * len(values), "epochs": 5, "seconds": 1.0, "examples": 1, "best": {}, "best_step": 1}
    return History(rows=rows, stopped_early=False, **(given | how))


def test_still_improving_is_over_a_two_hundredth_in_the_last_quarter():
    assert still_improving(history([0.5, 0.6, 0.7, 0.71]), "accuracy")
    assert not still_improving(history([0.5, 0.6, 0.7, 0.7034]), "accuracy")
    assert not still_improving(history([0.5, 0.8, 0.7, 0.79]), "accuracy")


def test_a_training_that_ended_too_early_says_so(capsys):
    neural = SimpleNamespace(optimizer=None, metric="accuracy")
    assert how_it_ended(neural, history([0.5, 0.6, 0.7, 0.8]), None) == "still improving"
    assert (
        "after 5 epochs, while it was still improving; --epochs 10 may give a better model" in capsys.readouterr().err
    )
    how_it_ended(neural, history([0.5, 0.6, 0.7, 0.8], epochs=1.3333333), SimpleNamespace(steps=40))
    assert "after 40 steps, while it was still improving; --steps 80 may" in capsys.readouterr().err
    assert how_it_ended(neural, history([0.5, 0.8, 0.8, 0.8]), None) == "level"
    linear = SimpleNamespace(optimizer=SimpleNamespace(optima=[]))
    assert how_it_ended(linear, history([0.5]), None) == "not converged"
    assert "before the loss converged" in capsys.readouterr().err


def test_a_run_is_resumed_by_its_folder_alone(data, capsys):
    words = ["train", "classify", "--data", data, "--text", "text", "--model", "bag", "--width", "8", "--out", "run"]
    with pytest.raises(SystemExit) as end:
        main([*words, "--steps", "3"])
    assert end.value.code in (0, None)
    first = record("run")
    for again in (["--resume"], ["--resume", "--width", "8"]):
        with pytest.raises(SystemExit) as end:
            main(["train", "classify", "--out", "run", *again])
        assert end.value.code in (0, None), capsys.readouterr().err
    assert record("run")["arguments"] == first["arguments"]
    assert lingon.train("classify", out="run", resume=True).max_length == first["arguments"]["max_length"]
    for wrong, said in (
        (["--out", "run", "--resume", "--width", "9"], "width was 8 and is 9"),
        (["--out", "nowhere", "--resume"], "there is no run in 'nowhere' to resume"),
        ([], "--data is missing"),
    ):
        with pytest.raises(SystemExit) as end:
            main(["train", "classify", *wrong])
        assert end.value.code == 2
        assert said in capsys.readouterr().err
