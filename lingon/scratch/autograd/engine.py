"""The backward pass: from results to leaves, applying the rules of each step once, the newest step first."""

import heapq
from collections.abc import Sequence
from typing import Any

import numpy as np

from lingon.scratch.arguments import check_arguments
from lingon.scratch.dimensions import shape_of
from lingon.scratch.error_context import ArrayTypeError, fail
from lingon.scratch.grad_mode import set_grad_enabled
from lingon.scratch.node import Node
from lingon.scratch.record import method
from lingon.scratch.tensor import Tensor

Edge = Node | Tensor
Found = dict[int, tuple[Edge, Tensor]]  # by the id of the edge


def propagate(outputs: Sequence[Tensor], seeds: Sequence[Tensor], create_graph: bool, wanted: set[int] | None) -> Found:
    """Return the gradients of all steps and leaves that the outputs depend on, or of those in `wanted` only.

    A step is newer than all that it depends on. So, going from the newest to the oldest, the gradient of each step is
    complete before it is passed on. There is no recursion: a loop of ten thousand steps is no problem.
    """
    found: Found = {}
    heap: list[tuple[int, Node]] = []

    def send(edge: Edge | None, g: Tensor | None) -> None:
        if edge is None or g is None or not _goes_on(edge, wanted):
            return
        if id(edge) in found:
            found[id(edge)] = (edge, found[id(edge)][1] + g)
            return
        found[id(edge)] = (edge, g)
        if isinstance(edge, Node):
            heapq.heappush(heap, (-edge.number, edge))

    with set_grad_enabled(create_graph):
        for output, seed in zip(outputs, seeds, strict=True):
            send(output.edge, seed)
        while heap:
            node = heapq.heappop(heap)[1]
            node.check()
            for x, edge, rule in zip(node.inputs, node.edges, node.rules, strict=True):
                if _goes_on(edge, wanted):
                    send(edge, _fitted(rule(found[id(node)][1]), x))
    return found


def _goes_on(edge: Edge | None, wanted: set[int] | None) -> bool:
    return edge is not None and (wanted is None or id(edge) in wanted)


def _fitted(g: Tensor | None, x: Tensor) -> Tensor | None:
    """Return a gradient in the shape and dtype of its array, summed over broadcast dimensions."""
    if g is None:
        return None
    if g.shape != x.shape:
        more = g.ndim - x.ndim
        dims = [d for d in range(g.ndim) if d < more or (x.shape[d - more] == 1 and g.shape[d] != 1)]
        g = g.sum(dims, keepdim=True).reshape(x.shape) if dims else g.expand(*x.shape)
    return g if g.dtype == x.dtype else g.to(x.dtype)


def recorded_steps(outputs: Sequence[Tensor]) -> list[Node]:
    """Return all recorded steps that lead to the outputs, the oldest first."""
    found: dict[int, Node] = {}
    todo: list[Edge | None] = [output.grad_fn for output in outputs]
    while todo:
        node = todo.pop()
        if isinstance(node, Node) and id(node) not in found:
            found[id(node)] = node
            todo += node.edges
    return sorted(found.values(), key=lambda node: node.number)


def _on_the_way(outputs: Sequence[Tensor], inputs: Sequence[Tensor]) -> set[int]:
    """Return the steps and leaves between the outputs and the inputs."""
    wanted = {id(x.edge) for x in inputs}
    for node in recorded_steps(outputs):
        if any(id(edge) in wanted for edge in node.edges if edge is not None):
            wanted.add(id(node))
    return wanted


def _seeds(outputs: Sequence[Tensor], given: Sequence[Tensor | None]) -> list[Tensor]:
    """Return the initial gradients of the backward pass, those of the outputs."""
    if len(outputs) != len(given):
        fail(f"there are {len(outputs)} outputs and {len(given)} gradients for them")
    seeds = []
    for output, seed in zip(outputs, given, strict=True):
        if not output.requires_grad:
            fail(f"an output {shape_of(output)} does not depend on anything that requires a gradient")
        if seed is None and output.numel() != 1:
            fail(f"an output {shape_of(output)} is not one number; take its sum or mean, or give the gradient of it")
        if seed is not None and seed.shape != output.shape:
            fail(f"the gradient {shape_of(seed)} is given for an output {shape_of(output)}; expected the same shape")
        seeds.append(Tensor(np.ones(output.shape, output.dtype)) if seed is None else seed)
    return seeds


def _spend(found: Found) -> None:
    """Mark the steps that were used as freed, as PyTorch frees them."""
    for edge, _ in found.values():
        if isinstance(edge, Node):
            edge.spent = True


@method
def backward(
    self: Tensor, gradient: Tensor | None = None, retain_graph: bool | None = None, create_graph: bool = False
) -> None:
    """Add to the `grad` of every leaf the gradient of this scalar with respect to it.

    gradient: for a result with several elements, the weight of each. create_graph: record the gradients too, so that
    they can be differentiated. retain_graph: allow another backward pass.
    """
    found = propagate([self], _seeds([self], [gradient]), create_graph, None)
    for edge, g in found.values():
        leaf = edge if isinstance(edge, Tensor) else edge.output() if edge.output else None
        if leaf is not None and (leaf.keeps or leaf is edge):
            _gather(leaf, g, create_graph)
    if not (create_graph if retain_graph is None else retain_graph):
        _spend(found)


def _gather(leaf: Tensor, g: Tensor, create_graph: bool) -> None:
    if leaf.grad is None:
        leaf.grad = g.clone() if create_graph else Tensor(g.array.copy())
    elif create_graph:
        leaf.grad = leaf.grad + g
    else:
        leaf.grad.array[...] += g.array
        leaf.grad.memory.version += 1


@check_arguments
def grad(
    outputs: Tensor | Sequence[Tensor],
    inputs: Tensor | Sequence[Tensor],
    grad_outputs: Tensor | Sequence[Tensor | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    *,
    allow_unused: bool | None = None,
    materialize_grads: bool = False,
) -> tuple[Tensor | None, ...]:
    """Return the gradients of the sum of the outputs with respect to the inputs; no `grad` is changed.

    grad_outputs: the weights of the outputs. allow_unused: return None for an input that the outputs do not depend on,
    or zeros with `materialize_grads`, instead of raising an error.
    """
    outputs, inputs = _listed(outputs), _listed(inputs)
    given = _listed(grad_outputs) if grad_outputs is not None else [None] * len(outputs)
    if any(x is None for x in (*outputs, *inputs)):
        fail("outputs and inputs are arrays, not None", ArrayTypeError)
    for x in inputs:
        if not x.requires_grad:
            fail(f"an input {shape_of(x)} does not require a gradient; say x.requires_grad_() before it is used")
    wanted = _on_the_way(outputs, inputs)
    found = propagate(outputs, _seeds(outputs, given), create_graph, wanted)
    if not (create_graph if retain_graph is None else retain_graph):
        _spend(found)
    return tuple(_result(x, found, create_graph, bool(allow_unused), materialize_grads) for x in inputs)


def _result(x: Tensor, found: Found, create_graph: bool, allow_unused: bool, zeros: bool) -> Tensor | None:
    if id(x.edge) in found:
        g = found[id(x.edge)][1]
        return g if create_graph else Tensor(g.array)
    if zeros:
        return Tensor(np.zeros(x.shape, x.dtype))
    if not allow_unused:
        fail(f"the outputs do not depend on an input {shape_of(x)}; allow_unused=True gives None for it")
    return None


def _listed(x: Tensor | Sequence[Tensor | None]) -> list[Any]:
    found: list[Any] = [x] if isinstance(x, Tensor) else list(x) if isinstance(x, list | tuple) else [x]
    for one in found:
        if one is not None and not isinstance(one, Tensor):
            fail(f"outputs, inputs and their gradients are arrays, not {type(one).__name__}", ArrayTypeError)
    return found
