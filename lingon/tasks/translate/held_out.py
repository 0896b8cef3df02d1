"""A trained translator on its test pairs, which it translates once: for scores, for the report, for examples."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lingon.metrics.scores import Scores
from lingon.tasks.translate.scoring import tested
from lingon.tasks.translate.translation import Translation
from lingon.tasks.translate.translator import Translator

if TYPE_CHECKING:
    from lingon.data.parallel_texts import ParallelTexts

SHOWN = 3


class HeldOut:
    """A translator and the pairs it is tested on. The translations are those after training: they are found once."""

    def __init__(self, translator: Translator, pairs: "ParallelTexts"):
        self.translator, self.pairs = translator, pairs
        self._tested: tuple[Scores, list[Translation]] | None = None

    @property
    def tested(self) -> tuple[Scores, list[Translation]]:
        if self._tested is None:
            self._tested = tested(self.translator, self.pairs, self.translator.params)
        return self._tested

    def scores(self) -> Scores:
        """Return the metrics; see `Translator.evaluate`."""
        return self.tested[0]

    def report(self, folder: Path, run: Mapping[str, Any]) -> Path:
        """Write the report of a run into its folder; see `lingon.tasks.translate.report`."""
        from lingon.tasks.translate.report import write_report

        return write_report(folder / "report.html", self.tested, self.pairs, folder, dict(run))

    def sample(self) -> str:
        """Return some of the sources and their translations."""
        found = self.tested[1]
        return "\n".join(f"{one.source} -> {one}" for one in found[:: max(1, len(found) // SHOWN)][:SHOWN])
