"""A trained encoder on its held-out examples, whose texts it embeds once: for scores, for the report, for examples."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lingon.core.shapes import Float
from lingon.core.terminal import printable
from lingon.metrics.metric_table import format_metric
from lingon.metrics.scores import Scores
from lingon.tasks.embed.embedder import Embedder
from lingon.tasks.embed.odd_pairs import OddPair, odd_pairs
from lingon.tasks.embed.scoring import scoring_of, unit

SHOWN, SHOWN_CHARACTERS = 3, 160


class HeldOut:
    """An encoder and the examples it is tested on. The vectors are those after training: they are computed once.

    widths: to which vectors are cut, largest first; each is scored.
    """

    def __init__(self, task: Embedder, examples: Any, widths: Sequence[int] = ()):
        self.task, self.examples, self.widths = task, examples, widths
        self.scoring = scoring_of(examples)
        self._vectors: Float[np.ndarray, "n D"] | None = None

    @property
    def vectors(self) -> Float[np.ndarray, "n D"]:
        """The vectors of the texts of `scoring`."""
        if self._vectors is None:
            self._vectors = self.task.encode(self.scoring.texts)
        return self._vectors

    def scores(self) -> Scores:
        """Return the metrics of the vectors, and in a table those of each width that they may be cut to."""
        by_width = {str(width): self.scoring.of(self.vectors, width) for width in self.widths}
        lines = [
            f"first {width} numbers: " + ", ".join(f"{name} {format_metric(value)}" for name, value in of.items())
            for width, of in by_width.items()
        ]
        tables = {"widths": by_width} if by_width else None
        return Scores(self.scoring.of(self.vectors), self.scoring.main, tables, lines)

    def report(self, folder: Path, run: Mapping[str, Any]) -> Path:
        """Write the report of a run into its folder; see `lingon.tasks.embed.report`."""
        from lingon.tasks.embed import report

        return report.write_report(folder / "report.html", self, folder, dict(run))

    def odd(self) -> list[OddPair]:
        """Return the pairs that the vectors judge least well, the worst first; none of texts with labels."""
        return odd_pairs(self.examples, self.scoring, unit(self.vectors))

    def extremes(self) -> str:
        """Return the pairs that are judged least well, as lines."""
        lines = [f"  {one.said}\n    {_short(one.first)}\n    {_short(one.second)}" for one in self.odd()[:SHOWN]]
        return "\n".join(["worst pairs:", *lines]) if lines else ""


def _short(text: str) -> str:
    text = " ".join(text.split())
    return printable(text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 3] + "...")
