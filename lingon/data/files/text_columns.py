"""Chooses the columns of texts and labels of a table; guesses only when it is obvious."""

import re
from statistics import mean
from typing import Any, NamedTuple

from lingon.core.errors import DataError, UserError, one_of, suggest

# The only column with the first name of a list is chosen; otherwise the only column with any of the names.
TEXT = (
    "text texts review sentence comment body content message tweet document article question post email sms headline "
    "title abstract utterance phrase passage paragraph description summary reviews sentences comments"
)
LABEL = (
    "label labels class category target sentiment topic stars star rating polarity intent emotion genre tag spam "
    "classification categories classes score y"
)
MOST_LABELS = 1000  # columns; in tables with more, binary indicator columns are not searched for
END = (".", "!", "?", "…", "。", "！", "？", '."', '!"', '?"')  # of a sentence
LONGER = 3  # if one of two columns is this many times as long on average, it is the text


class ColumnNames(NamedTuple):
    """The names of the two columns."""

    text: str
    label: str


def choose_columns(path, names: list[str], rows: list[dict[str, Any]], text: str | None, label: str | None):
    """Choose the columns of texts and labels; return a message when one of them was guessed (else None).

    names: all columns; rows: the first rows. Raises DataError that lists the columns when it is not obvious.
    """
    for name, flag in ((text, "--text"), (label, "--label")):
        if name is not None and name not in names:
            raise DataError(f"{path}: there is no column {name!r} for {flag}; {suggest(name, names)}")
    if text is not None and text == label:
        raise UserError(f"{path}: --text and --label name the same column {text!r}")
    given = text is not None and label is not None
    if label is None:
        _refuse_indicators(path, names, rows)
    text = text or _by_name([n for n in names if n != label], TEXT)
    label = label or _by_name([n for n in names if n != text], LABEL)
    if len(names) == 2 and not (text and label):
        text, label = _by_look(names, rows, text, label)
    if text is None or label is None:
        missing = [flag for flag, name in (("--text", text), ("--label", label)) if name is None]
        raise DataError(
            f"{path}: not obvious which column is which; give {' and '.join(missing)}, columns: {_listed(names)}; "
            "pairs of source and target have --target in place of --label"
        )
    if not given:
        _refuse_no_header(path, ColumnNames(text, label), rows)
    return ColumnNames(
        text, label
    ), None if given else f"{path}: texts from column {text!r}, labels from column {label!r}"


def choose_text_column(path, names: list[str], rows: list[dict[str, Any]], text: str | None) -> tuple[str, str | None]:
    """Choose the column of texts of a table without labels; return a message when it was guessed (else None).

    It is the given one, the one with a usual name, or the one whose cells are clearly the longest.
    Raises DataError that lists the columns when it is not obvious.
    """
    if text is not None and text not in names:
        raise DataError(f"{path}: there is no column {text!r} for --text; {suggest(text, names)}")
    if text is not None:
        return text, None
    found = _by_name(names, TEXT)
    if found is None and len(names) > 1:
        found = _longest(names, rows)
    if found is not None:
        _refuse_no_header(path, ColumnNames(found, _another(names, found)), rows)
    elif len(names) == 1:
        _refuse_no_header(path, ColumnNames(names[0], ""), rows)
    if found is None:
        raise DataError(f"{path}: not obvious which column holds the texts; give --text, columns: {_listed(names)}")
    return found, f"{path}: texts from column {found!r}"


def names_texts(names: list[str], rows: list[dict[str, Any]]) -> bool:
    """Return whether the first line of a table has column names, one of which is usual for texts."""
    found = _by_name(names, TEXT)
    return found is not None and not _are_no_names(ColumnNames(found, _another(names, found)), rows)


def _another(names: list[str], found: str) -> str:
    return next((name for name in names if name != found), "")


def _longest(names: list[str], rows: list[dict[str, Any]]) -> str | None:
    lengths = {name: mean([len(str(row.get(name) or "")) for row in rows] or [0]) for name in names}
    second, first = sorted(names, key=lambda name: lengths[name])[-2:]
    return first if lengths[first] >= LONGER * max(1, lengths[second]) else None


def _refuse_indicators(path, names: list[str], rows: list[dict[str, Any]]) -> None:
    """Refuse several binary indicator columns: they are several labels, of which only one would be used."""
    yes_or_no = {"0", "1", "0.0", "1.0", "true", "false"}
    values = {name: {str(row.get(name)).strip().lower() for row in rows} for name in names}
    found = [name for name in names if len(values[name]) == 2 and values[name] <= yes_or_no]
    if len(found) > 1 and len(rows) > 1 and len(names) <= MOST_LABELS:
        raise DataError(
            f"{path}: the columns {_listed(found)} say yes or no of each text; learn all of them with "
            f"--label {','.join(found)}, or one of them with --label {found[0]}"
        )


def _listed(names: list[str]) -> str:
    return one_of(repr(name if len(name) <= 80 else name[:77] + "...") for name in names)


def _by_name(names: list[str], known: str) -> str | None:
    """Return the one column with a usual name, or whose last word is one (`review_text`, `star rating`)."""
    found = {n: words[-1] for n in names if (words := re.findall(r"[^\W_]+", _spaced(n).lower()))}
    usual = [n for n, word in found.items() if word in known.split()]
    first = [n for n in usual if found[n] == known.split()[0]]
    return next((c[0] for c in (first, usual) if len(c) == 1), None)


def _spaced(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)  # reviewText


def _by_look(names: list[str], rows: list[dict[str, Any]], text: str | None, label: str | None):
    """Choose between exactly two columns: the text is clearly longer, and the label repeats."""
    length = {n: mean([len(str(r.get(n) or "")) for r in rows] or [0]) for n in names}
    short, long = sorted(names, key=lambda n: length[n])
    repeats = len({str(r.get(short)) for r in rows}) <= max(2, len(rows) // 2)
    if repeats and length[long] >= LONGER * max(1, length[short]) and text in (None, long) and label in (None, short):
        return long, short
    return text, label


def _refuse_no_header(path, columns: ColumnNames, rows: list[dict[str, Any]]) -> None:
    """Refuse a file without column names: its first row would be lost silently."""
    if _are_no_names(columns, rows):
        said = " and ".join(repr(name[:40]) for name in columns if name)
        like = "do not look like column names" if columns.label else "does not look like the name of a column"
        raise DataError(f"{path}:1: {said} {like}; write a first line such as text,label")


def _are_no_names(columns: ColumnNames, rows: list[dict[str, Any]]) -> bool:
    """Return whether column names look like a row of data: a label, a number, or a text."""
    names = {columns.label} & {str(r.get(columns.label)) for r in rows[:1000]}
    number = any(re.fullmatch(r"-?\d+(\.\d+)?", c.strip()) for c in columns)
    long = len(columns.text) > 80
    return bool(names) or number or long or _is_sentence(columns.text, [r.get(columns.text) for r in rows])


def _is_sentence(name: str, cells: list[Any]) -> bool:
    """Return whether a name and most cells of its column end as sentences do."""
    ends = [str(cell).rstrip().endswith(END) for cell in cells if cell is not None]
    return name.rstrip().endswith(END) and 2 * sum(ends) >= len(ends)
