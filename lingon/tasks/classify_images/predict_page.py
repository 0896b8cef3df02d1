"""A page of a user's images: what each shows, how sure that is, and where the model looked."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from lingon.core.errors import UserError
from lingon.data.batches.images import as_floats
from lingon.pages.images import data_uri
from lingon.pages.page import check_page_path, render
from lingon.tasks.classify_images.grad_cam import grad_cam
from lingon.tasks.classify_images.heat_picture import heat_over
from lingon.tasks.classify_images.image_classifier import ImageClassifier
from lingon.tasks.classify_images.image_label import ImageLabel

MOST_IMAGES, MOST_LABELS = 200, 3


def write_page(path: Path | str, classifier: ImageClassifier, found: Sequence[ImageLabel], name: str) -> Path:
    """Write one HTML file with the first 200 images, as the model reads them, and their likeliest labels.

    name: of the model. Raises UserError for a path that is no .html, and where there are no images.
    """
    path = check_page_path(path)
    if not found:
        raise UserError("--page shows images; there are none")
    some = list(found[:MOST_IMAGES])
    pixels = classifier.pixels_of([one.source for one in some])
    classes = classifier.numbers([one.label for one in some]).to(classifier.device)
    heats = grad_cam(classifier.model, as_floats(torch.from_numpy(pixels)).to(classifier.device), classes)
    items = [_item(*row) for row in zip(some, pixels, heats.cpu().numpy(), strict=True)]
    count = f"{len(found):,} image{'s' * (len(found) != 1)}"
    count = count if len(some) == len(found) else f"the first {len(some)} of {count}"
    return render(
        "labelled_images.html", path, {"title": f"Images by {Path(name).name}", "note": count, "items": items}
    )


def _item(one: ImageLabel, pixels: Any, heat: Any) -> dict[str, Any]:
    best = sorted(one.probabilities.items(), key=lambda pair: -pair[1])[:MOST_LABELS]
    return {
        "name": Path(one.image).name,
        "picture": data_uri(pixels),
        "heat": data_uri(heat_over(pixels, heat)),
        "labels": [(label, f"{value:.1%}", round(100 * value)) for label, value in best],
    }
