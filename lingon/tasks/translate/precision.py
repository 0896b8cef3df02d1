"""The precision of a translator's matrix products: that of its weights, or one of fewer bits, which is sooner done."""

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import nn

from lingon.core.shapes import Float, Tensor
from lingon.kernels.bfloat16_linear import BFloat16Linear, has_bfloat16
from lingon.kernels.int8_dynamic import DynamicInt8Linear
from lingon.tasks.precision import AUTO, EXACT, HALF, LOOK, all_alike, check_precision
from lingon.tasks.translate.decoder import source_decoder

if TYPE_CHECKING:
    from lingon.tasks.translate.translator import Translator

# All else stays in float32, so that beams share memory as they do there.
LAYOUTS: Mapping[str, Callable[[nn.Linear], nn.Module]] = {
    HALF: partial(BFloat16Linear, dtype=torch.float32),
    "int8": DynamicInt8Linear,
}


AGAIN = 512  # sources after which auto looks at some of the next ones


@dataclass
class AutoPrecision:
    """Hold what auto has chosen, and how many sources came since it looked.

    It looks at 32 of the first sources, evenly spread, and then, each time that 512 or more have come, at 32 of those
    that come next. bfloat16 is chosen where the processor has it and what the model says first of all of them stays
    equal. Once it does not, float32 is chosen for good, so that the precision never switches back and forth.
    """

    chosen: str | None = None
    since: int = 0

    def choose(self, translator: "Translator", sources: Sequence[tuple[int, ...]]) -> str:
        """Return the precision for these sources."""
        if self.chosen is None or (self.chosen == HALF and self.since >= AGAIN):
            some = sources[:: max(1, len(sources) // LOOK)][:LOOK]
            self.chosen, self.since = _fastest_equal(translator, some), 0
        self.since += len(sources)
        return self.chosen


def with_precision(translator: "Translator", precision: str) -> "Translator":
    """Return a translator with the same model, which it uses in a precision: float32, bfloat16, int8 or auto.

    Raises UserError for others, and for anything but float32 if the model is not on a CPU.
    """
    check_precision(precision, translator.model)
    found = copy.copy(translator)
    found.precision, found.auto = precision, AutoPrecision()
    return found


def model_of(translator: "Translator", sources: Sequence[tuple[int, ...]]) -> nn.Module:
    """Return the model in the translator's precision; with auto, some of the sources decide, see `AutoPrecision`."""
    automatic = translator.precision == AUTO
    precision = translator.auto.choose(translator, sources) if automatic else translator.precision
    return translator.model if precision == EXACT else translator.fast.twin(precision)


def _fastest_equal(translator: "Translator", sources: Sequence[tuple[int, ...]]) -> str:
    if not has_bfloat16():
        return EXACT
    models = translator.model, translator.fast.twin(HALF)
    exact, half = (_first_logits(model, translator.model.start_id, sources) for model in models)
    return HALF if all_alike(exact, half) else EXACT


def _first_logits(model: nn.Module, start_id: int, sources: Sequence[tuple[int, ...]]) -> Float[Tensor, "n V"]:
    """Return the logits of the first token of each translation."""
    decoder = source_decoder(model)
    logits, _ = decoder.step(torch.full((len(sources), 1), start_id), decoder.begin(sources))
    return logits.double()
