"""From texts with labels and settings to a classifier that is ready to be trained."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, cast

import torch
from torch import nn

from lingon.core.errors import UserError
from lingon.core.seed import seed_everything
from lingon.data.batches import Loader
from lingon.data.examples import Examples, Splits
from lingon.data.tokenizers import Tokenizer
from lingon.engine.dual_coordinate_descent import DualCoordinateDescent
from lingon.engine.fit import History
from lingon.engine.training_parts import OPTIMIZERS
from lingon.layers.embedding import Embedding, load_pretrained
from lingon.models.registry import DataStats, build, get_entry
from lingon.tasks.classify import linear_svm
from lingon.tasks.classify.batches import batches_of, encoded
from lingon.tasks.classify.calibrate import calibrate
from lingon.tasks.classify.classifier import Classifier
from lingon.tasks.classify.encoding import for_pairs
from lingon.tasks.classify.held_out import HeldOut
from lingon.tasks.classify.make_targets import targets_of
from lingon.tasks.classify.prepare_pretrained import prepare_pretrained
from lingon.tasks.classify.settings import Settings
from lingon.tasks.classify.text_features import batches_of as stored_batches
from lingon.tasks.classify.text_features import features_of, learned_batches
from lingon.tasks.model_options import model_options
from lingon.tasks.settings import filled_in
from lingon.tasks.training import ReadVectors, TrainContext, Training


def prepare(
    data: Splits, settings: Settings, context: TrainContext, first: DualCoordinateDescent | None = None
) -> Training:
    """Return a classifier with fresh weights, ready to be trained on texts with labels.

    first: the optimizer of a first training, whose texts are the first of these, and which knew all of them.
    """
    entry, targets = get_entry(settings.model), targets_of(data.train, data.problem_type, settings)
    if context.pretrained is not None:
        started = prepare_pretrained(data, targets, settings, context)
        task = cast(Classifier, started.task)
        # Validation texts, which are trained on when it is refitted, can choose nothing then.
        settings = replace(settings, C=started.facts.get("head_C", settings.C))
        return replace(started, refit=partial(refit, None, task, data, settings, context) if settings.refit else None)
    exact = not OPTIMIZERS[settings.optimizer or entry.optimizer].gradient
    # What is refitted knows the words of the validation texts too; they say nothing of their labels.
    known = data.train + data.valid if exact and settings.refit else data.train
    tokenizer = context.tokenizer(settings.tokenizer, lambda: known.all_texts, filled_in(settings.vocab))
    pair = data.train.text_pairs is not None
    tokenizer = for_pairs(tokenizer) if pair else tokenizer
    seed_everything(settings.seed)
    device = torch.device("cpu") if exact else context.device
    model = model_of(settings, tokenizer, targets.outputs, data.train).to(device)
    coverage = attach_vectors(model, tokenizer, settings, context.read_vectors)
    classifier = Classifier(model, tokenizer, targets, settings.max_length, text_pair=pair)
    optimizer, scaled_logits = None, None
    evaluator: Callable[[nn.Module], dict[str, float]]
    if exact:
        optimizer, batches, validation = _exact_parts(classifier, data, known, settings, first)
        evaluator, scaled_logits = validation, validation.logits
    else:
        batches, ids = batches_of(classifier, data.train, settings, context.world)
        if entry.learn:
            learned_batches(classifier, ids, entry.learn)
        evaluator = classifier.evaluator(data.valid)
    held_out = HeldOut(classifier, data.test)
    return Training(
        task=classifier,
        module=model,
        batches=batches,
        loss=classifier.loss,
        evaluator=evaluator,
        metric=filled_in(settings.metric),
        test=held_out.scores,
        facts={"data": data.source, "padding": batches.padding, "coverage": coverage},
        report=held_out.report,
        sample=held_out.extremes,
        optimizer=optimizer,
        calibrate=partial(calibrate, classifier, data.valid, scaled_logits),
        refit=partial(refit, optimizer, classifier, data, settings, context) if settings.refit else None,
    )


def _exact_parts(
    classifier: Classifier, data: Splits, known: Examples, settings: Settings, first: DualCoordinateDescent | None
) -> tuple[DualCoordinateDescent, Loader, linear_svm.Validation]:
    """Return optimizer, batches and evaluator of a linear model that is trained to its optimum.

    known: the texts whose words it knows, the training texts first. first: see `prepare`.
    """
    model: Any = classifier.model
    store = first.store if first is not None and linear_svm.takes_over(model, first) else None
    if store is None:
        store = features_of(classifier, encoded(classifier, known, settings), get_entry(settings.model).learn)
    optimizer = linear_svm.optimizer_of(model, classifier.targets, data.train, data.valid, settings, store)
    # Dual coordinate descent goes from example to example: each process makes all of the same steps.
    batches = stored_batches(classifier, data.train, store, settings)
    return optimizer, batches, linear_svm.Validation(classifier, data.valid, store, len(data.train))


def refit(
    optimizer: DualCoordinateDescent | None,
    first: Classifier,
    data: Splits,
    settings: Settings,
    context: TrainContext,
    history: History,
) -> Training:
    """Return the training on training and validation texts together, as the best weights were trained.

    That is with the same C, and the scale that was fitted to the validation texts; or for as many epochs.
    optimizer, first, history: of the training that was validated.
    """
    both = replace(data, train=data.train + data.valid)
    if optimizer is None:
        return as_calibrated(
            prepare(both, replace(settings, epochs=history.best_epochs, steps=None, refit=False), context), first
        )
    again = prepare(both, replace(settings, C=optimizer.chosen(history.best_step), refit=False), context, optimizer)
    cast(Any, again.module).scale.copy_(first.model.scale)
    return as_calibrated(again, first)


def as_calibrated(again: Training, first: Classifier) -> Training:
    """Return a training whose classifier has the temperature and thresholds of another."""
    task = cast(Classifier, again.task)
    task.targets = task.targets.calibrated_as(first.targets)
    return replace(again, calibrate=lambda: None)


def model_of(settings: Settings, tokenizer: Tokenizer, classes: int, train: Examples) -> nn.Module:
    """Return the model that the settings name, with fresh weights."""
    words = sum(text.count(" ") + 1 for text in train.all_texts)
    facts = DataStats(len(tokenizer.vocab), words, tokenizer.padding_idx)
    return build(settings.model, model_options(settings, facts, classes=classes))


def attach_vectors(model: nn.Module, tokenizer: Tokenizer, settings: Settings, read: ReadVectors) -> float | None:
    """Put pretrained vectors into the model's embedding; return the fraction of the vocabulary they cover."""
    if settings.vectors is None:
        return None
    embedding = getattr(model, "embedding", None)
    if not isinstance(embedding, Embedding):
        raise UserError(f"--vectors: the model {settings.model!r} has no embedding to put them in; try textcnn")
    vocab = list(tokenizer.vocab)
    tokens, table = read(settings.vectors, set(vocab))
    coverage = load_pretrained(embedding, vocab, tokens, table, freeze=settings.freeze)
    if after := get_entry(settings.model).after_vectors:
        after(model)
    return coverage
