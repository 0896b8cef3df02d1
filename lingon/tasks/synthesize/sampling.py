"""From a seed to images: latents, labels and the options of a model's sampling; and walks between latents."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from lingon.core.errors import UserError, unknown
from lingon.core.eval_view import eval_view
from lingon.core.shapes import Float, Tensor
from lingon.data.batches.row_random import row_generators

AT_ONCE = 128  # images in memory together


def latents_of(shape: tuple[int, ...], count: int, seed: int) -> Float[Tensor, "N *latent"]:
    """Return the latents of the first `count` images of a seed, standard normal; more begin with the same ones."""
    drawn = [g.standard_normal(shape, np.float32) for g in row_generators(seed, "latents", 0, range(count))]
    return torch.from_numpy(np.stack(drawn))


def sampling_options(model: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of the model's sampling, those that are given in place of its own; None is not given.

    Raises UserError for one that the model does not have, and for an impossible value.
    """
    found = dict(model.sampling)
    for name, value in given.items():
        if value is None:
            continue
        if name not in found:
            raise UserError(f"--{name} is for diffusion models; this model makes an image in one step; leave it out")
        if name == "guidance" and not 0 <= value < math.inf:
            raise UserError(f"--guidance is {value}, expected 0 or more, such as 2; 1 is none")
        if name == "steps" and not 1 <= value <= 1_000:
            raise UserError(f"--steps is {value}, expected 1 to 1,000")
        found[name] = value
    return found


def numbers_of(labels: Sequence[str], known: Sequence[str]) -> list[int]:
    """Return the numbers of labels. Raises UserError for one that is not known."""
    for label in labels:
        if label not in known:
            raise unknown("label", label, known)
    return [known.index(label) for label in labels]


@torch.inference_mode()
def sampled(
    model: Any, latents: Float[Tensor, "N *latent"], labels: Float[Tensor, "N K"], options: Mapping[str, Any]
) -> np.ndarray:
    """Return images, uint8 [N, H, W, C], of a model that may be trained at this moment."""
    view, device = eval_view(model), next(model.parameters()).device
    found = []
    for start in range(0, len(latents), AT_ONCE):
        part = slice(start, start + AT_ONCE)
        images = view.sample(latents[part].to(device), labels[part].to(device), **options)
        if not bool(images.isfinite().all()):
            raise UserError("the generator made images that are not numbers; its weights are broken, train it again")
        found.append((images * 255).round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy())
    return np.concatenate(found)


def slerp(
    a: Float[Tensor, "*latent"], b: Float[Tensor, "*latent"], t: Float[Tensor, " N"]
) -> Float[Tensor, "N *latent"]:
    """Return the points at `t`, from 0 to 1, on the arc from one latent to another (Shoemake 1985).

    On a straight line the middle is too near to 0: no normal draw of many numbers lies there (White 2016).
    """
    cosine = torch.dot(a.flatten(), b.flatten()) / (a.norm() * b.norm()).clamp(min=1e-12)
    angle = cosine.clamp(-1, 1).acos()
    t = t.reshape(-1, *[1] * a.ndim)
    if float(angle.sin()) < 1e-4:  # the same or opposite directions, between which there is no one arc
        return (1 - t) * a + t * b
    return (((1 - t) * angle).sin() * a + (t * angle).sin() * b) / angle.sin()


def walk_inputs(
    shape: tuple[int, ...], labels: Sequence[int], classes: int, count: int, seed: int
) -> tuple[Float[Tensor, "N *latent"], Float[Tensor, "N K"]]:
    """Return the latents and the labels of a walk of `count` images.

    Of one label: from one sample to another. Of several: one latent, from label to label, in between mixtures of two.
    """
    at = torch.linspace(0, max(1, len(labels) - 1), count)
    if len(labels) == 1:
        first, second = latents_of(shape, 2, seed)
        one_hot = torch.nn.functional.one_hot(torch.tensor(labels), classes).float()
        return slerp(first, second, at), one_hot.expand(count, -1)
    stops = torch.nn.functional.one_hot(torch.tensor(labels), classes).float()
    before = at.floor().long().clamp(max=len(labels) - 2)
    share = (at - before)[:, None]
    mixed = (1 - share) * stops[before] + share * stops[before + 1]
    return latents_of(shape, 1, seed).expand(count, *shape), mixed
