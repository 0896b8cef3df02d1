"""Estimates of the memory and operations of a training run, counted from shapes alone or measured in a few steps."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode  # its own documentation imports it from there

from lingon.core.shapes import Tensor

MOMENTS = 2  # numbers that Adam keeps per weight


def fake_tensors() -> FakeTensorMode:
    """Return a context in which tensors have shape, dtype and device but no memory; operators are chosen as usual."""
    return FakeTensorMode()


def tensor_bytes(tensors: Iterable[Tensor]) -> int:
    """Return the memory of tensors in bytes; for fake tensors, the memory that real ones would take."""
    return sum(t.numel() * t.element_size() for t in tensors)


def activation_bytes(model: nn.Module, compute: Callable[[], Tensor | tuple]) -> int:
    """Return the bytes that autograd keeps for the backward pass of `compute`, except the weights: the activations.

    Exact to the byte, also with fake tensors (`fake_tensors`), where nothing is computed.
    """
    weights = {p.untyped_storage()._cdata for p in model.parameters()}
    kept: dict[int, Tensor] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage._cdata not in weights:
            kept[storage._cdata] = tensor
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        result = compute()
    total = sum(tensor.untyped_storage().nbytes() for tensor in kept.values())
    del result
    return total


def matmul_weights(model: nn.Module) -> int:
    """Return the number of weights that every token is multiplied by: all matrices but pure lookup tables."""
    looked_up = {id(m.weight) for m in model.modules() if isinstance(m, nn.Embedding)}
    used = {id(m.weight) for m in model.modules() if isinstance(m, nn.Linear)}
    return sum(p.numel() for p in model.parameters() if p.ndim > 1 and (id(p) not in looked_up or id(p) in used))


@dataclass(frozen=True)
class MemoryEstimate:
    """Bytes in one process: weights, gradients, optimizer, activations."""

    weights: int
    gradients: int
    optimizer: int
    activations: int

    @property
    def together(self) -> int:
        return self.weights + self.gradients + self.optimizer + self.activations


def training_memory(model: nn.Module, activations: int) -> MemoryEstimate:
    """Return the memory of a single process that trains with Adam."""
    trained = tensor_bytes(p for p in model.parameters() if p.requires_grad)
    return MemoryEstimate(tensor_bytes(model.parameters()), trained, MOMENTS * trained, activations)


def memory_per_process(alone: MemoryEstimate, processes: int, sharded: bool, largest_block: int) -> MemoryEstimate:
    """Return the memory of each of several processes, among which rows and, if `sharded`, weights are divided.

    If not `sharded`, the gradients are held a second time, in the communication buckets (DistributedDataParallel);
    otherwise two blocks of the largest size are gathered at a time, one in use and one prefetched (FSDP2).
    """
    activations = alone.activations // processes
    if processes == 1:
        return alone
    if not sharded:
        return MemoryEstimate(alone.weights, 2 * alone.gradients, alone.optimizer, activations)
    part = lambda number: number // processes
    weights = part(alone.weights) + 2 * largest_block
    return MemoryEstimate(weights, part(alone.gradients) + largest_block, part(alone.optimizer), activations)
