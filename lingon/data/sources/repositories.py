"""Files of a public repository at a commit: single files, or a tree with one digest for all."""

import hashlib
import io
import re
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lingon.core.errors import DataError
from lingon.core.files import cache_dir
from lingon.data.files.archives import read_members
from lingon.data.sources.artifact import check_file, has_size
from lingon.data.sources.https import download, file_url, tree_url

MOST_TARBALL = 1 << 30  # bytes of a whole compressed repository, of which a tree may be a small part


@dataclass(frozen=True)
class RepositoryFile:
    """One file at a commit: `owner/name`, the commit in full, the path inside, size and sha256."""

    repository: str
    commit: str
    file: str
    bytes: int
    sha256: str

    @property
    def label(self) -> str:
        return f"{self.repository}@{self.commit[:7]}/{self.file}"

    @property
    def stored_as(self) -> str:
        return self.sha256

    @property
    def path(self) -> Path:
        return _folder(self.repository, self.commit) / self.file

    @property
    def cached(self) -> bool:
        return has_size(self.path, self.bytes)

    def check(self, path: Path) -> None:
        check_file(self.label, path, self.bytes, self.sha256)

    def download(self, folder: Path) -> Path:
        to = folder / "came"
        download(file_url(self.repository, self.commit, self.file), to, self.label, self.bytes, self.bytes)
        return to


@dataclass(frozen=True)
class RepositoryFiles:
    """Some files at a commit. files: path, size and sha256 of each. The parser gets their folder."""

    repository: str
    commit: str
    files: tuple[tuple[str, int, str], ...]

    @property
    def label(self) -> str:
        return f"{self.repository}@{self.commit[:7]}"

    @property
    def artifacts(self) -> tuple[RepositoryFile, ...]:
        return tuple(RepositoryFile(self.repository, self.commit, *file) for file in self.files)

    @property
    def path(self) -> Path:
        return _folder(self.repository, self.commit)

    @property
    def bytes(self) -> int:
        return sum(size for _, size, _ in self.files)

    @property
    def sha256(self) -> str:
        return listing_sha256((path, digest) for path, _, digest in self.files)

    @property
    def cached(self) -> bool:
        return all(artifact.cached for artifact in self.artifacts)

    def provenance(self) -> dict[str, Any]:
        files = [{"path": path, "bytes": size, "sha256": digest} for path, size, digest in self.files]
        return {"repository": self.repository, "commit": self.commit, "files": files}


@dataclass(frozen=True)
class RepositoryTree:
    """All files at a commit whose paths begin with one of `prefixes`; the parser gets a tar of them.

    bytes: approximate size of the tar. sha256: of the listing of all files, see `listing_sha256`.
    """

    repository: str
    commit: str
    prefixes: tuple[str, ...]
    bytes: int
    sha256: str

    @property
    def label(self) -> str:
        return f"{self.repository}@{self.commit[:7]}"

    @property
    def artifacts(self) -> tuple["RepositoryTree"]:
        return (self,)

    @property
    def stored_as(self) -> str:
        return f"{self.sha256}.tar"

    @property
    def path(self) -> Path:
        return _folder(self.repository, self.commit) / self.stored_as

    @property
    def cached(self) -> bool:
        return self.path.is_file()

    def provenance(self) -> dict[str, Any]:
        where = {"repository": self.repository, "commit": self.commit, "prefixes": list(self.prefixes)}
        return {**where, "tree_sha256": self.sha256}

    def check(self, path: Path) -> None:
        found = listing_sha256((name, hashlib.sha256(data).hexdigest()) for name, data in read_members(path, "(?s:.*)"))
        if found != self.sha256:
            raise DataError(
                f"{self.label}: sha256 of the tree's listing is {found[:12]}..., expected {self.sha256[:12]}...; "
                "do not use it"
            )

    def download(self, folder: Path) -> Path:
        packed, tar = folder / "packed", folder / "came"
        download(tree_url(self.repository, self.commit), packed, self.label, MOST_TARBALL)
        pack(_chosen(packed, self.prefixes), tar)
        packed.unlink()
        return tar


def listing_sha256(files: Iterable[tuple[str, str]]) -> str:
    """Return the sha256 of lines "SHA256  PATH", one for each (path, sha256), sorted by path.

    >>> listing_sha256([("b", "02"), ("a", "01")]) == hashlib.sha256(b"01  a\\n02  b\\n").hexdigest()
    True
    """
    return hashlib.sha256("".join(f"{digest}  {path}\n" for path, digest in sorted(files)).encode()).hexdigest()


def _chosen(packed: Path, prefixes: tuple[str, ...]) -> Iterator[tuple[str, bytes]]:
    """Yield the files of a tree from the tar.gz of a repository, whose only folder is named after the commit."""
    inside = "|".join(map(re.escape, prefixes))
    for name, data in read_members(packed, rf"(?s:[^/]+/(?:{inside}).*)", links_elsewhere=True):
        yield name.split("/", 1)[1], data


def pack(files: Iterable[tuple[str, bytes]], to: Path) -> None:
    """Write files into a tar sorted by path, without times and owners: equal files give an equal tar."""
    with tarfile.open(to, "w", format=tarfile.GNU_FORMAT) as tar:
        for name, data in sorted(files):
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))


def _folder(repository: str, commit: str) -> Path:
    return cache_dir() / "repositories" / repository / commit
