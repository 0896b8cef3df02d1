"""Files that are never half written: the cache folder, checksums, atomic writes, locks."""

import contextlib
import hashlib
import json
import os
import secrets
import shutil
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

from lingon.core.errors import DataError, UserError
from lingon.core.strict_json import dumps

TEMPORARY = ".tmp-lingon-"
ASIDE = TEMPORARY + "old."
SILENT = 1.0  # seconds that may be waited for another process without a word


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

    The text goes to a temporary name in the same folder, is flushed to the disk, then renamed. A new file has the mode
    that the umask leaves, one that is written again keeps its own; a link is written through. Raises UserError for
    a name that stands for something else than a file.
    """
    path = _target(Path(path), stat.S_ISREG, "a file")
    with _named(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.parent / f"{TEMPORARY}{secrets.token_hex(8)}"
        handle = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_RDWR | getattr(os, "O_CLOEXEC", 0), 0o666)
    try:
        _keep_mode(path, temporary)
        encoding, newline = (None, None) if "b" in mode else ("utf-8", "\n")
        with os.fdopen(handle, mode, encoding=encoding, newline=newline) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        with _named(path):
            os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    sync_folder(path.parent)


def _target(path: Path, kind: Callable[[int], bool], what: str) -> Path:
    """Where a path leads that shall be written: what a link stands for. Raises UserError when it is something else."""
    if path.is_symlink():
        path = Path(os.path.realpath(path))
    with contextlib.suppress(OSError):
        if not kind(path.stat().st_mode):
            raise UserError(f"{str(path)!r} exists and is not {what}, so it is not overwritten; give another name")
    return path


def _keep_mode(old: Path, new: Path) -> None:
    """Gives a new file or folder the mode of the old one, if there is one; before anything is in it."""
    with contextlib.suppress(FileNotFoundError):
        os.chmod(new, stat.S_IMODE(old.stat().st_mode))


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
    `sweep` puts the old one back if the process was killed between the two renames. Modes are those that the umask
    leaves, or those of the old folder and its files; nobody else reads it before it is whole. A link is written
    through. Raises UserError for a name that stands for something else than a folder.
    """
    path = _target(Path(path), stat.S_ISDIR, "a folder")
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.parent / f"{TEMPORARY}{secrets.token_hex(8)}"
    fresh.mkdir()
    mode = stat.S_IMODE(fresh.stat().st_mode)  # what the umask leaves
    os.chmod(fresh, 0o700)
    try:
        yield fresh
        for file in fresh.rglob("*"):
            if file.is_file():
                os.chmod(file, mode & 0o666)  # libraries that write files for us have modes of their own
                _keep_mode(path / file.relative_to(fresh), file)
                with open(file, "rb") as handle:
                    os.fsync(handle.fileno())
        os.chmod(fresh, mode)
        _keep_mode(path, fresh)
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


def remove_leftovers(folder: Path) -> None:
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
    """Holds a folder for this process alone; raises UserError when another has it for longer than `wait` seconds.

    Says on stderr that it waits, when that takes more than a second.
    """
    from filelock import FileLock, Timeout

    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / ".lock")
    try:
        _acquire(lock, Timeout, folder, doing, wait)
    except Timeout:
        raise UserError(f"{folder} is in use by another process ({doing}); wait for it, or choose another") from None
    try:
        yield
    finally:
        lock.release()


def _acquire(lock: Any, late: type[Exception], folder: Path, doing: str, wait: float) -> None:
    try:
        lock.acquire(timeout=min(wait, SILENT))
    except late:
        if wait <= SILENT:
            raise
        said = f"{folder} is in use by another process ({doing}); waiting for it, {wait:.0f} s at most"
        if os.environ.get("LINGON_QUIET") != "1":
            print(said, file=sys.stderr, flush=True)
        lock.acquire(timeout=wait - SILENT)


def write_json(path: Path, value: Any) -> None:
    """Writes a value as readable strict JSON, atomically; numbers that are not finite become null."""
    with atomic_write(path) as file:
        file.write(dumps(value, indent=1) + "\n")


def open_regular(path: Path) -> IO[bytes]:
    """Opens a file to be read. Raises DataError when there is none, or it is a device, a pipe or a folder.

    A pipe would be waited for without end, and a device may have no end.
    """
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except FileNotFoundError:
        raise DataError(f"{path}: no such file") from None
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise DataError(f"{path}: not a regular file; a device, a pipe or a folder is not read here")
    return os.fdopen(handle, "rb")


def read_bytes(path: Path, limit: int, how: str = "whole") -> bytes:
    """All bytes of a regular file. Raises DataError when it has more than `limit`, of which no more are read."""
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        found = b"" if size > limit else file.read(size + 1)  # no more than that is taken before it is there
    if max(size, len(found)) > limit:
        raise DataError(f"{path}: {max(size, len(found)):,} bytes; at most {limit:,} are read {how}")
    return found


def read_json(path: Path, limit: int = 64 << 20) -> Any:
    """Reads a JSON file of at most `limit` bytes. Raises DataError with file and line."""
    path = Path(path)
    try:
        return json.loads(read_bytes(path, limit, "as JSON").decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not UTF-8 text (byte {error.start})") from None
    except json.JSONDecodeError as error:
        cut = not error.doc[error.pos :].strip() or error.msg.startswith("Unterminated")
        why = f"it ends too early: {error.msg}" if cut else error.msg
        raise DataError(f"{path}:{error.lineno}: not JSON ({why})") from None
    except ValueError as error:  # Python reads no whole number of more than 4,300 digits
        if isinstance(error, DataError):
            raise
        raise DataError(f"{path}: not usable JSON ({str(error).split(';')[0]})") from None
    except RecursionError:
        raise DataError(f"{path}: nested too deeply to be read as JSON") from None
