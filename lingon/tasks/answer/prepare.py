"""From questions with answers and settings to an answerer that is ready to be trained."""

from dataclasses import replace
from functools import partial
from typing import Any, cast

from lingon.core.seed import seed_everything
from lingon.data.questions import Question, QuestionSplits
from lingon.engine.fit import History
from lingon.kernels.allocator import keep_freed_memory
from lingon.models.registry import DataStats, build
from lingon.tasks.answer.answerer import Answerer
from lingon.tasks.answer.from_weights import started_answerer
from lingon.tasks.answer.held_out import HeldOut
from lingon.tasks.answer.settings import Settings
from lingon.tasks.model_options import model_options
from lingon.tasks.settings import filled_in
from lingon.tasks.training import TrainContext, Training
from lingon.tasks.tuning import training_parts

UNDECIDED = 0.0  # the threshold of no answer before it is chosen: whichever is likelier


def prepare(data: QuestionSplits, settings: Settings, context: TrainContext) -> Training:
    """Return an answerer with fresh weights, or those to start from, ready to be trained."""
    keep_freed_memory()
    seed_everything(settings.seed)
    source = context.pretrained
    task = started_answerer(source.take(), settings, source.name) if source else _fresh(data.train, settings, context)
    task.model.to(context.device)
    if not all(question.answers for question in data.train):
        task.null_score_diff_threshold = UNDECIDED
    encoded, place = task.encoded(data.train), context.world
    how: dict[str, Any] = {"max_tokens": settings.max_tokens_per_batch, "batch_size": settings.batch_size}
    how |= {"seed": settings.seed, "rank": place.rank, "world": place.size}
    batches = encoded.loader(task.tokenizer.pad_id, how)
    parts = training_parts(task.model, settings)
    if settings.refit:
        parts["refit"] = partial(refit, task, data, settings, context)
    held_out = HeldOut(task, data.test)
    return Training(
        task=task,
        module=task.model,
        batches=batches,
        loss=task.loss,
        evaluator=task.evaluator(data.valid),
        metric=settings.metric,
        test=held_out.scores,
        facts={"data": data.source, "windows": len(encoded.windows.rows), "padding": batches.padding},
        report=held_out.report,
        sample=held_out.sample,
        calibrate=partial(task.calibrate, data.valid),
        **parts,
    )


def refit(
    first: Answerer, data: QuestionSplits, settings: Settings, context: TrainContext, history: History
) -> Training:
    """Return the training on training and validation questions together, for as long as the best weights were trained.

    first, history: of the training that was validated, whose threshold of no answer is kept.
    """
    both = replace(data, train=data.train + data.valid)
    again = prepare(both, replace(settings, epochs=history.best_epochs, steps=None, refit=False), context)
    cast(Answerer, again.task).null_score_diff_threshold = first.null_score_diff_threshold
    return replace(again, calibrate=lambda: None)


def _fresh(train: list[Question], settings: Settings, context: TrainContext) -> Answerer:
    texts = lambda: [*dict.fromkeys(one.context for one in train), *(one.question for one in train)]
    tokenizer = context.tokenizer(settings.tokenizer, texts, settings.vocab).with_template()
    stats = DataStats(len(tokenizer.vocab), padding_idx=tokenizer.padding_idx)
    model = build(settings.model, model_options(settings, stats))
    length, stride = filled_in(settings.max_length), filled_in(settings.doc_stride)
    return Answerer(model, tokenizer, length, stride, settings.max_answer_length)
