"""A trained captioner on its test images, which it captions once, beside the captions of the most similar images."""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from lingon.core.terminal import printable
from lingon.data.captioned_images import CaptionedImages
from lingon.metrics.metric_table import metric_name
from lingon.metrics.scores import Scores
from lingon.tasks.caption.caption import Caption
from lingon.tasks.caption.captioner import Captioner
from lingon.tasks.caption.retrieval import retrieved_captions
from lingon.tasks.caption.scoring import METRICS, tested, text_scores

SHOWN = 3


class HeldOut:
    """A captioner, the images it is trained on and those it is tested on. Captions are found after training, once."""

    def __init__(self, captioner: Captioner, train: CaptionedImages, images: CaptionedImages):
        self.captioner, self.train, self.images = captioner, train, images

    @cached_property
    def tested(self) -> tuple[Scores, list[Caption]]:
        """The scores, with those of the retrieval baseline as a table, and the captions."""
        scores, found = tested(self.captioner, self.images, self.captioner.params)
        beside = text_scores(self.retrieved, self.images.captions)
        tables = {"captions": {"model": dict(scores), "retrieval": beside}}
        values = {**scores, "retrieval_cider_d": beside["cider_d"]}
        shown = ", ".join(f"{metric_name(name)} {value:.4f}" for name, value in beside.items())
        return Scores(values, METRICS[0], tables, [f"captions of the most similar training image: {shown}"]), found

    @cached_property
    def retrieved(self) -> list[str]:
        """The captions of the most similar training images."""
        return retrieved_captions(self.captioner.model, self.train, self.images.pixels)

    def scores(self) -> Scores:
        """Return the metrics; see `Captioner.evaluate`."""
        return self.tested[0]

    def report(self, folder: Path, run: Mapping[str, Any]) -> Path:
        """Write the report of a run into its folder; see `lingon.tasks.caption.report`."""
        from lingon.tasks.caption.report import write_report

        return write_report(folder / "report.html", self, folder, dict(run))

    def sample(self) -> str:
        """Return some captions beside what people say, and what retrieval says."""
        lines, found = [], self.tested[1]
        for i in range(0, len(found), max(1, len(found) // SHOWN))[:SHOWN]:
            said = {"caption": found[i].caption, "people": self.images.captions[i][0], "retrieval": self.retrieved[i]}
            lines += [f"  {name:10} {printable(text)}" for name, text in said.items()]
        return "\n".join(lines)
