"""What it takes to compare two models on the same examples: what each gave, and what its scores are computed from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, runtime_checkable

from lingon.metrics.resampling import Statistics


@dataclass(frozen=True)
class SystemOutput:
    """What a model gave for examples.

    inputs, references, outputs: of each example, as people read them. statistics: of each metric, the main one first.
    sorted_by: the metric of single examples by which a page shows where two models differ most.
    """

    inputs: Sequence[str]
    references: Sequence[str]
    outputs: Sequence[str]
    statistics: Mapping[str, Statistics]
    sorted_by: str


@runtime_checkable
class Comparable(Protocol):
    """A task whose models can be compared: `lingon evaluate FIRST SECOND --data ...`."""

    name: ClassVar[str]

    def system_output(self, examples: Any) -> SystemOutput:
        """Return what the model gives for examples of the shape that `evaluate` takes.

        Raises UserError for a model whose metrics do not add up over the examples.
        """
        ...
