"""Finds the parts of a folder: a file or folder each for train, maybe valid (dev), and test, as in many data sets."""

import re
from pathlib import Path

from lingon.core.errors import DataError, one_of

CALLED = {"train": ("train",), "valid": ("valid", "validation", "dev"), "test": ("test",)}


def part_files(folder: Path) -> dict[str, Path]:
    """Return the file or folder of each part, as `named_parts` does; empty unless there are train and test."""
    found = named_parts(folder)
    return found if {"train", "test"} <= set(found) else {}


def named_parts(folder: Path) -> dict[str, Path]:
    """Return the file or folder of each part that a folder has; empty if it is not a folder.

    A part is a folder of its name, or a file with that word in its name: train.conll, en_ewt-ud-train.conllu.
    If a part also has a file of another format, its .txt is ignored, as in treebanks.
    Raises DataError for a part with several files.
    """
    return {part: _only(folder, part, paths) for part, paths in entries_by_part(folder).items()}


def entries_by_part(folder: Path) -> dict[str, list[Path]]:
    """Return the files and folders of each part, recognised by name; empty if `folder` is not a folder."""
    if not folder.is_dir():
        return {}
    entries = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    found = {part: [path for path in entries if _is_part(path, names)] for part, names in CALLED.items()}
    return {part: paths for part, paths in found.items() if paths}


def _is_part(path: Path, names: tuple[str, ...]) -> bool:
    stem = path.name.split(".")[0].lower()
    if path.is_dir():
        return stem in names
    return re.search(rf"(?<![a-z])({'|'.join(names)})(?![a-z])", stem) is not None


def _only(folder: Path, part: str, paths: list[Path]) -> Path:
    chosen = paths if len(paths) == 1 else [path for path in paths if path.suffix != ".txt"]
    if len(chosen) != 1:
        raise DataError(
            f"{folder}: several files for {part}: {one_of(path.name for path in paths)}; keep one, or name files"
        )
    return chosen[0]
