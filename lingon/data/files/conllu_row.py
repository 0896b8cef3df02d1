"""A line of a CoNLL-U file: ten columns, with a check of the order of ids."""

import re
import sys
from collections.abc import Sequence
from typing import NamedTuple

from lingon.core.counted import counted


class ConlluRow(NamedTuple):
    """A line of ten columns: a word (id 8), a multiword token (id 3-4) or an empty node (id 8.1); `_` is no value."""

    id: str
    form: str
    lemma: str = "_"
    upos: str = "_"
    xpos: str = "_"
    feats: str = "_"
    head: str = "_"
    deprel: str = "_"
    deps: str = "_"
    misc: str = "_"

    @property
    def is_word(self) -> bool:
        return self.id.isdigit()


class ConlluFault(Exception):
    """An error in a line, with its number."""

    def __init__(self, line: int, problem: str):
        super().__init__(problem)
        self.line = line


def row_of(line: str, before: Sequence[ConlluRow], number: int) -> ConlluRow:
    """Return a line as a row. before: those above it in its sentence. Raises ConlluFault for an invalid one."""
    cells = line.split("\t")
    if len(cells) != len(ConlluRow._fields):
        spaces = "; it has spaces where tabs are expected" if len(line.split()) == 10 else ""
        raise ConlluFault(number, f"{counted(len(cells), 'column')} with tabs between; CoNLL-U has ten{spaces}")
    row = ConlluRow._make(map(sys.intern, cells))  # most values are repeated often
    if not row.form:
        raise ConlluFault(number, "the column FORM is empty; expected a word, or _")
    _check_order(row.id, before, number)
    return row


def _check_order(found: str, before: Sequence[ConlluRow], number: int) -> None:
    """Check that word ids are 1, 2, 3 ..., a range is before its first word, and an empty node after its word."""
    last = before[-1].id if before else "0"
    done = int(last.split("-")[0]) - 1 if "-" in last else int(last.split(".")[0])  # the last word so far
    if found == str(done + 1):
        return
    kind = re.fullmatch(r"([0-9]{1,9})([-.])([0-9]{1,9})", found, re.ASCII)
    if kind and kind[2] == "-" and "-" not in last and int(kind[1]) == done + 1 and int(kind[3]) >= done + 1:
        wider = next((row.id for row in reversed(before) if "-" in row.id), "0-0")
        if int(wider.split("-")[1]) > done:
            raise ConlluFault(number, f"a multiword token of the words {found} inside that of {wider}")
        return
    if kind and kind[2] == "." and "-" not in last and int(kind[1]) == done:
        count = int(last.split(".")[1]) if "." in last else 0
        if int(kind[3]) == count + 1:
            return
    raise ConlluFault(
        number, f"the id {found[:20]!r} comes after {last!r}; expected {done + 1}, or a range or empty node"
    )
