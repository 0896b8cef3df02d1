"""One pair of a user's parallel texts, and the files that such pairs are read from."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from lingon.data.parallel_texts import Languages


class ParallelRow(NamedTuple):
    """A pair: where it stands (`:17`), its source and target, and what makes the row unreadable, if anything."""

    where: str
    source: str = ""
    target: str = ""
    problem: str = ""


@dataclass(frozen=True)
class ParallelFile:
    """Parallel texts on disk, in whatever form: `read` gives their pairs one by one.

    target_path: the other one of two aligned files. said: what was guessed of the form, for the user.
    passes_over_empty: whether a pair without target is usual in this form, as an entry of a catalogue of messages
    that nobody has translated yet.
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
