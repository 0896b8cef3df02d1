"""A collection for search in the layout of BEIR: corpus.jsonl, queries.jsonl and judgements in qrels/test.tsv.

Source: Thakur et al. 2021, "BEIR".
"""

import math
from collections.abc import Iterator
from pathlib import Path

from lingon.core.counted import counted
from lingon.core.errors import DataError, UserError, one_of
from lingon.data.corpora.retrieval import Collection, SearchDocument
from lingon.data.files.labelled_texts import ReadReport
from lingon.data.files.lines import FileOptions, OnBadRow
from lingon.data.files.row import TableRow, cell_text, label_text
from lingon.data.files.table_rows import read_rows

CORPUS, QUERIES, QRELS = "corpus.jsonl", "queries.jsonl", "qrels"
PARTS = {"train": "train", "valid": "dev", "test": "test"}  # our names of splits, and those in file names
COLUMNS = ("query-id", "corpus-id", "score")


def has_collection(folder: Path) -> bool:
    """Return whether a folder has documents and queries in this layout, perhaps compressed, as corpus.jsonl.gz."""
    return folder.is_dir() and all(_packed(folder / name) is not None for name in (CORPUS, QUERIES))


def read_beir(
    folder: Path, part: str | None = None, on_bad_row: OnBadRow = "stop", options: FileOptions = FileOptions()
) -> tuple[Collection, ReadReport]:
    """Return the collection of a folder, with a report. part: "train", "valid" (qrels/dev.tsv) or "test", the default.

    Judgements of missing documents or queries are bad rows. Raises DataError with file and line for a bad row, unless
    on_bad_row is "skip", which leaves it out and counts it; UserError for a split without judgements.
    """
    report = ReadReport()
    documents = {
        key: SearchDocument(key, cell_text(row.values.get("title")) or "", cell_text(row.values.get("text")) or "")
        for key, row in _by_id(_there(folder, CORPUS), on_bad_row, options, report)
    }
    queries = {
        key: cell_text(row.values.get("text")) or ""
        for key, row in _by_id(_there(folder, QUERIES), on_bad_row, options, report, "text")
    }
    judgements: dict[str, dict[str, int]] = {}
    for path in _qrels(folder, part):
        for row in read_rows(path, None, options):
            query, document, grade, problem = _judgement(row, documents, queries)
            if not _bad(path, row, problem, on_bad_row, report):
                judgements.setdefault(query, {})[document] = grade
    if report.skipped:
        report.messages.append(
            f"{folder}: {counted(report.skipped, 'bad row')} skipped, the first: {report.first_skipped}"
        )
    return Collection(list(documents.values()), queries, judgements), report


def _by_id(
    path: Path, on_bad_row: OnBadRow, options: FileOptions, report: ReadReport, needed: str | None = None
) -> Iterator[tuple[str, TableRow]]:
    """Yield rows by their `_id`; one with a missing or duplicate id, or without a required text, is bad."""
    seen = set()
    for row in read_rows(path, None, options):
        key = label_text(row.values.get("_id"))
        problem = row.problem or ("" if key else "no _id")
        problem = problem or (f"the _id {str(key)[:40]!r} comes twice" if key in seen else "")
        if not problem and needed and not (cell_text(row.values.get(needed)) or "").strip():
            problem = f"no {needed!r}"
        if not _bad(path, row, problem, on_bad_row, report) and key:
            seen.add(key)
            yield key, row


def _judgement(row: TableRow, documents: dict, queries: dict) -> tuple[str, str, int, str]:
    """Return query, document and grade of a row of judgements, and what is wrong with it."""
    if row.problem:
        return "", "", 0, row.problem
    if missing := [name for name in COLUMNS if name not in row.values]:
        return "", "", 0, f"no column {missing[0]!r}; judgements have {one_of(COLUMNS)}"
    query, document, score = (label_text(row.values[name]) or "" for name in COLUMNS)
    try:
        grade = float(score)
    except ValueError:
        grade = math.nan
    if not grade.is_integer():
        return query, document, 0, f"the score {score[:40]!r} is not a whole number"
    if query not in queries:
        return query, document, 0, f"there is no query {query[:40]!r} in {QUERIES}"
    if document not in documents:
        return query, document, 0, f"there is no document {document[:40]!r} in {CORPUS}"
    return query, document, int(grade), ""


def _bad(path: Path, row: TableRow, problem: str, on_bad_row: OnBadRow, report: ReadReport) -> bool:
    """Return whether a row is bad, and count it. Raises DataError if `on_bad_row` is "stop"."""
    if problem and on_bad_row == "stop":
        raise DataError(f"{path}{row.where}: {problem}; --on-bad-row skip leaves such rows out")
    if problem:
        report.skipped += 1
        report.first_skipped = report.first_skipped or f"{path}{row.where}: {problem}"
    return bool(problem)


def _qrels(folder: Path, part: str | None) -> list[Path]:
    """Return the files of judgements of a split; for "all", all that exist."""
    wanted = list(PARTS) if part == "all" else [part or "test"]
    places = [folder / QRELS / f"{PARTS.get(one, one)}.tsv" for one in wanted]
    if part is None and not _packed(places[0]):  # a small collection may have one file beside the others
        places = [folder / "qrels.tsv"]
    found = [there for place in places if (there := _packed(place))]
    if not found:
        raise UserError(f"{folder}: there is no {QRELS}/{places[0].name} with the judgements of its queries")
    return found


def _there(folder: Path, name: str) -> Path:
    found = _packed(folder / name)
    assert found is not None, name
    return found


def _packed(path: Path) -> Path | None:
    """Return the file, or the compressed one; None if neither exists."""
    return next(
        (p for p in (path, path.with_name(path.name + ".gz"), path.with_name(path.name + ".xz")) if p.is_file()), None
    )
