"""Protocols of sources and their artifacts: files whose size and sha256 are known before the download."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from lingon.core.errors import DataError
from lingon.core.files import sha256_of


class Artifact(Protocol):
    """One file that is fetched. `sha256`: of its bytes, or of the listing of a tree (see RepositoryTree)."""

    @property
    def label(self) -> str:
        """Return its name at the source."""

    @property
    def bytes(self) -> int:
        """Return its size; approximate for a tree."""

    @property
    def stored_as(self) -> str:
        """Return its name in a mirror."""

    @property
    def path(self) -> Path:
        """Return its path in the cache."""

    @property
    def cached(self) -> bool:
        """Return whether a file of the right size is in the cache."""

    def check(self, path: Path) -> None:
        """Raise DataError unless a file is this artifact."""

    def download(self, folder: Path) -> Path:
        """Download it into an empty folder, without checking it. Raises FetchError."""


class Source(Protocol):
    """Source that a corpus is read from: a package, some files of a repository, or a tree of it."""

    @property
    def label(self) -> str:
        """Return its name in messages."""

    @property
    def artifacts(self) -> Sequence[Artifact]:
        """Return everything that has to be fetched."""

    @property
    def path(self) -> Path:
        """Return the path for the parser: the file, or the folder of the files."""

    @property
    def bytes(self) -> int:
        """Return the size of all artifacts together."""

    @property
    def sha256(self) -> str:
        """Return a sha256 that identifies the whole content."""

    @property
    def cached(self) -> bool:
        """Return whether all of it is in the cache."""

    def provenance(self) -> dict[str, Any]:
        """Return where it comes from, for run.json."""


def check_file(label: str, path: Path, size: int, sha256: str) -> None:
    """Raise DataError unless a file has this size and this sha256."""
    if (found := path.stat().st_size) != size:
        raise DataError(f"{label}: {found:,} bytes came, expected {size:,}; try again")
    if (digest := sha256_of(path)) != sha256:
        raise DataError(f"{label}: sha256 is {digest[:12]}..., expected {sha256[:12]}...; do not use it")


def has_size(path: Path, size: int) -> bool:
    """Return whether a file of this size is there."""
    return path.is_file() and path.stat().st_size == size
