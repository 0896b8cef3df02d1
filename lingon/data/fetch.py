"""Download of sources: from the cache, else the mirror, else the network; always verified by sha256."""

import os
import tempfile
from pathlib import Path

from lingon.core.errors import DataError, FetchError
from lingon.core.files import TEMPORARY, locked, remove_leftovers, sync_folder
from lingon.data.sources import Artifact, Source
from lingon.data.sources.mirror import VARIABLE, copy_checked, copy_from_mirror

WAIT = 3600  # seconds to wait for another process that downloads the same


def fetch(source: Source, name: str | None = None) -> Path:
    """Return the verified file of a source, or the folder of its files. name: of the data, as known to the user.

    Each artifact is looked up in the cache, then in the folder LINGON_MIRROR, then downloaded.
    Raises FetchError that says what to do when that fails, DataError when the content is not the expected one.
    """
    for artifact in source.artifacts:
        path = artifact.path
        bring(artifact, name, path, path.with_name(f".{path.name}.d"))
    return source.path


def bring(artifact: Artifact, name: str | None, path: Path, workplace: Path) -> None:
    """Install an artifact at `path`, unless it is there already; it gets that name only once complete and verified.

    workplace: a folder on the same disk for incomplete files and for the lock of processes that fetch the artifact.
    """
    if is_whole(artifact, path):
        return
    with locked(workplace, f"fetching {artifact.label}", wait=WAIT):
        if is_whole(artifact, path):
            return  # another process fetched it while we waited
        remove_leftovers(workplace)
        with tempfile.TemporaryDirectory(prefix=TEMPORARY, ignore_cleanup_errors=True, dir=workplace) as place:
            came = _found(artifact, name, path, Path(place))
            with open(came, "rb") as handle:
                os.fsync(handle.fileno())
            os.replace(came, path)
            sync_folder(path.parent)


def is_whole(artifact: Artifact, path: Path) -> bool:
    """Return whether the file at `path` is the artifact, byte for byte."""
    if not path.is_file():
        return False
    try:
        artifact.check(path)
    except DataError:
        return False
    return True


def _found(artifact: Artifact, name: str | None, path: Path, place: Path) -> Path:
    """Return a verified copy in the folder `place`: from the cache, the mirror, or else the network."""
    if artifact.path != path and is_whole(artifact, artifact.path):
        return copy_checked(artifact.path, artifact, place)
    copied, why = copy_from_mirror(artifact, place)
    if copied is not None:
        return copied
    try:
        came = artifact.download(place)
    except FetchError as error:
        head = f"{name}: " if name else ""
        raise type(error)(f"{head}{error}. {why}. {_help(artifact, name)}") from None
    artifact.check(came)
    return came


def _help(artifact: Artifact, name: str | None) -> str:
    """Return what users can do without a network. name: in `lingon data`."""
    by_hand = f"put {artifact.path.name} into {artifact.path.parent}"
    if name is None:
        return f"Set {VARIABLE} to a folder that has it, or {by_hand}"
    return (
        f"With a network, run: lingon data get {name}. Without one, let `lingon data mirror FOLDER {name}` fill a "
        f"folder elsewhere and set {VARIABLE} to it, or {by_hand}"
    )
