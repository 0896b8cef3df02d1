"""Reads the folder LINGON_MIRROR: artifacts by their sha256, for classrooms and behind firewalls."""

import os
import sys
from pathlib import Path

from lingon.core.errors import DataError
from lingon.core.files import open_regular
from lingon.core.terminal import printable
from lingon.data.sources.artifact import Artifact

VARIABLE = "LINGON_MIRROR"
SLACK = 1 << 20  # bytes by which the tar of a tree may exceed the recorded size: its padding depends on the packer
PIECE = 1 << 20


def mirror_dir() -> Path | None:
    """Return the folder that LINGON_MIRROR names; None when it is unset or empty."""
    chosen = os.environ.get(VARIABLE)
    return Path(chosen).expanduser() if chosen else None


def copy_from_mirror(artifact: Artifact, place: Path) -> tuple[Path | None, str]:
    """Copy an artifact into the folder `place` and check it; or return None and the reason.

    If a mirror is set but useless, in general or for this artifact, this is reported on stderr.
    """
    if (mirror := mirror_dir()) is None:
        return None, f"{VARIABLE} is not set"
    if not mirror.is_dir():
        return None, _told(f"{VARIABLE} is {str(mirror)!r}, which is not a folder")
    lies = mirror / artifact.stored_as
    if not lies.exists():
        return None, f"The mirror {mirror} has no {artifact.stored_as}"
    try:
        return copy_checked(lies, artifact, place), ""
    except (DataError, OSError) as error:
        return None, _told(f"{VARIABLE}: {lies} is not used ({error})")


def copy_checked(lies: Path, artifact: Artifact, place: Path) -> Path:
    """Copy a file into the folder `place`, and check that it is the artifact. Raises DataError or OSError."""
    to = place / "copied"
    try:
        _copy(lies, to, artifact.bytes + SLACK)
        artifact.check(to)
    except BaseException:
        to.unlink(missing_ok=True)
        raise
    return to


def _told(why: str) -> str:
    print(printable(f"{why}; trying the network"), file=sys.stderr)
    return why


def _copy(lies: Path, to: Path, most: int) -> None:
    """Copy a regular file of at most `most` bytes, without its mode and times."""
    with open_regular(lies) as source, open(to, "wb") as copy:
        while piece := source.read(PIECE):
            most -= len(piece)
            if most < 0:
                raise DataError(f"{lies}: larger than expected")
            copy.write(piece)
