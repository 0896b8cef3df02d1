"""The retrieval baseline: an image gets the caption of the training image that is most like it."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import nn

from lingon.core.eval_view import eval_view
from lingon.core.shapes import Float, Int, Tensor
from lingon.data.batches.images import as_floats
from lingon.data.captioned_images import CaptionedImages

AT_ONCE = 256  # images whose vectors are computed together


@torch.inference_mode()
def image_vectors(model: nn.Module, pixels: np.ndarray) -> Float[Tensor, "N F"]:
    """Return the vectors of images, uint8 [N, H, W, 3], by the convolutions of a captioner."""
    features: Callable[[Tensor], Tensor] = eval_view(model).features
    device = next(model.parameters()).device
    parts = [torch.from_numpy(pixels[at : at + AT_ONCE]) for at in range(0, len(pixels), AT_ONCE)]
    return torch.cat([features(as_floats(part).to(device)).float().cpu() for part in parts])


def nearest(vectors: Float[Tensor, "M F"], among: Float[Tensor, "N F"]) -> Int[Tensor, " M"]:
    """Return for each vector the place of the one that is most like it: by cosine, once the mean of `among` is off."""
    mean = among.mean(0)
    ours, theirs = (nn.functional.normalize(x - mean, dim=1) for x in (vectors, among))
    return torch.cat([(part @ theirs.T).argmax(1) for part in ours.split(AT_ONCE)])


def retrieved_captions(model: nn.Module, train: CaptionedImages, pixels: np.ndarray) -> list[str]:
    """Return for each image the first caption of the training image that is most like it.

    The vectors are those of the trained convolutions, so that the baseline has the same eyes, and only copies.
    """
    places = nearest(image_vectors(model, pixels), image_vectors(model, train.pixels))
    return first_captions(train.captions, places.tolist())


def first_captions(captions: Sequence[Sequence[str]], places: Sequence[int]) -> list[str]:
    """Return the first caption of each of these places."""
    return [captions[place][0] for place in places]
