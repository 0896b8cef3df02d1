"""Loads parallel texts, to train on or to evaluate: a corpus by name, or the user's files."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from lingon.core.counted import counted
from lingon.core.errors import UserError, one_of, unknown
from lingon.core.files import sha256_of
from lingon.data.clean_parallel import CleaningReport, CleaningRules, learnable
from lingon.data.corpora.parallel import PARALLEL, load_parallel_corpus
from lingon.data.files.open_parallel import ParallelReading, partner_of, parts_of_folder
from lingon.data.language_guess import suspicions
from lingon.data.languages import language_code
from lingon.data.load_data import PARTS, tell_lines
from lingon.data.parallel_texts import Languages, ParallelSplits, ParallelTexts
from lingon.data.read_parallel import read_parallel
from lingon.data.split_parallel import divide_rows, shared_sides

READING, RULES = ParallelReading(), CleaningRules()
Given = Mapping[str, str | Path | None]  # of "test" and "valid": a corpus or a file, or nothing


@dataclass
class Divided:
    """Parts of pairs, messages about them, and how further parts are read.

    place: returns the place (file and line) of a pair of a part.
    """

    parts: dict[str, ParallelTexts]
    place: Callable[[str, int], str]
    source: dict[str, Any]
    reading: ParallelReading
    cleaning: CleaningReport
    messages: list[str] = field(default_factory=list)
    path: Path | None = None


def load_parallel_splits(
    name_or_path: str | Path,
    reading: ParallelReading = READING,
    rules: CleaningRules = RULES,
    test: str | Path | None = None,
    valid: str | Path | None = None,
) -> ParallelSplits:
    """Return training, validation and test pairs of a corpus, or of the user's files.

    reading: columns, languages and so on. rules: filters of training pairs; the number of dropped ones is reported.
    test, valid: a corpus or files to test and validate on, without filtering. By default a fifth is held out for the
    test and a tenth of the rest for validation, not many more than 2,000 pairs each, so that no source and no target is
    in two parts. The choice depends on the texts alone.
    Raises UserError for other data, and for a corpus that has only a test part; DataError with file and line.
    """
    name, given = str(name_or_path), {"test": test, "valid": valid}
    found = _of_corpus(name, reading) if name in PARALLEL else _of_files(Path(name_or_path), reading, given)
    for part in ("train", "valid"):
        if part in found.parts and (part == "train" or valid is None):
            place = found.place
            found.parts[part] = learnable(found.parts[part], rules, found.cleaning, lambda i: place(part, i))  # noqa: B023
    _add_given(found, given)
    found.messages += found.cleaning.said() + ([rules.said()] if found.cleaning.left_out else [])
    found.messages += suspicions(found.parts["train"])
    tell_lines(found.messages)
    if not all(len(found.parts[part]) for part in PARTS):
        raise UserError(f"{name}: no pair is left to train on or to validate on; {rules.said()}")
    source = found.source | {part: len(found.parts[part]) for part in PARTS}
    source |= {"left_out": found.cleaning.left_out}
    train, validation, held_out = (found.parts[part] for part in PARTS)
    return ParallelSplits(train, validation, held_out, Path(name).name, source)


def load_parallel(
    name_or_path: str | Path, part: str | None = None, reading: ParallelReading = READING
) -> ParallelTexts:
    """Return pairs to score on, unfiltered: a corpus's test part, or all of a file; `part` selects another one.

    part: "train", "valid" or "test", as `load_parallel_splits` divides (without its rules), or "all".
    """
    if part not in (None, "all", *PARTS):
        raise unknown("split", part, (*PARTS, "all"))
    name, path = str(name_or_path), Path(name_or_path)
    if name in PARALLEL:
        _refuse_columns(name, reading)
        whole = _turned(name, load_parallel_corpus(name), reading.languages)
        found = whole.all() if part == "all" else getattr(whole, part or "test")
        if not len(found):
            raise UserError(f"{name!r} has no part {part!r}, it is a test set; leave --split out")
        return found
    if part in PARTS or parts_of_folder(path):
        divided = _of_files(path, reading, {})
        tell_lines(divided.messages)
        wanted = PARTS if part == "all" else (part or "test",)
        return ParallelTexts.of(
            [pair for each in wanted for pair in divided.parts[each]], divided.parts["train"].languages
        )
    pairs, report = read_parallel(path, reading)
    if part is None:
        report.messages.append(
            f"all {counted(len(pairs), 'pair')}; --split test uses only those held out from training"
        )
    tell_lines(report.messages)
    return pairs


def _of_corpus(name: str, reading: ParallelReading) -> Divided:
    """Return the parts of a corpus, in the requested direction."""
    _refuse_columns(name, reading)
    if PARALLEL[name].test_only:
        others = one_of(row.name for row in PARALLEL.values() if not row.test_only)
        raise UserError(f"{name!r} is a test set; train on {others}, and give --test {name}")
    whole = _turned(name, load_parallel_corpus(name), reading.languages)
    parts = {part: getattr(whole, part) for part in PARTS}
    cleaning = CleaningReport(sum(map(len, parts.values())))
    reading = replace(reading, languages=whole.languages)
    source = whole.source | {"languages": list(whole.languages)}
    return Divided(parts, lambda part, i: f"pair {i + 1:,} of its part {part!r}", source, reading, cleaning)


def _turned(name: str, whole: ParallelSplits, languages: Languages) -> ParallelSplits:
    """Return a corpus in the requested direction. Raises UserError for a language that it does not have."""
    asked = tuple(language and (language_code(language) or language) for language in languages)
    for found in (whole, whole.swapped()):
        if all(want in (None, has) for want, has in zip(asked, found.languages, strict=True)):
            return found
    has = " and ".join(filter(None, whole.languages))
    raise UserError(
        f"--source-lang {asked[0] or 'not given'}, --target-lang {asked[1] or 'not given'}: {name!r} is in {has}"
    )


def _refuse_columns(name: str, reading: ParallelReading) -> None:
    if reading.text or reading.target or reading.files.given:
        raise UserError(f"{name!r} is a corpus; leave --text, --target, --encoding and --quoting out")


def _of_files(path: Path, reading: ParallelReading, given: Given) -> Divided:
    """Return the parts of the user's files that are not given: those of a folder, or held out from one file."""
    beside = parts_of_folder(path)
    path = beside.pop("train", path)
    pairs, report = read_parallel(path, reading, to_learn_from=True)
    cut = [part for part in ("test", "valid") if part not in beside and given.get(part) is None]
    rows = divide_rows(str(path), pairs, cut)
    sides = [side for side in (report.file.path, report.file.target_path) if side is not None]
    source = {
        "name": path.name,
        "files": [{"file": side.name, "sha256": sha256_of(side)} for side in sides],
        "languages": list(pairs.languages),
        "skipped": report.skipped,
    }
    found = Divided(
        {part: pairs[rows[part]] for part in rows},
        lambda part, i: report.places[rows[part][i]],
        source,
        replace(reading, languages=pairs.languages),
        report.cleaning,
        report.messages,
        path,
    )
    _add_given(found, {part: file for part, file in beside.items() if given.get(part) is None})
    return found


def _add_given(found: Divided, given: Given) -> None:
    """Add parts that are read from another corpus or file, and report what they share with training."""
    for part, file in given.items():
        if file is None:
            continue
        if str(file) in PARALLEL:
            pairs = load_parallel(file, None, ParallelReading(languages=found.reading.languages))
        else:
            pairs, report = read_parallel(Path(file), _of_part(found, Path(file)))
            found.messages += report.messages
        found.parts[part] = pairs
        found.messages += shared_sides(found.parts["train"], pairs, part)
        found.source[f"{part}_file"] = Path(file).name
        found.source[f"{part}_sha256"] = pairs.checksum()


def _of_part(found: Divided, file: Path) -> ParallelReading:
    """Return how a file other than the training part is read; with two aligned files, each has its own partner."""
    target = found.reading.target
    if found.path is None or target is None or not Path(target).is_file():
        return found.reading
    partner = partner_of(file, found.path, Path(target))
    return replace(found.reading, target=str(partner) if partner and partner.is_file() else None)
