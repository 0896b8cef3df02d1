"""A trained rewriter on its test sentences, which it rewrites once: for scores, for the report, for examples."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lingon.data.examples import Examples
from lingon.metrics.scores import Scores
from lingon.tasks.rewrite.rewriter import MAIN, Rewriter
from lingon.tasks.rewrite.rewriting import Rewriting

SHOWN = 3


class HeldOut:
    """A rewriter and the sentences that it is tested on. They are rewritten after training, once."""

    def __init__(self, rewriter: Rewriter, examples: Examples):
        self.rewriter, self.examples = rewriter, examples
        self._tested: tuple[Scores, dict[str, list[Rewriting]]] | None = None

    @property
    def tested(self) -> tuple[Scores, dict[str, list[Rewriting]]]:
        if self._tested is None:
            self._tested = self.rewriter.tested(self.examples)
        return self._tested

    def scores(self) -> Scores:
        """Return the metrics; see `Rewriter.evaluate`."""
        return self.tested[0]

    def report(self, folder: Path, run: Mapping[str, Any]) -> Path:
        """Write the report of a run into its folder; see `lingon.tasks.rewrite.page`."""
        from lingon.tasks.rewrite.page import write_report

        scores, found = self.tested
        return write_report(folder / "report.html", self.rewriter, self.examples, scores, found, folder, run)

    def sample(self) -> str:
        """Return some of the sentences and what they became, one from each of as many parts of the test."""
        found = self.tested[1][MAIN]
        some = found[:: max(1, len(found) // SHOWN)][:SHOWN]
        return "\n".join(f"{one.label}: {one.text}\n  {one.target}: {one}" for one in some)
