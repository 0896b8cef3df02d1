"""The folder of a training run: locked for one process, never overwritten unless asked, with its log and checkpoints.

run.json        arguments, versions, and facts recorded during the run
metrics.jsonl   one JSON object per line: step, epoch, time in seconds, name: value
checkpoints/    states to resume from, and the best weights so far
"""

from __future__ import annotations

import contextlib
import json
import shutil
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lingon.core.errors import DataError, RunError, UserError
from lingon.core.files import locked, read_json, remove_leftovers, sha256_of, write_json
from lingon.core.tensors import load_tensors, save_tensors
from lingon.engine import checkpoint
from lingon.engine.log import MetricsLog
from lingon.engine.run_environment import environment, environment_changes
from lingon.engine.run_folder import RunFolder
from lingon.engine.save_interval import SaveInterval
from lingon.engine.world import wait_for_all, world

if TYPE_CHECKING:  # runs without torch do not import it
    from lingon.core.shapes import Tensor


class Run:
    """An open run folder. Open it with `Run.open`, and use it with `with`, so that it is closed again."""

    def __init__(self, folder: Path, save_interval: SaveInterval, resumed: bool):
        self.folder, self.save_interval, self.resumed = Path(folder), save_interval, resumed
        self.checkpoints = self.folder / "checkpoints"
        self.metrics = MetricsLog(self.folder)
        self.facts: dict[str, Any] = {}
        self._held = contextlib.ExitStack()
        self._saved_at, self._saving_took = time.monotonic(), 0.0
        self._bests: list[str | None] = []  # files of best weights that the kept checkpoints refer to

    @classmethod
    def open(
        cls,
        folder: str | Path,
        arguments: dict[str, Any],
        resume: bool = False,
        overwrite: bool = False,
        save_interval: SaveInterval = SaveInterval(),
    ) -> Run:
        """Open a run folder exclusively, for a new run or to resume one.

        arguments: whatever determines the run, JSON-serializable. A run resumes only with the arguments it began with.
        overwrite: an old run is kept in `.replaced` inside the folder until the new one has its first checkpoint.
        With several processes, only rank 0 writes to the folder; all must see the same file system.

        Raises UserError when the folder already holds a run, or none to resume, or one with other arguments,
        or is in use by another process.
        """
        if resume and overwrite:
            raise UserError("resume and overwrite cannot be combined; choose one")
        RunFolder(folder).check_name()
        run = cls(Path(folder), save_interval, resume)
        arguments = json.loads(json.dumps(arguments, default=str))
        if world().rank == 0:
            try:
                run._prepare(arguments, resume, overwrite)
            except BaseException:
                run.close()
                if not (run.folder / "run.json").exists():  # a folder without a run is left as it was
                    (run.folder / ".lock").unlink(missing_ok=True)
                raise
        wait_for_all()
        run.facts = read_json(run.folder / "run.json")
        return run

    def __enter__(self) -> Run:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        wrong = kind is not None and issubclass(kind, UserError) and world().rank == 0 and not self.resumed
        undone = wrong and RunFolder(self.folder).undo()
        self.close()
        if undone:
            (self.folder / ".lock").unlink(missing_ok=True)
            with contextlib.suppress(OSError):  # holds an older run, or something else
                self.folder.rmdir()

    def close(self) -> None:
        """Release the lock on the folder."""
        self._held.close()

    def log(self, step: int, **values: float) -> None:
        """Add a row to metrics.jsonl, such as `run.log(120, epoch=1.5, time=33.1, loss=0.41)`."""
        if world().rank == 0:
            with self._writing():
                self.metrics.append({"step": step, **values})

    def record(self, key: str, value: Any) -> None:
        """Set a key of run.json."""
        self.record_all({key: value})

    def record_all(self, facts: dict[str, Any]) -> None:
        """Set several keys of run.json at once."""
        self.facts |= facts
        if world().rank == 0:
            with self._writing():
                write_json(self.folder / "run.json", self.facts)

    def due(self, step: int, edge: bool = False) -> bool:
        """Return whether to save after `step` steps. edge: at the end of an epoch."""
        return self.save_interval.due(step, edge, time.monotonic() - self._saved_at, self._saving_took)

    def save(self, step: int, parts: dict[str, Any], best: str | None = None) -> None:
        """Write a checkpoint that refers to the file `best` of weights; remove files of weights no longer referred to.

        Raises RunError when the disk is full or cannot be written to; older checkpoints are then untouched.
        """
        if world().rank > 0:
            return
        started = time.monotonic()
        with self._writing():
            parts["run"] = {"metrics_bytes": self.metrics.length()}
        checkpoint.save_checkpoint(self.checkpoints, step, parts)
        RunFolder(self.folder).forget_replaced()
        self._bests = [*self._bests, best][-checkpoint.KEPT :]
        for path in self.checkpoints.glob("best-*.safetensors"):
            if path.name not in self._bests:
                path.unlink(missing_ok=True)
        self._saved_at = time.monotonic()
        self._saving_took = self._saved_at - started

    def restore(self, use: Callable[[dict[str, Any]], None] | None = None) -> dict[str, Any] | None:
        """Return the parts of the newest intact checkpoint of a resumed run; None when there is none.

        use: loads the parts; if it fails on the newest checkpoint, the one before it is tried. Rows of metrics.jsonl
        after that checkpoint are removed, since they will be written again.
        """
        parts = checkpoint.load_checkpoint(self.checkpoints, use) if self.resumed else None
        wait_for_all()
        if world().rank == 0:
            self.metrics.cut(parts["run"]["metrics_bytes"] if parts else 0)
        return parts

    def prune(self) -> int:
        """Remove the checkpoints of a finished run, whose model is saved elsewhere; return their size in bytes."""
        if world().rank > 0 or not self.checkpoints.is_dir():
            return 0
        size = sum(path.stat().st_size for path in self.checkpoints.rglob("*") if path.is_file())
        aside = self.folder / ".tmp-lingon-pruned"  # atomic: if the process is killed, the rest is removed later
        self.checkpoints.rename(aside)
        shutil.rmtree(aside, ignore_errors=True)
        return size

    def save_best(self, step: int, weights: dict[str, Tensor]) -> dict[str, str]:
        """Write the best weights so far; return the name and sha256 of the file, for the checkpoints."""
        path = self.checkpoints / f"best-{step:09d}.safetensors"
        with self._writing():
            save_tensors(path, weights)
        return {"name": path.name, "sha256": sha256_of(path)}

    def load_best(self, said: dict[str, str]) -> dict[str, Tensor]:
        """Return the best weights. Raises DataError when the file is missing or damaged."""
        return load_tensors(self.check_best(said))

    def check_best(self, said: dict[str, str]) -> Path:
        """Return the path of the best weights. Raises DataError when the file is missing or damaged."""
        path = self.checkpoints / Path(said["name"]).name
        if not path.is_file() or sha256_of(path) != said["sha256"]:
            raise DataError(f"{path}: missing or damaged; its sha256 is not what the checkpoint says")
        return path

    @contextlib.contextmanager
    def _writing(self):
        if not self.folder.is_dir():  # writing would create it again, without its contents
            raise RunError(
                f"{self.folder}: the folder of this run has disappeared; if you renamed it, rename it back and resume, "
                "and rename it when the run has finished"
            )
        try:
            yield
        except OSError as error:
            raise RunError(f"{self.folder}: {error.strerror or error}; free some space and resume") from error

    def _prepare(self, arguments: dict[str, Any], resume: bool, overwrite: bool) -> None:
        if resume and not self.folder.is_dir():
            raise UserError(f"there is no run in {str(self.folder)!r} to resume; start it without resume")
        try:
            self._held.enter_context(locked(self.folder, "a run that trains"))
        except OSError as error:
            raise UserError(f"{str(self.folder)!r} cannot be written to ({error.strerror})") from None
        with self._writing():
            RunFolder(self.folder).make_room(resume, overwrite)
            remove_leftovers(self.folder)
            if (self.folder / "run.json").is_file():
                self._agree(arguments)
            else:  # first of all, because this file marks the folder as a run
                write_json(self.folder / "run.json", {"arguments": arguments, **environment()})
            self.checkpoints.mkdir(exist_ok=True)
            checkpoint.tidy(self.checkpoints)

    @staticmethod
    def check_room(folder: str | Path, resume: bool, overwrite: bool) -> None:
        """Raise UserError for a folder whose contents `open` would refuse; to be called before data is read."""
        RunFolder(folder).check_room(resume, overwrite)

    def _agree(self, arguments: dict[str, Any]) -> None:
        facts = read_json(self.folder / "run.json")
        if not isinstance(facts, dict) or not isinstance(facts.get("arguments"), dict):
            raise DataError(f"{self.folder / 'run.json'}: key 'arguments' is missing; this is not the record of a run")
        before = facts["arguments"]
        differ = [
            f"{name} was {before.get(name, 'not given')!r} and is {arguments.get(name, 'not given')!r}"
            for name in sorted({*before, *arguments})
            if before.get(name) != arguments.get(name)  # arguments added in a later version count as None
        ]
        if differ:
            raise UserError(f"{str(self.folder)!r} cannot be resumed with other arguments: {'; '.join(differ)}")
        if others := environment_changes(facts, environment()):
            warnings.warn(f"{self.folder}: {others}; results may differ in the last digits from here on", stacklevel=5)
