"""Sentences of words as the columns that a tagger reads: token ids, places of words, characters, tags and labels."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import nn

from lingon.data.batches import Column, FirstPieces, Padded, Values, WordCharacters
from lingon.data.tokenizers import Tokenizer, word_pieces

TARGETS = ("tags", "labels")  # what a batch holds for the loss; all else is read by the model


@dataclass(frozen=True)
class Encoded:
    """Sentences as token ids, and the columns beside them."""

    ids: list[list[int]]
    columns: dict[str, Column]


def encode(
    model: nn.Module, tokenizer: Tokenizer, sentences: Sequence[Sequence[str]], max_length: int | None
) -> Encoded:
    """Encode sentences of words, with the characters of words where the model reads them."""
    pieces = word_pieces(tokenizer, sentences, max_length)
    columns: dict[str, Column] = {"first": FirstPieces(pieces.first)}
    if getattr(model, "characters", None) is not None:
        columns["characters"] = WordCharacters(sentences)
    return Encoded(pieces.ids, columns)


def targets(
    tags: Sequence[Sequence[str]], known: Sequence[str], labels: Sequence[str | None], known_labels: Sequence[str]
) -> dict[str, Column]:
    """Return the columns of tags and labels as their numbers; that of one that is not known is one too many."""
    number = {tag: i for i, tag in enumerate(known)}
    columns: dict[str, Column] = {"tags": Padded("tags", [[number.get(t, len(known)) for t in row] for row in tags])}
    if known_labels:
        place = {label: i for i, label in enumerate(known_labels)}
        found = [len(known_labels) if label is None else place.get(label, len(known_labels)) for label in labels]
        columns["labels"] = Values("labels", np.array(found, np.int64))
    return columns


def read_by(batch: Any) -> dict[str, Any]:
    """Return what the model reads of a batch, by name."""
    return {name: batch[name] for name in batch if name not in TARGETS}
