"""Reads tagged sentences of a user's file into one scheme; reports what was detected, repaired and skipped."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lingon.core.counted import counted
from lingon.core.errors import DataError, UserError, one_of
from lingon.data.files.labelled_texts import SURROGATE
from lingon.data.files.lines import FileOptions, OnBadRow
from lingon.data.files.tagged_files import open_tagged
from lingon.data.files.tagged_row import TaggedRow
from lingon.data.tag_schemes import OUTSIDE, Repair, Scheme, are_spans, scheme_of, to_iob2
from lingon.data.tagged_sentences import TaggedSentence, TaggedSentences

LONG = 5_000  # words; in longer sentences, most likely the empty lines between sentences are missing


@dataclass
class TaggedReport:
    """Report on reading: format of the file, scheme of its tags, what was left out, and messages for the user."""

    path: Path
    on_bad_row: OnBadRow = "stop"
    form: str = ""
    scheme: Scheme = "none"
    repaired: int = 0
    skipped: int = 0
    first_skipped: str = ""
    passed_over: Counter[str] = field(default_factory=Counter)
    messages: list[str] = field(default_factory=list)

    def say(self, message: str) -> None:
        """Add a line for the user."""
        self.messages.append(f"{self.path.name}: {message}")

    def leave_out(self, where: str, problem: str) -> None:
        """Count a sentence that cannot be read. Raises DataError with file and line unless they are skipped."""
        if self.on_bad_row == "stop":
            raise DataError(f"{self.path}{where}: {problem}; --on-bad-row skip leaves such sentences out")
        self.skipped += 1
        self.first_skipped = self.first_skipped or f"{self.path}{where}: {problem}"


def read_tagged(
    path: Path,
    column: str | None = None,
    tag_scheme: Scheme | None = None,
    on_bad_row: OnBadRow = "stop",
    options: FileOptions = FileOptions(),
) -> tuple[TaggedSentences, TaggedReport]:
    """Read the tagged sentences of a file, with a report. Tags of spans become those of IOB2.

    column: of the tags; by default the last column, UPOS in CoNLL-U, the usual keys in JSON. tag_scheme: detected from
    the tags by default. on_bad_row: "stop" raises at the first sentence that cannot be read, "skip" leaves it out.
    Raises DataError with file and line, or UserError.
    """
    file = open_tagged(path, options, column)
    report = TaggedReport(path, on_bad_row, file.form)
    rows = []
    for row in file.read():
        if problem := row.problem or _unusable(row):
            report.leave_out(row.where, problem)
        elif row.passed_over:
            report.passed_over[row.passed_over] += 1
        else:
            rows.append(row)
    report.scheme = tag_scheme or told_scheme(rows)
    found = TaggedSentences(_in_iob2(rows, report))
    _say_what_was_read(rows, report, tag_scheme is None)
    if not len(found):
        raise DataError(f"{path}: no sentence with tags; {report.first_skipped or 'it is empty'}")
    return found, report


def _unusable(row: TaggedRow) -> str:
    """Return the problem of a sentence that no tokenizer or configuration accepts; "" if there is none."""
    for word in row.words:
        if not word.isascii() and SURROGATE.search(word):
            return f"a lone surrogate (half a character) in word {word[:40]!r}"
    for kind, name in (*(("tag", tag) for tag in row.tags), ("label", row.label or "")):
        if not name.isprintable():
            return f"{kind} {name[:40]!r} has characters that cannot be printed"
    return ""


def told_scheme(rows: Sequence[TaggedRow]) -> Scheme:
    """Detect the scheme of a file's tags; a few may be of none if most are tags of spans."""
    counts = Counter(tag for row in rows for tag in row.tags if tag != OUTSIDE)
    spans = sum(count for tag, count in counts.items() if are_spans([tag]))
    if are_spans(counts) or 2 * spans > counts.total():
        return scheme_of(row.tags for row in rows if are_spans(row.tags))
    return "none"


def _in_iob2(rows: Sequence[TaggedRow], report: TaggedReport) -> list[TaggedSentence]:
    """Return the sentences of rows; those with a tag that the scheme does not have are bad."""
    sentences, first = [], ""
    for row in rows:
        try:
            tags, repairs = to_iob2(row.tags, report.scheme)
        except UserError as error:
            report.leave_out(row.where_is(_strange(row, report.scheme)), str(error))
            continue
        first = first or next((_said(report.path, row, repair) for repair in repairs), "")
        report.repaired += len(repairs)
        sentences.append(TaggedSentence(tuple(row.words), tags, row.label))
    if report.repaired:
        report.say(
            f"tags that {report.scheme} does not allow at their position: {report.repaired:,}; "
            f"read by the rules of CoNLL, the first {first}"
        )
    return sentences


def _said(path: Path, row: TaggedRow, repair: Repair) -> str:
    return f"{path}{row.where_is(repair.position)}: {repair.tag} as {repair.taken_for}"


def _strange(row: TaggedRow, scheme: Scheme) -> int:
    """Return the index of the first tag that the scheme does not have."""
    for position, tag in enumerate(row.tags):
        try:
            to_iob2([tag], scheme)
        except UserError:
            return position
    raise AssertionError(f"{row.where}: no tag is strange to {scheme}")


def _say_what_was_read(rows: Sequence[TaggedRow], report: TaggedReport, guessed: bool) -> None:
    """Add to the report what the user should know about the file."""
    if guessed and report.scheme in ("iob1", "bioes"):
        report.say(f"tag scheme {report.scheme}, read as iob2 (--tag-scheme chooses another)")
    if guessed and report.scheme == "none" and OUTSIDE in (counts := Counter(tag for row in rows for tag in row.tags)):
        names = one_of(sorted(set(counts) - {OUTSIDE}))
        report.say(f"tags of single words ({names}); --tag-scheme io reads each run of a tag as a span")
    if report.passed_over:
        said = ", ".join(f"{count:,} with {why}" for why, count in report.passed_over.items())
        report.say(f"sentences skipped: {said}")
    if report.skipped:
        report.say(f"bad sentences skipped: {report.skipped:,}, the first: {report.first_skipped}")
    longest = max(rows, key=lambda row: len(row.words), default=None)
    if longest is not None and len(longest.words) > LONG:
        end = "; an empty line ends a sentence" if longest.lines else ""
        report.say(f"the sentence at {report.path}{longest.where} has {counted(len(longest.words), 'word')}{end}")
