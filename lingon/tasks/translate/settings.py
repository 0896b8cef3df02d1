"""The settings of the training of a translator."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from typer import Option

from lingon.core.errors import UserError
from lingon.data.tokenizer_table import TOKENIZERS
from lingon.models.registry import get_entry, models_for
from lingon.tasks.settings import TrainSettings, check_settings, fill
from lingon.tasks.tuning_options import require_tuning

if TYPE_CHECKING:
    from lingon.tasks.pretrained import Pretrained

METRICS = ("bleu", "loss")
VOCABULARIES = ("shared", "separate")
TUNINGS = ("full", "lora")
BYTES = 259  # tokens of the smallest vocabulary on bytes: all bytes, padding, the unknown token and the end
SHORTEST = 8  # tokens of a text at most, at least
DEFAULTS: dict[str, Any] = {"lr": 1e-3, "epochs": 6, "weight_decay": 0.01, "dropout": 0.1, "context_length": 256}
# Weights that are trained further take smaller steps, and matrices beside weights that stay larger ones.
STARTED: dict[str, dict[str, Any]] = {"full": {"lr": 2e-4, "epochs": 3}, "lora": {"lr": 5e-4, "epochs": 3}}


@dataclass(frozen=True)
class Settings(TrainSettings):
    """Settings of a translator and its training. None means its default."""

    model: Annotated[str, Option(help="Model: " + " or ".join(models_for("seq2seq")) + ".")] = "transformer"
    batch_size: Annotated[int | None, Option(help="Maximum number of pairs per batch. Default: no limit.")] = None
    max_tokens_per_batch: Annotated[
        int, Option(help="Maximum tokens per batch, of sources and targets, padding included.")
    ] = 4_096
    context_length: Annotated[
        int | None, Option(help="Maximum tokens of a source, and of a target; longer pairs are dropped. Default: 256.")
    ] = None
    depth: Annotated[
        int | None, Option(help="Layers of the encoder, and of the decoder. Default: set by the model.")
    ] = None
    tokenizer: Annotated[str, Option(help=f"Tokenizer to train: {', '.join(TOKENIZERS)}.")] = "bpe"
    vocab: Annotated[int, Option(help="Maximum vocabulary size, of each side if they are separate.")] = 8192
    vocabularies: Annotated[
        str, Option(help="Vocabularies of source and target: shared, trained on both, or separate.")
    ] = "shared"
    subword_dropout: Annotated[
        float | None,
        Option(help="BPE dropout: probability of omitting a merge. Default: 0."),
    ] = None
    label_smoothing: Annotated[float, Option(help="Label smoothing: probability mass spread over all tokens.")] = 0.1
    metric: Annotated[str, Option(help=f"Validation metric that selects the best weights: {', '.join(METRICS)}.")] = (
        "bleu"
    )
    warmup: Annotated[float, TrainSettings.__annotations__["warmup"].__metadata__[0]] = 0.08
    weight_average: Annotated[str, TrainSettings.__annotations__["weight_average"].__metadata__[0]] = "ema"
    max_grad_norm: Annotated[float | None, Option(help="Maximum gradient norm (clipping).")] = 1.0

    def checked(self) -> "Settings":
        """Return the settings as they are. Raises UserError that names a setting with an impossible value."""
        choices = {
            "model": models_for("seq2seq"),
            "metric": METRICS,
            "tokenizer": TOKENIZERS,
            "vocabularies": VOCABULARIES,
        }
        check_settings(self, choices, ("max_tokens_per_batch", "vocab", "depth", "context_length"))
        require_tuning(self, TUNINGS, "which is for an encoder with a head")
        if self.context_length is not None and self.context_length < SHORTEST:
            raise UserError(f"--context-length is {self.context_length}; expected {SHORTEST} or more")
        if self.from_ is None and self.tokenizer == "bpe" and self.vocab < BYTES:
            raise UserError(f"--vocab is {self.vocab}; --tokenizer bpe has a token for every byte, so {BYTES} or more")
        for name in ("label_smoothing", "subword_dropout"):
            value = getattr(self, name)
            if value is not None and not 0 <= value < 1:
                flag = name.replace("_", "-")
                raise UserError(f"--{flag} is {value}; expected a fraction from 0 up to, not including, 1")
        if self.subword_dropout and self.from_ is None and self.tokenizer != "bpe":
            said = f"--subword-dropout is {self.subword_dropout}, which leaves out merges of --tokenizer bpe"
            raise UserError(f"{said}; --tokenizer {self.tokenizer} has none, and its library draws no other cuts")
        return self

    def started(self, pretrained: "Pretrained") -> "Settings":
        """Return the settings for a training that starts from these weights; see `TrainSettings.started`."""
        from lingon.tasks.translate.from_weights import started

        return started(self, pretrained)

    def filled(self, data: Any = None) -> "Settings":
        """Return the settings with every None replaced by the default of a new model, or of one with weights."""
        best = {**DEFAULTS, **get_entry(self.model).defaults}
        if self.from_ is not None:
            best |= {"dropout": None, "context_length": None, "width": None, "depth": None}
            best |= STARTED[self.tuning or "full"]
        if self.steps is not None:
            best["epochs"] = None
        return fill(self, best)
