"""The settings of an image generator's training."""

from dataclasses import dataclass
from typing import Annotated, Any

from typer import Option

from lingon.models.registry import get_entry, models_for
from lingon.tasks.settings import TrainSettings, check_settings, epochs_for, fill

FEWEST_STEPS = 300  # at least, however few images there are


@dataclass(frozen=True)
class Settings(TrainSettings):
    """How an image generator is made and trained. None means the model's default (see its ENTRY)."""

    model: Annotated[str, Option(help="Model: " + " or ".join(models_for("image-generator")) + ".")] = "diffusion"
    batch_size: Annotated[int | None, Option(help="Images per batch. Default: set by the model.")] = None
    width: Annotated[int | None, Option(help="Channels of the first convolution. Default: set by the model.")] = None
    judge: Annotated[
        str | None,
        Option(
            help="A bundle whose classifier gives the features of the Frechet distance, so that several generators are "
            "judged alike: of an image generator or classifier. Trained on the same images by default."
        ),
    ] = None
    evals: Annotated[int, Option(help="Number of evaluations on the validation images during the run.")] = 3
    valid_samples: Annotated[int, Option(help="Images that are made for each evaluation while training.")] = 1_000
    weight_average: Annotated[str, Option(help="Average of the weights over steps: none, ema, swa or nt.")] = "ema"

    def checked(self) -> "Settings":
        """Return the settings as they are. Raises UserError that names a setting with an impossible value."""
        return check_settings(self, {"model": models_for("image-generator")}, ("valid_samples",))

    def filled(self, data: Any) -> "Settings":
        """Return the settings with what suits the model and the number of images in place of every None.

        data: `ImageSplits`.
        """
        best = dict(get_entry(self.model).defaults)
        rows = self.batch_size or best["batch_size"]
        best["epochs"] = epochs_for(best["epochs"], FEWEST_STEPS, rows, len(data.train))
        return fill(self, best)
