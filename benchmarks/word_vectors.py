"""Training word vectors on ten million words, against gensim's compiled path and fastText: speed, memory, quality."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.context import Context
from benchmarks.machine import THREADS
from benchmarks.measure import Pairs, Spread, paired
from benchmarks.result import Peer, Result, Row, score, speed
from benchmarks.worker import Worker
from lingon.data.files.text_stream import group_by_size
from lingon.data.running_text import read_running_lines
from lingon.data.word_id_file import LETTERS, lower_case_words
from lingon.word_vectors.queries import WordVectors
from lingon.word_vectors.queries.evaluate import STANDARD, evaluate

CORPORA = ("wiki", "sotu", "brown", "austen", "imdb")
EPOCHS = 5


@dataclass(frozen=True)
class Method:
    """What is trained, with our settings and the peer's. timed: the ability of both workers whose time counts."""

    what: str
    settings: dict[str, Any]
    program: str
    peer: str
    peer_settings: dict[str, Any]
    timed: str
    bar: float


METHODS = {
    "skipgram": Method("skip-gram", {"method": "skipgram"}, "gensim_words", "gensim", {"skipgram": True}, "run", 3),
    "cbow": Method("CBOW", {"method": "cbow"}, "gensim_words", "gensim", {"skipgram": False}, "run", 3),
    "subwords": Method(
        "skip-gram with parts of words", {"subwords": True, "lr": 0.05}, "fasttext_words", "fasttext", {}, "whole", 2
    ),
}


def compare(context: Context) -> Iterator[Result]:
    """Skip-gram and CBOW beside gensim 4.4, parts of words beside fastText: a pair of runs for each seed."""
    corpus, small = context.folder / "corpus.txt", context.folder / "small.txt"
    write(corpus, context.size(1 << 40, 20_000))
    write(small, 2000)
    for name, method in METHODS.items():
        if context.wants(f"word-vectors-{name}"):
            yield _compared(context, f"word-vectors-{name}", method, corpus, small)


def write(path: Path, lines: int) -> None:
    """All corpora as words with spaces between them."""
    with open(path, "w", encoding="utf-8") as file:
        for batch in group_by_size(islice(read_running_lines(CORPORA if lines > 2000 else ["brown"]), lines), LETTERS):
            file.writelines(" ".join(row) + "\n" for row in lower_case_words(batch) if row)


def _compared(context: Context, name: str, method: Method, corpus: Path, small: Path) -> Result:
    common = {"corpus": str(corpus), "threads": THREADS, "epochs": EPOCHS}
    own = common | {"small": str(small), "folder": str(context.folder)} | method.settings
    ours, theirs = [], []

    def turn(done: list[dict[str, Any]], program: str, peer: str | None, settings: dict[str, Any]) -> float:
        done.append(_trained(context.folder, method.timed, program, peer, settings, len(done)))
        return done[-1]["seconds"]

    pairs = paired(
        lambda: turn(ours, "lingon_words", None, own),
        lambda: turn(theirs, method.program, method.peer, common | method.peer_settings),
        len(context.seeds),
        0,
    )
    versions = theirs[0]["versions"]
    peer = f"{method.peer} {versions[method.peer]}"
    return Result(name, list(_rows(method, peer, pairs, ours, theirs)), {"ours": ours, "theirs": theirs}, versions)


def _trained(folder: Path, timed: str, program: str, peer: str | None, settings: dict, seed: int) -> dict[str, Any]:
    """One training by a process of its own: seconds, the most memory it held, words, scores of its vectors."""
    path = folder / f"vectors.{'vec' if program == 'fasttext_words' else 'bin'}"
    with Worker(program, peer) as worker:
        known = worker.ask("start", settings | {"seed": seed})
        if timed == "run":
            known |= worker.ask("prepare")
        known |= worker.ask(timed)
        worker.ask("save", {"path": str(path)})
    vectors = WordVectors.open(path)
    return known | {"seed": seed, "scores": {test: evaluate(vectors, test) for test in STANDARD}}


def _rows(method: Method, peer: str, pairs: Pairs, ours: list[dict], theirs: list[dict]) -> Iterator[Row]:
    words = ours[0]["words"]
    what = f"{method.what}, {words:,} words, {EPOCHS} times, 100 wide, window 5, 5 samples"
    yield speed(what, "words/s", EPOCHS * words, pairs, peer, method.bar)
    if all(run["peak"] for run in [*ours, *theirs]):  # not every system says it
        held, needed = (Spread.of([run["peak"] / 1e6 for run in side]) for side in (ours, theirs))
        most = f"the most memory of that, {method.what}"
        yield Row(most, "MB", held, [Peer(peer, needed)], None, f"≤ {method.peer}", held.median <= needed.median)
    for test in STANDARD:
        mine, other = ([_score(run["scores"][test]) for run in side] for side in (ours, theirs))
        noise = max(max(side) - min(side) for side in (mine, other))
        row = score(f"{test} of those vectors, {method.what}, {len(mine)} seeds", mine, {peer: other})
        bar = f"not below {method.peer} by more than seeds differ"
        yield replace(row, bar=bar, reached=median(mine) >= median(other) - noise)


def _score(found: dict[str, Any]) -> float:
    return found["spearman"] if "spearman" in found else found["accuracy"]
