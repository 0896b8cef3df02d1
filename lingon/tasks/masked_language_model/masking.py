"""Which tokens are hidden from a model that is to say what they were: dynamic masking, by words where it is wanted."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch

from lingon.core.errors import UserError
from lingon.core.shapes import Bool, Int, Tensor
from lingon.layers.losses import IGNORED


class Masked(NamedTuple):
    """Masked batch: ids [B, T] with tokens hidden, targets [B, T], IGNORED elsewhere."""

    ids: Int[Tensor, "B T"]
    targets: Int[Tensor, "B T"]


@dataclass(frozen=True, eq=False)
class Masking:
    """Rule that hides tokens (Devlin et al. 2019, section 3.1), anew for each batch (Liu et al. 2019, section 4.1).

    mask_id: of [MASK]. special: the tokens that are never hidden nor put in another's place [V]. continues: the tokens
    that go on a word, as ##ing; a word is then hidden as a whole [V]. rate: the fraction of tokens, or words, that are
    hidden. masked, random: of these, the fractions that become [MASK] and another token; the rest stays as it is.
    """

    mask_id: int
    special: Bool[Tensor, " V"]
    continues: Bool[Tensor, " V"] | None = None
    rate: int | float = 0.15
    masked: float = 0.8
    random: float = 0.1

    def __post_init__(self):
        if not 0 < self.rate < 1:
            raise UserError(f"the masking rate is {self.rate}, expected a fraction between 0 and 1, such as 0.15")
        if bool(self.special.all()):
            raise UserError("every token of the vocabulary is special; there is nothing to hide")

    def __call__(self, ids: Int[Tensor, "B T"], generator: torch.Generator | None = None) -> Masked:
        """Return a batch with tokens hidden. generator: of random numbers; PyTorch's own when not given."""
        special = self.special.to(ids.device)
        able = ~special[ids]
        hidden = able & (self._draws(ids, able, generator) < self.rate)
        fate = _uniform(ids, generator)
        others = (~special).nonzero()[:, 0]
        drawn = others[(_uniform(ids, generator) * len(others)).long()]
        shown = torch.where(hidden & (fate < self.masked), self.mask_id, ids)
        replaced = hidden & (fate >= self.masked) & (fate < self.masked + self.random)
        return Masked(torch.where(replaced, drawn, shown), torch.where(hidden, ids, IGNORED))

    def _draws(self, ids: Tensor, able: Tensor, generator: torch.Generator | None) -> Tensor:
        """Return a number from 0 to 1 for each token; one for all tokens of a word, where words are whole."""
        draws = _uniform(ids, generator)
        if self.continues is None:
            return draws
        places = torch.arange(ids.shape[1], device=ids.device).expand_as(ids)
        begins = ~(self.continues.to(ids.device)[ids] & able)
        begins[:, 1:] |= ~able[:, :-1]  # what follows a special token is not a part of a word before it
        begins[:, 0] = True
        return draws.gather(1, torch.where(begins, places, 0).cummax(1).values)


def continuing(tokens: Sequence[str], prefix: str = "##") -> Bool[Tensor, " V"]:
    """Return which tokens of a vocabulary go on a word, as WordPiece writes them."""
    return torch.tensor([token.startswith(prefix) and len(token) > len(prefix) for token in tokens])


def _uniform(like: Tensor, generator: torch.Generator | None) -> Tensor:
    # On the CPU, whose generator is a part of every checkpoint, so that a resumed training hides the same tokens.
    return torch.rand(like.shape, generator=generator).to(like.device)
