"""Training with parameters, gradients and optimizer state sharded over the processes: PyTorch's FSDP2.

`shard` makes a sharded copy of a model to train. The model itself stays whole in process 0, which evaluates and saves
it: a checkpoint holds whole tensors, so that it can be resumed with any number of processes.
"""

import contextlib
import copy
from collections.abc import Iterator
from typing import Any

import torch
import torch.distributed as dist
from torch import nn

from lingon.core.errors import UserError
from lingon.core.shapes import Tensor

__all__ = ["Sharded", "shard"]


class Sharded(nn.Module):
    """A model whose weights are sharded over the processes. Called like the model it was made from."""

    def __init__(self, sharded: nn.Module, plain: nn.Module):
        super().__init__()
        self.module = sharded
        self._plain = [plain]  # in a list, so that its weights are not registered as weights of this module

    def forward(self, *inputs: Any) -> Any:
        return self.module(*inputs)

    @property
    def plain(self) -> nn.Module:
        """Return the original model, which `full_model` fills; only in process 0 does it hold weights."""
        return self._plain[0]


def shard(model: nn.Module) -> nn.Module:
    """Return a copy of a model sharded over all processes; the model itself when there is only one process.

    The weights of each of its `blocks` are gathered one block at a time, all others at the start of each pass.
    Source: Zhao et al. 2023, "PyTorch FSDP".
    """
    if not (dist.is_available() and dist.is_initialized()) or dist.get_world_size() == 1:
        return model
    if any(isinstance(module, nn.RNNBase) for module in model.modules()):
        raise UserError("--fsdp shards Transformers; leave it out for a recurrent model, which is small")
    # Imported here and below, because otherwise every training run would start half a second later.
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    spread = copy.deepcopy(model)
    device = next(model.parameters()).device
    mesh = init_device_mesh(device.type, (dist.get_world_size(),))
    for module in list(spread.modules()):
        for block in getattr(module, "blocks", ()):
            fully_shard(block, mesh=mesh)
    fully_shard(spread, mesh=mesh)
    if dist.get_rank() > 0:
        model.to("meta")  # only process 0 keeps whole weights
    return Sharded(spread, model)


def is_sharded(value: Any) -> bool:
    """Return whether a value is a tensor that is sharded over the processes (a DTensor)."""
    return isinstance(value, Tensor) and hasattr(value, "full_tensor")


def local(tensor: Tensor) -> Tensor:
    """Return the shard of a tensor in this process; the whole tensor if it is not sharded."""
    spread: Any = tensor
    return spread.to_local() if is_sharded(tensor) else tensor


def full_tensors(tree: Any) -> Any:
    """Return a tree of dicts and lists with every sharded tensor gathered; all processes must call it."""
    if is_sharded(tree):
        return tree.detach().full_tensor()
    if isinstance(tree, dict):
        return {name: full_tensors(part) for name, part in tree.items()}
    return [full_tensors(part) for part in tree] if isinstance(tree, list) else tree


def shard_like(tensor: Tensor, other: Tensor) -> Tensor:
    """Return a full tensor sharded like `other`, if that is sharded. Nothing is sent: all processes have all of it."""
    if not is_sharded(other) or is_sharded(tensor):
        return tensor
    from torch.distributed.tensor import distribute_tensor

    like: Any = other
    return distribute_tensor(tensor.to(like.device), like.device_mesh, like.placements, src_data_rank=None)


def load_weights(model: nn.Module, weights: dict[str, Tensor]) -> None:
    """Load whole weights into a model, sharded or not."""
    own = model.state_dict()
    model.load_state_dict({name: shard_like(tensor, own[name]) for name, tensor in weights.items()})


def load_optimizer(optimizer: torch.optim.Optimizer, state: dict) -> None:
    """Load the state of an optimizer, in whole tensors, into one whose parameters may be sharded.

    Each tensor gets the memory format of its parameter, such as channels last: a fused optimizer reads both in the
    order of their memory.
    """
    trained = [p for group in optimizer.param_groups for p in group["params"]]
    if any(map(is_sharded, trained)):
        fits = lambda value, p: isinstance(value, Tensor) and value.shape == p.shape
        spread = {
            i: {name: shard_like(v, trained[i]) if fits(v, trained[i]) else v for name, v in each.items()}
            for i, each in state["state"].items()
        }
        state = state | {"state": spread}
    optimizer.load_state_dict(state)
    for p, kept in getattr(optimizer, "state", {}).items():  # our optimizers without gradients have no `state`
        for name, value in kept.items():
            if isinstance(value, Tensor) and value.shape == p.shape and value.stride() != p.stride():
                kept[name] = torch.empty_like(p, dtype=value.dtype).copy_(value)


@contextlib.contextmanager
def no_gradient_sync(model: Sharded) -> Iterator[None]:
    """Return a context in which gradients are not yet summed over the processes."""
    sharded: Any = model.module  # an FSDPModule, a class that is not imported here
    sharded.set_requires_gradient_sync(False)
    try:
        yield
    finally:
        sharded.set_requires_gradient_sync(True)
