"""A trained style network on its held-out photos: their scores, and the report with a slider for each."""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from lingon.engine.log import read_metrics
from lingon.metrics.metric_table import format_metric
from lingon.metrics.scores import Scores
from lingon.pages.curves import curves
from lingon.pages.images import data_uri
from lingon.pages.page import render
from lingon.pages.run_facts import run_facts
from lingon.pages.slider import PicturePair, slider_items
from lingon.tasks.style.objective import StyleWeights
from lingon.tasks.style.painted import Painted
from lingon.tasks.style.scoring import scores_of
from lingon.tasks.style.stylizer import Stylizer

SHOWN, SIDE = 6, 512  # photos of the report, and pixels of their longer side


class HeldOut:
    """A style network and the photos it is tested on."""

    def __init__(self, task: Stylizer, photos: Mapping[str, np.ndarray], weights: StyleWeights):
        self.task, self.photos, self.weights = task, photos, weights

    @cached_property
    def painted(self) -> list[Painted]:
        """The first photos, painted after training."""
        return [self.task.predict(photo, SIDE) for photo in list(self.photos.values())[:SHOWN]]

    def scores(self) -> Scores:
        """Return the metrics; see `Stylizer.evaluate`."""
        assert self.task.style is not None
        return scores_of(self.task.model, self.task.style, list(self.photos.values()), self.weights)

    def sample(self) -> str:
        """Return a line for each photo that was painted."""
        return "\n".join(f"painted {name}: {one}" for name, one in zip(self.photos, self.painted, strict=False))

    def report(self, folder: Path, run: Mapping[str, Any]) -> Path:
        """Write the report of a run into its folder: scores, curves, the style, and photos under sliders."""
        assert self.task.style is not None
        pairs = [
            PicturePair(Path(name).name, one.photo, one.pixels)
            for name, one in zip(self.photos, self.painted, strict=False)
        ]
        page = {
            "title": f"Painting as {Path(self.task.style_name).name}",
            "note": f"A network trained on {run['data'].get('name')}; the ones below it has not seen.",
            "headline": [(name.replace("_", " "), format_metric(value)) for name, value in run["test"].items()],
            "style": data_uri(self.task.style),
            "curves": curves({folder.name: read_metrics(folder)}),
            "items": slider_items(pairs),
            "facts": run_facts(dict(run)),
        }
        return render("style_report.html", folder / "report.html", page)
