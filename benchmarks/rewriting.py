"""Rewriting film reviews in the other sentiment: style, content and fluency of four systems, beside baselines."""

import csv
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import lingon
from benchmarks.context import Context
from benchmarks.result import Result, Row, in_minutes, score
from lingon.data.examples import Examples
from lingon.data.load_data import load_data
from lingon.data.split import stratified_split, without_duplicates
from lingon.tasks.rewrite import Rewriter
from lingon.tasks.rewrite.examples import Shown, of_all_systems
from lingon.tasks.rewrite.rewriting import SYSTEMS
from lingon.tasks.rewrite.scoring import COPY, Judges, harmonic_mean
from lingon.tasks.rewrite.spelling import words_of

CORPUS, MORE = "rotten-tomatoes", "imdb"
SHORTEST, LONGEST = 5, 20  # words of a sentence
SENTENCES = 12_000  # of the reviews, that the rewriter is trained on beside those of the corpus
SURE = 0.8  # probability, by a classifier of the rewriter's own part, that a sentence has the label of its review
TESTED = 800  # sentences that are rewritten
EXAMPLES = 20  # that the result shows, of the best, the worst, and taken evenly
SETTINGS = {"threshold": 5.0, "max_length": LONGEST, "judge_share": 0.05, "lr": 3e-3}
EPOCHS = 6.0
COLUMNS = {"text": ["text"], "label": "label"}
LANGUAGE = {"width": 192, "depth": 1}  # of the LSTM that says how fluent sentences are
ENCODER = "minilm-l6"
MINUTES = 20.0


def compare(context: Context) -> Iterator[Result]:
    """One result: a rewriter judged by a classifier, a language model and vectors that never saw its sentences."""
    begun = time.perf_counter()
    parts = _parts(context)
    rewriter = _rewriter(parts, context)
    trained = time.perf_counter()
    judges = _judges(parts, context)
    judged = time.perf_counter()
    test = parts["test"]
    scores, found = rewriter.tested(test, judges)
    table = scores.tables["by_system"]
    seconds = {"rewriter": trained - begun, "judges": judged - trained, "test": time.perf_counter() - judged}
    rows = of_all_systems(judges.classifier, rewriter.judged_inputs(test.texts), found, "delete-retrieve")
    details = {
        "by_system": table,
        "signatures": scores.signatures,
        "sentences": {name: len(part) for name, part in parts.items()},
        "judge_accuracy": _accuracy(judges.classifier, Examples(rewriter.judged_inputs(test.texts), test.labels)),
        "seconds": seconds,
        "settings": SETTINGS,
        "examples": {name: [one.row() for one in some] for name, some in chosen_examples(rows).items()},
    }
    time_of = in_minutes("training, judges and test of that", sum(seconds.values()), MINUTES)
    yield Result("rewriting", [*_rows(table), *time_of], details)


def _rows(table: Mapping[str, Mapping[str, float]]) -> list[Row]:
    """Return what is kept beside what is changed: the best of our systems beside both baselines, by two measures."""
    measures = {
        "BLEU": {name: harmonic_mean(row["style_accuracy"], row["bleu"] / 100) for name, row in table.items()},
        "cosine": {name: harmonic_mean(row["style_accuracy"], row["similarity"]) for name, row in table.items()},
    }
    return [_row(kind, of) for kind, of in measures.items()]


def _row(kind: str, of: Mapping[str, float]) -> Row:
    best = max((name for name in SYSTEMS if name != "retrieve"), key=of.__getitem__)
    peers = {"the input copied": [of[COPY]], "retrieve only": [of["retrieve"]]}
    bar = max(peers, key=lambda name: peers[name][0])
    what = f"rewriting film reviews, harmonic mean of style accuracy and {kind} to the input, best system: {best}"
    return score(what, [of[best]], peers, bar)


def _parts(context: Context) -> dict[str, Examples]:
    """Return sentences for the rewriter, its validation and test, and others for the judges: no text is in two."""
    corpus, reviews = load_data(CORPUS), load_data(MORE)
    some = slice(None, None, context.size(1, 40))
    own, judge = stratified_split(_short(corpus.train)[:: context.size(1, 20)], 0.5, 0, "judges")
    rewriter, others = (_sentences(part[some]) for part in (reviews.train, reviews.test))
    sure = _sure(own, rewriter, context)
    everything = without_duplicates(own + _some(sure, context.size(SENTENCES, 400)))
    return {
        "rewriter": everything,
        "valid": _short(corpus.valid)[: context.size(10_000, 60)],
        "test": _short(corpus.test)[: context.size(TESTED, 30)],
        "judges": judge,
        "language model": judge + _some(others, context.size(SENTENCES, 200)),
    }


def _some(examples: Examples, n: int) -> Examples:
    """Return up to n of the examples, as many of each label, taken evenly."""
    rows: list[int] = []
    for label in sorted(set(examples.labels)):
        own = [i for i, other in enumerate(examples.labels) if other == label]
        rows += own[:: max(1, len(own) * 2 // n)][: n // 2]
    return examples[sorted(rows)]


def _short(examples: Examples) -> Examples:
    """Return the sentences of the right length."""
    lengths = [len(words_of(text)) for text in examples.texts]
    return examples[[i for i, length in enumerate(lengths) if SHORTEST <= length <= LONGEST]]


def _sentences(reviews: Examples) -> Examples:
    """Return the sentences of reviews, each with the label of its review, spelt as those of the corpus are."""
    found = Examples([], [])
    for text, label in zip(reviews.texts, reviews.labels, strict=True):
        for part in re.split(r"(?<=[.!?])\s+|<br />", text):
            found.texts.append(" ".join(words_of(part.lower())))
            found.labels.append(label)
    return _short(found)


def _sure(own: Examples, sentences: Examples, context: Context) -> Examples:
    """Return the sentences that a classifier of the rewriter's part of the corpus gives the label of their review."""
    train, valid = stratified_split(own, 0.1, 0, "sure")
    files = {name: _file(context.folder / f"sure-{name}.csv", part) for name, part in (("train", train), ("v", valid))}
    given = {**COLUMNS, "valid": files["v"], "test": files["v"]}
    classifier = lingon.train("classify", files["train"], out=str(context.folder / "sure"), settings=given)
    found = classifier.predict(sentences.texts)
    pairs = zip(found, sentences.labels, strict=True)
    return sentences[[i for i, (one, label) in enumerate(pairs) if one.probabilities[label] >= SURE]]


def _rewriter(parts: Mapping[str, Examples], context: Context) -> Rewriter:
    files = {name: _file(context.folder / f"{name}.csv", parts[name]) for name in ("rewriter", "valid", "test")}
    given = {**SETTINGS, **COLUMNS, "valid": files["valid"], "test": files["test"]}
    given |= {"steps": 3, "evals": 1, "width": 32} if context.quick else {}
    return lingon.train(
        "rewrite",
        files["rewriter"],
        epochs=None if context.quick else EPOCHS,
        out=str(context.folder / "rewrite"),
        settings=given,
    )


def _judges(parts: Mapping[str, Examples], context: Context) -> Judges:
    """Return judges of their own sentences: an encoder that is tuned to tell the styles, an LSTM, and vectors."""
    train, valid = stratified_split(parts["judges"], 0.1, 0, "judge")
    files = {name: _file(context.folder / f"judge-{name}.csv", part) for name, part in (("train", train), ("v", valid))}
    given: dict[str, Any] = {**COLUMNS, "valid": files["v"], "test": files["v"]} | (
        {"steps": 2} if context.quick else {}
    )
    out = str(context.folder / "judge")
    classifier = lingon.train("classify", files["train"], from_=ENCODER, out=out, settings=given)
    texts = _file(context.folder / "language.csv", parts["language model"])
    given = {"text": ["text"], **LANGUAGE, **({"width": 32, "steps": 2, "vocab": 400} if context.quick else {})}
    out = str(context.folder / "language")
    language = lingon.train("language-model", texts, model="lstm", out=out, settings=given)
    return Judges(classifier, language, lingon.load(ENCODER))


def _file(path: Path, examples: Examples) -> str:
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label"])
        writer.writerows(zip(examples.texts, examples.labels, strict=True))
    return str(path)


def _accuracy(classifier: Any, examples: Examples) -> float:
    """Return how often the judge is right on sentences that people wrote."""
    found = classifier.predict(examples.texts)
    return sum(one.label == label for one, label in zip(found, examples.labels, strict=True)) / len(examples)


def chosen_examples(rows: Sequence[Shown]) -> dict[str, list[Shown]]:
    """Return the best, the worst, and sentences taken evenly, as they are."""
    order = sorted(rows, key=lambda one: (one.by_system["delete-retrieve"][1], one.kept), reverse=True)
    even = rows[:: max(1, len(rows) // EXAMPLES)][:EXAMPLES]
    return {"best": order[:EXAMPLES], "worst": order[-EXAMPLES:], "taken evenly": list(even)}
