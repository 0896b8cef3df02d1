"""A trained answerer on its test questions, which it reads once: for scores, for the report, for examples."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lingon.data.questions import Question
from lingon.metrics.scores import Scores
from lingon.tasks.answer.answerer import Answerer
from lingon.tasks.answer.found_answer import FoundAnswer

SHOWN = 3


class HeldOut:
    """An answerer and the questions it is tested on. The answers are those after training: they are found once."""

    def __init__(self, answerer: Answerer, questions: Sequence[Question]):
        self.answerer, self.questions = answerer, questions
        self._tested: tuple[Scores, list[FoundAnswer]] | None = None

    @property
    def tested(self) -> tuple[Scores, list[FoundAnswer]]:
        if self._tested is None:
            self._tested = self.answerer.tested(self.questions)
        return self._tested

    def scores(self) -> Scores:
        """Return the metrics; see `Answerer.evaluate`."""
        return self.tested[0]

    def report(self, folder: Path, run: Mapping[str, Any]) -> Path:
        """Write the report of a run into its folder; see `lingon.tasks.answer.report`."""
        from lingon.tasks.answer.report import write_report

        return write_report(folder / "report.html", self.tested, self.questions, folder, dict(run))

    def sample(self) -> str:
        """Return the answers to some of the questions, one from each of as many parts of the test."""
        found = self.tested[1]
        return "\n".join(str(one) for one in found[:: max(1, len(found) // SHOWN)][:SHOWN])
