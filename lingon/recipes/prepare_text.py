"""From settings to parts: the tokenizer, the token streams and the model of a language model's training."""

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from lingon.core.files import cache_dir
from lingon.data.batches import Loader, Tokens, contiguous_batches, shuffled_windows
from lingon.data.shards import Stream, build_shards, fingerprint
from lingon.data.tokenizers import Tokenizer, bpe, characters, spaces, unigram, words
from lingon.engine.distributed import distribute
from lingon.engine.evaluation import Evaluation
from lingon.engine.fsdp import shard
from lingon.engine.loss import LossFunction
from lingon.engine.world import World, wait_for_all
from lingon.layers.adaptive_softmax import usual_cutoffs
from lingon.layers.losses import LogUniform, Unigram
from lingon.models.registry import Facts, build
from lingon.recipes.model_options import model_options
from lingon.recipes.prepare import compiled, steps_of
from lingon.recipes.text_settings import TextSettings
from lingon.tasks.language_model.objective import (
    Softmax,
    carried_loss,
    exact,
    fresh_loss,
    likelihood,
    recurrent,
    sampled,
)

PARTS = ("train", "valid", "test")
END = 0  # the id of [pad], which no text holds: it ends a document
SAMPLE = 64 << 20  # characters that a tokenizer is trained on, at most
AT_ONCE = 1 << 24  # tokens that are counted at a time
GLANCE = 16_384  # tokens of the validation text that are looked at while training
TOKENIZERS = {
    "bpe": bpe,
    "unigram": unigram,
    "words": lambda texts, size: words(texts, max_size=size),
    "spaces": lambda texts, size: spaces(texts, max_size=size),
    "characters": lambda texts, size: characters(texts, max_size=max(size, 1000)),
}


Read = Callable[[str], Iterator[str]]  # the documents of a part: "train", "valid" or "test"


def tokenizer_of(read: Read, settings: TextSettings, kept: Path, place: World) -> Tokenizer:
    """A tokenizer trained on the training text, and kept in the run's folder for when the run is resumed."""
    if place.rank == 0 and not kept.exists():
        texts = list(_beginning(read("train")))
        TOKENIZERS[settings.tokenizer](texts, settings.vocab).save(kept)
    wait_for_all()
    return Tokenizer.load(kept)


def _beginning(documents: Iterator[str]) -> Iterator[str]:
    held = 0
    for document in documents:
        yield document
        held += len(document)
        if held >= SAMPLE:
            return


def streams_of(read: Read, identity: list[Any], tokenizer: Tokenizer, place: World) -> dict[str, Stream]:
    """The tokens of each part, encoded once and kept in the cache folder for other runs with the same tokenizer.

    identity: what tells these texts from others.
    """
    made_of = json.dumps([identity, fingerprint(tokenizer)])
    folder = cache_dir() / "streams" / hashlib.sha256(made_of.encode()).hexdigest()[:16]
    if place.rank == 0:
        for part in PARTS:
            build_shards(folder / part, read(part), tokenizer, END)
    wait_for_all()
    return {part: Stream(folder / part) for part in PARTS}


def model_of(settings: TextSettings, vocab_size: int) -> nn.Module:
    """The model that the settings name, with fresh weights."""
    more = {"cutoffs": usual_cutoffs(vocab_size)} if settings.softmax == "adaptive" else {}
    return build(settings.model, model_options(settings, Facts(vocab_size), **more))


def softmax_of(settings: TextSettings, train: Stream, vocab_size: int) -> Softmax:
    """How the loss is computed while training."""
    if settings.softmax != "sampled":
        return exact
    samples = min(settings.samples, vocab_size - 1)
    if settings.proposal == "log_uniform":  # right where ids go by frequency, as those of words do
        return sampled(LogUniform(vocab_size, samples))
    parts = (train[i : i + AT_ONCE] for i in range(0, len(train), AT_ONCE))
    counts = sum(np.bincount(part, minlength=vocab_size) for part in parts)
    return sampled(Unigram(torch.as_tensor(counts).double(), samples))


def batches_of(model: nn.Module, train: Tokens, settings: TextSettings, place: World) -> Loader:
    """Contiguous order for a model that carries a state from batch to batch, shuffled windows for others."""
    if recurrent(model):
        return contiguous_batches(train, settings.batch_size, settings.context_length, place.rank, place.size)
    return shuffled_windows(train, settings.batch_size, settings.context_length, settings.seed, place.rank, place.size)


def wrap(objective: nn.Module, settings: TextSettings) -> nn.Module:
    """The model as it is trained: compiled, copied to or spread over the processes of torchrun, where wanted."""
    if settings.fsdp:
        return shard(objective)
    return distribute(compiled(objective) if settings.compile else objective)


def loss_of(model: nn.Module) -> LossFunction:
    """The loss of a batch, with the state of the one before where the model carries one."""
    return carried_loss if recurrent(model) else fresh_loss


def evaluation_of(valid: Stream, settings: TextSettings, batches_per_epoch: int) -> Evaluation:
    """When to look at the validation text; the weights with the lowest loss on it are kept."""
    every = max(1, steps_of(settings, batches_per_epoch) // settings.evals)
    tokens = valid[:GLANCE]

    def evaluate(objective: nn.Module) -> dict[str, float]:
        found = likelihood(objective.model, tokens, settings.context_length, rows=16, stride=settings.context_length)
        return {"loss": found.loss, "perplexity": found.perplexity}

    return Evaluation(evaluate, every=every, metric="loss", higher_is_better=False, patience=settings.patience)


def recomputing(model: nn.Module) -> None:
    """Has the blocks of a Transformer forget what is between them, and compute it again for the gradient."""
    from torch.distributed.algorithms._checkpoint.checkpoint_wrapper import apply_activation_checkpointing

    blocks: list[nn.Module] = list(getattr(model, "blocks", []))
    check: Callable[[nn.Module], bool] = lambda module: any(module is block for block in blocks)
    apply_activation_checkpointing(model, check_fn=check)
