"""The run folder: locked, never overwritten unasked, resumed only with the arguments it began with."""

import json
import subprocess
import sys

import pytest

import lingon
from lingon.core.errors import DataError, UserError
from lingon.engine.log import FILE, MetricsLog, read_metrics, to_tensorboard
from lingon.engine.run import Run
from lingon.engine.run_folder import REPLACED
from lingon.engine.save_interval import SaveInterval
from tests.engine.tiny import batches, tiny, train


def test_a_run_folder_holds_what_it_says(tmp_path):
    with Run.open(tmp_path / "run", {"lr": 0.1, "sizes": (3, 5)}) as run:
        run.record("data", {"name": "imdb"})
        run.log(7, epoch=0.5, time=1.0, loss=0.25, odd=float("nan"))
    facts = json.loads((tmp_path / "run" / "run.json").read_text())
    assert facts["arguments"] == {"lr": 0.1, "sizes": [3, 5]}
    assert facts["data"] == {"name": "imdb"}
    assert {"torch", "python", "lingon"} <= facts["versions"].keys()
    assert read_metrics(tmp_path / "run") == [{"step": 7, "epoch": 0.5, "time": 1.0, "loss": 0.25, "odd": None}]


def test_a_run_is_not_overwritten_unasked(tmp_path):
    with Run.open(tmp_path / "run", {}) as run:
        train(tiny(), run, steps=2)
    before = (tmp_path / "run" / FILE).read_bytes()
    with pytest.raises(UserError, match="already holds a run; add --resume or --overwrite, or choose another folder"):
        Run.open(tmp_path / "run", {})
    assert (tmp_path / "run" / FILE).read_bytes() == before


def test_a_folder_that_is_taken_is_said_before_data_is_read(tmp_path):
    with Run.open(tmp_path / "run", {}) as run:
        train(tiny(), run, steps=2)
    with pytest.raises(UserError, match="already holds a run"):
        lingon.train("classify", tmp_path / "gone.csv", out=tmp_path / "run")
    with pytest.raises(UserError, match=r"gone\.csv"):
        lingon.train("classify", str(tmp_path / "gone.csv"), out=str(tmp_path / "run"), overwrite=True)
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="is a file; expected the name of a folder"):
        lingon.train("classify", tmp_path / "gone.csv", out=tmp_path / "file")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.txt").touch()
    with pytest.raises(UserError, match=r"holds files but no run \(thesis.txt\)"):
        Run.check_room(tmp_path / "other", resume=False, overwrite=True)
    Run.check_room(tmp_path / "run", resume=True, overwrite=False)
    Run.check_room(tmp_path / "new", resume=False, overwrite=False)
    assert not (tmp_path / "new").exists()


def test_overwriting_keeps_the_old_run_until_the_new_one_has_a_checkpoint(tmp_path):
    folder = tmp_path / "run"
    with Run.open(folder, {"lr": 1}) as run:
        train(tiny(), run, steps=2)
    (folder / "bundle").mkdir()
    for _ in range(2):  # a first attempt that fails before it has saved anything is not worth keeping
        with Run.open(folder, {"lr": 2}, overwrite=True):
            pass
        assert json.loads((folder / REPLACED / "run.json").read_text())["arguments"] == {"lr": 1}
        assert (folder / REPLACED / "bundle").is_dir()
        assert not (folder / "bundle").exists()
    with Run.open(folder, {"lr": 3}, overwrite=True) as run:
        train(tiny(), run, steps=3)
    assert not (folder / REPLACED).exists()
    assert json.loads((folder / "run.json").read_text())["arguments"] == {"lr": 3}
    assert [row["step"] for row in read_metrics(folder)] == [1, 2, 3]
    assert not list(folder.glob(".tmp-lingon-*"))


@pytest.mark.parametrize("asked", [{}, {"overwrite": True}, {"resume": True}])
def test_a_folder_of_other_files_is_left_alone(tmp_path, asked):
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(UserError, match=r"holds files but no run \(thesis.tex\)"):
        Run.open(tmp_path, {}, **asked)
    assert (tmp_path / "thesis.tex").read_text() == "years of work"


def test_other_arguments_are_refused_by_name(tmp_path):
    with Run.open(tmp_path / "run", {"lr": 0.1, "model": "bag", "seed": 0}):
        pass
    with pytest.raises(UserError, match=r"other arguments: lr was 0.1 and is 0.2; new was 'not given' and is 3$"):
        Run.open(tmp_path / "run", {"lr": 0.2, "model": "bag", "seed": 0, "new": 3}, resume=True)
    with Run.open(tmp_path / "run", {"lr": 0.1, "model": "bag", "seed": 0}, resume=True):
        pass
    with Run.open(tmp_path / "run", {"lr": 0.1, "model": "bag", "seed": 0, "later": None}, resume=True):
        pass  # an option that a later version brought, and that was not given


def test_there_must_be_something_to_resume(tmp_path):
    with pytest.raises(UserError, match=r"no run in .* to resume; start it without resume"):
        Run.open(tmp_path / "none", {}, resume=True)
    assert not (tmp_path / "none").exists()
    with pytest.raises(UserError, match="cannot be combined"):
        Run.open(tmp_path / "none", {}, resume=True, overwrite=True)


def test_a_broken_record_of_the_run_is_refused(tmp_path):
    with Run.open(tmp_path / "run", {}):
        pass
    (tmp_path / "run" / "run.json").write_text("[]")
    with pytest.raises(DataError, match=r"run.json: key 'arguments' is missing"):
        Run.open(tmp_path / "run", {}, resume=True)


def test_a_second_process_is_refused_and_the_first_goes_on(tmp_path):
    script = "import sys\nfrom lingon.engine.run import Run\nRun.open(sys.argv[1], {}, resume=True)"
    with Run.open(tmp_path / "run", {}) as run:
        done = subprocess.run([sys.executable, "-c", script, run.folder], capture_output=True, text=True, check=False)
        assert done.returncode == 1
        assert "is in use by another process" in done.stderr
        train(tiny(), run, steps=2)
    with Run.open(tmp_path / "run", {}, resume=True):
        pass


def test_an_open_that_fails_lets_go_of_the_folder(tmp_path):
    with Run.open(tmp_path / "run", {"a": 1}):
        pass
    for _ in range(2):
        with pytest.raises(UserError, match="a was 1 and is 2"):
            Run.open(tmp_path / "run", {"a": 2}, resume=True)


def test_checkpoints_come_at_their_cadence(tmp_path):
    def saved(save_interval, **config):
        saved.count += 1
        with Run.open(tmp_path / str(saved.count), {}, save_interval=save_interval) as run:
            real, steps = run.save, []
            run.save = lambda step, parts, best=None: (steps.append(step), real(step, parts, best))
            train(tiny(), run, **config)
        return steps

    saved.count = 0
    per_epoch = len(batches())
    assert saved(SaveInterval(steps=4, seconds=None, epochs=False), steps=10) == [4, 8, 10]
    assert saved(SaveInterval(steps=None, seconds=None), epochs=2, steps=None) == [per_epoch, 2 * per_epoch]
    assert saved(SaveInterval(steps=None, seconds=None, epochs=False), steps=10) == [10]
    assert len(saved(SaveInterval(steps=None, seconds=0.0, epochs=False), steps=30)) > 1


def test_two_checkpoints_and_their_best_weights_are_kept(tmp_path):
    from lingon.engine.evaluation import Evaluation

    rising = iter(range(100))
    with Run.open(tmp_path / "run", {}, save_interval=SaveInterval(steps=1, seconds=None)) as run:
        train(tiny(), run, steps=9, evaluation=Evaluation(lambda m: {"accuracy": next(rising)}, every=1))
        assert sorted(p.name for p in run.checkpoints.iterdir()) == [
            "000000008",
            "000000009",
            "best-000000008.safetensors",
            "best-000000009.safetensors",
        ]


def test_a_line_that_was_not_finished_is_left_out_and_cut(tmp_path):
    log = MetricsLog(tmp_path)
    log.append({"step": 1})
    whole = log.length()
    log.append({"step": 2})
    log.path.write_bytes(log.path.read_bytes() + b'{"step": 3, "lo')
    assert [row["step"] for row in read_metrics(tmp_path)] == [1, 2]
    log.cut(10_000)
    assert log.path.read_bytes().endswith(b'{"step": 2}\n')
    log.cut(whole)
    assert read_metrics(tmp_path) == [{"step": 1}]


def test_a_broken_line_is_named(tmp_path):
    (tmp_path / FILE).write_text('{"step": 1}\nnonsense\n{"step": 2}\n')
    with pytest.raises(DataError, match=f"{FILE}:2: not JSON"):
        read_metrics(tmp_path)
    with pytest.raises(UserError, match=r"holds no metrics.jsonl"):
        read_metrics(tmp_path / "elsewhere")


def test_tensorboard_shows_the_same_numbers(tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    log = MetricsLog(tmp_path)
    log.append({"step": 3, "epoch": 0.5, "time": 1.5, "loss": 0.75})
    log.append({"step": 5, "epoch": 1.0, "time": 2.5, "loss": 0.5})
    assert to_tensorboard(tmp_path, tmp_path / "events") == 4
    events = EventAccumulator(str(tmp_path / "events")).Reload()
    assert [(e.step, e.value) for e in events.Scalars("loss")] == [(3, 0.75), (5, 0.5)]


def test_a_run_that_saved_nothing_makes_room(tmp_path):
    """Whoever follows the advice of a first error must not be told that there is a run already."""
    folder = tmp_path / "run"
    with Run.open(folder, {"lr": 1}) as run:
        (folder / "text").mkdir()
        run.log(1, loss=1.0)
    with Run.open(folder, {"lr": 2}) as run:
        assert run.facts["arguments"] == {"lr": 2}
        assert read_metrics_or_none(folder) is None
        (folder / "kept.txt").write_text("something of the user's")
    with pytest.raises(UserError, match="already holds a run"):
        Run.open(folder, {"lr": 3})


def fail(folder, rows=0, **how):
    with Run.open(folder, how, overwrite=True) as run:
        (folder / "tokenizer.json").touch()
        for step in range(rows):
            run.log(step, loss=1.0)
        raise UserError("a wrong setting")


def test_wrong_settings_leave_no_run_and_give_an_older_one_back(tmp_path):
    folder = tmp_path / "run"
    with pytest.raises(UserError, match="a wrong setting"):
        fail(folder)
    assert not folder.exists()
    with Run.open(folder, {"lr": 1}) as run:
        train(tiny(), run, steps=2)
        (folder / "bundle").mkdir()
    before = sorted(path.name for path in folder.rglob("*"))
    with pytest.raises(UserError, match="a wrong setting"):
        fail(folder, lr=2)
    assert json.loads((folder / "run.json").read_text())["arguments"] == {"lr": 1}
    assert sorted(path.name for path in folder.rglob("*")) in (before, [name for name in before if name != ".lock"])
    with pytest.raises(UserError, match="a wrong setting"):
        fail(folder, rows=2, lr=3)
    assert json.loads((folder / "run.json").read_text())["arguments"] == {"lr": 3}  # there is something to look at


def read_metrics_or_none(folder):
    return (folder / FILE).read_text() if (folder / FILE).exists() else None


def test_a_folder_of_something_else_is_left_as_it_was(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(UserError, match=r"holds files but no run \(notes.txt\)"):
        Run.open(tmp_path, {})
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
