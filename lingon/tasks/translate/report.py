"""The report of a translator: curves, scores by the length of the source, and translations beside their references."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lingon.core.counted import counted
from lingon.engine.log import read_metrics
from lingon.metrics.metric_table import metric_rows
from lingon.metrics.scores import Scores
from lingon.metrics.translation import corpus_bleu, corpus_chrf
from lingon.pages.curves import curves
from lingon.pages.page import render
from lingon.pages.run_facts import run_facts
from lingon.tasks.translate.translation import Translation

if TYPE_CHECKING:
    from lingon.data.parallel_texts import ParallelTexts

LENGTHS = ((1, 4), (5, 8), (9, 15), (16, 30), (31, None))  # words of the source
SHOWN = 8


def write_report(
    path: Path,
    tested: tuple[Scores, Sequence[Translation]],
    pairs: "ParallelTexts",
    run_folder: Path,
    run: dict[str, Any],
) -> Path:
    """Write `report.html` of the test pairs, their scores and translations. run: what run.json holds."""
    name, model = run["data"].get("name"), run["arguments"].get("model")
    page = {
        "title": f"Translation: {name}",
        "subtitle": f"{model} trained on {name}; tested on {counted(len(pairs), 'pair')}.",
        "curves": curves({run_folder.name: read_metrics(run_folder)}),
        "facts": run_facts(run),
    }
    return render("report.html", path, page | sections(*tested, pairs))


def write_evaluation(
    path: Path, tested: tuple[Scores, Sequence[Translation]], pairs: "ParallelTexts", name: str
) -> Path:
    """Write the page of an evaluation: scores and translations. name: of the model."""
    page = {"title": f"{name}: translation", "subtitle": f"Tested on {counted(len(pairs), 'pair')}."}
    return render("report.html", path, page | sections(*tested, pairs))


def sections(scores: Scores, found: Sequence[Translation], pairs: "ParallelTexts") -> dict[str, Any]:
    """Return what both pages show: metrics, scores by length, and translations beside their references."""
    return {
        "headline": metric_rows(scores),
        "sections": [_by_length(found, pairs)],
        "examples": _examples(found, pairs),
    }


def _by_length(found: Sequence[Translation], pairs: "ParallelTexts") -> dict[str, Any]:
    rows = []
    for low, high in LENGTHS:
        places = [i for i, text in enumerate(pairs.sources) if low <= len(text.split()) <= (high or len(text))]
        if not places:
            continue
        texts, references = [found[i].translation for i in places], [pairs.targets[i] for i in places]
        bleu, chrf = corpus_bleu(texts, references, pairs.languages[1]).value, corpus_chrf(texts, references).value
        words = f"{low} and more words" if high is None else f"{low} to {high} words"
        rows.append((words, f"BLEU {bleu:.2f}, chrF++ {chrf:.2f}, {counted(len(places), 'pair')}"))
    return {"title": "Scores by length of the source", "note": "Words are separated by white space.", "rows": rows}


def _examples(found: Sequence[Translation], pairs: "ParallelTexts") -> list[dict[str, Any]]:
    """Return translations as they come, those that are least like their reference, and those cut at their limit."""
    likeness = [
        corpus_chrf([one.translation], [target]).value for one, target in zip(found, pairs.targets, strict=True)
    ]
    every = range(0, len(found), max(1, len(found) // SHOWN))[:SHOWN]
    least = sorted(range(len(found)), key=likeness.__getitem__)[:SHOWN]
    cut = [i for i, one in enumerate(found) if not one.ended][:SHOWN]
    groups = [
        ("As they come", "One from each of eight parts of the test.", every),
        ("Most different from their reference", "Good translations may be among them: most texts have several.", least),
        ("Truncated translations", "The model reached the length limit.", cut),
    ]
    shown = lambda i: {
        "predicted": found[i].translation,
        "how_sure": f"chrF++ {likeness[i]:.0f}",
        "label_is": "the reference is",
        "label": pairs[i].target,
        "pieces": [(pairs[i].source, 0.0)],
    }
    return [{"title": title, "note": note, "shown": [*map(shown, of)]} for title, note, of in groups if of]
