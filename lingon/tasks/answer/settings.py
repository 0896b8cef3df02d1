"""The settings of the training of an answerer."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from typer import Option

from lingon.core.errors import UserError
from lingon.data.tokenizer_table import TOKENIZERS
from lingon.models.registry import models_for
from lingon.tasks.settings import TrainSettings, check_settings, fill
from lingon.tasks.tuning_options import require_tuning

if TYPE_CHECKING:
    from lingon.tasks.pretrained import Pretrained

METRICS = ("f1", "exact_match", "loss")
TUNINGS = ("full", "frozen", "lora", "head-first")
SHORTEST, LONGEST = 16, 384  # tokens of a window, the least and those by default
# Of an encoder with weights: F1 .71 on validation questions after the first of two epochs (docs/log.md).
DEFAULTS: dict[str, Any] = {"lr": 2e-4, "epochs": 2, "batch_size": 16, "weight_decay": 0.01}
FRESH: dict[str, Any] = {**DEFAULTS, "lr": 1e-3, "epochs": 3, "width": 128, "depth": 2, "dropout": 0.1}
# Where most weights stay as they are, the others take larger steps.
OTHERS: dict[str, dict[str, Any]] = {"frozen": {"lr": 3e-3, "epochs": 4}, "lora": {"lr": 5e-4, "epochs": 3}}


@dataclass(frozen=True)
class Settings(TrainSettings):
    """Settings of an answerer and its training. None means its default."""

    model: Annotated[str, Option(help="Model: " + " or ".join(models_for("answerer")) + ".")] = "encoder_answerer"
    batch_size: Annotated[int | None, Option(help="Maximum number of windows per batch. Default: 16.")] = None
    max_tokens_per_batch: Annotated[int, Option(help="Maximum tokens per batch, padding included.")] = 8_192
    max_length: Annotated[
        int | None, Option(help="Tokens per window (question, passage, special tokens). Default: 384.")
    ] = None
    doc_stride: Annotated[
        int | None, Option(help="Overlap of the windows of a long passage, in tokens. Default: 128.")
    ] = None
    max_answer_length: Annotated[int, Option(help="Maximum tokens of a predicted answer.")] = 30
    metric: Annotated[str, Option(help=f"Validation metric that selects the best weights: {', '.join(METRICS)}.")] = (
        "f1"
    )
    evals: Annotated[int, Option(help="Number of evaluations on the validation data during the run.")] = 3
    max_grad_norm: Annotated[float | None, Option(help="Maximum gradient norm (clipping).")] = 1.0
    depth: Annotated[int | None, Option(help="Layers of an encoder trained from scratch. Default: 2.")] = None
    tokenizer: Annotated[str, Option(help=f"Tokenizer to train: {', '.join(TOKENIZERS)}.")] = "wordpiece"
    vocab: Annotated[int, Option(help="Maximum vocabulary size.")] = 8192
    refit: Annotated[
        bool,
        Option(
            "--refit/--no-refit",
            help="After validation, train again on training and validation questions together.",
        ),
    ] = False

    def checked(self) -> "Settings":
        """Return the settings as they are. Raises UserError that names a setting with an impossible value."""
        choices = {"model": models_for("answerer"), "metric": METRICS, "tokenizer": TOKENIZERS}
        check_settings(self, choices, ("max_tokens_per_batch", "max_answer_length", "vocab", "depth"))
        require_tuning(self, TUNINGS, "which is for classifiers")
        length, stride = self.max_length, self.doc_stride
        if length is not None and length < SHORTEST:
            raise UserError(f"--max-length is {length}; expected {SHORTEST} or more")
        if stride is not None and stride < 0:
            raise UserError(f"--doc-stride is {stride}; expected 0 or more")
        if stride is not None and stride >= (length or LONGEST):
            raise UserError(f"--doc-stride is {stride}; expected less than --max-length, which is {length or LONGEST}")
        return self

    def started(self, pretrained: "Pretrained") -> "Settings":
        """Return the settings for a training that starts from these weights; see `TrainSettings.started`."""
        from lingon.tasks.answer.from_weights import started

        return started(self, pretrained)

    def filled(self, data: Any = None) -> "Settings":
        """Return the settings with every None replaced by the default of a new encoder, or of one with weights."""
        best = dict(FRESH if self.from_ is None else DEFAULTS | OTHERS.get(self.tuning or "full", {}))
        best["max_length"] = LONGEST
        length = self.max_length or best["max_length"]
        best["doc_stride"] = min(128, length // 3)
        if self.steps is not None:
            best["epochs"] = None
        return fill(self, best)
