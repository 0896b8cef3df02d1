"""How long a search over 100,000 passages takes once the query is encoded: by words, by vectors, and by both."""

import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

import lingon
from benchmarks.context import Context
from benchmarks.machine import versions
from benchmarks.measure import Spread
from benchmarks.result import Result, Row
from lingon.core.files import cache_dir
from lingon.data.corpora import load_corpus
from lingon.data.files.table_writer import table_writer
from lingon.search import Index, ReadSettings
from lingon.search.passages import cut
from lingon.search.vectors import PROBES, exact, unit_rows

# A table of vectors of tokens, width 256: to encode 100,000 passages with MiniLM takes two cores half an hour.
ENCODER, CORPUS, WIDE = "wordllama", "imdb", 384
PASSAGES, QUERIES, ROUNDS, TOP, BAR = 100_000, 300, 3, 10, 20.0
TOKENS = 24  # of a passage: a sentence or two


def compare(context: Context) -> Iterator[Result]:
    """One result: the time that 19 of 20 searches need at most, and what an inverted file finds of the nearest."""
    count = context.size(PASSAGES, 1000)
    folder = context.folder if context.quick else cache_dir() / "benchmarks" / "search-speed"
    begun = time.perf_counter()
    index = _indexed(count, folder)
    built = time.perf_counter() - begun
    queries = _queries(context.size(QUERIES, 20))
    vectors = lingon.load(ENCODER).encode(queries)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    asked = list(zip(queries, vectors, strict=True))
    opening = _opening(folder / "index")
    plain = Index.open(folder / "index")
    plain.approximate = False
    kinds: dict[str, Callable[[str, np.ndarray], Any]] = {
        "BM25": lambda query, vector: index.search(query, TOP, "bm25"),
        "vectors, exact": lambda query, vector: plain.search_vector(query, vector, TOP, "vectors"),
        "vectors, inverted file": lambda query, vector: index.search_vector(query, vector, TOP, "vectors"),
        "hybrid, exact": lambda query, vector: plain.search_vector(query, vector, TOP, "hybrid"),
        "hybrid, inverted file": lambda query, vector: index.search_vector(query, vector, TOP, "hybrid"),
    }
    rounds = range(context.size(ROUNDS, 1))
    times = {name: [_milliseconds(search, asked) for _ in rounds] for name, search in kinds.items()}
    times[f"vectors, exact, width {WIDE} (random vectors)"] = [_wide(len(index), len(asked)) for _ in rounds]
    rows = [_row(f"search over {len(index):,} passages: {name}", found) for name, found in times.items()]
    details = {
        "passages": f"{CORPUS}, cut into passages of up to {TOKENS} tokens, all different",
        "queries": f"{len(queries)} times six words in a row of {CORPUS}'s test texts, which are not indexed",
        "encoder": ENCODER,
        "width": int(vectors.shape[1]),
        "recall_at_10_of_the_inverted_file": _recall(index, vectors),
        "lists": len(index._inverted.means),
        "probes": PROBES,
        "milliseconds": times,
        "seconds_to_open_and_check": opening,
        "seconds_to_index_this_time": built,
    }
    yield Result("search-speed", rows, details, versions("faiss-cpu"))


def _indexed(count: int, folder: Path) -> Index:
    path = folder / "passages.jsonl"
    folder.mkdir(parents=True, exist_ok=True)
    texts: dict[str, None] = {}
    for review in load_corpus(CORPUS).train.texts:
        texts.update(dict.fromkeys(review[span.start : span.end] for span in cut(review, TOKENS, 0)))
        if len(texts) >= count:
            break
    with table_writer(path) as write:
        write([{"text": text} for text in list(texts)[:count]])
    settings = ReadSettings(text="text")
    return Index.build(path, folder / "index", lingon.load(ENCODER), ENCODER, settings, approximate=True)


def _queries(count: int) -> list[str]:
    draw, found = random.Random(0), []
    for text in load_corpus(CORPUS).test.texts[:count]:
        words = text.split()
        start = draw.randrange(max(1, len(words) - 6))
        found.append(" ".join(words[start : start + 6]))
    return found


def _opening(folder: Path) -> float:
    begun = time.perf_counter()
    Index.open(folder)
    return time.perf_counter() - begun


def _milliseconds(search: Callable[[str, np.ndarray], Any], asked: list[tuple[str, np.ndarray]]) -> dict[str, float]:
    search(*asked[0])  # what is opened at the first search is not part of any
    found = []
    for query, vector in asked:
        begun = time.perf_counter()
        search(query, vector)
        found.append(1000 * (time.perf_counter() - begun))
    return {f"p{part}": float(np.percentile(found, part)) for part in (50, 95, 99)}


def _wide(count: int, queries: int) -> dict[str, float]:
    """Time exact search in vectors as wide as MiniLM's, of which it only matters how many numbers they have."""
    draw = np.random.default_rng(0)
    unit = unit_rows(draw.standard_normal((count, WIDE), np.float32), "random")
    return _milliseconds(lambda _, vector: exact(unit, vector, TOP), [("", unit[i]) for i in range(queries)])


def _row(what: str, turns: list[dict[str, float]]) -> Row:
    slowest = Spread.of([turn["p95"] for turn in turns])
    return Row(f"{what}, p95 after encoding", "ms", slowest, bar=f"≤ {BAR:g} ms", reached=slowest.median <= BAR)


def _recall(index: Index, vectors: np.ndarray) -> float:
    assert index.vectors is not None
    hits = [
        len(set(index._inverted.search(vector, TOP).rows) & set(exact(index.vectors, vector, TOP).rows))
        for vector in vectors
    ]
    return sum(hits) / (TOP * len(vectors))
