"""From texts with labels and weights to start from, to a classifier that is ready to be trained further."""

from functools import partial
from typing import Any

import torch
from torch import nn

from lingon.core.seed import seed_everything
from lingon.data.batches import Loader, SequentialOrder
from lingon.data.examples import Examples, Splits
from lingon.engine.convex_optimum import ConvexOptimum
from lingon.kernels.allocator import keep_freed_memory
from lingon.models.registry import name_of
from lingon.tasks.classify.batches import batches_of, encoded
from lingon.tasks.classify.calibrate import calibrate
from lingon.tasks.classify.classifier import Classifier
from lingon.tasks.classify.columns import text_weights
from lingon.tasks.classify.contrastive import prepare_contrastive
from lingon.tasks.classify.from_weights import started_classifier
from lingon.tasks.classify.head_optimum import fit_head
from lingon.tasks.classify.held_out import HeldOut
from lingon.tasks.classify.settings import Settings
from lingon.tasks.classify.targets.target import Targets
from lingon.tasks.classify.text_vectors import head_columns, head_loss, vectors_of
from lingon.tasks.settings import filled_in
from lingon.tasks.training import TrainContext, Training
from lingon.tasks.tuning import training_parts
from lingon.tasks.tuning_options import HEAD_PATH

HELD = 0.25  # fraction of the free memory that vectors may take; where they take more, texts are encoded each epoch


def prepare_pretrained(data: Splits, targets: Targets, settings: Settings, context: TrainContext) -> Training:
    """Return a classifier with the weights that the context names, ready to be trained on texts with labels."""
    pretrained = context.pretrained
    assert pretrained is not None, "called only with weights to start from"
    keep_freed_memory()
    seed_everything(settings.seed)
    pair = data.train.text_pairs is not None
    classifier = started_classifier(pretrained.take(), targets, settings, pretrained.name, pair)
    classifier.model.to(context.device)
    if settings.tuning == "frozen" and _fit_into_memory(len(data.train) + len(data.valid), classifier):
        return _with_vectors(classifier, data, settings)
    if settings.tuning == "contrastive":
        return prepare_contrastive(classifier, data, settings, context)
    parts, facts = training_parts(classifier.model, settings), {}
    if settings.tuning == "head-first" and _fit_into_memory(len(data.train) + len(data.valid), classifier):
        facts["head_C"] = fit_head(classifier, data, settings)
        seed_everything(settings.seed)
        parts = {}
    batches, _ = batches_of(classifier, data.train, settings, context.world)
    held_out = HeldOut(classifier, data.test)
    return Training(
        task=classifier,
        module=classifier.model,
        batches=batches,
        loss=classifier.loss,
        evaluator=classifier.evaluator(data.valid),
        metric=filled_in(settings.metric),
        test=held_out.scores,
        models={"model": name_of(classifier.model)},
        facts={"data": data.source, "padding": batches.padding, **facts},
        report=held_out.report,
        sample=held_out.extremes,
        calibrate=partial(calibrate, classifier, data.valid),
        starts_good="head_C" in facts,
        **parts,
    )


def _with_vectors(classifier: Classifier, data: Splits, settings: Settings) -> Training:
    """The training of a head on an encoder that stays as it is: each text is encoded once."""
    model: Any = classifier.model
    head, held_out = model.output, HeldOut(classifier, data.test)
    parts = (encoded(classifier, part, settings) for part in (data.train, data.valid))
    train, valid = (vectors_of(classifier, part, settings.precision) for part in parts)
    columns, loss = head_columns(classifier, data.train, train), head_loss(classifier)
    numbers, weights = classifier.numbers(data.valid.labels), text_weights(data.valid)
    path = (settings.C,) if settings.C is not None else HEAD_PATH

    def evaluate(module: nn.Module) -> dict[str, float]:
        with torch.no_grad():
            return classifier.targets.metrics_of(module(valid), numbers, weights)

    return Training(
        task=classifier,
        module=head.cpu(),
        batches=Loader(columns, SequentialOrder(len(train), len(train))),
        loss=lambda module, batch: loss(module(batch.vectors), batch),
        evaluator=evaluate,
        metric=filled_in(settings.metric),
        test=held_out.scores,
        models={"model": name_of(model)},
        facts={"data": data.source},
        report=held_out.report,
        sample=held_out.extremes,
        calibrate=partial(_whole_again, classifier, head, data.valid),
        optimizer=ConvexOptimum(head, loss, path),
    )


def _whole_again(classifier: Classifier, head: nn.Module, valid: Examples) -> None:
    """Bring the head, which was trained on the CPU, to where its encoder is, and calibrate the two."""
    head.to(classifier.device)
    calibrate(classifier, valid)


def _fit_into_memory(texts: int, classifier: Classifier) -> bool:
    import psutil

    model: Any = classifier.model
    return 4 * texts * model.width < HELD * psutil.virtual_memory().available
