"""A captioner as ONNX: a graph that reads an image, and one that says a token more."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.export import Dim

from lingon.core.errors import UserError
from lingon.export.captioner_graph import (
    CaptionGraph,
    ImageGraph,
    RecurrentCaptionGraph,
    caption_tensors,
    image_tensors,
    one_time,
)
from lingon.export.onnx import Sizes, needed, write_named_onnx
from lingon.export.parity import TOLERANCE
from lingon.export.trace import trace
from lingon.layers.recurrent_state import RecurrentState

ENCODER, DECODER = "encoder.onnx", "decoder.onnx"
STEPS, BATCHES = 4, (1, 3)  # of the comparison: tokens said, and images


def write_captioner_onnx(model: nn.Module, folder: Path) -> dict[str, list[str]]:
    """Write both graphs to a folder; return the names of the tensors of images and of captions.

    Raises UserError for a model that cannot be traced.
    """
    own: Any = one_time(model.eval())
    images = _images(own, 2)
    with torch.no_grad():
        state = own.new_state(own.encode(_as_read(images)))
        memory, target = ([x.clone() for x in found] for found in (image_tensors(state), caption_tensors(state)))
    recurrent = isinstance(state, RecurrentState)
    if not recurrent:  # a trace takes no column, or one, for a number that never changes
        target = [x.new_zeros(*x.shape[:2], 3, x.shape[3]) for x in target]
    names = {kind: [f"{kind}_{i}" for i in range(len(some))] for kind, some in (("memory", memory), ("target", target))}
    ends = dict.fromkeys(names["memory"], ("batch", "heads", "places", "width"))
    before, after = (
        {
            prefix + name: ("batch", "width") if recurrent else ("batch", "heads", size, "width")
            for name in names["target"]
        }
        for prefix, size in (("", "said"), ("new_", "said and read"))
    )
    encoder = trace(ImageGraph(own), (images,), Dim.AUTO, axes=[(0,)])
    encoder.example_inputs = None  # else the writer runs checks of sizes, which stumble over tensors of no column
    of_image: Sizes = {"images": ("batch", "height", "width", "channels")}
    write_named_onnx(encoder, folder / ENCODER, of_image, {**ends, **before})
    ids = torch.full((2, 1), own.start_id)
    given: Sequence[Any] = (ids, target) if recurrent else (ids, memory, target)
    decoder = trace((RecurrentCaptionGraph if recurrent else CaptionGraph)(own), given, Dim.AUTO)
    decoder.example_inputs = None
    reads = {"ids": ("batch", "one"), **ends, **before}
    write_named_onnx(decoder, folder / DECODER, reads, {"logits": ("batch", "vocabulary"), **after})
    return names


@torch.inference_mode()
def captioner_difference(model: Any, folder: Path, names: dict[str, list[str]]) -> float:
    """Return the largest |difference| of logits, of random images and captions. Raises UserError when it is too large.

    As a share of the largest logit, where that is over 1.
    """
    runtime = needed("onnxruntime")
    options = runtime.SessionOptions()
    options.log_severity_level = 3  # not that tensors of no column have another size than was noted
    encoder, decoder = (
        runtime.InferenceSession(str(folder / name), options, providers=["CPUExecutionProvider"])
        for name in (ENCODER, DECODER)
    )
    draw, largest = torch.Generator().manual_seed(0), 0.0
    for rows in BATCHES:
        images = _images(model, rows)
        found = encoder.run(None, {"images": images.numpy()})
        given = dict(zip(names["memory"] + names["target"], found, strict=True))
        state = model.new_state(model.encode(_as_read(images)))
        for _ in range(min(STEPS, model.context_length)):
            said = torch.randint(model.embedding.num_embeddings, (rows, 1), generator=draw)
            logits, *after = decoder.run(None, {"ids": said.numpy(), **given})
            given |= dict(zip(names["target"], after, strict=True))
            hidden, state = model.hidden(said, state)
            expected = model.head(hidden[:, -1])
            apart = (torch.from_numpy(logits) - expected).abs().max() / expected.abs().max().clamp(min=1)
            largest = max(largest, apart.item())
            if not apart < TOLERANCE:  # NaN is refused too
                raise UserError(
                    f"not exported: of {rows} images the logits differ from the model's by {apart.item():.1e}, "
                    f"allowed is {TOLERANCE:.0e}"
                )
    return largest


def _images(model: Any, rows: int) -> Tensor:
    """Random images as files have them: float32 [B, H, W, 3] from 0 to 255."""
    draw = torch.Generator().manual_seed(rows)
    return torch.randint(256, (rows, model.image_size, model.image_size, 3), generator=draw).float()


def _as_read(images: Tensor) -> Tensor:
    return images.permute(0, 3, 1, 2) / 255
