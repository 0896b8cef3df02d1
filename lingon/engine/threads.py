"""The number of threads of a training run: one if a step is too little work to be worth dividing."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import nn

from lingon.engine.batch_tree import IDS, find_field
from lingon.engine.distributed import broadcast
from lingon.engine.estimate import matmul_weights
from lingon.engine.run import Run

# Multiplications and additions of a step, about 5 ms of one core. Below that, waking threads costs as much as they save
# on an idle machine, and on a busy one each waits for the slowest: a step of a 784 x 32 network took 2.4 ms on one
# thread and 19 to 260 ms on two (`docs/log.md`).
WORTH_SHARING = 250e6
said: set[int] = set()


def flops_per_step(model: nn.Module, batch: Any, rows: int) -> float:
    """Return the approximate multiplications and additions of one training step: 6 for each weight and token, or row.

    The weights of convolutions over images count at each position of a feature map, on average an eighth of the pixels.
    """
    ids, images = find_field(batch, IDS), find_field(batch, ("images",))
    places = max(1, images.shape[-1] * images.shape[-2] // 8) if images is not None and images.ndim == 4 else 1
    return 6.0 * matmul_weights(model) * (rows * places if ids is None else ids.numel())


@contextlib.contextmanager
def computing_threads(work: float, run: Run | None, say: Callable[[str], None]) -> Iterator[int]:
    """Return a context with the number of PyTorch CPU threads that suits steps of `work` operations.

    A message is shown, once, if that is fewer than before. A run records the number and uses it again when resumed, so
    that its results are those of an uninterrupted run.
    """
    before = torch.get_num_threads()
    count = run.facts.get("threads") if run is not None and run.resumed else None
    if count is None:
        count = broadcast(1 if work < WORTH_SHARING else before)
    if run is not None and run.facts.get("threads") != count:
        run.record("threads", count)
    if count < before and count not in said:
        said.add(count)
        say(f"using {count} of {before} threads: steps of this size do not get faster with more")
    torch.set_num_threads(count)
    try:
        yield count
    finally:
        torch.set_num_threads(before)
