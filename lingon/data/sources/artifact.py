"""What every source has: artifacts, each a file that is known by its size and sha256 before it comes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from lingon.core.errors import DataError
from lingon.core.files import sha256_of


class Artifact(Protocol):
    """One file that is fetched whole. `sha256` is that of its bytes, or of a tree's listing (see RepositoryTree)."""

    @property
    def label(self) -> str:
        """How its source calls it."""

    @property
    def bytes(self) -> int:
        """Its size; of a tree about the size."""

    @property
    def stored_as(self) -> str:
        """Its name in a mirror."""

    @property
    def path(self) -> Path:
        """Where it lies in the cache."""

    @property
    def cached(self) -> bool:
        """Whether a file of the right size is there."""

    def check(self, path: Path) -> None:
        """Raise DataError unless a file is this artifact."""

    def download(self, folder: Path) -> Path:
        """Bring it over the network into an empty folder, unchecked. Raises FetchError."""


class Source(Protocol):
    """Source that a corpus is read from: a package, some files of a repository, or a tree of it."""

    @property
    def label(self) -> str:
        """How it is called in messages."""

    @property
    def artifacts(self) -> Sequence[Artifact]:
        """All that has to be fetched."""

    @property
    def path(self) -> Path:
        """What a parser is given: the file, or the folder of the files."""

    @property
    def bytes(self) -> int:
        """Of all artifacts together."""

    @property
    def sha256(self) -> str:
        """Stands for the whole content."""

    @property
    def cached(self) -> bool:
        """Whether all of it lies in the cache."""

    def provenance(self) -> dict[str, Any]:
        """Return where it comes from, as run.json keeps it."""


def check_file(label: str, path: Path, size: int, sha256: str) -> None:
    """Raise DataError unless a file has this size and this sha256."""
    if (found := path.stat().st_size) != size:
        raise DataError(f"{label}: {found:,} bytes came, expected {size:,}; try again")
    if (digest := sha256_of(path)) != sha256:
        raise DataError(f"{label}: sha256 is {digest[:12]}..., expected {sha256[:12]}...; do not use it")


def has_size(path: Path, size: int) -> bool:
    """Return whether a file of this size is there."""
    return path.is_file() and path.stat().st_size == size
