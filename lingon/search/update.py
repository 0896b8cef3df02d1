"""Creation and update of an index: only new or changed files are read, only new passages are encoded."""

import contextlib
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from lingon.core.counted import counted
from lingon.core.errors import DataError, UserError, one_of
from lingon.core.files import locked, remove_leftovers, sha256_of
from lingon.core.progress import track
from lingon.search.bm25 import BM25
from lingon.search.documents import Passage, ReadSettings, files_of, passages_of
from lingon.search.encoder import Encoder, encode_kept, forget_kept
from lingon.search.store import (
    NAME,
    StoredIndex,
    arrays_writer,
    is_index,
    lines_writer,
    matrix_writer,
    remove_unnamed,
    write_index,
)
from lingon.search.stored_passages import read_files, read_passage
from lingon.search.terms import terms_of
from lingon.search.vectors import InvertedFile

WAIT = 0.0  # seconds to wait for another process that writes the same index


@dataclass
class Report:
    """The counts of an update; `skipped` has a line for each file or row that could not be read."""

    files: int = 0
    unchanged: int = 0
    added: int = 0
    changed: int = 0
    removed: int = 0
    passages: int = 0
    encoded: int = 0
    other_files: dict[str, int] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)

    def lines(self) -> Iterator[str]:
        """Yield the report as lines of text."""
        what = f"{self.added:,} new, {self.changed:,} changed, {self.unchanged:,} as before, {self.removed:,} removed"
        yield f"{counted(self.files, 'file')} ({what}), {counted(self.passages, 'passage')}, {self.encoded:,} encoded"
        if self.other_files:
            kinds = one_of(f"{suffix} {count:,}" for suffix, count in sorted(self.other_files.items()))
            others = sum(self.other_files.values())
            yield f"{counted(others, 'file of another kind is', 'files of other kinds are')} left out: {kinds}"
        yield from self.unread()

    def unread(self) -> Iterator[str]:
        """Yield a line on what could not be read, if there is anything."""
        if self.skipped:
            what = counted(len(self.skipped), "file or row", "files or rows")
            yield f"{what} could not be read; the first: {self.skipped[0]}"


@dataclass(frozen=True)
class Plan:
    """What an index is built from and how. encoder: None for no vectors. approximate: with an inverted file."""

    source: Path
    settings: ReadSettings
    encoder: Encoder | None
    approximate: bool


def update_index(folder: Path, plan: Plan, overwrite: bool = False) -> Report:
    """Build or update the index in a folder according to `plan`, reusing what is there; it is replaced atomically.

    overwrite: read and encode everything again.
    Raises UserError when the existing index has another source folder, other settings or another encoder, or when
    another process writes it; DataError with file and line for a file that cannot be read.
    """
    check_target(folder)
    files, others = files_of(plan.source, leave_out=folder)
    fresh = not folder.exists()
    with locked(folder, "indexing", wait=WAIT):
        remove_leftovers(folder)
        old = _Old(folder, plan) if is_index(folder) and not overwrite else None
        try:
            return _write(folder, plan, old, files, dict(others))
        except UserError:
            if fresh:  # the folder was created for an index that was refused
                (folder / ".lock").unlink(missing_ok=True)
                with contextlib.suppress(OSError):  # it is not empty
                    folder.rmdir()
            raise


def check_target(folder: Path) -> None:
    """Raise UserError for a path where an index must not be written: a file, or a folder with other files."""
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder} is a file; give the name of a folder for the index")
    if folder.is_dir() and not is_index(folder):
        # A killed first run leaves files of an index without a manifest.
        strange = next(
            (p.name for p in sorted(folder.iterdir()) if p.name[0] != "." and not NAME.fullmatch(p.name)), None
        )
        if strange:
            raise UserError(f"{folder} contains other files, such as {strange!r}; give another name for the index")


class _Old:
    """The existing index, parts of which are reused."""

    def __init__(self, folder: Path, plan: Plan):
        stored = StoredIndex(folder)
        _check_same(folder, stored.about, plan)
        self.stored, self.lines = stored, stored.lines("passages")
        self.files: dict[str, dict[str, Any]] = {}
        first = 0
        for row in read_files(stored.lines("files"), len(self.lines)):
            self.files[row["path"]] = row | {"first": first}
            first += row["passages"]
        self.vectors = stored.matrix("vectors") if stored.has("vectors") else None
        if self.vectors is not None and len(self.vectors) != len(self.lines):
            raise DataError(
                f"{folder}: {counted(len(self.vectors), 'vector')} of "
                f"{counted(len(self.lines), 'passage')}; use --overwrite"
            )
        self.approximate = stored.has("lists")

    def passages(self, path: str, sha256: str) -> list[Passage] | None:
        """Return the passages of a file that has not changed; None for any other."""
        row = self.files.get(path)
        if row is None or row["sha256"] != sha256:
            return None
        return [read_passage(self.lines, i) for i in range(row["first"], row["first"] + row["passages"])]

    def known(self) -> dict[bytes, int]:
        """Return the row of the vector of each text, by its sha256."""
        if self.vectors is None:
            return {}
        return {_sha(read_passage(self.lines, row).full_text()): row for row in range(len(self.vectors))}


def _check_same(folder: Path, about: dict[str, Any], plan: Plan) -> None:
    """Raise UserError when an existing index has another source, other settings or another encoder than the plan."""
    again = "give another --out, or rebuild it with --overwrite"
    if about.get("source") != str(plan.source.absolute()):
        raise UserError(f"{folder} is the index of {str(about.get('source'))!r}, not of {str(plan.source)!r}; {again}")
    for key, value in plan.settings.identity().items():
        if (kept := about.get("settings", {}).get(key)) != value:
            raise UserError(f"{folder} was made with {key} {kept!r}, not {value!r}; {again}")
    kept = about.get("encoder")
    if (kept is None) != (plan.encoder is None):
        what = "has no vectors (--lexical-only)" if kept is None else f"has vectors of {kept.get('source')!r}"
        raise UserError(f"{folder} {what}; {again}")
    if plan.encoder is not None:
        plan.encoder.check(kept or {}, folder)


def _write(folder: Path, plan: Plan, old: _Old | None, files: Sequence[Path], others: dict[str, int]) -> Report:
    report = Report(files=len(files), other_files=others)
    rows, passages = _read(plan, old, files, report)
    report.passages = len(passages)
    if not passages:
        raise DataError(f"{plan.source}: {counted(len(files), 'file')}, and none contains a passage of text")
    if old is not None:
        report.removed = len(set(old.files) - {row["path"] for row in rows})
        same = not (report.added or report.changed or report.removed)
        if same and old.approximate == plan.approximate:
            remove_unnamed(folder, old.stored.files)
            forget_kept(folder)
            return report
    writers = {
        "files": lines_writer(rows),
        "passages": lines_writer(p._asdict() for p in passages),
        "bm25": arrays_writer(BM25.build(terms_of(p.full_text()) for p in passages).arrays()),
    }
    about: dict[str, Any] = {
        "source": str(plan.source.absolute()),
        "settings": plan.settings.identity(),
        "passages": len(passages),
        "encoder": None,
    }
    if plan.encoder is not None:
        vectors = _vectors(folder, plan.encoder, old, passages, report)
        about["encoder"] = plan.encoder.identity()
        writers["vectors"] = matrix_writer(vectors)
        if plan.approximate:
            writers["lists"] = arrays_writer(InvertedFile.build(vectors).arrays())
    write_index(folder, about, writers)
    forget_kept(folder)
    return report


def _read(
    plan: Plan, old: _Old | None, files: Sequence[Path], report: Report
) -> tuple[list[dict[str, Any]], list[Passage]]:
    """Return a row for each file, and all passages, in the order of the files."""
    rows: list[dict[str, Any]] = []
    passages: list[Passage] = []
    with track(len(files), "reading", "file") as bar:
        for path in files:
            name = path.name if plan.source.is_file() else path.relative_to(plan.source).as_posix()
            sha256 = sha256_of(path)
            found = old.passages(name, sha256) if old else None
            if found is not None:
                report.unchanged += 1
            elif old and name in old.files:
                report.changed += 1
            else:
                report.added += 1
            found = _of_file(path, plan.settings, report) if found is None else found
            rows.append({"path": name, "bytes": path.stat().st_size, "sha256": sha256, "passages": len(found)})
            passages += found
            bar.advance(1)
    return rows, passages


def _of_file(path: Path, settings: ReadSettings, report: Report) -> list[Passage]:
    try:
        return list(passages_of(path, settings, report.skipped))
    except DataError as error:
        if not settings.skip:
            raise DataError(f"{error}; --on-bad-row skip leaves out what cannot be read") from None
        report.skipped.append(str(error))
        return []


def _vectors(
    folder: Path, encoder: Encoder, old: _Old | None, passages: Sequence[Passage], report: Report
) -> np.ndarray:
    """Return the vectors of all passages, [n, D]; each text that is not in the old index is encoded, once."""
    texts = [passage.full_text() for passage in passages]
    keys, known = [_sha(text) for text in texts], old.known() if old else {}
    new = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
    fresh = encode_kept(encoder, list(new.values()), folder)
    report.encoded = len(new)
    place = {key: i for i, key in enumerate(new)}
    out = np.empty((len(texts), fresh.shape[1]), np.float32)
    for i, key in enumerate(keys):
        if key in place:
            out[i] = fresh[place[key]]
        else:
            assert old is not None, "only an old index has known vectors"
            assert old.vectors is not None
            out[i] = old.vectors[known[key]]
    return out


def _sha(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
