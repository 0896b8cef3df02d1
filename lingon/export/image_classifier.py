"""An image classifier as a folder that another runtime loads: images in, logits out."""

from pathlib import Path

import torch

from lingon.core.errors import UserError
from lingon.core.shapes import Tensor
from lingon.export.exported import Exported
from lingon.export.image_classifier_card import image_classifier_card
from lingon.export.image_onnx import (
    ImageExport,
    ImageGraph,
    Shape,
    Targets,
    export_to,
    random_images,
    write_image_folder,
)
from lingon.export.parity import TOLERANCE
from lingon.tasks.exportable import ImageExportable


def export(
    task: ImageExportable, source: str | Path, to: str, out: str | Path | None, int8: bool, quantize: str | None
) -> Exported:
    """Write a task on images for another runtime; see `lingon.export.portable.export`."""
    return export_to(TARGETS, task, source, to, out, int8)


def to_onnx(task: ImageExportable, folder: Path) -> Exported:
    """Write the graph images -> logits, config.json, programs for Node.js and a README with one in Python."""
    model, layout = task.model.to("cpu").eval(), task.layout
    shape, output = (layout.channels, layout.height, layout.width), {"logits": ("labels",)}
    programs = ("classify.mjs", "image_classifier.mjs")
    made = ImageExport(model, shape, output, output, largest_image_difference, image_classifier_card, programs=programs)
    return write_image_folder(task, folder, made, "logits")


@torch.inference_mode()
def largest_image_difference(model: torch.nn.Module, exported: ImageGraph, shape: Shape) -> float:
    """Return the largest |difference| of outputs on random images. Raises UserError when it is not under 1e-4."""
    largest = 0.0
    for images in random_images(shape):
        expected: Tensor = model(images)
        (found,) = exported(images)
        if found.shape != expected.shape:
            raise UserError(f"not exported: it gives {list(found.shape)}, the model {list(expected.shape)}")
        largest = max(largest, (found - expected).abs().max().item())
    if not largest < TOLERANCE:  # NaN is refused too
        raise UserError(f"not exported: it differs from the model by {largest:.1e}, allowed is {TOLERANCE:.0e}")
    return largest


TARGETS: Targets = {"onnx": to_onnx}
