"""A folder with a file or folder for each part: train, maybe valid (dev), and test, as data sets are handed on."""

from pathlib import Path

from lingon.core.errors import DataError, one_of

CALLED = {"train": ("train",), "valid": ("valid", "validation", "dev"), "test": ("test",)}


def part_files(folder: Path) -> dict[str, Path]:
    """Return the file or folder of each part of a folder; nothing where it holds no train and test.

    A part is a folder of its name, or a file whose name is or ends in the part's: train.conll, en_ewt-ud-train.conllu.
    Beside a file of another form the .txt of the same part is passed over, as in treebanks.
    Raises DataError for a part with several files.
    """
    if not folder.is_dir():
        return {}
    entries = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    found = {part: [path for path in entries if _is_part(path, names)] for part, names in CALLED.items()}
    if not found["train"] or not found["test"]:
        return {}
    return {part: _only(folder, part, paths) for part, paths in found.items() if paths}


def _is_part(path: Path, names: tuple[str, ...]) -> bool:
    stem = path.name.split(".")[0].lower()
    return any(stem == name or (path.is_file() and stem.endswith((f"-{name}", f"_{name}"))) for name in names)


def _only(folder: Path, part: str, paths: list[Path]) -> Path:
    chosen = paths if len(paths) == 1 else [path for path in paths if path.suffix != ".txt"]
    if len(chosen) != 1:
        raise DataError(
            f"{folder}: several files for {part}: {one_of(path.name for path in paths)}; keep one, or name files"
        )
    return chosen[0]
