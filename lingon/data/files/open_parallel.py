"""Opens a user's parallel texts on disk: a table, two aligned files, a prefix of two files, or a folder."""

import re
from dataclasses import dataclass
from pathlib import Path

from lingon.core.errors import DataError, UserError, one_of, suggest
from lingon.data.files.aligned_files import open_aligned
from lingon.data.files.gettext import open_catalogue
from lingon.data.files.lines import FileOptions, OnBadRow, read_lines
from lingon.data.files.parallel_row import ParallelFile
from lingon.data.files.parallel_tables import open_parallel_table
from lingon.data.files.part_files import entries_by_part
from lingon.data.files.table_rows import TABLES, file_suffix
from lingon.data.files.tmx import open_tmx
from lingon.data.languages import language_code
from lingon.data.parallel_texts import Languages

FILES = FileOptions()
FORMATS = (*TABLES, ".txt", ".tmx", ".po", ".mo")  # of files that hold both sides


@dataclass(frozen=True)
class ParallelReading:
    """Options for reading a user's parallel texts.

    text, target: columns of a table; target may also be the second of two aligned files. languages: of source and
    target; they select files, columns and segments of translation memories, and the direction of a corpus.
    """

    text: str | None = None
    target: str | None = None
    languages: Languages = (None, None)
    on_bad_row: OnBadRow = "stop"
    files: FileOptions = FILES


def open_parallel(path: Path, reading: ParallelReading = ParallelReading()) -> ParallelFile:
    """Open parallel texts; name and first line tell the format. Raises UserError for a missing file, DataError."""
    if not path.exists() or path.is_dir():
        return _of_prefix(path, reading)
    if path.stat().st_size == 0:
        raise DataError(f"{path}: the file is empty")
    if file_suffix(path) == ".tmx":
        return open_tmx(path, reading.languages)
    if file_suffix(path) in (".po", ".pot", ".mo"):
        return open_catalogue(path, reading.languages, reading.files)
    if file_suffix(path) in TABLES or (file_suffix(path) == ".txt" and _has_tabs(path, reading.files)):
        return open_parallel_table(path, reading.text, reading.target, reading.languages, reading.files)
    if reading.target is None:
        raise UserError(f"{path}: one file of lines; give the file of the other side with --target{_partner(path)}")
    if not Path(reading.target).is_file():
        beside = [other.name for other in path.parent.iterdir() if other != path]
        raise UserError(
            f"there is no file {reading.target!r} for --target; {suggest(Path(reading.target).name, beside)}"
        )
    return _aligned(path, Path(reading.target), reading)


def _aligned(source: Path, target: Path, reading: ParallelReading) -> ParallelFile:
    named = [_language_of(path) for path in (source, target)]
    known = (reading.languages[0] or named[0], reading.languages[1] or named[1])
    return open_aligned(source, target, known if all(known) else reading.languages, reading.files)


def _of_prefix(path: Path, reading: ParallelReading) -> ParallelFile:
    """Open two files whose names are a prefix and a language, or those of a folder."""
    files = sides_of_prefix(path)
    if not files:
        near = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
        raise UserError(
            f"{str(path)!r} is neither a corpus of parallel texts, nor a file, nor the beginning of two files such as "
            f"{path.name}.en and {path.name}.de; {suggest(path.name, near)}"
        )
    source, target = reading.languages
    names = f"{one_of(file.name for file in files.values())}; name two with --source-lang and --target-lang"
    for language in filter(None, reading.languages):
        if language_code(language) not in files:
            raise UserError(f"{path}: no file in {language!r}, of {one_of(file.name for file in files.values())}")
    if source is None or target is None:
        if len(files) != 2:
            raise UserError(f"{path}: not obvious which files are source and target, of {names}")
        chosen = list(files)
        if source is None and target is None:
            source, target = ("en", next(x for x in chosen if x != "en")) if "en" in chosen else (chosen[0], chosen[1])
        source = source or next(x for x in chosen if x != language_code(target or ""))
        target = target or next(x for x in chosen if x != language_code(source))
    file = _aligned(files[language_code(source) or ""], files[language_code(target) or ""], reading)
    if None in reading.languages:
        file.said.append(f"{path}: source is {file.path.name}, target {file.target_path and file.target_path.name}")
    return file


def sides_of_prefix(path: Path) -> dict[str, Path]:
    """Return the files named `path`, a dot and a language, by language; or all such files of a folder."""
    folder, start = (path, "") if path.is_dir() else (path.parent, f"{path.name}.")
    if not folder.is_dir():
        return {}
    entries = sorted(p for p in folder.iterdir() if p.is_file() and p.name.startswith(start))
    found = [(language, p) for p in entries if (language := _language_of(p)) and (not start or _stem(p) == path.name)]
    return dict(found) if len({language for language, _ in found}) == len(found) else {}


def partner_of(path: Path, source: Path, target: Path) -> Path | None:
    """Return the partner file of `path`: its name differs in the same word as `target` differs from `source`.

    >>> partner_of(Path("news.en.txt"), Path("talks.en.txt"), Path("talks.de.txt"))
    PosixPath('news.de.txt')
    """
    ours, theirs = (re.split(r"([._-])", name) for name in (source.name, target.name))
    differ = [(a, b) for a, b in zip(ours, theirs, strict=False) if a != b]
    if len(ours) != len(theirs) or len(differ) != 1:
        return None
    words = re.split(r"([._-])", path.name)
    if differ[0][0] not in words:
        return None
    words[len(words) - 1 - words[::-1].index(differ[0][0])] = differ[0][1]
    return path.with_name("".join(words))


def parts_of_folder(folder: Path) -> dict[str, Path]:
    """Return the path to open for each part of a folder: a table such as train.tsv, or a prefix of two files.

    Parts are recognised by name as in `entries_by_part`. Empty if the folder has no training part. Raises DataError
    for a part with several tables, or with several prefixes and no table.
    """
    found: dict[str, Path] = {}
    for part, entries in entries_by_part(folder).items():
        files = [entry for entry in entries if entry.is_file()]
        tables = [file for file in files if file_suffix(file) in FORMATS]
        prefixes = dict.fromkeys(file.with_name(_stem(file)) for file in files if _language_of(file))
        chosen = tables or [prefix for prefix in prefixes if sides_of_prefix(prefix)]
        if len(chosen) > 1:
            raise DataError(f"{folder}: several files for {part}: {one_of(path.name for path in chosen)}; keep one")
        if chosen:
            found[part] = chosen[0]
    return found if "train" in found else {}


def _language_of(path: Path) -> str | None:
    return language_code(file_suffix(path).removeprefix("."))


def _stem(path: Path) -> str:
    """Return the file name without language and without .gz."""
    return path.name[: path.name.lower().rindex(file_suffix(path))]


def _partner(path: Path) -> str:
    """Return the file that is probably the other side, in brackets; "" if there is none."""
    others = (
        [p for p in sides_of_prefix(path.with_name(_stem(path))).values() if p != path] if file_suffix(path) else []
    )
    return f" ({others[0]}?)" if others else ""


def _has_tabs(path: Path, options: FileOptions) -> bool:
    return "\t" in next((line.text for line in read_lines(path, options.encoding) if line.text.strip()), "").strip()
