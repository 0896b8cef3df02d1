"""What `lingon translate` reads and writes: texts as they come, lines of translations, a file of them in order."""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lingon.cli.predict import as_they_come, lines_of
from lingon.cli.predict_file import source_of, write_scored
from lingon.cli.prediction_files import TextsFile
from lingon.core.counted import counted
from lingon.core.files import atomic_write
from lingon.core.progress import track
from lingon.core.strict_json import dumps
from lingon.data.files.table_rows import TABLES, file_suffix
from lingon.data.files.table_writer import check_output
from lingon.recipes.file_settings import Files

if TYPE_CHECKING:
    from lingon.tasks.translate import Translation, TranslationParams


def texts_file(translator: Any, file: Path, text: str | None, on_bad_row: str, files: Files) -> Any:
    """Return a file of texts, one a line or in a column; blank ones stay among them."""
    found = source_of(translator, file, text, on_bad_row, files, None)
    if isinstance(found, TextsFile):
        found.blank = True
    return found


def given_texts(source: Any, texts: list[str] | None) -> Iterable[str]:
    """Return the texts of a file, those of the command line, or the lines of standard input."""
    return texts or lines_of(None) if source is None else (one for one, _ in source.rows())


def telling_blank(texts: Iterable[str]) -> Iterator[str]:
    """Yield the texts, and say at their end how many are blank."""
    count = 0
    for text in texts:
        count += not text.strip()
        yield text
    tell_blank_count(count)


def tell_blank_count(count: int) -> None:
    """Say on stderr how many texts are blank."""
    if count:
        one, many = "text is blank, and so is its translation", "texts are blank, and so are their translations"
        print(counted(count, one, many), file=sys.stderr)


def translated(translator: Any, params: "TranslationParams", texts: Iterable[str]) -> Iterator[list["Translation"]]:
    """Yield the translations of each text in order: of a slow pipe at once, of a fast one many texts together."""
    from lingon.tasks.translate.translator import AT_ONCE

    for group in as_they_come(telling_blank(texts), AT_ONCE):
        yield from translator.n_best(group, params)


def output_lines(found: list["Translation"], format: str) -> Iterator[str]:
    """Yield the lines of the translations of a text."""
    if format == "jsonl":
        for rank, one in enumerate(found, 1):
            yield dumps({**one.row(), **({"rank": rank} if len(found) > 1 else {})})
    elif len(found) == 1:
        yield str(found[0])
    else:
        yield from (f"{one.score:8.3f}  {one}" for one in found)


class _WithParams:
    """A translator with its parameters, as what writes tables asks for it; tells how far it is."""

    def __init__(self, translator: Any, params: "TranslationParams", bar: Any):
        self.name, self.translator, self.params, self.bar = translator.name, translator, params, bar

    def predict(self, inputs: list[str]) -> "list[Translation]":
        """Return the translation of each text."""
        return [some[0] for some in self.translator.n_best(inputs, self.params, self.bar.advance)]


def write_file(
    translator: Any, params: "TranslationParams", source: Any, out: Path, overwrite: bool, files: Files
) -> str:
    """Write the translations of a file: a line each, or a table with the rows of the file. Returns a line on it.

    As many texts as are translated together are in memory.
    """
    check_output(out, source.path, overwrite)
    total = blank = 0
    for text, _ in source.rows(tell=False):
        total, blank = total + 1, blank + (not text.strip())
    tell_blank_count(blank)
    with track(total, "translating", "text") as bar:
        task: Any = _WithParams(translator, params, bar)
        if file_suffix(out) in TABLES:
            return write_scored(task, source, out, overwrite)
        with atomic_write(out) as lines:
            given = (one for one, _ in source.rows())
            for (found,) in translator.stream(given, params, advance=bar.advance):
                lines.write(" ".join(found.translation.splitlines()) + "\n")
    return f"{out}: {counted(total, 'translation')}"
