"""The settings of a detector's training."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from typer import Option

from lingon.core.errors import UserError
from lingon.models.registry import models_for
from lingon.tasks.settings import TrainSettings, check_settings, epochs_for, fill

if TYPE_CHECKING:
    from lingon.tasks.pretrained import Pretrained

METRICS = ("map", "map50", "map75")
FLIPS = ("horizontal", "both", "none")
LEAST, MOST = 32, 2_048  # pixels of a side
FEWEST_STEPS = 600  # at least, however few images there are
BATCH = 8


@dataclass(frozen=True)
class Settings(TrainSettings):
    """How a detector is made and trained. None means the model's default (see its ENTRY)."""

    model: Annotated[str, Option(help="Model: " + " or ".join(models_for("detector")) + ".")] = "center_net"
    image_size: Annotated[
        str | None,
        Option(
            help="Height and width that images are fitted into, such as 240x320. By default the shape of most training "
            "images, the longer side 320."
        ),
    ] = None
    batch_size: Annotated[int | None, Option(help="Maximum number of images per batch. Default: 8.")] = None
    flip: Annotated[str, Option(help=f"Mirror training images at random: {', '.join(FLIPS)}.")] = "horizontal"
    zoom: Annotated[float, Option(help="Enlarge or shrink training images by up to this factor.")] = 1.3
    shift: Annotated[float, Option(help="Move training images by up to this share of their sides.")] = 0.2
    lighting: Annotated[float, Option(help="Change brightness, contrast and colours by up to this share.")] = 0.2
    metric: Annotated[str, Option(help=f"Validation metric that selects the best weights: {', '.join(METRICS)}.")] = (
        "map"
    )

    def checked(self) -> "Settings":
        """Return the settings as they are. Raises UserError that names a setting with an impossible value."""
        check_settings(self, {"model": models_for("detector"), "metric": METRICS, "flip": FLIPS})
        if self.image_size is not None:
            parse_size(self.image_size)
        for name, least, most in (("zoom", 1.0, 4.0), ("shift", 0.0, 0.9), ("lighting", 0.0, 0.9)):
            if not least <= getattr(self, name) <= most:
                raise UserError(f"--{name} is {getattr(self, name)}; expected a number from {least:g} to {most:g}")
        return self

    def started(self, pretrained: "Pretrained") -> "Settings":
        """Return the settings for a training that starts from a detector; see `TrainSettings.started`."""
        from lingon.tasks.detect.detector import Detector
        from lingon.tasks.own_weights import started_from_own

        return started_from_own(self, pretrained, Detector, "a detector")

    def filled(self, data: Any) -> "Settings":
        """Return the settings with what suits the model and the number of images in place of every None.

        data: `BoxSplits`.
        """
        from lingon.models.registry import get_entry

        best = dict(get_entry(self.model).defaults)
        rows = self.batch_size or best["batch_size"]
        best["epochs"] = epochs_for(best["epochs"], FEWEST_STEPS, rows, len(data.train))
        return fill(self, best | {"image_size": None})


def parse_size(given: str) -> tuple[int, int]:
    """Return height and width. Raises UserError for a text that is not written like 240x320, and for odd sizes.

    >>> parse_size("240x320")
    (240, 320)
    """
    found = re.fullmatch(r"(\d{1,5})x(\d{1,5})", given.strip())
    size = (int(found[1]), int(found[2])) if found else (0, 0)
    if not all(LEAST <= side <= MOST and side % 4 == 0 for side in size):
        raise UserError(
            f"--image-size is {given!r}; expected height x width as 240x320, multiples of 4 from {LEAST} to {MOST}"
        )
    return size
