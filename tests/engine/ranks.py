"""A training for any number of processes: `torchrun ... -m tests.engine.ranks FOLDER STEPS resume|new ACCUMULATE`.

With `shard` at the end, of a small GPT whose weights are spread too.
"""

import sys
from pathlib import Path

import torch

from lingon.core.seed import seed_everything
from lingon.data.batches import shuffled_windows, text_batches
from lingon.engine.average import EMA
from lingon.engine.distributed import distribute, process_group
from lingon.engine.evaluation import Evaluation
from lingon.engine.fit import TrainConfig, fit
from lingon.engine.fsdp import shard
from lingon.engine.optimizers import adamw, sgd
from lingon.engine.run import Run
from lingon.models.gpt import GPT
from lingon.tasks.language_model.objective import Objective, fresh_loss, likelihood
from tests.engine.tiny import Tiny, digest, error_of, loss_of, texts


def main(folder, steps, resume, accumulate, sharded=False):
    torch.set_num_threads(1)
    with process_group(torch.device("cpu")) as place, Run.open(folder, {}, resume=resume) as run:
        seed_everything(0)
        train = spread_weights if sharded else spread_batches
        model = train(
            place,
            run,
            TrainConfig(
                steps=steps, accumulation_steps=accumulate, max_grad_norm=0.5, weight_average=EMA(0.9), log_every=1
            ),
        )
        if place.rank == 0 or not sharded:
            (Path(folder) / f"weights-{place.rank}").write_text(digest(model))


def spread_batches(place, run, config):
    model = Tiny(dropout=0)
    # 53 texts in batches of at most 4 rows: some have one row only, so that a process has none of its own.
    source = text_batches(*texts(), max_tokens=64, batch_size=4, rank=place.rank, world=place.size)
    evaluation = Evaluation(error_of, every=11, metric="error", higher_is_better=False)
    fit(
        distribute(model), source, loss_of, sgd(model, 0.1, momentum=0.9), config=config, evaluation=evaluation, run=run
    )
    return model


def spread_weights(place, run, config):
    model = Objective(GPT(vocab_size=13, width=8, depth=3, heads=2, context_length=5, dropout=0.0))
    tokens = torch.randint(0, 13, (211,), generator=torch.Generator().manual_seed(0)).numpy()
    source = shuffled_windows(tokens, 4, 5, 0, place.rank, place.size)
    evaluate = lambda objective: {"error": likelihood(objective.model, tokens, 5).loss}
    evaluation = Evaluation(evaluate, every=11, metric="error", higher_is_better=False)
    trained = shard(model)
    fit(trained, source, fresh_loss, adamw(trained, 1e-2), config=config, evaluation=evaluation, run=run)
    return model


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "resume", int(sys.argv[4]), "shard" in sys.argv)
