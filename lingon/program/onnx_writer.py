"""A writer of ONNX graphs: nodes and constants in order, each result with a unique name."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from lingon.program.expression import Expression


class Writer:
    """Nodes and constants of an ONNX graph, in the order in which they are written."""

    def __init__(self, names: dict[int, str], counter: list[int] | None = None):
        self.names = names
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.counter = counter if counter is not None else [0]

    def fresh(self) -> str:
        """Return a name that is unique in this graph and its subgraphs."""
        self.counter[0] += 1
        return f"v{self.counter[0]}"

    def node(self, op: str, inputs: Sequence[str], outputs: int = 1, **attributes: Any) -> Any:
        """Write a node; return the name of its result, or a list of names."""
        from onnx import helper

        made = [self.fresh() for _ in range(outputs)]
        self.nodes.append(helper.make_node(op, list(inputs), made, **attributes))
        return made[0] if outputs == 1 else made

    def constant(self, value: Any, dtype: Any = np.int64) -> str:
        """Write an array as a constant; return its name."""
        from onnx import numpy_helper

        name = self.fresh()
        self.constants.append(numpy_helper.from_array(np.asarray(value, dtype), name))
        return name

    def cast(self, name: str, dtype: np.dtype | type) -> str:
        """Write a cast to a dtype; return the name of its result."""
        from onnx import helper

        return self.node("Cast", [name], to=helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))


def value_info(name: str, dtype: np.dtype, shape: Sequence[int | str | None] | None) -> Any:
    """Return the ONNX description of an input or a result: name, dtype and shape."""
    from onnx import helper

    return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), shape)


NodeRule = Callable[[Writer, Expression, list[str]], Any]
