"""The report of an image generator: curves, images of each label beside real ones, a walk, and the nearest ones."""

from pathlib import Path
from typing import Any

import numpy as np

from lingon.core.counted import counted
from lingon.engine.log import read_metrics
from lingon.metrics.metric_table import format_metric
from lingon.pages.curves import curves
from lingon.pages.image_grid import image_grid
from lingon.pages.images import data_uri
from lingon.pages.page import render
from lingon.pages.run_facts import run_facts
from lingon.tasks.synthesize.held_out import HeldOut
from lingon.tasks.synthesize.nearest import nearest_images

ROW, MOST_LABELS, COMPARED = 8, 12, 200  # images of a label; labels; real images whose nearest are looked for


def write_report(path: Path, held_out: HeldOut, run_folder: Path, run: dict[str, Any]) -> Path:
    """Write `report.html` for a generator. run: what run.json holds (arguments, data, metrics of the test, times)."""
    task, found, data = held_out.task, held_out.found, run["data"].get("name")
    labels = task.labels[:MOST_LABELS]
    page = {
        "title": f"Images like those of {data}",
        "subtitle": f"{run['arguments'].get('model')} trained on "
        f"{counted(len(held_out.data.train), 'image')} of {data}; "
        f"compared with {counted(len(held_out.data.test), 'held-out image')}.",
        "headline": [(name.replace("_", " "), format_metric(value, ".3f")) for name, value in run["test"].items()],
        "curves": curves({run_folder.name: read_metrics(run_folder)}),
        "labels": [_of_label(held_out, label) for label in labels],
        "walks": [
            ("between two samples of one label: " + labels[0], _strip(task.walk(labels=labels[0]))),
            ("one latent, from label to label: " + ", ".join(labels), _strip(task.walk(labels=labels))),
        ],
        "nearest": _nearest(held_out),
        "per_label": found.tables["per_label"],
        "facts": run_facts(run),
    }
    return render("synthesis_report.html", path, page)


def _strip(pixels: np.ndarray) -> str:
    return data_uri(image_grid(pixels, len(pixels) if len(pixels) <= 16 else 16))


def _of_label(held_out: HeldOut, label: str) -> dict[str, Any]:
    test = held_out.data.test
    rows = [i for i, one in enumerate(test.labels) if one == label][:ROW]
    made = held_out.task.generate(ROW, label, seed=1)
    return {"name": label, "made": _strip(made), "real": _strip(test.pixels[rows]) if rows else None}


def _nearest(held_out: HeldOut) -> dict[str, Any]:
    """Made images with the training images that are nearest to them, and how near those of real images are."""
    train, labels = held_out.data.train.pixels, held_out.task.labels[:MOST_LABELS]
    made = held_out.task.generate(len(labels), labels, seed=1)
    rows, distances = nearest_images(made, train, 3)
    real = held_out.data.test.pixels[:COMPARED]
    items = [
        {"made": data_uri(one), "near": [data_uri(train[i]) for i in near], "distance": f"{distance[0]:.3f}"}
        for one, near, distance in zip(made, rows, distances, strict=True)
    ]
    usual = float(np.median(nearest_images(real, train, 1)[1]))
    return {"items": items, "made": f"{np.median(distances[:, 0]):.3f}", "real": f"{usual:.3f}", "count": len(real)}
