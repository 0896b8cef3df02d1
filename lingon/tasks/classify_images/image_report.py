"""The report of an image classifier: its scores, what it confuses, and images with where it looked."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from lingon.core.counted import counted
from lingon.core.shapes import Float, Tensor
from lingon.data.batches.images import as_floats
from lingon.data.labelled_images import LabelledImages
from lingon.engine.log import read_metrics
from lingon.metrics.metric_table import metric_rows
from lingon.pages.curves import curves
from lingon.pages.images import data_uri
from lingon.pages.page import render
from lingon.pages.run_facts import run_facts
from lingon.tasks.classify.judging import Judged, surest
from lingon.tasks.classify.report_sections import sections_of
from lingon.tasks.classify_images.grad_cam import grad_cam
from lingon.tasks.classify_images.heat_picture import heat_over
from lingon.tasks.classify_images.held_out_images import judged_images, name_of_image
from lingon.tasks.classify_images.image_classifier import ImageClassifier

MOST_RIGHT, MOST_WRONG, MOST_DOUBTFUL = 10, 18, 6
NOTE = (
    "Each image, and beside it where the model looked (Grad-CAM): yellow and red places spoke most for the label that "
    "it gave."
)


def write_report(
    path: Path,
    classifier: ImageClassifier,
    test: LabelledImages,
    run_folder: Path,
    run: dict[str, Any],
    logits: Float[Tensor, "n classes"],
) -> Path:
    """Write `report.html` for a classifier and the held-out images it was tested on.

    run: what run.json holds (arguments, data, metrics of the test, times). logits: of the images.
    """
    data = run["data"].get("name")
    page = {
        "title": f"Image classification of {data}",
        "subtitle": f"{run['arguments'].get('model')} trained on {data}; tested on "
        f"{counted(len(test), 'held-out image')}.",
        "headline": metric_rows(run["test"]),
        "curves": curves({run_folder.name: read_metrics(run_folder)}),
        **_judged_parts(classifier, test, logits),
        "facts": run_facts(run),
    }
    return render("image_report.html", path, page)


def write_evaluation(
    path: Path,
    classifier: ImageClassifier,
    images: LabelledImages,
    logits: Float[Tensor, "n classes"],
    name: str,
    sections: Sequence[Mapping[str, Any]] = (),
) -> Path:
    """Write the page of a classifier on images that need not be those of its run.

    logits: of the images. name: of the model. sections: what else the page shows.
    """
    parts = _judged_parts(classifier, images, logits)
    page = {
        "title": f"Evaluation of {name}",
        "subtitle": f"{counted(len(images), 'image')}.",
        "headline": metric_rows(classifier.scores_of(logits, images)),
        **parts,
        "sections": [*parts.get("sections", ()), *sections],
    }
    return render("image_report.html", path, page)


def _judged_parts(
    classifier: ImageClassifier, images: LabelledImages, logits: Float[Tensor, "n classes"]
) -> dict[str, Any]:
    numbers, found = classifier.numbers(images.labels), classifier.scores_of(logits, images)
    judged = judged_images(classifier, images, logits)
    return {
        **sections_of(classifier.targets, logits, numbers, found),
        "noun": "images",
        "groups": image_groups(classifier, images, judged),
    }


def image_groups(classifier: ImageClassifier, images: LabelledImages, judged: Sequence[Judged]) -> list[dict[str, Any]]:
    """Return the images that the model is surest about of each label, surest and wrong about, and least sure about."""
    right, wrong = surest(judged)
    doubtful = sorted(range(len(judged)), key=lambda i: judged[i].confidence)
    first = {label: next((i for i in right if judged[i].predicted == label), None) for label in classifier.labels}
    groups = {
        "Most confident, wrong": wrong[:MOST_WRONG],
        "Most confident, correct": [i for i in first.values() if i is not None][:MOST_RIGHT],
        "Least confident": doubtful[:MOST_DOUBTFUL],
    }
    return [
        {"title": title, "note": NOTE, "shown": _shown(classifier, images, judged, rows)}
        for title, rows in groups.items()
        if rows
    ]


def _shown(
    classifier: ImageClassifier, images: LabelledImages, judged: Sequence[Judged], rows: Sequence[int]
) -> list[dict[str, Any]]:
    floats = as_floats(torch.from_numpy(images.pixels[list(rows)])).to(classifier.device)
    classes = classifier.numbers([judged[i].predicted for i in rows]).to(classifier.device)
    heats = grad_cam(classifier.model, floats, classes).cpu().numpy()
    return [
        {
            "picture": data_uri(images.pixels[i]),
            "heat": data_uri(heat_over(images.pixels[i], heat)),
            "name": name_of_image(images, i),
            "predicted": judged[i].predicted,
            "how_sure": judged[i].how_sure,
            "label": judged[i].true,
            "right": judged[i].right,
        }
        for i, heat in zip(rows, heats, strict=True)
    ]
