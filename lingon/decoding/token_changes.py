"""The changes by logits processors at one step of a search, if they affect only a few tokens of each row."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from lingon.core.shapes import Float, Int, Tensor
from lingon.decoding.decoder_protocol import LogitsProcessor, TokenSequence
from lingon.decoding.token_rules import (
    Forbid,
    ForcedToken,
    Places,
    RepetitionPenalty,
    Suppress,
    places_of,
    renormalize,
)


@dataclass(frozen=True)
class TokenChanges:
    """Changes of log-probabilities.

    never: tokens forbidden in all rows. forbidden: in single rows. seen: tokens whose log-probability is multiplied by
    `penalty`. renormalized: the remaining probabilities sum to 1 again.
    """

    never: Int[Tensor, " N"]
    forbidden: Places
    seen: Places
    penalty: float = 1.0
    renormalized: bool = False

    def make(self, logits: Float[Tensor, "R V"], sums: Float[Tensor, " R"]) -> tuple[Tensor, ...]:
        """Change logits in place; return the old values. sums: log-sum-exp of each row."""
        seen = logits[self.seen]
        if len(seen):  # a log-probability is not above 0
            total = sums.to(logits)[self.seen[0]]
            logits[self.seen] = total + (seen - total) * self.penalty
        never = logits[:, self.never]
        logits[:, self.never] = -torch.inf
        forbidden = logits[self.forbidden]
        logits[self.forbidden] = -torch.inf
        return seen, never, forbidden

    def undo(self, logits: Float[Tensor, "R V"], held: tuple[Tensor, ...]) -> None:
        """Restore the values returned by `make`, the last change first."""
        seen, never, forbidden = held
        logits[self.forbidden] = forbidden
        logits[:, self.never] = never
        logits[self.seen] = seen


def token_changes(
    logits_processors: Sequence[LogitsProcessor], rows: Sequence[TokenSequence], device: torch.device
) -> TokenChanges | None:
    """Return the changes of log-probabilities by the processors at this step; None if any token may be affected.

    That is the case for unknown processors, two penalties, a token that is forced now, and anything after
    renormalization.
    """
    never, rules, penalties, last = [torch.empty(0, dtype=torch.long)], list[Forbid](), list[RepetitionPenalty](), False
    for process in logits_processors:
        if last:
            return None
        if isinstance(process, Suppress):
            never.append(process.ids)
        elif isinstance(process, Forbid):
            rules.append(process)
        elif isinstance(process, RepetitionPenalty) and not penalties:
            penalties.append(process)
        elif process is renormalize:
            last = True
        elif not isinstance(process, ForcedToken) or any(map(process.due, rows)):
            return None
    nothing = places_of((), device)
    forbidden = places_of([{t for rule in rules for t in rule.forbidden(row)} for row in rows], device)
    seen = penalties[0].seen(rows, device) if penalties else nothing
    penalty = penalties[0].penalty if penalties else 1.0
    return TokenChanges(torch.cat(never).to(device), forbidden if rules else nothing, seen, penalty, last)
