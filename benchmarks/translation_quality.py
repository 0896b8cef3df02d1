"""English into German, trained on Tatoeba: BLEU and chrF of our models, beside JoeyNMT trained for as many seconds."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

import lingon
from benchmarks.context import Context
from benchmarks.machine import THREADS
from benchmarks.result import Result, Row, in_minutes, score
from benchmarks.seq2seq_training import PEERS, SIZES
from benchmarks.worker import Worker, exchange
from lingon.data.load_parallel import load_parallel, load_parallel_splits
from lingon.data.parallel_texts import ParallelTexts
from lingon.engine.log import read_metrics
from lingon.metrics.translation import translation_scores
from lingon.tasks.translate import TranslationParams, Translator

CORPUS, BEAMS, PENALTY, SEED = "tatoeba-de", 4, 0.6, 0
ELSEWHERE = {"pud-en-de": "news and Wikipedia", "ntrex-de": "news"}  # out of the domain of Tatoeba's short sentences
PEER = "JoeyNMT"


@dataclass(frozen=True)
class Case:
    """How a model is trained beside the defaults, the most minutes of it, and whether the peer is trained as long.

    Beside the peer only held-out pairs are translated: its search recomputes the whole prefix at each step, which takes
    hours for long sentences.
    """

    settings: Mapping[str, Any]
    minutes: float
    beside_peer: bool = False


CASES = {
    "transformer": Case({"model": "transformer", "precision": "bfloat16"}, 60.0),
    # Half of the default epochs, so that both trainings and the peer's search take about an hour.
    "transformer-three-epochs": Case({"model": "transformer", "precision": "bfloat16", "epochs": 3}, 60.0, True),
    "attention-rnn": Case({"model": "attention_rnn", "precision": "bfloat16"}, 45.0),
}


def compare(context: Context) -> Iterator[Result]:
    """One result per model: its scores on held-out sentences of Tatoeba, and on sentences of other kinds."""
    for name, case in CASES.items():
        if context.wants(named(name)):
            out = context.folder / name
            quick = {"steps": 2, "evals": 1, "width": 32, "depth": 1, "vocab": 400} if context.quick else {}
            asked = {"task": "translate", "source": {"data": CORPUS}, "threads": THREADS, "out": str(out)}
            with Worker("train_task") as worker:
                worker.ask("run", asked | {"settings": {**case.settings, "seed": SEED, **quick}})
            yield result_of(name, out, context)


def named(model: str) -> str:
    """The name of a model's result."""
    return f"translation-quality-{model}"


def result_of(name: str, out: Path, context: Context) -> Result:
    """Return the rows of a finished run in the folder `out`, after the peer was trained where it is wanted."""
    case = CASES[name]
    torch.set_num_threads(THREADS)
    translator = lingon.load(out)
    assert isinstance(translator, Translator)
    seconds = read_metrics(out)[-1]["time"]  # of all its processes, where it was resumed
    found: dict[str, Any] = {}
    for corpus in (CORPUS, *(() if case.beside_peer else ELSEWHERE)):
        test = load_parallel(corpus)[: context.size(10_000, 10)]
        scores = translator.evaluate(test, TranslationParams(beams=BEAMS, length_penalty=PENALTY))
        found[corpus] = {key: scores.row()[key] for key in ("bleu", "chrf", "signatures")}
    peer = _peer(translator, seconds, context) if case.beside_peer else None
    details = {
        "settings": {**case.settings, "seed": SEED},
        "seconds": seconds,
        "decoding": {"beams": BEAMS, "length_penalty": PENALTY},
        "scores": found,
        "peer": peer,
    }
    rows = [*_rows(name, found, peer and peer["scores"])]
    rows += in_minutes(f"training the {name} of that", seconds, case.minutes)
    return Result(named(name), rows, details, peer["versions"] if peer else {})


def _rows(name: str, found: Mapping[str, Any], peer: Mapping[str, Any] | None) -> Iterator[Row]:
    """Yield a row for each corpus and score; the bar is the peer on held-out pairs, where there is one."""
    for corpus, scores in found.items():
        where = f"{ELSEWHERE[corpus]}, unlike its training" if corpus in ELSEWHERE else "held out"
        for key, said in {"bleu": "BLEU", "chrf": "chrF++"}.items():
            theirs: dict[str, Sequence[float]] = {PEER: [peer[key]]} if peer and corpus == CORPUS else {}
            bar = PEER if theirs else None
            yield score(f"{name} from English to German, {corpus} ({where}): {said}", [scores[key]], theirs, bar)


def _peer(translator: Translator, seconds: float, context: Context) -> dict[str, Any]:
    """Return what the peer reaches in as many seconds on the same subwords: scores on held-out pairs, steps."""
    splits = load_parallel_splits(CORPUS)
    train = splits.train[: context.size(len(splits.train), 300)]
    special = {"pad": translator.model.pad_id, "end": translator.model.eos_id}
    data = {"vocab_size": len(translator.target.vocab), **special, **_ids(translator, train)}
    test = splits.test[: context.size(len(splits.test), 10)]
    program, environment = PEERS["joeynmt"]
    settings = {"max_tokens": 4_096, "lr": 1e-3, "label_smoothing": 0.1, "threads": THREADS, "sizes": SIZES}
    with Worker(program, environment) as worker:
        started = worker.ask("start", settings | {"data": exchange(context.folder, "pairs", data)})
        trained = worker.ask("train", {"seconds": seconds if not context.quick else 5.0})
        given = {"sources": _ids(translator, test)["sources"], "beams": BEAMS, "alpha": PENALTY}
        ids = worker.ask("translate", {"given": exchange(context.folder, "sources", given)})["ids"]
    texts = [translator.text_of(row) for row in ids]
    found = translation_scores(texts, test.targets, language=test.languages[1])
    scores = {key: found[key] for key in ("bleu", "chrf")}
    return {"scores": scores, "versions": started["versions"], "trained": trained, "settings": settings}


def _ids(translator: Translator, pairs: ParallelTexts) -> dict[str, Sequence[Sequence[int]]]:
    return {
        "sources": translator.source.encode_batch([*pairs.sources]),
        "targets": translator.target.encode_batch([*pairs.targets]),
    }
