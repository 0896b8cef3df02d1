"""Dead code elimination in loops: outputs of a scan that are never read are not collected."""

from collections.abc import Sequence

from lingon.program.expression import Expression
from lingon.program.loops import LoopBody, loop_item, rebuild
from lingon.program.topological_order import topological_order


def drop_unused(roots: Sequence[Expression]) -> list[Expression]:
    """Return the graph without unread outputs of loops. Their states stay, because each may be needed by the others."""
    nodes = topological_order(roots)
    used: dict[int, set[int]] = {}
    for node in nodes:
        if node.op == "item":
            used.setdefault(id(node.inputs[0]), set()).add(node.attributes["index"])
    done: dict[int, Expression] = {}
    places: dict[int, dict[int, int]] = {}  # for each old loop: old index of a result -> new index
    for node in nodes:
        inputs = [done[id(i)] for i in node.inputs]
        if node.op == "scan":
            done[id(node)], places[id(node)] = _lean(node, inputs, used[id(node)])
        elif node.op == "item":
            done[id(node)] = loop_item(inputs[0], places[id(node.inputs[0])][node.attributes["index"]])
        else:
            done[id(node)] = rebuild(node, inputs) if inputs else node
    return [done[id(root)] for root in roots]


def _lean(loop: Expression, inputs: Sequence[Expression], used: set[int]) -> tuple[Expression, dict[int, int]]:
    states, body = loop.attributes["states"], loop.attributes["body"]
    kept = [i for i in range(len(body.results)) if i < states or i in used]
    inner = LoopBody(body.parameters, tuple(body.results[i] for i in kept))
    made = Expression("scan", inputs, {**loop.attributes, "body": inner}, None, loop.line)
    made.type = tuple(loop.type[i] for i in kept)
    return made, {old: new for new, old in enumerate(kept)}
