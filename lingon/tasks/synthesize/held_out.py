"""A trained generator beside the held-out images: for scores, for the report, for what is said at the end."""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from lingon.data.labelled_images import ImageSplits
from lingon.metrics.scores import Scores
from lingon.tasks.synthesize.synthesizer import Synthesizer


class HeldOut:
    """A generator, and the images it learned from and is tested against. Images are made after training."""

    def __init__(self, task: Synthesizer, data: ImageSplits):
        self.task, self.data = task, data

    @cached_property
    def found(self) -> Scores:
        """The metrics against the test images."""
        return self.task.evaluate(self.data.test)

    def scores(self) -> Scores:
        """Return the metrics; see `Synthesizer.evaluate`."""
        return self.found

    def report(self, folder: Path, run: Mapping[str, Any]) -> Path:
        """Write the report of a run into its folder; see `lingon.tasks.synthesize.report`."""
        from lingon.tasks.synthesize.report import write_report

        return write_report(folder / "report.html", self, folder, dict(run))

    def sample(self) -> str:
        """Return how far made images are from real ones, in a sentence."""
        made, real = self.found["frechet_distance"], self.found["real_frechet_distance"]
        return (
            f"Frechet distance {made:.2f} of made to real images; two halves of the real ones are {real:.2f} apart. "
            f"The judge gives {self.found['label_accuracy']:.1%} of made images the label they were made of."
        )
