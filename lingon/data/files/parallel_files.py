"""Folders of parallel files, as of slots and intents: words in seq.in, tags in seq.out, intents in label."""

from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path

from lingon.core.counted import counted
from lingon.data.files.lines import FileOptions, TextLine, read_lines
from lingon.data.files.tagged_row import EMPTY, TaggedRow

WORDS, TAGS, LABELS = "seq.in", "seq.out", "label"


def is_parallel(folder: Path) -> bool:
    """Return whether a folder has a file of words and a file of tags."""
    return (folder / WORDS).is_file() and (folder / TAGS).is_file()


def parallel_rows(folder: Path, options: FileOptions = FileOptions()) -> Iterator[TaggedRow]:
    """Read the sentences of a folder, one per line of each file. The file of labels may be missing."""
    names = [WORDS, TAGS, *([LABELS] if (folder / LABELS).is_file() else [])]
    for lines in zip_longest(*(read_lines(folder / name, options.encoding) for name in names)):
        yield _row(names, lines)


def _row(names: list[str], lines: tuple[TextLine | None, ...]) -> TaggedRow:
    number = next(line.number for line in lines if line is not None)
    here = {name: f"/{name}:{number}" for name in names}
    for name, line in zip(names, lines, strict=True):
        if line is None:
            return TaggedRow(
                here[name], problem="the file ends here, and the others go on; they have a line for each sentence"
            )
        if line.problem:
            return TaggedRow(here[name], problem=line.problem)
    words, tags, *rest = (line.text.split() for line in lines if line is not None)
    if len(words) != len(tags):
        return TaggedRow(
            here[TAGS], problem=f"{counted(len(words), 'word')} and {counted(len(tags), 'tag')}; a word has one tag"
        )
    if not words:
        return TaggedRow(here[WORDS], passed_over=EMPTY)
    label = " ".join(rest[0]) if rest else None
    if label == "":
        return TaggedRow(here[LABELS], problem="no label")
    return TaggedRow(here[WORDS], words, tags, label)
