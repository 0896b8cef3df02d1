"""Training with several processes, started by torchrun: who am I, how do we agree, and who may write.

Each process takes its share of the rows of every batch. Gradients are averaged by PyTorch's
DistributedDataParallel; `fit` divides every sum by the count of all, so that the average is that of the whole batch.
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

# Groups that are left, until the program ends. A DistributedDataParallel that outlives its group would else be the one
# to end Gloo's threads, holding Python's lock while they wait for it to let go of their last tensors: one run in six
# hung. Cleared from here, the lock is free.
ended_groups: list[dist.ProcessGroup] = []
atexit.register(ended_groups.clear)


@contextlib.contextmanager
def process_group(device: torch.device) -> Iterator[World]:
    """Join the processes that torchrun started, through NCCL on CUDA and Gloo elsewhere; alone, does nothing.

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
        # Gloo's threads let go of the tensors of what they did last once they get Python's lock. Where that is after
        # Python's end, the process aborts, as one in forty did on a busy machine; while all wait here, it is free.
        dist.barrier()
    finally:
        dist.destroy_process_group()


def distribute(model: nn.Module, unused: bool = False) -> nn.Module:
    """Return the model with its gradients averaged over the processes; the model itself when there is only one.

    unused: some weights get no gradient in some steps.
    """
    if world().size == 1:
        return model
    # An adaptive softmax leaves out the groups that no target of the batch is in, and a process may meet other groups.
    choosy = any(isinstance(module, nn.AdaptiveLogSoftmaxWithLoss) for module in model.modules())
    return DistributedDataParallel(model, find_unused_parameters=choosy or unused)


def unwrap(model: nn.Module) -> nn.Module:
    """Return the model inside whatever compiles or distributes it."""
    while True:
        if isinstance(model, DistributedDataParallel | Sharded):
            model = model.module
        elif isinstance(compiled := getattr(model, "_orig_mod", None), nn.Module):
            model = compiled
        else:
            return model


def full_model(model: nn.Module) -> nn.Module:
    """Return the model to evaluate or save: of a sharded one the full model, which process 0 alone has.

    All processes call it together.
    """
    if not isinstance(model, Sharded):
        return unwrap(model)
    weights = full_tensors(dict(model.module.state_dict()))
    if world().rank == 0:
        model.plain.load_state_dict(weights)
    return model.plain


def no_sync(model: nn.Module, holding: bool) -> contextlib.AbstractContextManager:
    """Inside, gradients stay in this process when `holding`: only the last batch of a step needs the average."""
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
    """For each flag, whether any process has raised it."""
    return [count > 0 for count in all_sum(*map(float, flags))]


def broadcast(value: Any) -> Any:
    """Return what rank 0 has, anything that JSON can say, for every process."""
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
    """Return the tensors of all processes, all of one shape, in the order of the ranks."""
    if world().size == 1:
        return [tensor]
    parts = [torch.empty_like(_movable(tensor)) for _ in range(world().size)]
    dist.all_gather(parts, _movable(tensor))
    return [part.cpu() for part in parts]


def gather_rows(tree: Any) -> Any:
    """Return a tree of what each process carries, as one: row i of process r stands at i * size + r, where data has it.

    Raises UserError, with several processes, for anything but tensors of rows.
    """
    if world().size == 1 or tree is None:
        return tree
    return _mapped(lambda rows: torch.stack(all_gather(rows.contiguous()), 1).flatten(0, 1), tree)


def scatter_rows(tree: Any, device: torch.device) -> Any:
    """Return the rows of this process in what `gather_rows` gave; the number of processes may be another."""
    if tree is None:
        return None
    place = world()
    if place.size == 1:
        return _mapped(lambda tensor: tensor.to(device), tree, strict=False)
    return _mapped(lambda rows: rows[place.rank :: place.size].to(device), tree)


def _mapped(function: Callable[[Tensor], Tensor], tree: Any, strict: bool = True) -> Any:
    """A tree of dicts, lists and tuples with a function applied to its tensors."""
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
