"""The task `vqa`: an image and a question become one of the answers that the training questions have."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import nn

from lingon.core.check_finite import check_finite
from lingon.core.errors import DataError, UserError
from lingon.core.eval_view import eval_view
from lingon.core.shapes import Float, Tensor
from lingon.data.batches import Batch, Loader
from lingon.data.image_questions import ImageQuestions, ImageQuestionSplits
from lingon.data.tokenizers import Tokenizer
from lingon.engine.loss import Loss
from lingon.metrics.scores import Scores
from lingon.models.question_reader import QuestionAttention
from lingon.tasks.one_or_many import one_or_many
from lingon.tasks.task import Card
from lingon.tasks.visual_answer.bundle_config import card, check_config
from lingon.tasks.visual_answer.encoding import ImageRows, image_rows, loader
from lingon.tasks.visual_answer.inputs import QuestionWords, as_questions, question_words
from lingon.tasks.visual_answer.objective import answer_loss, logits_of
from lingon.tasks.visual_answer.scoring import scored
from lingon.tasks.visual_answer.settings import METRICS
from lingon.tasks.visual_answer.visual_answer import VisualAnswer

if TYPE_CHECKING:
    from lingon.tasks.training import TrainContext, Training
    from lingon.tasks.visual_answer.settings import Settings

AT_ONCE = 64  # images that are computed together


class VisualAnswerer:
    """A model, the tokenizer of its questions, and the answers that it chooses among.

    model: (images [B, 3, H, W], ids [B, Q, T], mask [B, Q, T]) -> logits [B, Q, C]; see `lingon.models.image_answerer`.
    answers: C different ones. image_size: height and width that images are brought to.
    Raises UserError for answers that are not different.
    """

    name: ClassVar[str] = "vqa"
    part_types: ClassVar[Mapping[str, type]] = {"model": nn.Module, "tokenizer": Tokenizer}
    config_keys: ClassVar[Sequence[str]] = ("answers", "image_size")

    def __init__(self, model: nn.Module, tokenizer: Tokenizer, answers: Sequence[str], image_size: Sequence[int]):
        if not answers or len({*answers}) < len(answers):
            raise UserError(f"an answerer needs different answers, not {[*answers][:5]}")
        self.model: Any = model
        self.tokenizer, self.answers = tokenizer, list(answers)
        self.image_size = (image_size[0], image_size[1])
        self._number = {answer: i for i, answer in enumerate(answers)}
        self._words = lru_cache(1 << 14)(self._split)

    @property
    def parts(self) -> dict[str, Any]:
        return {"model": self.model, "tokenizer": self.tokenizer}

    @property
    def device(self) -> torch.device:
        return next(self.model.parameters()).device

    def config(self) -> dict[str, Any]:
        """Return the answers, and the size of images, by name."""
        return {"answers": self.answers, "image_size": list(self.image_size)}

    @classmethod
    def check_config(cls, config: Mapping[str, Any], sizes: Mapping[str, Mapping[str, Any]]) -> None:
        """Raise DataError naming the key that is wrong."""
        check_config(config, sizes)

    @classmethod
    def from_config(cls, config: Mapping[str, Any], parts: Mapping[str, Any]) -> "VisualAnswerer":
        """Return the answerer of a checked configuration. Raises DataError for a model that reads no images."""
        if not hasattr(parts["model"], "grid"):
            raise DataError("key 'model' names a model that answers no questions on images; expected image_answerer")
        return cls(parts["model"], parts["tokenizer"], config["answers"], config["image_size"])

    @classmethod
    def card(cls, model: str, config: Mapping[str, Any]) -> Card:
        """Return the content of the model card: the answers, and the size of images."""
        return card(model, config)

    @classmethod
    def prepare(cls, data: ImageQuestionSplits, settings: "Settings", context: "TrainContext") -> "Training":
        """Return an answerer that is ready to be trained; see `lingon.tasks.visual_answer.prepare`."""
        from lingon.tasks.visual_answer.prepare import prepare

        return prepare(data, settings, context)

    def rows(self, data: ImageQuestions) -> ImageRows:
        """Return the questions of each image together, as token ids."""
        return image_rows(self.tokenizer, data)

    def batches(self, data: ImageQuestions, batch_size: int, **how: Any) -> Loader:
        """Return shuffled batches to train on. batch_size: images; how: seed, rank and world.

        Raises UserError where there is no question.
        """
        some = _some(data, "batches", "train")
        return loader(some, self.rows(some), self._number, self.tokenizer.pad_id, batch_size, **how)

    def loss(self, model: nn.Module, batch: Batch) -> Loss:
        """Return the loss of a batch; see `answer_loss`."""
        return answer_loss(model, batch)

    @torch.inference_mode()
    def logits(self, data: ImageQuestions, model: nn.Module | None = None) -> Float[Tensor, "N C"]:
        """Return the logits of the answers to all questions. model: another than that of the task; broken ones too."""
        view, rows = eval_view(self.model if model is None else model), self.rows(data)
        found = torch.empty(len(data), len(self.answers))
        for batch, positions in self._in_order(data, rows):
            logits = logits_of(view, batch.to(self.device)).cpu()
            for of_image, some in zip(logits, positions, strict=True):
                found[some] = of_image[: len(some)]
        return found

    @torch.inference_mode()
    def attention(self, data: ImageQuestions) -> list[QuestionAttention]:
        """Return what the model attends to for each question: words [T], and places [T, rows, columns] of the image."""
        view, rows = eval_view(self.model), self.rows(data)
        found: list[Any] = [None] * len(data)
        for batch, positions in self._in_order(data, rows):
            here = batch.to(self.device)
            words, places = (part.float().cpu() for part in view.attention(here.images, here.ids, here.mask))
            for row, some in enumerate(positions):
                for i, position in enumerate(some):
                    length = int(batch.mask[row, i].sum())
                    grid = places[row, i, :length].unflatten(1, self.model.grid)
                    found[position] = QuestionAttention(words[row, i, :length], grid)
        return found

    def _in_order(self, data: ImageQuestions, rows: ImageRows) -> Iterator[tuple[Batch, list[list[int]]]]:
        """Batches without shuffling, each with the positions of the questions in its rows."""
        if not rows.images:
            return
        for batch in loader(data, rows, self._number, self.tokenizer.pad_id, AT_ONCE, shuffle=False):
            yield batch, [rows.questions[row] for row in batch.index.tolist()]

    def evaluate(self, examples: Any) -> Scores:
        """Return accuracy and loss, with tables by type of question and by answer.

        An answer that no training question has can only be wrong, and counts in no loss. Raises UserError for what are
        no questions on images, and where there are none; NotFinite for broken weights.
        """
        return self.tested(examples)[0]

    def tested(self, examples: Any) -> tuple[Scores, list[VisualAnswer]]:
        """Return what `evaluate` gives, and the answers."""
        some = _some(examples, "evaluate", "test")
        logits = check_finite(self.logits(some), "the answerer gave logits")
        return self._scores(some, logits)

    def evaluator(self, examples: Any) -> Callable[[nn.Module], dict[str, float]]:
        """Return a function of the model that scores it on these questions.

        Broken weights give NaN here: a model that is being trained may recover.
        """
        some = _some(examples, "evaluator", "valid")

        def evaluate(model: nn.Module) -> dict[str, float]:
            logits = self.logits(some, model)
            if not logits.isfinite().all():
                return dict.fromkeys(METRICS, math.nan)
            return dict(self._scores(some, logits)[0])

        return evaluate

    def _scores(self, data: ImageQuestions, logits: Float[Tensor, "N C"]) -> tuple[Scores, list[VisualAnswer]]:
        known = [i for i, one in enumerate(data.questions) if one.answer in self._number]
        true = torch.tensor([self._number[data.questions[i].answer] for i in known], dtype=torch.int64)
        logprobs = logits[known].log_softmax(-1).gather(1, true[:, None])
        loss = float(-logprobs.mean()) if known else math.nan
        found = [some[0] for some in self._answers(data, logits, 1)]
        return scored(data, [one.answer for one in found], loss), found

    def predict(self, inputs: Any) -> Any:
        """Return the answer to a question on an image, or one for each of a list of (image, question).

        image: a path, the bytes of a file, or an array uint8 [H, W, 3]. Raises NotFinite for broken weights.

        >>> import lingon
        >>> lingon.load("runs/vqa").predict(("photo.png", "What colour is the circle?"))  # doctest: +SKIP
        """
        return one_or_many(lambda pairs: [found[0] for found in self.top_answers(pairs)], inputs, (str, tuple))

    def top_answers(self, inputs: Sequence[Any], top: int = 1) -> list[list[VisualAnswer]]:
        """Return the `top` likeliest answers to each question on its image, likeliest first.

        Where no word of a question is known, one that says so.
        """
        data = as_questions(inputs, self.image_size)
        return self._answers(data, check_finite(self.logits(data), "the answerer gave logits"), top)

    def _answers(self, data: ImageQuestions, logits: Float[Tensor, "N C"], top: int) -> list[list[VisualAnswer]]:
        best = logits.softmax(-1).topk(min(top, len(self.answers)), -1)
        found = []
        for one, values, numbers in zip(data.questions, best.values.tolist(), best.indices.tolist(), strict=True):
            words = self._words(one.question)
            pairs = zip(numbers, values, strict=True)
            said = [(self.answers[i], value) for i, value in pairs] if words.known else [("", 0.0)]
            image = data.names[one.image], data.pixels[one.image]
            found.append([VisualAnswer(image[0], one.question, answer, value, words.unknown, image[1])
                          for answer, value in said])  # fmt: skip
        return found

    def _split(self, question: str) -> QuestionWords:
        return question_words(self.tokenizer, question)

    def write_page(self, path: Path, found: Sequence[VisualAnswer], name: str) -> Path:
        """Write a page that shows answers over their images, with what the model looked at; return its path."""
        return self.write_page_of(path, [[one] for one in found], name)

    def write_page_of(self, path: Path, found: Sequence[Sequence[VisualAnswer]], name: str) -> Path:
        """Write the page of several answers to each question, as `top_answers` gives them; return its path."""
        from lingon.tasks.visual_answer.page import write_page

        return write_page(path, self, found, name)

    def evaluate_with_page(
        self, examples: Any, path: Path, name: str, sections: Sequence[Mapping[str, Any]] = ()
    ) -> Scores:
        """Return what `evaluate` gives, and write it as an .html page with examples."""
        from lingon.pages.page import check_page_path
        from lingon.tasks.visual_answer.held_out import HeldOut
        from lingon.tasks.visual_answer.report import write_evaluation

        check_page_path(path)
        held_out = HeldOut(self, _some(examples, "evaluate_with_page", "test"))
        write_evaluation(path, held_out, name)
        return held_out.scores()


def _some(data: Any, method: str, part: str) -> ImageQuestions:
    """Return questions on images. Raises UserError for anything else, and where there is none."""
    if not isinstance(data, ImageQuestions):
        hint = f"; give one part of it, such as splits.{part}" if isinstance(data, ImageQuestionSplits) else ""
        raise UserError(f"{method} takes questions on images, not {type(data).__name__}{hint}")
    if not len(data):
        raise UserError("there are no questions on images")
    return data


TASK = VisualAnswerer
