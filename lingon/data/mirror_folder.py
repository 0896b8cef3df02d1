"""Fills a folder for LINGON_MIRROR: artifacts named by their sha256, for machines without a network."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from lingon.core.counted import counted
from lingon.core.errors import FetchError, UserError, one_of
from lingon.core.files import sync_folder
from lingon.data.all_rows import ALL, all_rows, artifacts_of, expand_names, must_accept
from lingon.data.fetch import bring, is_whole
from lingon.data.sources import Artifact
from lingon.data.sources.mirror import VARIABLE

WORKPLACE = ".filling"  # in the folder: incomplete files, and a lock for processes that fill it at the same time


@dataclass(frozen=True)
class Entry:
    """An artifact, and the names that need it with the licence of each."""

    artifact: Artifact
    licences: dict[str, str]

    @property
    def names(self) -> str:
        return ", ".join(self.licences)

    @property
    def megabytes(self) -> float:
        return self.artifact.bytes / 1e6


def entries_of(names: Iterable[str], accept_licence: bool = False) -> list[Entry]:
    """Collect what these names need, each artifact once. Raises UserError for a licence that is not accepted."""
    found: dict[str, Entry] = {}
    for name in expand_names(names, accept_licence):
        row = all_rows()[name]
        if (why := must_accept(row)) and not accept_licence:
            raise UserError(f"{name}: {why}; if you may use it, add --accept-licence (accept_licence=True)")
        for artifact in artifacts_of(row):
            found.setdefault(artifact.stored_as, Entry(artifact, {})).licences[name] = row.licence
    return list(found.values())


def left_out(names: Iterable[str], entries: list[Entry]) -> list[str]:
    """Return a message about data that `all` does not include, as their licences must be accepted first."""
    taken = {name for entry in entries for name in entry.licences}
    missing = [name for name, row in all_rows().items() if must_accept(row) and name not in taken]
    if ALL not in names or not missing:
        return []
    return [f"left out, as their licences must be accepted (--accept-licence): {one_of(missing)}"]


def list_mirror(folder: Path, entries: list[Entry]) -> Iterator[str]:
    """Yield a line for each artifact: size, whether it is there, file name, label, names that need it; then totals."""
    yield f"{'MB':>7}  there  {'file':16}  what (for whom; licence)"
    there = [entry.artifact.stored_as for entry in entries if (folder / entry.artifact.stored_as).is_file()]
    for entry in entries:
        has = "yes" if entry.artifact.stored_as in there else "-"
        licences = "; ".join(dict.fromkeys(entry.licences.values()))
        yield f"{entry.megabytes:7.1f}  {has:5}  {_short(entry)}  {entry.artifact.label} ({entry.names}; {licences})"
    yield f"{sum(e.megabytes for e in entries):7.1f}  {len(there)} of {len(entries)} are in {folder}"


def fill_mirror(folder: Path, entries: list[Entry]) -> Iterator[str]:
    """Get missing artifacts from the cache, the mirror that is set, or the network; yield a line for each.

    Each file is checked and gets its name only once it is complete, so an interrupted run can be continued by another.
    An artifact that cannot be fetched does not stop the rest; FetchError that names it is raised at the end.
    """
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder} is a file; give the name of a folder")
    missing: dict[str, FetchError] = {}
    for number, entry in enumerate(entries, 1):
        head = f"[{number}/{len(entries)}] {_short(entry)}  {entry.megabytes:.1f} MB  {entry.artifact.label}"
        try:
            yield f"{head}: {_fill(folder, entry)}"
        except FetchError as error:
            missing[entry.names] = error
            yield f"{head}: could not be downloaded"
    if missing:
        first = next(iter(missing.values()))
        raise FetchError(
            f"{len(missing)} of {counted(len(entries), 'file')} are missing ({one_of(missing)}). The first: {first}"
        )
    yield (
        f"{folder}: {counted(len(entries), 'file')}, {sum(e.megabytes for e in entries):.1f} "
        f"MB; use it with {VARIABLE}={folder}"
    )


def _fill(folder: Path, entry: Entry) -> str:
    """Get one artifact and return in a few words what was done."""
    path = folder / entry.artifact.stored_as
    if is_whole(entry.artifact, path):
        return "was there"
    again = path.exists()
    bring(entry.artifact, next(iter(entry.licences)), path, folder / WORKPLACE)
    sync_folder(folder)
    return "was damaged, downloaded again" if again else "brought"


def _short(entry: Entry) -> str:
    return f"{entry.artifact.stored_as[:12]}{'.tar' if entry.artifact.stored_as.endswith('.tar') else '...':4}"
