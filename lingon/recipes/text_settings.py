"""The settings of a language model's training, and what each model does best with."""

from dataclasses import dataclass, fields, replace
from typing import Annotated

from typer import Option

from lingon.core.errors import UserError, unknown
from lingon.models.registry import entry_of, models_for
from lingon.recipes.model_options import refuse_unused


@dataclass(frozen=True)
class TextSettings:
    """How a language model is made and trained. None means: what suits the model (see its ENTRY)."""

    model: Annotated[str, Option(help=" or ".join(models_for("causal")) + ".")] = "gpt"
    epochs: Annotated[float | None, Option(help="How often the text is read.")] = None
    steps: Annotated[int | None, Option(help="Updates of the weights; the end is whichever comes first.")] = None
    lr: Annotated[float | None, Option(help="Learning rate at its highest.")] = None
    dropout: Annotated[float | None, Option(help="Share of numbers dropped while training.")] = None
    width: Annotated[int | None, Option(help="Numbers that describe one token.")] = None
    depth: Annotated[int | None, Option(help="Layers.")] = None
    context: Annotated[int | None, Option(help="Tokens that are read at a time.")] = None
    rows: Annotated[int | None, Option(help="Stretches of text in a batch.")] = None
    size: Annotated[list[str] | None, Option(help="Another size of the model, as heads=8; repeat for more.")] = None
    tokenizer: Annotated[str, Option(help="bpe, unigram, words, spaces or characters.")] = "bpe"
    vocab: Annotated[int, Option(help="Tokens that are known, at most.")] = 4096
    softmax: Annotated[str, Option(help="exact, sampled, or adaptive (lstm); what is reported is exact.")] = "exact"
    samples: Annotated[int | None, Option(help="Rivals that a sampled softmax draws for each batch. 1024")] = None
    proposal: Annotated[str | None, Option(help="unigram or log_uniform: how they are drawn. unigram")] = None
    weight_decay: Annotated[float | None, Option(help="Decay of matrices; biases and norms never decay.")] = None
    schedule: Annotated[str, Option(help="constant, linear, cosine or inverse_sqrt, after the warm-up.")] = "cosine"
    warmup: Annotated[float, Option(help="Share of the steps in which the learning rate rises.")] = 0.02
    clip: Annotated[float | None, Option(help="Longest gradient.")] = 1.0
    accumulate: Annotated[int, Option(help="Batches per step.")] = 1
    evaluations: Annotated[int, Option(help="How often the validation text is looked at, over the whole run.")] = 8
    patience: Annotated[int | None, Option(help="Stop after so many evaluations without a better one.")] = None
    average: Annotated[str, Option(help="none, ema, swa or nt: average the weights of many steps.")] = "none"
    recompute: Annotated[bool, Option("--recompute", help="Less memory: layers are computed again going back.")] = False
    seed: Annotated[int, Option(help="Everything random follows from it.")] = 0
    device: Annotated[str, Option(help="cpu, cuda, mps or auto.")] = "auto"
    precision: Annotated[str, Option(help="float32, bfloat16 or float16.")] = "float32"
    compile: Annotated[bool, Option("--compile", help="Compile the model with torch.compile.")] = False
    shard: Annotated[bool, Option("--shard", help="Under torchrun: spread weights too, not only batches.")] = False


CHOICES = {
    "model": tuple(models_for("causal")),
    "tokenizer": ("bpe", "unigram", "words", "spaces", "characters"),
    "softmax": ("exact", "sampled", "adaptive"),
    "proposal": ("unigram", "log_uniform"),
    "schedule": ("constant", "linear", "cosine", "inverse_sqrt"),
    "average": ("none", "ema", "swa", "nt"),
    "precision": ("float32", "bfloat16", "float16"),
}
POSITIVE = ("epochs", "steps", "lr", "width", "depth", "context", "rows", "vocab", "samples", "clip", "accumulate")


def checked(settings: TextSettings) -> TextSettings:
    """The settings as they are. Raises UserError that names a setting with an impossible value."""
    for name, known in CHOICES.items():
        if getattr(settings, name) not in (*known, None):
            raise unknown(name, getattr(settings, name), known)
    for name in (*POSITIVE, "evaluations", "patience"):
        value = getattr(settings, name)
        if value is not None and not 0 < value < 1e12:
            raise UserError(f"--{name} is {value}; expected more than 0")
    if settings.dropout is not None and not 0 <= settings.dropout < 1:
        raise UserError(f"--dropout is {settings.dropout}; expected a share from 0 up to, not including, 1")
    if settings.weight_decay is not None and not 0 <= settings.weight_decay < 1e12:
        raise UserError(f"--weight-decay is {settings.weight_decay}; expected 0 or more")
    if not 0 <= settings.warmup <= 1:
        raise UserError(f"--warmup is {settings.warmup}; expected a share from 0 to 1")
    if settings.tokenizer == "bpe" and settings.vocab < 258:
        raise UserError(f"--vocab is {settings.vocab}; --tokenizer bpe has a token for every byte, so 258 or more")
    entry = entry_of(settings.model)
    if settings.softmax == "adaptive" and "cutoffs" not in entry.options:
        raise UserError(f"--softmax adaptive is for --model lstm, not {settings.model}")
    for name in ("samples", "proposal"):
        if settings.softmax != "sampled" and getattr(settings, name) is not None:
            raise UserError(f"--{name} is {getattr(settings, name)}, which counts with --softmax sampled only")
    if settings.shard and (settings.compile or entry.recurrent):
        other = "--compile" if settings.compile else f"--model {settings.model}, which is small"
        raise UserError(f"--shard spreads the weights of gpt and decoder; leave it out with {other}")
    refuse_unused(settings)
    return settings


def filled(settings: TextSettings) -> TextSettings:
    """The settings with what suits the model in the place of every None."""
    best = {"samples": 1024, "proposal": "unigram", **entry_of(settings.model).defaults}
    missing = [f.name for f in fields(settings) if getattr(settings, f.name) is None]
    if settings.steps is not None and "epochs" in missing:
        missing.remove("epochs")
    return replace(settings, **{name: best.get(name) for name in missing})
