"""A trained answerer on its test questions, which it answers once: for scores, for the report, for examples."""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from lingon.core.counted import counted
from lingon.core.terminal import printable
from lingon.data.image_questions import ImageQuestion, ImageQuestions
from lingon.metrics.scores import Scores
from lingon.tasks.visual_answer.visual_answer import VisualAnswer
from lingon.tasks.visual_answer.visual_answerer import VisualAnswerer

SHOWN = 3


class Judged(NamedTuple):
    """A question with its true answer, beside the answer that was given."""

    true: ImageQuestion
    found: VisualAnswer

    @property
    def right(self) -> bool:
        """Return whether the answer is the true one."""
        return self.true.answer == self.found.answer


class HeldOut:
    """An answerer and the questions it is tested on. They are answered after training, once."""

    def __init__(self, answerer: VisualAnswerer, data: ImageQuestions):
        self.answerer, self.data = answerer, data

    @cached_property
    def tested(self) -> tuple[Scores, list[VisualAnswer]]:
        """The metrics, and the answer to each question."""
        return self.answerer.tested(self.data)

    def scores(self) -> Scores:
        """Return the metrics; see `VisualAnswerer.evaluate`."""
        return self.tested[0]

    def surest(self, right: bool) -> list[Judged]:
        """Return the questions that are answered right, or not, the surest first."""
        judged = [Judged(*pair) for pair in zip(self.data.questions, self.tested[1], strict=True)]
        return sorted((one for one in judged if one.right == right), key=lambda one: -one.found.probability)

    def report(self, folder: Path, run: Mapping[str, Any]) -> Path:
        """Write the report of a run into its folder; see `lingon.tasks.visual_answer.report`."""
        from lingon.tasks.visual_answer.report import write_report

        return write_report(folder / "report.html", self, folder, dict(run))

    def sample(self) -> str:
        """Return answers that are wrong, those first that the model is surest about."""
        wrong = self.surest(False)
        lines = [
            f"{len(wrong):,} of {counted(len(self.data), 'answer')} are wrong" + (", the surest:" if wrong else "")
        ]
        for one in wrong[:SHOWN]:
            lines.append(f"{one.found}; true: {printable(one.true.answer)}")
        return "\n".join(lines)
