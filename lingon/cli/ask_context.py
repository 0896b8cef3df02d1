"""What `lingon ask` looks for answers in: one passage, or the passages of a folder or an index that suit a question."""

import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lingon.core.errors import UserError
from lingon.recipes.file_settings import Files

PASSAGES = 5  # of a folder or an index that are read for a question, best first
BETWEEN = "\n\n"


@dataclass(frozen=True)
class Context:
    """A passage to be read. places: where each of its parts begins, and where that stands; none of a single file."""

    text: str
    places: Sequence[tuple[int, str]] = ()

    def place(self, start: int | None) -> str:
        """Return where the characters from `start` on stand, as notes/a.txt:3; nothing where it is not known."""
        if start is None:
            return ""
        return next((place for begin, place in reversed(self.places) if begin <= start), "")


def context_of(given: str, files: Files) -> Callable[[str], Context]:
    """Return what gives the context of a question. given: a file, a folder of documents, an index, or - .

    Raises UserError for what is not there, DataError for anything that is not text.
    """
    if Path(given).is_dir():
        return _Retrieval.of(Path(given), files)
    whole = Context(_passage(given, files))
    return lambda question: whole


@dataclass(frozen=True)
class _Retrieval:
    """Finds the passages with a question's words. made: the folder of an index that was made for now; else None."""

    index: Any
    made: Any = None

    @classmethod
    def of(cls, folder: Path, files: Files) -> "_Retrieval":
        from lingon.search import Index, ReadSettings
        from lingon.search.store import is_index

        if is_index(folder):
            return cls(Index.open(folder))
        made = tempfile.TemporaryDirectory(prefix="lingon-ask-")
        index = Index.build(folder, Path(made.name) / "index", settings=ReadSettings(skip=True, options=files))
        for line in index.report.unread() if index.report else ():
            print(f"{folder}: {line}", file=sys.stderr)
        return cls(index, made)

    def __call__(self, question: str) -> Context:
        text, places = "", []
        for hit in self.index.search(question, PASSAGES, "bm25"):
            places.append((len(text), f"{hit.path}{hit.passage.where}"))
            text += hit.passage.full_text() + BETWEEN
        if not places:
            raise UserError(f"no passage has a word of the question {question[:60]!r}")
        return Context(text.removesuffix(BETWEEN), places)


def _passage(given: str, files: Files) -> str:
    from lingon.cli.predict import lines_of
    from lingon.data.files.lines import read_text

    if given == "-":
        text = "\n".join(lines_of(None))
    elif Path(given).is_file():
        text = read_text(Path(given), files.encoding)
    else:
        raise UserError(f"--context {given!r}: there is no such file or folder; give one with passages, or -")
    if not text.strip():
        raise UserError(f"--context {given!r}: there is no text in it")
    return text
