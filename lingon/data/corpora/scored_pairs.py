"""Corpora of text pairs with similarity scores. To add one, add a row and its parser."""

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lingon.core.errors import DataError, unknown
from lingon.core.files import read_bytes
from lingon.data.fetch import fetch
from lingon.data.sources import RepositoryFiles, Source
from lingon.data.text_pairs import PairSplits, ScoredPairs

MOST_BYTES = 1 << 28  # of one file
PARTS = {"train": "train", "valid": "dev", "test": "test"}  # our names of splits, and those in file names
STSB_FILES = RepositoryFiles(
    "PhilipMay/stsb-multi-mt",
    "30de0dec4ee199b7f42351d3f1a0b19592955385",
    (
        ("data/stsb-en-train.csv", 708_863, "e1e84fec60bbb598735552f54a35f4949904a484750fd2cb11e2720e49f63da6"),
        ("data/stsb-en-dev.csv", 204_675, "d29586e96558c4eb52cf5ea5d14e9c24d3bf0e44f111b017caba43a5adc33226"),
        ("data/stsb-en-test.csv", 158_891, "11523b625219e94e9ca05d2816b5f02cac1614c5894fe657376fa0806378d053"),
    ),
)


@dataclass(frozen=True)
class PairCorpus:
    """Pairs of texts with scores; `parse` returns those of each published split. highest: the score of equal texts."""

    name: str
    summary: str
    source: Source
    licence: str
    parse: Callable[[Path], dict[str, ScoredPairs]]
    highest: float


def stsb(folder: Path) -> dict[str, ScoredPairs]:
    """Return the STS benchmark (Cer et al. 2017): two sentences and their similarity as rated by people, 0 to 5."""
    return {part: _rows(folder / "data" / f"stsb-en-{theirs}.csv") for part, theirs in PARTS.items()}


def load_scored_pairs(name: str) -> PairSplits:
    """Return a corpus of pairs, downloaded if it is not in the cache. Raises UserError for an unknown name."""
    if name not in SCORED_PAIRS:
        raise unknown("corpus of pairs", name, SCORED_PAIRS)
    row = SCORED_PAIRS[name]
    parts = row.parse(fetch(row.source, name))
    source = {"name": name, **row.source.provenance(), "licence": row.licence}
    source |= {part: len(pairs) for part, pairs in parts.items()}
    return PairSplits(parts["train"], parts["valid"], parts["test"], name, source)


def _rows(file: Path) -> ScoredPairs:
    """Return the pairs of a table without a header: first text, second text, score."""
    try:
        rows = list(csv.reader(io.StringIO(read_bytes(file, MOST_BYTES).decode("utf-8"), newline="")))
        first, second, scores = zip(*((a.strip(), b.strip(), float(score)) for a, b, score in rows), strict=True)
    except (UnicodeDecodeError, csv.Error, ValueError) as error:
        raise DataError(f"{file}: not a table of two texts and a score ({error})") from None
    return ScoredPairs(list(first), list(second), list(scores))


SCORED_PAIRS = {
    row.name: row
    for row in [
        PairCorpus(
            "stsb",
            "pairs of sentences, how alike from 0 to 5",
            STSB_FILES,
            "CC BY-SA 4.0 for most parts",
            stsb,
            5.0,
        )
    ]
}
