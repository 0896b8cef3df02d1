"""A trained image classifier on its held-out images, which it reads once: for scores, the report, and examples."""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from lingon.core.shapes import Float, Tensor
from lingon.core.terminal import printable
from lingon.data.labelled_images import LabelledImages
from lingon.metrics.scores import Scores
from lingon.tasks.classify.judging import Judged, judge, surest
from lingon.tasks.classify_images.image_classifier import ImageClassifier

SHOWN = 3


class HeldOutImages:
    """A classifier and the images it is tested on. The logits are those after training: they are computed once."""

    def __init__(self, classifier: ImageClassifier, images: LabelledImages):
        self.classifier, self.images = classifier, images

    @cached_property
    def logits(self) -> Float[Tensor, "n classes"]:
        return self.classifier.logits(self.images.pixels)

    def scores(self) -> Scores:
        """Return the metrics; see `ImageClassifier.evaluate`."""
        return self.classifier.scores_of(self.logits, self.images)

    def report(self, folder: Path, run: Mapping[str, Any]) -> Path:
        """Write the report of a run into its folder; see `lingon.tasks.classify_images.image_report`."""
        from lingon.tasks.classify_images.image_report import write_report

        return write_report(folder / "report.html", self.classifier, self.images, folder, dict(run), self.logits)

    def extremes(self) -> str:
        """Return the images that the model is surest about and wrong; the report shows them."""
        judged = judged_images(self.classifier, self.images, self.logits)
        _, wrong = surest(judged)
        lines = ["most confident and wrong:" if wrong else "most confident and wrong: none"]
        for i in wrong[:SHOWN]:
            one = judged[i]
            lines.append(f"  {printable(one.predicted)} {one.how_sure}, but it is {printable(one.true)}")
            lines.append(f"    {printable(name_of_image(self.images, i))}")
        return "\n".join(lines)


def judged_images(
    classifier: ImageClassifier, images: LabelledImages, logits: Float[Tensor, "n classes"]
) -> list[Judged]:
    """Return how the prediction of each image stands to its label."""
    found = classifier.targets.predictions(range(len(images)), logits)
    return judge(classifier.targets.problem_type, found, images.labels)


def name_of_image(images: LabelledImages, i: int) -> str:
    """Return the path of an image, or its number where it has none."""
    return images.paths[i] if images.paths else f"image {i + 1:,}"
