"""The report of a captioner: scores beside the retrieval baseline, curves, and the best and worst captions."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lingon.core.counted import counted
from lingon.data.captioned_images import CaptionedImages
from lingon.engine.log import read_metrics
from lingon.metrics.cider import caption_words, cider_d
from lingon.metrics.metric_table import metric_name, metric_rows
from lingon.metrics.scores import Scores
from lingon.pages.curves import curves
from lingon.pages.page import check_page_path, render
from lingon.pages.run_facts import run_facts
from lingon.tasks.caption.caption import Caption
from lingon.tasks.caption.page import FACTS, item

if TYPE_CHECKING:
    from lingon.tasks.caption.captioner import Captioner
    from lingon.tasks.caption.held_out import HeldOut

SHOWN = 8  # captions of a group


def write_report(path: Path, held_out: "HeldOut", run_folder: Path, run: dict[str, Any]) -> Path:
    """Write `report.html` of the test images and their captions. run: what run.json holds."""
    scores, found = held_out.tested
    name, model = run["data"].get("name"), run["arguments"].get("model")
    made = " The images are constructed: composed of single pictures." if run["data"].get("constructed") else ""
    both = scores.tables["captions"]
    page = {
        "title": f"Captions: {name}",
        "subtitle": f"{model} trained on {name}; tested on {counted(len(found), 'image')}.{made}",
        "headline": metric_rows(run["test"]),
        "curves": curves({run_folder.name: read_metrics(run_folder)}),
        "beside": [
            (metric_name(key), f"{both['model'][key]:.4f}", f"{value:.4f}") for key, value in both["retrieval"].items()
        ],
        "groups": groups(held_out.captioner, found, held_out.images, held_out.retrieved),
        "facts": run_facts(run),
    }
    return render("captions.html", path, page)


def write_evaluation(
    path: Path,
    captioner: "Captioner",
    scores: Scores,
    found: Sequence[Caption],
    images: CaptionedImages,
    name: str,
) -> Path:
    """Write the page of an evaluation: scores, and the best and worst captions. name: of the model."""
    page = {
        "title": f"{name}: captions",
        "subtitle": f"{counted(len(found), 'image')}.",
        "headline": metric_rows(scores),
        "groups": groups(captioner, found, images, None),
    }
    return render("captions.html", check_page_path(path), page)


def groups(
    captioner: "Captioner", found: Sequence[Caption], images: CaptionedImages, retrieved: Sequence[str] | None
) -> list[dict[str, Any]]:
    """Return the captions that are most and least like those of people, as groups of a page."""
    references = [[caption_words(text) for text in some] for some in images.captions]
    likeness = cider_d([caption_words(one.caption) for one in found], references)
    order = sorted(range(len(found)), key=lambda i: -likeness[i])

    def item_of(i: int) -> dict[str, Any]:
        lines = [("people", " / ".join(images.captions[i][:3]))]
        lines += [("most similar image", retrieved[i])] if retrieved else []
        named = replace(found[i], image=images.name(i)) if images.paths else found[i]
        return item(captioner, named, [*lines, ("CIDEr-D", f"{likeness[i]:.2f}")])

    named = {"Most like what people say": order[:SHOWN], "Least like what people say": order[::-1][:SHOWN]}
    return [{"title": title, "note": FACTS, "items": [item_of(i) for i in rows]} for title, rows in named.items()]
