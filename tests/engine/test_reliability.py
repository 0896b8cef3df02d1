"""What a run survives: kills, a full disk, want of memory, a long time."""

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from lingon.core.errors import RunError
from lingon.engine import checkpoint, run
from lingon.engine.out_of_memory import is_memory, oom_context
from lingon.engine.run import Run
from lingon.engine.save_interval import SaveInterval
from tests.engine.tiny import digest, loss_of, tiny, train

REPOSITORY = Path(__file__).parents[2]
EVERY_STEP = SaveInterval(steps=1, seconds=None)


def python(*arguments, seconds=300):
    """Runs Python in the repository; returns (exit code, output, errors)."""
    environment = {**os.environ, "LINGON_QUIET": "1", "OMP_NUM_THREADS": "1", "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=REPOSITORY, env=environment, capture_output=True, text=True, timeout=seconds, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("kills", [50, pytest.param(300, marks=pytest.mark.long)])
def test_a_training_killed_at_any_moment_goes_on_as_if_nothing_had_happened(tmp_path, kills):
    code, out, errors = python("-m", "tests.engine.kills", tmp_path, kills, 7)
    assert code == 0, errors
    result = json.loads(out)
    assert result["killed"] == kills
    assert result["steps"] > min(kills / 6, 30), "the kills were all at the same few steps"


LONG = """
import os, sys, torch, psutil
from tests.engine.tiny import train, tiny
from lingon.engine.run import Run
from lingon.engine.save_interval import SaveInterval
from lingon.engine.average import EMA
torch.set_num_threads(1)
me, seen = psutil.Process(), []
class Spy:
    def __call__(self, step):
        if step in marks:
            seen.append((me.memory_info().rss, me.num_fds()))
        return 1.0
steps = int(sys.argv[1])
marks = {steps // 3, steps - 1}
with Run.open(sys.argv[2], {}, save_interval=SaveInterval(steps=steps // 30, seconds=None)) as run:
    train(tiny(), run, steps=steps, log_every=10, schedule=Spy(), weight_average=EMA())
(before, files), (after, files_after) = seen
print((after - before) / (steps * 2 / 3) * 1000, files_after - files)
"""


@pytest.mark.parametrize("steps", [1_500, pytest.param(10_000, marks=pytest.mark.long)])
def test_a_long_run_needs_no_more_memory_and_no_more_files(tmp_path, steps):
    code, out, errors = python("-c", LONG, steps, tmp_path / "run")
    assert code == 0, errors
    growth, files = map(float, out.split())
    assert growth < 1e6, f"{growth / 1e6:.2f} MB per 1,000 steps"
    assert files == 0


HUNGRY = """
import resource, sys
from pathlib import Path
import torch
from tests.engine.tiny import Tiny, loss_of, batches
from lingon.core.errors import RunError
from lingon.data.batches import Batch
from lingon.engine import checkpoint
from lingon.engine.fit import TrainConfig, fit
from lingon.engine.optimizers import sgd
from lingon.engine.run import Run
from lingon.engine.save_interval import SaveInterval

torch.set_num_threads(1)
resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
source = batches()
position = 0
class Growing(type(source)):
    def _batch(self, number):
        if self.position < 4:
            return super()._batch(number)
        B = int(sys.argv[2])
        ids = torch.ones(B, 3_000, dtype=torch.int64)
        return Batch({"ids": ids, "mask": ids > 0, "labels": torch.zeros(B, dtype=torch.int64)})
source.__class__ = Growing
model = Tiny()
with Run.open(sys.argv[1], {}, save_interval=SaveInterval(steps=1)) as run:
    try:
        fit(model, source, loss_of, sgd(model, 0.1), config=TrainConfig(steps=9), run=run)
    except RunError as error:
        print(error)
print(checkpoint.load_checkpoint(Path(sys.argv[1]) / "checkpoints")["state"]["step"])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not keep the limit")
@pytest.mark.parametrize(
    ("rows", "where"), [(100_000, "the next batch"), (30_000, "step 4, a batch of 30,000 x 3,000")]
)
def test_too_little_memory_is_said_and_the_checkpoint_is_whole(tmp_path, rows, where):
    code, out, errors = python("-c", HUNGRY, tmp_path / "run", rows)
    assert code == 0, errors
    message, step = out.strip().splitlines()
    assert f"not enough memory for {where}" in message
    assert "lower batch_size or max_tokens_per_batch" in message
    assert step == "3"


def test_an_error_of_memory_is_told_from_others():
    assert is_memory(MemoryError())
    assert is_memory(RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes"))
    assert is_memory(torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.5 GiB"))
    assert not is_memory(RuntimeError("shapes cannot be multiplied"))
    with pytest.raises(RuntimeError, match="multiplied"), oom_context("step 1"):
        raise RuntimeError("shapes cannot be multiplied")


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 4 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", disk], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("mounting a small disk is not allowed here")
    yield disk
    subprocess.run(["umount", "-l", disk], check=True)


def test_a_full_disk_leaves_the_last_checkpoint(small_disk):
    def grow(model, batch):
        step = len(list((small_disk / "run" / "checkpoints").glob("0*")))
        if step == 2:  # from now on the disk is full
            (small_disk / "filler").write_bytes(bytes(max(0, free(small_disk) - 8192)))
        return loss_of(model, batch)

    with (
        pytest.raises(
            RunError, match=r"could not be written .*; the last intact one is 0+2. Free some space and resume"
        ),
        Run.open(small_disk / "run", {}, save_interval=EVERY_STEP) as opened,
    ):
        train(tiny(), opened, loss=grow, log_every=10_000)
    assert not list((small_disk / "run").rglob(".tmp-lingon-*"))
    assert checkpoint.load_checkpoint(small_disk / "run" / "checkpoints")["state"]["step"] == 2
    (small_disk / "filler").unlink()
    model = tiny(seed=99)
    with Run.open(small_disk / "run", {}, resume=True) as opened:
        train(model, opened, loss=loss_of, steps=5)
    twin = tiny()
    train(twin, loss=loss_of, steps=5)
    assert digest(model) == digest(twin)


def free(folder):
    stat = os.statvfs(folder)
    return stat.f_bavail * stat.f_frsize


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EIO])
@pytest.mark.parametrize("seam", [(os, "fsync"), (os, "replace"), (checkpoint, "write_arrays"), (run, "save_tensors")])
def test_a_write_that_fails_leaves_the_last_checkpoint(tmp_path, monkeypatch, seam, code):
    from lingon.engine.evaluation import Evaluation

    evaluation = Evaluation(lambda model: {"accuracy": next(rising)}, every=2)
    rising = iter(range(100))
    with Run.open(tmp_path / "run", {}, save_interval=EVERY_STEP) as opened:
        train(tiny(), opened, steps=3, evaluation=evaluation)
        before = checkpoint.load_checkpoint(opened.checkpoints)["state"]["step"]

        def broken(*given, **named):
            raise OSError(code, os.strerror(code))

        monkeypatch.setattr(*seam, broken)
        opened.resumed = True
        with pytest.raises(RunError, match=os.strerror(code)):
            train(tiny(), opened, steps=6, evaluation=evaluation)
        monkeypatch.undo()
        assert checkpoint.load_checkpoint(opened.checkpoints)["state"]["step"] == before == 3
        assert not list(tmp_path.rglob(".tmp-lingon-*"))


@pytest.mark.parametrize("file", ["model.safetensors", "state.json", "random.safetensors", "manifest.json"])
def test_a_damaged_checkpoint_is_passed_over(tmp_path, file):
    with Run.open(tmp_path / "run", {}, save_interval=EVERY_STEP) as opened:
        train(tiny(), opened, steps=3)
        path = checkpoint.newest(opened.checkpoints) / file
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
        if file != "manifest.json":  # a flipped bit in it may leave it readable, and then it is not newer than it was
            assert checkpoint.load_checkpoint(opened.checkpoints)["state"]["step"] == 2
        path.unlink()
        assert checkpoint.load_checkpoint(opened.checkpoints)["state"]["step"] == 2
    model = tiny(seed=99)
    with Run.open(tmp_path / "run", {}, resume=True) as opened:
        train(model, opened, steps=5)
    twin = tiny()
    train(twin, steps=5)
    assert digest(model) == digest(twin)


def test_when_all_checkpoints_are_damaged_the_run_does_not_start_anew(tmp_path):
    with Run.open(tmp_path / "run", {}, save_interval=EVERY_STEP) as opened:
        train(tiny(), opened, steps=3)
        for path in checkpoint.steps_in(opened.checkpoints):
            (path / "model.safetensors").write_bytes(b"")
    with (
        pytest.raises(ValueError, match=r"no checkpoint is intact: .*model.safetensors: damaged"),
        Run.open(tmp_path / "run", {}, resume=True) as opened,
    ):
        train(tiny(), opened)
