"""One door to all texts: a corpus by name, or a file of the user's own."""

import sys
from pathlib import Path
from typing import Any

from lingon.core.errors import DataError, UserError, suggest
from lingon.core.files import sha256_of
from lingon.data.corpora import CORPORA, load
from lingon.data.examples import Examples, Splits
from lingon.data.readers import FORMATS, OnBadRow, Report, read_examples
from lingon.data.split import stratified_split

SHARE = {"test": 0.2, "valid": 0.1}  # of a user's file, when nothing else is given


def load_data(
    name_or_path: str | Path,
    text: str | None = None,
    label: str | None = None,
    test: str | Path | None = None,
    on_bad_row: OnBadRow = "stop",
    seed: int = 0,
) -> Splits:
    """Training, validation and test examples of a corpus or of a file.

    text, label: columns of a file; guessed when obvious, and said on stderr. test: a file with the test texts; without
    one, a fifth of every label is cut off. A tenth of what is left of every label is for validation.
    """
    name = str(name_or_path)
    if name in CORPORA:
        if text or label or test:
            raise UserError(
                f"{name!r} is a corpus with columns and splits of its own; leave --text, --label, --test out"
            )
        return load(name)
    path = Path(name)
    if not path.exists():
        known = [*CORPORA, *(p.name for p in path.parent.glob("*") if p.suffix in FORMATS)]
        raise UserError(f"{name!r} is neither a corpus nor a file; {suggest(path.name, known)}")
    examples, report = read_examples(path, text, label, on_bad_row)
    tell(report)
    if test is not None:
        held_out, other = read_examples(test, report.text, report.label, on_bad_row)
        tell(other)
        _same_labels(examples, held_out, test)
    else:
        _enough(examples, path)
        examples, held_out = stratified_split(examples, SHARE["test"], seed, "test")
    train, valid = stratified_split(examples, SHARE["valid"], seed, "valid")
    if not len(valid):
        raise DataError(f"{path}: too few texts for a validation split; every label needs three or more")
    source = _source(path, report, {"train": train, "valid": valid, "test": held_out})
    return Splits(train, valid, held_out, path.name, source)


def tell(report: Report) -> None:
    """Says on stderr what was guessed and what was left out."""
    for line in report.said:
        print(line, file=sys.stderr)


def _enough(examples: Examples, path: Path) -> None:
    counts = examples.label_counts()
    if len(counts) < 2:
        raise DataError(f"{path}: all {len(examples):,} texts have the label {next(iter(counts))!r}; two are needed")
    if len(counts) == len(examples):
        raise DataError(
            f"{path}: every text has a label of its own; is {next(iter(counts))[:40]!r} a label? see --label"
        )
    if max(counts.values()) < 3:
        raise DataError(f"{path}: no label has three texts, which a test split and a validation split need")


def _same_labels(train: Examples, test: Examples, path: str | Path) -> None:
    known = train.label_counts()
    for label in test.label_counts():
        if label not in known:
            raise DataError(f"{path}: label {label!r} is not among the training labels; {suggest(label, known)}")


def _source(path: Path, report: Report, splits: dict[str, Examples]) -> dict[str, Any]:
    return {
        "name": path.name,
        "columns": {"text": report.text, "label": report.label},
        "skipped": report.skipped,
        "file_sha256": sha256_of(path) if path.is_file() else None,
        **{name: len(examples) for name, examples in splits.items()},
        "sha256": splits["train"].checksum(),
    }
