"""Specialisation of a program to the shapes and dtypes of its arguments."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lingon.core.errors import UserError
from lingon.program.backward import backpropagate, check_real
from lingon.program.expression import Expression, apply_operator, constant
from lingon.program.gradient_rule import full_of_type
from lingon.program.loops import loop_gradient, loop_item, typed_loop
from lingon.program.text import formula
from lingon.program.topological_order import topological_order


def specialise(roots: Sequence[Expression], variables: Mapping[str, Expression]) -> list[Expression]:
    """Return the same expressions over typed variables: every type is inferred, every gradient expanded.

    Raises UserError that shows the expression and the user's line if types do not fit.
    """
    done: dict[int, Any] = {}
    for node in topological_order(roots):
        done[id(node)] = _typed(node, [done[id(i)] for i in node.inputs], variables)
    return [done[id(root)] for root in roots]


def _typed(node: Expression, inputs: list[Any], variables: Mapping[str, Expression]) -> Any:
    if node.op == "variable":
        return variables[node.attributes["name"]]
    if node.op == "constant":
        return node
    if node.op == "item":
        many = inputs[0]
        return many[node.attributes["index"]] if isinstance(many, list) else loop_item(many, node.attributes["index"])
    if node.op == "scan":
        return typed_loop(node, [_strong(i) for i in inputs], specialise)
    if node.op == "gradient":
        return _gradient(node, inputs)
    return apply_operator(node.op, inputs, node.attributes, node.line)


def _strong(x: Expression) -> Expression:
    return constant(np.asarray(x.value)) if x.type.weak else x


def _gradient(node: Expression, inputs: list[Expression]) -> list[Expression]:
    """Return one gradient per `wrt`; the operands are the target, the seed if there is one, then `wrt`."""
    target, *rest = inputs
    wrt = rest[len(rest) - node.attributes["wrt"] :]
    check_real(target, "a gradient is of")
    for x in wrt:
        check_real(x, "a gradient is with respect to")
    seeds = rest[: len(rest) - len(wrt)]
    if seeds and (seeds[0].type.shape, seeds[0].type.dtype) != (target.type.shape, target.type.dtype):
        raise UserError(
            f"the seed {formula(seeds[0])} is {seeds[0].type}; it must be {target.type}, as {formula(target)}"
        )
    return backpropagate([target], seeds or [full_of_type(1, target.type)], wrt, loop_gradient)
