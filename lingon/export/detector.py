"""Exports a detector as a folder for another runtime: images to the likeliest boxes with scores and classes."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import torch
from torch import nn

from lingon.core.errors import UserError
from lingon.core.shapes import Float, Tensor
from lingon.export.detector_card import detector_card
from lingon.export.exported import Exported
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
from lingon.tasks.exportable import DetectionExportable

AXES = {"boxes": ("k", "side"), "scores": ("k",), "classes": ("k",)}
TIES = 0.01  # maximum share of ties: of two neighbouring centres that are equal up to rounding, either may be the peak


def to_onnx(task: DetectionExportable, folder: Path) -> Exported:
    """Write the graph images -> boxes, scores, classes, config.json, programs for Node.js and a README with another."""
    graph = task.graph().to("cpu").eval()
    shape: Shape = (3, *task.image_size)
    with torch.inference_mode():
        count = graph(torch.rand(1, *shape))[1].shape[1]
    sizes = {"boxes": (count, 4), "scores": (count,), "classes": (count,)}
    programs = ("detect.mjs", "detector.mjs")
    made = ImageExport(graph, shape, AXES, sizes, largest_peak_difference, detector_card, task.rules(), programs)
    return write_image_folder(task, folder, made, "boxes and scores")


@torch.inference_mode()
def largest_peak_difference(graph: nn.Module, exported: ImageGraph, shape: Shape) -> float:
    """Return the largest |difference| of scores, and of boxes relative to the longer side, on random images.

    Raises UserError if it is not under 1e-4.
    """
    apart: list[Tensor] = []
    for images in random_images(shape):
        expected, found = (peaks_as_rows(peaks, max(shape)) for peaks in (graph(images), exported(images)))
        apart += map(peak_differences, expected, found)
    largest = torch.cat(apart).quantile(1 - TIES, interpolation="lower").item()
    if not largest < TOLERANCE:  # NaN is refused too
        raise UserError(f"not exported: boxes differ from the model's by {largest:.1e}, allowed is {TOLERANCE:.0e}")
    return largest


def peaks_as_rows(peaks: Sequence[Tensor], side: int) -> Float[Tensor, "B K 6"]:
    """Return boxes relative to the longer side, scores and classes as one row for each peak."""
    boxes, scores, classes = peaks
    return torch.cat([boxes / side, scores[..., None], classes[..., None]], -1)


def peak_differences(expected: Float[Tensor, "K 6"], found: Float[Tensor, "K 6"]) -> Float[Tensor, " k"]:
    """Return the distance of each peak to the nearest one found, except for peaks whose score is close to the lowest.

    Rounding decides the order of peaks with nearly equal scores, and which of them are among the first K.
    """
    sure = expected[~(expected[:, 4] <= expected[-1, 4] + TOLERANCE)]  # NaN stays
    return (sure[:, None] - found).abs().amax(2).amin(1)


TARGETS: Targets = {"onnx": to_onnx}
export = partial(export_to, TARGETS)  # of one task; see `lingon.export.portable.export`
