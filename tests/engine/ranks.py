"""A training for any number of processes: `torchrun ... -m tests.engine.ranks FOLDER STEPS resume|new ACCUMULATE`."""

import sys
from pathlib import Path

import torch

from lingon.core.seed import seed_everything
from lingon.data.sampler import Batches
from lingon.engine.average import EMA
from lingon.engine.distributed import joined, spread
from lingon.engine.fit import Plan, fit
from lingon.engine.optim import sgd
from lingon.engine.run import Run
from lingon.engine.watch import Watch
from tests.engine.tiny import Tiny, digest, error_of, loss_of, texts


def main(folder, steps, resume, accumulate):
    torch.set_num_threads(1)
    with joined(torch.device("cpu")) as place, Run.open(folder, {}, resume=resume) as run:
        seed_everything(0)
        model = Tiny(dropout=0)
        # 53 texts in batches of at most 4 rows: some have one row only, so that a process has none of its own.
        source = Batches(*texts(), tokens=64, rows=4, rank=place.rank, world=place.size)
        watch = Watch(error_of, every=11, metric="error", higher_is_better=False)
        plan = Plan(steps=steps, accumulate=accumulate, clip=0.5, average=EMA(0.9), log_every=1)
        fit(spread(model), source, loss_of, sgd(model, 0.1, momentum=0.9), plan=plan, watch=watch, run=run)
        (Path(folder) / f"weights-{place.rank}").write_text(digest(model))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "resume", int(sys.argv[4]))
