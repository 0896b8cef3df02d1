"""Trains what judges rewritten sentences: a classifier of styles and a language model, on sentences of their own."""

from dataclasses import replace
from typing import Any, cast

import numpy as np

from lingon.core.seed import seed_everything
from lingon.data.batches import contiguous_batches
from lingon.data.examples import Examples, Splits
from lingon.data.tokenizers import Tokenizer
from lingon.engine.evaluation import Evaluation
from lingon.engine.fit import TrainConfig, fit
from lingon.engine.optimizers import adamw
from lingon.models.registry import build
from lingon.tasks.classify.classifier import Classifier
from lingon.tasks.classify.settings import Settings as ClassifySettings
from lingon.tasks.language_model.language_model import END, LanguageModel
from lingon.tasks.language_model.objective import Objective, carried_loss
from lingon.tasks.training import TrainContext

CLASSIFIER = "ngrams"
LANGUAGE_MODEL = "lstm"
WIDTH, ROWS, CONTEXT, EPOCHS, LR = 128, 16, 35, 6, 3e-3  # of the language model


def train_style_classifier(train: Examples, valid: Examples, seed: int, context: TrainContext) -> Classifier:
    """Return a linear classifier of word and character n-grams, trained to the optimum of its loss."""
    settings = ClassifySettings(model=CLASSIFIER, seed=seed, refit=False).checked()
    data = Splits(train, valid, valid, "sentences")
    own = replace(context, folder=context.folder / "style-classifier", pretrained=None)
    training = Classifier.prepare(data, settings.filled(data), own)
    optimizer: Any = training.optimizer
    fit(
        training.module,
        training.batches,
        training.loss,
        optimizer,
        update=optimizer.update,
        config=TrainConfig(epochs=300),  # at most: it ends at the optimum
        evaluation=Evaluation(training.evaluator, optimizer.optimal, "loss", False, 1),
    )
    training.calibrate()
    return cast(Classifier, training.task)


def train_language_model(texts: list[str], tokenizer: Tokenizer, seed: int, device: Any = "cpu") -> LanguageModel:
    """Return a small LSTM language model of these sentences, whose perplexity says how usual others are."""
    seed_everything(seed)
    size = len(tokenizer.vocab)
    model = build(LANGUAGE_MODEL, {"vocab_size": size, "width": WIDTH, "hidden": WIDTH, "depth": 1, "tied": True})
    model.to(device)
    tokens = np.array([number for ids in tokenizer.encode_batch(texts) for number in [*ids, END]], np.int64)
    rows = max(1, min(ROWS, len(tokens) // (2 * CONTEXT)))
    batches = contiguous_batches(tokens, rows, CONTEXT)
    config = TrainConfig(epochs=EPOCHS, max_grad_norm=1.0)
    fit(Objective(model), batches, carried_loss, adamw(model, LR), config=config)
    return LanguageModel(model.eval(), tokenizer)
