"""The settings of a language model's training."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from typer import Option

from lingon.core.errors import UserError
from lingon.data.tokenizer_table import TOKENIZERS
from lingon.models.registry import get_entry, models_for
from lingon.tasks.settings import TrainSettings, check_settings, fill

if TYPE_CHECKING:
    from lingon.tasks.pretrained import Pretrained

CHOICES: dict[str, Iterable[str]] = {
    "tokenizer": TOKENIZERS,
    "softmax": ("exact", "sampled", "adaptive"),
    "proposal": ("unigram", "log_uniform"),
}

# Of a training that starts from weights, where it is not that of the model: dropout as the weights were trained with.
FROM_WEIGHTS: dict[str, Any] = {"dropout": None, "width": None, "depth": None, "weight_decay": 0.01}


@dataclass(frozen=True)
class Settings(TrainSettings):
    """Settings of a language model and its training. None means the model's default (see its ENTRY)."""

    model: Annotated[str, Option(help="Model: " + " or ".join(models_for("causal")) + ".")] = "gpt"
    batch_size: Annotated[int | None, Option(help="Sequences in a batch. Default: set by the model.")] = None
    schedule: Annotated[str, TrainSettings.__annotations__["schedule"].__metadata__[0]] = "cosine"
    warmup: Annotated[float, TrainSettings.__annotations__["warmup"].__metadata__[0]] = 0.02
    max_grad_norm: Annotated[float | None, Option(help="Maximum gradient norm (clipping).")] = 1.0
    depth: Annotated[int | None, Option(help="Layers. Default: set by the model.")] = None
    context_length: Annotated[int | None, Option(help="Context length in tokens. Default: set by the model.")] = None
    tokenizer: Annotated[str, Option(help=f"Tokenizer to train: {', '.join(TOKENIZERS)}.")] = "bpe"
    vocab: Annotated[int, Option(help="Maximum vocabulary size.")] = 4096
    softmax: Annotated[
        str, Option(help="Softmax of the training loss: exact, sampled or (lstm only) adaptive. Evaluation is exact.")
    ] = "exact"
    samples: Annotated[int | None, Option(help="Negative samples per batch for --softmax sampled. Default: 1024.")] = (
        None
    )
    proposal: Annotated[str | None, Option(help="Distribution of these samples: unigram (default) or log_uniform.")] = (
        None
    )
    gradient_checkpointing: Annotated[
        bool, Option("--gradient-checkpointing", help="Recompute activations in the backward pass, to save memory.")
    ] = False
    fsdp: Annotated[bool, Option("--fsdp", help="Under torchrun: shard the weights as well (FSDP2).")] = False

    def checked(self) -> "Settings":
        """Return the settings as they are. Raises UserError that names a setting with an impossible value."""
        check_settings(
            self, {"model": models_for("causal"), **CHOICES}, ("depth", "context_length", "vocab", "samples")
        )
        if self.tokenizer == "bpe" and self.vocab < 258:
            raise UserError(f"--vocab is {self.vocab}; --tokenizer bpe has a token for every byte, so 258 or more")
        entry = get_entry(self.model)
        if self.softmax == "adaptive" and self.from_ is None and "cutoffs" not in entry.options:
            raise UserError(f"--softmax adaptive is for --model lstm, not {self.model}")
        for name in ("samples", "proposal"):
            if self.softmax != "sampled" and getattr(self, name) is not None:
                raise UserError(f"--{name} is {getattr(self, name)}, which applies only with --softmax sampled")
        if self.fsdp and (self.compile or entry.recurrent):
            other = "--compile" if self.compile else f"--model {self.model}, which is small"
            raise UserError(f"--fsdp shards the weights of gpt and decoder; leave it out with {other}")
        return self

    def started(self, pretrained: "Pretrained") -> "Settings":
        """Return the settings for a training that starts from these weights; see `TrainSettings.started`."""
        from lingon.tasks.language_model.from_weights import started

        return started(self, pretrained)

    def filled(self, data: Any = None) -> "Settings":
        """Return the settings with every None replaced by the model's default."""
        best = {"samples": 1024, "proposal": "unigram", **get_entry(self.model).defaults}
        if self.from_ is not None:
            best |= FROM_WEIGHTS
        if self.steps is not None:
            best["epochs"] = None
        return fill(self, best)
