"""The pairs of a user's parallel texts, cleaned to learn from, or as they are to be scored on."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from lingon.core.errors import DataError
from lingon.data.clean_parallel import CleaningReport, CleaningRules, clean_pairs
from lingon.data.files.labelled_texts import SURROGATE
from lingon.data.files.open_parallel import ParallelReading, open_parallel
from lingon.data.files.parallel_row import ParallelFile, ParallelRow
from lingon.data.parallel_texts import ParallelPair, ParallelTexts


@dataclass
class ParallelReport:
    """What reading came to: bad rows that were skipped, the cleaning, and lines to tell the user."""

    skipped: int = 0
    cleaning: CleaningReport | None = None
    messages: list[str] = field(default_factory=list)


def read_parallel(
    path: Path, reading: ParallelReading = ParallelReading(), rules: CleaningRules | None = None
) -> tuple[ParallelTexts, ParallelReport]:
    """Return the pairs of a file, two files or a prefix of two, with a report.

    rules: those by which pairs are left out; without them every pair stays, as scores want it, and one with an empty
    side is a bad row. Raises DataError with file and line of the first bad row, or where no pair is left.
    """
    file = open_parallel(path, reading)
    report = ParallelReport(messages=list(file.said))
    rows = _readable(file, reading, report, rules is None)
    if rules is None:
        pairs = [ParallelPair(row.source.strip(), row.target.strip()) for row in rows]
    else:
        report.cleaning = CleaningReport()
        placed = ((file.place(row, bool(row.source.strip())), row.source, row.target) for row in rows)
        pairs = list(clean_pairs(placed, rules, report.cleaning))
        report.messages += [*report.cleaning.said(), *([rules.said()] if report.cleaning.left_out else [])]
    if report.skipped:
        report.messages.append(f"{path.name}: {report.skipped:,} bad rows skipped")
    if not pairs:
        raise DataError(f"{path}: no pair of a source and a target in it{_why(report)}")
    return ParallelTexts.of(pairs, file.languages), report


def _readable(
    file: ParallelFile, reading: ParallelReading, report: ParallelReport, whole: bool
) -> Iterator[ParallelRow]:
    """Yield the rows that can be read. whole: an empty side is a bad row, unless it is usual in files of this form."""
    for row in file.read():
        problem, empty = row.problem or _half(row), not row.source.strip() or not row.target.strip()
        if not problem and empty and whole:
            if file.passes_over_empty:
                continue
            problem = f"empty {'source' if not row.source.strip() else 'target'}"
        if problem and reading.on_bad_row == "stop":
            where = file.place(row, bool(row.source.strip()))
            raise DataError(f"{where}: {problem}; --on-bad-row skip leaves such pairs out")
        report.skipped += bool(problem)
        if not problem:
            yield row


def _half(row: ParallelRow) -> str:
    for side, text in (("source", row.source), ("target", row.target)):
        if not text.isascii() and SURROGATE.search(text):
            return f"half a character (a lone surrogate) in the {side}"
    return ""


def _why(report: ParallelReport) -> str:
    left_out = report.cleaning.said() if report.cleaning else []
    return f"; {left_out[0]}" if left_out else ""
