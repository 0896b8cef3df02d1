"""Sentences as batches for the generators: what each reads of a sentence, and the sentence itself as the target."""

from random import Random
from typing import Any

import numpy as np

from lingon.core.seed import derive
from lingon.data.batches import Loader, TokenIds
from lingon.data.batches.by_pair_length import ByPairLength
from lingon.data.examples import Examples
from lingon.tasks.rewrite.content import Words
from lingon.tasks.rewrite.encoding import RewriteEncoder
from lingon.tasks.rewrite.marker_noise import PROBABILITY, MarkerNoise
from lingon.tasks.rewrite.style_corpus import StyleCorpus


def rewrite_batches(
    corpus: StyleCorpus,
    encoder: RewriteEncoder,
    examples: Examples,
    *,
    max_tokens: int,
    batch_size: int | None = None,
    seed: int = 0,
    shuffle: bool = True,
    noise: float = PROBABILITY,
    rank: int = 0,
    world: int = 1,
) -> Loader:
    """Return batches of sentences that the generators write again from what is kept of them.

    delete_ids: the content and the style; retrieve_ids: with the sentence's own markers too, each swapped for a similar
    one of its style with the probability `noise`; target_ids: the sentence. Each with its mask.
    """
    random, styles = Random(derive(seed, "marker noise")), corpus.styles
    swap = {style: MarkerNoise(_runs(corpus, style)) for style in styles} if noise else {}
    delete, retrieve, targets = list[tuple[int, ...]](), list[tuple[int, ...]](), list[list[int]]()
    for text, label in zip(examples.texts, examples.labels, strict=True):
        words, number = corpus.spelling.words(text), styles.index(label)
        content = corpus.content(words, label)
        markers = swap[label].swapped(content.deleted, random, noise) if noise else content.deleted
        delete.append(encoder.delete(content, number))
        retrieve.append(encoder.delete_retrieve(content, markers, number))
        targets.append(encoder.target(words))
    pad = encoder.tokenizer.pad_id
    columns: dict[str, Any] = {
        "delete": TokenIds(delete, pad=pad, prefix="delete_"),
        "retrieve": TokenIds(retrieve, pad=pad, prefix="retrieve_"),
        "targets": TokenIds(targets, pad=pad, prefix="target_"),
    }
    sources = np.maximum(columns["delete"].lengths(), columns["retrieve"].lengths())
    order = ByPairLength(sources, columns["targets"].lengths(), max_tokens, batch_size, seed, shuffle)
    return Loader(columns, order, rank, world)


def _runs(corpus: StyleCorpus, style: str) -> list[Words]:
    """Return the runs of markers that were deleted from the sentences of a style."""
    return [run for content in corpus.contents[style] for run in content.deleted]
