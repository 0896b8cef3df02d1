"""The flags that say how files of the user's are read."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from typer import Option

from lingon.core.errors import UserError, unknown
from lingon.data.files.lines import FileOptions, OnBadRow
from lingon.data.problem_types import PROBLEM_TYPES, ProblemType

Encoding = Annotated[str, Option(help="Encoding of your files, such as utf-16 or cp1252.")]
Quoting = Annotated[
    str, Option(help="Quotes in csv and tsv: minimal (they delimit cells), none (they are characters) or auto.")
]
BadRow = Annotated[str, Option(help="A row that cannot be read: stop (default), or skip it.")]
TextColumn = Annotated[list[str] | None, Option(help="Text column. Default: detected.")]


@dataclass(frozen=True)
class Files(FileOptions):
    """Settings of reading the user's files."""

    encoding: Encoding = "utf-8"
    quoting: Quoting = "auto"


def one_column(given: Sequence[str] | str | None) -> str | None:
    """The column that --text names. Raises UserError when it is given twice, which once silently took the last."""
    if given is None or isinstance(given, str):
        return given
    if len(given) > 1:
        raise UserError(
            f"--text is given {len(given)} times ({', '.join(given)}); the second text of a pair is --text-pair"
        )
    return given[0] if given else None


TextPair = Annotated[str | None, Option(help="Column with the second text of a pair.")]


def bad_rows(given: str) -> OnBadRow:
    """What --on-bad-row does with a row that cannot be read. Raises UserError for any other word."""
    if given == "stop":
        return "stop"
    if given == "skip":
        return "skip"
    raise unknown("value of --on-bad-row", given, ("stop", "skip"))


def problem_type_of(given: str | None) -> ProblemType | None:
    """What --problem-type says. Raises UserError for any other word."""
    for known in PROBLEM_TYPES:
        if given == known:
            return known
    if given is None:
        return None
    raise unknown("value of --problem-type", given, PROBLEM_TYPES)
