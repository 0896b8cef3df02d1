"""Corpora and vectors by name: downloaded and parsed once, then read from the cache in less than a second."""

import contextlib
import json
from pathlib import Path
from typing import Any

from lingon.core.errors import unknown
from lingon.core.files import atomic_write, cache_dir
from lingon.data.corpora.catalogue import VECTORS, Corpus, PretrainedVectors, find_corpus
from lingon.data.examples import Examples, Splits
from lingon.data.fetch import fetch
from lingon.data.split import hash_split, stratified_split, without_duplicates

PARSED = 2  # version of the parsed cache, raised when a parser or the split changes
PARTS = ("train", "valid", "test")
VALID = 0.1  # fraction of the training texts for validation, if no validation set was published


def load_corpus(name: str) -> Splits:
    """Return a corpus by name, downloaded if it is not in the cache.

    Published splits are kept, with all texts; if there is no validation set, it is a tenth of the training texts of
    each label. From any other corpus, duplicates are removed, and the split depends only on the sha256 of each text:
    about a fifth is for the test, a twelfth for validation.
    IMDB's 25,000 reviews are 24,902 different ones: 17,953 to train, 1,964 to validate, 4,985 to test.
    Raises UserError for an unknown name, FetchError when the download fails.
    """
    corpus = find_corpus(name)
    kept = _kept(corpus, "parquet")
    found = _read(corpus, kept)
    if found is None:
        _write(kept, _divided(corpus.parse(fetch(corpus.source, name))))
        found = _read(corpus, kept)
        assert found is not None, f"{kept} was written and cannot be read"
    return found


def _divided(parsed: Examples | dict[str, Examples]) -> tuple[Examples, Examples, Examples]:
    """Return training, validation and test examples: the published splits, else by the sha256 of each text."""
    if isinstance(parsed, Examples):
        return hash_split(without_duplicates(parsed))
    if "valid" in parsed:
        return parsed["train"], parsed["valid"], parsed["test"]
    return *stratified_split(parsed["train"], VALID, 0, "valid"), parsed["test"]


def load_vectors(name: str) -> tuple[list[str], Any]:
    """Return words and their vectors, a memory-mapped float32 table [V, D], of a row of VECTORS."""
    import numpy as np

    if name not in VECTORS:
        raise unknown("vectors", name, VECTORS)
    row = VECTORS[name]
    words, table = _kept(row, "txt"), _kept(row, "npy")
    if not (words.exists() and table.exists()):
        tokens, numbers = row.parse(fetch(row.source, name))
        with atomic_write(table, "wb") as file:
            np.save(file, numbers, allow_pickle=False)
        with atomic_write(words) as file:
            file.write("\n".join(tokens))
    return words.read_text(encoding="utf-8").split("\n"), np.load(table, mmap_mode="c", allow_pickle=False)


def _kept(row: Corpus | PretrainedVectors, ending: str) -> Path:
    return cache_dir() / "corpora" / f"{row.name}-{PARSED}-{row.source.sha256[:12]}.{ending}"


def _write(kept: Path, splits: tuple[Examples, Examples, Examples]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    together = splits[0] + splits[1] + splits[2]
    ratings: Any = together.ratings or [None] * len(together)
    columns = {
        "text": pa.array(together.texts, pa.string()),
        "label": pa.array([one if isinstance(one, str) else json.dumps(one) for one in together.labels], pa.string()),
        "rating": pa.array(ratings, pa.float64()),
    }
    more = {"checksum": together.checksum(), **{part: str(len(s)) for part, s in zip(PARTS, splits, strict=True)}}
    with atomic_write(kept, "wb") as file:
        pq.write_table(pa.table(columns).replace_schema_metadata(more), file, compression="zstd")


def _read(corpus: Corpus, kept: Path) -> Splits | None:
    """Return the splits from the cache; None if missing or damaged."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with contextlib.suppress(pa.ArrowException, OSError, KeyError):
        table = pq.read_table(kept)
        more = {key.decode(): value.decode() for key, value in table.schema.metadata.items()}
        texts, labels, ratings = (table[c].to_pylist() for c in ("text", "label", "rating"))
        if corpus.problem_type == "multi-label":
            labels = [tuple(json.loads(label)) for label in labels]
        elif corpus.problem_type == "regression":
            labels = ratings
        together = Examples(texts, labels, ratings if ratings and ratings[0] is not None else None)
        train, valid, test = (int(more[part]) for part in PARTS)
        rest = together[train:]
        parts = (together[:train], rest[:valid], rest[valid : valid + test])
        return Splits(*parts, corpus.name, _source(corpus, more), corpus.problem_type)
    return None


def _source(corpus: Corpus, more: dict[str, str]) -> dict[str, Any]:
    return {
        "name": corpus.name,
        **corpus.source.provenance(),
        "licence": corpus.licence,
        **{part: int(more[part]) for part in PARTS},
        "sha256": more["checksum"],
    }
