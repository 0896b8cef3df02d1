"""Sentences that cannot be read: an error at the first of them, or skipped, counted and reported."""

from dataclasses import dataclass
from pathlib import Path

from lingon.core.errors import DataError
from lingon.data.files.lines import OnBadRow

HINT = "--on-bad-row skip leaves such sentences out"


@dataclass
class LeftOut:
    """Implements --on-bad-row for the sentences of a file. count: skipped sentences; first: the first problem."""

    path: Path
    on_bad_row: OnBadRow = "stop"
    count: int = 0
    first: str = ""

    def add(self, error: DataError) -> None:
        """Count a broken sentence. error: with its file and line; it is raised unless broken sentences are skipped."""
        if self.on_bad_row == "stop":
            raise DataError(f"{error}; {HINT}") from None
        self.count += 1
        self.first = self.first or str(error)

    def messages(self) -> list[str]:
        """Return a message for the user if sentences were skipped."""
        if not self.count:
            return []
        return [f"{self.path.name}: bad sentences skipped: {self.count:,}, the first: {self.first}"]
