"""Questions about images from a user's table with the columns image, question and answer."""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from lingon.core.counted import counted
from lingon.core.errors import DataError, UserError, no_file, one_of
from lingon.data.files.images import fit_image, read_image
from lingon.data.files.labelled_texts import peek, text_problem
from lingon.data.files.lines import FileOptions
from lingon.data.files.row import TableRow, cell_text, label_text
from lingon.data.image_questions import NamedImage

# Possible names of each column; the first one that a table has is used.
COLUMNS = {
    "image": ("image", "image_path", "file_name", "filename", "path", "img", "picture", "photo"),
    "question": ("question", "text", "query"),
    "answer": ("answer", "label", "target"),
    "type": ("type", "question_type", "kind", "answer_type"),
}
DEFAULTS = FileOptions()
KEPT = 1024  # images that are cached while a file is read row by row


class AskedRow(NamedTuple):
    """A row of a table: its image, resized; question, answer and type; and all of its cells."""

    image: NamedImage
    question: str
    answer: str
    type: str
    values: dict[str, Any]


@dataclass
class ImageQuestionTable:
    """A table of questions about images. Paths of images are relative to the folder of the table.

    image_size: height and width that images are resized to, padded with white. with_answers: rows without an answer
    are bad. skip: bad rows are skipped and counted, else the first raises DataError with file and line.
    """

    path: Path
    image_size: tuple[int, int]
    with_answers: bool = True
    skip: bool = False
    options: FileOptions = DEFAULTS
    skipped: int = 0
    first_skipped: str = ""
    _images: "OrderedDict[Path, NamedImage]" = field(default_factory=OrderedDict, repr=False)

    def columns(self) -> dict[str, str]:
        """Return the names of the columns for image, question, answer and, if there is one, type.

        Raises UserError for a missing file, DataError for a table without one of them.
        """
        if not self.path.is_file():
            raise no_file(self.path)
        names, _ = peek(self.path, self.options)
        found = {what: name for what, known in COLUMNS.items() if (name := next((n for n in known if n in names), ""))}
        needed = ("image", "question", "answer") if self.with_answers else ("image", "question")
        if missing := next((what for what in needed if what not in found), None):
            raise DataError(
                f"{self.path}: no column {missing!r}; questions on images have the columns {', '.join(needed)}, this "
                f"table has {one_of(names)}"
            )
        return found

    def rows(self) -> Iterator[AskedRow]:
        """Yield the rows. Raises DataError with file and line for the first bad one, unless bad rows are skipped."""
        from lingon.data.files.table_rows import read_rows

        columns = self.columns()
        for row in read_rows(self.path, None, self.options):
            try:
                yield self._read(row, columns)
            except UserError as error:
                if not self.skip:
                    raise DataError(
                        f"{self.path}{row.where}: {error}; --on-bad-row skip leaves such rows out"
                    ) from None
                self.skipped += 1
                self.first_skipped = self.first_skipped or f"{self.path}{row.where}: {error}"

    def messages(self) -> list[str]:
        """Return a line for the user if rows were skipped."""
        if not self.skipped:
            return []
        return [f"{self.path.name}: {counted(self.skipped, 'bad row')} skipped, the first: {self.first_skipped}"]

    def _read(self, row: TableRow, columns: dict[str, str]) -> AskedRow:
        for what in ("image", "question"):
            if problem := text_problem(row, columns[what]):
                raise DataError(problem)
        question = (cell_text(row.values[columns["question"]]) or "").strip()
        if not any(c.isalnum() for c in question):
            raise DataError(f"the question {question[:40]!r} has no word")
        answer = label_text(row.values.get(columns.get("answer", "")))
        if answer is None and self.with_answers:
            raise DataError(f"no answer in column {columns['answer']!r}")
        image = self._image((cell_text(row.values[columns["image"]]) or "").strip())
        type = label_text(row.values.get(columns.get("type", ""))) or ""
        return AskedRow(image, question, answer or "", type, row.values)

    def _image(self, given: str) -> NamedImage:
        path = self.path.parent / given
        if path not in self._images:
            if not path.is_file():
                raise DataError(f"there is no image {given[:200]!r} beside the table, in {str(self.path.parent)!r}")
            pixels = fit_image(read_image(path), *self.image_size, fit="pad")
            self._images[path] = NamedImage(given, pixels)
            while len(self._images) > KEPT:
                self._images.popitem(last=False)
        return self._images[path]
