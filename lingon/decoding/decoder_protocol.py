"""The interface of models for decoding: a step from ids to logits, with a state whose rows can be selected, joined."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Protocol, runtime_checkable

import torch

from lingon.core.errors import NotFinite, UserError
from lingon.core.seed import derive
from lingon.core.shapes import Float, Int, Tensor

__all__ = ["Decodable", "DecoderState", "DecoderStep", "LogitsProcessor", "TokenSequence", "start_sequences"]

MAX_NEW_TOKENS = 10**9  # upper limit of new tokens


@runtime_checkable
class DecoderState(Protocol):
    """The state of a model after the tokens it has read, for B rows, such as a key-value cache."""

    @property
    def length(self) -> int:
        """Return the number of tokens read so far, including padding."""

    def select(self, rows: Int[Tensor, " M"]) -> "DecoderState":
        """Return the state of these rows in this order; a row may occur several times, or not at all."""

    def rewind(self, tokens: int) -> "DecoderState":
        """Return the state without the last `tokens` tokens."""

    def join(self, others: Sequence[Any]) -> "DecoderState":
        """Return the state of the rows of this state followed by those of the others; rows do not affect each other.

        They may have read different numbers of tokens: this is how a request joins a running batch.
        """


@runtime_checkable
class DecoderStep(Protocol):
    """A step of a model: (ids [B, S], state) -> (logits [B, V] after the last of the ids, the new state).

    mask: [B, S], False for padding, which is on the left in rows of unequal length.
    """

    def __call__(
        self, ids: Int[Tensor, "B S"], state: DecoderState, mask: Tensor | None = None
    ) -> tuple[Float[Tensor, "B V"], DecoderState]: ...


@runtime_checkable
class Decodable(Protocol):
    """A model that generates from sources: a translation model from sentences, a language model from None."""

    def begin(self, sources: Sequence[Hashable]) -> DecoderState:
        """Return the state before the first token, with a row for each source."""

    def step(
        self, ids: Int[Tensor, "B S"], state: Any, mask: Tensor | None = None
    ) -> tuple[Float[Tensor, "B V"], DecoderState]:
        """Return the logits after the last of the ids, and the new state: see `DecoderStep`."""


@dataclass
class TokenSequence:
    """A token sequence that grows during generation.

    ids: the first `prompt_length` are the prompt. rng: generator with which its tokens are sampled. max_new_tokens:
    limit for this sequence.
    """

    ids: list[int]
    prompt_length: int
    rng: Random = field(default_factory=lambda: Random(0))
    max_new_tokens: int = MAX_NEW_TOKENS

    @property
    def new_ids(self) -> list[int]:
        """Return the generated ids."""
        return self.ids[self.prompt_length :]


LogitsProcessor = Callable[[Float[Tensor, "B V"], Sequence[TokenSequence]], Float[Tensor, "B V"]]


def short_number(value: int | float) -> str:
    """Return a number as text for a message; for one with too many digits for Python to convert, only its size.

    >>> short_number(3), short_number(-0.5), short_number(-10**5000)
    ('3', '-0.5', 'a negative number of over 40 digits')
    """
    if isinstance(value, int) and abs(value) >= 10**40:
        return f"a {'negative ' if value < 0 else ''}number of over 40 digits"
    return str(value)


def check_seed(seed: int) -> None:
    """Raise UserError for a seed of more than 64 bits."""
    if not -(2**63) <= seed < 2**64:
        raise UserError(f"seed is {short_number(seed)}, expected a whole number from -2**63 to 2**64 - 1")


def check_source(source: object) -> None:
    """Raise UserError for a source that is not hashable, such as a list."""
    try:
        hash(source)
    except TypeError:
        raise UserError(f"a source of type {type(source).__name__} has no hash; make tuples of its lists") from None


class RowSeeds:
    """Seeds of rows, derived from a common seed, the prompt, and how often it occurred before with the same source.

    So a text is the same alone and in any batch, while several copies of a prompt give different texts.
    """

    def __init__(self, seed: int):
        check_seed(seed)
        self.seed = seed
        self._count: dict[tuple[Hashable, tuple[int, ...]], int] = {}

    def __call__(self, prompt: tuple[int, ...], source: Hashable = None) -> int:
        """Return the seed of the next row."""
        check_source(source)
        copy = self._count.get((source, prompt), 0)
        self._count[source, prompt] = copy + 1
        return derive(self.seed, "row", *prompt, "copy", copy)


def start_sequences(
    prompts: Sequence[Sequence[int]], seed: int = 0, sources: Sequence[Hashable] | None = None
) -> list[TokenSequence]:
    """Return a sequence for each prompt, whose generator has the seed from `RowSeeds`."""
    seeds = RowSeeds(seed)
    pairs = zip(prompts, [None] * len(prompts) if sources is None else sources, strict=True)
    return [TokenSequence(list(ids), len(ids), Random(seeds(tuple(ids), source))) for ids, source in pairs]


def select_rows(state: DecoderState, rows: Sequence[int]) -> DecoderState:
    """Return the state of these rows; the same object if they are all rows in their order."""
    return state.select(torch.tensor(list(rows)))


def branch_rows(state: DecoderState, rows: Sequence[int]) -> DecoderState:
    """Return the state of these rows, if `state` is not used any more: memory may then be shared, which is faster."""
    return getattr(state, "branch", state.select)(torch.tensor(list(rows)))


def check_finite_logits(logits: Float[Tensor, "... V"], where: str = "") -> None:
    """Raise NotFinite for logits of a model without a valid distribution: NaN, infinite, or -inf for all tokens.

    Checked before the logits processors, which might forbid the only token with an infinite logit and hide the problem.
    """
    if not logits.amax(-1).isfinite().all():  # the maximum is NaN if any logit is
        raise NotFinite(f"{where}the model gave logits that are NaN or infinite; its weights are broken")


def apply_processors(
    logits_processors: Sequence[LogitsProcessor], logits: Float[Tensor, "B V"], rows: Sequence[TokenSequence]
) -> Float[Tensor, "B V"]:
    """Return the logits after every logits processor, applied in the order of the list."""
    for process in logits_processors:
        logits = process(logits, rows)
    return logits


def check_processed_logits(logits: Float[Tensor, "B V"], rows: Sequence[TokenSequence]) -> None:
    """Raise NotFinite if logits are NaN, UserError if the processors forbid every token of a row."""
    best = logits.amax(-1)
    if best.isfinite().all():
        return
    for value, row in zip(best.tolist(), rows, strict=True):
        where = f"after {len(row.new_ids)} new tokens"
        if value == float("-inf"):
            raise UserError(
                f"{where} the logits processors leave no token to sample; loosen the grammar, bias or penalties"
            )
        check_finite_logits(torch.tensor([value]), f"{where} ")
