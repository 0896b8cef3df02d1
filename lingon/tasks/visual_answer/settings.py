"""The settings of the training of a visual question answerer."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from typer import Option

from lingon.models.registry import get_entry, models_for
from lingon.tasks.settings import TrainSettings, check_settings, epochs_for, fill

if TYPE_CHECKING:
    from lingon.tasks.pretrained import Pretrained

METRICS = ("accuracy", "loss")
FEWEST_STEPS = 300  # at least, however few images there are


@dataclass(frozen=True)
class Settings(TrainSettings):
    """Settings of a visual question answerer and its training. None means the model's default (see its ENTRY)."""

    model: Annotated[
        str,
        Option(help=f"Model: {' or '.join(models_for('image-answerer'))}, the baseline that sees no image."),
    ] = "image_answerer"
    depth: Annotated[int | None, Option(help="Rounds in which words look at the image. Default: 2.")] = None
    batch_size: Annotated[
        int | None, Option(help="Maximum number of images per batch, each with up to 16 questions. Default: 16.")
    ] = None
    max_answers: Annotated[
        int, Option(help="Maximum number of answers to choose from: the most frequent ones in training.")
    ] = 3_000
    vocab: Annotated[int, Option(help="Maximum vocabulary size of questions.")] = 10_000
    metric: Annotated[str, Option(help=f"Validation metric that selects the best weights: {', '.join(METRICS)}.")] = (
        "accuracy"
    )

    def checked(self) -> "Settings":
        """Return the settings as they are. Raises UserError that names a setting with an impossible value."""
        choices = {"model": models_for("image-answerer"), "metric": METRICS}
        return check_settings(self, choices, ("depth", "max_answers", "vocab"))

    def started(self, pretrained: "Pretrained") -> "Settings":
        """Return the settings for a training that starts from a visual answerer; see `TrainSettings.started`."""
        from lingon.tasks.own_weights import started_from_own
        from lingon.tasks.visual_answer.visual_answerer import VisualAnswerer

        return started_from_own(self, pretrained, VisualAnswerer, "a visual answerer")

    def filled(self, data: Any) -> "Settings":
        """Return the settings with what suits the model and the number of images in place of every None.

        data: `ImageQuestionSplits`.
        """
        best: dict[str, Any] = dict(get_entry(self.model).defaults)
        images = self.batch_size or best["batch_size"]
        best["epochs"] = epochs_for(best["epochs"], FEWEST_STEPS, images, len(data.train.names))
        return fill(self, best)
