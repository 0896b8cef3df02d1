"""A pair of a user's parallel texts, and the file that pairs are read from."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from lingon.data.parallel_texts import Languages


class ParallelRow(NamedTuple):
    """A pair: its place (`:17`), source and target, and the problem if the row cannot be read."""

    where: str
    source: str = ""
    target: str = ""
    problem: str = ""


@dataclass(frozen=True)
class ParallelFile:
    """Parallel texts on disk in any format: `read` yields the pairs.

    target_path: the second of two aligned files. said: messages for the user about guesses of the format.
    passes_over_empty: whether pairs without a target are normal in this format, such as messages of a catalogue that
    are not translated yet.
    """

    path: Path
    read: Callable[[], Iterator[ParallelRow]]
    target_path: Path | None = None
    languages: Languages = (None, None)
    said: list[str] = field(default_factory=list)
    passes_over_empty: bool = False

    def place(self, row: ParallelRow, of_target: bool = False) -> str:
        """Return file and line of a row, or of its target."""
        return f"{self.target_path if of_target and self.target_path else self.path}{row.where}"
