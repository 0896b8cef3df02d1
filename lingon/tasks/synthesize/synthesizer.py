"""The task `synthesize`: a generator makes images of a label, and a judge says how unlike they are to real ones."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from torch import nn

from lingon.core.config_keys import want
from lingon.core.counted import counted
from lingon.core.errors import DataError, UserError
from lingon.core.markdown import plain
from lingon.data.batches import Images, Loader, Noise, Shuffled
from lingon.data.image_layout import ImageLayout
from lingon.data.labelled_images import ImageSplits, LabelledImages
from lingon.metrics.scores import Scores
from lingon.tasks.synthesize.sampling import latents_of, numbers_of, sampled, sampling_options, walk_inputs
from lingon.tasks.synthesize.scoring import scores_of
from lingon.tasks.task import Card

if TYPE_CHECKING:
    from lingon.tasks.synthesize.settings import Settings
    from lingon.tasks.training import TrainContext, Training

__all__ = ["TASK", "Synthesizer"]

SHOWN = 20  # labels on the card
OF_EACH = 8  # images of each label, where no number is given
MOST = 100_000  # images at a time
WALK = 12  # images of a walk, where no number is given


class Synthesizer:
    """A generator of images, the labels that it knows, and the judge of what it makes.

    model: see `lingon.models.image_generator`. judge: a module with `features(images) -> [B, D]`, whose call gives the
    logits of the labels. Raises UserError for labels that are not different or not printable.
    """

    name: ClassVar[str] = "synthesize"
    part_types: ClassVar[Mapping[str, type]] = {"model": nn.Module, "judge": nn.Module}
    config_keys: ClassVar[Sequence[str]] = ("labels",)

    def __init__(self, model: nn.Module, judge: nn.Module, labels: Sequence[str]):
        if not labels or len({*labels}) < len(labels) or not all(label.isprintable() for label in labels):
            raise UserError(f"an image generator needs different printable labels, not {[*labels][:5]}")
        self.model: Any = model
        self.judge: Any = judge
        self.labels = list(labels)

    @property
    def parts(self) -> dict[str, Any]:
        return {"model": self.model, "judge": self.judge}

    @property
    def device(self) -> torch.device:
        return next(self.model.parameters()).device

    @property
    def layout(self) -> ImageLayout:
        """The size and the channels of its images."""
        channels, height, width = self.model.image_shape
        return ImageLayout(height, width, channels)

    def config(self) -> dict[str, Any]:
        """Return the labels, by name."""
        return {"labels": self.labels}

    @classmethod
    def check_config(cls, config: Mapping[str, Any], sizes: Mapping[str, Mapping[str, Any]]) -> None:
        """Raise DataError naming the key that is wrong."""
        names = want(config, "labels", list, "a list of names")
        texts = [name for name in names if isinstance(name, str) and name.isprintable()]
        if not names or len({*texts}) < len(names):
            raise DataError("key 'labels' must hold different printable names, one or more")
        for part in ("model", "judge"):
            count = sizes[part].get("classes")
            if type(count) is int and count != len(names):
                raise DataError(f"{counted(len(names), 'label')} for a {part} of {count}; keys 'labels' and 'classes'")

    @classmethod
    def from_config(cls, config: Mapping[str, Any], parts: Mapping[str, Any]) -> "Synthesizer":
        """Return the generator of a checked configuration. Raises DataError for parts that are none."""
        for part, method in (("model", "sample"), ("judge", "features")):
            if not hasattr(parts[part], method):
                raise DataError(f"key {part!r} names a model that has no {method!r}, which an image generator needs")
        return cls(parts["model"], parts["judge"], config["labels"])

    @classmethod
    def card(cls, model: str, config: Mapping[str, Any]) -> Card:
        """Return the content of the model card: the labels, and whose images these are like."""
        names = config["labels"]
        more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        facts = [
            f"- **Labels**: {', '.join(map(plain, names[:SHOWN]))}{more}.",
            "- **Images** are made by a model; they are like those it was trained on, and show nothing that exists.",
        ]
        return Card(f"# {model}: images", "A generator of images,", facts, ".generate(4).shape")

    @classmethod
    def prepare(cls, data: ImageSplits, settings: "Settings", context: "TrainContext") -> "Training":
        """Return a generator that is ready to be trained; see `lingon.tasks.synthesize.prepare`."""
        from lingon.tasks.synthesize.prepare import prepare

        return prepare(data, settings, context)

    def batches(self, images: LabelledImages, batch_size: int, seed: int, rank: int = 0, world: int = 1) -> Loader:
        """Return shuffled batches to train on: images, labels, and the random numbers that the model takes."""
        count = len(images)
        columns: dict[str, Any] = {
            "images": Images(images.pixels),
            "labels": torch.tensor(numbers_of(images.labels, self.labels)),
        }
        for name, draw in self.model.draws.items():
            columns[name] = Noise(name, count, draw.shape, draw.distribution, seed)
        return Loader(columns, Shuffled(count, batch_size, seed), rank, world)

    def generate(
        self,
        count: int | None = None,
        labels: Sequence[str] | str | None = None,
        seed: int = 0,
        guidance: float | None = None,
        steps: int | None = None,
    ) -> np.ndarray:
        """Return images, uint8 [N, H, W, C], with labels that take turns; the same for the same seed.

        count: 8 of each label by default. labels: all by default. guidance, steps: of a diffusion model; its own by
        default. Raises UserError for a label that is not known, and for a number that is out of range.

        >>> import lingon
        >>> lingon.load("runs/synthesize").generate(4, "coat").shape  # doctest: +SKIP
        (4, 28, 28, 1)
        """
        turns = self._numbers(labels)
        count = OF_EACH * len(turns) if count is None else _checked(count)
        numbers = [turns[i % len(turns)] for i in range(count)]
        return self._sampled(self.model, numbers, seed, guidance=guidance, steps=steps)

    def walk(
        self,
        count: int | None = None,
        labels: Sequence[str] | str | None = None,
        seed: int = 0,
        guidance: float | None = None,
        steps: int | None = None,
    ) -> np.ndarray:
        """Return the images of a walk, uint8 [N, H, W, C]: between two samples of one label, or from label to label.

        count: 12 by default, or three for each label. labels: all by default; several are walked through with one
        latent. Raises UserError as `generate` does, and for a model without latents.
        """
        turns = self._numbers(labels)
        count = max(WALK, 3 * (len(turns) - 1) + 1) if count is None else _checked(count, 2)
        options = sampling_options(self.model, {"guidance": guidance, "steps": steps})
        inputs = walk_inputs(self._latent_shape("a walk"), turns, len(self.labels), count, seed)
        return sampled(self.model, *inputs, options)

    def _numbers(self, labels: Sequence[str] | str | None) -> list[int]:
        asked = [labels] if isinstance(labels, str) else list(labels or self.labels)
        return numbers_of(asked, self.labels)

    def _latent_shape(self, what: str) -> tuple[int, ...]:
        shape = getattr(self.model, "latent_shape", None)
        if shape is None:
            raise UserError(f"{what} takes a model with latents, which this one has not; leave --walk out")
        return shape

    def _sampled(self, model: nn.Module, numbers: Sequence[int], seed: int, **given: Any) -> np.ndarray:
        options = sampling_options(self.model, given)
        latents = latents_of(self._latent_shape("an image"), len(numbers), seed)
        one_hot = nn.functional.one_hot(torch.tensor(numbers), len(self.labels)).float()
        return sampled(model, latents, one_hot, options)

    def evaluate(self, examples: Any) -> Scores:
        """Return the Frechet distance of made to real images, beside that of two halves of the real ones.

        See `lingon.tasks.synthesize.scoring`. Raises UserError for images of another size or with unknown labels, and
        for fewer than 8.
        """
        self._check(examples)
        make = lambda labels: self._sampled(self.model, numbers_of(labels, self.labels), 0)
        return scores_of(self.judge, examples, make, self.labels)

    def evaluator(self, examples: Any, most: int) -> Callable[[nn.Module], dict[str, float]]:
        """Return a function of the model that gives the Frechet distance of at most so many images to these."""
        from lingon.tasks.synthesize.validation import evaluator

        self._check(examples)
        return evaluator(self.judge, examples, most, lambda model, labels: self._sampled(
            model, numbers_of(labels, self.labels), 0
        ))  # fmt: skip

    def _check(self, examples: Any) -> None:
        if not isinstance(examples, LabelledImages):
            raise UserError(f"an image generator is compared with images with labels, not {type(examples).__name__}")
        layout, shape = self.layout, examples.pixels.shape[1:]
        if shape != (layout.height, layout.width, layout.channels):
            made = f"{layout.height} x {layout.width} x {layout.channels}"
            raise UserError(f"these images are {' x '.join(map(str, shape))}; the generator makes {made}")
        numbers_of(sorted(set(examples.labels)), self.labels)


def _checked(count: int, least: int = 1) -> int:
    if not least <= count <= MOST:
        raise UserError(f"--count is {count}, expected {least} to {MOST:,} images")
    return count


TASK = Synthesizer
