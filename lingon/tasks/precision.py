"""The precision in which a task on an encoder predicts and evaluates: exact, faster, or what `auto` finds equal."""

import copy
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, TypeVar, runtime_checkable

import torch
from torch import nn

from lingon.core.errors import UserError, unknown
from lingon.core.eval_view import eval_view
from lingon.core.shapes import Float, Tensor
from lingon.data.batches import Batch, text_batches
from lingon.data.id_rows import IdRows
from lingon.kernels.bfloat16_linear import has_bfloat16
from lingon.kernels.fast_inference import LAYOUTS, FastInference, autocast_for
from lingon.layers.pooling import mean_over_time

AUTO, EXACT, HALF = "auto", "float32", "bfloat16"
PRECISIONS = (AUTO, *LAYOUTS)
LOOK, LOOK_TOKENS = 32, 128  # texts that `auto` tries, and how far it reads them
EQUAL = 0.9999  # the least cosine of two vectors of a text that count as equal
WORTH = 4_096  # tokens of a call from which on a layout of float32 for speed is worth making

Vectors = Callable[[Any, Batch], Tensor]  # of a model and a batch: what `auto` compares, [B, D]


def check_precision(precision: str, model: Any) -> None:
    """Raise UserError for an unknown precision, and for anything but float32 if the model is not on a CPU."""
    if precision not in PRECISIONS:
        raise unknown("precision", precision, PRECISIONS)
    device = next(model.parameters()).device.type
    if precision != EXACT and device != "cpu":
        raise UserError(f"precision is {precision!r}, which is for a CPU; this model is on {device}")


def all_alike(first: Float[Tensor, "n D"], second: Float[Tensor, "n D"]) -> bool:
    """Return whether each row of the one has the direction of that row of the other, by a cosine of `EQUAL`."""
    lengths = first.norm(dim=1) * second.norm(dim=1)
    return bool(((first * second).sum(1) >= EQUAL * lengths).all())


class View(NamedTuple):
    """A model as it predicts, and the precision it is in, for `lingon.kernels.fast_inference.autocast_for`."""

    model: Any
    precision: str


def encoder_vectors(model: Any, batch: Batch) -> Float[Tensor, "B D"]:
    """Return the mean over its tokens of what the encoder under a model gives each text."""
    return mean_over_time(model.encoder(batch.ids, batch.mask).float(), batch.mask)


class Inference:
    """Gives the model of a task as it predicts, in the precision that was asked for. The model stays as it is.

    vectors: what `auto` compares. laid_out: whether float32 is laid out for speed too, where a call has many tokens;
    then numbers differ in their last digits from those of a call with few.
    """

    def __init__(self, model: nn.Module, vectors: Vectors = encoder_vectors, laid_out: bool = False):
        self.model: Any = model
        self.precision = EXACT
        self._vectors, self._laid_out, self._fast = vectors, laid_out, FastInference(model)
        self._chosen: str | None = None

    def at(self, precision: str) -> "Inference":
        """Return the same at another precision: float32, bfloat16, int8 or auto.

        Raises UserError for others, for a model that is not on a CPU, and for one without an encoder.
        """
        check_precision(precision, self.model)
        if precision != EXACT and self._vectors is encoder_vectors and not hasattr(self.model, "encoder"):
            raise UserError(
                f"precision is {precision!r}, which is for models on an encoder, such as BERT; "
                f"{type(self.model).__name__} has none, leave it out"
            )
        found = copy.copy(self)
        found.precision, found._chosen = precision, None
        return found

    def view(self, ids: IdRows) -> View:
        """Return the model for texts of these token ids; with `auto`, the first of them decide, once and for all."""
        if self.precision == AUTO and self._chosen is None and len(ids):
            self._chosen = self._fastest_equal(ids[:LOOK])
        precision = self.precision if self.precision != AUTO else self._chosen or EXACT
        if precision == EXACT and not (self._laid_out and sum(map(len, ids)) >= WORTH and self._on_cpu()):
            return View(eval_view(self.model), EXACT)  # others may be training the model at this moment
        return View(self._fast.twin(precision), precision)

    def _on_cpu(self) -> bool:
        return next(self.model.parameters()).device.type == "cpu"

    def _fastest_equal(self, ids: IdRows) -> str:
        """Return "bfloat16" where the processor has it and the vectors of these texts stay equal; else "float32"."""
        if not has_bfloat16():
            return EXACT
        exact, half = (self._vectors_of(precision, ids) for precision in (EXACT, HALF))
        return HALF if all_alike(exact, half) else EXACT

    @torch.inference_mode()
    def _vectors_of(self, precision: str, ids: IdRows) -> Float[Tensor, "n D"]:
        view = self._fast.twin(precision)
        found, room = [], getattr(getattr(self.model, "encoder", self.model), "context_length", None)
        for batch in text_batches(ids, max_length=min(LOOK_TOKENS, room or LOOK_TOKENS), shuffle=False):
            with autocast_for(precision):
                found.append(self._vectors(view, batch).double())
        return torch.cat(found)


@runtime_checkable
class HasInference(Protocol):
    """A task whose model predicts through an `Inference`."""

    inference: Inference


AnyTask = TypeVar("AnyTask", bound=HasInference)


def in_precision(task: AnyTask, precision: str) -> AnyTask:
    """Return a task that predicts and evaluates in a precision, with the same model. Raises as `Inference.at` does."""
    found = copy.copy(task)
    found.inference = task.inference.at(precision)
    return found
