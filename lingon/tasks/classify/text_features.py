"""The features of texts for a linear classifier: each text is encoded once, and only its features are kept."""

from typing import cast

import numpy as np

from lingon.core.shapes import Int, Tensor
from lingon.data.batches import ByLength, Loader, text_batches
from lingon.data.examples import Examples
from lingon.data.id_rows import IdRows
from lingon.engine.feature_store import FeatureStore, LinearModel
from lingon.models.registry import Learn
from lingon.tasks.classify.batched_logits import TOKENS_AT_ONCE
from lingon.tasks.classify.classifier import Classifier
from lingon.tasks.classify.columns import columns_of
from lingon.tasks.classify.encoding import Encoded
from lingon.tasks.classify.settings import Settings
from lingon.tasks.settings import filled_in


def features_of(classifier: Classifier, texts: Encoded, learn: Learn | None = None) -> FeatureStore:
    """Return the features of texts, after the model has learned from all of them, where `learn` is given."""
    store, model = FeatureStore(len(texts.ids)), cast(LinearModel, classifier.model)
    for batch in learned_batches(classifier, texts.ids, learn) if texts.ids else ():
        store.add(model, batch.index.numpy(), batch.ids, batch.mask)
    return store


def learned_batches(classifier: Classifier, ids: IdRows, learn: Learn | None) -> Loader:
    """Return batches of texts without their labels, after the model has learned from all of them."""
    batches = text_batches(ids, max_tokens=TOKENS_AT_ONCE, shuffle=False, pad=classifier.tokenizer.pad_id)
    if learn:
        learn(classifier.model, list(classifier.tokenizer.vocab), ((batch.ids, batch.mask) for batch in batches))
    return batches


class StoredTexts:
    """A column of texts whose features are in a store: batches of them say only which they are.

    count: how many of the store's examples, from its first on, they are.
    """

    def __init__(self, store: FeatureStore, count: int):
        self.store, self.count = store, count

    def __len__(self) -> int:
        return self.count

    def lengths(self) -> Int[np.ndarray, " N"]:
        """Return the tokens of each text."""
        return self.store.tokens[: self.count]

    def collate(self, rows: np.ndarray) -> dict[str, Tensor]:
        """Return nothing: the optimizer finds features by the index of a batch."""
        return {}

    def checksum(self) -> int:
        """Return the checksum of the features."""
        return self.store.checksum()


def batches_of(classifier: Classifier, train: Examples, store: FeatureStore, settings: Settings) -> Loader:
    """Return the training batches of texts whose features a store holds from its first on."""
    texts = StoredTexts(store, len(train))
    columns = columns_of(classifier.numbers(train.labels), None, train)
    most = filled_in(settings.max_tokens_per_batch)
    return Loader({"texts": texts, **columns}, ByLength(texts.lengths(), most, settings.batch_size, settings.seed))
