"""A trained detector on its held-out images, which it looks at once: for scores, for the report, for examples."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from lingon.core.terminal import printable
from lingon.data.boxed_images import BoxedImage
from lingon.metrics.mean_average_precision import Found, Truth
from lingon.metrics.scores import Scores
from lingon.tasks.detect.detector import Detector
from lingon.tasks.detect.scoring import judged_boxes, scores_of, truths_of

SHOWN = 3


class JudgedBox(NamedTuple):
    """A box of an image. kind: found, missed or wrong."""

    kind: str
    label: str
    score: float | None
    box: tuple[float, ...]


class Judged(NamedTuple):
    """An image with its true boxes and those that were found, judged by an overlap of half."""

    image: BoxedImage
    boxes: list[JudgedBox]

    def count(self, kind: str) -> int:
        """Return how many boxes are found, missed or wrong."""
        return sum(box.kind == kind for box in self.boxes)

    @property
    def mistakes(self) -> int:
        return self.count("missed") + self.count("wrong")


class HeldOut:
    """A detector and the images it is tested on. They are looked at after training, once."""

    def __init__(self, detector: Detector, images: Sequence[BoxedImage]):
        self.detector, self.images = detector, images

    @cached_property
    def found(self) -> list[Found]:
        """What is found in each image, whatever its score."""
        return self.detector.found_in(self.images)

    @cached_property
    def truths(self) -> list[Truth]:
        """What is in each image."""
        return truths_of(self.images, self.detector.labels)

    @cached_property
    def judged(self) -> list[Judged]:
        """Each image with what is shown of it, from the detector's threshold on."""
        labels = self.detector.all_labels(self.images)
        rows = zip(self.images, self.truths, self.found, strict=True)
        return [Judged(image, self._boxes(truth, found, labels)) for image, truth, found in rows]

    def _boxes(self, truth: Truth, found: Found, labels: Sequence[str]) -> list[JudgedBox]:
        shown = found.scores >= self.detector.threshold
        found = Found(*(part[shown] for part in found))
        right, counts, seen = judged_boxes(truth, found)
        kinds = np.where(right, "found", "wrong")
        boxes = [
            JudgedBox(str(kind), labels[label], float(score), tuple(box.tolist()))
            for kind, label, score, box, of in zip(kinds, found.labels, found.scores, found.boxes, counts, strict=True)
            if of
        ]
        missed = np.flatnonzero(~seen & ~truth.crowd & ~truth.ignored)
        return boxes + [
            JudgedBox("missed", labels[truth.labels[i]], None, tuple(truth.boxes[i].tolist())) for i in missed
        ]

    def scores(self) -> Scores:
        """Return the metrics; see `Detector.evaluate`."""
        return scores_of(self.truths, self.found, self.detector.all_labels(self.images))

    def worst(self) -> list[Judged]:
        """Return the images by how many boxes are missed or wrong, the most first."""
        return sorted(self.judged, key=lambda one: -one.mistakes)

    def report(self, folder: Path, run: Mapping[str, Any]) -> Path:
        """Write the report of a run into its folder; see `lingon.tasks.detect.report`."""
        from lingon.tasks.detect.report import write_report

        return write_report(folder / "report.html", self, folder, dict(run))

    def extremes(self) -> str:
        """Return what is found over all, and the images with the most mistakes."""
        found, missed, wrong = (sum(one.count(kind) for one in self.judged) for kind in ("found", "missed", "wrong"))
        lines = [
            f"from a score of {self.detector.threshold:g} on: {found:,} found, {missed:,} missed, {wrong:,} wrong",
            "most mistakes:",
        ]
        for one in self.worst()[:SHOWN]:
            counts = ", ".join(f"{one.count(kind)} {kind}" for kind in ("found", "missed", "wrong"))
            lines.append(f"  {printable(one.image.name)}: {counts}")
        return "\n".join(lines)
