"""The task `style`: a network that paints any photo in the one style that it was trained on."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from torch import nn

from lingon.core.check_finite import check_finite
from lingon.core.config_keys import want
from lingon.core.errors import DataError, UserError
from lingon.core.eval_view import eval_view
from lingon.core.markdown import plain
from lingon.data.files.images import png_bytes, read_image
from lingon.data.image_collection import ImageCollection
from lingon.data.open_image import open_image
from lingon.metrics.scores import Scores
from lingon.tasks.style.painted import Painted, write_page
from lingon.tasks.style.pixels import as_image, as_pixels, within
from lingon.tasks.task import Card

if TYPE_CHECKING:
    from lingon.tasks.style.settings import Settings
    from lingon.tasks.training import TrainContext, Training

USUAL_SIZE = 1_024  # pixels of the longer side at most, where nothing else is asked for
MOST_TEXT = 4 << 20  # characters of the style in config.json


class Stylizer:
    """A network that paints photos, and the style that it was trained on.

    model: see `lingon.models.style_network`. style_name: of the picture with the style. style: that picture, uint8
    [H, W, 3], by which the task is evaluated; None where it is not known, as of published networks.
    """

    name: ClassVar[str] = "style"
    part_types: ClassVar[Mapping[str, type]] = {"model": nn.Module}
    config_keys: ClassVar[Sequence[str]] = ("style_name", "style")

    def __init__(self, model: nn.Module, style_name: str, style: np.ndarray | None = None):
        self.model: Any = model
        self.style_name, self.style = style_name, style

    @property
    def parts(self) -> dict[str, Any]:
        return {"model": self.model}

    @property
    def device(self) -> torch.device:
        return next(self.model.parameters()).device

    def config(self) -> dict[str, Any]:
        """Return the style: its name, and its picture as a PNG in base64."""
        picture = None if self.style is None else base64.b64encode(png_bytes(self.style)).decode("ascii")
        return {"style_name": self.style_name, "style": picture}

    @classmethod
    def check_config(cls, config: Mapping[str, Any], sizes: Mapping[str, Mapping[str, Any]]) -> None:
        """Raise DataError naming the key that is wrong."""
        name = want(config, "style_name", str, "a name")
        if not name.isprintable() or len(name) > 1000:
            raise DataError("key 'style_name' must be a printable name")
        _style_of(config)

    @classmethod
    def from_config(cls, config: Mapping[str, Any], parts: Mapping[str, Any]) -> "Stylizer":
        """Return the task of a checked configuration. Raises DataError for a model that paints nothing."""
        if not hasattr(parts["model"], "blocks"):
            raise DataError("key 'model' names a model that paints no pictures; expected style_network")
        return cls(parts["model"], config["style_name"], _style_of(config))

    @classmethod
    def card(cls, model: str, config: Mapping[str, Any]) -> Card:
        """Return the content of the model card: the style."""
        facts = [f"- **Style**: {plain(config['style_name'])}.", "- **Reads** a photo of any size."]
        return Card(
            f"# {model}: pictures in a style", "A style network,", facts, '.predict("photo.jpg").save("out.png")'
        )

    @classmethod
    def prepare(cls, data: ImageCollection, settings: "Settings", context: "TrainContext") -> "Training":
        """Return a stylizer that is ready to be trained; see `lingon.tasks.style.prepare`."""
        from lingon.tasks.style.prepare import prepare

        return prepare(data, settings, context)

    def predict(self, photos: Any, size: int = USUAL_SIZE) -> Any:
        """Return how a photo is painted, or each of a list of photos: a `Painted`.

        photos: paths, names of pictures such as chelsea, or pixels uint8 [H, W, 3]. size: pixels of the longer side at
        most. Raises UserError for one that is not there, or has a side of fewer than 16 pixels; DataError for a file
        that is not an image.

        >>> import lingon
        >>> lingon.load("runs/style").predict("photo.jpg").save("out.png")  # doctest: +SKIP
        """
        single = isinstance(photos, str | Path | np.ndarray)
        found = [self._paint(one, size) for one in ([photos] if single else photos)]
        return found[0] if single else found

    @torch.inference_mode()
    def _paint(self, photo: Any, size: int) -> Painted:
        name = "photo" if isinstance(photo, np.ndarray) else str(photo)
        pixels = within(open_image(photo), size, name)
        found = eval_view(self.model)(as_image(pixels).to(self.device))[0]
        check_finite(found, "the style network gave colours")
        return Painted(name, pixels, as_pixels(found.cpu()), [f"Style: {self.style_name}"])

    def evaluate(self, examples: Any) -> Scores:
        """Return style, content and loss: distances to the style and to the photos, of each at its own size.

        examples: photos by name, as `lingon.data.open_image.open_images` gives them. Raises UserError where there are
        none, and for a network whose style is not known.
        """
        from lingon.tasks.style.scoring import scores_of

        if not isinstance(examples, Mapping) or not examples:
            raise UserError("evaluate takes photos by name, one or more, such as open_images('photos')")
        if self.style is None:
            raise UserError(f"{self.style_name} was published without its painting, so its distance is not known")
        return scores_of(self.model, self.style, list(examples.values()))

    def write_page(self, path: Path, found: Sequence[Painted], name: str) -> Path:
        """Write a page with a slider between each photo and its picture; return its path."""
        return write_page(path, found, Path(name).name)


def _style_of(config: Mapping[str, Any]) -> np.ndarray | None:
    """Return the picture of the style. Raises DataError for what is none."""
    text = config.get("style")
    if text is None:
        return None
    if not isinstance(text, str) or len(text) > MOST_TEXT:
        raise DataError("key 'style' must be a PNG in base64, or null")
    try:
        return read_image(base64.b64decode(text, validate=True), name="key 'style'")
    except binascii.Error:
        raise DataError("key 'style' must be a PNG in base64, or null") from None


TASK = Stylizer
