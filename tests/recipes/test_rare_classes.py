"""Rare classes: what the best weights are best at, how much each class counts, and what is said of each."""

import csv
import json
import random
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

import lingon
from lingon.cli.app import app
from lingon.core.errors import UserError
from lingon.core.files import read_json
from lingon.data.examples import Examples
from lingon.data.tokenizers import words
from lingon.engine.evaluation import Best, Evaluation
from lingon.metrics.class_table import class_lines
from lingon.models.registry import build
from lingon.tasks.classify import Classifier
from lingon.tasks.classify.class_weights import class_weights


def take(rows, **how) -> tuple[Best, list[bool]]:
    best, evaluation = Best(), Evaluation(lambda model: {}, **how)
    return best, [best.update(evaluation, step, row) for step, row in enumerate(rows)]


def test_of_equal_accuracies_the_lower_loss_is_the_better():
    rows = [{"accuracy": 0.9, "loss": x} for x in (0.7, 0.5, 0.5, 0.6, 0.4)]
    best, better = take(rows, patience=2)
    assert better == [True, True, False, False, True]
    assert (best.step, best.value, best.waited) == (4, 0.9, 0)
    _, better = take([rows[0], {"accuracy": 0.8, "loss": 0.1}])
    assert better == [True, False], "a lower loss does not outweigh accuracy"


def test_without_a_loss_the_first_tie_wins_and_nan_never_does():
    assert take([{"accuracy": 0.9}] * 3)[1] == [True, False, False]
    nan = float("nan")
    assert take([{"accuracy": nan, "loss": nan}, {"accuracy": nan, "loss": 0.5}, {"accuracy": 0.1, "loss": 9.0}])[
        1
    ] == [
        True,
        True,
        True,
    ]
    assert take([{"accuracy": 0.5, "loss": 0.5}, {"accuracy": 0.5, "loss": nan}, {"accuracy": nan, "loss": 0}])[1] == [
        True,
        False,
        False,
    ]


def test_lower_is_better_has_ties_too():
    rows = [{"error": 0.5, "loss": 2.0}, {"error": 0.5, "loss": 1.0}, {"error": 0.4, "loss": 3.0}]
    assert take(rows, metric="error", higher_is_better=False)[1] == [True, True, True]


def test_balanced_weights_are_those_of_scikit_learn():
    sklearn = pytest.importorskip("sklearn.utils.class_weight")
    labels = ["a"] * 31 + ["b"] * 7 + ["c"] * 3
    expected = sklearn.compute_class_weight("balanced", classes=np.array(["a", "b", "c"]), y=np.array(labels))
    found = class_weights("balanced", ["a", "b", "c"], Examples(labels, labels).label_counts())
    assert found == pytest.approx(expected.tolist(), rel=1e-12)


def test_weights_are_read_as_they_are_written():
    counts = {"a": 1, "b": 2, "x=y": 3, "p, q": 4}
    assert class_weights("b=2, x=y=0.5", list(counts), counts) == [1, 2, 0.5, 1]
    assert class_weights('{"p, q": 3}', list(counts), counts) == [1, 1, 1, 3]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("balance", "'balance' is not a label with a number; expected balanced"),
        ("a=", "'a=' is not a label"),
        ("a=1,c=2", "unknown label in --class-weights 'c'"),
        ("a=-1", "'a' has -1.0, expected a number over 0"),
        ("a=nan", "'a' has nan"),
        ("a=0,b=1", "'a' has 0.0"),
        ("{a: 1}", "is not JSON"),
        ('{"a": true}', "'a' has True"),
    ],
)
def test_weights_that_cannot_be_are_named(given, message):
    with pytest.raises(UserError, match=message):
        class_weights(given, ["a", "b"], {"a": 3, "b": 2})


def test_the_weighted_loss_is_that_of_torch_and_of_arithmetic():
    torch.manual_seed(0)
    texts, labels = ["x y", "y z", "z", "x x y"], ["b", "a", "a", "c"]
    tokenizer = words(texts)
    model = build("bag", {"vocab_size": len(tokenizer.vocab), "classes": 3, "width": 5}).eval()
    weights = [0.5, 3.0, 7.0]
    task = Classifier(model, tokenizer, ["a", "b", "c"], None, weights)
    batch = next(iter(task.batches(Examples(texts, labels), max_tokens=99)))
    logits = model(batch.ids, batch.mask)
    found = mean_of(task.loss(model, batch))
    torch.testing.assert_close(found, F.cross_entropy(logits, batch.labels, torch.tensor(weights)))
    each = [weights[c] * -row[c] for row, c in zip(logits.log_softmax(-1), batch.labels.tolist(), strict=True)]
    torch.testing.assert_close(found, sum(each) / sum(weights[c] for c in batch.labels.tolist()))


def mean_of(loss):
    """The mean that a loss is, whether it comes as a mean or as a sum with its count."""
    return loss if isinstance(loss, torch.Tensor) else loss.total / loss.count


def test_a_class_that_is_never_predicted_is_said():
    of = {"precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 3, "predicted": 0}
    lines = class_lines(
        {"rare": of, "common": of | {"support": 7, "predicted": 10, "recall": 1.0}, "none": of | {"support": 0}}
    )
    assert lines[-1].startswith("never predicted: 'rare'; ")
    assert [line.split() for line in lines[1:4]] == [
        ["rare", "0.0000", "0.0000", "0.0000", "3"],
        ["common", "0.0000", "1.0000", "0.0000", "7"],
        ["none", "0.0000", "0.0000", "0.0000", "0"],
    ]
    many = {str(i): of | {"support": i, "predicted": 1} for i in range(40)}
    assert "... and 10 labels with fewer examples" in class_lines(many)[-1]
    assert class_lines(many)[1].split()[0] == "10"


@pytest.fixture
def rare(tmp_path, monkeypatch):
    """600 reviews, one in 30 of a third kind that has a word of its own."""
    monkeypatch.chdir(tmp_path)
    draw = random.Random(5)
    with open("rare.csv", "w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["text", "label"])
        for i in range(600):
            label = "mixed" if i % 30 == 0 else draw.choice(("good", "poor"))
            word = {"good": "bright", "poor": "weak", "mixed": "weak though bright"}[label]
            rows.writerow(
                [f"the chair was {word} and the cast felt {word} in row {i} " + "so " * draw.randrange(9), label]
            )
    return tmp_path


def train(*more: str) -> dict:
    app(
        [
            "train",
            "classify",
            "--data",
            "rare.csv",
            "--model",
            "bag",
            "--epochs",
            "4",
            "--overwrite",
            *more,
            "--out",
            "r",
        ],
        standalone_mode=False,
    )
    return read_json(Path("r/run.json"))


def test_patience_does_not_stop_while_the_loss_still_falls(rare, capsys):
    record = train("--patience", "2", "--evals", "12")
    rows = [json.loads(line) for line in Path("r/metrics.jsonl").read_text().splitlines()]
    seen = [(row["valid_accuracy"], row["valid_loss"]) for row in rows if "valid_loss" in row]
    assert record["valid"]["loss"] == min(loss for accuracy, loss in seen if accuracy == record["valid"]["accuracy"])
    assert record["valid"]["accuracy"] == max(accuracy for accuracy, _ in seen)


def test_scores_of_each_class_are_in_the_terminal_the_json_and_the_report(rare, capsys):
    record = train()
    out = capsys.readouterr().out
    never = [label for label, of in record["per_class"].items() if of["support"] and not of["predicted"]]
    assert ("never predicted" in out) == bool(never)
    app(["evaluate", "r", "--data", "rare.csv", "--split", "test", "--json"], standalone_mode=False)
    found = json.loads(capsys.readouterr().out)
    assert found["per_class"] == record["per_class"]
    assert sum(of["support"] for of in found["per_class"].values()) == len(lingon.load_data("rare.csv").test)
    page = Path("r/report.html").read_text()
    for label, of in record["per_class"].items():
        assert (
            f"<th>{label}</th><td>{of['precision']:.4f}</td><td>{of['recall']:.4f}</td><td>{of['f1']:.4f}</td>" in page
        )
        assert f"{of['precision']:9.4f}  {of['recall']:6.4f}  {of['f1']:6.4f}  {of['support']:7,}" in out


def test_weights_and_the_metric_bring_a_rare_class_out(rare):
    plain = train("--epochs", "3", "--lr", "0.01")["per_class"]["mixed"]["recall"]
    weighted = train("--epochs", "3", "--lr", "0.01", "--class-weights", "mixed=60", "--metric", "macro_f1")
    assert plain < 0.5
    assert weighted["per_class"]["mixed"]["recall"] > plain
    assert weighted["arguments"]["class_weights"] == "mixed=60"


def test_what_max_length_cuts_is_said_once(rare, capsys):
    train("--max-length", "12")
    said = [line for line in capsys.readouterr().err.splitlines() if "--max-length 12" in line]
    (line,) = said
    texts = lingon.load_data("rare.csv").train.texts
    lengths = [len(text.split()) for text in texts]
    over = [n - 12 for n in lengths if n > 12]
    assert line.startswith(
        f"{len(over)} of {len(texts)} training texts are longer than --max-length 12: "
        f"{sum(over):,} of {sum(lengths):,} tokens"
    )
    train()
    assert "--max-length" not in capsys.readouterr().err
