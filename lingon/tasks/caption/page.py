"""Images with their captions on a page, and where each token of a caption attended."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lingon.core.shapes import Float, Tensor
from lingon.pages.images import data_uri
from lingon.pages.page import check_page_path, render
from lingon.tasks.caption.caption import Caption

if TYPE_CHECKING:
    from lingon.tasks.caption.captioner import Captioner

SHOWN = 100  # images on a page
MOST_TOKENS = 16  # of a caption, whose attention is shown
DARKEST = 0.2  # of a place that no attention is on, as a share of its brightness
FACTS = (
    "Below a caption stands the image once for each of its tokens, the brighter where the model attended while it said "
    "the token: the mean of all layers and heads."
)


def write_captions(path: Path, captioner: "Captioner", found: Sequence[Caption], name: str) -> Path:
    """Write an .html page of images with their captions, the first ones where there are many. name: of the model.

    Raises UserError unless the path ends in .html.
    """
    items = [item(captioner, one) for one in found[:SHOWN]]
    groups = [{"title": "", "note": FACTS, "items": items}]
    return render("captions.html", check_page_path(path), {"title": f"{Path(name).name}: captions", "groups": groups})


def item(captioner: "Captioner", found: Caption, lines: Sequence[tuple[str, str]] = ()) -> dict[str, Any]:
    """Return what a page shows of a caption: the image, the text, lines beside it, and the attention by token."""
    shown = {"image": data_uri(found.pixels), "caption": found.caption, "name": found.image, "lines": list(lines)}
    if (attention := captioner.attention(found)) is not None:
        tokens, weights = attention
        pairs = list(zip(tokens, weights, strict=True))[:MOST_TOKENS]
        shown["tokens"] = [(token.strip() or token, data_uri(lit(found.pixels, own))) for token, own in pairs]
    return shown


def lit(pixels: np.ndarray, weights: Float[Tensor, "rows columns"]) -> np.ndarray:
    """Return an image [H, W, 3] that is dark where no attention was, and as it is where most of it was."""
    scale = pixels.shape[0] // weights.shape[0], pixels.shape[1] // weights.shape[1]
    own = (weights / weights.max().clamp(min=1e-9)).numpy()
    light = DARKEST + (1 - DARKEST) * np.kron(own, np.ones(scale, np.float32))
    return (pixels * light[..., None] + 0.5).astype(np.uint8)
