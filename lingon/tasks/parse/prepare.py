"""From trees and settings to a parser that is ready to be trained."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from lingon.core.errors import UserError
from lingon.core.seed import seed_everything
from lingon.data.trees import Tree, TreeSplits
from lingon.engine.fit import History
from lingon.engine.world import world
from lingon.kernels.allocator import keep_freed_memory
from lingon.models.registry import DataStats, build, name_of
from lingon.tasks.model_options import model_options
from lingon.tasks.parse.from_weights import started_parser
from lingon.tasks.parse.held_out import HeldOut
from lingon.tasks.parse.objective import ParseObjective, parse_loss
from lingon.tasks.parse.parser import Parser
from lingon.tasks.parse.settings import Settings
from lingon.tasks.settings import filled_in
from lingon.tasks.training import TrainContext, Training
from lingon.tasks.tuning import training_parts


def prepare(data: TreeSplits, settings: Settings, context: TrainContext) -> Training:
    """Return a parser with fresh weights, or those to start from, ready to be trained on trees."""
    relations = relations_of(data.train)
    keep_freed_memory()
    if context.pretrained is not None:
        seed_everything(settings.seed)
        task = started_parser(context.pretrained.take(), relations, settings, context.pretrained.name)
    else:
        task = _fresh(data.train, relations, settings, context)
    task.model.to(context.device)
    _tell_unknown(task, data.valid)
    batches = task.batches(
        data.train,
        max_tokens=filled_in(settings.max_tokens_per_batch),
        batch_size=settings.batch_size,
        seed=settings.seed,
        rank=context.world.rank,
        world=context.world.size,
    )
    parts = training_parts(task.model, settings)
    evaluate, held_out = task.evaluator(data.valid), HeldOut(task, data.test)
    return Training(
        task=task,
        module=ParseObjective(task.model),
        batches=batches,
        loss=parse_loss,
        evaluator=lambda module: evaluate(module.get_submodule("model")),
        metric=settings.metric,
        test=held_out.scores,
        models={"model": name_of(task.model)},
        facts={"data": data.source, "padding": batches.padding},
        report=held_out.report,
        sample=held_out.extremes,
        refit=partial(refit, data, settings, context) if settings.refit else None,
        **parts,
    )


def refit(data: TreeSplits, settings: Settings, context: TrainContext, history: History) -> Training:
    """Return the training on training and validation trees together, for as long as the best weights were."""
    both = replace(data, train=data.train + data.valid)
    return prepare(both, replace(settings, epochs=history.best_epochs, steps=None, refit=False), context)


def relations_of(trees: Sequence[Tree]) -> list[str]:
    """Return the relations of trees alphabetically. Raises UserError where there is none."""
    found = sorted({relation for tree in trees for relation in tree.relations})
    if not found:
        raise UserError("the training sentences have no words")
    return found


def _fresh(train: Sequence[Tree], relations: list[str], settings: Settings, context: TrainContext) -> Parser:
    """A parser with fresh weights on a small BERT, whose tokenizer is trained on the words."""
    texts = lambda: [" ".join(tree.words) for tree in train]
    tokenizer = context.tokenizer("wordpiece", texts, filled_in(settings.vocab))
    seed_everything(settings.seed)
    stats = DataStats(len(tokenizer.vocab), padding_idx=tokenizer.padding_idx)
    model = build(settings.model, model_options(settings, stats, classes=len(relations)))
    return Parser(model, tokenizer, relations)


def _tell_unknown(task: Parser, valid: Sequence[Tree]) -> None:
    """Say which relations of validation trees no training tree has: they can only be wrong."""
    unknown = sorted({relation for tree in valid for relation in tree.relations} - set(task.relations))
    if unknown and world().rank == 0:
        print(f"no training tree has the relations {', '.join(unknown[:5])} of the validation data", file=sys.stderr)
