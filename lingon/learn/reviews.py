"""The reviews that the lessons train on: few and short enough for two cores, real enough to teach something."""

import random
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import nn

from lingon.data.batches import Loader, text_batches
from lingon.data.examples import Examples
from lingon.data.load_data import load_data
from lingon.data.tokenizers import Tokenizer, words
from lingon.engine.fit import TrainConfig, fit
from lingon.engine.optimizers import adamw
from lingon.engine.precision import bfloat16, float32
from lingon.kernels.bfloat16_linear import has_bfloat16
from lingon.tasks.classify import cross_entropy

LABELS = ("negative", "positive")
TOKENS = 8192  # per batch; small batches make many steps of few reviews


@dataclass(frozen=True)
class Reviews:
    """Reviews to train on and to test on, encoded; the first `length` tokens of each are read."""

    train: Examples
    test: Examples
    tokenizer: Tokenizer
    length: int

    @cached_property
    def train_ids(self) -> list[list[int]]:
        """Token ids of the training reviews."""
        return self.tokenizer.encode_batch(self.train.texts)

    @cached_property
    def test_ids(self) -> list[list[int]]:
        """Token ids of the test reviews."""
        return self.tokenizer.encode_batch(self.test.texts)

    def batches(self, seed: int = 0) -> Loader:
        """Shuffled batches of the training reviews, from the start."""
        return text_batches(self.train_ids, _numbers(self.train), max_length=self.length, max_tokens=TOKENS, seed=seed)

    def test_batches(self) -> Loader:
        """Batches of the test reviews, always the same."""
        return text_batches(
            self.test_ids, _numbers(self.test), max_length=self.length, max_tokens=2 * TOKENS, shuffle=False
        )


def small_reviews(train: int = 4000, test: int = 2000, length: int = 150, vocab_size: int = 10_000) -> Reviews:
    """A random but fixed choice of the IMDB reviews, and a tokenizer of the commonest words in those to train on."""
    splits = load_data("imdb")
    some = random.Random(0)
    train_part = splits.train[some.sample(range(len(splits.train)), train)]
    test_part = splits.test[some.sample(range(len(splits.test)), test)]
    return Reviews(train_part, test_part, words(train_part.texts, max_size=vocab_size), length)


def _numbers(examples: Examples) -> list[int]:
    return [LABELS.index(label) for label in examples.labels]


def train_classifier(
    model: nn.Module, reviews: Reviews, epochs: int = 4, lr: float = 4e-3, half: bool = False
) -> float:
    """Trains a model by AdamW with clipped gradients, and gives back its accuracy on the test reviews.

    half: in bfloat16 where the processor has it, in which a recurrent network trains faster.
    """
    precision = bfloat16() if half and has_bfloat16() else float32()
    config = TrainConfig(epochs=epochs, max_grad_norm=1.0, precision=precision)
    fit(model, reviews.batches(), cross_entropy, adamw(model, lr), config=config)
    return accuracy(model, reviews.test_batches())


@torch.inference_mode()
def accuracy(model: nn.Module, batches: Loader) -> float:
    """Share of the reviews whose label the model finds. The model is left as for use, without dropout."""
    model.eval()
    right = [model(b.ids, b.mask).argmax(1) == b.labels for b in batches]
    return torch.cat(right).float().mean().item()
