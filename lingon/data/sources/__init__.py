"""Sources of data: packages of a registry, and files of public repositories, all identified by their sha256."""

from lingon.data.sources.artifact import Artifact, Source
from lingon.data.sources.packages import Package
from lingon.data.sources.repositories import RepositoryFile, RepositoryFiles, RepositoryTree
from lingon.data.sources.several_sources import Sources

__all__ = ["Artifact", "Package", "RepositoryFile", "RepositoryFiles", "RepositoryTree", "Source", "Sources"]
