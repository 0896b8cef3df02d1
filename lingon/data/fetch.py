"""Data by name of its source: from the cache, else from the mirror, else over the network; checked by sha256."""

import os
import tempfile
from pathlib import Path

from lingon.core.errors import DataError, FetchError
from lingon.core.files import TEMPORARY, locked, sweep, sync_folder
from lingon.data.sources import Artifact, Source
from lingon.data.sources.mirror import VARIABLE, copy_from_mirror

WAIT = 3600  # seconds for another process that fetches the same


def fetch(source: Source, name: str | None = None) -> Path:
    """The verified file of a source, or the folder of its files. name: what the user calls it.

    Each artifact is looked for in the cache, then in the folder LINGON_MIRROR, then fetched over the network.
    Raises FetchError that says what to do when it cannot be had, DataError when what came is not what was asked for.
    """
    for artifact in source.artifacts:
        bring(artifact, name or source.label, artifact.path)
    return source.path


def bring(artifact: Artifact, name: str, path: Path) -> None:
    """Puts an artifact at `path`, unless it lies there whole; it has that name only when it is whole and right."""
    if is_whole(artifact, path):
        return
    folder = path.parent
    workplace = folder / f".{path.name}.d"
    with locked(workplace, f"fetching {artifact.label}", wait=WAIT):
        if is_whole(artifact, path):
            return  # another process brought it while we waited
        sweep(workplace)
        with tempfile.TemporaryDirectory(prefix=TEMPORARY, ignore_cleanup_errors=True, dir=workplace) as place:
            came = _found(artifact, name, Path(place))
            with open(came, "rb") as handle:
                os.fsync(handle.fileno())
            os.replace(came, path)
            sync_folder(folder)


def is_whole(artifact: Artifact, path: Path) -> bool:
    """Whether what lies at `path` is the artifact, to the last byte."""
    if not path.is_file():
        return False
    try:
        artifact.check(path)
    except DataError:
        return False
    return True


def _found(artifact: Artifact, name: str, place: Path) -> Path:
    """The artifact in the folder `place`: from the mirror, or else from the network, and checked."""
    copied, why = copy_from_mirror(artifact, place)
    if copied is not None:
        return copied
    try:
        came = artifact.download(place)
    except FetchError as error:
        raise type(error)(f"{name}: {error}. {why}. {_help(artifact, name)}") from None
    artifact.check(came)
    return came


def _help(artifact: Artifact, name: str) -> str:
    return (
        f"With a network, run: lingon data get {name}. Without one, put what `lingon data mirror FOLDER {name}` brings "
        f"elsewhere into a folder and set {VARIABLE} to it, or put {artifact.path.name} into {artifact.path.parent}"
    )
