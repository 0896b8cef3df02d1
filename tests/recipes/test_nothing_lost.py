"""What comes after training never loses the model, and every JSON that leaves a run is JSON to every reader."""

import csv
import html
import math
import random
import re
import shutil
from pathlib import Path

import pytest

import lingon
from lingon.cli.app import app
from lingon.core.errors import NotFinite
from lingon.core.files import read_json, write_json
from lingon.engine.run import Run
from lingon.recipes.data_settings import RunningText
from lingon.recipes.folder_settings import FolderSettings
from lingon.recipes.sweep import sweep
from lingon.recipes.train import train_task as run_recipe
from lingon.tasks.language_model.settings import Settings
from tests.core.test_strict_json import strict

GOOD, POOR = ("bright", "superb", "clever"), ("sloppy", "dull", "weak")
SMALL = ("--model", "bag", "--steps", "30", "--evals", "2")


def reviews(path: Path, count: int, labels=("good", "poor")) -> Path:
    draw = random.Random(5)
    with open(path, "w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["text", "label"])
        for i in range(count):
            label = labels[i % len(labels)]
            word = draw.choice(GOOD if label == "good" else POOR)
            rows.writerow([f"the film was {word} and the cast felt {word} in row {i}", label])
    return path


def run(*words: object) -> None:
    app([str(word) for word in words], standalone_mode=False)


def train(*words: object) -> None:
    run("train", "classify", *SMALL, *words)


@pytest.fixture
def data(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LINGON_CACHE", str(tmp_path / "cache"))
    reviews(tmp_path / "base.csv", 60)
    reviews(tmp_path / "one_class_test.csv", 10, ("good",))  # its AUC is undefined
    return tmp_path


ONE_CLASS = ("--data", "base.csv", "--test", "one_class_test.csv")


def test_a_metric_that_is_undefined_is_null_everywhere_and_ends_nothing(data, capsys):
    train(*ONE_CLASS, "--out", "run")
    assert "auc undefined" in capsys.readouterr().out
    record = strict(Path("run/run.json").read_text())
    assert record["test"]["auc"] is None
    assert record["test"]["accuracy"] is not None
    assert lingon.load("run").predict("a bright film").label in ("good", "poor")
    assert strict(Path("run/bundle/run.json").read_text())["test"] == record["test"]
    assert "**auc** on held-out texts: undefined" in Path("run/bundle/README.md").read_text()


def test_every_json_that_leaves_is_strict(data, capsys, monkeypatch):
    monkeypatch.setattr(Run, "prune", lambda self: 0)  # so that those of checkpoints are looked at too
    train(*ONE_CLASS, "--out", "run")
    run("train", "language-model", "--data", "base.csv.txt", *LITTLE, "--out", "lm") if prose(data) else None
    run(
        "train",
        "vectors",
        "--data",
        "base.csv.txt",
        "--epochs",
        "1",
        "--min-count",
        "1",
        "--width",
        "3",
        "--out",
        "v",
    )
    capsys.readouterr()
    for words in (
        ("evaluate", "run", "--data", "one_class_test.csv", "--json"),
        ("predict", "run", "a bright film", "", "--format", "jsonl", "--words"),
        ("evaluate", "lm", "--data", "base.csv.txt", "--json"),
        ("logprob", "lm", "the film", "--json"),
        ("generate", "lm", "--prompt", "the", "--max-new-tokens", "3", "--json"),
        ("vectors", "nearest", "film", "--vectors", "v", "--json"),
        ("vectors", "odd-one-out", "film", "cast", "the", "--vectors", "v", "--json"),
        ("vectors", "analogy", "film", "cast", "the", "--vectors", "v", "--json"),
        ("vectors", "evaluate", "flat.csv", "--vectors", "v", "--json"),
    ):
        Path("flat.csv").write_text("film,cast,3\nfilm,the,3\ncast,the,3\n")  # no Spearman: all are rated alike
        run(*words)
        said = capsys.readouterr().out.splitlines()
        assert said, words
        for line in said:
            strict(line)
    run("predict", "run", "--file", "one_class_test.csv", "--out", "scored.jsonl")
    run("vectors", "map", "film", "cast", "the", "--vectors", "v", "--projection", "pca", "--out", "map.html")
    run("generate", "lm", "--prompt", "the", "--max-new-tokens", "3", "--page", "g.html")
    seen = set()
    for path in sorted(data.rglob("*")):
        if path.suffix == ".json" and path.is_file():
            strict(path.read_text(encoding="utf-8")), seen.add(path.name)
        if path.suffix == ".jsonl":
            [strict(line) for line in path.read_text(encoding="utf-8").splitlines()], seen.add(path.name)
        if path.suffix == ".html":
            for held in re.findall(r"<script[^>]*application/json[^>]*>(.*?)</script>", path.read_text("utf-8"), re.S):
                strict(html.unescape(held)), seen.add(path.name)
    assert {"run.json", "metrics.jsonl", "config.json", "manifest.json", "map.html", "g.html", "scored.jsonl"} <= seen


LITTLE = (
    "--model",
    "lstm",
    "--width",
    "8",
    "--depth",
    "1",
    "--context-length",
    "7",
    "--batch-size",
    "4",
    "--vocab",
    "300",
)
LITTLE += ("--steps", "3", "--evals", "1")


def prose(folder: Path) -> bool:
    lines = [f"the film {draw} was seen by the cast in row {i}.\n\n" for i in range(60) for draw in GOOD]
    (folder / "base.csv.txt").write_text("".join(lines))
    return True


@pytest.mark.parametrize("where", ["evaluate", "write_report", "summary", "record_in_bundle"])
def test_whatever_fails_after_training_the_model_is_there_and_resume_ends_the_run(data, capsys, monkeypatch, where):
    def full(*given, **named):
        raise OSError(28, "No space left on device")

    place = {
        "evaluate": "lingon.tasks.classify.classifier.Classifier.scores_of",
        "write_report": "lingon.tasks.classify.report.write_report",
        "summary": "lingon.recipes.save_and_test.summary",
        "record_in_bundle": "lingon.recipes.save_and_test.record_in_bundle",
    }[where]
    with monkeypatch.context() as patch:
        patch.setattr(place, full)
        with pytest.raises(OSError):
            train(*ONE_CLASS, "--out", "run")
    assert "the trained model is saved in run/bundle" in capsys.readouterr().err
    before = lingon.load("run").predict("a bright film").probability
    train(*ONE_CLASS, "--out", "run", "--resume")
    assert lingon.load("run").predict("a bright film").probability == before
    assert read_json(Path("run/run.json"))["test"]["auc"] is None
    assert Path("run/report.html").is_file()


def test_a_run_of_old_that_ended_without_a_bundle_gets_one_when_resumed(data, monkeypatch):
    with monkeypatch.context() as before_pruning:
        before_pruning.setattr(Run, "prune", lambda self: 0)
        train(*ONE_CLASS, "--out", "run")
    before = lingon.load("run").predict("a bright film").probability
    shutil.rmtree("run/bundle")
    train(*ONE_CLASS, "--out", "run", "--resume")
    assert lingon.load("run").predict("a bright film").probability == before


def test_a_sweep_lives_on_when_a_score_is_undefined(data):
    train(*ONE_CLASS, "--out", "s", "--metric", "auc", "--sweep", "lr=0.01,0.02")
    rows = strict(Path("s/sweep.json").read_text())
    assert {row["lr"] for row in rows} == {0.01, 0.02}
    assert all(row["test auc"] is None and row["valid auc"] is not None for row in rows)


def by_rate(out: str, rate: float = 0.1, metric: str = "loss", overwrite: bool = False, resume: bool = False) -> None:
    """A recipe whose loss is its rate; 0 overflows, and a negative one is undefined."""
    write_json(Path(out) / "run.json", {"arguments": {}})
    if rate == 0:
        raise NotFinite("the loss is NaN")
    scores = {"loss": rate if rate > 0 else math.nan, "accuracy": rate if rate > 0 else math.nan}
    write_json(Path(out) / "run.json", {"arguments": {}, "valid": scores, "test": scores})


@pytest.mark.parametrize(("metric", "order"), [("loss", [0.1, 0.5]), ("accuracy", [0.5, 0.1])])
def test_a_sweep_puts_what_failed_or_is_undefined_last(tmp_path, capsys, metric, order):
    flags = {"out": str(tmp_path), "metric": metric, "overwrite": False, "resume": False}
    rows = sweep(by_rate, flags, [("rate", [0, -1.0, 0.5, 0.1])])
    assert [row["rate"] for row in rows] == [*order, 0, -1.0]
    assert "rate=0: the loss is NaN" in capsys.readouterr().err
    assert [row[f"valid {metric}"] for row in strict((tmp_path / "sweep.json").read_text())] == [*order, None, None]


def test_a_sweep_in_which_all_runs_fail_is_a_failure(tmp_path):
    with pytest.raises(NotFinite):
        sweep(by_rate, {"out": str(tmp_path), "metric": "loss", "overwrite": False, "resume": False}, [("rate", [0])])


def test_a_long_folder_is_not_cut_in_the_table_of_a_sweep(data, capsys):
    deep = "a_folder_with_a_name_that_is_longer_than/what_a_terminal_of_eighty_columns/leaves_for_it_in_a_table"
    train("--data", "base.csv", "--out", deep, "--sweep", "lr=0.01,0.02")
    table = capsys.readouterr().out
    assert f"{deep}/lr=0.01\n" in table
    assert f"{deep}/lr=0.02\n" in table


def test_a_language_model_whose_perplexity_overflows_is_kept(data, capsys):
    prose(data)
    settings = Settings(
        model="lstm", width=8, depth=1, context_length=7, batch_size=4, vocab=300, steps=3, lr=1e6,
        max_grad_norm=None, schedule="constant",
        evals=1, dropout=0.0, warmup=0.0,
    )  # fmt: skip
    record = run_recipe("language-model", RunningText([str(data / "base.csv.txt")]), settings, FolderSettings(out="lm"))
    assert record["test"]["loss"] > 710  # nats: e to that power is no float
    saved = strict(Path("lm/run.json").read_text())
    assert saved["test"]["perplexity"] is None
    assert saved["test"]["loss"] == record["test"]["loss"]
    assert lingon.load("lm").model is not None
    assert "perplexity inf" in capsys.readouterr().out


@pytest.mark.parametrize("where", ["lingon.export.training_curves.plot_runs", "lingon.recipes.save_and_test.summary"])
def test_a_language_model_survives_what_comes_after(data, monkeypatch, where):
    prose(data)

    def broken(*given, **named):
        raise NotFinite("broken on purpose")

    monkeypatch.setattr(where, broken)
    with pytest.raises(NotFinite):
        run("train", "language-model", "--data", "base.csv.txt", *LITTLE, "--out", "lm")
    assert lingon.load("lm").name == "language-model"
    assert "perplexity" in read_json(Path("lm/run.json"))["test"]
