"""Text that keeps to a pattern: a rule that lets only those tokens pass with which the text can still become right."""

from collections.abc import Sequence
from functools import cache

import torch

from lingon.core.shapes import Float, Tensor
from lingon.decoding.pattern import Automaton
from lingon.decoding.step import Row

Trie = dict  # byte -> (ids that end here, what follows)


class Grammar:
    """The new text of each row must match an automaton from its first byte to its last.

    pieces: the bytes that each token adds to a text; None for one that must not come. ends: ids that end a text, which
    pass only where the text is whole. Use `rule` in the list of rules, and `whole` to stop where nothing can follow.
    """

    def __init__(self, built: Automaton, pieces: Sequence[bytes | None], ends: Sequence[int]):
        self.built, self.pieces, self.ends = built, pieces, [end for end in ends if end < len(pieces)]
        self.trie = _trie(pieces, set(ends))
        self.allowed = cache(self._allowed)
        self.moved = cache(self._moved)

    def state(self, row: Row) -> frozenset[int]:
        """Where the new text of a row stands; empty when it has left the pattern."""
        state = self.built.first
        for token in row.new:
            state = self.moved(state, token)
        return state

    def rule(self, logits: Float[Tensor, "B V"], rows: Sequence[Row]) -> Float[Tensor, "B V"]:
        """Minus infinity for every token that the pattern does not allow next."""
        out = torch.full_like(logits, -torch.inf)
        for i, row in enumerate(rows):
            ids = self.allowed(self.state(row)).to(logits.device)
            out[i, ids] = logits[i, ids]
        return out

    def whole(self, row: Row) -> bool:
        """Whether the text is whole and no token can follow."""
        state = self.state(row)
        return self.built.end in state and set(self.allowed(state).tolist()) <= set(self.ends)

    def _moved(self, state: frozenset[int], token: int) -> frozenset[int]:
        for byte in self.pieces[token] or b"":
            state = self.built.after(state, byte)
        return state

    def _allowed(self, state: frozenset[int]) -> Tensor:
        found = list(self.ends) if self.built.end in state else []
        waiting = [(state, self.trie)]
        while waiting:
            states, node = waiting.pop()
            for byte, (ids, following) in node.items():
                if after := self.built.after(states, byte):
                    found += ids
                    if following:
                        waiting.append((after, following))
        return torch.tensor(sorted(found), dtype=torch.long)


def _trie(pieces: Sequence[bytes | None], ends: set[int]) -> Trie:
    root: Trie = {}
    for token, piece in enumerate(pieces):
        if not piece or token in ends:
            continue
        node = root
        for byte in piece[:-1]:
            node = node.setdefault(byte, ([], {}))[1]
        node.setdefault(piece[-1], ([], {}))[0].append(token)
    return root
