"""What a detector says of an image: boxes with labels and scores, and how that is written."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from lingon.core.terminal import printable


class Detection(NamedTuple):
    """An object that was found. box: left, top, right and bottom in pixels of the upright image."""

    label: str
    score: float
    box: tuple[float, float, float, float]

    def row(self) -> dict[str, Any]:
        """Return label, score and box by name."""
        return {"label": self.label, "score": self.score, "box": list(self.box)}


@dataclass(frozen=True)
class Detections:
    """The objects of one image, the surest first. image: its path. size: height and width in pixels, upright.

    source: the path, or the pixels where the image was given as these.
    """

    image: str
    size: tuple[int, int]
    objects: list[Detection]
    source: Path | np.ndarray = field(repr=False, compare=False)

    def row(self) -> dict[str, Any]:
        """Return the path, and the objects by name."""
        return {"image": self.image, "objects": [one.row() for one in self.objects]}

    def __str__(self) -> str:
        """Return a line of the image and one of each object."""
        lines = [f"{printable(self.image)}: {len(self.objects)} found"]
        for one in self.objects:
            corners = ", ".join(f"{side:.0f}" for side in one.box)
            lines.append(f"  {one.score:.3f}  {printable(one.label)}  ({corners})")
        return "\n".join(lines)
