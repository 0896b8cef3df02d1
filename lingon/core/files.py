"""Atomic writes, so that files are never incomplete, locks, checksums, and the cache folder."""

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
SILENT = 1.0  # seconds of waiting for another process before a message


def cache_dir() -> Path:
    """Return the folder for downloads: LINGON_CACHE, else XDG_CACHE_HOME/lingon, else ~/.cache/lingon."""
    if chosen := os.environ.get("LINGON_CACHE"):
        return Path(chosen).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "lingon"


def sha256_of(path: Path) -> str:
    """Return the sha256 of a file, in hex."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sync_folder(folder: Path) -> None:
    """Flush renames in a folder to disk, if the system supports it, so that they survive a power failure."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def atomic_write(path: Path, mode: str = "w") -> Iterator[IO[Any]]:
    """Open a file that gets its name only once it is complete; until then the old file stays.

    The content is written to a temporary file in the same folder, flushed to disk, then renamed. A new file gets its
    mode from the umask, an existing one keeps its mode; symbolic links are followed. Raises UserError for an existing
    path that is not a file.
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
    """Return the path to write, with links resolved. Raises UserError if something of another kind is there."""
    if path.is_symlink():
        path = Path(os.path.realpath(path))
    with contextlib.suppress(OSError):
        if not kind(path.stat().st_mode):
            raise UserError(f"{str(path)!r} exists and is not {what}, so it is not overwritten; give another name")
    return path


def _keep_mode(old: Path, new: Path) -> None:
    """Give a new, still empty file or folder the mode of the old one, if there is one."""
    with contextlib.suppress(FileNotFoundError):
        os.chmod(new, stat.S_IMODE(old.stat().st_mode))


@contextlib.contextmanager
def _named(path: Path) -> Iterator[None]:
    """Make errors name the requested file instead of the temporary one."""
    try:
        yield
    except OSError as error:
        raise type(error)(error.errno, error.strerror, str(path)) from None


@contextlib.contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Yield a temporary folder that replaces `path` if the block ends normally.

    An old folder is moved aside first and deleted last, so one of the two is always complete;
    `remove_leftovers` restores the old one if the process was killed between the two renames. Modes follow the umask,
    or the old folder and its files; other users cannot read it before it is complete. Symbolic links are followed.
    Raises UserError for an existing path that is not a folder.
    """
    path = _target(Path(path), stat.S_ISDIR, "a folder")
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.parent / f"{TEMPORARY}{secrets.token_hex(8)}"
    fresh.mkdir()
    mode = stat.S_IMODE(fresh.stat().st_mode)  # the mode by the umask
    os.chmod(fresh, 0o700)
    try:
        yield fresh
        for file in fresh.rglob("*"):
            if file.is_file():
                os.chmod(file, mode & 0o666)  # libraries that write files for us may set other modes
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
    """Remove or restore what killed writers left in a folder. Call it only while holding the folder's lock."""
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
    """Lock a folder for this process; raises UserError if another process holds it for longer than `wait` seconds.

    Prints on stderr that it is waiting if that takes more than a second.
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
    """Write a value as readable strict JSON, atomically; numbers that are not finite become null."""
    with atomic_write(path) as file:
        file.write(dumps(value, indent=1) + "\n")


def open_regular(path: Path) -> IO[bytes]:
    """Open a file for reading. Raises DataError if it is missing, or a device, a pipe or a folder.

    Reading a pipe could wait forever, and a device may have no end.
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
    """Return all bytes of a regular file. Raises DataError if it has more than `limit`, without reading them all."""
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        found = b"" if size > limit else file.read(size + 1)  # allocates no more than the file has
    if max(size, len(found)) > limit:
        raise DataError(f"{path}: {max(size, len(found)):,} bytes; at most {limit:,} are read {how}")
    return found


def read_json(path: Path, limit: int = 64 << 20) -> Any:
    """Read a JSON file of at most `limit` bytes. Raises DataError with file and line."""
    path = Path(path)
    try:
        return json.loads(read_bytes(path, limit, "as JSON").decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not UTF-8 text (byte {error.start})") from None
    except json.JSONDecodeError as error:
        cut = not error.doc[error.pos :].strip() or error.msg.startswith("Unterminated")
        why = f"it ends too early: {error.msg}" if cut else error.msg
        raise DataError(f"{path}:{error.lineno}: not JSON ({why})") from None
    except ValueError as error:  # Python does not read integers of more than 4,300 digits
        if isinstance(error, DataError):
            raise
        raise DataError(f"{path}: not usable JSON ({str(error).split(';')[0]})") from None
    except RecursionError:
        raise DataError(f"{path}: nested too deeply to be read as JSON") from None
