"""A resume from what a hand has changed: an older checkpoint or one line, at the start; never a traceback."""

import json
import os
import warnings

import pytest

from lingon.core.errors import DataError, RunError, UserError
from lingon.core.files import sha256_of
from lingon.engine import checkpoint
from lingon.engine.evaluation import Evaluation
from lingon.engine.run import Run
from lingon.engine.save_interval import SaveInterval
from tests.engine.tiny import digest, error_of, tiny, train

EVERY_STEP = SaveInterval(steps=1)
WATCH = Evaluation(error_of, every=2, metric="error", higher_is_better=False)


def trained(folder, steps, resume=False):
    model = tiny(seed=99 * resume)
    with Run.open(folder, {}, resume=resume, save_interval=EVERY_STEP) as run:
        train(model, run, evaluation=WATCH, steps=steps)
    return digest(model)


def forge(path, change):
    """Changes state.json, and the manifest with it."""
    state, manifest = path / "state.json", path / "manifest.json"
    state.write_text(change(json.dumps(json.loads(state.read_text()))))
    listed = json.loads(manifest.read_text())
    listed["files"]["state.json"] = {"bytes": state.stat().st_size, "sha256": sha256_of(state)}
    manifest.write_text(json.dumps(listed))


FORGED = {
    "a part is missing": lambda text: text.replace('"optimizer"', '"optimiser"'),
    "a list": lambda text: "[]",
    "a number": lambda text: "7",
    "an unknown kind": lambda text: text.replace('{"tensor"', '{"tenser"'),
    "another path": lambda text: text.replace('{"tensor": "', '{"tensor": "../'),
    "a word for a step": lambda text: text.replace('["step", 4]', '["step", "four"]'),
    "a step before the first": lambda text: text.replace('["step", 4]', '["step", -9]'),
    "a state without its best": lambda text: text.replace('["best", ', '["worst", '),
    "nested": lambda text: '{"model": ' + "[" * 5000 + "]" * 5000 + "}",
}


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_state_falls_back_to_the_older_checkpoint_with_one_line(tmp_path, name):
    trained(tmp_path / "run", 4)
    newest = checkpoint.newest(tmp_path / "run" / "checkpoints")
    before = (newest / "state.json").stat().st_size
    forge(newest, FORGED[name])
    assert (newest / "state.json").stat().st_size != before
    with pytest.warns(UserWarning, match=r"falling back to the checkpoint 000000003$") as told:
        found = trained(tmp_path / "run", 6, resume=True)
    assert len(told) == 1
    assert "\n" not in str(told[0].message)
    assert found == trained(tmp_path / "whole", 6)


def test_a_damaged_best_file_is_noticed_at_the_start(tmp_path):
    trained(tmp_path, 4)
    for best in (tmp_path / "checkpoints").glob("best-*"):
        best.write_bytes(best.read_bytes()[:-1])
    steps = []
    with (
        pytest.raises(DataError, match=r"no checkpoint is intact: .*best-\d+.safetensors: missing or damaged"),
        Run.open(tmp_path, {}, resume=True) as run,
    ):
        train(tiny(), run, evaluation=Evaluation(lambda m: steps.append(1) or error_of(m), metric="error"), steps=6)
    assert not steps


@pytest.mark.parametrize(
    ("part", "name", "old"),
    [
        ("versions", "torch", "1.0"),
        ("machine", "threads", 99),
        ("machine", "processor", "6502"),
        ("machine", "processes", 7),
    ],
)
def test_a_resume_in_other_surroundings_is_told(tmp_path, part, name, old):
    trained(tmp_path, 2)
    facts = json.loads((tmp_path / "run.json").read_text())
    facts[part][name] = old
    (tmp_path / "run.json").write_text(json.dumps(facts))
    with pytest.warns(
        UserWarning, match=rf"{name} was {old} and is .*; results may differ in the last digits from here on"
    ):
        trained(tmp_path, 3, resume=True)


def test_a_resume_in_the_same_surroundings_says_nothing(tmp_path):
    trained(tmp_path, 2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        trained(tmp_path, 3, resume=True)


def test_a_folder_renamed_while_training_is_named(tmp_path):
    def evaluate(model):
        (tmp_path / "run").rename(tmp_path / "better-name")
        return {"error": 1.0}

    with (
        pytest.raises(
            RunError, match=r"run: the folder of this run has disappeared; if you renamed it, rename it back"
        ),
        Run.open(tmp_path / "run", {}, save_interval=SaveInterval(None, None, False)) as run,
    ):
        train(tiny(), run, evaluation=Evaluation(evaluate, every=2, metric="error"), steps=6)
    assert not (tmp_path / "run").exists()
    (tmp_path / "better-name").rename(tmp_path / "run")
    trained(tmp_path / "run", 3, resume=True)


def test_a_name_that_is_not_utf_8_is_refused_before_training(tmp_path):
    with pytest.raises(UserError, match=r"'.*\\udcff' is not text in UTF-8; choose another name"):
        Run.open(str(tmp_path) + os.fsdecode(b"/\xff"), {})
    assert not list(tmp_path.iterdir())
