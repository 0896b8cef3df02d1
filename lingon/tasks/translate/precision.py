"""The precision of a translator's matrix products: that of its weights, or one of fewer bits, which is sooner done."""

import copy
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import nn

from lingon.core.shapes import Float, Tensor
from lingon.kernels.bfloat16_linear import BFloat16Linear, has_bfloat16
from lingon.kernels.int8_dynamic import DynamicInt8Linear
from lingon.tasks.precision import AUTO, EXACT, HALF, LOOK, all_alike, check_precision
from lingon.tasks.translate.decoder import SourceDecoder

if TYPE_CHECKING:
    from lingon.tasks.translate.translator import Translator

# All else stays in float32, so that beams share memory as they do there.
LAYOUTS: Mapping[str, Callable[[nn.Linear], nn.Module]] = {
    HALF: partial(BFloat16Linear, dtype=torch.float32),
    "int8": DynamicInt8Linear,
}


def with_precision(translator: "Translator", precision: str) -> "Translator":
    """Return a translator with the same model, which it uses in a precision: float32, bfloat16, int8 or auto.

    Raises UserError for others, and for another than float32 where the model is not on a CPU.
    """
    check_precision(precision, translator.model)
    found = copy.copy(translator)
    found.precision = precision
    return found


def model_of(translator: "Translator", sources: Sequence[tuple[int, ...]]) -> nn.Module:
    """Return the model in the translator's precision; with auto, the first of the sources decide, once and for all.

    auto: bfloat16 where the processor has it and what the model says first of them stays equal; else float32.
    """
    if translator.precision == AUTO:
        translator.precision = _fastest_equal(translator, sources[:LOOK])
    return translator.model if translator.precision == EXACT else translator.fast.twin(translator.precision)


def _fastest_equal(translator: "Translator", sources: Sequence[tuple[int, ...]]) -> str:
    if not has_bfloat16():
        return EXACT
    models = translator.model, translator.fast.twin(HALF)
    exact, half = (_first_logits(model, translator.model.start_id, sources) for model in models)
    return HALF if all_alike(exact, half) else EXACT


def _first_logits(model: nn.Module, start_id: int, sources: Sequence[tuple[int, ...]]) -> Float[Tensor, "n V"]:
    """Return the logits of the first token of each translation."""
    decoder = SourceDecoder(model)
    logits, _ = decoder.step(torch.full((len(sources), 1), start_id), decoder.begin(sources))
    return logits.double()
