"""The contents of a folder in which a run starts: refuse them, move an older run aside, or restore it."""

import os
import shutil
from pathlib import Path

from lingon.core.errors import UserError
from lingon.engine import checkpoint
from lingon.engine.log import FILE, MetricsLog

REPLACED = ".replaced"
AT_FIRST = ("run.json", FILE, "checkpoints", "text", "tokenizer.json")  # files of a run that has saved nothing yet


class RunFolder:
    """The folder of a run, whatever the run does."""

    def __init__(self, path: str | Path):
        self.path, self.record = Path(path), Path(path) / "run.json"
        self.checkpoints = self.path / "checkpoints"

    def check_name(self) -> None:
        """Raise UserError for a name that cannot be written as UTF-8."""
        try:
            os.fspath(self.path).encode()
        except UnicodeEncodeError:
            raise UserError(
                f"the run's folder {os.fspath(self.path)!r} is not text in UTF-8; choose another name"
            ) from None

    def check_room(self, resume: bool, overwrite: bool) -> None:
        """Raise UserError for a folder whose contents `make_room` would refuse; to be called before data is read."""
        if self.path.exists() and not self.path.is_dir():
            raise UserError(f"{str(self.path)!r} is a file; expected the name of a folder")
        if self.path.is_dir() and not resume and (there := self._contents()):
            self._check(there, overwrite)

    def make_room(self, resume: bool, overwrite: bool) -> None:
        """Move an older run into `.replaced`. Raises UserError if there is one and `overwrite` is not set."""
        there = self._contents()
        if not there or (resume and self.record.is_file()):
            return
        self._check(there, overwrite)
        # If `.replaced` exists, the run here failed before its first checkpoint, and the one in `.replaced` is kept.
        worthless = (self.path / REPLACED).exists()
        aside = self.path / (".tmp-lingon-worthless" if worthless else REPLACED)
        aside.mkdir(exist_ok=True)
        _move(there, aside)

    def forget_replaced(self) -> None:
        """Remove the older run in `.replaced`."""
        shutil.rmtree(self.path / REPLACED, ignore_errors=True)

    def undo(self) -> bool:
        """Restore the folder as it was before a run that failed on invalid settings, with the older run in its place.

        Return whether that was done: a run that has logged or saved something is kept.
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
                f"{str(self.path)!r} already holds a run; "
                "add --resume or --overwrite, or choose another folder with --out"
            )

    def _is_bare(self, there: list[Path]) -> bool:
        """Return whether a run ended before anything was saved, so that there is nothing to lose."""
        return not checkpoint.steps_in(self.checkpoints) and all(path.name in AT_FIRST for path in there)


def _move(paths: list[Path], into: Path) -> None:
    for path in sorted(paths, key=lambda p: p.name == "run.json"):  # run.json last, because it marks a folder as a run
        path.rename(into / path.name)
