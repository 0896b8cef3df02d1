"""From settings to parts: the tokenizer, the token streams and the model of a language model's training."""

import hashlib
import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import nn

from lingon.core.files import cache_dir
from lingon.core.progress import no_progress
from lingon.core.seed import seed_everything
from lingon.core.terminal import printable
from lingon.data.batches import Loader, Tokens, contiguous_batches, shuffled_windows
from lingon.data.documents import Documents
from lingon.data.shards import Stream, build_shards, fingerprint
from lingon.data.tokenizers import Tokenizer
from lingon.engine.distributed import distribute
from lingon.engine.fsdp import shard
from lingon.engine.loss import LossFunction
from lingon.engine.world import World, wait_for_all
from lingon.kernels.allocator import keep_freed_memory
from lingon.layers.adaptive_softmax import default_cutoffs
from lingon.layers.losses import LogUniform, Unigram
from lingon.metrics.scores import Scores
from lingon.models.registry import DataStats, build, name_of
from lingon.tasks.chat.chat_model import language_model_in
from lingon.tasks.language_model.from_weights import started_model
from lingon.tasks.language_model.language_model import LanguageModel
from lingon.tasks.language_model.objective import (
    Objective,
    Softmax,
    carried_loss,
    check_likelihood,
    exact,
    fresh_loss,
    likelihood,
    recurrent,
    sampled,
)
from lingon.tasks.language_model.settings import Settings
from lingon.tasks.model_options import model_options
from lingon.tasks.settings import filled_in
from lingon.tasks.training import TrainContext, Training

PARTS = ("train", "valid", "test")
END = 0  # the id of [pad], which no text holds: it ends a document
SAMPLE = 64 << 20  # characters that a tokenizer is trained on, at most
AT_ONCE = 1 << 24  # tokens that are counted at a time
GLANCE = 16_384  # tokens of the validation text that are looked at while training


def prepare(data: Documents, settings: Settings, context: TrainContext) -> Training:
    """Return a language model with fresh weights, or those to start from, ready to be trained on running text."""
    source = language_model_in(context.pretrained.take()) if context.pretrained else None
    texts = lambda: list(beginning(data.of("train")))
    tokenizer = source.tokenizer if source else context.tokenizer(settings.tokenizer, texts, settings.vocab)
    eos_ids = (source.eos_ids if source else None) or (END,)
    streams = streams_of(data, tokenizer, context.world, eos_ids[0])
    keep_freed_memory()
    seed_everything(settings.seed)
    model: Any = started_model(source, settings) if source else model_of(settings, len(tokenizer.vocab))
    name, model = name_of(model), model.to(context.device)
    if settings.gradient_checkpointing:
        recomputing(model)
    objective = Objective(model, softmax_of(settings, streams["train"], model.embedding.num_embeddings))
    language = LanguageModel(model, tokenizer, eos_ids, source.chat_template if source else None)
    return Training(
        task=language,
        module=objective,
        batches=batches_of(model, streams["train"], settings, context.world),
        loss=loss_of(model),
        evaluator=evaluator_of(streams["valid"], settings),
        metric="loss",
        test=partial(test_scores, model, streams["test"], settings),
        facts={"tokens": {part: len(stream) for part, stream in streams.items()}},
        sample=lambda: f"generated: {printable('The' + some_text(language), lines=True)}",
        distribute=shard if settings.fsdp else distribute,
        models={"model": name},
    )


def some_text(language: LanguageModel) -> str:
    """Return a short continuation, to be looked at."""
    return language.generate("The", max_new_tokens=60, temperature=0.8)


def test_scores(model: nn.Module, test: Stream, settings: Settings) -> Scores:
    """Return the metrics on the test text. Raises NotFinite for broken weights."""
    found = likelihood(model, test[:], filled_in(settings.context_length), rows=8, bytes=test.bytes)
    return Scores(check_likelihood(found).scores(), "perplexity")


def beginning(documents: Iterator[str]) -> Iterator[str]:
    """Yield documents until a tokenizer has enough to be trained on."""
    held = 0
    for document in documents:
        yield document
        held += len(document)
        if held >= SAMPLE:
            return


def streams_of(data: Documents, tokenizer: Tokenizer, place: World, end: int = END) -> dict[str, Stream]:
    """The tokens of each part, encoded once and kept in the cache folder for other runs with the same tokenizer.

    end: the id that ends a document.
    """
    made_of = json.dumps([data.identity, fingerprint(tokenizer), *([] if end == END else [end])])
    folder = cache_dir() / "streams" / hashlib.sha256(made_of.encode()).hexdigest()[:16]
    if place.rank == 0:
        for part in PARTS:
            build_shards(folder / part, data.of(part), tokenizer, end)
    wait_for_all()
    return {part: Stream(folder / part) for part in PARTS}


def model_of(settings: Settings, vocab_size: int) -> nn.Module:
    """The model that the settings name, with fresh weights."""
    more = {"cutoffs": default_cutoffs(vocab_size)} if settings.softmax == "adaptive" else {}
    return build(settings.model, model_options(settings, DataStats(vocab_size), **more))


def softmax_of(settings: Settings, train: Stream, vocab_size: int) -> Softmax:
    """How the loss is computed while training."""
    if settings.softmax != "sampled":
        return exact
    samples = min(filled_in(settings.samples), vocab_size - 1)
    if settings.proposal == "log_uniform":  # right where ids go by frequency, as those of words do
        return sampled(LogUniform(vocab_size, samples))
    parts = (train[i : i + AT_ONCE] for i in range(0, len(train), AT_ONCE))
    counts = sum(np.bincount(part, minlength=vocab_size) for part in parts)
    return sampled(Unigram(torch.as_tensor(counts).double(), samples))


def batches_of(model: nn.Module, train: Tokens, settings: Settings, place: World) -> Loader:
    """Contiguous order for a model that carries a state from batch to batch, shuffled windows for others."""
    rows, length = filled_in(settings.batch_size), filled_in(settings.context_length)
    if recurrent(model):
        return contiguous_batches(train, rows, length, place.rank, place.size)
    return shuffled_windows(train, rows, length, settings.seed, place.rank, place.size)


def loss_of(model: nn.Module) -> LossFunction:
    """The loss of a batch, with the state of the one before where the model carries one."""
    return carried_loss if recurrent(model) else fresh_loss


def evaluator_of(valid: Stream, settings: Settings) -> Callable[[nn.Module], dict[str, float]]:
    """The loss and perplexity of an objective on the beginning of the validation text."""
    tokens, length = valid[:GLANCE], filled_in(settings.context_length)

    def evaluate(objective: nn.Module) -> dict[str, float]:
        model = objective.get_submodule("model")
        with no_progress():  # the bar of the training is there
            found = likelihood(model, tokens, length, rows=16, stride=length)
        return {"loss": found.loss, "perplexity": found.perplexity}

    return evaluate


def recomputing(model: nn.Module) -> None:
    """Has the blocks of a Transformer forget what is between them, and compute it again for the gradient."""
    from torch.distributed.algorithms._checkpoint.checkpoint_wrapper import apply_activation_checkpointing

    blocks: list[nn.Module] = list(getattr(model, "blocks", []))
    check: Callable[[nn.Module], bool] = lambda module: any(module is block for block in blocks)
    apply_activation_checkpointing(model, check_fn=check)
