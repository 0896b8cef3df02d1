"""Reads the pairs of a user's parallel texts: distinct ones for training, or all of them for evaluation."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from lingon.core.counted import counted
from lingon.core.errors import DataError
from lingon.data.clean_parallel import CleaningReport, distinct_pairs
from lingon.data.files.labelled_texts import SURROGATE
from lingon.data.files.open_parallel import ParallelReading, open_parallel
from lingon.data.files.parallel_row import ParallelFile, ParallelRow
from lingon.data.parallel_texts import ParallelPair, ParallelTexts


@dataclass
class ParallelReport:
    """Report on reading: the files, bad rows that were skipped, pairs left out, and messages for the user.

    places: file and line of each pair, if they are for training.
    """

    file: ParallelFile
    skipped: int = 0
    first_skipped: str = ""
    cleaning: CleaningReport = field(default_factory=CleaningReport)
    places: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)


def read_parallel(
    path: Path, reading: ParallelReading = ParallelReading(), to_learn_from: bool = False
) -> tuple[ParallelTexts, ParallelReport]:
    """Return the pairs of a file, of two files or of a prefix of two, with a report.

    to_learn_from: pairs with an empty side and repeated pairs are counted and left out; otherwise every pair is kept,
    and one with an empty side is a bad row. Raises DataError with file and line of the first bad row, or if no pair is
    left.
    """
    file = open_parallel(path, reading)
    report = ParallelReport(file, messages=list(file.said))
    rows = _readable(reading, report, to_learn_from)
    if to_learn_from:
        placed = ((file.place(row, bool(row.source.strip())), row.source, row.target) for row in rows)
        found = list(distinct_pairs(placed, report.cleaning))
        report.places, pairs = [where for where, _ in found], [pair for _, pair in found]
    else:
        pairs = [ParallelPair(row.source.strip(), row.target.strip()) for row in rows]
    if report.skipped:
        report.messages.append(
            f"{path.name}: {counted(report.skipped, 'bad row')} skipped, the first: {report.first_skipped}"
        )
    if not pairs:
        why = "".join(f"; {line}" for line in report.cleaning.said()[:1])
        raise DataError(f"{path}: no pair of a source and a target in it{why}")
    return ParallelTexts.of(pairs, file.languages), report


def _readable(reading: ParallelReading, report: ParallelReport, empty_too: bool) -> Iterator[ParallelRow]:
    """Yield the rows that can be read. empty_too: also those with an empty side, which otherwise are bad rows."""
    for row in report.file.read():
        problem, side = row.problem or _half(row), _empty_side(row)
        if not problem and side and not empty_too:
            if report.file.passes_over_empty:
                continue
            problem = f"empty {side}"
        if not problem:
            yield row
            continue
        wrong = f"{report.file.place(row, side != 'source')}: {problem}"
        if reading.on_bad_row == "stop":
            raise DataError(f"{wrong}; --on-bad-row skip leaves such pairs out")
        report.skipped, report.first_skipped = report.skipped + 1, report.first_skipped or wrong


def _empty_side(row: ParallelRow) -> str:
    return "source" if not row.source.strip() else "target" if not row.target.strip() else ""


def _half(row: ParallelRow) -> str:
    for side, text in (("source", row.source), ("target", row.target)):
        if not text.isascii() and SURROGATE.search(text):
            return f"a lone surrogate (half a character) in the {side}"
    return ""
