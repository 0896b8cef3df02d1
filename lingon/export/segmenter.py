"""Exports a segmenter as a folder for another runtime: images to logits of each pixel."""

from functools import partial
from pathlib import Path

from lingon.export.exported import Exported
from lingon.export.image_onnx import ImageExport, Targets, export_to, largest_image_difference, write_image_folder
from lingon.export.segmenter_card import segmenter_card
from lingon.tasks.exportable import SegmentExportable


def to_onnx(task: SegmentExportable, folder: Path) -> Exported:
    """Write the graph images -> logits, config.json, programs for Node.js and a README with one in Python."""
    model, side = task.model.to("cpu").eval(), task.size
    axes, sizes = {"logits": ("classes", "height", "width")}, {"logits": ("classes", side, side)}
    programs = ("segment.mjs", "segmenter.mjs")
    made = ImageExport(
        model, (3, side, side), axes, sizes, largest_image_difference, segmenter_card, task.rules(), programs
    )
    return write_image_folder(task, folder, made, "logits")


TARGETS: Targets = {"onnx": to_onnx}
export = partial(export_to, TARGETS)  # of one task; see `lingon.export.portable.export`
