"""The result of an evaluation: metrics by name with their directions, one of them the main metric."""

from collections.abc import Mapping, Sequence
from typing import Any

from lingon.core.errors import unknown
from lingon.metrics.metric_table import HIGHER_IS_BETTER, format_metric

Table = Mapping[str, Mapping[str, float]]  # by group, then by metric


class Scores(dict[str, float]):
    """Metrics by name, as a dictionary.

    main: the metric by which models are compared. tables: metrics of groups of examples, such as of each class, by the
    table's name. details: the tables as lines of text. signatures: how metrics were computed, by name, in the format of
    sacrebleu, for metrics with more than one variant.
    Raises UserError for a main metric that is not among the values, or a value whose direction is not in
    `lingon.metrics.metric_table`.

    >>> found = Scores({"loss": 0.5, "accuracy": 0.75}, main="accuracy")
    >>> found.better_than(Scores({"loss": 0.1, "accuracy": 0.7}, main="accuracy"))
    True
    """

    def __init__(
        self,
        values: Mapping[str, float],
        main: str,
        tables: Mapping[str, Table] | None = None,
        details: Sequence[str] = (),
        signatures: Mapping[str, str] | None = None,
    ):
        super().__init__(values)
        if main not in self:
            raise unknown("main metric", main, self)
        for name in self:
            if name not in HIGHER_IS_BETTER:
                raise unknown("metric", name, HIGHER_IS_BETTER)
        self.main, self.tables, self.details = main, dict(tables or {}), list(details)
        self.signatures = dict(signatures or {})

    def higher_is_better(self, metric: str | None = None) -> bool:
        """Return whether higher values of a metric are better; of the main one by default."""
        return HIGHER_IS_BETTER[metric or self.main]

    def better_than(self, other: "Scores") -> bool:
        """Return whether the main metric is better than another's; NaN is never better."""
        mine, theirs = self[self.main], other[self.main]
        return mine > theirs if self.higher_is_better() else mine < theirs

    def row(self) -> dict[str, Any]:
        """Return a dictionary for JSON: the metrics, then the tables and the signatures."""
        return {**self, **self.tables, **({"signatures": self.signatures} if self.signatures else {})}

    def lines(self) -> list[str]:
        """Return lines of text: the metrics, one per line, the details and the signatures."""
        values = [f"{name.replace('_', ' '):20} {format_metric(value)}" for name, value in self.items()]
        signed = [f"{name.replace('_', ' '):20} {signature}" for name, signature in self.signatures.items()]
        return [*values, *self.details, *signed]
