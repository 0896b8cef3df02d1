"""From sentences with tags and settings to a tagger that is ready to be trained."""

import sys
from dataclasses import replace
from functools import partial
from typing import Any

from lingon.core.seed import seed_everything
from lingon.data.tagged_sentences import TaggedSentences, TaggedSplits
from lingon.engine.fit import History
from lingon.engine.world import world
from lingon.kernels.allocator import keep_freed_memory
from lingon.layers.embedding import load_pretrained
from lingon.models.registry import DataStats, build, name_of
from lingon.tasks.model_options import model_options
from lingon.tasks.settings import filled_in
from lingon.tasks.tag.from_weights import started_tagger
from lingon.tasks.tag.held_out import HeldOut
from lingon.tasks.tag.objective import TagObjective, tag_loss
from lingon.tasks.tag.settings import Settings
from lingon.tasks.tag.tag_names import names_of
from lingon.tasks.tag.tagger import Tagger
from lingon.tasks.tag.word_vocabulary import read_table, word_tokenizer
from lingon.tasks.training import TrainContext, Training
from lingon.tasks.tuning import training_parts

WORDS = "bilstm_crf"  # the model that reads whole words


def prepare(data: TaggedSplits, settings: Settings, context: TrainContext) -> Training:
    """Return a tagger with fresh weights, or those to start from, ready to be trained on sentences with tags."""
    tags, labels = names_of(data.train)
    keep_freed_memory()
    facts: dict[str, Any] = {"data": data.source}
    pretrained = context.pretrained
    if pretrained is not None:
        seed_everything(settings.seed)
        task = started_tagger(pretrained.take(), tags, labels, settings, pretrained.name)
    else:
        task, facts["coverage"] = _fresh(data.train, tags, labels, settings, context)
    task.model.to(context.device)
    _tell_unknown(task, data.valid)
    batches = task.batches(
        data.train,
        max_tokens=settings.max_tokens_per_batch,
        batch_size=settings.batch_size,
        seed=settings.seed,
        rank=context.world.rank,
        world=context.world.size,
    )
    parts = training_parts(task.model, settings)
    evaluate, held_out = task.evaluator(data.valid), HeldOut(task, data.test)
    return Training(
        task=task,
        module=TagObjective(task.model),
        batches=batches,
        loss=tag_loss,
        evaluator=lambda module: evaluate(module.get_submodule("model")),
        metric=filled_in(settings.metric),
        test=held_out.scores,
        models={"model": name_of(task.model)},
        facts={**facts, "padding": batches.padding},
        report=held_out.report,
        sample=held_out.extremes,
        refit=partial(refit, data, settings, context) if settings.refit else None,
        **parts,
    )


def refit(data: TaggedSplits, settings: Settings, context: TrainContext, history: History) -> Training:
    """Return the training on training and validation sentences together, for as long as the best weights were."""
    both = replace(data, train=data.train + data.valid)
    return prepare(both, replace(settings, epochs=history.best_epochs, steps=None, refit=False), context)


def _fresh(
    train: TaggedSentences, tags: list[str], labels: list[str], settings: Settings, context: TrainContext
) -> tuple[Tagger, float | None]:
    """A tagger with fresh weights, and how much of its vocabulary has pretrained vectors."""
    table = read_table(context, settings.vectors, settings.width)
    most = filled_in(settings.vocab)
    if settings.model == WORDS:
        tokenizer = word_tokenizer(context, train.words, most, table)
    else:
        tokenizer = context.tokenizer("wordpiece", lambda: [" ".join(words) for words in train.words], most)
    settings = settings if table is None else replace(settings, width=table[1].shape[1])
    seed_everything(settings.seed)
    stats = DataStats(len(tokenizer.vocab), train.word_count(), tokenizer.padding_idx)
    sizes = {"tags": len(tags), "labels": len(labels), "crf": settings.crf}
    if settings.model != WORDS:
        sizes["max_length"] = settings.max_length
    model: Any = build(settings.model, model_options(settings, stats, **sizes))
    coverage = None
    if table is not None:
        coverage = load_pretrained(model.embedding, list(tokenizer.vocab), *table, freeze=settings.freeze)
    return Tagger(model, tokenizer, tags, labels), coverage


def _tell_unknown(task: Tagger, valid: TaggedSentences) -> None:
    """Say which tags of validation sentences no training sentence has: they can only be wrong."""
    unknown = sorted(set(valid.tag_counts()) - set(task.tags))
    if unknown and world().rank == 0:
        print(f"no training sentence has the tags {', '.join(unknown[:5])} of the validation data", file=sys.stderr)
