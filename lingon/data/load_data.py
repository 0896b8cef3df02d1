"""Loads labelled texts: a corpus by name, or the user's own file."""

import contextlib
import sys
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from lingon.core.counted import counted
from lingon.core.errors import DataError, UserError, one_of, suggest, too_few, unknown
from lingon.core.files import sha256_of
from lingon.core.terminal import printable
from lingon.data.corpora import CORPORA, PICTURES, TEXTS, VECTORS, load_corpus
from lingon.data.corpora.images import IMAGES
from lingon.data.examples import Examples, Splits
from lingon.data.files.label_cells import MANY_NUMBERS
from lingon.data.files.labelled_texts import FORMATS, ReadReport, read_labelled_texts
from lingon.data.files.lines import FileOptions, OnBadRow
from lingon.data.problem_types import ProblemType
from lingon.data.split import keys_of, stratified_split

__all__ = ["load_data"]

PARTS = ("train", "valid", "test")
VALID_FOLDERS = ("valid", "validation", "dev")
SHARE = {"test": 0.2, "valid": 0.1}  # of a user's file, when nothing else is given


def load_data(
    name_or_path: str | Path,
    text: str | None = None,
    label: str | None = None,
    test: str | Path | None = None,
    on_bad_row: OnBadRow = "stop",
    seed: int = 0,
    options: FileOptions = FileOptions(),
    problem_type: ProblemType | None = None,
    text_pair: str | None = None,
    valid: str | Path | None = None,
) -> Splits:
    """Return training, validation and test examples of a corpus or of a file.

    text, label: columns of a file; detected when obvious, and reported. test: a file with the test texts; without
    one, a fifth of every label is held out, unless a folder holds the two folders train and test. valid: a file with
    the validation texts; without one, a tenth of the rest of every label is held out, unless a folder holds valid
    (or validation, or dev) beside the other two. options: encoding and quoting of the files. problem_type: what the
    labels are; detected when certain, and reported on stderr. text_pair: the column of second texts, of pairs.
    """
    name = str(name_or_path)
    if name in CORPORA:
        if text or label or test or valid or text_pair or options.given:
            raise UserError(
                f"{name!r} is a corpus with fixed columns and splits; leave --text, --text-pair, --label, "
                "--valid, --test, --encoding and --quoting out"
            )
        return _as_asked(load_corpus(name), problem_type)
    if name in PICTURES or name in IMAGES or name in VECTORS or name in TEXTS:
        what = (
            "pictures" if name in PICTURES or name in IMAGES else "word vectors" if name in VECTORS else "running text"
        )
        raise UserError(f"{name!r} holds {what}, not texts with labels; `lingon data list` shows what there is")
    path = Path(name)
    if not path.exists():
        known = [*CORPORA, *(p.name for p in path.parent.glob("*") if p.suffix in FORMATS)]
        raise UserError(f"{name!r} is neither a corpus nor a file; {suggest(path.name, known)}")
    if path.is_dir() and test is None and (path / "train").is_dir() and (path / "test").is_dir():
        valid = valid or next((path / other for other in VALID_FOLDERS if (path / other).is_dir()), None)
        path, test = path / "train", path / "test"
    examples, report = read_labelled_texts(path, text, label, on_bad_row, None, options, problem_type, text_pair)
    _refuse_no_classes(examples, path, report.problem_type)
    columns = (None, None) if path.is_dir() else (report.text, report.label)
    reader = partial(_more, columns=columns, of=examples, to=report, on_bad_row=on_bad_row, options=options)
    rest, held_out = (
        stratified_split(examples, SHARE["test"], seed, "test") if test is None else (examples, reader(test))
    )
    train, validation = (
        stratified_split(rest, SHARE["valid"], seed, "valid") if valid is None else (rest, reader(valid))
    )
    if not len(validation) or not len(held_out):
        raise DataError(
            f"{path}: {too_few(len(examples), 'text')}; at least one label needs three or more different ones"
        )
    report.messages += _warnings(path, examples, report.problem_type) + shared_texts(train + validation, held_out)
    report.messages += shared_texts(train, validation, "validation") if valid else []
    tell(report)
    source = _source(path, report, {"train": train, "valid": validation, "test": held_out})
    source |= {f"{part}_file": Path(file).name for part, file in (("valid", valid), ("test", test)) if file is not None}
    return Splits(train, validation, held_out, path.name, source, report.problem_type)


def _more(
    file: str | Path,
    columns: tuple[str | None, str | None],
    of: Examples,
    to: ReadReport,
    on_bad_row: OnBadRow,
    options: FileOptions,
) -> Examples:
    """Return the examples of another file of the same kind. of: the training examples, whose labels are allowed."""
    found, other = read_labelled_texts(
        file, columns[0], columns[1], on_bad_row, of.label_counts(), options, to.problem_type, to.text_pair
    )
    to.messages += other.messages
    return found


def _as_asked(splits: Splits, problem_type: ProblemType | None) -> Splits:
    """Return a corpus with labels of the requested kind. Raises UserError if its labels are of another kind."""
    if problem_type in (None, splits.problem_type):
        return splits
    if problem_type == "regression" and splits.train.ratings is not None:
        parts = {name: getattr(splits, name) for name in PARTS}
        numbers = {name: replace(part, labels=list(part.ratings)) for name, part in parts.items()}
        return replace(splits, problem_type="regression", **numbers)
    if problem_type == "ordinal" and splits.problem_type == "single-label":
        with contextlib.suppress(ValueError):
            [float(label) for label in splits.train.label_counts()]
            return replace(splits, problem_type="ordinal")
    raise UserError(f"--problem-type is {problem_type}, but the labels of {splits.name!r} are {splits.problem_type}")


def load_part(
    name_or_path: str | Path,
    part: str | None = None,
    text: str | None = None,
    label: str | None = None,
    on_bad_row: OnBadRow = "stop",
    known: Collection[str] | None = None,
    options: FileOptions = FileOptions(),
    problem_type: ProblemType | None = None,
    text_pair: str | None = None,
) -> Examples:
    """Return texts to score a model on: a corpus's test part, or all of a file; `part` selects another one.

    part: "train", "valid" or "test", as `load_data` divides, or "all". known: the labels allowed in a file.
    problem_type, text_pair: see `load_data`.
    """
    if part not in (None, "all", *PARTS):
        raise unknown("split", part, (*PARTS, "all"))
    if part is None and str(name_or_path) not in CORPORA and Path(name_or_path).is_file():
        examples, report = read_labelled_texts(
            name_or_path, text, label, on_bad_row, known, options, problem_type, text_pair
        )
        report.messages.append(
            f"all {counted(len(examples), 'text')}; --split test uses only those held out from training"
        )
        tell(report)
        return examples
    splits = load_data(
        name_or_path, text, label, None, on_bad_row, options=options, problem_type=problem_type, text_pair=text_pair
    )
    return splits.all() if part == "all" else getattr(splits, part or "test")


def tell(report: ReadReport) -> None:
    """Report on stderr what was detected and what was skipped."""
    tell_lines(report.messages)


def tell_lines(lines: Iterable[str]) -> None:
    """Print lines on stderr."""
    for line in lines:
        print(printable(line), file=sys.stderr)


def _refuse_no_classes(examples: Examples, path: Path, problem_type: ProblemType) -> None:
    counts = examples.label_counts()
    if problem_type == "regression":
        if len(set(examples.labels)) < 2:
            raise DataError(
                f"{path}: all {counted(len(examples), 'text has', 'texts have')} the number {examples.labels[0]:g}"
            )
        return
    if not counts:
        raise DataError(f"{path}: no text has a label")
    first = next(iter(counts))
    if len(counts) < 2 and problem_type != "multi-label":
        raise DataError(
            f"{path}: all {counted(len(examples), 'text has', 'texts have')} the label {first!r}; "
            "two labels or more are needed"
        )
    if len(counts) >= len(examples):
        raise DataError(
            f"{path}: every text has a different label, such as {first[:40]!r}; give another column with --label"
        )


def _warnings(path: Path, examples: Examples, problem_type: ProblemType) -> list[str]:
    """Return messages about things that are not errors but worth knowing."""
    single = [label for label, count in examples.label_counts().items() if count == 1]
    twice = len(examples) - len(set(examples.inputs))
    again = counted(twice, "duplicate text")
    said = [f"{path.name}: {again}; equal texts stay on one side of a split"] if twice else []
    if single:
        said.append(
            f"{path.name}: labels with a single text, which is used for training only: {one_of(map(repr, single))}"
        )
    return said + (numbers_as_labels(path, examples) if problem_type == "single-label" else [])


def numbers_as_labels(path: Path, examples: Examples) -> list[str]:
    """Return a message if the labels are many different numbers, each of which becomes a class without an order."""
    try:
        numbers = sorted({float(label) for label in examples.label_counts()})
    except ValueError:
        return []
    if len(numbers) <= MANY_NUMBERS:
        return []
    return [
        f"{path.name}: the labels are {len(numbers)} different numbers from {numbers[0]:g} to {numbers[-1]:g}, and "
        "each is learned as a separate class; --problem-type regression learns them as numbers, ordinal as ranks"
    ]


def shared_texts(train: Examples, test: Examples, name: str = "test") -> list[str]:
    """Return a message about test texts that also occur in training, which inflate the scores.

    name: of the part, for the line.
    """
    return shared_keys(keys_of(train), keys_of(test), f"{name} texts")


def shared_keys(train: Iterable[str], test: Sequence[str], name: str) -> list[str]:
    """Return a message about examples that are also in training, compared by their keys. name: the noun for them."""
    known = set(train)
    count = sum(key in known for key in test)
    if not count:
        return []
    part = count / len(test)
    share = f"{count:,} of {len(test):,} {name} ({part:.{0 if part >= 0.01 else 1}%})"
    return [f"{share} are also in training; scores on them do not tell how the model does on new texts"]


def _source(path: Path, report: ReadReport, splits: dict[str, Examples]) -> dict[str, Any]:
    pair = {} if report.text_pair is None else {"text_pair": report.text_pair}
    return {
        "name": path.name,
        "columns": {"text": report.text, "label": report.label, **pair},
        **({} if report.problem_type == "single-label" else {"problem_type": report.problem_type}),
        "skipped": report.skipped,
        "file_sha256": sha256_of(path) if path.is_file() else None,
        **{name: len(examples) for name, examples in splits.items()},
        "sha256": (splits["train"] + splits["valid"] + splits["test"]).checksum(),
    }
