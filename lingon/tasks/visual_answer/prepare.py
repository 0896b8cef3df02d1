"""From questions on images and settings to an answerer that is ready to be trained."""

import sys
from typing import Any

from lingon.core.errors import UserError
from lingon.core.seed import seed_everything
from lingon.data.image_questions import ImageQuestions, ImageQuestionSplits
from lingon.engine.world import world
from lingon.kernels.allocator import keep_freed_memory
from lingon.models.registry import DataStats, build, get_entry
from lingon.tasks.model_options import model_options
from lingon.tasks.own_weights import model_for_labels, refuse_other_size
from lingon.tasks.settings import filled_in
from lingon.tasks.training import TrainContext, Training
from lingon.tasks.visual_answer.held_out import HeldOut
from lingon.tasks.visual_answer.scoring import unseen_answers
from lingon.tasks.visual_answer.settings import Settings
from lingon.tasks.visual_answer.visual_answerer import VisualAnswerer


def prepare(data: ImageQuestionSplits, settings: Settings, context: TrainContext) -> Training:
    """Return an answerer, with fresh weights or those that the context names, ready to be trained."""
    keep_freed_memory()
    make = _fresh if context.pretrained is None else _started
    task = make(data.train, settings, context)
    task.model.to(context.device)
    for name, part in (("validation", data.valid), ("test", data.test)):
        if (line := unseen_answers(part, task.answers)) and world().rank == 0:
            print(f"{name}: {line}", file=sys.stderr)
    place, held_out = context.world, HeldOut(task, data.test)
    batches = task.batches(
        data.train, filled_in(settings.batch_size), seed=settings.seed, rank=place.rank, world=place.size
    )
    return Training(
        task=task,
        module=task.model,
        batches=batches,
        loss=task.loss,
        evaluator=task.evaluator(data.valid),
        metric=settings.metric,
        test=held_out.scores,
        facts={"data": data.source, "answers": len(task.answers)},
        report=held_out.report,
        sample=held_out.sample,
    )


def answers_of(data: ImageQuestions, most: int) -> list[str]:
    """Return the answers of training questions, often ones first, `most` at most. Raises UserError for fewer than two.

    With a single answer there is nothing to be learned.
    """
    found = list(data.answer_counts())[:most]
    if len(found) < 2:
        raise UserError(f"the training questions have the answers {found}; at least two different ones are needed")
    return found


def _fresh(train: ImageQuestions, settings: Settings, context: TrainContext) -> VisualAnswerer:
    answers = answers_of(train, settings.max_answers)
    tokenizer = context.tokenizer("words", lambda: [one.question for one in train.questions], settings.vocab)
    seed_everything(settings.seed)
    more: dict[str, Any] = {"classes": len(answers)}
    height, width = train.image_size
    if "image_height" in get_entry(settings.model).options:
        more |= {"image_height": height, "image_width": width}
    stats = DataStats(len(tokenizer.vocab), padding_idx=tokenizer.padding_idx)
    model = build(settings.model, model_options(settings, stats, **more))
    return VisualAnswerer(model, tokenizer, answers, (height, width))


def _started(train: ImageQuestions, settings: Settings, context: TrainContext) -> VisualAnswerer:
    """The answerer of the context with its words, and a new head where training has answers that it does not know."""
    assert context.pretrained is not None, "called only with weights to start from"
    source, name, answers = context.pretrained.take(), context.pretrained.name, answers_of(train, settings.max_answers)
    if "image_height" in get_entry(settings.model).options:
        refuse_other_size(name, source.image_size, train.image_size)
    seed_everything(settings.seed)
    model, answers = model_for_labels(source.model, source.answers, answers, name, settings.dropout, "answers")
    return VisualAnswerer(model, source.tokenizer, answers, train.image_size)
