"""The task `detect`: a model finds the objects of an image, each with a box, a label and a score."""

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from torch import nn

from lingon.core.config_keys import want
from lingon.core.counted import counted
from lingon.core.errors import DataError, NotFinite, UserError
from lingon.core.eval_view import eval_view
from lingon.core.markdown import plain
from lingon.data.batches.images import as_floats
from lingon.data.boxed_images import BoxedImage, BoxSplits
from lingon.data.rgb_pixels import rgb_pixels
from lingon.metrics.mean_average_precision import Found, mean_average_precision
from lingon.metrics.scores import Scores
from lingon.tasks.detect.decode import Peaks, found_of, rules_of_peaks
from lingon.tasks.detect.detections import Detection, Detections
from lingon.tasks.detect.frame import Size, framed, unframed
from lingon.tasks.detect.scoring import scores_of, truths_of, unknown_labels
from lingon.tasks.detect.settings import LEAST, METRICS, MOST
from lingon.tasks.task import Card

if TYPE_CHECKING:
    from lingon.tasks.detect.settings import Settings
    from lingon.tasks.training import TrainContext, Training

AT_ONCE = 16  # images
SHOWN = 20  # labels on the card


class Detector:
    """A model, the labels of what it finds, and the size of the frame that images are fitted into.

    model: see `lingon.models.center_net`. image_size: height and width of the frame. threshold: the least score of what
    is predicted; metrics count all. Raises UserError for labels that are not different.
    """

    name: ClassVar[str] = "detect"
    part_types: ClassVar[Mapping[str, type]] = {"model": nn.Module}
    config_keys: ClassVar[Sequence[str]] = ("labels", "image_size", "threshold")

    def __init__(self, model: nn.Module, labels: Sequence[str], image_size: Size, threshold: float = 0.3):
        if not labels or len({*labels}) < len(labels):
            raise UserError(f"a detector needs different labels, not {[*labels][:5]}")
        self.model: Any = model
        self.labels, self.image_size, self.threshold = list(labels), image_size, threshold

    @property
    def parts(self) -> dict[str, Any]:
        return {"model": self.model}

    @property
    def device(self) -> torch.device:
        return next(self.model.parameters()).device

    def config(self) -> dict[str, Any]:
        """Return the labels, by number, the size of the frame and the threshold."""
        return {"labels": self.labels, "image_size": list(self.image_size), "threshold": self.threshold}

    @classmethod
    def check_config(cls, config: Mapping[str, Any], sizes: Mapping[str, Mapping[str, Any]]) -> None:
        """Raise DataError naming the key that is wrong."""
        labels = want(config, "labels", list, "a list of labels")
        texts = [label for label in labels if isinstance(label, str) and label.isprintable()]
        if not labels or len(texts) < len(labels) or len({*texts}) < len(texts):
            raise DataError("key 'labels' must hold different printable labels, one or more")
        count = sizes["model"].get("classes")
        if type(count) is int and count != len(labels):
            raise DataError(f"{counted(len(labels), 'label')} for a model of {count}; keys 'labels' and 'classes'")
        size = want(config, "image_size", list, "height and width")
        if len(size) != 2 or not all(type(side) is int and LEAST <= side <= MOST and side % 4 == 0 for side in size):
            raise DataError(f"key 'image_size' is {str(size)[:40]}, expected two multiples of 4 from {LEAST} to {MOST}")
        threshold = config.get("threshold")
        if not isinstance(threshold, int | float) or isinstance(threshold, bool) or not 0 <= threshold <= 1:
            raise DataError(f"key 'threshold' is {str(threshold)[:40]!r}, expected a number from 0 to 1")

    @classmethod
    def from_config(cls, config: Mapping[str, Any], parts: Mapping[str, Any]) -> "Detector":
        """Return the detector of a checked configuration. Raises DataError for a model that is not a detector."""
        if not hasattr(parts["model"], "centers"):
            raise DataError("key 'model' names a model that finds no objects; expected center_net")
        height, width = config["image_size"]
        return cls(parts["model"], config["labels"], (height, width), float(config["threshold"]))

    @classmethod
    def card(cls, model: str, config: Mapping[str, Any]) -> Card:
        """Return the content of the model card: labels and sizes."""
        names, (height, width) = config["labels"], config["image_size"]
        more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        facts = [
            f"- **Labels**: {', '.join(map(plain, names[:SHOWN]))}{more}.",
            f"- **Reads** images of any size, scaled into {height} x {width} pixels.",
            f"- **Shows** boxes with a score of {config['threshold']:g} or more.",
        ]
        return Card(f"# {model}: objects in images", "A detector of objects,", facts, '.predict(["photo.jpg"])')

    @classmethod
    def prepare(cls, data: BoxSplits, settings: "Settings", context: "TrainContext") -> "Training":
        """Return a detector that is ready to be trained; see `lingon.tasks.detect.prepare`."""
        from lingon.tasks.detect.prepare import prepare

        return prepare(data, settings, context)

    def frames(self, images: Sequence[BoxedImage]) -> np.ndarray:
        """Return images in the detector's frame, uint8 [N, H, W, 3]. Raises DataError for a file that is no image."""
        found = np.empty((len(images), *self.image_size, 3), np.uint8)
        for i, image in enumerate(images):
            found[i] = framed(image.pixels(), self.image_size)
        return found

    def found(self, frames: np.ndarray, sizes: Sequence[Size]) -> list[Found]:
        """Return what is found in frames [N, H, W, 3], in pixels of the images, which have these sizes.

        All boxes with a score of 0.01 or more. Raises NotFinite for broken weights.
        """
        return self.found_with(self.model, frames, sizes)

    @torch.inference_mode()
    def found_with(self, model: nn.Module, frames: np.ndarray, sizes: Sequence[Size]) -> list[Found]:
        """Return what `found` gives with the weights of a model that may be trained at this moment."""
        view, out = eval_view(model), []
        for start in range(0, len(frames), AT_ONCE):
            out += found_of(view(as_floats(torch.from_numpy(frames[start : start + AT_ONCE])).to(self.device)))
        return [self._in_image(one, size) for one, size in zip(out, sizes, strict=True)]

    def _in_image(self, found: Found, size: Size) -> Found:
        """What was found in a frame, in pixels of the image; what lies beside the image is nothing."""
        boxes = unframed(found.boxes, size, self.image_size)
        inside = np.flatnonzero((boxes[:, 2:] - boxes[:, :2]).min(1, initial=np.inf) >= 1)
        return Found(boxes[inside], found.scores[inside], found.labels[inside])

    def found_in(self, images: Sequence[BoxedImage]) -> list[Found]:
        """Return what is found in images with boxes, whose boxes are not looked at."""
        groups = (images[start : start + AT_ONCE] for start in range(0, len(images), AT_ONCE))
        return [one for group in groups for one in self.found(self.frames(group), [image.size for image in group])]

    def evaluate(self, examples: Any) -> Scores:
        """Return the metrics of COCO (see `lingon.metrics.mean_average_precision`), with a table of the classes.

        A label that the detector does not know is a class of which nothing is found. Raises UserError for what are no
        images with boxes, and where there is no box.
        """
        some = _some(examples, "evaluate", "test")
        return scores_of(truths_of(some, self.labels), self.found_in(some), self.all_labels(some))

    def evaluate_with_page(
        self, examples: Any, path: Path, name: str, sections: Sequence[Mapping[str, Any]] = ()
    ) -> Scores:
        """Return what `evaluate` gives, and write an .html page of images with what was found, missed and wrong."""
        from lingon.tasks.detect.held_out import HeldOut
        from lingon.tasks.detect.page import write_judged_page

        held_out = HeldOut(self, _some(examples, "evaluate", "test"))
        write_judged_page(path, held_out, name)
        return held_out.scores()

    def all_labels(self, images: Sequence[BoxedImage]) -> list[str]:
        """Return the labels of the detector, and behind them those that only these images have."""
        return [*self.labels, *unknown_labels(images, self.labels)]

    def evaluator(self, examples: Any) -> Callable[[nn.Module], dict[str, float]]:
        """Return a function of the model that scores it on these images, of all sizes of boxes together.

        Broken weights give NaN here: a model that is being trained may recover.
        """
        some = _some(examples, "evaluator", "valid")
        frames, sizes, truths = self.frames(some), [image.size for image in some], truths_of(some, self.labels)
        classes = len(self.all_labels(some))

        def evaluate(model: nn.Module) -> dict[str, float]:
            try:
                found = self.found_with(model, frames, sizes)
            except NotFinite:
                return dict.fromkeys((*METRICS, "recall"), math.nan)
            return mean_average_precision(truths, found, classes, ("all",))

        return evaluate

    def predict(self, images: Any) -> Any:
        """Return the objects of an image, or of each of a list of images: `Detections`.

        An image is a path, or pixels uint8 [H, W, 3] (RGB). Raises DataError for a file that is not an image.

        >>> import lingon
        >>> lingon.load("runs/detect").predict("photo.jpg").objects[0].label  # doctest: +SKIP
        'cat'
        """
        single = isinstance(images, str | Path) or (isinstance(images, np.ndarray) and images.ndim == 3)
        return self._predict([images])[0] if single else self._predict(list(images))

    def _predict(self, given: Sequence[Any]) -> list[Detections]:
        out = []
        for start in range(0, len(given), AT_ONCE):
            group = given[start : start + AT_ONCE]
            frames, sizes = zip(*map(self._read, group), strict=True)
            for one, size, found in zip(group, sizes, self.found(np.stack(frames), sizes), strict=True):
                out.append(self._named(one, size, found))
        return out

    def _read(self, image: Any) -> tuple[np.ndarray, Size]:
        """An image in the frame, and the size it has; of large photos only one is in memory at a time."""
        pixels = rgb_pixels(image)
        return framed(pixels, self.image_size), (pixels.shape[0], pixels.shape[1])

    def _named(self, given: Any, size: Size, found: Found) -> Detections:
        rows = np.flatnonzero(found.scores >= self.threshold)
        objects = [
            Detection(
                self.labels[found.labels[i]],
                round(float(found.scores[i]), 4),
                tuple(round(side, 1) for side in found.boxes[i].tolist()),  # type: ignore[arg-type]
            )
            for i in rows
        ]
        if isinstance(given, np.ndarray):
            return Detections("pixels", size, objects, given)
        return Detections(str(given), size, objects, Path(given))

    def graph(self) -> nn.Module:
        """Return the module that is exported: images in the frame -> boxes, scores and numbers of classes."""
        return Peaks(self.model)

    def rules(self) -> dict[str, Any]:
        """Return, by name, how an image gets into the frame, and which of the exported boxes are objects."""
        return rules_of_peaks(self.image_size, self.threshold)

    def write_page(self, path: Path, found: Sequence[Detections], name: str) -> Path:
        """Write a page that shows images with the boxes that were found in them; return its path."""
        from lingon.tasks.detect.page import write_page

        return write_page(path, found, name)


def _some(images: Any, method: str, part: str) -> list[BoxedImage]:
    """Return the images. Raises UserError for anything but a list of them with a box in one."""
    if isinstance(images, BoxSplits) or not all(isinstance(image, BoxedImage) for image in images):
        hint = f"; give one part of it, such as splits.{part}" if isinstance(images, BoxSplits) else ""
        raise UserError(f"{method} takes a list of images with boxes, not {type(images).__name__}{hint}")
    if not any(len(image) for image in images):
        raise UserError("these images have no boxes")
    return list(images)


TASK = Detector
