"""What a run's folder holds when a run is to begin in it: refused, put aside until there is something new, put back."""

import os
import shutil
from pathlib import Path

from lingon.core.errors import UserError
from lingon.engine import checkpoint
from lingon.engine.log import FILE, MetricsLog

REPLACED = ".replaced"
AT_FIRST = ("run.json", FILE, "checkpoints", "text", "tokenizer.json")  # what a run has before anything is saved


class RunFolder:
    """The folder of a run, without a word on what the run does."""

    def __init__(self, path: str | Path):
        self.path, self.record = Path(path), Path(path) / "run.json"
        self.checkpoints = self.path / "checkpoints"

    def check_name(self) -> None:
        """Raise UserError for a name that no file of text could repeat."""
        try:
            os.fspath(self.path).encode()
        except UnicodeEncodeError:
            raise UserError(
                f"the run's folder {os.fspath(self.path)!r} is not text in UTF-8; choose another name"
            ) from None

    def check_room(self, resume: bool, overwrite: bool) -> None:
        """Raise UserError for a folder that `make_room` would not take for what it holds: before data is read."""
        if self.path.exists() and not self.path.is_dir():
            raise UserError(f"{str(self.path)!r} is a file; expected the name of a folder")
        if self.path.is_dir() and not resume and (there := self._contents()):
            self._check(there, overwrite)

    def make_room(self, resume: bool, overwrite: bool) -> None:
        """Put an older run aside, into `.replaced`. Raises UserError where there is one and nothing says to."""
        there = self._contents()
        if not there or (resume and self.record.is_file()):
            return
        self._check(there, overwrite)
        # A new run that failed before its first checkpoint is worth less than the one it was to replace.
        worthless = (self.path / REPLACED).exists()
        aside = self.path / (".tmp-lingon-worthless" if worthless else REPLACED)
        aside.mkdir(exist_ok=True)
        _move(there, aside)

    def forget_replaced(self) -> None:
        """Remove the run that was put aside."""
        shutil.rmtree(self.path / REPLACED, ignore_errors=True)

    def undo(self) -> bool:
        """Leave the folder as it was before a run that began with wrong settings: an older run is in its place again.

        Return whether that was done: of a run that has logged or saved something all is kept.
        """
        there = self._contents()
        if not self._is_bare(there) or MetricsLog(self.path).length():
            return False
        for path in there:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        old = self.path / REPLACED
        if old.is_dir():
            _move(list(old.iterdir()), self.path)
            old.rmdir()
        return True

    def _contents(self) -> list[Path]:
        own = (".lock", REPLACED)
        return [p for p in self.path.iterdir() if p.name not in own and not p.name.startswith(".tmp-lingon-")]

    def _check(self, there: list[Path], overwrite: bool) -> None:
        if not self.record.is_file():
            raise UserError(f"{str(self.path)!r} holds files but no run ({there[0].name}); choose another folder")
        if not overwrite and not self._is_bare(there):
            raise UserError(
                f"{str(self.path)!r} already holds a run; resume it, overwrite it, or choose another folder"
            )

    def _is_bare(self, there: list[Path]) -> bool:
        """Whether a run has only begun: it ended before anything was saved, and there is nothing to lose."""
        return not checkpoint.steps_in(self.checkpoints) and all(path.name in AT_FIRST for path in there)


def _move(paths: list[Path], into: Path) -> None:
    for path in sorted(paths, key=lambda p: p.name == "run.json"):  # last, because it makes a folder a run
        path.rename(into / path.name)
