"""From pairs of texts and settings to a translator that is ready to be trained."""

from functools import partial
from typing import TYPE_CHECKING, Any

from lingon.core.seed import seed_everything
from lingon.kernels.allocator import keep_freed_memory
from lingon.metrics.translation import corpus_bleu
from lingon.models.registry import DataStats, build, name_of
from lingon.tasks.model_options import model_options
from lingon.tasks.settings import filled_in
from lingon.tasks.training import TrainContext, Training
from lingon.tasks.translate.encoding import EncodedPairs, encode_pairs, tell_left_out
from lingon.tasks.translate.from_weights import started_translator
from lingon.tasks.translate.held_out import HeldOut
from lingon.tasks.translate.objective import TranslationObjective, pair_loss
from lingon.tasks.translate.scoring import bleu_evaluator, loss_evaluator
from lingon.tasks.translate.settings import Settings
from lingon.tasks.translate.subword_dropout import SubwordDropout
from lingon.tasks.translate.translator import Translator
from lingon.tasks.translate.vocabularies import END, train_vocabularies

if TYPE_CHECKING:
    from lingon.data.parallel_texts import ParallelSplits, ParallelTexts


def prepare(data: "ParallelSplits", settings: Settings, context: TrainContext) -> Training:
    """Return a translator with fresh weights, or those to start from, ready to be trained."""
    corpus_bleu(["a"], ["a"])  # so that what it needs is missed now, and not after an hour
    keep_freed_memory()
    seed_everything(settings.seed)
    source = context.pretrained
    task = started_translator(source.take(), settings) if source else _fresh(data.train, settings, context)
    task.model.to(context.device)
    encoded = encode_pairs(task, data.train, settings.context_length)
    if context.world.rank == 0:
        tell_left_out(encoded, "the training")
    batches = _loader(task, encoded, data.train, settings, context)
    held_out = HeldOut(task, data.test)
    evaluator = bleu_evaluator if settings.metric == "bleu" else loss_evaluator
    return Training(
        task=task,
        module=TranslationObjective(task.model, settings.label_smoothing),
        batches=batches,
        loss=pair_loss,
        evaluator=evaluator(task, data.valid),
        metric=settings.metric,
        test=held_out.scores,
        models={"model": name_of(task.model)},
        facts=_facts(data, encoded, batches.padding),
        report=held_out.report,
        sample=held_out.sample,
    )


def _fresh(train: "ParallelTexts", settings: Settings, context: TrainContext) -> Translator:
    source, target = train_vocabularies(train, settings, context)
    shared, length = source is target, filled_in(settings.context_length)
    end = target.vocab[END]
    more = {"source_vocab_size": 0 if shared else len(source.vocab), "source_length": length}
    more |= {"pad_id": target.pad_id, "start_id": end, "eos_id": end}
    options = model_options(settings, DataStats(len(target.vocab), padding_idx=target.padding_idx), **more)
    return Translator(build(settings.model, options), source, target)


def _loader(
    task: Translator, encoded: EncodedPairs, pairs: "ParallelTexts", settings: Settings, context: TrainContext
) -> Any:
    how: dict[str, Any] = {"max_tokens": settings.max_tokens_per_batch, "batch_size": settings.batch_size}
    how |= {"seed": settings.seed, "rank": context.world.rank, "world": context.world.size}
    columns = encoded.columns(task.model.pad_id)
    if settings.subword_dropout:
        kept = pairs[encoded.rows]
        with_dropout = partial(SubwordDropout, dropout=settings.subword_dropout, seed=settings.seed)
        columns = {
            "sources": with_dropout(task.source, kept.sources, columns["sources"], task.model.source_length),
            "targets": with_dropout(task.target, kept.targets, columns["targets"], task.model.context_length - 1),
        }
    return encoded.loader(task.model.pad_id, columns, **how)


def _facts(data: "ParallelSplits", encoded: EncodedPairs, padding: float) -> dict[str, Any]:
    sides = {"source": encoded.sources, "target": encoded.targets}
    tokens = {name: sum(map(len, rows)) for name, rows in sides.items()}
    return {"data": data.source, "tokens": tokens, "too_long": encoded.left_out, "padding": padding}
