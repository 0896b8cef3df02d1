"""The progress of a training run, in plain numbers, for a checkpoint."""

from dataclasses import dataclass, field, fields
from typing import Any

from lingon.core.errors import DataError
from lingon.engine.evaluation import Best

KINDS: dict[Any, Any] = {
    int: int, bool: bool, float: float | int, Best: Best, dict[str, float]: dict, dict[str, str] | None: dict | None,
}  # fmt: skip


@dataclass
class TrainState:
    """The progress of a training run, in plain numbers.

    step: updates made. epoch: epochs completed. batch: batches used in this epoch. evaluated: step of the last
    evaluation. The sums are over the steps since the last row of the log, in all processes.
    """

    step: int = 0
    epoch: int = 0
    batch: int = 0
    evaluated: int = -1
    stopped: bool = False
    examples: int = 0
    seconds: float = 0.0
    loss_sum: float = 0.0
    count_sum: float = 0.0
    examples_sum: int = 0
    tokens_sum: int = 0
    seconds_sum: float = 0.0
    logs: dict[str, float] = field(default_factory=dict)
    best: Best = field(default_factory=Best)
    best_file: dict[str, str] | None = None

    def add(self, loss_sum: float, count: float, examples: int, tokens: int, logs: dict[str, float]) -> None:
        """Add one step: the sum of its losses, the count summed over, and more sums over that count by name."""
        self.loss_sum += loss_sum
        self.count_sum += count
        self.examples_sum += examples
        self.examples += examples
        self.tokens_sum += tokens
        self.logs = {name: self.logs.get(name, 0.0) + value for name, value in logs.items()}

    def start_row(self) -> None:
        """Reset the sums, whose means have been written as a row of the log."""
        self.loss_sum, self.count_sum, self.examples_sum, self.tokens_sum = 0.0, 0.0, 0, 0
        self.seconds_sum, self.logs = self.seconds, dict.fromkeys(self.logs, 0.0)

    def load(self, tree: dict[str, Any]) -> None:
        """Load what `asdict` returned. Raises DataError for anything else."""
        for f in fields(self):
            value = Best(**tree["best"]) if f.name == "best" else tree[f.name]
            if not isinstance(value, KINDS[f.type]) or (isinstance(value, int | float) and not value >= -1):
                raise DataError(f"state.json: {f.name} is {str(value)[:40]!r}, expected {f.type}")
            setattr(self, f.name, value)
