"""How a caption is found: beams or samples, how many, and how long."""

from dataclasses import dataclass

from lingon.core.errors import UserError
from lingon.decoding.beam_params import BeamParams, exact_stopping
from lingon.decoding.sampling_params import SamplingParams


@dataclass(frozen=True)
class CaptionParams:
    """Hold the parameters of captioning.

    beams: of the beam search; 1 is greedy. length_penalty: see `lingon.decoding.beam_params`. n: captions of each
    image, best first. max_new_tokens: the most tokens of one; what the model's context holds when not given. sampling:
    samples in place of a search, by its temperature, top_k and so on; its own max_new_tokens does not count.
    """

    beams: int = 4
    length_penalty: float | int = 0.6
    n: int = 1
    max_new_tokens: int | None = None
    sampling: SamplingParams | None = None

    def __post_init__(self) -> None:
        if self.max_new_tokens is not None and self.max_new_tokens < 1:
            raise UserError(f"max_new_tokens is {self.max_new_tokens}, expected 1 or more")
        if self.sampling is not None and self.n < 1:
            raise UserError(f"n is {self.n}, expected 1 or more captions")
        if self.sampling is None:
            self.beam_params(1)  # looks at the numbers

    def beam_params(self, max_new_tokens: int) -> BeamParams:
        """Return the parameters of the search."""
        return BeamParams(self.beams, max_new_tokens, self.length_penalty, n=self.n, early_stopping=exact_stopping)

    def most(self, context_length: int) -> int:
        """Return the new tokens of a caption at most, after the start."""
        return min(context_length - 1, self.max_new_tokens or context_length - 1)


GREEDY = CaptionParams(beams=1)
