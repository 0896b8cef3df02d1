"""scan: a loop over the elements of a sequence with a state passed from one iteration to the next, and its gradient."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lingon.core.errors import UserError
from lingon.program.backward import backpropagate
from lingon.program.expression import Expression, as_expression, constant, mismatch_error
from lingon.program.gradient_rule import full_of_type
from lingon.program.operator_types import Type
from lingon.program.source_location import caller_line
from lingon.program.topological_order import topological_order
from lingon.program.variable import Variable


@dataclass(frozen=True, eq=False)
class LoopBody:
    """One iteration of a loop. parameters: the states, one element of each sequence, then values from outside.

    results: the new states, then the outputs collected in each iteration.
    """

    parameters: tuple[Expression, ...]
    results: tuple[Expression, ...]

    def nodes(self) -> list[Expression]:
        """Return the expressions of one iteration, in topological order."""
        return topological_order(self.results)


def scan(step: Callable, init: Any, sequences: Any, reverse: bool = False) -> tuple[Any, Any]:
    """Call `state, y = step(state, x)` for each element x of a sequence along its first axis, in order.

    init: the first state, or a tuple of states. sequences: one, or a tuple of sequences of the same length; x is then a
    tuple too. reverse: go from the last element to the first. Returns the last state and all y stacked along a first
    axis, at the position of their x; a y of None collects nothing. Gradients flow through states, sequences and
    everything else that `step` uses. Raises UserError when `step` returns states of another number, shape or dtype than
    it was given.
    """
    states = [_strong(i) for i in (init if isinstance(init, (tuple, list)) else (init,))]
    members = [as_expression(s) for s in (sequences if isinstance(sequences, (tuple, list)) else (sequences,))]
    if not members:
        raise UserError("scan wants at least one sequence: its length says how many turns there are")
    inner = [_inner(f"state{i}", s.type) for i, s in enumerate(states)]
    slices = [_inner(f"x{i}", _member(s)) for i, s in enumerate(members)]
    given = step(_one_or_all(inner, init), _one_or_all(slices, sequences))
    new, collected = _results(given, len(states))
    outer = _outside([*new, *collected], [*inner, *slices])
    taken = [_inner(f"outer{i}", o.type) for i, o in enumerate(outer)]
    results = replace_nodes([*new, *collected], dict(zip(map(id, outer), taken, strict=True)))
    body = LoopBody((*inner, *slices, *taken), tuple(results))
    loop = loop_of(body, [*states, *members, *outer], len(states), len(members), reverse)
    last = [loop_item(loop, i) for i in range(len(states))]
    stacked = [loop_item(loop, len(states) + i) for i in range(len(collected))]
    many = isinstance(given[1], (tuple, list))
    return _one_or_all(last, init), (tuple(stacked) if many else stacked[0] if stacked else None)


def loop_of(body: LoopBody, inputs: Sequence[Expression], states: int, sequences: int, reverse: bool) -> Expression:
    """Return the loop as one expression with several results, typed if its inputs are."""
    attributes = {"body": body, "states": states, "sequences": sequences, "reverse": bool(reverse)}
    loop = Expression("scan", inputs, attributes, None, caller_line())
    if all(isinstance(i.type, Type) for i in inputs) and all(isinstance(r.type, Type) for r in body.results):
        loop.type = _types(loop)
    return loop


def loop_item(loop: Expression, index: int) -> Expression:
    """Return one result of an expression with several results."""
    kind = loop.type[index] if isinstance(loop.type, tuple) else None
    return Expression("item", [loop], {"index": index}, kind, loop.line)


def typed_loop(loop: Expression, inputs: Sequence[Expression], specialise: Callable) -> Expression:
    """Return the loop for typed inputs. It also collects the state before each iteration.

    The gradient needs these states; if there is none, they are dropped again (dead_code.py).
    """
    body, states = loop.attributes["body"], loop.attributes["states"]
    sequences = loop.attributes["sequences"]
    for s in inputs[states : states + sequences]:
        if not s.shape:
            raise mismatch_error(loop, "a sequence needs a first axis, to go along")
    shapes = [x.shape[1:] if states <= i < states + sequences else x.shape for i, x in enumerate(inputs)]
    kinds = [Type(shape, x.dtype) for shape, x in zip(shapes, inputs, strict=True)]
    parameters = [_inner(p.attributes["name"], k) for p, k in zip(body.parameters, kinds, strict=True)]
    results = specialise(
        body.results, {p.attributes["name"]: x for p, x in zip(body.parameters, parameters, strict=True)}
    )
    results = [constant(np.asarray(r.value)) if r.type.weak else r for r in results]
    inner = LoopBody(tuple(parameters), (*results, *parameters[:states]))
    made = Expression("scan", inputs, {**loop.attributes, "body": inner}, None, loop.line)
    made.type = _types(made)
    return made


def loop_gradient(loop: Expression, given: Mapping[int, Expression]) -> list[Expression | None]:
    """Return the gradients of a scan: a loop in the opposite direction, whose state is the gradient of the state.

    loop: typed, as returned by `typed_loop`. given: gradients of its results by their index.
    """
    body, a = loop.attributes["body"], loop.attributes
    states, sequences = a["states"], a["sequences"]
    collected = len(body.results) - states
    real = [i for i, p in enumerate(body.parameters) if p.type.real]
    carried = [i for i in real if i < states]
    members, outer = [i for i in real if states <= i < states + sequences], [i for i in real if i >= states + sequences]
    used = [i for i in range(collected) if states + i in given]  # second derivatives flow through the traces too
    traces = [loop_item(loop, len(body.results) - states + i) for i in range(states)]

    known = {p.attributes["name"] for p in body.parameters}  # a loop's gradient has parameters of its own, as has its
    names = (name for i in itertools.count() if (name := f"g{i}") not in known)
    fresh = lambda kind: _inner(next(names), kind)
    d_states = [fresh(body.parameters[i].type) for i in carried]
    sums = [fresh(body.parameters[i].type) for i in outer]
    d_collected = [fresh(body.results[states + i].type) for i in used]
    targets = [body.results[i] for i in carried] + [body.results[states + i] for i in used]
    found = backpropagate(targets, [*d_states, *d_collected], [body.parameters[i] for i in real], loop_gradient)
    by_place = dict(zip(real, found, strict=True))
    new = [by_place[i] for i in carried] + [s + by_place[i] for s, i in zip(sums, outer, strict=True)]
    back = LoopBody(
        (*d_states, *sums, *d_collected, *body.parameters), (*new, *(by_place[i] for i in members))
    )  # the turn's own parameters are needed again: its states and members as sequences, the rest from outside
    first = [given[i] if i in given else full_of_type(0, body.parameters[i].type) for i in carried]
    zeros = [full_of_type(0, body.parameters[i].type) for i in outer]
    xs, rest = loop.inputs[states : states + sequences], loop.inputs[states + sequences :]
    inputs = [*first, *zeros, *(given[states + i] for i in used), *traces, *xs, *rest]
    many = len(used) + states + sequences
    reversed_loop = loop_of(back, inputs, len(new), many, not a["reverse"])
    reversed_loop = typed_loop(reversed_loop, inputs, _as_they_are)
    result: list[Expression | None] = [None] * len(loop.inputs)
    for place, i in enumerate([*carried, *outer, *members]):
        result[i] = loop_item(reversed_loop, place)
    return result


def _as_they_are(results: Sequence[Expression], parameters: Mapping[str, Expression]) -> list[Expression]:
    """Return the results with only their parameters replaced; types are known already."""
    by_id = {id(n): parameters[n.attributes["name"]] for n in topological_order(results) if n.op == "variable"}
    return replace_nodes(results, by_id)


def replace_nodes(roots: Sequence[Expression], new: Mapping[int, Expression]) -> list[Expression]:
    """Return the same expressions with some nodes, given by identity, replaced by others of the same type."""
    done: dict[int, Expression] = dict(new)
    for node in topological_order(roots):
        if id(node) not in done:
            inputs = [done[id(i)] for i in node.inputs]
            done[id(node)] = (
                node if all(a is b for a, b in zip(inputs, node.inputs, strict=True)) else rebuild(node, inputs)
            )
    return [done[id(root)] for root in roots]


def rebuild(node: Expression, inputs: Sequence[Expression]) -> Expression:
    """Return the same operator with other operands of the same types."""
    made = Expression(node.op, inputs, node.attributes, node.type, node.line)
    made.value = node.value
    return made


def _types(loop: Expression) -> tuple[Type, ...]:
    body, states = loop.attributes["body"], loop.attributes["states"]
    xs = loop.inputs[states : states + loop.attributes["sequences"]]
    lengths = sorted({x.shape[0] for x in xs})
    if len(lengths) > 1:
        raise mismatch_error(
            loop, f"all sequences must be equally long, and they have {' and '.join(map(str, lengths))} members"
        )
    for i in range(states):
        before, after = loop.inputs[i].type, body.results[i].type
        if (before.shape, before.dtype) != (after.shape, after.dtype):
            raise mismatch_error(loop, f"state {i} is {before} before a turn and {after} after it; they must be equal")
    last = tuple(Type(r.type.shape, r.type.dtype) for r in body.results[:states])
    return last + tuple(Type((lengths[0], *r.type.shape), r.type.dtype) for r in body.results[states:])


def _inner(name: str, kind: Type | None) -> Expression:
    if not isinstance(kind, Type):
        return Variable(name)
    return Variable(name, kind.shape, kind.dtype)


def _member(sequence: Expression) -> Type | None:
    if not isinstance(sequence.type, Type) or not sequence.type.shape:
        return None
    return Type(sequence.type.shape[1:], sequence.type.dtype)


def _strong(value: Any) -> Expression:
    return value if isinstance(value, Expression) else constant(np.asarray(value))


def _one_or_all(values: Sequence[Any], like: Any) -> Any:
    return tuple(values) if isinstance(like, (tuple, list)) else values[0]


def _results(given: Any, states: int) -> tuple[list[Expression], list[Expression]]:
    if not (isinstance(given, tuple) and len(given) == 2):
        raise UserError(f"the step of a scan must return a pair (new state, y), and it returned {type(given).__name__}")
    new = [as_expression(n) for n in (given[0] if isinstance(given[0], (tuple, list)) else (given[0],))]
    if len(new) != states:
        raise UserError(f"the step of a scan was given {states} states and returned {len(new)}")
    if given[1] is None:
        return new, []
    return new, [as_expression(y) for y in (given[1] if isinstance(given[1], (tuple, list)) else (given[1],))]


def _outside(results: Sequence[Expression], parameters: Sequence[Expression]) -> list[Expression]:
    """Return the largest expressions that do not depend on the parameters, to be computed once, before the loop."""
    inner = {id(p) for p in parameters}
    nodes = topological_order(results)
    for node in nodes:
        if any(id(i) in inner for i in node.inputs):
            inner.add(id(node))
    edge = [i for node in nodes if id(node) in inner for i in node.inputs] + list(results)
    found = {id(i): i for i in edge if id(i) not in inner and not (i.op == "constant" and not np.ndim(i.value))}
    return list(found.values())
