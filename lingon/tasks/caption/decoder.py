"""A captioner as decoding asks for it: images are encoded once, then logits follow the tokens of the caption."""

from collections.abc import Hashable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn

from lingon.core.errors import UserError
from lingon.core.eval_view import eval_view
from lingon.core.shapes import Float, Int, Tensor
from lingon.data.batches.images import as_floats
from lingon.decoding.decoder_protocol import DecoderState


class ImageSource(NamedTuple):
    """An image as the source of a request: what equal images have in common is their pixels.

    data: uint8 [H, W, 3], row by row. side: H and W.
    """

    data: bytes
    side: int

    @classmethod
    def of(cls, pixels: np.ndarray) -> "ImageSource":
        """Return the source of an image, uint8 [H, W, 3] with H = W."""
        return cls(np.ascontiguousarray(pixels).tobytes(), pixels.shape[0])


class ImageSourceDecoder:
    """Run a `lingon.models.captioner.ImageDecoder` in evaluation mode, whatever mode it is in: others may train it.

    columns: of a batch with padding, which may be more than the context; 0 is as many as the context.
    """

    def __init__(self, model: nn.Module, columns: int = 0):
        self.model: Any = eval_view(model)
        self.columns = columns

    @property
    def device(self) -> torch.device:
        """Return the device of the weights."""
        return next(self.model.parameters()).device

    def begin(self, sources: Sequence[Hashable]) -> DecoderState:
        """Return the state before the first token, with a row for each source. Equal ones are encoded once.

        Raises UserError for a source that is no `ImageSource`.
        """
        different = {source: number for number, source in enumerate(dict.fromkeys(sources))}
        images = as_floats(torch.from_numpy(np.stack([_pixels(source) for source in different])))
        state = self.model.new_state(self.model.encode(images.to(self.device)))
        if self.columns and hasattr(getattr(state, "own", state), "with_limit"):  # a recurrent one has no columns
            state = state.with_limit(self.columns)
        if len(different) == len(sources):
            return state
        return state.select(torch.tensor([different[source] for source in sources]))

    def step(
        self, ids: Int[Tensor, "B S"], state: Any, mask: Tensor | None = None
    ) -> tuple[Float[Tensor, "B V"], DecoderState]:
        """Return the logits after the last of the ids, and the new state."""
        hidden, state = self.model.hidden(ids, state, mask)
        return self.model.head(hidden[:, -1]).float(), state


def _pixels(source: Any) -> np.ndarray:
    if not isinstance(source, ImageSource):
        raise UserError(f"a source is {str(source)[:40]!r}, expected an ImageSource")
    return np.frombuffer(source.data, np.uint8).reshape(source.side, source.side, 3).copy()
