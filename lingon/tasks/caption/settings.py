"""The settings of the training of a captioner."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from typer import Option

from lingon.core.errors import UserError
from lingon.data.tokenizer_table import TOKENIZERS
from lingon.models.registry import get_entry, models_for
from lingon.tasks.settings import TrainSettings, check_settings, epochs_for, fill

if TYPE_CHECKING:
    from lingon.data.captioned_images import CaptionSplits
    from lingon.tasks.pretrained import Pretrained

METRICS = ("cider_d", "cider", "bleu", "exact_match", "loss")
AUGMENTATIONS = ("none", "shift", "shift-and-flip")
BYTES = 259  # tokens of the smallest vocabulary on bytes: all bytes, padding, the unknown token and the end
DEFAULTS: dict[str, Any] = {"batch_size": 64, "epochs": 10, "weight_decay": 0.01, "context_length": 64}
FEWEST_STEPS = 1_500  # at least, however few captions there are


@dataclass(frozen=True)
class Settings(TrainSettings):
    """Settings of a captioner and its training. None means its default."""

    model: Annotated[str, Option(help="Model: " + " or ".join(models_for("captioner")) + ".")] = "caption_transformer"
    batch_size: Annotated[int | None, Option(help="Maximum number of captions per batch. Default: 64.")] = None
    context_length: Annotated[
        int | None, Option(help="Maximum tokens per caption; longer ones are dropped. Default: 64.")
    ] = None
    depth: Annotated[int | None, Option(help="Layers of the decoder. Default: set by the model.")] = None
    tokenizer: Annotated[str, Option(help=f"Tokenizer to train: {', '.join(TOKENIZERS)}.")] = "bpe"
    vocab: Annotated[int, Option(help="Maximum vocabulary size.")] = 2048
    augment: Annotated[
        str,
        Option(
            help=f"Changes of the training images: {', '.join(AUGMENTATIONS)}. A flip mirrors every second image: "
            "not where captions say left and right."
        ),
    ] = "shift"
    label_smoothing: Annotated[float, Option(help="Label smoothing: probability mass spread over all tokens.")] = 0.1
    metric: Annotated[str, Option(help=f"Validation metric that selects the best weights: {', '.join(METRICS)}.")] = (
        "cider_d"
    )
    warmup: Annotated[float, TrainSettings.__annotations__["warmup"].__metadata__[0]] = 0.08
    max_grad_norm: Annotated[float | None, Option(help="Maximum gradient norm (clipping).")] = 1.0

    def checked(self) -> "Settings":
        """Return the settings as they are. Raises UserError that names a setting with an impossible value."""
        choices = {
            "model": models_for("captioner"),
            "metric": METRICS,
            "tokenizer": TOKENIZERS,
            "augment": AUGMENTATIONS,
        }
        check_settings(self, choices, ("vocab", "depth", "context_length"))
        if self.tokenizer == "bpe" and self.vocab < BYTES:
            raise UserError(f"--vocab is {self.vocab}; --tokenizer bpe has a token for every byte, so {BYTES} or more")
        if not 0 <= self.label_smoothing < 1:
            raise UserError(
                f"--label-smoothing is {self.label_smoothing}; expected a fraction from 0 up to, not including, 1"
            )
        return self

    def started(self, pretrained: "Pretrained") -> "Settings":
        """Return the settings for a training that starts from a captioner; see `TrainSettings.started`."""
        from lingon.tasks.caption.captioner import Captioner
        from lingon.tasks.own_weights import started_from_own

        if self.context_length is not None:
            raise UserError(
                f"--context-length is {self.context_length}, but --from {pretrained.name} brings its own; leave it out"
            )
        return started_from_own(self, pretrained, Captioner, "a captioner")

    def filled(self, data: "CaptionSplits") -> "Settings":
        """Return the settings with what suits the model and the number of captions in place of every None."""
        best: dict[str, Any] = {**DEFAULTS, **get_entry(self.model).defaults}
        rows = self.batch_size or best["batch_size"]
        captions = max(1, len(data.train.texts))
        best["epochs"] = None if self.steps else epochs_for(best["epochs"], FEWEST_STEPS, rows, captions)
        return fill(self, best)
