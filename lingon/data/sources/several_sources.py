"""Combines several sources into one."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lingon.data.sources.artifact import Artifact, Source


@dataclass(frozen=True)
class Sources:
    """Packages, or files of several repositories, that are all needed; the path is that of the first one."""

    parts: tuple[Source, ...]

    @property
    def label(self) -> str:
        return " and ".join(part.label for part in self.parts)

    @property
    def artifacts(self) -> tuple[Artifact, ...]:
        return tuple(artifact for part in self.parts for artifact in part.artifacts)

    @property
    def path(self) -> Path:
        return self.parts[0].path

    @property
    def bytes(self) -> int:
        return sum(part.bytes for part in self.parts)

    @property
    def sha256(self) -> str:
        """Return the sha256 of the concatenated sha256 of the parts."""
        return hashlib.sha256("".join(part.sha256 for part in self.parts).encode()).hexdigest()

    @property
    def cached(self) -> bool:
        return all(part.cached for part in self.parts)

    def provenance(self) -> dict[str, Any]:
        return {"sources": [part.provenance() for part in self.parts]}
