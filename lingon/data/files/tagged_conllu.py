"""CoNLL-U files as tagged words: the tags are one of the columns, or a key of the last column."""

from collections.abc import Iterator
from pathlib import Path

from lingon.core.errors import DataError, suggest
from lingon.data.files.conll_columns import LABEL
from lingon.data.files.conllu import BrokenSentence, ConlluRow, ConlluSentence, read_conllu_sentences
from lingon.data.files.lines import FileOptions
from lingon.data.files.tagged_row import EMPTY, TaggedRow
from lingon.data.tag_schemes import OUTSIDE

DEFAULT = "upos"
COLUMNS = tuple(name for name in ConlluRow._fields if name not in ("id", "form"))


def conllu_tags(path: Path, options: FileOptions = FileOptions(), column: str | None = None) -> Iterator[TaggedRow]:
    """Read the sentences of a CoNLL-U file. column: "upos" (the default), "xpos", or a key of MISC, such as NER.

    Multiword tokens and empty nodes are not words. A word without the key of MISC has the tag O. A sentence that is
    not CoNLL-U has a `problem`. Raises DataError for a key that no word has.
    """
    name = column or DEFAULT
    known = name.lower() in COLUMNS
    found = known
    for sentence in read_conllu_sentences(path, options.encoding):
        if isinstance(sentence, BrokenSentence):
            yield TaggedRow(f":{sentence.line}", problem=sentence.problem)
            continue
        found = found or any(f"{name}=" in row.misc for row in sentence.word_rows)
        yield _row(sentence, name.lower() if known else name, known)
    if not found:
        raise DataError(
            f"{path}: --column {name[:40]!r} is no column of CoNLL-U, nor a key of MISC; {suggest(name, COLUMNS)}"
        )


def _row(sentence: ConlluSentence, name: str, known: bool) -> TaggedRow:
    lines = [sentence.line + i for i, row in enumerate(sentence.rows) if row.is_word]
    if not lines:
        return TaggedRow(f":{sentence.line}", passed_over=EMPTY)
    tags = sentence.column(name) if known else [_misc(row, name) for row in sentence.word_rows]
    if known and "_" in tags:
        at = tags.index("_")
        return TaggedRow(f":{lines[at]}", problem=f"word {sentence.words[at][:40]!r} has no {name.upper()} (it is _)")
    label = next((said[1] for said in map(LABEL.match, sentence.comments) if said), None)
    return TaggedRow(f":{lines[0]}", sentence.words, tags, label, lines=lines)


def _misc(row: ConlluRow, key: str) -> str:
    pairs = (part.partition("=") for part in row.misc.split("|"))
    return next((value for name, _, value in pairs if name == key), OUTSIDE)
