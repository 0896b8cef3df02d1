"""Search on Cranfield: BM25 beside bm25s, vectors of MiniLM, and both; on the queries that nothing was chosen on."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

import lingon
from benchmarks.context import Context
from benchmarks.machine import versions
from benchmarks.measure import Spread
from benchmarks.result import Peer, Result, Row
from lingon.data.corpora.retrieval import Collection, load_collection
from lingon.data.files.table_writer import table_writer
from lingon.metrics.retrieval import evaluate_rankings
from lingon.search import Index, ReadSettings
from lingon.search.bm25 import K1, B
from lingon.search.fusion import DEPTH, RRF_K
from lingon.search.terms import terms_of

ENCODER, TOP = "minilm-l6", 1000
SAME = 1e-5  # by which our BM25 may differ from bm25s
Scored = Mapping[str, float]  # by metric
METRICS = {"ndcg_at_10": "nDCG@10", "map": "MAP"}


def compare(context: Context) -> Iterator[Result]:
    """One result: nDCG@10 and MAP of each way to search, and how far our BM25 is from bm25s."""
    found = load_collection("cranfield")
    # The fusion was chosen on the other half (docs/decisions/012-search.md).
    asked = dict(list(found.queries.items())[1 :: 20 if context.quick else 2])
    index = _indexed(found, context)
    modes = {mode: _scores(index, asked, found, mode) for mode in ("bm25", "vectors", "hybrid")}
    theirs, apart = _bm25s(index, asked, found)
    rows = [row for metric in METRICS for row in _rows(metric, modes, theirs, apart)]
    details = {
        "queries": len(asked),
        "documents": len(index),
        "settings": {"k1": K1, "b": B, "rrf_k": RRF_K, "depth": DEPTH, "encoder": ENCODER},
        "scores": {**modes, "bm25s": theirs},
        "largest_difference_from_bm25s": apart,
    }
    yield Result("cranfield", rows, details, versions("bm25s"))


def _indexed(found: Collection, context: Context) -> Index:
    path = context.folder / "cranfield.jsonl"
    with table_writer(path) as write:
        # Two of the 1,400 are empty; no search finds them.
        filled = [d for d in found.documents if d.text or d.title]
        write([{"title": d.title, "text": d.text or d.title, "number": d.number} for d in filled])
    # A document is one passage, as its judgements are.
    settings = ReadSettings(passage_tokens=10_000, passage_overlap=0, text="text")
    return Index.build(path, context.folder / "index", lingon.load(ENCODER), ENCODER, settings)


def _scores(index: Index, asked: Mapping[str, str], found: Collection, mode: str) -> dict[str, float]:
    rankings = {
        number: [hit.passage.fields["number"] for hit in index.search(query, TOP, mode)]
        for number, query in asked.items()
    }
    return _scored(rankings, asked, found)


def _scored(rankings: Mapping[str, Sequence[str]], asked: Mapping[str, str], found: Collection) -> dict[str, float]:
    return dict(evaluate_rankings(rankings, {number: found.judgements[number] for number in asked}))


def _bm25s(index: Index, asked: Mapping[str, str], found: Collection) -> tuple[dict[str, float], float]:
    """Return the scores of bm25s over the same terms, and the largest difference of a document's score from ours."""
    import bm25s

    theirs = bm25s.BM25(k1=K1, b=B, method="lucene")
    theirs.index([terms_of(index.passage(row).full_text()) for row in range(len(index))], show_progress=False)
    apart, rankings = 0.0, {}
    for number, query in asked.items():
        terms = [term for term in terms_of(query) if term in index.bm25.terms]
        scores = theirs.get_scores(terms)
        apart = max(apart, float(np.abs(scores - index.bm25.scores(terms)).max()))
        best = [row for row in np.argsort(-scores, kind="stable")[:TOP] if scores[row] > 0]
        rankings[number] = [index.passage(int(row)).fields["number"] for row in best]
    return _scored(rankings, asked, found), apart


def _rows(
    metric: str, modes: Mapping[str, Mapping[str, float]], theirs: Mapping[str, float], apart: float
) -> list[Row]:
    words, near, both = (modes[mode][metric] for mode in ("bm25", "vectors", "hybrid"))
    name = f"Cranfield, {METRICS[metric]}"

    def peer(name: str, value: float) -> Peer:
        return Peer(name, Spread.of([value]))

    return [
        Row(
            f"{name}: BM25",
            "score",
            Spread.of([words]),
            [peer("bm25s", theirs[metric])],
            None,
            f"each score of bm25s to {SAME:g}",
            apart <= SAME,
        ),
        Row(f"{name}: vectors of {ENCODER}", "score", Spread.of([near])),
        Row(
            f"{name}: hybrid",
            "score",
            Spread.of([both]),
            [peer("BM25", words), peer("vectors", near)],
            None,
            "above both",
            both > max(words, near),
        ),
    ]
