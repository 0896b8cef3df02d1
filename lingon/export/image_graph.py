"""A task of one graph over images as a folder that another runtime loads: images in, logits out."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.export import Dim

from lingon import __version__
from lingon.core.errors import UserError
from lingon.core.files import atomic_folder, atomic_write, write_json
from lingon.core.shapes import Float, Tensor
from lingon.export.exported import Exported, export_folder
from lingon.export.image_card import image_card
from lingon.export.onnx import needed, write_named_onnx
from lingon.export.parity import TOLERANCE
from lingon.export.trace import trace
from lingon.models.registry import name_of
from lingon.tasks.exportable import ImageExportable

FILE, FORMAT = "model.onnx", 1
BATCHES = (1, 2, 5)
Graph = Callable[[Tensor], Tensor]


def export(
    task: ImageExportable, source: str | Path, to: str, out: str | Path | None, int8: bool, quantize: str | None
) -> Exported:
    """Write a task on images for another runtime; see `lingon.export.portable.export`."""
    if int8:
        raise UserError("--int8 is for models of texts; leave it out")
    folder = export_folder(source, f"-{to}", out)
    return TARGETS[to](task, folder)


def to_onnx(task: ImageExportable, folder: Path) -> Exported:
    """Write the graph images [B, C, H, W] -> output, config.json and a README with programs that use them."""
    model = task.model.to("cpu").eval()
    output, layout = task.output_name, task.layout
    with atomic_folder(folder) as fresh:
        shape = (layout.channels, layout.height, layout.width)
        program = trace(model, (torch.rand(2, *shape),), Dim.DYNAMIC, [(0,)])
        axes = {"images": ("batch", "channels", "height", "width")}
        write_named_onnx(program, fresh / FILE, axes, {output: ("batch", *task.output_shape)})
        difference = largest_image_difference(model, _run(fresh / FILE), shape)
        size = (fresh / FILE).stat().st_size
        config = _config(task, output, difference, size)
        write_json(fresh / "config.json", config)
        with atomic_write(fresh / "README.md") as page:
            page.write(image_card(config, type(task).card(config["model"], config), task.answer_code))
    return Exported(folder, difference, size, output)


@torch.inference_mode()
def largest_image_difference(model: nn.Module, exported: Graph, shape: tuple[int, int, int]) -> float:
    """Return the largest |difference| of outputs on random images. Raises UserError when it is not under 1e-4."""
    made, largest = torch.Generator().manual_seed(0), 0.0
    for rows in BATCHES:
        images: Float[Tensor, "B C H W"] = torch.rand(rows, *shape, generator=made)
        expected, found = model(images), exported(images)
        if found.shape != expected.shape:
            raise UserError(f"not exported: it gives {list(found.shape)}, the model {list(expected.shape)}")
        largest = max(largest, (found - expected).abs().max().item())
    if not largest < TOLERANCE:  # NaN is refused too
        raise UserError(f"not exported: it differs from the model by {largest:.1e}, allowed is {TOLERANCE:.0e}")
    return largest


def _run(path: Path) -> Graph:
    session = needed("onnxruntime").InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return lambda images: torch.from_numpy(session.run(None, {"images": images.numpy()})[0])


def _config(task: ImageExportable, output: str, difference: float, size: int) -> dict[str, Any]:
    """All that a program in another language must know to use the folder."""
    layout = task.layout
    shape = ["batch", layout.channels, layout.height, layout.width]
    return {
        "format": FORMAT,
        "lingon": __version__,
        "task": task.name,
        "to": "onnx",
        "file": FILE,
        "model": name_of(task.model),
        **task.config(),
        "inputs": {"images": {"type": "float32", "shape": shape, "from": 0, "to": 1}},
        "outputs": {output: {"type": "float32", "shape": ["batch", *task.output_shape]}},
        "checked": {"largest_difference": difference, "bytes": size},
    }


TARGETS: dict[str, Callable[[ImageExportable, Path], Exported]] = {"onnx": to_onnx}
