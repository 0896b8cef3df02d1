"""A training that is killed again and again: `python -m tests.engine.kills FOLDER KILLS SEED`, one JSON line as result.

One process imports torch; each life of the training is a fork of it, so fifty of them take seconds.
"""

import json
import os
import random
import signal
import sys
from pathlib import Path

import torch

from lingon.engine import checkpoint
from lingon.engine.average import EMA
from lingon.engine.evaluation import Evaluation
from lingon.engine.log import read_metrics
from lingon.engine.run import Run
from lingon.engine.save_interval import SaveInterval
from tests.engine.tiny import digest, error_of, record, tiny, train
from tests.forked import forked

STEPS = 40
SEAMS = (
    (os, "fsync"),
    (os, "replace"),
    (os, "unlink"),
    (os, "chmod"),
    (checkpoint, "write_arrays"),
    (checkpoint, "sha256_of"),
)


def live(folder, kill_at=None):
    """One life: resume where there is something, train on, die at the `kill_at`-th of the calls that make a save."""
    resume = (folder / "run.json").exists()
    with Run.open(folder, {"steps": STEPS}, resume=resume, save_interval=SaveInterval(steps=1, seconds=None)) as run:
        left = [p.name for p in folder.rglob(".tmp-lingon-*")]
        assert not left, f"temporary files were not swept: {left}"
        if kill_at is not None:
            die_at(kill_at)
        evaluation = Evaluation(error_of, every=3, metric="error", higher_is_better=False)
        model = tiny()
        history = train(model, run, evaluation=evaluation, steps=STEPS, weight_average=EMA(0.9))
    (folder / "weights").write_text(digest(model))
    return history


def die_at(number):
    """SIGKILLs this process at its `number`-th call of a function at a seam: before it, in the middle, or after."""
    count, how = 0, random.choice(["before", "after"])

    def deadly(function, name):
        def call(*given, **named):
            nonlocal count
            count += 1
            if count == number and name == "write_arrays":
                Path(given[0]).write_bytes(b"half a file")
            if count == number and how == "before":
                os.kill(os.getpid(), signal.SIGKILL)
            result = function(*given, **named)
            if count >= number:
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        return call

    for module, name in SEAMS:
        setattr(module, name, deadly(getattr(module, name), name))


def main(folder, kills, seed):
    torch.set_num_threads(1)
    train(tiny(), steps=1)  # so that what torch imports late is imported once
    killed, lives, newest, steps = 0, 0, -1, set()
    target = folder / "killed"
    while killed < kills:
        lives += 1
        random.seed(f"{seed} {lives}")
        # Half die at a moment of the clock, half at a call inside a save.
        if random.random() < 0.5:
            ended = forked(lambda: live(target), kill_after=random.uniform(0.005, 0.25))
        else:
            at = random.randrange(1, 50)
            ended = forked(lambda at=at: live(target, kill_at=at))
        killed += not ended
        if ended:
            compare(folder)
            target.rename(folder / f"ended-{lives}")
            newest = -1
            continue
        checkpoint.tidy(target / "checkpoints")  # as every start does: a save dies between its two renames too
        parts = checkpoint.load_checkpoint(target / "checkpoints")  # raises when none is whole
        step = parts["state"]["step"] if parts else -1
        assert step >= newest, f"step {newest} was saved, but {step} is the newest whole checkpoint"
        newest = step
        steps.add(step)
    forked(lambda: live(target))
    compare(folder)
    print(json.dumps({"killed": killed, "lives": lives, "steps": len(steps)}))


def compare(folder):
    """The killed training must equal the one that was left in peace."""
    if not (folder / "peace").exists():
        forked(lambda: live(folder / "peace"))
    peace, target = folder / "peace", folder / "killed"
    assert (peace / "weights").read_text() == (target / "weights").read_text(), "the weights differ"
    assert record(read_metrics(peace)) == record(read_metrics(target)), "the records differ"


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
