"""Several packages that together are one source."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lingon.data.sources.packages import Package


@dataclass(frozen=True)
class Packages:
    """Packages that are all needed; the path is that of the first."""

    packages: tuple[Package, ...]

    @property
    def label(self) -> str:
        return " and ".join(package.label for package in self.packages)

    @property
    def artifacts(self) -> tuple[Package, ...]:
        return self.packages

    @property
    def path(self) -> Path:
        return self.packages[0].path

    @property
    def bytes(self) -> int:
        return sum(package.bytes for package in self.packages)

    @property
    def sha256(self) -> str:
        """Return the sha256 of theirs, one after the other."""
        return hashlib.sha256("".join(package.sha256 for package in self.packages).encode()).hexdigest()

    @property
    def cached(self) -> bool:
        return all(package.cached for package in self.packages)

    def provenance(self) -> dict[str, Any]:
        return {"packages": [package.provenance() for package in self.packages]}
