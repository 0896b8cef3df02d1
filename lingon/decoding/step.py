"""What decoding asks of a model: a step from ids to logits, with a state that can be divided, copied and rewound."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Protocol, runtime_checkable

import torch

from lingon.core.errors import NotFinite, UserError
from lingon.core.seed import derive
from lingon.core.shapes import Float, Int, Tensor


@runtime_checkable
class State(Protocol):
    """What a model remembers of the tokens it has read, for B rows."""

    @property
    def length(self) -> int:
        """Tokens read so far, padding among them."""

    def select(self, rows: Int[Tensor, " M"]) -> "State":
        """The state of these rows in this order; a row may be taken twice, or not at all."""

    def rewind(self, tokens: int) -> "State":
        """The state as it was `tokens` tokens ago."""


@runtime_checkable
class Step(Protocol):
    """(ids [B, S], state) -> (logits [B, V] after the last of them, the new state).

    real: mask [B, S] for rows of unequal length, which are padded on the left.
    """

    def __call__(
        self, ids: Int[Tensor, "B S"], state: State, real: Tensor | None = None
    ) -> tuple[Float[Tensor, "B V"], State]: ...


@dataclass
class Row:
    """A text that grows: its ids, of which the first `prompt` were given, and the dice it is drawn with."""

    ids: list[int]
    prompt: int
    dice: Random = field(default_factory=lambda: Random(0))

    @property
    def new(self) -> list[int]:
        """The ids that were generated."""
        return self.ids[self.prompt :]


Rule = Callable[[Float[Tensor, "B V"], Sequence[Row]], Float[Tensor, "B V"]]


def rows_of(prompts: Sequence[Sequence[int]], seed: int = 0) -> list[Row]:
    """A row for each prompt. Its dice depend on the seed, on the prompt and on which copy of the prompt it is.

    So a text comes out the same alone or in any batch, and several copies of a prompt give different texts.
    """
    copies: dict[tuple[int, ...], int] = {}
    rows = []
    for prompt in map(tuple, prompts):
        copy = copies[prompt] = copies.get(prompt, -1) + 1
        rows.append(Row(list(prompt), len(prompt), Random(derive(seed, "row", *prompt, "copy", copy))))
    return rows


def select(state: State, rows: Sequence[int]) -> State:
    """The state of these rows; the same object when they are all of them, in their order, already."""
    return state.select(torch.tensor(list(rows)))


def apply(rules: Sequence[Rule], logits: Float[Tensor, "B V"], rows: Sequence[Row]) -> Float[Tensor, "B V"]:
    """Logits after every rule, in the order of the list."""
    for rule in rules:
        logits = rule(logits, rows)
    return logits


def check(logits: Float[Tensor, "B V"], rows: Sequence[Row]) -> None:
    """Raises NotFinite when the model gave NaN, UserError when the rules left a row no token at all."""
    best = logits.amax(-1)
    if best.isfinite().all():
        return
    for value, row in zip(best.tolist(), rows, strict=True):
        where = f"after {len(row.new)} new tokens"
        if value == float("-inf"):
            raise UserError(f"{where} the rules leave no token to go on with; loosen the grammar, bias or penalties")
        if value != value or value == float("inf"):
            raise NotFinite(f"{where} the model gave logits that are NaN or infinite; its weights are broken")
