"""A small GPT on characters, at nanoGPT's CPU sizes: tokens per second, and the loss after the same time.

nanoGPT is no package: NANOGPT names a folder with its `model.py`, from commit 3adf61e of karpathy/nanoGPT. The loop
around its model is that of its `train.py` with the settings its README gives for CPUs.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks.context import Context
from benchmarks.machine import THREADS
from benchmarks.measure import Spread, paired
from benchmarks.result import Peer, Result, Row, speed
from benchmarks.worker import Worker
from lingon.core.errors import UserError
from lingon.data.running_text import load_text
from lingon.data.tokenizers import characters

SIZES = {"layers": 4, "heads": 4, "width": 128, "context": 64, "rows": 12}
STEPS, SECONDS, PEER = 150, 180, "nanoGPT"
SURE = 0.85  # of the steps that fit by the turns before: ours must not take longer, nanoGPT stops when time is up


def compare(context: Context) -> Iterator[Result]:
    """One result: tokens per second in turns, then the validation loss after one run of 180 seconds each."""
    folder = os.environ.get("NANOGPT", "")
    if not (Path(folder) / "model.py").is_file():
        raise UserError("NANOGPT is not a folder with nanoGPT's model.py; clone karpathy/nanoGPT and name it so")
    shared = _data(context) | SIZES | {"threads": THREADS}
    steps, batch = context.size(STEPS, 5), SIZES["rows"] * SIZES["context"]
    with Worker("gpt_lingon") as ours, Worker("gpt_nanogpt", None, {"NANOGPT": folder}) as theirs:
        weights = [worker.ask("start", shared)["weights"] for worker in (ours, theirs)]
        if weights[0] != weights[1]:
            raise AssertionError(f"{weights[0]:,} weights here, {weights[1]:,} there")
        turn = {"steps": steps}
        pairs = paired(
            lambda: ours.seconds("run", turn), lambda: theirs.seconds("run", turn), context.pairs, context.warmups
        )
        seconds = context.size(SECONDS, 5)
        rates = [steps / median(taken) for taken in (pairs.ours, pairs.theirs)]
        found = [
            worker.ask("train", {"seconds": seconds, "steps": int(SURE * rate * seconds)})
            for worker, rate in zip((ours, theirs), rates, strict=True)
        ]
    if found[0]["seconds_of_training"] > seconds:
        took = found[0]["seconds_of_training"]
        raise AssertionError(f"ours took {took:.0f} s, not {seconds}; measure on an idle machine")
    name = "training a GPT on characters, 4 layers of 128"
    losses = [Spread.of([one["loss"]]) for one in found]
    yield Result(
        "nanogpt",
        [
            speed(name, "tokens/s", steps * batch, pairs, PEER, 1.0),
            Row(
                f"{name}: held-out nats per character after {seconds} s",
                "nats",
                losses[0],
                [Peer(PEER, losses[1])],
                None,
                f"below {PEER}",
                losses[0].median < losses[1].median,
            ),
        ],
        {"sizes": SIZES, "seconds": vars(pairs), "runs": found, "text": "austen, characters"},
        {"nanoGPT": "3adf61e"},
    )


def _data(context: Context) -> dict[str, int | str]:
    parts = {part: "\n".join(load_text("austen", part)) for part in ("train", "valid")}
    tokenizer = characters([parts["train"]], max_size=1000)
    path = Path(context.folder) / "characters.npz"
    np.savez(path, **{part: np.array(tokenizer.encode(text), dtype=np.uint16) for part, text in parts.items()})
    return {"tokens": str(path), "vocab_size": len(tokenizer.vocab)}
