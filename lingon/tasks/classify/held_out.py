"""A trained classifier on its held-out texts, which it reads once: for scores, for the report, for examples."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lingon.core.shapes import Float, Tensor
from lingon.core.terminal import printable
from lingon.data.examples import Examples
from lingon.metrics.scores import Scores
from lingon.tasks.classify.classifier import Classification, Classifier

SHOWN_LABELS, SHOWN_WRONG, SHOWN_CHARACTERS = 4, 3, 160


class HeldOut:
    """A classifier and the texts it is tested on. The logits are those after training: they are computed once."""

    def __init__(self, classifier: Classifier, texts: Examples):
        self.classifier, self.texts = classifier, texts
        self._logits: Float[Tensor, "n C"] | None = None

    @property
    def logits(self) -> Float[Tensor, "n C"]:
        if self._logits is None:
            self._logits = self.classifier.logits(self.texts.texts)
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
        from lingon.tasks.classify.report import surest

        targets = self.texts.labels
        found = self.classifier.predictions(self.texts.texts, self.logits)
        right, wrong = surest(found, targets)
        lines = ["surest and right:"]
        for label in self.classifier.labels[:SHOWN_LABELS]:
            lines += [_lines(found[i], None) for i in [i for i in right if found[i].label == label][:1]]
        lines += ["surest and wrong:" if wrong else "surest and wrong: none"]
        lines += [_lines(found[i], targets[i]) for i in wrong[:SHOWN_WRONG]]
        return "\n".join(lines)


def _lines(found: Classification, targets: str | None) -> str:
    text = " ".join(found.text.split())
    short = text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 3] + "..."
    label = f"{found.label} {found.probability:.1%}" + (f", but it is {targets}" if targets else "")
    return f"  {printable(label)}\n    {printable(short)}"
