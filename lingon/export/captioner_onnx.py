"""Exports a captioner as ONNX: a graph that encodes an image, and one that generates the next token."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from lingon.export.captioner_graph import (
    CaptionGraph,
    ImageGraph,
    RecurrentCaptionGraph,
    caption_tensors,
    image_tensors,
    one_time,
)
from lingon.export.onnx import Sizes, write_named_onnx
from lingon.export.step_graphs import DECODER, ENCODER, StepTensors, open_graphs, steps_difference, traced
from lingon.layers.recurrent_state import RecurrentState

BATCHES = (1, 3)  # images of the comparison


def write_captioner_onnx(model: nn.Module, folder: Path) -> dict[str, list[str]]:
    """Write both graphs to a folder; return the names of the tensors of images and of captions.

    Raises UserError for a model that cannot be traced.
    """
    own: Any = one_time(model.eval())
    images = _images(own, 2)
    with torch.no_grad():
        state = own.new_state(own.encode(_as_read(images)))
        recurrent = isinstance(state, RecurrentState)
        tensors = StepTensors.of(image_tensors(state), caption_tensors(state), recurrent)
    ends = dict.fromkeys(tensors.names["memory"], ("batch", "heads", "places", "width"))
    before, after = tensors.target_sizes()
    of_image: Sizes = {"images": ("batch", "height", "width", "channels")}
    encoder = traced(ImageGraph(own), (images,), axes=[(0,)])
    write_named_onnx(encoder, folder / ENCODER, of_image, {**ends, **before})
    ids = torch.full((2, 1), own.start_id)
    given: Sequence[Any] = (ids, tensors.target) if recurrent else (ids, tensors.memory, tensors.target)
    decoder = traced((RecurrentCaptionGraph if recurrent else CaptionGraph)(own), given)
    reads = {"ids": ("batch", "one"), **ends, **before}
    write_named_onnx(decoder, folder / DECODER, reads, {"logits": ("batch", "vocabulary"), **after})
    return tensors.names


@torch.inference_mode()
def captioner_difference(model: Any, folder: Path, names: dict[str, list[str]]) -> float:
    """Return the largest |difference| of logits, on random images and captions; see `steps_difference`."""
    encoder, decoder = open_graphs(folder)
    draw, largest = torch.Generator().manual_seed(0), 0.0
    for rows in BATCHES:
        images = _images(model, rows)
        given = dict(zip(names["memory"] + names["target"], encoder({"images": images.numpy()}), strict=True))
        memory = model.encode(_as_read(images))
        apart = steps_difference(model, memory, decoder, given, names["target"], rows, draw, "images")
        largest = max(largest, apart)
    return largest


def _images(model: Any, rows: int) -> Tensor:
    """Return random images with pixels as in files: float32 [B, H, W, 3] from 0 to 255."""
    draw = torch.Generator().manual_seed(rows)
    return torch.randint(256, (rows, model.image_size, model.image_size, 3), generator=draw).float()


def _as_read(images: Tensor) -> Tensor:
    return images.permute(0, 3, 1, 2) / 255
