"""An index of texts: built from a folder, kept up to date, searched by words, by meaning or by both."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from lingon.core.errors import DataError, UserError, unknown
from lingon.core.files import sha256_of
from lingon.core.optional_packages import install_command
from lingon.search.bm25 import BM25
from lingon.search.documents import Passage, ReadSettings
from lingon.search.encoder import Encoder, TextEncoder
from lingon.search.fusion import DEPTH, reciprocal_rank_fusion
from lingon.search.store import JsonLines, StoredIndex, open_stored
from lingon.search.stored_passages import read_files, read_passage
from lingon.search.terms import terms_of
from lingon.search.top import top_k
from lingon.search.update import Plan, Report, update_index
from lingon.search.vectors import Found, InvertedFile, exact, has_faiss

MODES = ("hybrid", "bm25", "vectors")
OF_FILE = ("path", "folder", "type")  # fields of a passage that come from its file


@dataclass(frozen=True)
class Hit:
    """A search result. score: by the mode of the search. bm25, cosine: by each method, None if it was not used.

    row: of the passage in the index. path: of its file, relative to the indexed folder.
    """

    row: int
    path: str
    passage: Passage
    score: float
    bm25: float | None = None
    cosine: float | None = None

    def as_row(self) -> dict[str, Any]:
        """Return the result as a row for JSON or a table."""
        scores = {"score": self.score, "bm25": self.bm25, "cosine": self.cosine}
        return {"path": self.path, **self.passage._asdict(), **scores}


class Index:
    """An open index, returned by `Index.build` or `Index.open`; any number of threads may search it.

    approximate: whether vectors are searched with the inverted file; set it to False to search exactly.
    """

    def __init__(self, stored: StoredIndex, encoder: Encoder | None):
        self.folder, self.about, self.encoder = stored.folder, stored.about, encoder
        self.report: Report | None = None
        self.passages: JsonLines = stored.lines("passages")
        self.files = read_files(stored.lines("files"), len(self.passages))
        self.file_of = np.repeat(np.arange(len(self.files)), [row["passages"] for row in self.files])
        self.bm25 = BM25.of_arrays(stored.arrays("bm25"), len(self), f"{self.folder}, file of bm25")
        self.vectors: np.ndarray | None = None
        self._lists: dict[str, np.ndarray] | None = None
        if stored.has("vectors"):
            self.vectors = stored.matrix("vectors")
            if len(self.vectors) != len(self):
                raise DataError(f"{self.folder}: {len(self.vectors):,} vectors of {len(self):,} passages")
            self._lists = stored.arrays("lists") if stored.has("lists") else None
        self.approximate = self._lists is not None and has_faiss()
        if self._lists is not None and not self.approximate:
            warnings.warn(
                f"{self.folder} is for approximate search, which needs faiss: {install_command('search')}; until then "
                "vectors are searched exactly, which takes longer",
                stacklevel=3,
            )
        if encoder is not None:
            if self.vectors is None:
                raise UserError(f"{self.folder} has no vectors; index again without --lexical-only, and --overwrite")
            encoder.check(self.about.get("encoder") or {}, self.folder)

    @classmethod
    def build(
        cls,
        source: str | Path,
        out: str | Path,
        encoder: TextEncoder | None = None,
        encoder_name: str = "",
        settings: ReadSettings | None = None,
        approximate: bool = False,
        overwrite: bool = False,
    ) -> "Index":
        """Index a folder or a file, or update an existing index; return it open, with its `report`.

        source: a folder of .txt, .md, .html, .csv, .jsonl ... files, or one of them. out: the folder of the index.
        encoder: what encodes passages, such as `lingon.load("minilm-l6")`; None for BM25 alone. encoder_name: the name
        with which `lingon.load` loads it again, for `lingon search`. approximate: search vectors with an inverted file,
        for 50,000 passages and more. overwrite: rebuild everything, whatever is there.

        The index is replaced atomically: if the process is killed, the old one remains, and vectors computed so far are
        not computed again. Raises UserError when `out` is the index of something else, DataError with file and line for
        what cannot be read.
        """
        named = None if encoder is None else Encoder(encoder_name or type(encoder).__name__, encoder)
        plan = Plan(Path(source), settings or ReadSettings(), named, approximate)
        report = update_index(Path(out), plan, overwrite)
        found = open_stored(Path(out), lambda stored: cls(stored, named))
        found.report = report
        return found

    @classmethod
    def open(cls, folder: str | Path, encoder: TextEncoder | None = None, encoder_name: str = "") -> "Index":
        """Open an index, whose files are verified by sha256. encoder: needed to search by vectors.

        Raises UserError if there is none or it was made with another encoder, DataError if it is damaged.
        """
        named = None if encoder is None else Encoder(encoder_name or type(encoder).__name__, encoder)
        return open_stored(Path(folder), lambda stored: cls(stored, named))

    def update(self) -> "Index":
        """Update the index from the folder it was built from; return it, opened again, with its `report`."""
        settings = ReadSettings.of_identity(self.about.get("settings"), str(self.folder))
        encoder, name = (self.encoder.model, self.encoder.source) if self.encoder else (None, "")
        approximate = self._lists is not None
        return Index.build(str(self.about.get("source")), self.folder, encoder, name, settings, approximate)

    def __len__(self) -> int:
        return len(self.passages)

    @property
    def encoder_source(self) -> str | None:
        """Return the name of the encoder that the index was made with; None if it has no vectors."""
        return (self.about.get("encoder") or {}).get("source")

    def search(
        self, query: str, k: int = 10, mode: str | None = None, filters: Mapping[str, str] | None = None
    ) -> list[Hit]:
        """Return the k best passages, best first.

        mode: "bm25" (words), "vectors" (meaning) or "hybrid" (both rankings fused); by default hybrid if the index was
        opened with its encoder, else bm25. filters: only passages whose field has this value, in which * and ? are
        wildcards; fields are path, folder, type (html), title and the columns of tables.
        Raises UserError for an empty query, an unknown mode or field, and for vectors without an encoder.
        """
        mode = mode or ("bm25" if self.encoder is None else "hybrid")
        if mode not in MODES:
            raise unknown("mode", mode, MODES)
        if k < 1:
            raise UserError(f"the {k} best passages; expected 1 or more")
        if not query.strip():
            raise UserError("the query is empty; give some words")
        rows = self.rows_with(filters) if filters else None
        if mode == "bm25":
            best, words = self._by_words(query, k, rows)
            return self._hits(best, words[best], words, None)
        if self.encoder is None or self.vectors is None:
            raise UserError(f"mode {mode!r} needs the encoder of the index, {self.encoder_source!r}; or take mode bm25")
        vector = self.encoder.unit([query])[0]
        return self.search_vector(query, vector, k, mode, rows)

    def search_vector(
        self, query: str, vector: np.ndarray, k: int = 10, mode: str = "hybrid", rows: np.ndarray | None = None
    ) -> list[Hit]:
        """Return what `search` returns, given the unit vector of the query, float32 [D]. rows: search only these."""
        depth = max(DEPTH, k)
        near = self._by_vector(vector, depth if mode == "hybrid" else k, rows)
        if mode == "vectors":
            return self._hits(near.rows, near.cosines, None, vector)
        words, scores = self._by_words(query, depth, rows)
        best, fused = reciprocal_rank_fusion([words, near.rows], len(self))
        return self._hits(best[:k], fused[:k], scores, vector)

    def _by_words(self, query: str, k: int, rows: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
        """Return the best rows, and the BM25 scores of all rows."""
        scores = self.bm25.scores(terms_of(query))
        if rows is not None:
            of_others = np.ones(len(scores), bool)
            of_others[rows] = False
            scores[of_others] = 0
        return top_k(scores, k, above=0), scores

    def _by_vector(self, vector: np.ndarray, k: int, rows: np.ndarray | None) -> Found:
        assert self.vectors is not None
        if rows is None and self.approximate:
            return self._inverted.search(vector, k)
        return exact(self.vectors, vector, k, rows)

    @cached_property
    def _inverted(self) -> InvertedFile:
        assert self._lists is not None
        assert self.vectors is not None
        return InvertedFile.of_arrays(self._lists, self.vectors, str(self.folder))

    def _hits(
        self, rows: np.ndarray, scores: np.ndarray, words: np.ndarray | None, vector: np.ndarray | None
    ) -> list[Hit]:
        """Return passages with their scores. words: BM25 scores of all passages. vector: of the query."""
        found = []
        for row, score in zip(rows.tolist(), scores.tolist(), strict=True):
            bm25 = None if words is None else float(words[row])
            cosine = None if vector is None or self.vectors is None else float(self.vectors[row] @ vector)
            found.append(Hit(row, self.path_of(row), self.passage(row), score, bm25, cosine))
        return found

    def passage(self, row: int) -> Passage:
        """Return a passage by its row. Raises DataError if its line is invalid."""
        return read_passage(self.passages, row)

    def path_of(self, row: int) -> str:
        """Return the path of the file of a passage, relative to the indexed folder."""
        return self.files[self.file_of[row]]["path"]

    def rows_with(self, filters: Mapping[str, str]) -> np.ndarray:
        """Return the rows of the passages whose fields have these values, int64, ascending."""
        kept = np.ones(len(self), bool)
        for name, pattern in filters.items():
            if name in OF_FILE:
                files = [_matches(_of_path(row["path"])[name], pattern) for row in self.files]
                kept &= np.array(files, bool)[self.file_of]
            else:
                known = self._fields
                if name not in known:
                    raise unknown("field", name, [*OF_FILE, *known])
                kept &= np.array([_matches(value, pattern) for value in known[name]], bool)
        return np.flatnonzero(kept)

    @cached_property
    def _fields(self) -> dict[str, list[str | None]]:
        """Return the values of each field in all passages; None where a passage has none."""
        found: dict[str, list[str | None]] = {"title": [None] * len(self)}
        for row in range(len(self)):
            passage = self.passage(row)
            for name, value in {**passage.fields, "title": passage.title}.items():
                found.setdefault(name, [None] * len(self))[row] = str(value)
        return found

    def stale_files(self, hits: Sequence[Hit]) -> dict[str, str]:
        """Return the files of some hits that changed since they were indexed, as "changed" or "gone"."""
        source, found = Path(self.about.get("source", "")), {}
        for number in sorted({int(self.file_of[hit.row]) for hit in hits}):
            row = self.files[number]
            path = source if source.is_file() else source / row["path"]
            if not path.is_file():
                found[row["path"]] = "gone"
            elif path.stat().st_size != row["bytes"] or sha256_of(path) != row["sha256"]:
                found[row["path"]] = "changed"
        return found


def _of_path(path: str) -> dict[str, str]:
    whole = PurePosixPath(path)
    return {"path": path, "folder": str(whole.parent), "type": whole.suffix.removeprefix(".")}


def _matches(value: str | None, pattern: str) -> bool:
    return value is not None and (value == pattern or fnmatchcase(value, pattern))
