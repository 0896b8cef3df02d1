"""Loads images with captions, to train or evaluate on: a data set by name, or a folder or table of the user."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lingon.core.errors import DataError, UserError, suggest, too_few, unknown
from lingon.core.files import sha256_of
from lingon.data.captioned_images import CaptionedImages, CaptionSplits
from lingon.data.corpora.captioned_images import CAPTIONED, load_captioned_set
from lingon.data.cut_groups import cut_groups
from lingon.data.files.captions import CaptionFile, read_captions, table_of
from lingon.data.files.image_memory import check_memory
from lingon.data.files.images import fit_image, read_image
from lingon.data.files.lines import FileOptions, OnBadRow
from lingon.data.load_data import PARTS, SHARE, tell_lines
from lingon.data.split import key_of

__all__ = ["load_caption_splits", "load_captions"]


def load_caption_splits(
    name_or_path: str | Path,
    size: int = 64,
    language: str | None = None,
    test: str | Path | None = None,
    valid: str | Path | None = None,
    on_bad_row: OnBadRow = "stop",
    options: FileOptions = FileOptions(),
) -> CaptionSplits:
    """Return training, validation and test images with captions, `size` x `size` pixels.

    name_or_path: a data set (stamps, scenes), a table with the columns image and caption, a json in the format of MS
    COCO, or a folder with such a table. language: of the captions, for a set with several; en when not given. test,
    valid: tables or folders; without them a fifth and a tenth of the rest are held out, always the same images, chosen
    by their captions. Images with the same captions or pixels stay together. Images are padded with white.
    Raises UserError for other names and paths, DataError with file and row.
    """
    name, path = str(name_or_path), Path(name_or_path)
    if name in CAPTIONED:
        _refuse(name, {"--test": test, "--valid": valid, "--encoding": options.given})
        return load_captioned_set(name, size, language or "en")
    _refuse_language(name, language)
    files = {"train": _table(name)}
    files |= {part: _table(str(given)) for part, given in (("test", test), ("valid", valid)) if given is not None}
    tables = {part: read_captions(file, on_bad_row, options) for part, file in files.items()}
    found = {part: _images(table, size, on_bad_row) for part, table in tables.items()}
    tell_lines([line for table in tables.values() for line in table.messages()])
    units = _units(found["train"])
    for part in ("test", "valid"):
        if part not in found:
            wanted = max(1, round(SHARE[part] * sum(map(len, units.values()))))
            rows = sorted(row for key in cut_groups(units, wanted, part) for row in units.pop(key))
            if not rows:
                raise DataError(
                    f"{path}: {too_few(len(found['train']), 'image')}; at least three different ones are needed"
                )
            found[part] = found["train"][rows]
    found["train"] = found["train"][sorted(row for rows in units.values() for row in rows)]
    if not len(found["train"]):
        raise DataError(f"{path}: no images left to train on; at least three different ones are needed")
    source: dict[str, Any] = {"name": Path(name).name, "files": {p: _recorded(f) for p, f in files.items()}}
    source |= {"skipped": skipped} if (skipped := sum(table.skipped for table in tables.values())) else {}
    source |= {part: len(found[part]) for part in PARTS}
    return CaptionSplits(found["train"], found["valid"], found["test"], Path(name).name, source)


def load_captions(
    name_or_path: str | Path,
    part: str | None = None,
    size: int = 64,
    language: str | None = None,
    on_bad_row: OnBadRow = "stop",
    options: FileOptions = FileOptions(),
) -> CaptionedImages:
    """Return images with captions to evaluate on: a set's test part, or all of a table; `part` selects another one."""
    if part not in (None, "all", *PARTS):
        raise unknown("split", part, (*PARTS, "all"))
    name = str(name_or_path)
    if name in CAPTIONED or part in PARTS:
        splits = load_caption_splits(name, size, language, None, None, on_bad_row, options)
        return splits.all() if part == "all" else getattr(splits, part or "test")
    _refuse_language(name, language)
    table = read_captions(_table(name), on_bad_row, options)
    found = _images(table, size, on_bad_row)
    tell_lines(table.messages())
    return found


def _may_have_captions(path: Path) -> bool:
    return path.is_dir() or path.suffix.lower() in (".csv", ".tsv", ".jsonl", ".json", ".parquet")


def _table(name: str) -> Path:
    path = Path(name)
    if path.is_dir():
        return table_of(path)
    if not path.is_file():
        beside = [p.name for p in path.parent.iterdir() if _may_have_captions(p)] if path.parent.is_dir() else []
        hint = suggest(path.name, [*CAPTIONED, *beside])
        raise UserError(f"{name!r} is neither a set of captioned images nor a folder or table of yours; {hint}")
    return path


def _images(table: CaptionFile, size: int, on_bad_row: OnBadRow) -> CaptionedImages:
    """Read the images of a table. Files that are not images raise DataError, or their rows are skipped and counted."""
    check_memory(len(table.captions), (size, size), table.path)
    pixels, captions, paths = [], [], []
    for file, some in table.captions.items():
        try:
            pixels.append(fit_image(read_image(file), size, size, "pad"))
        except DataError as error:
            table.leave_out(str(error), on_bad_row, len(some))
            continue
        captions.append(tuple(dict.fromkeys(some)))
        paths.append(str(file))
    if not pixels:
        raise DataError(f"{table.path}: none of its images can be read; the first: {table.first_skipped}")
    return CaptionedImages(np.stack(pixels), captions, paths)


def _units(images: CaptionedImages) -> dict[str, list[int]]:
    """Return the rows that must stay together, by a key: those with equal pixels or a common caption."""
    from lingon.data.pair_groups import PairGroups

    keys = [hashlib.sha256(one.tobytes()).hexdigest() for one in images.pixels]
    groups: dict[int, list[int]] = {}
    shared = [(*map(key_of, some), key) for some, key in zip(images.captions, keys, strict=True)]
    for row, group in enumerate(PairGroups(shared).of_pairs.tolist()):
        groups.setdefault(group, []).append(row)
    found: dict[str, list[int]] = {}
    for rows in groups.values():
        found.setdefault(min(f"{shared[i][0]}\n{keys[i]}" for i in rows), []).extend(rows)
    largest = max(map(len, found.values()))
    if len(found) < 3 or 2 * largest > len(images):  # nearly all are connected: treat each image on its own
        found = {}
        for row, key in enumerate(keys):
            found.setdefault(key, []).append(row)
    return found


def _recorded(file: Path) -> dict[str, str]:
    return {"name": file.name, "sha256": sha256_of(file)}


def _refuse(name: str, flags: dict[str, Any]) -> None:
    if given := [flag for flag, value in flags.items() if value]:
        raise UserError(f"{name!r} is a data set with fixed splits; leave {', '.join(given)} out")


def _refuse_language(name: str, language: str | None) -> None:
    if language is not None:
        known: Sequence[str] = tuple(name for name, row in CAPTIONED.items() if len(row.languages) > 1)
        raise UserError(
            f"--language {language} is for {', '.join(known)}, which has several; {name!r} has the captions it has"
        )
