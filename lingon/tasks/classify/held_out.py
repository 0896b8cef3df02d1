"""A trained classifier on its held-out texts, which it reads once: for scores, for the report, for examples."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lingon.core.shapes import Float, Tensor
from lingon.core.terminal import printable
from lingon.data.examples import Examples
from lingon.metrics.scores import Scores
from lingon.tasks.classify.classifier import Classifier
from lingon.tasks.classify.judging import Judged, judge, surest

SHOWN_LABELS, SHOWN_WRONG, SHOWN_CHARACTERS = 4, 3, 160


class HeldOut:
    """A classifier and the texts it is tested on. The logits are those after training: they are computed once."""

    def __init__(self, classifier: Classifier, texts: Examples):
        self.classifier, self.texts = classifier, texts
        self._logits: Float[Tensor, "n C"] | None = None

    @property
    def logits(self) -> Float[Tensor, "n C"]:
        if self._logits is None:
            self._logits = self.classifier.logits(self.texts.inputs)
        return self._logits

    def scores(self) -> Scores:
        """Return the metrics; see `Classifier.evaluate`."""
        return self.classifier.scores_of(self.logits, self.texts)

    def report(self, folder: Path, run: Mapping[str, Any]) -> Path:
        """Write the report of a run into its folder; see `lingon.tasks.classify.report`."""
        from lingon.tasks.classify import report

        return report.write_report(folder / "report.html", self.classifier, self.texts, folder, dict(run), self.logits)

    def extremes(self) -> str:
        """Return the texts that the model is surest about, of each label, and those it is surest and wrong about."""
        targets, labels = self.classifier.targets, self.texts.labels
        found = self.classifier.predictions(self.texts.inputs, self.logits)
        judged = judge(targets.problem_type, found, labels)
        right, wrong = surest(judged)
        if not targets.labels:
            lines = ["closest predictions:", *(_lines(found[i], judged[i]) for i in right[:2]), "worst predictions:"]
            return "\n".join([*lines, *(_lines(found[i], judged[i]) for i in wrong[:SHOWN_WRONG])])
        lines = ["most confident and right:" if right else "most confident and right: none"]
        for label in targets.labels[:SHOWN_LABELS]:
            lines += [_lines(found[i], judged[i]) for i in [i for i in right if judged[i].predicted == label][:1]]
        lines += ["most confident and wrong:" if wrong else "most confident and wrong: none"]
        lines += [_lines(found[i], judged[i]) for i in wrong[:SHOWN_WRONG]]
        return "\n".join(lines)


def _lines(found: Any, judged: Judged) -> str:
    text = found.text if isinstance(found.text, str) else " | ".join(found.text)
    text = " ".join(text.split())
    short = text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 3] + "..."
    label = f"{judged.predicted} {judged.how_sure}".rstrip()
    label += "" if judged.right else f", but it is {judged.true}"
    return f"  {printable(label)}\n    {printable(short)}"
