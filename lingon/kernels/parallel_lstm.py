"""Two recurrent layers in parallel, each on one core, in the forward and the backward pass.

A step of an LSTM is too small to be divided between cores, so one direction of a text gains nothing from a second core.
The two directions are independent, so each is given a core of its own.
"""

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from threading import Barrier

import torch
from torch import nn
from torch.autograd.function import once_differentiable

from lingon.core.shapes import Float, Tensor


def parallel_lstm(
    first: nn.RNNBase, second: nn.RNNBase, x: Float[Tensor, "T B D"], y: Float[Tensor, "T B D"]
) -> tuple[Float[Tensor, "T B H"], Float[Tensor, "T B H"]]:
    """Return first(x)[0] and second(y)[0], with the same values and gradients, in about half the time on two cores.

    They run one after the other on other devices, with one thread, and while tracing or compiling.
    """
    if x.device.type != "cpu" or torch.get_num_threads() < 2 or torch.compiler.is_compiling() or torch.jit.is_tracing():
        return first(x)[0], second(y)[0]
    if not torch.is_grad_enabled():
        return tuple(_both(lambda layer, x: layer(x)[0], [(first, x), (second, y)]))
    return _ParallelLSTM.apply(first, second, x, y, *first.parameters(), *second.parameters())


class _ParallelLSTM(torch.autograd.Function):
    """Runs two layers in two threads; each keeps its own autograd graph for the backward pass."""

    @staticmethod
    def forward(ctx, first, second, x, y, *parameters):
        def run(layer: nn.RNNBase, x: Tensor) -> tuple[Tensor, Tensor]:
            with torch.enable_grad():
                x = x.detach().requires_grad_()
                return x, layer(x)[0]

        ctx.layers = first, second
        ctx.graphs = _both(run, [(first, x), (second, y)])
        return ctx.graphs[0][1].detach(), ctx.graphs[1][1].detach()

    @staticmethod
    @once_differentiable
    def backward(ctx, *gradients):
        def run(layer: nn.RNNBase, x: Tensor, out: Tensor, gradient: Tensor) -> tuple[Tensor | None, ...]:
            wanted = [p for p in layer.parameters() if p.requires_grad]
            found = iter(torch.autograd.grad(out, [x, *wanted], gradient))
            return next(found), *(next(found) if p.requires_grad else None for p in layer.parameters())

        turns = zip(ctx.layers, ctx.graphs, gradients, strict=True)
        a, b = _both(run, [(layer, *graph, gradient) for layer, graph, gradient in turns])
        ctx.graphs = None
        return None, None, a[0], b[0], *a[1:], *b[1:]


def _both(do: Callable, arguments: Iterable[tuple]) -> list:
    """Call do(*arguments) for all arguments in parallel, with the grad and autocast modes of the calling thread."""
    inference = torch.is_inference_mode_enabled()
    grad, cast = torch.is_grad_enabled(), torch.is_autocast_enabled("cpu")
    kind = torch.get_autocast_dtype("cpu")

    def run(some: tuple):
        with torch.inference_mode(inference), torch.set_grad_enabled(grad), torch.autocast("cpu", kind, enabled=cast):
            return do(*some)

    return list(_threads().map(run, arguments))


@cache
def _threads() -> ThreadPoolExecutor:
    """Return two threads in which PyTorch uses one core; the setting, which affects all threads, is then restored."""
    count, both_are_there = torch.get_num_threads(), Barrier(2)
    threads = ThreadPoolExecutor(2, "lingon-parallel-lstm", torch.set_num_threads, (1,))
    list(threads.map(lambda _: both_are_there.wait(), range(2)))
    torch.set_num_threads(count)
    return threads


if hasattr(os, "register_at_fork"):  # threads do not survive in a forked process
    os.register_at_fork(after_in_child=_threads.cache_clear)
