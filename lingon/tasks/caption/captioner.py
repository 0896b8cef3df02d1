"""The task `caption`: a model and its tokenizer say what an image shows."""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from torch import nn

from lingon.core.config_keys import want
from lingon.core.errors import DataError, UserError
from lingon.core.shapes import Float, Int, Tensor
from lingon.data.batches.images import as_floats
from lingon.data.captioned_images import CaptionedImages, CaptionSplits
from lingon.data.files.images import fit_image
from lingon.data.rgb_pixels import rgb_pixels
from lingon.data.tokenizers import Tokenizer
from lingon.data.tokenizers.special_tokens import unknown_id
from lingon.engine.loss import Loss
from lingon.metrics.scores import Scores
from lingon.models.captioner import ImageDecoder
from lingon.tasks.caption import scoring
from lingon.tasks.caption.caption import Caption
from lingon.tasks.caption.decoder import ImageSource
from lingon.tasks.caption.generate import generate
from lingon.tasks.caption.objective import caption_loss
from lingon.tasks.caption.params import CaptionParams
from lingon.tasks.one_or_many import one_or_many
from lingon.tasks.task import Card

if TYPE_CHECKING:
    from lingon.data.batches import Batch
    from lingon.tasks.caption.settings import Settings
    from lingon.tasks.training import TrainContext, Training


class Captioner:
    """Hold a model that decodes images, and the tokenizer of captions, which puts the end token behind a text.

    model: a `lingon.models.captioner.ImageDecoder`. language: of the captions, a code, where it is known.

    >>> import lingon
    >>> captioner = lingon.load("runs/caption")  # doctest: +SKIP
    >>> print(captioner.predict(["photo.png"])[0])  # doctest: +SKIP
    """

    name: ClassVar[str] = "caption"
    part_types: ClassVar[Mapping[str, type]] = {"model": nn.Module, "tokenizer": Tokenizer}
    config_keys: ClassVar[Sequence[str]] = ("language",)

    def __init__(self, model: nn.Module, tokenizer: Tokenizer, language: str | None = None):
        self.model: Any = model
        self.tokenizer, self.language = tokenizer, language
        self.params = CaptionParams()  # of a caption by default

    @property
    def parts(self) -> dict[str, Any]:
        return {"model": self.model, "tokenizer": self.tokenizer}

    def config(self) -> dict[str, Any]:
        """Return the language, by name."""
        return {"language": self.language}

    @classmethod
    def check_config(cls, config: Mapping[str, Any], sizes: Mapping[str, Mapping[str, Any]]) -> None:
        """Raise DataError unless the language is a short code, or not known."""
        if config.get("language") is not None:
            code = want(config, "language", str, "the code of a language, such as en")
            if not (code.isalnum() and len(code) <= 8):
                raise DataError(f"key 'language' is {code[:20]!r}, expected the code of a language, such as en")

    @classmethod
    def from_config(cls, config: Mapping[str, Any], parts: Mapping[str, Any]) -> "Captioner":
        """Return the captioner of a checked configuration. Raises DataError for parts that do not fit."""
        model: Any = parts["model"]
        tokenizer = parts["tokenizer"]
        if not isinstance(model, ImageDecoder):
            raise DataError("key 'model' names a model that reads no images; expected caption_transformer")
        if len(tokenizer.vocab) > (rows := parts["model"].config()["vocab_size"]):
            raise DataError(f"the tokenizer has {len(tokenizer.vocab):,} tokens, the model was made for {rows:,}")
        return cls(parts["model"], tokenizer, config.get("language"))

    @classmethod
    def card(cls, model: str, config: Mapping[str, Any]) -> Card:
        """Return the model card of a captioner."""
        facts = [f"- **Language**: {config['language']}."] if config.get("language") else []
        facts.append("- **Limits**: it names what it was trained on; of other pictures it says what is likely there.")
        return Card(f"# {model}: captions of images", "A captioner", facts, '.predict(["photo.png"])')

    @classmethod
    def prepare(cls, data: CaptionSplits, settings: "Settings", context: "TrainContext") -> "Training":
        """Return a captioner that is ready to be trained; see `lingon.tasks.caption.prepare`."""
        from lingon.tasks.caption.prepare import prepare

        return prepare(data, settings, context)

    def loss(self, model: nn.Module, batch: "Batch") -> Loss:
        """Return the loss of a batch of captions; see `lingon.tasks.caption.objective`."""
        return caption_loss(model, batch)

    @property
    def device(self) -> torch.device:
        return next(self.model.parameters()).device

    @property
    def size(self) -> int:
        """Return the height and width of the images that the model reads, in pixels."""
        return self.model.image_size

    @property
    def eos_ids(self) -> tuple[int, ...]:
        """Return the ids that end a caption."""
        return (self.model.eos_id,)

    @cached_property
    def no_text(self) -> frozenset[int]:
        """The ids that add nothing to a text: special tokens."""
        added = self.tokenizer.library.get_added_tokens_decoder()
        special = {i for i, token in added.items() if token.special} | {self.model.pad_id, self.model.start_id}
        if (unknown := unknown_id(self.tokenizer.library)) is not None:
            special.add(unknown)
        return frozenset(special | {*self.eos_ids})

    def forbidden_ids(self) -> Int[Tensor, " N"]:
        """Return the ids that are never written: what adds no text, but for the end, and rows that no token has."""
        beyond = range(len(self.tokenizer.vocab), self.model.embedding.num_embeddings)
        return torch.tensor(sorted({*self.no_text, *beyond} - {*self.eos_ids}), dtype=torch.long)

    def with_model(self, model: nn.Module) -> "Captioner":
        """Return a captioner with other weights and the same tokenizer."""
        return Captioner(model, self.tokenizer, self.language)

    def read(self, image: Any) -> np.ndarray:
        """Return an image, a path or pixels uint8 [H, W, 3], as the model reads it: all of it, on white, in its size.

        Raises UserError for pixels of another type or shape, DataError for a file that is not an image.
        """
        return fit_image(rgb_pixels(image), self.size, self.size, "pad")

    def n_best(self, images: Sequence[Any], params: CaptionParams | None = None) -> list[list[Caption]]:
        """Return the `params.n` best captions of each image, best first; or as many samples.

        images: paths, or pixels uint8 [H, W, 3]. Each caption is the one that its image alone would get.
        """
        pixels = [self.read(image) for image in images]
        names = [str(one) if isinstance(one, str | Path) else f"image {i}" for i, one in enumerate(images, 1)]
        found = generate(self, [ImageSource.of(one) for one in pixels], params or self.params)
        rows = zip(names, pixels, found, strict=True)
        return [
            [Caption(name, self.text_of(x.ids), x.score, x.logprob, x.ids, one, x.ended) for x in some]
            for name, one, some in rows
        ]

    def predict(self, inputs: Any) -> Any:
        """Return the best caption of an image, or of each of a list; see `n_best`."""
        if isinstance(inputs, np.ndarray) and inputs.ndim == 3:
            return self.n_best([inputs])[0][0]
        return one_or_many(lambda images: [found[0] for found in self.n_best(images)], inputs, (str, Path))

    def evaluate(self, examples: Any, params: CaptionParams | None = None) -> Scores:
        """Return CIDEr-D, CIDEr, BLEU, exact matches and loss; see `lingon.tasks.caption.scoring`."""
        return scoring.tested(self, _some(examples), params or self.params)[0]

    def evaluator(self, examples: Any) -> Callable[[nn.Module], dict[str, float]]:
        """Return a function of the model that scores it on these images; see `lingon.tasks.caption.scoring`."""
        return scoring.evaluator(self, _some(examples))

    def evaluate_with_page(
        self, examples: Any, path: Path, name: str, sections: Sequence[Mapping[str, Any]] = ()
    ) -> Scores:
        """Return what `evaluate` gives, and write a page with the best and the worst captions. name: of the model."""
        from lingon.tasks.caption.report import write_evaluation

        scores, found = scoring.tested(self, _some(examples), self.params)
        write_evaluation(path, self, scores, found, examples, name)
        return scores

    def attention(self, found: Caption) -> tuple[list[str], Float[Tensor, "T rows columns"]] | None:
        """Return the tokens of a caption, and how much each attended to each place of its image.

        The mean of all heads and layers, which sums to 1 for each token; None of a model without attention.
        """
        from lingon.tasks.translate.alignment import readable

        if not found.ids:
            return None
        images = as_floats(torch.from_numpy(found.pixels.copy())[None]).to(self.device)
        read = torch.tensor([[self.model.start_id, *found.ids[:-1]]], device=self.device)
        weights = self.model.place_attention(images, read)
        return None if weights is None else (readable(self.tokenizer, found.ids), weights.cpu())

    def write_page(self, path: Path, found: Sequence[Caption], name: str) -> Path:
        """Write an .html page of images with their captions, and where each token attended. name: of the model."""
        from lingon.tasks.caption.page import write_captions

        return write_captions(path, self, found, name)

    def text_of(self, ids: Sequence[int]) -> str:
        """Return the text of ids, without special tokens."""
        return self.tokenizer.decode([i for i in ids if i not in self.no_text]).strip()


def _some(examples: Any) -> CaptionedImages:
    """Return the images. Raises UserError for anything else, and where there are none."""
    if not isinstance(examples, CaptionedImages):
        hint = "; give one part of it, such as splits.test" if isinstance(examples, CaptionSplits) else ""
        raise UserError(f"evaluate takes CaptionedImages, not {type(examples).__name__}{hint}")
    if not len(examples):
        raise UserError("there are no captioned images to evaluate on")
    return examples


TASK = Captioner
