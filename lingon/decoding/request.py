"""Requests for generation, with everything that determines the text."""

from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import repeat
from random import Random

from lingon.core.errors import UserError
from lingon.decoding.decoder_protocol import RowSeeds, TokenSequence, check_source
from lingon.decoding.sampling_params import SamplingParams


@dataclass(frozen=True)
class Request:
    """A request for one text.

    source: what the text is generated from besides its prompt, such as a tuple of the ids of a sentence to translate;
    None for a language model. Equal sources are encoded once. prompt_ids: ids of the prompt. seed: of the random
    numbers of this text only.
    """

    source: Hashable
    prompt_ids: tuple[int, ...]
    params: SamplingParams
    seed: int

    def __post_init__(self) -> None:
        check_source(self.source)
        if not self.prompt_ids:
            raise UserError("a prompt is empty; give it at least one token")

    def sequence(self, max_new_tokens: int) -> TokenSequence:
        """Return the token sequence of the prompt, to be extended by at most this number of tokens."""
        return TokenSequence(list(self.prompt_ids), len(self.prompt_ids), Random(self.seed), max_new_tokens)


def requests_of(
    prompts: Iterable[Sequence[int]], params: SamplingParams, sources: Iterable[Hashable] | None = None
) -> Iterator[Request]:
    """Yield a request for each prompt, given as ids, with its seed from `RowSeeds`."""
    seeds = RowSeeds(params.seed)
    pairs = zip(prompts, repeat(None), strict=False) if sources is None else zip(prompts, sources, strict=True)
    for ids, source in pairs:
        yield Request(source, tuple(ids), params, seeds(tuple(ids), source))
