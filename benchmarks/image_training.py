"""Images per second in training a small residual network, against the same network in a plain loop of PyTorch."""

from collections.abc import Iterator

from benchmarks.context import Context
from benchmarks.machine import THREADS
from benchmarks.measure import paired
from benchmarks.result import Result, speed
from benchmarks.worker import Worker

ROWS, LR, WIDTH = 128, 5e-3, 32
BARS = {"float32": 1.0, "bfloat16": None}


def compare(context: Context) -> Iterator[Result]:
    """Both train on the same images of Fashion-MNIST in batches of 128, mirrored and moved at random, with AdamW.

    Theirs is written as people write it: a `DataLoader` over tensors, the network in the usual layout, float32. Ours in
    float32, which has the bar, and in bfloat16 beside it.
    """
    images = context.size(12_800, 512)
    shared = {"images": images, "rows": ROWS, "lr": LR, "width": WIDTH, "threads": THREADS, "seed": 0}
    rows, details = [], {"settings": shared, "timed": "one pass over the images, batches made inside"}
    with Worker("images_lingon") as ours, Worker("images_torch") as theirs:
        mine, peer = ours.ask("start", shared), theirs.ask("start", shared)
        if mine["weights"] != peer["weights"]:
            raise AssertionError(f"{mine['weights']:,} weights here, {peer['weights']:,} there")
        for precision, bar in BARS.items():
            losses: dict[str, list[float]] = {"ours": [], "theirs": []}

            def turn(worker: Worker, side: str, how: dict, losses: dict[str, list[float]] = losses) -> float:
                found = worker.ask("run", how)
                losses[side].append(found["loss"])
                return found["seconds"]

            pairs = paired(
                lambda turn=turn, precision=precision: turn(ours, "ours", {"precision": precision}),
                lambda turn=turn: turn(theirs, "theirs", {}),
                context.pairs,
                context.warmups,
            )
            details[precision] = {"losses": losses, "seconds": {"ours": pairs.ours, "theirs": pairs.theirs}}
            what = f"training a small residual network, {precision}"
            rows.append(speed(what, "images/s", images, pairs, "plain PyTorch, float32", bar))
    yield Result("image-training", rows, details)
