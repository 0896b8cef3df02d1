"""What a training of word vectors is made of: the text as numbers, the tables, the pieces of work."""

import math
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from lingon.core.errors import UserError
from lingon.data.word_id_file import Split, Words, between_spaces, count_words, lower_case_words, write_ids
from lingon.recipes.vector_settings import LR, VectorSettings
from lingon.word_vectors.files.subwords import Subwords, means_of_words
from lingon.word_vectors.train.parallel import Job, piece_reader, piece_seed, piece_sizes
from lingon.word_vectors.train.phrases import find_phrases, join_phrases
from lingon.word_vectors.train.sampling_tables import (
    NO_SUBWORDS,
    NO_TREE,
    Scheme,
    huffman_tree,
    negative_sampling_tables,
    subword_table,
)
from lingon.word_vectors.train.word2vec_loops import LINE, loop_for

PAIRS = 1 << 16  # steps of GloVe in a piece


def text_of(lines: Callable[[], Iterator[str]], settings: VectorSettings, ids: Path) -> tuple[Words, int]:
    """Writes the text as word numbers; returns its vocabulary and how many numbers they are."""
    split: Split = between_spaces if settings.spaces else lower_case_words
    for _ in range(settings.phrases):
        split = join_phrases(split, find_phrases(lines(), split, settings.min_count))
    words = count_words(lines(), split, settings.min_count, settings.vocab)
    return words, write_ids(ids, lines(), split, words)


def job_of(settings: VectorSettings, words: Words, ids: Path, length: int) -> Job:
    """All pieces of work of a training, with tables as they are at its start.

    Raises UserError when the tables are larger than the memory there is.
    """
    check_memory(settings, len(words.tokens))
    lr = settings.lr or LR[settings.method]
    return (_glove if settings.method == "glove" else _word2vec)(settings, words, ids, length, lr)


def check_memory(settings: VectorSettings, size: int) -> None:
    """Raises UserError when the tables for so many words are larger than the memory that is available."""
    import psutil

    # Two tables of either method; those of GloVe have their squares beside them.
    rows = 4 * size if settings.method == "glove" else 2 * size + (settings.buckets if settings.subwords else 0)
    needed, free = 4 * rows * settings.width, psutil.virtual_memory().available
    if needed > free:
        parts = f" and {settings.buckets:,} --buckets" if settings.subwords else ""
        raise UserError(
            f"the tables of {size:,} words{parts} with --width {settings.width:,} take {needed / 1e9:,.1f} GB, "
            f"{free / 1e9:,.1f} GB are free; lower --width, --vocab{' or --buckets' if parts else ''}"
        )


def vectors_of(settings: VectorSettings, words: Words, job: Job) -> tuple[np.ndarray, Subwords | None]:
    """The vectors of the words [V, D] and those of their parts, once trained."""
    width, size = settings.width, len(words.tokens)
    if settings.method == "glove":  # the sum, as in section 4.2 of the paper
        return (job.tables["words"] + job.tables["contexts"])[:, :width], None
    table, lengths = job.tables["inputs"], (settings.min_n, settings.max_n)
    if not settings.subwords:
        return table[:, :width], None
    means = means_of_words(words.tokens, table[:size], Subwords(table[size:], *lengths))
    return means[:, :width], Subwords(table[size:, :width], *lengths)  # a view: the table is large


def _word2vec(settings: VectorSettings, words: Words, ids: Path, length: int, lr: float) -> Job:
    size, width = len(words.tokens), settings.width
    parts = NO_SUBWORDS
    if settings.subwords:
        parts = subword_table(words.tokens, settings.min_n, settings.max_n, settings.buckets)
    tree = huffman_tree(words.counts) if settings.loss == "hierarchical-softmax" else NO_TREE
    draws = negative_sampling_tables(words.counts, settings.subsample)
    padded = -(-width // LINE) * LINE  # with zeros, which stay zeros
    inputs = _table(size + (settings.buckets if settings.subwords else 0), padded)
    random, share = np.random.default_rng(settings.seed), (2 if settings.subwords else 1) / width
    for begin in range(0, len(inputs), 1 << 12):
        some = inputs[begin : begin + (1 << 12), :width]
        some[:] = (random.random(some.shape, np.float32) - 0.5) * share
    outputs = _table(size, padded)
    scheme = Scheme(settings.window, settings.negatives, settings.method == "skipgram")
    read = piece_reader(ids, length, settings.epochs)

    def steps(some: np.ndarray, lr: float, seed: int) -> tuple[float, int, int]:
        loss, pairs, _ = loop_for(padded)(some, inputs, outputs, draws, tree, parts, scheme, lr, seed)
        return loss, pairs, len(some)

    def work(piece: int, lr: float) -> tuple[float, int, int]:
        return steps(read(piece), lr, piece_seed(settings.seed, piece))

    def ready() -> None:
        steps(np.empty(0, np.int32), lr, 1)

    pieces = settings.epochs * piece_sizes(length, settings.epochs)[1]
    tables, epochs = {"inputs": inputs, "outputs": outputs}, settings.epochs
    return Job(work, ready, pieces, lr, tables, epochs, epochs * length, "words")


def _table(rows: int, width: int) -> np.ndarray:
    """Zeros [rows, width], where a row whose width is a multiple of LINE shares no cache line with another."""
    numbers = np.zeros(rows * width + LINE, np.float32)
    first = -(numbers.ctypes.data // numbers.itemsize) % LINE
    return numbers[first : first + rows * width].reshape(rows, width)


def _glove(settings: VectorSettings, words: Words, ids: Path, length: int, lr: float) -> Job:
    # Imported here, so that the other methods do without the compiler.
    from lingon.word_vectors.train.cooccurrence import count_pairs
    from lingon.word_vectors.train.glove import new_side, train_glove

    pairs = count_pairs(ids, length, len(words.tokens), settings.window, ids.parent)
    random, total = np.random.default_rng(settings.seed), len(pairs.values)
    sides = [new_side(len(words.tokens), settings.width, random) for _ in range(2)]
    each, stride = -(-total // PAIRS), _stride(total)

    def work(piece: int, lr: float) -> tuple[float, int, int]:
        first = piece % each * PAIRS
        count = min(PAIRS, total - first)
        # Each epoch begins elsewhere on the same walk.
        start = first + piece // each * (total // 7 + 1)
        return train_glove(*pairs, start, count, stride, *sides, lr), count, count

    def ready() -> None:
        train_glove(*pairs, 0, 0, stride, *sides, lr)

    tables = {"words": sides[0].table, "contexts": sides[1].table}
    tables |= {"word squares": sides[0].squares, "context squares": sides[1].squares}
    epochs = settings.epochs
    return Job(work, ready, epochs * each, lr, tables, epochs, epochs * total, "pairs", falls=False)


def _stride(total: int) -> int:
    """A stride that reaches every pair and leaves none near the one before: the golden section, and coprime."""
    stride = max(1, int(total * 0.6180339887))
    while math.gcd(stride, max(1, total)) != 1:
        stride += 1
    return stride
