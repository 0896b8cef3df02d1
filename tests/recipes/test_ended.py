"""A run that has ended: its checkpoints go, a resume says so and trains nothing."""

import shutil
from dataclasses import replace

import pytest

import lingon
from lingon.core.errors import UserError
from lingon.recipes.data_settings import LabelledTexts, RunningText
from lingon.recipes.folder_settings import FolderSettings
from lingon.recipes.train import train_task as run
from lingon.tasks.classify.settings import Settings
from lingon.tasks.language_model.settings import Settings as TextSettings

ROWS = [(f"a good film number {i}", "good") if i % 2 else (f"a bad film number {i}", "bad") for i in range(120)]


@pytest.fixture
def train(tmp_path):
    (tmp_path / "mine.csv").write_text("text,label\n" + "".join(f"{text},{label}\n" for text, label in ROWS))
    settings = replace(Settings(), model="bag", steps=4, evals=2, device="cpu")
    return lambda **how: run(
        "classify", LabelledTexts(str(tmp_path / "mine.csv")), settings, FolderSettings(str(tmp_path / "run"), **how)
    )


def test_the_checkpoints_go_once_the_bundle_is_written(train, tmp_path, capsys):
    train()
    assert "removed the checkpoints, which are needed only to resume an unfinished run: " in capsys.readouterr().out
    assert not (tmp_path / "run/checkpoints").exists()
    assert lingon.load(tmp_path / "run").predict("a good film").label in ("good", "bad")


def test_a_resume_of_a_run_that_has_ended_trains_nothing(train, tmp_path, capsys):
    first = train()
    before = (tmp_path / "run/bundle/model.safetensors").stat().st_mtime_ns
    capsys.readouterr()
    again = train(resume=True)
    assert capsys.readouterr().out == f"trained already: {tmp_path / 'run/bundle'}\n"
    assert again["test"] == pytest.approx(first["test"], nan_ok=True)
    assert (tmp_path / "run/bundle/model.safetensors").stat().st_mtime_ns == before


def test_without_its_bundle_it_is_not_trained_anew_unasked(train, tmp_path):
    train()
    shutil.rmtree(tmp_path / "run/bundle")
    with pytest.raises(UserError, match="this run has ended, and its bundle is gone; train it again with --overwrite"):
        train(resume=True)
    train(overwrite=True)


def test_a_language_model_too(tmp_path, capsys):
    (tmp_path / "text.txt").write_text("the cat sat on the mat and the dog ran after the cat\n" * 400)
    settings = TextSettings(
        model="lstm", width=8, depth=1, vocab=300, batch_size=4, context_length=10, steps=3, evals=1
    )
    for how in ({}, {"resume": True}):
        run(
            "language-model",
            RunningText([str(tmp_path / "text.txt")]),
            settings,
            FolderSettings(str(tmp_path / "run"), **how),
        )
        assert not (tmp_path / "run/checkpoints").exists()
    assert f"trained already: {tmp_path / 'run/bundle'}\n" in capsys.readouterr().out
