"""Vectors of texts and of words after each layer of an encoder."""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from lingon.core.errors import UserError
from lingon.core.shapes import Float, Tensor
from lingon.interpret.recording import in_equal_lengths, record
from lingon.layers.pooling import pooling_of

Span = tuple[int, int]  # [start, end) in characters


def encoder_of(task: Any) -> Any:
    """Return the encoder of a task: of sentence vectors, or of a classifier on an encoder.

    Raises UserError for a task whose model has no vector for each token.
    """
    model = getattr(task, "model", None)
    found = getattr(model, "encoder", model)
    if not hasattr(found, "width") or not hasattr(task, "token_ids"):
        raise UserError(
            f"the model of this {task.name} is a {type(model).__name__}, which has no hidden states of tokens"
        )
    return found


def text_vectors(task: Any, texts: Sequence[str], pooling: str = "mean") -> Float[np.ndarray, "L n D"]:
    """Return a vector of each text after each layer, starting with the embeddings. pooling: mean, cls or max."""
    pool = pooling_of(pooling)
    return _by_layer(task, texts, lambda number, hidden: pool(hidden, torch.ones(1, hidden.shape[1], dtype=torch.bool)))


def span_vectors(task: Any, texts: Sequence[str], spans: Sequence[Span]) -> Float[np.ndarray, "L n D"]:
    """Return the vector of one span in each text after each layer: the mean of the tokens that overlap it.

    spans: [start, end) in characters. Raises UserError for a span without a token, as when a text is truncated.
    """
    tokens = [_tokens_in(task, text, span) for text, span in zip(texts, spans, strict=True)]
    return _by_layer(task, texts, lambda number, hidden: hidden[:, tokens[number]].mean(1))


def find_word(text: str, word: str) -> Span:
    """Return the first occurrence of a word in a text, ignoring case. Raises UserError if there is none.

    >>> find_word("By the river bank.", "Bank")
    (13, 17)
    """
    found = re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text, re.IGNORECASE)
    if found is None:
        raise UserError(f"the word {word!r} does not stand in {text[:60]!r}")
    return found.span()


def _tokens_in(task: Any, text: str, span: Span) -> list[int]:
    offsets = task.tokenizer.offsets(text, task.max_length)
    found = [i for i, (start, end) in enumerate(offsets) if start < span[1] and end > span[0]]
    if not found:
        raise UserError(f"no token stands at characters {span[0]} to {span[1]} of {text[:60]!r}, or it was cut")
    return found


def _by_layer(task: Any, texts: Sequence[str], pick: Any) -> Float[np.ndarray, "L n D"]:
    """Return the result of `pick` on the states of each text, (index of the text, [1, T, D]) -> [1, D], by layer."""
    encoder = encoder_of(task)
    if not len(texts):
        raise UserError("there are no texts to look at")
    out: list[list[Tensor]] = [[] for _ in texts]
    for numbers, ids in in_equal_lengths(task.token_ids(texts)):
        hidden = record(encoder, ids).hidden
        for place, number in enumerate(numbers):
            out[number] = [pick(number, layer[place : place + 1])[0] for layer in hidden]
    return torch.stack([torch.stack(layers) for layers in out], 1).float().numpy()
