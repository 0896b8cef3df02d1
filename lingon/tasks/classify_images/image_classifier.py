"""The task `classify-images`: a model, its labels and the layout of the images it reads."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from torch import nn

from lingon.core.check_finite import check_finite
from lingon.core.errors import DataError, UserError
from lingon.core.eval_view import eval_view
from lingon.core.shapes import Float, Tensor
from lingon.data.batches import Batch, Images, Loader, Shuffled, Values
from lingon.data.batches.images import Augment, as_floats
from lingon.data.image_layout import ImageLayout
from lingon.data.labelled_images import ImageSplits, LabelledImages
from lingon.engine.loss import Loss
from lingon.engine.precision import in_float32
from lingon.metrics.scores import Scores
from lingon.pages.page import check_page_path
from lingon.tasks.classify.targets import SingleLabel
from lingon.tasks.classify_images.bundle_config import card, check_config
from lingon.tasks.classify_images.image_label import ImageLabel
from lingon.tasks.task import Card

AT_ONCE = 256  # images of a batch when predicting
PIXELS_AT_ONCE = AT_ONCE * 64 * 64  # of these images: the maps of larger ones would take gigabytes


class ImageClassifier:
    """A model, its labels and the layout of its images: all it takes to turn an image into a label.

    model: images [B, C, H, W] from 0 to 1 -> logits [B, classes]. targets: a list of labels, or `SingleLabel`.
    """

    name: ClassVar[str] = "classify-images"
    part_types: ClassVar[Mapping[str, type]] = {"model": nn.Module}
    config_keys: ClassVar[Sequence[str]] = ("labels", "targets", "image")

    def __init__(self, model: nn.Module, targets: Sequence[str] | SingleLabel, layout: ImageLayout):
        self.model: Any = model
        self.targets = targets if isinstance(targets, SingleLabel) else SingleLabel(targets)
        self.layout = layout

    @property
    def parts(self) -> dict[str, Any]:
        return {"model": self.model}

    @property
    def labels(self) -> list[str]:
        return self.targets.labels

    @property
    def device(self) -> torch.device:
        return next(self.model.parameters()).device

    def config(self) -> dict[str, Any]:
        """Return labels, what the targets keep, and the layout of the images, by name."""
        return {"labels": self.labels, "targets": self.targets.config(), "image": self.layout.config()}

    @classmethod
    def check_config(cls, config: Mapping[str, Any], sizes: Mapping[str, Mapping[str, Any]]) -> None:
        """Raise DataError naming the key that is wrong."""
        check_config(config, sizes)

    @classmethod
    def from_config(cls, config: Mapping[str, Any], parts: Mapping[str, Any]) -> "ImageClassifier":
        """Return the classifier of a checked configuration. Raises DataError for a model that reads no images."""
        if not hasattr(parts["model"], "features") or not hasattr(parts["model"], "head"):
            raise DataError("key 'model' names a model that reads no images; expected resnet, for example")
        targets = SingleLabel.from_config(config["labels"], config["targets"])
        return cls(parts["model"], targets, ImageLayout(**config["image"]))

    @classmethod
    def card(cls, model: str, config: Mapping[str, Any]) -> Card:
        """Return the content of the model card: the labels, and how an image is read."""
        return card(model, config)

    def numbers(self, labels: Sequence[str]) -> Tensor:
        """Return labels as class numbers [n]. Raises UserError for a label that is not known."""
        return torch.from_numpy(self.targets.numbers(labels))

    def batches(
        self, images: LabelledImages, *, batch_size: int, seed: int = 0, augment: Augment | None = None, **place: int
    ) -> Loader:
        """Return shuffled batches to train on. augment: how images are varied. place: rank and world of the process."""
        some = self._some(images, "batches", "train")
        labels = Values("labels", self.numbers(some.labels))
        columns: dict[str, Any] = {"images": Images(some.pixels, augment, seed), "labels": labels}
        return Loader(columns, Shuffled(len(some), batch_size, seed=seed), **place)

    def loss(self, model: nn.Module, batch: Batch) -> Loss:
        """Return the cross entropy of a batch, over its images."""
        return self.targets.loss(in_float32(model(batch.images)), batch.labels)

    def logits(self, pixels: np.ndarray) -> Float[Tensor, "n classes"]:
        """Return the logits of images uint8 [n, H, W, C]. Raises NotFinite for those of broken weights."""
        return check_finite(self.any_logits(self.model, pixels), "the model gave logits")

    @torch.inference_mode()
    def any_logits(self, model: nn.Module, pixels: np.ndarray) -> Float[Tensor, "n classes"]:
        """Return the logits of a model that may be trained at this moment, in float32; broken ones too."""
        view, out = eval_view(model), torch.empty(len(pixels), self.targets.outputs)
        rows = images_at_once(pixels)
        for at in range(0, len(pixels), rows):
            images = as_floats(torch.from_numpy(pixels[at : at + rows]))
            out[at : at + rows] = view(images.to(self.device)).float().cpu()
        return out

    def evaluate(self, examples: Any) -> Scores:
        """Return the metrics on labelled images; see `SingleLabel.scores`. Raises NotFinite for broken weights."""
        some = self._some(examples, "evaluate", "test")
        return self.scores_of(self.logits(some.pixels), some)

    def scores_of(self, logits: Float[Tensor, "n classes"], images: LabelledImages) -> Scores:
        """Return what `evaluate` gives, of images whose logits are known."""
        return self.targets.scores(logits, self.numbers(images.labels))

    def evaluate_with_page(
        self, examples: Any, path: Path, name: str, sections: Sequence[Mapping[str, Any]] = ()
    ) -> Scores:
        """Return what `evaluate` gives, and write it as a page, with what is confused and with images.

        name: of the model. sections: what else the page shows. Raises UserError for a path that is no .html.
        """
        from lingon.tasks.classify_images.image_report import write_evaluation

        check_page_path(path)
        some = self._some(examples, "evaluate", "test")
        logits = self.logits(some.pixels)
        write_evaluation(path, self, some, logits, name, sections)
        return self.scores_of(logits, some)

    def evaluator(self, examples: LabelledImages) -> Callable[[nn.Module], dict[str, float]]:
        """Return a function of the model that scores it on these images; broken weights give NaN."""
        some = self._some(examples, "evaluator", "valid")
        numbers = self.numbers(some.labels)
        return lambda model: self.targets.metrics_of(self.any_logits(model, some.pixels), numbers)

    def predict(self, images: Any) -> Any:
        """Return what an image shows, or each of a list of images: an `ImageLabel`.

        An image is the path of a file, or an array of uint8 [H, W], [H, W, 1] or [H, W, 3].

        >>> import lingon
        >>> lingon.load("runs/clothes").predict("photo.png").label  # doctest: +SKIP
        'coat'
        """
        single = isinstance(images, str | Path | np.ndarray)
        return self._predict([images])[0] if single else self._predict(list(images))

    def _predict(self, given: Sequence[Any]) -> list[ImageLabel]:
        if not given:
            return []
        logits = self.logits(self.pixels_of(given))
        names = [str(one) if isinstance(one, str | Path) else f"image {i}" for i, one in enumerate(given, 1)]
        rows = zip(given, self.targets.predictions(names, logits), strict=True)
        return [ImageLabel(one.text, one.label, one.probability, one.probabilities, source) for source, one in rows]

    def pixels_of(self, given: Sequence[Any]) -> np.ndarray:
        """Return paths and arrays as pixels uint8 [n, H, W, C] in the layout of the model."""
        return np.stack([self.layout.read(one) for one in given])

    def write_page(self, path: Path, found: Sequence[ImageLabel], name: str) -> Path:
        """Write a page of images with their labels and where the model looked; return its path."""
        from lingon.tasks.classify_images.predict_page import write_page

        return write_page(path, self, found, name)

    def _some(self, images: Any, method: str, part: str) -> LabelledImages:
        """Return labelled images. Raises UserError for anything else, for none, and for those of another layout."""
        if not isinstance(images, LabelledImages):
            hint = f"; give one part of it, such as splits.{part}" if isinstance(images, ImageSplits) else ""
            raise UserError(f"{method} takes LabelledImages, not {type(images).__name__}{hint}")
        if not len(images):
            raise UserError("there are no images")
        wanted = (self.layout.height, self.layout.width, self.layout.channels)
        if images.pixels.shape[1:] != wanted:
            raise UserError(f"images are of {images.pixels.shape[1:]}, and the model reads {wanted}: H, W, C")
        return images


def images_at_once(pixels: np.ndarray) -> int:
    """Return how many images of this size [n, H, W, C] are one batch when predicting."""
    _, height, width, _ = pixels.shape
    return max(1, min(AT_ONCE, PIXELS_AT_ONCE // max(1, height * width)))


TASK = ImageClassifier
