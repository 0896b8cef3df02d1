"""Writes a graph that reads images as an ONNX file, and runs the file as a function."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
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
from lingon.export.javascript_programs import write_programs
from lingon.export.onnx import needed, write_named_onnx
from lingon.export.parity import TOLERANCE
from lingon.export.trace import trace
from lingon.models.registry import name_of

FILE = "model.onnx"
BATCHES = (1, 2, 5)  # images of a comparison
Shape = tuple[int, int, int]  # channels, height, width
ImageGraph = Callable[[Tensor], Sequence[Tensor]]
Targets = Mapping[str, Callable[[Any, Path], Exported]]


@dataclass(frozen=True)
class ImageExport:
    """The task-specific parts of the export of an image task as one graph.

    graph: images of `shape` -> tensors. axes: the names of these and of their axes, without the batch. sizes: the same
    for config.json. compare: returns the largest difference of graph and file, and raises if it is too large. card:
    makes the README from the configuration and the card. rules: further keys of config.json. programs: for Node.js.
    """

    graph: nn.Module
    shape: Shape
    axes: Mapping[str, Sequence[str]]
    sizes: Mapping[str, Sequence[Any]]
    compare: Callable[[nn.Module, ImageGraph, Shape], float]
    card: Callable[[Any, Any], str]
    rules: Mapping[str, Any] = field(default_factory=dict)
    programs: Sequence[str] = ()


def write_image_folder(task: Any, folder: Path, export: ImageExport, answer: str) -> Exported:
    """Write the graph of a task, config.json, programs for Node.js and a README. answer: name of the output."""
    with atomic_folder(folder) as fresh:
        run = write_image_onnx(export.graph, fresh / FILE, export.shape, export.axes)
        difference = export.compare(export.graph, run, export.shape)
        size = (fresh / FILE).stat().st_size
        config = image_config(task, "onnx", export.shape, export.sizes, difference, size) | dict(export.rules)
        write_json(fresh / "config.json", config)
        if export.programs:
            write_programs(fresh, export.programs)
        with atomic_write(fresh / "README.md") as page:
            page.write(export.card(config, type(task).card(config["model"], config)))
    return Exported(folder, difference, size, answer)


def export_to(
    targets: Targets, task: Any, source: str | Path, to: str, out: str | Path | None, int8: bool, quantize: str | None
) -> Exported:
    """Write an image task for another runtime; see `lingon.export.portable.export`."""
    if int8:
        raise UserError("--int8 is for models of texts; leave it out")
    return targets[to](task, export_folder(source, f"-{to}", out))


def write_image_onnx(graph: nn.Module, path: Path, shape: Shape, outputs: Mapping[str, Sequence[str]]) -> ImageGraph:
    """Write a graph images [B, C, H, W] -> tensors [B, ...], with any B, and return the file as a function.

    outputs: the names of the tensors, and of their axes without the batch.
    """
    program = trace(graph, (torch.rand(2, *shape),), Dim.DYNAMIC, [(0,)])
    axes = {"images": ("batch", "channels", "height", "width")}
    write_named_onnx(program, path, axes, {name: ("batch", *own) for name, own in outputs.items()})
    session = needed("onnxruntime").InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return lambda images: [torch.from_numpy(x) for x in session.run([*outputs], {"images": images.numpy()})]


def random_images(shape: Shape) -> list[Float[Tensor, "B C H W"]]:
    """Return batches of random images for comparing a graph with its file."""
    made = torch.Generator().manual_seed(0)
    return [torch.rand(rows, *shape, generator=made) for rows in BATCHES]


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


def image_config(
    task: Any, to: str, shape: Shape, outputs: Mapping[str, Sequence[Any]], difference: float, size: int
) -> dict[str, Any]:
    """Return the entries of config.json for every image graph. size: of the file, in bytes."""
    numbers = {name: {"type": "float32", "shape": ["batch", *own]} for name, own in outputs.items()}
    return {
        "format": 1,
        "lingon": __version__,
        "task": task.name,
        "to": to,
        "file": FILE,
        "model": name_of(task.model),
        **task.config(),
        "inputs": {"images": {"type": "float32", "shape": ["batch", *shape], "from": 0, "to": 1}},
        "outputs": numbers,
        "checked": {"largest_difference": difference, "bytes": size},
    }
