"""Lists the available data and fetches it into the cache: `lingon data list` and `lingon data get`."""

from dataclasses import dataclass
from typing import Any

from lingon.data.all_rows import all_rows, expand_names
from lingon.data.corpora import TEXTS
from lingon.data.corpora.encoders import ENCODERS, encoder_folder
from lingon.data.corpora.texts import accepted
from lingon.data.corpora.weights import WEIGHTS, fetch_weights
from lingon.data.fetch import fetch
from lingon.data.running_text import GROUPS


@dataclass(frozen=True)
class ListedData:
    """One line of `lingon data list`."""

    name: str
    summary: str
    megabytes: float
    licence: str
    cached: bool


def list_rows() -> list[ListedData]:
    """Return all corpora, texts, pictures, vectors and their test sets, search collections, treebanks and weights."""
    rows: list[Any] = [row for row in all_rows().values() if row.name not in WEIGHTS]
    listed = [ListedData(r.name, r.summary, r.source.bytes / 1e6, r.licence, r.source.cached) for r in rows]
    return listed + [ListedData(r.name, r.summary, r.megabytes, r.licence, r.cached) for r in WEIGHTS.values()]


def list_table(rows: list[ListedData]) -> str:
    """Return the list as a table: name, summary, size of the download, whether it is cached, licence."""
    name, what = max([16, *(len(r.name) for r in rows)]), max([4, *(len(r.summary) for r in rows)])
    lines = [f"{'name':{name}} {'what':{what}} {'MB':>5}  cached  licence"]
    for r in rows:
        here = "yes" if r.cached else "-"
        lines.append(f"{r.name:{name}} {r.summary:{what}} {r.megabytes:5.1f}  {here:6}  {r.licence}")
    return "\n".join(lines)


def groups() -> str:
    """Return a line for each name that stands for several texts."""
    return "\n".join(f"{name:16} the running text of {', '.join(members)}" for name, members in GROUPS.items())


def get(name: str, accept_licence: bool = False) -> str:
    """Fetch a corpus, vectors, weights, or everything whose licence need not be accepted; return where they are."""
    names = expand_names([name])
    if names != [name]:
        return "\n".join(get(member, accept_licence) for member in names)
    if name in TEXTS:
        accepted(TEXTS[name], accept_licence)
    if name in WEIGHTS:
        path, size = fetch_weights(name, accept_licence), WEIGHTS[name].bytes
    elif name in ENCODERS:
        path, size = encoder_folder(name), ENCODERS[name].source.bytes
    else:
        source = all_rows()[name].source
        path, size = fetch(source, name), source.bytes
    return f"{name}: {size / 1e6:.1f} MB, sha256 correct, in {path}"
