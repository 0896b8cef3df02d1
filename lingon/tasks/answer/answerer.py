"""The task `answer`: finds the span of a passage that answers a question."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import nn

from lingon.core.check_finite import check_finite
from lingon.core.config_keys import want
from lingon.core.errors import DataError, UserError
from lingon.core.eval_view import eval_view
from lingon.core.shapes import Tensor
from lingon.data.questions import Question, QuestionSplits
from lingon.data.tokenizers import Tokenizer
from lingon.engine.loss import Loss
from lingon.kernels.fast_inference import autocast_for
from lingon.metrics.scores import Scores
from lingon.tasks.answer.best_answers import best_answers
from lingon.tasks.answer.encoding import NO_ANSWER, EncodedQuestions, encode_questions
from lingon.tasks.answer.found_answer import FoundAnswer
from lingon.tasks.answer.objective import answer_loss, logits_of, span_loss
from lingon.tasks.answer.scoring import scored, threshold_for
from lingon.tasks.answer.spans import SpanScores, WindowLogits, span_scores
from lingon.tasks.classify.encoding import as_input
from lingon.tasks.one_or_many import one_or_many
from lingon.tasks.precision import EXACT, Inference, View, in_precision
from lingon.tasks.task import Card

if TYPE_CHECKING:
    from pathlib import Path

    from lingon.data.batches import Batch
    from lingon.tasks.answer.settings import Settings
    from lingon.tasks.training import TrainContext, Training

__all__ = ["TASK", "Answerer", "FoundAnswer"]

TOKENS_AT_ONCE = 8_192  # per batch when predicting


class Answerer:
    """A model, its tokenizer, and how long passages are read: everything needed to find answers.

    model: (ids [B, T], mask [B, T], token types [B, T]) -> logits of start and end [B, T, 2]. max_length: tokens of a
    window, the question included; doc_stride: tokens by which windows overlap; max_answer_length: tokens of an answer
    at most. null_score_diff_threshold: the margin by which "no answer" must exceed the best answer to be
    given instead; None: an answer is always given. Raises UserError for windows that the model cannot read.
    """

    name: ClassVar[str] = "answer"
    part_types: ClassVar[Mapping[str, type]] = {"model": nn.Module, "tokenizer": Tokenizer}
    config_keys: ClassVar[Sequence[str]] = (
        "max_length",
        "doc_stride",
        "max_answer_length",
        "null_score_diff_threshold",
    )
    text_pair: ClassVar[bool] = True
    input_columns: ClassVar[Sequence[str]] = ("question", "context")

    def __init__(
        self,
        model: nn.Module,
        tokenizer: Tokenizer,
        max_length: int = 384,
        doc_stride: int = 128,
        max_answer_length: int = 30,
        null_score_diff_threshold: float | None = None,
    ):
        most = getattr(model, "context_length", None)
        if most is not None and max_length > most:
            raise UserError(f"max_length is {max_length:,}, but the model reads {most:,} tokens at most")
        self.model: Any = model
        self.tokenizer, self.max_length, self.doc_stride = tokenizer, max_length, doc_stride
        self.inference = Inference(model)
        self.max_answer_length, self.null_score_diff_threshold = max_answer_length, null_score_diff_threshold

    @property
    def parts(self) -> dict[str, Any]:
        return {"model": self.model, "tokenizer": self.tokenizer}

    @property
    def device(self) -> torch.device:
        return next(self.model.parameters()).device

    def config(self) -> dict[str, Any]:
        """Return the sizes of windows and answers, and the threshold, by name."""
        return {key: getattr(self, key) for key in self.config_keys}

    @classmethod
    def check_config(cls, config: Mapping[str, Any], sizes: Mapping[str, Mapping[str, Any]]) -> None:
        """Raise DataError naming the key that is wrong."""
        for key, least in (("max_length", 8), ("doc_stride", 0), ("max_answer_length", 1)):
            if want(config, key, int, "a whole number") < least:
                raise DataError(f"key {key!r} is {config[key]}, expected {least} or more")
        want(config, "null_score_diff_threshold", (int, float, type(None)), "a number or null")

    @classmethod
    def from_config(cls, config: Mapping[str, Any], parts: Mapping[str, Any]) -> "Answerer":
        """Return the answerer of a checked configuration, its model and its tokenizer."""
        return cls(parts["model"], parts["tokenizer"], **{key: config[key] for key in cls.config_keys})

    @classmethod
    def card(cls, model: str, config: Mapping[str, Any]) -> Card:
        """Return the content of the model card: how much of a passage is read, and whether it always answers."""
        threshold = config["null_score_diff_threshold"]
        always = "always gives an answer" if threshold is None else "says when there is no answer in the passage"
        facts = [
            f"- **Reads** passages of any length, in windows of {config['max_length']} tokens.",
            f"- **Answers** are spans of the passage; it {always}.",
        ]
        return Card(f"# {model}: answers", "An extractive answerer", facts, '.predict([("A question?", "A passage.")])')

    @classmethod
    def prepare(cls, data: QuestionSplits, settings: "Settings", context: "TrainContext") -> "Training":
        """Return an answerer that is ready to be trained; see `lingon.tasks.answer.prepare`."""
        from lingon.tasks.answer.prepare import prepare

        return prepare(data, settings, context)

    def encoded(self, questions: Sequence[Question]) -> EncodedQuestions:
        """Return the windows of questions, and where their answers are."""
        return encode_questions(self.tokenizer, questions, self.max_length, self.doc_stride)

    def with_precision(self, precision: str) -> "Answerer":
        """Return this answerer in a precision: float32, bfloat16, int8 or auto; see `lingon.tasks.precision`."""
        return in_precision(self, precision)

    def _view(self, encoded: EncodedQuestions) -> View:
        return self.inference.view([window.ids for window in encoded.windows.rows])

    def loss(self, model: nn.Module, batch: "Batch") -> Loss:
        """Return the loss of a batch of windows; see `span_loss`."""
        return answer_loss(model, batch)

    @torch.inference_mode()
    def any_logits(self, encoded: EncodedQuestions, view: View | None = None) -> tuple[list[Tensor], float]:
        """Return the logits of each window [T, 2], and the mean loss; broken ones too. view: if not what predicts."""
        view = view or self._view(encoded)
        rows = encoded.windows.rows
        out, total = [torch.empty(0)] * len(rows), 0.0
        how = {"max_tokens": TOKENS_AT_ONCE, "shuffle": False}
        for batch in encoded.loader(self.tokenizer.pad_id, how) if rows else ():
            batch = batch.to(self.device)
            with autocast_for(view.precision):
                logits = logits_of(view.model, batch)
            total += float(span_loss(logits, batch).total)
            for i, row in zip(batch.index.tolist(), logits.cpu(), strict=True):
                out[i] = row[: len(rows[i].ids)]
        return out, total / max(1, len(rows))

    def span_scores(self, encoded: EncodedQuestions, logits: Sequence[Tensor]) -> Iterator[SpanScores]:
        """Yield the scores of all spans of each question's passage. logits: of each window, see `any_logits`.

        One after the other, as they are [N, max_answer_length] numbers for each question.
        """
        offsets = encoded.windows.offsets
        of_questions: list[list[WindowLogits]] = [[] for _ in offsets]
        for window, found in zip(encoded.windows.rows, logits, strict=True):
            part = found[window.begin : window.begin + window.tokens].numpy()
            no_answer = float(found[NO_ANSWER].sum())
            of_questions[window.number].append(WindowLogits(window.first, part[:, 0], part[:, 1], no_answer))
        pairs = zip(of_questions, offsets, strict=True)
        return (span_scores(windows, len(places), self.max_answer_length) for windows, places in pairs)

    def evaluate(self, examples: Sequence[Question]) -> Scores:
        """Return F1, exact match and loss on questions with answers; see `lingon.tasks.answer.scoring`."""
        return self.tested(examples)[0]

    def tested(self, examples: Sequence[Question]) -> tuple[Scores, list[FoundAnswer]]:
        """Return what `evaluate` gives, and the answers that were found. Raises NotFinite for broken weights."""
        if not len(examples):
            raise UserError("there are no questions to evaluate on")
        encoded = self.encoded(examples)
        logits, loss = self.any_logits(encoded)
        check_finite(torch.tensor(loss), "the model gave losses")
        found = self._first(examples, encoded, logits, self.null_score_diff_threshold)
        return scored(found, examples, loss), found

    def evaluate_with_page(
        self, examples: Sequence[Question], path: "Path", name: str, sections: Sequence[Mapping[str, Any]] = ()
    ) -> Scores:
        """Return what `evaluate` gives, and write a page of kinds of questions and of answers. name: of the model."""
        from lingon.pages.page import check_page_path
        from lingon.tasks.answer.report import write_evaluation

        check_page_path(path)
        tested = self.tested(examples)
        write_evaluation(path, tested, examples, name)
        return tested[0]

    def evaluator(self, examples: Sequence[Question]) -> Callable[[nn.Module], dict[str, float]]:
        """Return a function of the model that scores it on these questions, which are encoded only once.

        Broken weights give NaN here: a model that is being trained may recover.
        """
        encoded = self.encoded(examples)

        def evaluate(model: nn.Module) -> dict[str, float]:
            logits, loss = self.any_logits(encoded, View(eval_view(model), EXACT))
            if not math.isfinite(loss):
                return {"f1": math.nan, "exact_match": math.nan, "loss": loss}
            found = self._first(examples, encoded, logits, self.null_score_diff_threshold)
            return dict(scored(found, examples, loss))

        return evaluate

    def calibrate(self, valid: Sequence[Question]) -> None:
        """Choose the threshold of no answer that makes F1 on these questions best; only where some have no answer."""
        if all(one.answers for one in valid):
            return
        encoded = self.encoded(valid)
        logits, loss = self.any_logits(encoded)
        if math.isfinite(loss):
            self.null_score_diff_threshold = threshold_for(self._first(valid, encoded, logits, None), valid)

    def predict(self, inputs: Any) -> Any:
        """Return the answer to a question on a passage, or one for each of a list of (question, passage).

        A pair may be one str with a tab between. Raises NotFinite for broken weights.

        >>> import lingon
        >>> lingon.load("runs/answer").predict(("Who sang?", "Ann sang."))  # doctest: +SKIP
        """
        return one_or_many(lambda pairs: [found[0] for found in self.answers(pairs)], inputs, (str, tuple))

    def answers(self, inputs: Sequence[Any], top: int = 1) -> list[list[FoundAnswer]]:
        """Return the `top` likeliest answers to each question on its passage, likeliest first; one or more of each."""
        pairs = [as_input(one, True) for one in inputs]
        questions = [Question(str(i), context, question) for i, (question, context) in enumerate(pairs)]
        encoded = self.encoded(questions)
        logits, _ = self.any_logits(encoded)
        for row in logits:
            check_finite(row[NO_ANSWER], "the model gave logits")
        return self._found(questions, encoded, logits, top, self.null_score_diff_threshold)

    def _found(
        self,
        questions: Sequence[Question],
        encoded: EncodedQuestions,
        logits: Sequence[Tensor],
        top: int,
        threshold: float | None,
    ) -> list[list[FoundAnswer]]:
        scores, offsets = self.span_scores(encoded, logits), encoded.windows.offsets
        each = zip(questions, scores, offsets, strict=True)
        return [best_answers(question, of, places, top, threshold) for question, of, places in each]

    def _first(
        self,
        questions: Sequence[Question],
        encoded: EncodedQuestions,
        logits: Sequence[Tensor],
        threshold: float | None,
    ) -> list[FoundAnswer]:
        return [found[0] for found in self._found(questions, encoded, logits, 1, threshold)]


TASK = Answerer
