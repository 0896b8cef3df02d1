"""The settings of a dependency parser's training."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from typer import Option

from lingon.models.registry import get_entry, models_for
from lingon.tasks.settings import TrainSettings, check_settings, epochs_for, fill
from lingon.tasks.tuning_options import require_tuning

if TYPE_CHECKING:
    from lingon.tasks.pretrained import Pretrained

METRICS = ("las", "uas", "clas")
USUAL = {"max_tokens_per_batch": 8_192, "vocab": 8_000, "refit": False}
# Of a parser on pretrained weights; the fresh layers learn faster than the encoder under them.
FINE_TUNING = {"lr": 2e-4, "head_lr": 1e-3, "epochs": 6, "batch_size": 32, "weight_decay": 0.01, "max_grad_norm": 5.0}
OTHERS: dict[str, dict[str, Any]] = {"frozen": {"lr": 1e-3, "epochs": 10}, "lora": {"lr": 5e-4}}
FEWEST_STEPS = 300  # at least, however few sentences there are


@dataclass(frozen=True)
class Settings(TrainSettings):
    """How a parser is made and trained. None means the model's default (see its ENTRY)."""

    model: Annotated[str, Option(help="Model: " + " or ".join(models_for("parser")) + ".")] = "encoder_parser"
    max_tokens_per_batch: Annotated[
        int | None, Option(help="Maximum tokens per batch, padding included. Default: 8192.")
    ] = None
    batch_size: Annotated[int | None, Option(help="Maximum number of sentences per batch. Default: 32.")] = None
    dropout: Annotated[
        float | None, Option(help="Dropout of the word vectors and of the layers on top. Default: 0.33.")
    ] = None
    vocab: Annotated[
        int | None, Option(help="Maximum vocabulary size of a newly trained tokenizer. Default: 8000.")
    ] = None
    metric: Annotated[str, Option(help=f"Validation metric that selects the best weights: {', '.join(METRICS)}.")] = (
        "las"
    )
    refit: Annotated[
        bool | None,
        Option("--refit/--no-refit", help="After validation, train again on training and validation trees together."),
    ] = None
    warmup: Annotated[float, Option(help="Warm-up of the learning rate, as a fraction of all steps.")] = 0.1

    def checked(self) -> "Settings":
        """Return the settings as they are. Raises UserError that names a setting with an impossible value."""
        choices = {"model": models_for("parser"), "metric": METRICS}
        check_settings(self, choices, ("max_tokens_per_batch", "vocab"))
        require_tuning(self, ("full", "frozen", "lora", "head-first"), "which is for classifiers")
        return self

    def started(self, pretrained: "Pretrained") -> "Settings":
        """Return the settings for a training that starts from these weights; see `TrainSettings.started`."""
        from lingon.tasks.parse.from_weights import started

        return started(self, pretrained)

    def filled(self, data: Any) -> "Settings":
        """Return the settings with every None replaced by a default for the model and the number of trees.

        data: `TreeSplits`.
        """
        best: dict[str, Any] = {**USUAL, **get_entry(self.model).defaults}
        if self.from_ is not None:
            best |= FINE_TUNING | OTHERS.get(self.tuning or "full", {})
            if self.lr is not None:  # the head is as much faster as by default
                best["head_lr"] *= self.lr / best["lr"]
        rows = self.batch_size or best["batch_size"]
        best["epochs"] = epochs_for(best["epochs"], FEWEST_STEPS, rows, len(data.train))
        return fill(self, best)
