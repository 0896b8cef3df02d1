"""From settings to parts: the tokenizer, the model, the optimizer and the configuration of a classifier's training."""

import sys
from pathlib import Path

from torch import nn

from lingon.core.errors import UserError
from lingon.data.batches import Loader
from lingon.data.examples import Examples
from lingon.data.tokenizers import Tokenizer, bpe, characters, unigram, wordpiece, words
from lingon.engine import precision, schedule
from lingon.engine.average import EMA, NTASGD, SWA
from lingon.engine.compile import compiled
from lingon.engine.distributed import distribute
from lingon.engine.evaluation import Evaluation
from lingon.engine.fit import TrainConfig
from lingon.engine.optimizers import adamw
from lingon.engine.sparse_optimizer import row_adagrad
from lingon.engine.world import World, wait_for_all
from lingon.layers.embedding import attach
from lingon.metrics.names import HIGHER_IS_BETTER
from lingon.models.registry import Facts, build, entry_of
from lingon.recipes.model_options import model_options
from lingon.recipes.settings import Settings
from lingon.tasks.classify import Classifier
from lingon.word_vectors.files.load import read_vectors

TOKENIZERS = {
    "words": lambda texts, size: words(texts, max_size=size),
    "characters": lambda texts, size: characters(texts, max_size=max(size, 1000)),
    "bpe": bpe,
    "wordpiece": wordpiece,
    "unigram": unigram,
}


def tokenizer_of(texts: list[str], settings: Settings, kept: Path, place: World) -> Tokenizer:
    """A tokenizer trained on the training texts, and kept in the run's folder for when the run is resumed."""
    if place.rank == 0 and not kept.exists():
        TOKENIZERS[settings.tokenizer](texts, settings.vocab).save(kept)
    wait_for_all()
    return Tokenizer.load(kept)


def labels_of(train: Examples) -> list[str]:
    """The labels in the training texts: by number where all are numbers, else by alphabet."""
    labels = list(train.label_counts())
    if len(labels) < 2:
        raise UserError(f"all {len(train):,} texts have the label {labels[0]!r}; a classifier needs two or more labels")
    try:
        return sorted(labels, key=float)
    except ValueError:
        return sorted(labels)


def model_of(settings: Settings, tokenizer: Tokenizer, classes: int, train: Examples) -> nn.Module:
    """The model that the settings name, with fresh weights."""
    facts = Facts(len(tokenizer.vocab), words=sum(text.count(" ") + 1 for text in train.texts))
    return build(settings.model, model_options(settings, facts, classes=classes))


def attach_vectors(model: nn.Module, tokenizer: Tokenizer, settings: Settings) -> float | None:
    """Puts pretrained vectors into the model's embedding; returns the share of the vocabulary they cover."""
    if settings.vectors is None:
        return None
    if not hasattr(model, "embedding"):
        raise UserError(f"--vectors: the model {settings.model!r} has no embedding to put them in; try textcnn")
    vocab = list(tokenizer.vocab)
    tokens, table = read_vectors(settings.vectors, only=set(vocab))
    coverage = attach(model.embedding, vocab, tokens, table, freeze=settings.freeze)
    if after := entry_of(settings.model).after_vectors:
        after(model)
    return coverage


def batches_of(classifier: Classifier, train: Examples, settings: Settings, place: World) -> Loader:
    """This process's share of the training batches; says once how much of the texts is not read."""
    ids, cut = classifier.encode_counted(train.texts)
    if cut.texts and place.rank == 0:
        print(
            f"{cut.texts:,} of {cut.of_texts:,} training texts are longer than --max-length {settings.max_length:,}: "
            f"{cut.tokens:,} of {cut.of_tokens:,} tokens ({cut.tokens / cut.of_tokens:.1%}), their ends, are not read",
            file=sys.stderr,
        )
    how = {"max_tokens": settings.max_tokens_per_batch, "batch_size": settings.batch_size, "seed": settings.seed}
    return classifier.batches_of_ids(ids, train.labels, **how, rank=place.rank, world=place.size)


def wrap(model: nn.Module, settings: Settings) -> nn.Module:
    """The model as it is trained: compiled where wanted, and spread over the processes of torchrun."""
    return distribute(compiled(model) if settings.compile else model)


def optimizer_of(model: nn.Module, settings: Settings):
    """AdamW; for n-grams, of which a batch meets few, an optimizer that touches only those."""
    if entry_of(settings.model).optimizer == "row_adagrad":
        return row_adagrad(model, settings.lr)
    return adamw(model, settings.lr, weight_decay=settings.weight_decay or 0.0)


def steps_of(settings: Settings, batches_per_epoch: int) -> int:
    """Steps of the whole training."""
    config = TrainConfig(epochs=settings.epochs, steps=settings.steps, accumulation_steps=settings.accumulation_steps)
    return config.total(range(batches_per_epoch))


def evaluation_of(classifier: Classifier, valid: Examples, settings: Settings, batches_per_epoch: int) -> Evaluation:
    """When to look at the validation texts; the weights that are best on them by `settings.metric` are kept."""
    every = max(1, steps_of(settings, batches_per_epoch) // settings.evals)
    better = HIGHER_IS_BETTER[settings.metric]
    return Evaluation(classifier.evaluator(valid), every, settings.metric, better, settings.patience)


def train_config(settings: Settings, batches_per_epoch: int) -> TrainConfig:
    """How long, how fast and how precisely to train."""
    steps = steps_of(settings, batches_per_epoch)
    rise = round(settings.warmup * steps)
    falls = {
        "constant": schedule.constant,
        "linear": lambda: schedule.linear(steps - rise),
        "cosine": lambda: schedule.cosine(steps - rise),
        "inverse_sqrt": lambda: schedule.inverse_sqrt(max(1, rise)),
    }
    averages = {"none": None, "ema": EMA(), "swa": SWA(start=steps * 3 // 4), "nt": NTASGD(2)}
    return TrainConfig(
        epochs=settings.epochs,
        steps=settings.steps,
        schedule=schedule.warmup(rise, falls[settings.schedule]()),
        max_grad_norm=settings.max_grad_norm,
        accumulation_steps=settings.accumulation_steps,
        precision=getattr(precision, settings.precision)(),
        weight_average=averages[settings.weight_average],
    )
