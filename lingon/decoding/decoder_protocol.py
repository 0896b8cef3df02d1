"""What decoding requires of a model: a step from ids to logits, with a state whose rows can be selected and joined."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Protocol, runtime_checkable

import torch

from lingon.core.errors import NotFinite, UserError
from lingon.core.seed import derive
from lingon.core.shapes import Float, Int, Tensor

__all__ = ["Decodable", "DecoderState", "DecoderStep", "LogitsProcessor", "TokenSequence", "start_sequences"]

MAX_NEW_TOKENS = 10**9  # new tokens that may be asked for


@runtime_checkable
class DecoderState(Protocol):
    """Remember the tokens that a model has read, for B rows."""

    @property
    def length(self) -> int:
        """Return how many tokens were read so far, padding among them."""

    def select(self, rows: Int[Tensor, " M"]) -> "DecoderState":
        """Return the state of these rows in this order; a row may be taken twice, or not at all."""

    def rewind(self, tokens: int) -> "DecoderState":
        """Return the state as it was `tokens` tokens ago."""

    def join(self, others: Sequence[Any]) -> "DecoderState":
        """Return the state of the rows of this state, then those of the others, each as if it were alone.

        They may have read different numbers of tokens: this is how a request enters a running batch.
        """


@runtime_checkable
class DecoderStep(Protocol):
    """Take (ids [B, S], state) to (logits [B, V] after the last of them, the new state).

    mask: [B, S], False where a row is padding, for rows of unequal length, which are padded on the left.
    """

    def __call__(
        self, ids: Int[Tensor, "B S"], state: DecoderState, mask: Tensor | None = None
    ) -> tuple[Float[Tensor, "B V"], DecoderState]: ...


@runtime_checkable
class Decodable(Protocol):
    """Generate from sources: a translator from sentences, a plain language model from nothing, which is None."""

    def begin(self, sources: Sequence[Hashable]) -> DecoderState:
        """Return the state before the first token, with a row for each source."""

    def step(
        self, ids: Int[Tensor, "B S"], state: Any, mask: Tensor | None = None
    ) -> tuple[Float[Tensor, "B V"], DecoderState]:
        """Return the logits after the last of the ids, and the new state: see `DecoderStep`."""


@dataclass
class TokenSequence:
    """Hold a text that grows.

    ids: the first `prompt_length` are the prompt. rng: what its tokens are drawn with. max_new_tokens: how many may be
    generated, of this one.
    """

    ids: list[int]
    prompt_length: int
    rng: Random = field(default_factory=lambda: Random(0))
    max_new_tokens: int = MAX_NEW_TOKENS

    @property
    def new_ids(self) -> list[int]:
        """Return the ids that were generated."""
        return self.ids[self.prompt_length :]


LogitsProcessor = Callable[[Float[Tensor, "B V"], Sequence[TokenSequence]], Float[Tensor, "B V"]]


def short_number(value: int | float) -> str:
    """Return a number for a message: of one with very many digits, which Python refuses to write, only how large it is.

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
    """Raise UserError for a source that has no hash to know it by, such as a list."""
    try:
        hash(source)
    except TypeError:
        raise UserError(f"a source of type {type(source).__name__} has no hash; make tuples of its lists") from None


class RowSeeds:
    """Give each row a seed: of one seed for all, of its prompt, and of how often this came before with its source.

    So a text comes out the same alone or in any batch, and several copies of a prompt give different texts.
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
    """Return a sequence for each prompt, whose random numbers have the seed that `RowSeeds` gives."""
    seeds = RowSeeds(seed)
    pairs = zip(prompts, [None] * len(prompts) if sources is None else sources, strict=True)
    return [TokenSequence(list(ids), len(ids), Random(seeds(tuple(ids), source))) for ids, source in pairs]


def select_rows(state: DecoderState, rows: Sequence[int]) -> DecoderState:
    """Return the state of these rows; the same object when they are all of them, in their order, already."""
    return state.select(torch.tensor(list(rows)))


def branch_rows(state: DecoderState, rows: Sequence[int]) -> DecoderState:
    """Return the state of these rows, for one that does not go on: it may share memory with it, and be had sooner."""
    return getattr(state, "branch", state.select)(torch.tensor(list(rows)))


def check_finite_logits(logits: Float[Tensor, "... V"], where: str = "") -> None:
    """Raise NotFinite for logits of a model from which no probabilities follow: NaN, infinite, or -inf for all.

    Asked of what the model says itself: a processor may forbid the only token that is infinite, and what is left be
    NaN then.
    """
    if not logits.amax(-1).isfinite().all():  # the largest is NaN where any of them is
        raise NotFinite(f"{where}the model gave logits that are NaN or infinite; its weights are broken")


def apply_processors(
    logits_processors: Sequence[LogitsProcessor], logits: Float[Tensor, "B V"], rows: Sequence[TokenSequence]
) -> Float[Tensor, "B V"]:
    """Apply every logits processor, in the order of the list."""
    for process in logits_processors:
        logits = process(logits, rows)
    return logits


def check_processed_logits(logits: Float[Tensor, "B V"], rows: Sequence[TokenSequence]) -> None:
    """Raise NotFinite when the model gave NaN, UserError when the processors left a row no token at all."""
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
