"""Training word vectors on ten million words, against gensim's compiled path and fastText, speed and quality."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks.context import Context
from benchmarks.machine import THREADS
from benchmarks.measure import paired
from benchmarks.result import Result, speed
from benchmarks.worker import Worker
from lingon.data.id_file import batches, lower_case_words
from lingon.data.running_text import lines_of
from lingon.tasks.vectors import WordVectors
from lingon.tasks.vectors.evaluate import evaluate

CORPORA = ("wiki", "sotu", "brown", "austen", "imdb")
PAIRS, EPOCHS, EPOCHS_OF_PARTS = 2, 5, 1  # fastText takes a minute and more for an epoch


def compare(context: Context) -> Iterator[Result]:
    """Three results: skip-gram and CBOW against gensim 4.4, parts of words against fastText."""
    corpus, small = context.folder / "corpus.txt", context.folder / "small.txt"
    write(corpus, context.size(1 << 40, 20_000))
    write(small, 2000)
    for method in ("skipgram", "cbow"):
        if context.wants(f"word-vectors-{method}"):
            yield _gensim(context, method, corpus, small)
    if context.wants("word-vectors-subwords"):
        yield _fasttext(context, corpus, small)


def write(path: Path, lines: int) -> None:
    """All corpora as words with spaces between them."""
    with open(path, "w", encoding="utf-8") as file:
        for batch in batches(islice(lines_of(CORPORA if lines > 2000 else ["brown"]), lines)):
            file.writelines(" ".join(row) + "\n" for row in lower_case_words(batch) if row)


def _gensim(context: Context, method: str, corpus: Path, small: Path) -> Result:
    given = {"corpus": str(corpus), "small": str(small), "folder": str(context.folder), "method": method}
    with Worker("lingon_words") as ours, Worker("gensim_words", "gensim") as theirs:
        ours.ask("start", given | {"threads": THREADS, "epochs": EPOCHS})
        asked = {"corpus": str(corpus), "skipgram": method == "skipgram", "epochs": EPOCHS, "threads": THREADS}
        peer = theirs.ask("start", asked)
        counted: dict[str, Any] = {}

        def run(side: Worker) -> float:
            counted.update(side.ask("prepare") if side is ours else (side.ask("prepare") and {}))
            return side.seconds("run", {})

        pairs = paired(lambda: run(ours), lambda: run(theirs), min(PAIRS, context.pairs), 0)
        quality = _quality(context, ours, theirs)
    words = EPOCHS * counted["words"]
    what = f"{method} of {counted['words']:,} words, 100 wide, window 5, 5 samples"
    details = {"seconds": vars(pairs), "epochs": EPOCHS, "vocabulary": counted["vocabulary"], "quality": quality}
    return Result(
        f"word-vectors-{method}", [speed(what, "words/s", words, pairs, "gensim 4.4", 3)], details, peer["versions"]
    )


def _fasttext(context: Context, corpus: Path, small: Path) -> Result:
    given = {"corpus": str(corpus), "small": str(small), "folder": str(context.folder), "subwords": True, "lr": 0.05}
    with Worker("lingon_words") as ours, Worker("fasttext_words", "fasttext") as theirs:
        ours.ask("start", given | {"threads": THREADS, "epochs": EPOCHS_OF_PARTS})
        peer = theirs.ask("start", {"corpus": str(corpus), "epochs": EPOCHS_OF_PARTS, "threads": THREADS})
        pairs = paired(lambda: ours.seconds("whole", {}), lambda: theirs.seconds("whole", {}), 1, 0)
        quality = _quality(context, ours, theirs)
    words = EPOCHS_OF_PARTS * sum(len(line.split()) for line in open(corpus, encoding="utf-8"))
    row = speed(f"skip-gram with parts of words, {words:,} words", "words/s", words, pairs, "fastText 0.9", 2)
    return Result(
        "word-vectors-subwords",
        [row],
        {"seconds": vars(pairs), "epochs": EPOCHS_OF_PARTS, "quality": quality},
        peer["versions"],
    )


def _quality(context: Context, ours: Worker, theirs: Worker) -> dict[str, Any]:
    """Scores of both sides' last vectors on word pairs."""
    found: dict[str, Any] = {}
    for name, side in (("ours", ours), ("theirs", theirs)):
        path = context.folder / f"{name}.{'vec' if side.program == 'fasttext_words' else 'bin'}"
        side.ask("save", {"path": str(path)})
        vectors = WordVectors.open(path)
        for test in ("wordsim-353", "simlex-999"):
            found[f"{name} {test}"] = evaluate(vectors, test)
    return found
