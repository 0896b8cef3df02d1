"""Training texts of a classifier as token ids and batches; how much of them is truncated is reported once."""

import sys
from collections.abc import Sequence

from lingon.core.counted import counted
from lingon.data.batches import Loader
from lingon.data.examples import Examples
from lingon.data.id_rows import IdRow
from lingon.engine.world import World, world
from lingon.tasks.classify.classifier import Classifier
from lingon.tasks.classify.encoding import Encoded
from lingon.tasks.classify.settings import Settings


def batches_of(
    classifier: Classifier, train: Examples, settings: Settings, place: World
) -> tuple[Loader, Sequence[IdRow]]:
    """Return this process's share of the training batches, and the ids of all; say once how much is not read."""
    found = encoded(classifier, train, settings)
    how = {
        "max_tokens": settings.max_tokens_per_batch,
        "batch_size": settings.batch_size,
        "seed": settings.seed,
    }
    return classifier.batches_of(found, train, **how, rank=place.rank, world=place.size), found.ids


def encoded(classifier: Classifier, train: Examples, settings: Settings) -> Encoded:
    """Return the ids of training texts; say once how much of them is not read."""
    found = classifier.encoded(train.inputs)
    cut = found.cut
    if cut.texts and world().rank == 0:
        print(
            f"{cut.texts:,} of {counted(cut.of_texts, 'training text')} are longer than "
            f"--max-length {settings.max_length:,}: "
            f"{cut.tokens:,} of {cut.of_tokens:,} tokens ({cut.tokens / cut.of_tokens:.1%}), their ends, are cut off",
            file=sys.stderr,
        )
    return found
