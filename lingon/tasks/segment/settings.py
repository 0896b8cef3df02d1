"""The settings of a segmenter's training."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from typer import Option

from lingon.core.errors import UserError
from lingon.models.registry import get_entry, models_for
from lingon.tasks.settings import TrainSettings, check_settings, epochs_for, fill

if TYPE_CHECKING:
    from lingon.tasks.pretrained import Pretrained

METRICS = ("miou", "dice", "pixel_accuracy")
AUGMENTATIONS = ("none", "flip", "shift", "flip,shift")
FEWEST_STEPS = 300  # at least, however few images there are


@dataclass(frozen=True)
class Settings(TrainSettings):
    """How a segmenter is made and trained. None means the model's default (see its ENTRY)."""

    model: Annotated[str, Option(help="Model: " + " or ".join(models_for("segmenter")) + ".")] = "unet"
    batch_size: Annotated[int | None, Option(help="Images per batch. Default: 16.")] = None
    width: Annotated[
        int | None, Option(help="Channels of the first level; each level below has twice as many. Default: 16.")
    ] = None
    dropout: Annotated[float | None, Option(help="Dropout of channels of the lowest level. Default: 0.")] = None
    dice_weight: Annotated[float, Option(help="Weight of the Dice loss beside the cross-entropy.")] = 1.0
    augment: Annotated[
        str, Option(help=f"How images and masks are varied in training: {' or '.join(AUGMENTATIONS)}.")
    ] = "flip,shift"
    metric: Annotated[str, Option(help=f"Validation metric that selects the best weights: {', '.join(METRICS)}.")] = (
        "miou"
    )

    def checked(self) -> "Settings":
        """Return the settings as they are. Raises UserError that names a setting with an impossible value."""
        choices = {"model": models_for("segmenter"), "metric": METRICS, "augment": AUGMENTATIONS}
        check_settings(self, choices)
        if not 0 <= self.dice_weight < float("inf"):
            raise UserError(f"--dice-weight is {self.dice_weight}; expected 0 or more")
        return self

    def started(self, pretrained: "Pretrained") -> "Settings":
        """Return the settings for a training that starts from a segmenter; see `TrainSettings.started`."""
        from lingon.tasks.own_weights import started_from_own
        from lingon.tasks.segment.segmenter import Segmenter

        return started_from_own(self, pretrained, Segmenter, "a segmenter")

    def filled(self, data: Any) -> "Settings":
        """Return the settings with what suits the model and the number of images in place of every None.

        data: `MaskedSplits`.
        """
        best = dict(get_entry(self.model).defaults)
        rows = min(self.batch_size or best["batch_size"], len(data.train))
        best["epochs"] = epochs_for(best["epochs"], FEWEST_STEPS, rows, len(data.train))
        return fill(self, best)
