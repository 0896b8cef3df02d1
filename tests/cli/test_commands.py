"""Every command on a trained run: what it prints, and what it says to wrong words."""

import json
import re

import pytest

from tests.cli.conftest import lingon, write_reviews


def test_a_run_folder_holds_all_that_was_promised(trained):
    run = trained / "runs" / "classify"
    for name in ("run.json", "metrics.jsonl", "report.html", "bundle/model.safetensors", "bundle/README.md"):
        assert (run / name).is_file(), name
    record = json.loads((run / "run.json").read_text())
    assert record["test"]["accuracy"] > 0.8
    assert record["data"]["columns"] == {"text": "review", "label": "stars"}
    page = (run / "report.html").read_text()
    assert page.count("<svg") >= 4
    assert "<mark" in page


def test_predict_reads_arguments_lines_and_files(trained):
    texts = ["a lovely warm film", "a dull awful story"]
    given = lingon("predict", "runs/classify", *texts, cwd=trained).stdout
    piped = lingon("predict", "runs/classify", cwd=trained, stdin="\n".join(texts) + "\n").stdout
    (trained / "texts.txt").write_text("\n".join(texts))
    read = lingon("predict", "runs/classify", "--file", "texts.txt", cwd=trained).stdout
    assert given == piped == read
    assert [line.split()[0] for line in given.splitlines()] == ["5", "1"]


def test_predict_writes_json_lines_with_the_words_that_decided(trained):
    done = lingon("predict", "runs/classify", "a lovely film", "", "--format", "jsonl", "--words", cwd=trained)
    full, empty = map(json.loads, done.stdout.splitlines())
    assert full["label"] == "5"
    assert full["words"][0][0] == "lovely"
    assert abs(sum(full["probabilities"].values()) - 1) < 1e-5
    assert empty["words"] == []


def test_evaluate_says_what_the_run_recorded(trained):
    done = lingon("evaluate", "runs/classify", "--data", "mine.csv", "--split", "test", "--json", cwd=trained)
    record = json.loads((trained / "runs/classify/run.json").read_text())
    found = json.loads(done.stdout)
    assert found.pop("per_class") == record["per_class"]
    assert found == pytest.approx(record["test"], abs=1e-6)


def test_evaluate_scores_all_of_a_file_and_can_skip_bad_rows(trained):
    (trained / "new.csv").write_text("review,stars\na lovely film,5\nan awful film,1\na film of no known kind,4\n")
    stopped = lingon("evaluate", "runs/classify", "--data", "new.csv", cwd=trained)
    assert stopped.returncode == 2
    assert "new.csv:4" in stopped.stderr
    done = lingon("evaluate", "runs/classify", "--data", "new.csv", "--on-bad-row", "skip", "--json", cwd=trained)
    assert json.loads(done.stdout)["accuracy"] == 1
    assert "1 bad row skipped" in done.stderr


def test_plot_lays_runs_over_each_other(trained):
    done = lingon("plot", "runs/classify", "runs/classify", "--out", "c.html", cwd=trained)
    assert "wrote c.html" in done.stdout
    assert "<polyline" in (trained / "c.html").read_text()


def test_data_show_counts_a_users_file(trained):
    said = lingon("data", "show", "mine.csv", cwd=trained)
    counts = re.findall(r"^  ([135]) +(\d+) #", said.stdout, re.MULTILINE)
    assert sum(int(n) for _, n in counts) == 120
    assert "review" in said.stderr


WRONG = {
    "a command": (["traim"], "train"),
    "a recipe": (["train", "sentimant"], "sentiment"),
    "a corpus": (["train", "sentiment", "--data", "imbd"], "did you mean 'imdb'"),
    "a corpus to get": (["data", "get", "rotten"], "rotten-tomatoes"),
    "an option": (["train", "sentiment", "--epoch", "3"], "--epochs"),
    "a model": (["train", "sentiment", "--model", "textcn"], "did you mean 'textcnn'"),
    "a device": (["train", "sentiment", "--device", "cud"], "did you mean 'cuda'"),
    "a number": (["train", "sentiment", "--epochs", "many"], "--epochs': Input should be a valid number"),
    "a negative rate": (["train", "classify", "--data", "mine.csv", "--lr", "-1", "--out", "x"], "--lr is -1"),
    "not a number": (["train", "classify", "--data", "mine.csv", "--lr", "nan", "--out", "x"], "--lr is nan"),
    "a column": (["train", "classify", "--data", "mine.csv", "--label", "star", "--out", "x"], "'stars'"),
    "a bundle": (["predict", "runs/classifyy", "x"], "did you mean 'runs/classify'"),
    "no bundle there": (["predict", "runs", "x"], "no bundle"),
    "a split": (["evaluate", "runs/classify", "--data", "mine.csv", "--split", "tset"], "did you mean 'test'"),
    "a format": (["predict", "runs/classify", "x", "--format", "json"], "jsonl"),
    "an existing run": (["train", "classify", "--data", "mine.csv"], "overwrite"),
    "other arguments": (["train", "classify", "--data", "mine.csv", "--resume", "--seed", "5"], "cannot be resumed"),
    "nothing to resume": (["train", "classify", "--data", "mine.csv", "--resume", "--out", "none"], "no run"),
    "labels of others": (["evaluate", "runs/classify", "--data", "rotten-tomatoes"], "unknown label"),
    "a setting to sweep": (["train", "classify", "--data", "mine.csv", "--sweep", "lrr=1,2"], "did you mean 'lr'"),
    "an empty sweep": (["train", "classify", "--data", "mine.csv", "--sweep", "lr"], "lr=1e-3,3e-4"),
    "a picture's kind": (["plot", "runs/classify", "--out", "c.gif"], ".png"),
    "not a run": (["plot", "runs"], "metrics.jsonl"),
    "a lesson": (["learn", "open", "77"], "77"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_word_ends_in_one_line_that_helps(trained, case):
    words, hint = WRONG[case]
    before = (trained / "runs/classify/bundle/model.safetensors").read_bytes()
    done = lingon(*words, cwd=trained)
    assert done.returncode == 2, done.stderr
    (line,) = [said for said in done.stderr.splitlines() if said.startswith("lingon: ")]
    assert hint in line
    assert "Traceback" not in done.stderr
    assert (trained / "runs/classify/bundle/model.safetensors").read_bytes() == before


FILES = {
    "empty.csv": (b"", "empty"),
    "one.csv": (b"text,label\n" + b"words here,a\n" * 9, "label"),
    "picture.csv": (b"\x89PNG\r\n\x1a\n\0\0\0", "not"),
    "words.docx": (b"x", ".csv"),
    "header.csv": (b"text,label\n", "no rows"),
    "odd.csv": (b"a,b,c\n1,2,3\n", "--text"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_bad_file_ends_in_one_line_that_names_it(tmp_path, name):
    content, hint = FILES[name]
    (tmp_path / name).write_bytes(content)
    done = lingon("train", "classify", "--data", name, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    (line,) = [said for said in done.stderr.splitlines() if said.startswith("lingon: ")]
    assert name in line
    assert hint in line
    assert not (tmp_path / "runs").exists()


def test_a_text_of_a_million_words_is_no_trouble(trained):
    done = lingon("predict", "runs/classify", cwd=trained, stdin="lovely " * 1_000_000 + "\n")
    assert done.returncode == 0
    assert done.stdout.startswith("5 ")


def test_a_sweep_runs_every_combination_once_and_ranks_them(trained):
    words = ["train", "classify", "--data", "mine.csv", "--model", "bag", "--epochs", "2", "--out", "sweep"]
    words += ["--sweep", "lr=0.02,1e-5", "--sweep", "dropout=0,.3"]
    first = lingon(*words, cwd=trained)
    assert first.returncode == 0, first.stderr
    rows = json.loads((trained / "sweep/sweep.json").read_text())
    assert len(rows) == 4
    assert rows == sorted(rows, key=lambda r: -r["valid accuracy"])
    stamps = {p: p.stat().st_mtime_ns for p in trained.glob("sweep/*/run.json")}
    assert lingon(*words, cwd=trained).returncode == 0
    assert stamps == {p: p.stat().st_mtime_ns for p in trained.glob("sweep/*/run.json")}


def test_the_same_seed_gives_the_same_weights(tmp_path):
    write_reviews(tmp_path / "mine.csv", 60)
    for out in ("a", "b"):
        done = lingon("train", "classify", "--data", "mine.csv", "--epochs", "2", "--out", out, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    one, other = (tmp_path / out / "bundle/model.safetensors" for out in ("a", "b"))
    assert one.read_bytes() == other.read_bytes()


def test_export_writes_a_folder_and_says_how_equal_it_is(trained, tmp_path):
    done = lingon("export", "runs/classify", "--to", "torch", "--out", tmp_path / "new", cwd=trained)
    assert done.returncode == 0, done.stderr
    assert re.match(r"wrote .*new: \d+\.\d MB; logits differ by \d\.\de[-+]\d+ at most\n$", done.stdout)
    done = lingon("export", "runs/classify", "--to", "tflite", cwd=trained)
    assert done.returncode == 2
    assert done.stderr.startswith("lingon: unknown target 'tflite'; known: onnx, program, torch")


def test_evaluate_compares_two_models(trained):
    """A model beside itself: no difference, and chance explains it."""
    both = ("evaluate", "runs/classify", "runs/classify", "--data", "mine.csv", "--split", "test")
    done = lingon(*both, "--json", "--page", "both.html", cwd=trained)
    found = json.loads(done.stdout)
    record = json.loads((trained / "runs/classify/run.json").read_text())
    assert found["accuracy"]["first"]["value"] == pytest.approx(record["test"]["accuracy"])
    assert (found["accuracy"]["difference"]["value"], found["accuracy"]["p_value"]) == (0, 1)
    assert "0 of" in (trained / "both.html").read_text()
