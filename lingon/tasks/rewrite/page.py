"""The page of a rewriter: scores of all systems, the strongest markers, and sentences by all systems side by side."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lingon.core.counted import counted
from lingon.data.examples import Examples
from lingon.engine.log import read_metrics
from lingon.metrics.metric_table import format_metric, metric_name
from lingon.metrics.scores import Scores
from lingon.pages.curves import curves
from lingon.pages.page import render
from lingon.pages.run_facts import run_facts
from lingon.tasks.rewrite.examples import Shown, best_and_worst
from lingon.tasks.rewrite.rewriter import Rewriter
from lingon.tasks.rewrite.rewriting import Rewriting

MARKERS, SHOWN = 40, 12

Found = Mapping[str, Sequence[Rewriting]]


def write_page(path: Path, rewriter: Rewriter, examples: Examples, scores: Scores, found: Found, name: str) -> Path:
    """Write a page of sentences that all systems rewrote. name: of the model."""
    title = f"{name}: {counted(len(examples), 'sentence')} rewritten"
    return render("rewriting.html", path, {"title": title, **content_of(rewriter, examples, scores, found)})


def write_report(
    path: Path,
    rewriter: Rewriter,
    examples: Examples,
    scores: Scores,
    found: Found,
    folder: Path,
    run: Mapping[str, Any],
) -> Path:
    """Write `report.html` of a training: the same page with its curves and what run.json holds."""
    title = f"Rewriting {run['data'].get('name')}: {' and '.join(rewriter.labels)}"
    more = {"curves": curves({folder.name: read_metrics(folder)}), "facts": run_facts(dict(run))}
    return render("rewriting.html", path, {"title": title, **content_of(rewriter, examples, scores, found), **more})


def content_of(rewriter: Rewriter, examples: Examples, scores: Scores, found: Found) -> dict[str, Any]:
    """Return what the page shows: the table of systems, markers of both styles, and examples good and bad."""
    table = scores.tables["by_system"]
    names = list(next(iter(table.values())))
    markers = rewriter.corpus.markers
    good, bad = best_and_worst(rewriter.judges.classifier, rewriter.judged_inputs(examples.texts), found, SHOWN)
    return {
        "subtitle": f"{counted(len(examples), 'sentence')}; judged by a classifier and a language model trained on "
        "sentences that the rewriter did not see.",
        "names": [metric_name(name) for name in names],
        "rows": [(system, [format_metric(row[name]) for name in names]) for system, row in table.items()],
        "markers": [
            (style, [(one, round(markers.salience[style][one], 1)) for one in markers.strongest(style, MARKERS)])
            for style in rewriter.labels
        ],
        "groups": [
            {"title": "Rewritten well", "note": _note("in the target style, and closest to the input"), "shown": good},
            {"title": "Rewritten badly", "note": _note("not in the target style, or least of the input"), "shown": bad},
        ],
        "systems": list(found),
        "take": Shown.of_system,
    }


def _note(what: str) -> str:
    return f"By delete-retrieve: {what}. ✓ where the classifier takes a sentence for the target style, ✗ where not."
