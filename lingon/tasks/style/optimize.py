"""Style transfer by optimization: the pixels themselves are changed until the picture has the style (Gatys 2016)."""

import time
from collections.abc import Callable
from dataclasses import astuple, dataclass

import numpy as np
import torch
import torch.nn.functional as F

from lingon.core.counted import counted
from lingon.core.errors import NotFinite, UserError, unknown
from lingon.core.progress import track
from lingon.core.shapes import Float, Tensor
from lingon.data.open_image import open_image
from lingon.models.vgg import LAYERS, VGG16, average_pool, load_vgg, max_pool
from lingon.tasks.style.losses import CONTENT_LAYER, STYLE_LAYERS, PerceptualLoss, total_variation
from lingon.tasks.style.painted import Painted
from lingon.tasks.style.pixels import as_image, as_pixels, within

HISTORY = 20  # gradients that L-BFGS remembers; each is as large as the picture
LAST = max(CONTENT_LAYER, *STYLE_LAYERS, key=LAYERS.index)  # the last layer that is computed
MARGIN = 8  # pixels that are mirrored at each edge
POOLS = {"average": average_pool, "max": max_pool}
MOST_STEPS, MOST_WEIGHT = 10_000, 1e9
OUTSIDE = 100.0  # weight of what pixels exceed black and white, which would be cut off in the end


@dataclass(frozen=True)
class TransferWeights:
    """Weights of the parts of the loss. With a larger `style` less is left of the photo."""

    style: float = 20.0
    content: float = 1.0
    total_variation: float = 1.0


@dataclass(frozen=True)
class Transfer:
    """A picture that was optimized, uint8 [H, W, 3], and the loss at each step, the first that of the photo."""

    pixels: np.ndarray
    losses: list[float]
    seconds: float

    @property
    def fall(self) -> float:
        """Return the share by which the loss fell."""
        return 1 - self.losses[-1] / self.losses[0] if self.losses[0] else 0.0


def transfer(
    photo: np.ndarray,
    style: np.ndarray,
    steps: int = 150,
    weights: TransferWeights | None = None,
    vgg: VGG16 | None = None,
) -> Transfer:
    """Return a picture with the content of a photo in a style; both are uint8 [H, W, 3], of any sizes.

    Source: Gatys, Ecker and Bethge 2016, "Image Style Transfer Using Convolutional Neural Networks". It starts from the
    photo, and L-BFGS goes `steps` times through the network and back. The last loss is that of the returned pixels.
    vgg: another network than VGG-16 with its published weights and average pooling. Raises NotFinite where the loss
    is no number.
    """
    vgg = vgg or load_vgg(last=LAST, pool=average_pool)
    loss = _loss(PerceptualLoss(vgg, as_image(style)), as_image(photo), weights or TransferWeights())
    image, start = as_image(photo).requires_grad_(), time.monotonic()
    losses = _optimize(image, loss, steps)
    pixels = as_pixels(image.detach()[0])
    with torch.no_grad():
        losses.append(float(loss(as_image(pixels))))
    return Transfer(pixels, losses, time.monotonic() - start)


def stylized(
    photo: str, style: str, size: int, steps: int, weights: TransferWeights | None = None, pooling: str = "average"
) -> Painted:
    """Return a photo painted in the style of a picture, with what is said of it.

    photo, style: files, or names such as chelsea and starry-night. size: pixels of the longer sides at most. pooling:
    average or max. Raises UserError for what is not there, and for a number that is out of its range.
    """
    weights = weights or TransferWeights()
    if pooling not in POOLS:
        raise unknown("pooling", pooling, POOLS)
    if not 1 <= steps <= MOST_STEPS:
        raise UserError(f"--steps is {steps}; expected 1 to {MOST_STEPS:,}")
    for name, value in zip(("style-weight", "content-weight", "smooth"), astuple(weights), strict=True):
        if not 0 <= value < MOST_WEIGHT:
            raise UserError(f"--{name} is {value}; expected 0 to {MOST_WEIGHT:g}")
    pixels, wanted = within(open_image(photo), size, photo), within(open_image(style), size, style)
    vgg = load_vgg(last=LAST, pool=POOLS[pooling])
    found = transfer(pixels, wanted, steps, weights, vgg)
    done = len(found.losses) - 1
    facts = [
        f"style of {style}",
        f"loss {found.losses[0]:.4g} to {found.losses[-1]:.4g}, which is {found.fall:.1%} less",
        f"{counted(done, 'step')} in {found.seconds:.1f} s, {done / found.seconds:.1f} steps/s",
    ]
    return Painted(photo, pixels, found.pixels, facts)


def _loss(
    parts: PerceptualLoss, photo: Float[Tensor, "1 3 H W"], weights: TransferWeights
) -> Callable[[Tensor], Tensor]:
    wanted = parts.wanted(_mirrored(photo))

    def loss(image: Float[Tensor, "1 3 H W"]) -> Float[Tensor, ""]:
        maps = parts.vgg(_mirrored(image))
        total = weights.style * parts.style(maps) + weights.content * parts.content(maps, wanted)
        total = total + weights.total_variation * total_variation(image)
        return (total + OUTSIDE * (image - image.clamp(0, 1)).square().mean()).sum()

    return loss


def _mirrored(image: Float[Tensor, "1 3 H W"]) -> Float[Tensor, "1 3 _H _W"]:
    """Return an image with its edges mirrored around it: zeros of convolutions beside it make garish edges."""
    return F.pad(image, [MARGIN] * 4, mode="reflect")


def _optimize(image: Tensor, loss: Callable[[Tensor], Tensor], steps: int) -> list[float]:
    """Change an image in place; return the loss of each step."""
    losses: list[float] = []
    optimizer = torch.optim.LBFGS(
        [image], max_iter=steps, max_eval=steps, history_size=HISTORY, tolerance_change=0, line_search_fn="strong_wolfe"
    )
    with track(steps, "painting", "step") as bar:

        def closure() -> Tensor:
            optimizer.zero_grad()
            found = loss(image)
            found.backward()
            losses.append(float(found.detach()))
            if not np.isfinite(losses[-1]):
                raise NotFinite(f"the loss is {losses[-1]} after {counted(len(losses), 'step')}")
            bar.advance(loss=losses[-1])
            return found

        optimizer.step(closure)
    return losses
