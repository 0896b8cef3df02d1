"""A trained segmenter on its held-out images, whose masks it finds once: for scores, for the report, for examples."""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from lingon.core.terminal import printable
from lingon.data.masked_images import MaskedImages
from lingon.metrics.scores import Scores
from lingon.metrics.segmentation import mask_confusion, mean_iou
from lingon.tasks.segment.scoring import scores_of
from lingon.tasks.segment.segmenter import Segmenter

SHOWN = 3


class Judged(NamedTuple):
    """An image with its true mask and the one that was found; miou: of this image alone."""

    name: str
    pixels: np.ndarray
    true: np.ndarray
    found: np.ndarray
    miou: float


class HeldOut:
    """A segmenter and the images it is tested on. Their masks are found after training, once."""

    def __init__(self, task: Segmenter, images: MaskedImages):
        self.task, self.images = task, task.checked(images)

    @property
    def classes(self) -> list[str]:
        return self.task.classes

    @cached_property
    def found(self) -> np.ndarray:
        """The masks that were found, uint8 [N, H, W]."""
        return self.task.masks(self.images.pixels)

    @cached_property
    def confusion(self) -> np.ndarray:
        """How many pixels of each class (rows) are taken for which (columns), [C, C]."""
        return mask_confusion(self.found, self.images.masks, len(self.classes))

    def scores(self) -> Scores:
        """Return the metrics; see `Segmenter.evaluate`."""
        return scores_of(self.confusion, self.classes)

    @cached_property
    def judged(self) -> list[Judged]:
        """All images, those first whose mask is worst; images without a pixel that counts come last."""
        found = []
        for i in range(len(self.images)):
            true, mask = self.images.masks[i], self.found[i]
            miou = mean_iou(mask_confusion(mask, true, len(self.classes)))
            name = self.images.paths[i] if self.images.paths else f"image {i + 1}"
            found.append(Judged(name, self.images.pixels[i], true, mask, miou))
        return sorted(found, key=lambda one: (np.isnan(one.miou), one.miou))

    def confused(self, most: int = 10) -> list[tuple[str, str, int, float]]:
        """Return which classes are taken for which, the most pixels first, with their share of the true class."""
        wrong = self.confusion - np.diag(np.diag(self.confusion))
        totals = self.confusion.sum(1)
        largest = np.argsort(-wrong, axis=None, kind="stable")[:most]
        pairs = [divmod(int(at), len(self.classes)) for at in largest]
        names = self.classes
        return [(names[i], names[j], int(wrong[i, j]), wrong[i, j] / totals[i]) for i, j in pairs if wrong[i, j]]

    def report(self, folder: Path, run: Mapping[str, Any]) -> Path:
        """Write the report of a run into its folder; see `lingon.tasks.segment.report`."""
        from lingon.tasks.segment.report import write_report

        return write_report(folder / "report.html", self, folder, dict(run))

    def extremes(self) -> str:
        """Return the images whose masks are worst, and what is confused most."""
        lines = ["worst images:"]
        lines += [f"  mIoU {one.miou:.3f}  {printable(one.name)}" for one in self.judged[:SHOWN]]
        pairs = self.confused(SHOWN)
        lines += ["confused most:"] if pairs else []
        return "\n".join(lines + [f"  {printable(a)} taken for {printable(b)}: {n:,} pixels" for a, b, n, _ in pairs])
