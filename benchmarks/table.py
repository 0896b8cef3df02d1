"""The scoreboard of docs/benchmarks.md and its short form in the README, made from results/*.json and nothing else."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmarks.environments import ROOT
from benchmarks.result import RESULTS
from lingon.core.errors import UserError
from lingon.core.files import atomic_write, read_json

BEGIN, END = "<!-- scoreboard -->", "<!-- /scoreboard -->"
HEAD = "| what | Lingon | peer | times as fast (from, to) | bar | `python -m benchmarks` |\n|---|---|---|---|---|---|"

# Rows of the README, by result and what: what a newcomer asks first, with at least one that is lost.
HIGHLIGHTS = [
    ("first-prediction", "from clone to the first prediction"),
    ("quality-ngrams", "accuracy on held-out film reviews: ngrams"),
    ("small-data-500", "8 data sets, 500 training texts: mean accuracy"),
    ("small-data-rare", "imdb, 2.0% positive: AUC"),
    ("training-textcnn", "training textcnn on film reviews"),
    ("nanogpt", "training a GPT on characters, 4 layers of 128"),
    ("generation", "greedy generation, 12 layers of 768, 1 at once, int8"),
    ("word-vectors-skipgram", "skip-gram"),
]


def results(folder: Path = RESULTS) -> list[dict[str, Any]]:
    """The results in a folder, by name."""
    return [read_json(path) for path in sorted(Path(folder).glob("*.json"))]


def table(found: Iterable[dict[str, Any]]) -> str:
    """All rows, losing ones like winning ones, and a line that says what they were measured on."""
    found = list(found)
    if not found:
        return "Nothing has been measured yet: `make bench`."
    lines = [line(row, result["name"]) for result in found for row in result["rows"]]
    return "\n".join([HEAD, *lines, "", footer(found)])


def highlights(found: Iterable[dict[str, Any]]) -> str:
    """The rows of the README, in its order. Raises UserError when one of them is not among the results, or not once."""
    found, lines = list(found), []
    for name, what in HIGHLIGHTS:
        held = [row for r in found if r["name"] == name for row in r["rows"] if matches(row["what"], what)]
        if len(held) != 1:
            raise UserError(f"{len(held)} rows of {name} begin with {what!r}; change HIGHLIGHTS in benchmarks/table.py")
        lines.append(line(held[0], name))
    return "\n".join([HEAD, *lines])


def matches(what: str, beginning: str) -> bool:
    """Whether a row is the one meant: the same words, or more of them after a comma or in brackets."""
    return what == beginning or what.startswith((f"{beginning} (", f"{beginning}, "))


def line(row: dict[str, Any], name: str) -> str:
    """One row: figures are medians, the ratio with its minimum and maximum."""
    unit = "" if row["unit"] == "score" else f" {row['unit']}"
    ours = figure(row["ours"]["median"], row["unit"]) + unit + spread(row)
    peers = "<br>".join(f"{p['name']}: {figure(p['figure']['median'], row['unit'])}{unit}" for p in row["peers"])
    ratio = row["ratio"]
    times = f"{ratio['median']:.2f} ({ratio['minimum']:.2f}, {ratio['maximum']:.2f})" if ratio else ""
    verdict = {None: "", True: " reached", False: " **missed**"}[row["reached"]]
    return f"| {row['what']} | {ours} | {peers} | {times} | {(row['bar'] or '') + verdict} | `{name}` |"


def spread(row: dict[str, Any]) -> str:
    """Our range in brackets where scores of several seeds or splits differ; figures of speed have the ratio's."""
    low, high = (figure(row["ours"][end], row["unit"]) for end in ("minimum", "maximum"))
    return "" if row["unit"] != "score" or low == high else f" ({low}, {high})"


def figure(value: float, unit: str) -> str:
    """A score with four digits after the point, anything else with three digits that count."""
    if unit == "score":
        return f"{value:.4f}"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def footer(found: list[dict[str, Any]]) -> str:
    """Machines, threads, versions and dates; a mark when a figure comes from a quick run."""
    machines = [r["machine"] for r in found]
    where = "; ".join(
        sorted({f"{m['processor']}, {m['cores']} cores ({', '.join(m['vector_instructions'])})" for m in machines})
    )
    dates = sorted({r["date"] for r in found})
    when = dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}"
    ours = sorted({f"Python {r['versions']['python']}, torch {r['versions']['torch']}" for r in found})
    threads = sorted({str(n) for r in found for n in r["threads"].values()})
    said = f"{where}; {' and '.join(threads)} threads on both sides; {'; '.join(ours)}; {when}. "
    said += "Figures are medians, scores of several runs with the least and the most; "
    said += "the files in `benchmarks/results` hold every turn and the peers' versions."
    return said + (" Some figures are of a quick run and mean nothing yet." if any(r["quick"] for r in found) else "")


def put(page: str, made: str) -> str:
    """The page with the table between its two marks. Raises UserError when the marks are not there, once each."""
    if page.count(BEGIN) != 1 or page.count(END) != 1 or page.index(BEGIN) > page.index(END):
        raise UserError(f"the page must hold {BEGIN} and after it {END}, once each")
    before, rest = page.split(BEGIN)
    return f"{before}{BEGIN}\n{made}\n{END}{rest.split(END)[1]}"


def pages(folder: Path = RESULTS) -> dict[Path, str]:
    """The pages that hold results, as they should be: all rows, and those of the README."""
    found = results(folder)
    made = {ROOT / "docs" / "benchmarks.md": table(found), ROOT / "README.md": highlights(found)}
    return {page: put(page.read_text(encoding="utf-8"), rows) for page, rows in made.items()}


def rewrite(folder: Path = RESULTS) -> None:
    """Writes the results of a folder into the pages that hold them."""
    for page, text in pages(folder).items():
        with atomic_write(page) as file:
            file.write(text)
