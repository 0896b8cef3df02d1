"""The settings of the pretraining of an encoder."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from typer import Option

from lingon.core.errors import UserError
from lingon.data.tokenizer_table import TOKENIZERS
from lingon.models.registry import models_for
from lingon.tasks.settings import TrainSettings, check_settings, fill

if TYPE_CHECKING:
    from lingon.tasks.pretrained import Pretrained

CHOICES: dict[str, Iterable[str]] = {"tokenizer": TOKENIZERS, "objective": ("mlm", "rtd")}
TABLES = ("static",)  # encoders whose vectors do not depend on their sentence: they cannot say what was hidden
# What is usual for tiny encoders; not chosen on validation texts yet.
FRESH = {"lr": 1e-3, "epochs": 10, "width": 192, "depth": 4, "dropout": 0.0, "weight_decay": 0.01}
FROM_WEIGHTS = {"lr": 1e-4, "epochs": 3, "dropout": None, "width": None, "depth": None, "weight_decay": 0.01}
ALWAYS = {"batch_size": 32, "context_length": 128}


@dataclass(frozen=True)
class Settings(TrainSettings):
    """Settings of an encoder and its pretraining. None means its default."""

    model: Annotated[
        str, Option(help="Encoder: " + " or ".join(m for m in models_for("encoder") if m not in TABLES) + ".")
    ] = "bert"
    objective: Annotated[
        str,
        Option(help="Objective: mlm (masked language modelling) or rtd (replaced-token detection, ELECTRA)."),
    ] = "mlm"
    mlm_probability: Annotated[float, Option(help="Fraction of words to mask.")] = 0.15
    whole_words: Annotated[
        bool, Option("--whole-words/--no-whole-words", help="Mask all subwords of a word together, or each by itself.")
    ] = True
    batch_size: Annotated[int | None, Option(help="Windows per batch. Default: 32.")] = None
    depth: Annotated[int | None, Option(help="Number of layers. Default: 4.")] = None
    context_length: Annotated[int | None, Option(help="Tokens per window, including special tokens. Default: 128.")] = (
        None
    )
    max_grad_norm: Annotated[float | None, Option(help="Maximum gradient norm (clipping).")] = 1.0
    tokenizer: Annotated[str, Option(help=f"Tokenizer to train: {', '.join(TOKENIZERS)}.")] = "wordpiece"
    vocab: Annotated[int, Option(help="Maximum vocabulary size.")] = 8192

    def checked(self) -> "Settings":
        """Return the settings as they are. Raises UserError that names a setting with an impossible value."""
        known = [name for name in models_for("encoder") if name not in TABLES]
        check_settings(self, {"model": known, **CHOICES}, ("depth", "context_length", "vocab"))
        if not 0 < self.mlm_probability < 1:
            raise UserError(f"--mlm-probability is {self.mlm_probability}; expected a fraction between 0 and 1")
        return self

    def started(self, pretrained: "Pretrained") -> "Settings":
        """Return the settings for a training that starts from these weights; see `TrainSettings.started`."""
        from lingon.tasks.masked_language_model.from_weights import started

        return started(self, pretrained)

    def filled(self, data: Any = None) -> "Settings":
        """Return the settings with every None replaced by the default of a new encoder, or of one with weights."""
        best: dict[str, Any] = {**ALWAYS, **(FRESH if self.from_ is None else FROM_WEIGHTS)}
        if self.steps is not None:
            best["epochs"] = None
        return fill(self, best)
