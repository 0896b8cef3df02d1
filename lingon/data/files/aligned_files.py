"""Two files aligned line by line: their pairs, and where they diverge if one is longer."""

import math
import re
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import accumulate
from pathlib import Path

from lingon.core.counted import counted
from lingon.core.errors import DataError
from lingon.data.files.lines import FileOptions, TextLine, read_lines
from lingon.data.files.parallel_row import ParallelFile, ParallelRow
from lingon.data.parallel_texts import Languages

SHOWN = 50  # characters of a line in a message


def open_aligned(
    source: Path, target: Path, languages: Languages = (None, None), options: FileOptions = FileOptions()
) -> ParallelFile:
    """Return two files that are aligned line by line as a file of pairs.

    Reading raises DataError if they have different numbers of lines, with the first line that does not fit.
    """
    return ParallelFile(source, partial(_pairs, source, target, options), target, languages)


def _pairs(source: Path, target: Path, options: FileOptions) -> Iterator[ParallelRow]:
    sides = [list(read_lines(path, options.encoding)) for path in (source, target)]
    if len(sides[0]) != len(sides[1]):
        raise DataError(_misaligned((source, target), sides))
    for ours, theirs in zip(*sides, strict=True):
        problem = ours.problem or (f"{target.name}: {theirs.problem}" if theirs.problem else "")
        yield ParallelRow(f":{ours.number}", ours.text.rstrip("\r\n"), theirs.text.rstrip("\r\n"), problem)


def _misaligned(paths: tuple[Path, Path], sides: list[list[TextLine]]) -> str:
    """Return a message with the numbers of lines, and the line from which on they no longer fit."""
    texts = [[line.text.strip() for line in side] for side in sides]
    line = first_that_does_not_fit(*texts)
    shown = " | ".join(repr(side[line][:SHOWN]) if line < len(side) else "(no line)" for side in texts)
    return (
        f"{paths[0]} has {counted(len(sides[0]), 'line')} and {paths[1]} {len(sides[1]):,}; "
        "the same line of both must belong "
        f"together. The first that does not seem to fit is line {line + 1:,}: {shown}"
    )


def first_that_does_not_fit(sources: Sequence[str], targets: Sequence[str]) -> int:
    """Return the position at which two lists of texts of different lengths most likely diverge.

    One list is assumed to have extra texts in one place: before it, texts at equal positions correspond, after it those
    shifted by the difference. The chosen place makes the pairs most similar in length (Gale and Church 1993), numbers
    and final punctuation.
    """
    longer, shorter = (sources, targets) if len(sources) > len(targets) else (targets, sources)
    more, count = len(longer) - len(shorter), len(shorter)
    before = accumulate((_unlike(longer[i], shorter[i]) for i in range(count)), initial=0.0)
    after = [*accumulate((_unlike(longer[i + more], shorter[i]) for i in reversed(range(count))), initial=0.0)][::-1]
    costs = [a + b for a, b in zip(before, after, strict=True)]
    return min(range(count + 1), key=costs.__getitem__)


def _unlike(one: str, other: str) -> float:
    """Return the dissimilarity of two texts as translations: 0 for equal length, numbers and final punctuation."""
    if not one or not other:
        return 0.0 if one == other else 3.0
    numbers = set(re.findall(r"\d+", one)) != set(re.findall(r"\d+", other))
    ends = (one[-1].isalnum(), one[-1] in "?？") != (other[-1].isalnum(), other[-1] in "?？")
    return abs(math.log((len(one) + 1) / (len(other) + 1))) + numbers + 0.5 * ends
