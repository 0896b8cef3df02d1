"""The report of a tagger: one page with its scores, its training, what it confuses, and its surest sentences."""

from collections import Counter
from pathlib import Path
from typing import Any

from lingon.core.counted import counted
from lingon.data.tag_schemes import spans_of
from lingon.engine.log import read_metrics
from lingon.metrics.metric_table import metric_rows
from lingon.metrics.scores import Scores
from lingon.pages.curves import curves
from lingon.pages.page import render
from lingon.pages.run_facts import run_facts
from lingon.tasks.classify.report_tables import by_class, confusion
from lingon.tasks.tag.held_out import HeldOut, Judged, mistakes

NOTHING = "(none)"  # where a span is missed, or predicted where none is
SHOWN = 8  # sentences of a group
NOTE = "Confidence is the mean probability of the tags."


def write_report(path: Path, held_out: HeldOut, run_folder: Path, run: dict[str, Any]) -> Path:
    """Write `report.html` for a tagger and the held-out sentences it was tested on.

    run: what run.json holds (arguments, data, metrics of the test, times).
    """
    data = run["data"].get("name")
    page = {
        "title": f"Tagging of {data}: {counted(len(held_out.tagger.tags), 'tag')}",
        "subtitle": f"{run['arguments'].get('model')} trained on {data}; "
        f"tested on {counted(len(held_out.sentences), 'held-out sentence')}.",
        "curves": curves({run_folder.name: read_metrics(run_folder)}),
        "facts": run_facts(run),
    }
    return render("report.html", path, page | sections(held_out, held_out.scores()))


def write_evaluation(path: Path, held_out: HeldOut, scores: Scores, name: str) -> Path:
    """Write the page of an evaluation. scores: those of the held-out sentences. name: of the model."""
    subtitle = f"Tested on {counted(len(held_out.sentences), 'sentence')}."
    page = {"title": f"{name}: {counted(len(held_out.tagger.tags), 'tag')}", "subtitle": subtitle}
    return render("report.html", path, page | sections(held_out, scores))


def sections(held_out: HeldOut, scores: Scores) -> dict[str, Any]:
    """Return what both pages show: metrics, what is confused, and the surest sentences."""
    tagger = held_out.tagger
    return {
        "headline": metric_rows(scores),
        **confused(held_out.judged, tagger.is_spans),
        "classes": by_class(next(iter(scores.tables.values()))),
        "noun": "spans" if tagger.is_spans else "words",
        "examples": [
            {
                "title": "Most confident and wrong",
                "note": f"{NOTE} Words with a wrong tag are red.",
                "shown": _shown(held_out, False),
            },
            {"title": "Most confident and right", "note": NOTE, "shown": _shown(held_out, True)},
        ],
    }


def confused(judged: list[Judged], spans: bool) -> dict[str, Any]:
    """Return the confusion table of tags; of spans, that of their types, of spans with the same words."""
    pairs: Counter[tuple[str, str]] = Counter()
    for one in judged:
        pairs.update(_span_pairs(one) if spans else zip(one.true.tags, one.tags, strict=True))
    names = sorted({name for pair in pairs for name in pair})
    matrix = [[pairs[true, said] for said in names] for true in names]
    return confusion(matrix, names)


def _span_pairs(one: Judged) -> list[tuple[str, str]]:
    true, said = ({(s.start, s.end): s.type for s in spans_of(tags)} for tags in (one.true.tags, one.tags))
    return [(true.get(place, NOTHING), said.get(place, NOTHING)) for place in true.keys() | said.keys()]


def _shown(held_out: HeldOut, right: bool) -> list[dict[str, Any]]:
    return [_example(one) for one in held_out.surest(right)[:SHOWN]]


def _example(one: Judged) -> dict[str, Any]:
    wrong, pieces = {*one.wrong}, []
    for i, (word, tag) in enumerate(zip(one.true.words, one.tags, strict=True)):
        pieces += [(f"{word}/{tag}" if tag != "O" else word, -1.0 if i in wrong else 0), (" ", 0)]
    predicted = mistakes(one) or (one.label if one.label is not None else "all right")
    return {"predicted": predicted, "how_sure": f"{one.sureness:.1%}", "label": "", "pieces": pieces, "scale": 0.6}
