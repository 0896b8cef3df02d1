"""Corpora of tagged sentences. To add one, add a row and its parser."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from lingon.core.errors import DataError, UserError, unknown
from lingon.data.corpora.catalogue import SNIPS
from lingon.data.corpora.treebanks import TREES, Treebank
from lingon.data.fetch import fetch
from lingon.data.files.conll_columns import conll_rows
from lingon.data.files.lines import FileOptions
from lingon.data.files.parallel_files import parallel_rows
from lingon.data.files.tagged_conllu import conllu_tags
from lingon.data.files.tagged_row import TaggedRow
from lingon.data.sources import RepositoryFiles
from lingon.data.tagged_sentences import TaggedSentence, TaggedSentences, TaggedSplits

PARTS = ("train", "valid", "test")
WNUT = RepositoryFiles(
    "leondz/emerging_entities_17",
    "e52a2d2a71ac1a051ca2d532eef28653c5c02603",
    (
        ("wnut17train.conll", 493_781, "731820e13f71af324c6b55a1575ec2ce59fbaa2a0806f8f0400b98d56cd6a7a5"),
        ("emerging.dev.conll", 114_749, "e053b752b8155113ca66e7db08af5f2f5f43ab993694e4774f1ec5bad42312d8"),
        ("emerging.test.annotated", 192_425, "2aa79b764e56ec9264a1b30fdd9b70195bd00ff400b62edd8f399d5f13c178f0"),
    ),
)


@dataclass(frozen=True)
class TaggedCorpus:
    """A row of the table. parts: file or folder of each split in the source. read: (path, tag column) -> sentences.

    columns: of tags that may be selected, the first by default.
    """

    name: str
    summary: str
    source: RepositoryFiles
    licence: str
    parts: dict[str, str]
    read: Callable[[Path, str | None], list[TaggedSentence]]
    columns: tuple[str, ...] = ()


def treebank(file: Path, column: str | None) -> list[TaggedSentence]:
    """Read a file of a treebank. column: "upos" or "xpos"."""
    return _sentences(file, conllu_tags(file, FileOptions(), column))


def wnut17(file: Path, column: str | None = None) -> list[TaggedSentence]:
    """Read messages of WNUT-17 (Derczynski et al. 2017): six types of emerging entities, tags in IOB2."""
    return _sentences(file, conll_rows(file, FileOptions()))


def snips(folder: Path, column: str | None = None) -> list[TaggedSentence]:
    """Read requests of SNIPS (Coucke et al. 2018): their slots as tags in IOB2, their intents as labels."""
    return _sentences(folder, parallel_rows(folder))


def _sentences(file: Path, rows: Iterable[TaggedRow]) -> list[TaggedSentence]:
    found = []
    for row in rows:
        if row.problem or row.passed_over:
            raise DataError(f"{file}{row.where}: {row.problem or row.passed_over}")
        found.append(TaggedSentence(tuple(row.words), tuple(row.tags), row.label))
    return found


def _of_treebank(row: Treebank) -> TaggedCorpus:
    columns = ("upos", "xpos")
    return TaggedCorpus(row.name, row.summary, row.source, row.licence, row.files, treebank, columns)


TAGGED = {
    row.name: row
    for row in [
        *map(_of_treebank, TREES.values()),
        TaggedCorpus(
            "wnut-17",
            "5,690 messages, six types of emerging entities",
            WNUT,
            "CC BY 4.0",
            {"train": "wnut17train.conll", "valid": "emerging.dev.conll", "test": "emerging.test.annotated"},
            wnut17,
        ),
        TaggedCorpus(
            "snips",
            "requests to a voice assistant, slots and intents",
            SNIPS,
            "CC0 1.0",
            {part: f"data/snips/{part}" for part in PARTS},
            snips,
        ),
    ]
}


def load_tagged_corpus(name: str, column: str | None = None, parts: Sequence[str] = PARTS) -> TaggedSplits:
    """Return a corpus of tagged sentences, downloaded if it is not in the cache. A missing split is empty.

    column: of the tags, if there are several ("upos", "xpos"). parts: the splits to read; others are empty.
    Raises UserError for an unknown name or column.
    """
    if name not in TAGGED:
        raise unknown("corpus of tagged sentences", name, TAGGED)
    row = TAGGED[name]
    if column is not None and column.lower() not in row.columns:
        if row.columns:
            raise unknown("column", column, row.columns)
        raise UserError(f"--column {column[:40]!r}: {name} has tags of one kind; leave it out")
    folder, chosen = fetch(row.source, name), column and column.lower()
    read = {part: row.read(folder / place, chosen) for part, place in row.parts.items() if part in parts}
    train, valid, test = (TaggedSentences(read.get(part, [])) for part in PARTS)
    source = {"name": name, **row.source.provenance(), "licence": row.licence}
    source |= {"column": chosen or row.columns[0]} if row.columns else {}
    return TaggedSplits(train, valid, test, name, source | {part: len(found) for part, found in read.items()})
