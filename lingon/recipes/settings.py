"""The settings of a classifier's training, and what each model does best with."""

from dataclasses import dataclass, fields, replace
from typing import Annotated

from typer import Option

from lingon.core.errors import UserError, unknown
from lingon.models.registry import entry_of, models_for
from lingon.recipes.model_options import refuse_unused

METRICS = ("accuracy", "macro_f1", "auc", "loss", "calibration_error")  # which way each is better: metrics/names.py


@dataclass(frozen=True)
class Settings:
    """How a classifier is made and trained. None means: what suits the model (see its ENTRY)."""

    model: Annotated[str, Option(help=" or ".join(models_for("classifier")) + ".")] = "ngrams"
    epochs: Annotated[float | None, Option(help="How often every text is seen.")] = None
    steps: Annotated[int | None, Option(help="Updates of the weights at most.")] = None
    lr: Annotated[float | None, Option(help="Learning rate at its highest.")] = None
    dropout: Annotated[float | None, Option(help="Share of numbers dropped while training.")] = None
    width: Annotated[int | None, Option(help="Numbers per word vector.")] = None
    size: Annotated[
        list[str] | None, Option(help="Another size of the model, as depth=2 or multichannel=true; repeat for more.")
    ] = None
    tokens: Annotated[int | None, Option(help="Tokens in a batch, padding included.")] = None
    rows: Annotated[int | None, Option(help="Texts in a batch at most.")] = None
    max_length: Annotated[int | None, Option(help="Tokens of a text that are read; the rest is left out.")] = None
    vocab: Annotated[int | None, Option(help="Words that are known, the most frequent ones.")] = None
    weight_decay: Annotated[float | None, Option(help="Decay of matrices; biases and norms never decay.")] = None
    schedule: Annotated[str, Option(help="constant, linear, cosine or inverse_sqrt, after the warm-up.")] = "linear"
    warmup: Annotated[float, Option(help="Share of the steps in which the learning rate rises.")] = 0.05
    clip: Annotated[float | None, Option(help="Longest gradient.")] = None
    accumulate: Annotated[int, Option(help="Batches per step.")] = 1
    evaluations: Annotated[int, Option(help="How often the validation texts are looked at, over the whole run.")] = 8
    patience: Annotated[int | None, Option(help="Stop after so many evaluations without a better one.")] = None
    metric: Annotated[str, Option(help="What the best weights are best at: " + ", ".join(METRICS) + ".")] = "accuracy"
    class_weights: Annotated[
        str | None, Option(help="balanced: rare labels count as much as others; or good=1,bad=2.5.")
    ] = None
    average: Annotated[str, Option(help="none, ema, swa or nt: average the weights of many steps.")] = "none"
    tokenizer: Annotated[str, Option(help="words, characters, bpe, wordpiece or unigram.")] = "words"
    vectors: Annotated[str | None, Option(help="glove-6b-50d, or a GloVe or word2vec text file.")] = None
    freeze: Annotated[bool, Option("--freeze", help="Keep the pretrained vectors as they are.")] = False
    seed: Annotated[int, Option(help="Everything random follows from it.")] = 0
    device: Annotated[str, Option(help="cpu, cuda, mps or auto.")] = "auto"
    precision: Annotated[str, Option(help="float32, bfloat16 or float16.")] = "float32"
    compile: Annotated[bool, Option("--compile", help="Compile the model with torch.compile.")] = False


@dataclass(frozen=True)
class Folder:
    """Where a run keeps what it makes."""

    out: Annotated[str, Option(help="The folder of the run.")]
    resume: Annotated[bool, Option("--resume", help="Go on where this run was stopped.")] = False
    overwrite: Annotated[bool, Option("--overwrite", help="Put a new run in the place of the old one.")] = False


FEWEST_STEPS = 400  # a model has learned little before, however few texts there are
FEWEST_ROWS = 8
FEW_TEXTS = 10_000
AT_LEAST = {
    "epochs": 0,
    "steps": 1,
    "lr": 0,
    "tokens": 1,
    "rows": 1,
    "max_length": 1,
    "vocab": 1,
    "accumulate": 1,
    "patience": 1,
    "evaluations": 1,
}
CHOICES = {
    "model": tuple(models_for("classifier")),
    "metric": METRICS,
    "schedule": ("constant", "linear", "cosine", "inverse_sqrt"),
    "average": ("none", "ema", "swa", "nt"),
    "tokenizer": ("words", "characters", "bpe", "wordpiece", "unigram"),
    "precision": ("float32", "bfloat16", "float16"),
}


def checked(settings: Settings) -> Settings:
    """The settings as they are. Raises UserError that names a setting with an impossible value."""
    for name, known in CHOICES.items():
        if getattr(settings, name) not in known:
            raise unknown(name, getattr(settings, name), known)
    for name, least in AT_LEAST.items():
        value = getattr(settings, name)
        if value is not None and not (value >= least and value < 1e12 and (least or value > 0)):
            raise UserError(
                f"--{name.replace('_', '-')} is {value}; expected {'more than 0' if not least else f'{least} or more'}"
            )
    if settings.dropout is not None and not 0 <= settings.dropout < 1:
        raise UserError(f"--dropout is {settings.dropout}; expected a share from 0 up to, not including, 1")
    if settings.weight_decay is not None and not 0 <= settings.weight_decay < 1e12:
        raise UserError(f"--weight-decay is {settings.weight_decay}; expected 0 or more")
    if not 0 <= settings.warmup <= 1:
        raise UserError(f"--warmup is {settings.warmup}; expected a share from 0 to 1")
    refuse_unused(settings)
    return settings


def filled(settings: Settings, texts: int) -> Settings:
    """The settings with what suits the model, and the number of training texts, in the place of every None.

    Few texts get smaller batches, more epochs and for n-grams longer steps, so that they are learned from enough.
    """
    entry = entry_of(settings.model)
    best = dict(entry.defaults)
    best["rows"] = max(FEWEST_ROWS, min(best["rows"], texts // 64))
    if texts < FEW_TEXTS:
        best |= entry.few_texts
    rows = settings.rows or best["rows"]
    best["epochs"] = max(best["epochs"], -(-FEWEST_STEPS * rows // max(1, texts)))
    missing = [f.name for f in fields(settings) if getattr(settings, f.name) is None]
    return replace(settings, **{name: best.get(name) for name in missing})
