"""From settings to parts: tokenizer, windows and model of an encoder's pretraining."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

from lingon.core.seed import seed_everything
from lingon.data.batches import Loader, Shuffled
from lingon.data.documents import Documents
from lingon.data.shards import Stream
from lingon.kernels.allocator import keep_freed_memory
from lingon.metrics.scores import Scores
from lingon.models.masked_encoder import MaskedEncoder
from lingon.models.registry import DataStats, build, name_of
from lingon.tasks.embed.embedder import Embedder
from lingon.tasks.language_model.prepare import beginning, streams_of
from lingon.tasks.masked_language_model.from_weights import encoder_of
from lingon.tasks.masked_language_model.masked_language_model import MaskedLanguageModel
from lingon.tasks.masked_language_model.objective import (
    MaskedObjective,
    ReplacedObjective,
    masked_loss,
    masked_scores,
    replaced_loss,
    replaced_scores,
)
from lingon.tasks.masked_language_model.settings import Settings
from lingon.tasks.masked_language_model.special_ids import with_mask, without_template
from lingon.tasks.model_options import model_options
from lingon.tasks.settings import filled_in
from lingon.tasks.training import TrainContext, Training
from lingon.tasks.tuning import apply_tuning

GLANCE = 16_384  # tokens of the validation text that are looked at while training
NARROWER = 4  # times, that the generator of ELECTRA is narrower than the encoder (Clark et al. 2020, table 6)


def prepare(data: Documents, settings: Settings, context: TrainContext) -> Training:
    """Return an encoder with fresh weights, or those to start from, ready to be pretrained on running text."""
    source = context.pretrained.take() if context.pretrained else None
    texts = lambda: list(beginning(data.of("train")))
    trained = lambda: with_mask(context.tokenizer(settings.tokenizer, texts, settings.vocab))
    tokenizer = source.tokenizer if source else trained()
    keep_freed_memory()
    seed_everything(settings.seed)
    task = source if isinstance(source, MaskedLanguageModel) else None
    if task is None:
        encoder: Any = encoder_of(source) if source else _fresh(settings, tokenizer)
        task = MaskedLanguageModel(MaskedEncoder(encoder), tokenizer)
    task.model.to(context.device)
    apply_tuning(task.model, settings)
    end = task.special.after
    streams = streams_of(data, without_template(tokenizer), context.world, 0 if end is None else end)
    made = _masked if settings.objective == "mlm" else _replaced
    windows = task.windows(streams["train"], filled_in(settings.context_length))
    order = Shuffled(len(windows), filled_in(settings.batch_size), settings.seed)
    batches = Loader({"windows": windows}, order, context.world.rank, context.world.size)
    facts: dict[str, Any] = {"tokens": {part: len(stream) for part, stream in streams.items()}}
    facts["unigram_entropy"] = unigram_entropy(streams["valid"])
    return made(task, settings, batches, streams, facts)


def _masked(task: MaskedLanguageModel, settings: Settings, batches: Loader, streams: Any, facts: Any) -> Training:
    length, valid = filled_in(settings.context_length), streams["valid"][:GLANCE]
    return Training(
        task=task,
        module=MaskedObjective(task.model, task.masking(settings.mlm_probability, settings.whole_words)),
        batches=batches,
        loss=masked_loss,
        evaluator=lambda module: masked_scores(task, module.get_submodule("model"), valid, length),
        metric="loss",
        test=lambda: Scores(masked_scores(task, task.model, streams["test"][:], length), "loss"),
        models={"model": "masked_encoder"},
        facts=facts,
        sample=lambda: "\n".join(map(str, task.predict([f"The {task.special.mask_token} of the"]))),
        encoder=task.encoder,
    )


def _replaced(task: MaskedLanguageModel, settings: Settings, batches: Loader, streams: Any, facts: Any) -> Training:
    length, encoder = filled_in(settings.context_length), task.encoder
    masking = task.masking(settings.mlm_probability, settings.whole_words)
    generator = MaskedEncoder(_narrow(encoder)).to(task.device)
    objective = ReplacedObjective(generator, encoder, masking).to(task.device)
    scores: Callable[[Any, nn.Module], dict[str, float]] = lambda tokens, module: replaced_scores(
        task, module, tokens, length
    )
    return Training(
        task=Embedder(encoder, task.tokenizer, "mean"),
        module=objective,
        batches=batches,
        loss=replaced_loss,
        evaluator=lambda module: scores(streams["valid"][:GLANCE], module),
        metric="loss",
        test=lambda: Scores(scores(streams["test"][:], objective), "loss"),
        models={"model": name_of(encoder)},
        facts=facts,
        encoder=encoder,
    )


def _fresh(settings: Settings, tokenizer: Any) -> nn.Module:
    stats = DataStats(len(tokenizer.vocab), padding_idx=tokenizer.padding_idx)
    return build(settings.model, model_options(settings, stats))


def _narrow(encoder: Any) -> nn.Module:
    """Return a BERT of a quarter of the width, for the generator; as deep and of the same vocabulary."""
    heads = encoder.blocks[0].attention.heads
    width = max(1, encoder.width // NARROWER // heads) * heads
    sizes = {"vocab_size": encoder.embedding.num_embeddings, "width": width, "depth": len(encoder.blocks)}
    return build("bert", sizes | {"heads": heads, "context_length": encoder.context_length, "dropout": 0.0})


def unigram_entropy(stream: Stream) -> float:
    """Return the entropy of the tokens of a text, in nats: the loss of who knows how frequent each is, no more."""
    counts = np.bincount(stream[: 1 << 22])
    shares = torch.from_numpy(counts[counts > 0] / counts.sum())
    return float(-(shares * shares.log()).sum())
