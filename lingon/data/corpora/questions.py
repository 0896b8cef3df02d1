"""Questions for evaluating word vectors: word pairs rated by people, and analogies with their answers."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from lingon.core.errors import DataError, unknown
from lingon.data.fetch import fetch
from lingon.data.files.archives import read_members
from lingon.data.sources import Package, Source

# gensim includes them in its tests. Its wheel is only unpacked, nothing in it is executed.
GENSIM = Package(
    "pypi",
    "gensim",
    "4.4.0",
    "gensim-4.4.0-cp311-cp311-manylinux_2_24_x86_64.manylinux_2_28_x86_64.whl",
    27_809_988,
    "91a7fa5e814e7b1bad4b2dffa8d62c1e55410d5cbdf930714c1997ffb4404db8",
)
RESEARCH = "research; wrapper LGPL-2.1"


class Pair(NamedTuple):
    """Two words with a human similarity rating, whose scale depends on the set."""

    first: str
    second: str
    rating: float


class Analogy(NamedTuple):
    """a is to b as c is to d."""

    category: str
    a: str
    b: str
    c: str
    d: str


@dataclass(frozen=True)
class Questions:
    """A set of questions in a package; `parse` returns pairs or analogies from its text."""

    name: str
    summary: str
    source: Source
    licence: str
    file: str
    parse: Callable[[str, str], list]


def pairs(text: str, name: str) -> list[Pair]:
    """Return pairs from lines of two words and a number, separated by tabs or commas; # starts a comment.

    >>> pairs("# word 1, word 2, mean\\ntiger,cat,7.35", "mine")
    [Pair(first='tiger', second='cat', rating=7.35)]
    """
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        parts = [part.strip() for part in line.split("\t" if "\t" in line else ",")]
        try:
            found.append(Pair(parts[0], parts[1], float(parts[2])))
        except (IndexError, ValueError):
            if number == 1:
                continue  # names of columns
            raise DataError(f"{name}:{number}: {line[:60]!r}; expected two words and a number") from None
    return found


def analogies(text: str, name: str) -> list[Analogy]:
    """Return analogies from lines of four words; ": NAME" starts a category.

    >>> analogies(": capitals\\nAthens Greece Oslo Norway", "mine")
    [Analogy(category='capitals', a='Athens', b='Greece', c='Oslo', d='Norway')]
    """
    found, category = [], "all"
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith(":"):
            category = line[1:].strip()
        elif words := line.split():
            if len(words) != 4:
                raise DataError(f"{name}:{number}: {len(words)} words, expected four")
            found.append(Analogy(category, *words))
    return found


FOLDER = "gensim/test/test_data/"
QUESTIONS = {
    row.name: row
    for row in [
        Questions("wordsim-353", "353 pairs, how related they are", GENSIM, RESEARCH, FOLDER + "wordsim353.tsv", pairs),
        Questions("simlex-999", "999 pairs, how similar they are", GENSIM, RESEARCH, FOLDER + "simlex999.txt", pairs),
        Questions(
            "google-analogies",
            "19,544 analogies, 14 kinds",
            GENSIM,
            RESEARCH,
            FOLDER + "questions-words.txt",
            analogies,
        ),
    ]
}


def load_questions(name_or_path: str | Path) -> list[Pair] | list[Analogy]:
    """Return questions by name (see QUESTIONS), or from a file in one of the two formats.

    Raises UserError for an unknown name, FetchError when the download fails, DataError with file and line.
    """
    path = Path(name_or_path)
    if path.is_file():
        try:
            text = path.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError as error:
            raise DataError(f"{path}: not UTF-8 text (byte {error.start})") from None
        first = next((line for line in text.splitlines() if line.strip() and not line.startswith("#")), "")
        is_analogy = first.startswith(":") or len(first.split()) == 4
        found = (analogies if is_analogy else pairs)(text, str(path))
        if not found:
            raise DataError(f"{path}: no questions in it; expected lines of two words and a number, or of four words")
        return found
    if str(name_or_path) not in QUESTIONS:
        raise unknown("set of questions", str(name_or_path), QUESTIONS)
    row = QUESTIONS[str(name_or_path)]
    package = fetch(row.source, row.name)
    for name, data in read_members(package, row.file.replace(".", "\\.")):
        return row.parse(data.decode(), name)
    raise DataError(f"{package}: no {row.file} in it")
