"""One recorded step: what the backward pass needs to know about it."""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from lingon.scratch.dimensions import shape_of
from lingon.scratch.error_context import fail

if TYPE_CHECKING:
    from lingon.scratch.tensor import Tensor

GradientRule = Callable[["Tensor"], "Tensor | None"]  # the gradient of the result -> that of one input; None: none
_counter = itertools.count()


class Node:
    """One recorded step: its name, its inputs, and for each input the rule for its gradient."""

    def __init__(self, name: str, inputs: Sequence[Tensor], rules: Sequence[GradientRule], saved: Sequence[Tensor]):
        self.name, self.number = name, next(_counter)
        self.inputs, self.rules = tuple(inputs), tuple(rules)
        # An edge leads to the step that made the input, or to the input itself if it is a leaf. Stored separately from
        # `inputs`, because an array that is changed in place later results from another step.
        self.edges = tuple(x.edge for x in inputs)
        self.saved = [(x, x.memory, x.memory.version) for x in saved]
        self.output: weakref.ref[Tensor] | None = None
        self.spent = False  # True after a backward pass, which may not be run again without retain_graph

    def check(self) -> None:
        """Raise when the backward pass was run before, or when arrays that it needs have been changed since."""
        if self.spent:
            fail("the backward pass through these steps was run before; write retain_graph=True the first time")
        for x, storage, version in self.saved:
            if storage.version != version:
                fail(
                    f"an array {shape_of(x)} that the gradient of {self.name!r} needs was changed in place after it "
                    f"was used (version {storage.version}, expected {version}); make a new array instead, x = x + ..."
                )

    def __repr__(self) -> str:
        return f"<{self.name.capitalize()}Backward>"
