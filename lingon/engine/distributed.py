"""Training with several processes started by torchrun: process group, collective operations, wrapped models.

Each process takes its share of the rows of every batch. Gradients are averaged by PyTorch's
DistributedDataParallel; `fit` divides every sum by the count over all processes, so that the result is the mean over
the whole batch.
"""

import atexit
import contextlib
import json
import os
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from lingon.core.errors import UserError
from lingon.core.shapes import Tensor
from lingon.engine.fsdp import Sharded, full_tensors, no_gradient_sync
from lingon.engine.world import World, world

__all__ = ["distribute", "full_model", "process_group", "unwrap"]

PATIENCE = timedelta(hours=12)  # torchrun ends the others when one dies; waiting for a long evaluation is no error

# References to destroyed groups, kept until the program ends. Otherwise a DistributedDataParallel that outlives its
# group holds the last reference: its destructor joins Gloo's threads while holding the GIL, which they need to release
# their last tensors, and one run in six hung. When this list is cleared at exit, the GIL is free.
ended_groups: list[dist.ProcessGroup] = []
atexit.register(ended_groups.clear)


@contextlib.contextmanager
def process_group(device: torch.device) -> Iterator[World]:
    """Join the processes that torchrun started, by NCCL on CUDA and Gloo elsewhere; without torchrun, do nothing.

    >>> with process_group(torch.device("cpu")) as place:
    ...     place
    World(rank=0, size=1)
    """
    if "TORCHELASTIC_RUN_ID" not in os.environ or dist.is_initialized():
        yield world()
        return
    own = torch.device("cuda", int(os.environ["LOCAL_RANK"])) if device.type == "cuda" else None
    if own is not None:
        torch.cuda.set_device(own)
    dist.init_process_group("nccl" if own is not None else "gloo", timeout=PATIENCE, device_id=own)
    assert dist.group.WORLD is not None
    ended_groups.append(dist.group.WORLD)
    try:
        yield world()
        # Gloo's threads need the GIL to release the tensors of their last operation. If they get it only after the
        # interpreter has ended, the process aborts, as one in forty did on a busy machine; the barrier releases it.
        dist.barrier()
    finally:
        dist.destroy_process_group()


def distribute(model: nn.Module, unused: bool = False) -> nn.Module:
    """Return the model with gradients averaged over the processes; the model itself when there is only one process.

    unused: some weights get no gradient in some steps.
    """
    if world().size == 1:
        return model
    # An adaptive softmax skips clusters without a target in the batch, which may differ between processes.
    choosy = any(isinstance(module, nn.AdaptiveLogSoftmaxWithLoss) for module in model.modules())
    return DistributedDataParallel(model, find_unused_parameters=choosy or unused)


def unwrap(model: nn.Module) -> nn.Module:
    """Return the model inside the wrappers of torch.compile and of distributed training."""
    while True:
        if isinstance(model, DistributedDataParallel | Sharded):
            model = model.module
        elif isinstance(compiled := getattr(model, "_orig_mod", None), nn.Module):
            model = compiled
        else:
            return model


def full_model(model: nn.Module) -> nn.Module:
    """Return the model to evaluate or save: for a sharded model the full one, which only process 0 has.

    A collective operation: all processes must call it.
    """
    if not isinstance(model, Sharded):
        return unwrap(model)
    weights = full_tensors(dict(model.module.state_dict()))
    if world().rank == 0:
        model.plain.load_state_dict(weights)
    return model.plain


def no_sync(model: nn.Module, holding: bool) -> contextlib.AbstractContextManager:
    """Return a context without gradient synchronisation if `holding`: only the last batch of a step needs it."""
    if holding and isinstance(model, DistributedDataParallel):
        return model.no_sync()
    if holding and isinstance(model, Sharded):
        return no_gradient_sync(model)
    return contextlib.nullcontext()


def all_sum(*values: float) -> list[float]:
    """Return the sums of numbers over all processes."""
    if world().size == 1:
        return list(values)
    sums = torch.tensor(values, dtype=torch.float64)
    dist.all_reduce(sums := _movable(sums))
    return sums.tolist()


def any_process(*flags: bool) -> list[bool]:
    """Return for each flag whether it is True in any process."""
    return [count > 0 for count in all_sum(*map(float, flags))]


def broadcast(value: Any) -> Any:
    """Return the value of rank 0, anything that JSON can represent, in every process."""
    if world().size == 1:
        return value
    text = json.dumps(value).encode() if world().rank == 0 else b""
    size = _movable(torch.tensor([len(text)]))
    dist.broadcast(size, 0)
    data = torch.zeros(int(size), dtype=torch.uint8)
    if text:
        data = torch.frombuffer(bytearray(text), dtype=torch.uint8)
    dist.broadcast(data := _movable(data), 0)
    return json.loads(bytes(data.cpu().numpy()))


def all_gather(tensor: Tensor) -> list[Tensor]:
    """Return the tensors of all processes, which must have the same shape, in the order of the ranks."""
    if world().size == 1:
        return [tensor]
    parts = [torch.empty_like(_movable(tensor)) for _ in range(world().size)]
    dist.all_gather(parts, _movable(tensor))
    return [part.cpu() for part in parts]


def gather_rows(tree: Any) -> Any:
    """Return the trees of all processes as one: row i of process r becomes row i * size + r, as in the whole batch.

    Raises UserError, with several processes, for anything but tensors of rows.
    """
    if world().size == 1 or tree is None:
        return tree
    return _mapped(lambda rows: torch.stack(all_gather(rows.contiguous()), 1).flatten(0, 1), tree)


def scatter_rows(tree: Any, device: torch.device) -> Any:
    """Return the rows of this process in what `gather_rows` returned, perhaps with another number of processes."""
    if tree is None:
        return None
    place = world()
    if place.size == 1:
        return _mapped(lambda tensor: tensor.to(device), tree, strict=False)
    return _mapped(lambda rows: rows[place.rank :: place.size].to(device), tree)


def _mapped(function: Callable[[Tensor], Tensor], tree: Any, strict: bool = True) -> Any:
    """Return a tree of dicts, lists and tuples with a function applied to its tensors."""
    if isinstance(tree, dict):
        return {name: _mapped(function, part, strict) for name, part in tree.items()}
    if isinstance(tree, list | tuple):
        return type(tree)(_mapped(function, part, strict) for part in tree)
    if isinstance(tree, Tensor) and (tree.ndim or not strict):
        return function(tree)
    if not strict:
        return tree
    kind = "a tensor of one number" if isinstance(tree, Tensor) else f"{type(tree).__name__} {str(tree)[:40]}"
    raise UserError(f"a loss carries {kind}; with several processes it can carry tensors of shape [rows, ...] alone")


def _movable(tensor: Tensor) -> Tensor:
    return tensor.cuda() if dist.get_backend() == "nccl" else tensor
