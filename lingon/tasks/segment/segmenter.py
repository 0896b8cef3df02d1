"""The task `segment`: a model gives each pixel of an image a class."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from torch import nn

from lingon.core.check_finite import check_finite
from lingon.core.config_keys import want
from lingon.core.counted import counted
from lingon.core.errors import DataError, NotFinite, UserError
from lingon.core.eval_view import eval_view
from lingon.core.markdown import plain
from lingon.core.shapes import Float, Tensor
from lingon.data.batches import Loader, Shuffled
from lingon.data.batches.images import Augment, as_floats
from lingon.data.batches.masks import ImagesWithMasks
from lingon.data.files.images import resize_image
from lingon.data.masked_images import MaskedImages, MaskedSplits
from lingon.data.rgb_pixels import rgb_pixels
from lingon.metrics.scores import Scores
from lingon.metrics.segmentation import mask_confusion
from lingon.tasks.segment.enlarge import LARGEST_SIDE, enlarged_mask
from lingon.tasks.segment.objective import as_masks
from lingon.tasks.segment.scoring import scores_of
from lingon.tasks.segment.segmented import Segmented
from lingon.tasks.segment.settings import METRICS
from lingon.tasks.task import Card

if TYPE_CHECKING:
    from lingon.tasks.segment.settings import Settings
    from lingon.tasks.training import TrainContext, Training

AT_ONCE = 16  # images in a batch of prediction
LARGEST_SIZE = 4_096  # pixels


class Segmenter:
    """A model, and the names of the classes that a pixel can have.

    model: images [B, 3, H, W] -> logits [B, C, H, W]. classes: C different names. size: the height and width, in
    pixels, that an image is stretched to before the model reads it. Raises UserError for names that are not different.
    """

    name: ClassVar[str] = "segment"
    part_types: ClassVar[Mapping[str, type]] = {"model": nn.Module}
    config_keys: ClassVar[Sequence[str]] = ("classes", "size")
    image_endings: ClassVar[Sequence[str]] = (".png",)  # of the file that a prediction is saved as

    def __init__(self, model: nn.Module, classes: Sequence[str], size: int):
        if len(classes) < 2 or len({*classes}) < len(classes):
            raise UserError(f"a segmenter needs two or more different classes, not {[*classes][:5]}")
        self.model: Any = model
        self.classes, self.size = list(classes), size

    @property
    def parts(self) -> dict[str, Any]:
        return {"model": self.model}

    @property
    def device(self) -> torch.device:
        return next(self.model.parameters()).device

    def config(self) -> dict[str, Any]:
        """Return the classes, by name, and the size of images."""
        return {"classes": self.classes, "size": self.size}

    @classmethod
    def check_config(cls, config: Mapping[str, Any], sizes: Mapping[str, Mapping[str, Any]]) -> None:
        """Raise DataError naming the key that is wrong."""
        names = want(config, "classes", list, "a list of names")
        texts = {name for name in names if isinstance(name, str) and name.isprintable()}
        if len(names) < 2 or len(texts) < len(names):
            raise DataError("key 'classes' must hold different printable names, two or more")
        count = sizes["model"].get("classes")
        if type(count) is int and count != len(names):
            raise DataError(f"{counted(len(names), 'class')} for a model of {count}; keys 'classes'")
        if not 1 <= want(config, "size", int, "a number of pixels") <= LARGEST_SIZE:
            raise DataError(f"key 'size' is {config['size']}, expected 1 to {LARGEST_SIZE} pixels")

    @classmethod
    def from_config(cls, config: Mapping[str, Any], parts: Mapping[str, Any]) -> "Segmenter":
        """Return the segmenter of a checked configuration."""
        return cls(parts["model"], config["classes"], config["size"])

    @classmethod
    def card(cls, model: str, config: Mapping[str, Any]) -> Card:
        """Return the content of the model card: the classes, and the size that images have."""
        facts = [
            f"- **Classes**: {', '.join(map(plain, config['classes']))}.",
            f"- **Reads** images, stretched to {config['size']} x {config['size']} pixels.",
        ]
        return Card(f"# {model}: a class for each pixel", "A segmenter,", facts, '.predict("photo.png").mask')

    @classmethod
    def prepare(cls, data: MaskedSplits, settings: "Settings", context: "TrainContext") -> "Training":
        """Return a segmenter that is ready to be trained; see `lingon.tasks.segment.prepare`."""
        from lingon.tasks.segment.prepare import prepare

        return prepare(data, settings, context)

    def batches(
        self,
        images: MaskedImages,
        batch_size: int = 32,
        moves: Augment | None = None,
        seed: int = 0,
        rank: int = 0,
        world: int = 1,
    ) -> Loader:
        """Return shuffled batches to train on. moves: the augmentation of images and masks together."""
        column = ImagesWithMasks(images.pixels, images.masks, moves, seed)
        return Loader({"images": column}, Shuffled(len(images), batch_size, seed), rank=rank, world=world)

    def masks(self, pixels: np.ndarray) -> np.ndarray:
        """Return the class of each pixel, uint8 [N, H, W], of images uint8 [N, H, W, 3] in the size of the model."""
        return self.masks_with(self.model, pixels)

    def masks_with(self, model: nn.Module, pixels: np.ndarray) -> np.ndarray:
        """Return what `masks` gives with the weights of a model that may be trained at this moment."""
        found = [as_masks(logits).cpu().numpy() for logits in self._logits(model, pixels)]
        return np.concatenate(found) if found else np.zeros(pixels.shape[:3], np.uint8)

    def _logits(self, model: nn.Module, pixels: np.ndarray) -> Iterator[Float[Tensor, "B C H W"]]:
        """Yield the logits of a few images at a time. Raises NotFinite for those of broken weights."""
        view = eval_view(model)
        with torch.inference_mode():
            for start in range(0, len(pixels), AT_ONCE):
                images = as_floats(torch.from_numpy(pixels[start : start + AT_ONCE])).to(self.device)
                logits = view(images).float()
                check_finite(logits, "the segmenter gave logits")
                yield logits

    def evaluate(self, examples: Any) -> Scores:
        """Return mIoU, Dice and pixel accuracy over all pixels of the images together, in the size of the model.

        A class that no pixel is and none is found to be is left out of the means. Raises UserError for what are no
        images with masks, for images of another size, and for other classes.
        """
        return scores_of(self.confusion(self.model, examples), self.classes)

    def confusion(self, model: nn.Module, examples: Any) -> np.ndarray:
        """Return how many pixels of each class (rows) are taken for which (columns)."""
        images = self.checked(examples)
        return mask_confusion(self.masks_with(model, images.pixels), images.masks, len(self.classes))

    def checked(self, examples: Any) -> MaskedImages:
        """Return images with masks that this task can be evaluated on. Raises UserError for all else."""
        if not isinstance(examples, MaskedImages) or not len(examples):
            hint = "; give one part of it, such as splits.test" if isinstance(examples, MaskedSplits) else ""
            raise UserError(f"evaluate takes images with masks, one or more, not {type(examples).__name__}{hint}")
        if examples.classes != self.classes:
            raise UserError(f"the classes are {examples.classes[:5]} ..., the model's are {self.classes[:5]} ...")
        return examples

    def evaluator(self, examples: Any) -> Callable[[nn.Module], dict[str, float]]:
        """Return a function of the model that scores it on these images.

        Broken weights give NaN here: a model that is being trained may recover.
        """
        images = self.checked(examples)

        def evaluate(model: nn.Module) -> dict[str, float]:
            try:
                return dict(scores_of(self.confusion(model, images), self.classes))
            except NotFinite:
                return dict.fromkeys(METRICS, math.nan)

        return evaluate

    def predict(self, images: Any) -> Any:
        """Return the classes of the pixels of an image, or of each of a list of images: a `Segmented`.

        An image is the path of a file, or its pixels, uint8 [H, W, 3]; the mask has its size.

        >>> import lingon
        >>> lingon.load("runs/segment").predict("photo.png").mask.shape  # doctest: +SKIP
        (480, 640)
        """
        single = isinstance(images, str | Path) or (isinstance(images, np.ndarray) and images.ndim == 3)
        given = [images] if single else list(images)
        found = [self._predict(one, f"image {i}") for i, one in enumerate(given, 1)]
        return found[0] if single else found

    def _predict(self, given: Any, name: str) -> Segmented:
        pixels = rgb_pixels(given, name if isinstance(given, np.ndarray) else None)
        small = resize_image(pixels, self.size, self.size)[None]
        logits = next(self._logits(self.model, small))[0]
        mask = enlarged_mask(logits, *pixels.shape[:2])
        return Segmented(name if isinstance(given, np.ndarray) else str(given), mask, self.classes, given)

    def rules(self) -> dict[str, Any]:
        """Return, by name, how an image gets into the size of the model, and its mask back, for other programs."""
        image = {"height": self.size, "width": self.size, "fit": "stretch"}
        return {"image": image, "largest_side": LARGEST_SIDE}

    def write_page(self, path: Path, found: Sequence[Segmented], name: str) -> Path:
        """Write a page that shows images with their masks laid over them; return its path."""
        from lingon.tasks.segment.page import write_page

        return write_page(path, found, name)

    def evaluate_with_page(
        self, examples: Any, path: Path, name: str, sections: Sequence[Mapping[str, Any]] = ()
    ) -> Scores:
        """Return what `evaluate` gives, and write a page with the best and the worst images."""
        from lingon.pages.page import check_page_path
        from lingon.tasks.segment.held_out import HeldOut
        from lingon.tasks.segment.report import write_evaluation

        held_out = HeldOut(self, self.checked(examples))
        write_evaluation(check_page_path(path), held_out, name)
        return held_out.scores()


TASK = Segmenter
