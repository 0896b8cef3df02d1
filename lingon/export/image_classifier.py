"""Exports an image classifier as a folder for another runtime: images to logits."""

from functools import partial
from pathlib import Path

from lingon.export.exported import Exported
from lingon.export.image_classifier_card import image_classifier_card
from lingon.export.image_onnx import ImageExport, Targets, export_to, largest_image_difference, write_image_folder
from lingon.tasks.exportable import ImageExportable


def to_onnx(task: ImageExportable, folder: Path) -> Exported:
    """Write the graph images -> logits, config.json, programs for Node.js and a README with one in Python."""
    model, layout = task.model.to("cpu").eval(), task.layout
    shape, output = (layout.channels, layout.height, layout.width), {"logits": ("labels",)}
    programs = ("classify.mjs", "image_classifier.mjs")
    made = ImageExport(model, shape, output, output, largest_image_difference, image_classifier_card, programs=programs)
    return write_image_folder(task, folder, made, "logits")


TARGETS: Targets = {"onnx": to_onnx}
export = partial(export_to, TARGETS)  # of one task; see `lingon.export.portable.export`
