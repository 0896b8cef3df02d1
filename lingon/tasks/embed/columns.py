"""Pairs of texts, or texts with labels, as the columns of a loader, and the order in which they come."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch

from lingon.data.batches import Order, Shuffled, TokenIds, Values
from lingon.data.batches.distinct_groups import DistinctGroups
from lingon.data.batches.label_pairs import LabelPairs
from lingon.data.examples import Examples
from lingon.data.pair_groups import PairGroups
from lingon.data.text_pairs import PositivePairs, ScoredPairs
from lingon.tasks.embed.objective import ABSENT
from lingon.tasks.embed.settings import Settings
from lingon.tasks.settings import filled_in

Encode = Callable[[Sequence[str]], list[list[int]]]


class TrainData(NamedTuple):
    """Columns of a loader and their order. texts, targets: the names of the texts and of what is known of them."""

    columns: dict[str, Any]
    order: Order
    texts: list[str]
    targets: list[str]


def train_data(examples: Any, settings: Settings, encode: Encode, pad: int) -> TrainData:
    """Return training examples as columns. encode: the ids of texts. pad: the id of padding."""
    makers: dict[type, Any] = {ScoredPairs: _scored, PositivePairs: _positive, Examples: _labelled}
    return makers[type(examples)](examples, settings, encode, pad)


def _scored(pairs: ScoredPairs, settings: Settings, encode: Encode, pad: int) -> TrainData:
    scores = torch.tensor(pairs.scores, dtype=torch.float32)
    if settings.loss == "cosine-mse":  # a cosine is at most 1, and that of texts without anything in common near 0
        scores = (scores - scores.min()) / (scores.max() - scores.min())
    columns = _texts({"first": pairs.first, "second": pairs.second}, encode, pad)
    order = Shuffled(len(pairs), filled_in(settings.batch_size), settings.seed)
    return TrainData({**columns, "scores": Values("scores", scores)}, order, ["first", "second"], ["scores"])


def _positive(pairs: PositivePairs, settings: Settings, encode: Encode, pad: int) -> TrainData:
    most = min(settings.hard_negatives, max(map(len, pairs.negatives), default=0))
    hard = {f"negative{k}": [some[k] if k < len(some) else None for some in pairs.negatives] for k in range(most)}
    columns = _texts({"first": pairs.anchors, "second": pairs.positives, **hard}, encode, pad)
    groups = PairGroups(zip(pairs.anchors, pairs.positives, strict=True))
    of_negatives = [[groups.of_text(text) for text in some[:most]] for some in pairs.negatives]
    numbers = torch.tensor([[*some, *[ABSENT] * (most - len(some))] for some in of_negatives], dtype=torch.long)
    columns["groups"] = Values("groups", torch.from_numpy(groups.of_pairs))
    columns["negative_groups"] = Values("negative_groups", numbers.view(len(pairs), most))
    order = DistinctGroups(groups.of_pairs, filled_in(settings.batch_size), settings.seed)
    return TrainData(columns, order, ["first", "second", *hard], ["groups", "negative_groups"])


def _labelled(examples: Examples, settings: Settings, encode: Encode, pad: int) -> TrainData:
    numbers = np.unique(np.array(examples.labels), return_inverse=True)[1]
    columns = _texts({"first": examples.texts}, encode, pad)
    order = LabelPairs(numbers, filled_in(settings.batch_size), settings.seed)
    return TrainData({**columns, "labels": Values("labels", torch.from_numpy(numbers))}, order, ["first"], ["labels"])


def _texts(texts: dict[str, Any], encode: Encode, pad: int) -> dict[str, Any]:
    """Return columns of token ids; a text that is not there has none."""
    return {name: TokenIds(_ids(column, encode), None, pad, f"{name}_") for name, column in texts.items()}


def _ids(texts: Sequence[str | None], encode: Encode) -> list[list[int]]:
    found = iter(encode([text for text in texts if text is not None]))
    return [[] if text is None else next(found) for text in texts]
