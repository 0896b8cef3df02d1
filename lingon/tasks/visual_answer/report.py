"""The report of an answerer: scores by type of question and by answer, and the surest right and wrong answers."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lingon.core.counted import counted
from lingon.engine.log import read_metrics
from lingon.metrics.metric_table import metric_rows
from lingon.metrics.scores import Scores
from lingon.pages.curves import curves
from lingon.pages.page import render
from lingon.pages.run_facts import run_facts
from lingon.tasks.visual_answer.held_out import HeldOut, Judged
from lingon.tasks.visual_answer.page import shown_attention

SHOWN = 8
MOST_ROWS = 40  # of a table


def write_report(path: Path, held_out: HeldOut, run_folder: Path, run: dict[str, Any]) -> Path:
    """Write `report.html` of a run. run: what run.json holds (arguments, data, metrics of the test, times)."""
    data = run["data"].get("name")
    page = {
        "title": f"Questions on images: {data}",
        "subtitle": f"{run['arguments'].get('model')} trained on {data}; tested on {_counts(held_out)}.",
        "curves": curves({run_folder.name: read_metrics(run_folder)}),
        "facts": run_facts(run),
    }
    return render("image_questions_report.html", path, page | sections(held_out, held_out.scores()))


def write_evaluation(path: Path, held_out: HeldOut, name: str) -> Path:
    """Write an .html page of an evaluation. name: of the model."""
    page = {"title": f"{name}: questions on images", "subtitle": f"Tested on {_counts(held_out)}."}
    return render("image_questions_report.html", path, page | sections(held_out, held_out.scores()))


def sections(held_out: HeldOut, scores: Scores) -> dict[str, Any]:
    """Return what both pages show: metrics, tables, and the surest wrong and right answers."""
    groups = [
        ("Most confident and wrong", held_out.surest(False)),
        ("Most confident and right", _different(held_out.surest(True))),
    ]
    return {
        "headline": metric_rows(scores),
        "types": list(scores.tables["per_type"].items())[:MOST_ROWS],
        "answers": list(scores.tables["per_answer"].items())[:MOST_ROWS],
        "examples": [(title, _shown(held_out, some[:SHOWN])) for title, some in groups if some],
    }


def _counts(held_out: HeldOut) -> str:
    return f"{counted(len(held_out.data), 'question')} on {counted(len(held_out.data.names), 'image')}"


def _different(judged: Sequence[Judged]) -> list[Judged]:
    """Examples of different types of question and answers, in turn: the surest ones are often all alike."""
    seen: dict[tuple[str, str], Judged] = {}
    for one in judged:
        seen.setdefault((one.true.question_type, one.true.answer), one)
    return list(seen.values())


def _shown(held_out: HeldOut, judged: Sequence[Judged]) -> list[Mapping[str, Any]]:
    looks = shown_attention(held_out.answerer, [one.found for one in judged])
    return [
        {
            **look,
            "title": one.found.image,
            "answers": [(f"{one.found.probability:.1%}", one.found.answer_text)],
            "true": "" if one.right else one.true.answer,
            "unknown": ", ".join(one.found.unknown_words),
        }
        for one, look in zip(judged, looks, strict=True)
    ]
