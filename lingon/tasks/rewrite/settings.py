"""The settings of a rewriter's training."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from typer import Option

from lingon.core.errors import UserError
from lingon.data.tokenizer_table import TOKENIZERS
from lingon.models.registry import models_for
from lingon.tasks.settings import TrainSettings, check_settings, fill

if TYPE_CHECKING:
    from lingon.tasks.pretrained import Pretrained

DEFAULTS: dict[str, Any] = {"lr": 2e-3, "epochs": 8, "batch_size": 64, "weight_decay": 0.01, "dropout": 0.2}
WIDTHS = {"width": 128, "depth": 1}
STARTED = {"lr": 5e-4, "epochs": 3, "dropout": None, "width": None, "depth": None}  # of a rewriter that is trained on
WORDS = "words"


@dataclass(frozen=True)
class Settings(TrainSettings):
    """Settings of a rewriter and its training. None means its default."""

    model: Annotated[str, Option(help="Model of the two generators: " + " or ".join(models_for("seq2seq")) + ".")] = (
        "attention_rnn"
    )
    threshold: Annotated[float, Option(help="Minimum salience of an n-gram to be a style marker.")] = 3.0
    smoothing: Annotated[float, Option(help="Smoothing added to n-gram counts before computing salience.")] = 1.0
    max_length: Annotated[int, Option(help="Maximum words per training sentence; longer ones are dropped.")] = 30
    judge_share: Annotated[
        float,
        Option(
            help="Fraction of the training sentences that the rewriter does not see: on them a classifier and a "
            "language model are trained, which judge it."
        ),
    ] = 0.3
    retrieve_by: Annotated[
        str,
        Option(
            help="What similar sentences are retrieved by: words (tf-idf), or the vectors of an encoder: minilm-l6, "
            "a folder or hf:owner/name. It is saved in the bundle, and compares sentences with what they became."
        ),
    ] = WORDS
    batch_size: Annotated[int | None, Option(help="Maximum number of sentences per batch. Default: 64.")] = None
    max_tokens_per_batch: Annotated[int, Option(help="Maximum tokens of sources and targets per batch.")] = 8_192
    max_grad_norm: Annotated[float | None, Option(help="Maximum gradient norm (clipping).")] = 1.0
    depth: Annotated[int | None, Option(help="Layers of the encoder and of the decoder. Default: 1.")] = None
    tokenizer: Annotated[str, Option(help=f"Tokenizer to train: {', '.join(TOKENIZERS)}.")] = "bpe"
    vocab: Annotated[int, Option(help="Maximum vocabulary size.")] = 4000

    def checked(self) -> "Settings":
        """Return the settings as they are. Raises UserError that names a setting with an impossible value."""
        check_settings(
            self,
            {"model": models_for("seq2seq"), "tokenizer": TOKENIZERS},
            ("max_tokens_per_batch", "max_length", "vocab", "depth"),
        )
        if not 1 < self.threshold < 1e9:
            raise UserError(f"--threshold is {self.threshold:g}; expected more than 1, such as 3")
        if not 0 < self.smoothing < 1e9:
            raise UserError(f"--smoothing is {self.smoothing:g}; expected more than 0, such as 1")
        if not 0 < self.judge_share < 1:
            raise UserError(f"--judge-share is {self.judge_share:g}; expected a fraction over 0, under 1, such as 0.3")
        return self

    def started(self, pretrained: "Pretrained") -> "Settings":
        """Return the settings for a training that starts from a rewriter; see `TrainSettings.started`."""
        from lingon.tasks.rewrite.from_weights import started

        return started(self, pretrained)

    def filled(self, data: Any = None) -> "Settings":
        """Return the settings with every None replaced by the default of new generators, or of trained ones."""
        best = DEFAULTS | (WIDTHS if self.from_ is None else STARTED)
        return fill(self, best | ({"epochs": None} if self.steps is not None else {}))
