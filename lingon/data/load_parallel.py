"""One door to parallel texts: a corpus by name, or files of the user's, to train on or to evaluate."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from lingon.core.errors import unknown
from lingon.core.files import sha256_of
from lingon.data.clean_parallel import CleaningRules
from lingon.data.files.open_parallel import ParallelReading, open_parallel, partner_of, parts_of_folder
from lingon.data.load_data import PARTS, tell_lines
from lingon.data.parallel_texts import ParallelSplits, ParallelTexts
from lingon.data.read_parallel import ParallelReport, read_parallel
from lingon.data.split_parallel import divide_parallel, shared_sides

READING, RULES = ParallelReading(), CleaningRules()


def load_parallel_splits(
    name_or_path: str | Path,
    reading: ParallelReading = READING,
    rules: CleaningRules = RULES,
    test: str | Path | None = None,
    valid: str | Path | None = None,
) -> ParallelSplits:
    """Return training, validation and test pairs of files of the user's.

    rules: by which pairs to learn from are left out, see `clean_pairs`; they are told on stderr. test, valid: pairs to
    test and validate on, which are read as they are. Without them some are cut off, so that no source and no target is
    on both sides: a fifth for the test and a tenth of the rest for validation, and no more than 2,000 pairs of each.
    """
    path = Path(name_or_path)
    if parts := parts_of_folder(path):
        path, test, valid = parts["train"], test or parts.get("test"), valid or parts.get("valid")
    pairs, report = read_parallel(path, reading, rules)
    given = {}
    for part, file in (("test", test), ("valid", valid)):
        if file is not None:
            given[part], other = read_parallel(Path(file), _for_part(path, Path(file), reading, pairs))
            report.messages += other.messages
            report.messages += shared_sides(pairs, given[part], part)
    found = divide_parallel(str(path), pairs, given)
    tell_lines(report.messages)
    source = _source(Path(name_or_path), path, reading, report) | {part: len(found[part]) for part in PARTS}
    source |= {f"{part}_file": Path(file).name for part, file in (("valid", valid), ("test", test)) if file is not None}
    return ParallelSplits(*(found[part] for part in PARTS), Path(name_or_path).name, source)


def load_parallel(
    name_or_path: str | Path, part: str | None = None, reading: ParallelReading = READING
) -> ParallelTexts:
    """Return pairs to score on: all of a file, as they are; `part` names one that `load_parallel_splits` cuts off.

    part: "train", "valid" or "test", or "all".
    """
    if part not in (None, "all", *PARTS):
        raise unknown("split", part, (*PARTS, "all"))
    path = Path(name_or_path)
    if part in PARTS or parts_of_folder(path):
        splits = load_parallel_splits(path, reading)
        return splits.all() if part == "all" else getattr(splits, part or "test")
    pairs, report = read_parallel(path, reading)
    if part is None:
        report.messages.append(f"all {len(pairs):,} pairs; --split test takes those that training leaves out")
    tell_lines(report.messages)
    return pairs


def _for_part(path: Path, file: Path, reading: ParallelReading, pairs: ParallelTexts) -> ParallelReading:
    """Return how another part is read: in the same languages, and of two aligned files with a partner of its own."""
    target = reading.target
    if target is not None and open_parallel(path, reading).target_path is not None:
        partner = partner_of(file, path, Path(target))
        target = str(partner) if partner and partner.is_file() else None
    return replace(reading, target=target, languages=pairs.languages)


def _source(given: Path, path: Path, reading: ParallelReading, report: ParallelReport) -> dict[str, Any]:
    file = open_parallel(path, reading)
    sides = [p for p in (file.path, file.target_path) if p is not None]
    left_out = report.cleaning.left_out if report.cleaning else {}
    return {
        "name": given.name,
        "files": [{"file": side.name, "sha256": sha256_of(side)} for side in sides],
        "languages": list(file.languages),
        "skipped": report.skipped,
        "left_out": left_out,
    }
