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

    model: Annotated[str, Option(help="Model: " + " or ".join(models_for("causal")) + ".")] = "gpt"
    epochs: Annotated[float | None, Option(help="Passes over the training data; the model's own by default.")] = None
    steps: Annotated[int | None, Option(help="Optimizer steps at most; the end is whichever comes first.")] = None
    lr: Annotated[float | None, Option(help="Peak learning rate; the model's own by default.")] = None
    dropout: Annotated[float | None, Option(help="Dropout probability; the model's own by default.")] = None
    width: Annotated[int | None, Option(help="Hidden size; the model's own by default.")] = None
    depth: Annotated[int | None, Option(help="Layers; the model's own by default.")] = None
    context_length: Annotated[int | None, Option(help="Context length in tokens; the model's own by default.")] = None
    batch_size: Annotated[int | None, Option(help="Sequences in a batch; the model's own by default.")] = None
    set: Annotated[list[str] | None, Option(help="Another option of the model, as heads=8; repeat for more.")] = None
    tokenizer: Annotated[str, Option(help="Tokenizer to train: bpe, unigram, words, spaces or characters.")] = "bpe"
    vocab: Annotated[int, Option(help="Vocabulary size at most.")] = 4096
    softmax: Annotated[str, Option(help="Softmax of the training loss: exact, sampled or, for lstm, adaptive.")] = (
        "exact"
    )
    samples: Annotated[int | None, Option(help="Negative samples of --softmax sampled, per batch. 1024")] = None
    proposal: Annotated[str | None, Option(help="Distribution of these samples: unigram or log_uniform. unigram")] = (
        None
    )
    weight_decay: Annotated[float | None, Option(help="Weight decay of matrices, not of biases and norms.")] = None
    schedule: Annotated[
        str, Option(help="Learning rate after the warm-up: constant, linear, cosine, inverse_sqrt.")
    ] = "cosine"
    warmup: Annotated[float, Option(help="Warm-up of the learning rate, as a fraction of all steps.")] = 0.02
    max_grad_norm: Annotated[float | None, Option(help="Maximum gradient norm; longer gradients are scaled to it.")] = (
        1.0
    )
    accumulation_steps: Annotated[int, Option(help="Batches whose gradients are summed for one step.")] = 1
    evals: Annotated[int, Option(help="Evaluations on the validation data, over the whole run.")] = 8
    patience: Annotated[int | None, Option(help="Early stopping: evaluations without a new best. Off by default.")] = (
        None
    )
    weight_average: Annotated[str, Option(help="Average of the weights over steps: none, ema, swa or nt.")] = "none"
    gradient_checkpointing: Annotated[
        bool, Option("--gradient-checkpointing", help="Compute activations again in the backward pass, to save memory.")
    ] = False
    seed: Annotated[int, Option(help="Random seed.")] = 0
    device: Annotated[str, Option(help="Device: cpu, cuda, mps or auto.")] = "auto"
    precision: Annotated[str, Option(help="Mixed precision: float32 (off), bfloat16 or float16.")] = "float32"
    compile: Annotated[bool, Option("--compile", help="Compile the model with torch.compile.")] = False
    fsdp: Annotated[bool, Option("--fsdp", help="Under torchrun: shard the weights as well (FSDP2).")] = False


CHOICES = {
    "model": tuple(models_for("causal")),
    "tokenizer": ("bpe", "unigram", "words", "spaces", "characters"),
    "softmax": ("exact", "sampled", "adaptive"),
    "proposal": ("unigram", "log_uniform"),
    "schedule": ("constant", "linear", "cosine", "inverse_sqrt"),
    "weight_average": ("none", "ema", "swa", "nt"),
    "precision": ("float32", "bfloat16", "float16"),
}
POSITIVE = ("epochs", "steps", "lr", "width", "depth", "context_length", "batch_size", "vocab", "samples")
POSITIVE += ("max_grad_norm", "accumulation_steps", "evals", "patience")


def checked(settings: TextSettings) -> TextSettings:
    """The settings as they are. Raises UserError that names a setting with an impossible value."""
    for name, known in CHOICES.items():
        if getattr(settings, name) not in (*known, None):
            raise unknown(name, getattr(settings, name), known)
    for name in POSITIVE:
        value = getattr(settings, name)
        if value is not None and not 0 < value < 1e12:
            raise UserError(f"--{name.replace('_', '-')} is {value}; expected more than 0")
    if settings.dropout is not None and not 0 <= settings.dropout < 1:
        raise UserError(f"--dropout is {settings.dropout}; expected a fraction from 0 up to, not including, 1")
    if settings.weight_decay is not None and not 0 <= settings.weight_decay < 1e12:
        raise UserError(f"--weight-decay is {settings.weight_decay}; expected 0 or more")
    if not 0 <= settings.warmup <= 1:
        raise UserError(f"--warmup is {settings.warmup}; expected a fraction from 0 to 1")
    if settings.tokenizer == "bpe" and settings.vocab < 258:
        raise UserError(f"--vocab is {settings.vocab}; --tokenizer bpe has a token for every byte, so 258 or more")
    entry = entry_of(settings.model)
    if settings.softmax == "adaptive" and "cutoffs" not in entry.options:
        raise UserError(f"--softmax adaptive is for --model lstm, not {settings.model}")
    for name in ("samples", "proposal"):
        if settings.softmax != "sampled" and getattr(settings, name) is not None:
            raise UserError(f"--{name} is {getattr(settings, name)}, which counts with --softmax sampled only")
    if settings.fsdp and (settings.compile or entry.recurrent):
        other = "--compile" if settings.compile else f"--model {settings.model}, which is small"
        raise UserError(f"--fsdp spreads the weights of gpt and decoder; leave it out with {other}")
    refuse_unused(settings)
    return settings


def filled(settings: TextSettings) -> TextSettings:
    """The settings with what suits the model in the place of every None."""
    best = {"samples": 1024, "proposal": "unigram", **entry_of(settings.model).defaults}
    missing = [f.name for f in fields(settings) if getattr(settings, f.name) is None]
    if settings.steps is not None and "epochs" in missing:
        missing.remove("epochs")
    return replace(settings, **{name: best.get(name) for name in missing})
