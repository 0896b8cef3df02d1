"""Files that are never half written: the cache folder, checksums, atomic writes, locks."""

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from lingon.core.errors import DataError, UserError

TEMPORARY = ".tmp-lingon-"
ASIDE = TEMPORARY + "old."


def cache_dir() -> Path:
    """The folder for downloads: LINGON_CACHE, else XDG_CACHE_HOME/lingon, else ~/.cache/lingon."""
    if chosen := os.environ.get("LINGON_CACHE"):
        return Path(chosen).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "lingon"


def sha256_of(path: Path) -> str:
    """The sha256 of a file, in hex."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sync_folder(folder: Path) -> None:
    """Makes renames in a folder survive a power cut, where the system can."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def atomic_write(path: Path, mode: str = "w") -> Iterator[IO[Any]]:
    """Opens a file that takes its name only when it is whole; until then the old one stays.

    The text goes to a temporary name in the same folder, is flushed to the disk, then renamed.
    """
    path = Path(path)
    with _named(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=TEMPORARY, dir=path.parent)
    try:
        kind = {} if "b" in mode else {"encoding": "utf-8", "newline": "\n"}
        with os.fdopen(handle, mode, **kind) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        with _named(path):
            os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    sync_folder(path.parent)


@contextlib.contextmanager
def _named(path: Path) -> Iterator[None]:
    """Has an error name the file that was wanted, not the temporary one that nobody has heard of."""
    try:
        yield
    except OSError as error:
        raise type(error)(error.errno, error.strerror, str(path)) from None


@contextlib.contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """A temporary folder that takes the place of `path` when the block ends well.

    An old folder is moved aside first and deleted last, so one of the two is always whole;
    `sweep` puts the old one back if the process was killed between the two renames.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=TEMPORARY, dir=path.parent))
    try:
        yield fresh
        for file in fresh.rglob("*"):
            if file.is_file():
                with open(file, "rb") as handle:
                    os.fsync(handle.fileno())
        os.chmod(fresh, 0o755)
        aside = path.parent / f"{ASIDE}{path.name}"
        if path.exists():
            shutil.rmtree(aside, ignore_errors=True)
            os.replace(path, aside)
        os.replace(fresh, path)
        shutil.rmtree(aside, ignore_errors=True)
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise
    sync_folder(path.parent)


def sweep(folder: Path) -> None:
    """Removes what killed writers left in a folder. Call it only while holding the folder's lock."""
    for left in Path(folder).glob(TEMPORARY + "*"):
        owner = left.with_name(left.name.removeprefix(ASIDE))
        if left.name.startswith(ASIDE) and not owner.exists():
            os.replace(left, owner)
        elif left.is_dir():
            shutil.rmtree(left, ignore_errors=True)
        else:
            left.unlink(missing_ok=True)


@contextlib.contextmanager
def locked(folder: Path, doing: str, wait: float = 0) -> Iterator[None]:
    """Holds a folder for this process alone; raises UserError when another has it for longer than `wait` seconds."""
    from filelock import FileLock, Timeout

    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / ".lock")
    try:
        lock.acquire(timeout=wait)
    except Timeout:
        raise UserError(f"{folder} is in use by another process ({doing}); wait for it, or choose another") from None
    try:
        yield
    finally:
        lock.release()


def write_json(path: Path, value: Any) -> None:
    """Writes a value as readable JSON, atomically."""
    with atomic_write(path) as file:
        json.dump(value, file, indent=1, ensure_ascii=False, allow_nan=False)
        file.write("\n")


def read_json(path: Path, limit: int = 64 << 20) -> Any:
    """Reads a JSON file of at most `limit` bytes. Raises DataError with file and line."""
    path = Path(path)
    try:
        size = path.stat().st_size
        if size > limit:
            raise DataError(f"{path}: {size:,} bytes; at most {limit:,} are read as JSON")
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise DataError(f"{path}: no such file") from None
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not UTF-8 text (byte {error.start})") from None
    except json.JSONDecodeError as error:
        cut = not error.doc[error.pos :].strip() or error.msg.startswith("Unterminated")
        why = f"it ends too early: {error.msg}" if cut else error.msg
        raise DataError(f"{path}:{error.lineno}: not JSON ({why})") from None
    except ValueError as error:  # Python reads no whole number of more than 4,300 digits
        if isinstance(error, DataError):
            raise
        raise DataError(f"{path}: not JSON of any use ({str(error).split(';')[0]})") from None
    except RecursionError:
        raise DataError(f"{path}: nested too deeply to be read as JSON") from None
