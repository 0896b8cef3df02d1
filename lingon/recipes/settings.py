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

    model: Annotated[str, Option(help="Model: " + " or ".join(models_for("classifier")) + ".")] = "ngrams"
    epochs: Annotated[float | None, Option(help="Passes over the training data; the model's own by default.")] = None
    steps: Annotated[int | None, Option(help="Optimizer steps at most; no limit by default.")] = None
    lr: Annotated[float | None, Option(help="Peak learning rate; the model's own by default.")] = None
    dropout: Annotated[float | None, Option(help="Dropout probability; the model's own by default.")] = None
    width: Annotated[int | None, Option(help="Embedding dimension; the model's own by default.")] = None
    set: Annotated[
        list[str] | None, Option(help="Another option of the model, as depth=2 or multichannel=true; repeat for more.")
    ] = None
    max_tokens_per_batch: Annotated[int | None, Option(help="Tokens in a batch at most, padding included.")] = None
    batch_size: Annotated[int | None, Option(help="Texts in a batch at most; the model's own by default.")] = None
    max_length: Annotated[int | None, Option(help="Tokens of a text that are read; the rest is cut off.")] = None
    vocab: Annotated[int | None, Option(help="Vocabulary size at most, the most frequent tokens.")] = None
    weight_decay: Annotated[float | None, Option(help="Weight decay of matrices, not of biases and norms.")] = None
    schedule: Annotated[
        str, Option(help="Learning rate after the warm-up: constant, linear, cosine, inverse_sqrt.")
    ] = "linear"
    warmup: Annotated[float, Option(help="Warm-up of the learning rate, as a fraction of all steps.")] = 0.05
    max_grad_norm: Annotated[float | None, Option(help="Maximum gradient norm; longer gradients are scaled to it.")] = (
        None
    )
    accumulation_steps: Annotated[int, Option(help="Batches whose gradients are summed for one step.")] = 1
    evals: Annotated[int, Option(help="Evaluations on the validation data, over the whole run.")] = 8
    patience: Annotated[int | None, Option(help="Early stopping: evaluations without a new best. Off by default.")] = (
        None
    )
    metric: Annotated[str, Option(help="Metric that selects the best weights: " + ", ".join(METRICS) + ".")] = (
        "accuracy"
    )
    class_weights: Annotated[
        str | None, Option(help="Weights of the classes in the loss: balanced, or good=1,bad=2.5. Equal by default.")
    ] = None
    weight_average: Annotated[str, Option(help="Average of the weights over steps: none, ema, swa or nt.")] = "none"
    tokenizer: Annotated[str, Option(help="Tokenizer to train: words, characters, bpe, wordpiece or unigram.")] = (
        "words"
    )
    vectors: Annotated[
        str | None, Option(help="Pretrained word vectors: glove-6b-50d, or a GloVe or word2vec file.")
    ] = None
    freeze: Annotated[bool, Option("--freeze", help="Do not train the pretrained word vectors.")] = False
    seed: Annotated[int, Option(help="Random seed.")] = 0
    device: Annotated[str, Option(help="Device: cpu, cuda, mps or auto.")] = "auto"
    precision: Annotated[str, Option(help="Mixed precision: float32 (off), bfloat16 or float16.")] = "float32"
    compile: Annotated[bool, Option("--compile", help="Compile the model with torch.compile.")] = False


@dataclass(frozen=True)
class Folder:
    """Where a run keeps what it makes."""

    out: Annotated[str, Option(help="Output folder of the run.")]
    resume: Annotated[bool, Option("--resume", help="Resume this run from its last checkpoint.")] = False
    overwrite: Annotated[bool, Option("--overwrite", help="Replace the run in the output folder.")] = False


FEWEST_STEPS = 400  # a model has learned little before, however few texts there are
FEWEST_ROWS = 8
FEW_TEXTS = 10_000
AT_LEAST = {
    "epochs": 0,
    "steps": 1,
    "lr": 0,
    "max_tokens_per_batch": 1,
    "batch_size": 1,
    "max_length": 1,
    "vocab": 1,
    "accumulation_steps": 1,
    "patience": 1,
    "evals": 1,
}
CHOICES = {
    "model": tuple(models_for("classifier")),
    "metric": METRICS,
    "schedule": ("constant", "linear", "cosine", "inverse_sqrt"),
    "weight_average": ("none", "ema", "swa", "nt"),
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
        raise UserError(f"--dropout is {settings.dropout}; expected a fraction from 0 up to, not including, 1")
    if settings.weight_decay is not None and not 0 <= settings.weight_decay < 1e12:
        raise UserError(f"--weight-decay is {settings.weight_decay}; expected 0 or more")
    if not 0 <= settings.warmup <= 1:
        raise UserError(f"--warmup is {settings.warmup}; expected a fraction from 0 to 1")
    refuse_unused(settings)
    return settings


def filled(settings: Settings, texts: int) -> Settings:
    """The settings with what suits the model, and the number of training texts, in the place of every None.

    Few texts get smaller batches, more epochs and for n-grams longer steps, so that they are learned from enough.
    """
    entry = entry_of(settings.model)
    best = dict(entry.defaults)
    best["batch_size"] = max(FEWEST_ROWS, min(best["batch_size"], texts // 64))
    if texts < FEW_TEXTS:
        best |= entry.few_texts
    rows = settings.batch_size or best["batch_size"]
    best["epochs"] = max(best["epochs"], -(-FEWEST_STEPS * rows // max(1, texts)))
    missing = [f.name for f in fields(settings) if getattr(settings, f.name) is None]
    return replace(settings, **{name: best.get(name) for name in missing})
