"""Loads pairs of texts, to train on or to evaluate: a corpus by name, or a user's table."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lingon.core.counted import counted
from lingon.core.errors import DataError, UserError, suggest, unknown
from lingon.core.files import sha256_of
from lingon.data.corpora import CORPORA
from lingon.data.corpora.scored_pairs import SCORED_PAIRS, load_scored_pairs
from lingon.data.examples import Splits
from lingon.data.files.lines import FileOptions, OnBadRow
from lingon.data.files.pair_tables import PairColumns, find_pair_columns, not_obvious, read_pairs
from lingon.data.files.table_rows import is_table
from lingon.data.load_data import PARTS, load_data, tell_lines
from lingon.data.split_pairs import divide_pairs
from lingon.data.text_pairs import PairSplits, TextPairs


def load_pairs(
    name_or_path: str | Path,
    part: str | None = None,
    text: str | None = None,
    score: str | None = None,
    on_bad_row: OnBadRow = "stop",
    options: FileOptions = FileOptions(),
    text_pair: str | None = None,
    negatives: Sequence[str] = (),
) -> TextPairs:
    """Return the pairs of a part; by default the test part of a corpus, or all pairs of a table.

    text, text_pair, score, negatives: columns of a table; guessed if they have usual names, and reported on stderr.
    Without scores the two texts of a pair belong together: `PositivePairs`. Raises UserError for an unknown name or
    path, DataError with file and line for a pair with one side missing or a score that is not a number.
    """
    name = str(name_or_path)
    if name in SCORED_PAIRS:
        if part not in (None, "all", *PARTS):
            raise unknown("split", part, (*PARTS, "all"))
        splits = load_scored_pairs(name)
        return splits.all() if part == "all" else getattr(splits, part or "test")
    path = _table(name, options)
    if part not in (None, "all", *PARTS):
        raise unknown("split", part, (*PARTS, "all"))
    columns = find_pair_columns(path, text, text_pair, negatives, score, options)
    if columns is None:
        raise not_obvious(path, options)
    pairs, report = read_pairs(path, columns, on_bad_row, options)
    if None in (text, text_pair, score):
        report.messages.insert(0, f"{path}: {columns.said()}")
    if part in PARTS:
        pairs = divide_pairs(path, pairs, {})[0][part]
    else:
        report.messages.append(
            f"all {counted(len(pairs), 'pair')}; --split test uses only those held out from training"
        )
    tell_lines(report.messages)
    return pairs


def load_pair_splits(
    name_or_path: str | Path,
    text: str | None = None,
    text_pair: str | None = None,
    negatives: Sequence[str] = (),
    label: str | None = None,
    test: str | Path | None = None,
    valid: str | Path | None = None,
    on_bad_row: OnBadRow = "stop",
    options: FileOptions = FileOptions(),
) -> PairSplits | Splits:
    """Return training, validation and test pairs of a corpus or of a table; or texts with labels if it has these.

    label: the column of scores, or of labels. test, valid: other files of the same kind; by default a fifth is for the
    test and a tenth of the rest for validation, and pairs that share a text stay together. For other arguments see
    `load_pairs` and `load_data`.
    """
    name = str(name_or_path)
    if name in SCORED_PAIRS:
        if any((text, text_pair, label, test, valid, *negatives)) or options.given:
            raise UserError(f"{name!r} is a corpus with fixed columns and splits; leave --text and the like out")
        return load_scored_pairs(name)
    if name in CORPORA or Path(name).is_dir():
        if text_pair is not None or negatives:
            raise UserError(f"{name!r} holds texts with labels; leave --text-pair and --negative out")
        return load_data(name, text, label, test, on_bad_row, 0, options, "single-label", valid=valid)
    path = _table(name, options)
    columns = find_pair_columns(path, text, text_pair, negatives, label, options)
    if columns is None and (text_pair is not None or negatives):
        raise not_obvious(path, options)
    if columns is None:
        return load_data(name, text, label, test, on_bad_row, 0, options, "single-label", valid=valid)
    return _divided(path, columns, {"test": test, "valid": valid}, on_bad_row, options)


def _divided(
    path: Path,
    columns: PairColumns,
    files: Mapping[str, str | Path | None],
    on_bad_row: OnBadRow,
    options: FileOptions,
) -> PairSplits:
    """Return the parts of a table of pairs. files: of test and validation, if given."""
    pairs, report = read_pairs(path, columns, on_bad_row, options)
    report.messages.insert(0, f"{path}: {columns.said()}")
    given: dict[str, Any] = {}
    for part, file in files.items():
        if file is not None:
            given[part], other = read_pairs(_table(str(file), options), columns, on_bad_row, options)
            report.messages += other.messages
    parts, said = divide_pairs(path, pairs, given)
    report.messages += said
    tell_lines(report.messages)
    source = {
        "name": path.name,
        "columns": columns._asdict(),
        "skipped": report.skipped,
        "file_sha256": sha256_of(path),
    }
    source |= {part: len(parts[part]) for part in PARTS}
    source |= {f"{part}_file": Path(file).name for part, file in files.items() if file is not None}
    train, valid, test = (parts[part] for part in PARTS)
    return PairSplits(train, valid, test, path.name, source)


def _table(name: str, options: FileOptions) -> Path:
    path = Path(name)
    if not path.is_file():
        raise UserError(f"{name!r} is neither a corpus of pairs nor a file; {suggest(path.name, SCORED_PAIRS)}")
    if not is_table(path, options):
        raise DataError(f"{path}: not a table; pairs have two columns of texts, and one of scores where there are some")
    return path


def holds_pairs(
    name_or_path: str | Path, text: str | None, text_pair: str | None, options: FileOptions = FileOptions()
) -> bool:
    """Return whether data to evaluate on are pairs, rather than a corpus with labels or a folder."""
    name = str(name_or_path)
    if name in CORPORA or Path(name).is_dir():
        return False
    if name in SCORED_PAIRS or text_pair is not None or not Path(name).is_file():
        return True
    path = Path(name)
    return not is_table(path, options) or find_pair_columns(path, text, text_pair, (), None, options) is not None
