"""A grammar over the tokens of a vocabulary: which tokens may come next, so that the text can be completed.

Source: Willard, Louf, "Efficient Guided Generation for Large Language Models", 2023, section 3. Here all tokens are run
through the automaton at once, as columns of an array, when a state is first needed.
"""

from collections.abc import Sequence
from functools import cached_property, lru_cache
from threading import Lock
from typing import Any

import numpy as np
import torch

from lingon.core.errors import UserError
from lingon.core.shapes import Float, Tensor
from lingon.decoding.automaton import Automaton, compiled, steps_to
from lingon.decoding.decoder_protocol import LogitsProcessor, TokenSequence
from lingon.decoding.json_schema import schema_grammar, schema_text
from lingon.decoding.regex import parse

__all__ = ["Grammar", "grammar_of"]

MAX_CACHED_STATES = 256  # states whose tokens are cached: with 50,000 tokens each takes at most 600 kB
MAX_TOKEN_STEPS = 200_000_000  # maximum tokens times states that are tried; takes seconds
MAX_CACHED_PREFIXES = 100_000  # prefixes whose state is cached


def grammar_of(regex: str | None, json_schema: Any, pieces: Sequence[bytes]) -> "Grammar | None":
    """Return the grammar of a regular expression or a JSON schema (an object, or its text); None when both are None."""
    if regex is None and json_schema is None:
        return None
    schema = json_schema if isinstance(json_schema, str | None) else schema_text(json_schema)
    return _grammar(regex, schema, tuple(pieces))


@lru_cache(maxsize=4)  # a grammar, with what it has cached, is shared by many prompts
def _grammar(regex: str | None, json_schema: str | None, pieces: tuple[bytes, ...]) -> "Grammar":
    return Grammar(compiled(parse(regex) if regex is not None else schema_grammar(json_schema)), pieces)


class Grammar:
    """An automaton over bytes, applied to tokens, as a logits processor.

    pieces: the bytes that each token adds to a text; a token without bytes is never allowed.
    """

    def __init__(self, automaton: Automaton, pieces: Sequence[bytes]):
        self.automaton, self.pieces = automaton, pieces
        columns, self._lengths = _columns(pieces)
        self._columns = automaton.classes[columns]
        self._following: dict[int, tuple[np.ndarray, np.ndarray]] = {}
        self._after: dict[tuple[int, ...], int] = {}
        self._lock = Lock()  # of both caches: one grammar is shared by many threads
        self._bytes_missing = self._by_bytes()
        if self._bytes_missing is None:
            self._tokens_missing  # noqa: B018 a grammar without any text of the vocabulary is refused here

    def missing(self, max_new_tokens: int | None = None) -> np.ndarray:
        """Return for each state an upper bound of the tokens missing to a complete text, -1 if there is none.

        Which bound is returned depends only on `max_new_tokens`, not on previous calls: that by bytes if it suffices.
        """
        found = self._bytes_missing
        if found is not None and (max_new_tokens is None or found[0] <= max_new_tokens):
            return found
        return self._tokens_missing

    @cached_property
    def _tokens_missing(self) -> np.ndarray:
        return self._by_tokens()

    def require(self, max_new_tokens: int) -> None:
        """Raise UserError if the grammar accepts no text of at most this number of tokens."""
        if (shortest := self.missing(max_new_tokens)[0]) > max_new_tokens:
            raise UserError(f"the shortest text of the grammar has {shortest} tokens, {max_new_tokens} are allowed")

    def after(self, ids: Sequence[int]) -> int:
        """Return the state after generated ids; the dead state if the grammar does not allow them."""
        ids = tuple(ids)
        state = self._after.get(ids)
        if state is None:
            known = self._after.get(ids[:-1]) if ids else None
            rest, start = (ids, 0) if known is None else (ids[-1:], known)
            state = self.automaton.after(b"".join(self.pieces[i] for i in rest), start)
            with self._lock:
                if len(self._after) >= MAX_CACHED_PREFIXES:
                    self._after.clear()
                self._after[ids] = state
        return state

    def accepts(self, ids: Sequence[int]) -> bool:
        """Return whether the grammar accepts the generated ids as a complete text."""
        return bool(self.automaton.accepting[self.after(ids)])

    def complete(self, ids: Sequence[int], max_new_tokens: int | None = None) -> bool:
        """Return whether the ids are accepted and no token may follow, with `max_new_tokens` in total."""
        return self.accepts(ids) and not len(self.allowed(ids, max_new_tokens))

    def allowed(self, ids: Sequence[int], max_new_tokens: int | None = None) -> np.ndarray:
        """Return the tokens that may follow, so that the text can be completed with `max_new_tokens` in total."""
        tokens, states = self.following(self.after(ids))
        if max_new_tokens is None:
            return tokens
        return tokens[self.missing(max_new_tokens)[states] < max_new_tokens - len(ids)]

    def following(self, state: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the tokens after which an accepted text can still be completed, and the state after each."""
        found = self._following.get(state)
        if found is None:
            tokens, states = self._walk(state)
            kept = self.missing()[states] >= 0
            found = tokens[kept], states[kept]
            with self._lock:
                if len(self._following) >= MAX_CACHED_STATES:
                    del self._following[next(iter(self._following))]
                self._following[state] = found
        return found

    def logits_processor(self, eos_ids: Sequence[int] = (), max_new_tokens: int | None = None) -> LogitsProcessor:
        """Return the logits processor that allows tokens of the grammar, and an end token if the text is complete.

        max_new_tokens: maximum number of tokens to generate, or fewer if a row has a lower limit. Only tokens that can
        still be completed within the limit are allowed, so that every text is complete.
        Raises UserError if the grammar accepts no text within the limit.
        """
        if max_new_tokens is not None:
            self.require(max_new_tokens)

        def process(logits: Float[Tensor, "B V"], rows: Sequence[TokenSequence]) -> Float[Tensor, "B V"]:
            mask = np.zeros((len(rows), logits.shape[-1]), bool)
            for i, row in enumerate(rows):
                most = None if max_new_tokens is None else min(max_new_tokens, row.max_new_tokens)
                mask[i, self.allowed(row.new_ids, most)] = True
                mask[i, list(eos_ids)] = self.accepts(row.new_ids)
            return logits.masked_fill(~torch.from_numpy(mask).to(logits.device), -torch.inf)

        return process

    def _walk(self, state: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the tokens that do not lead to the dead state, and the state after each, found byte by byte."""
        states, table = np.full(len(self.pieces), state, np.int32), self.automaton.table
        walking = tokens = np.flatnonzero(self._lengths)
        for at in range(self._columns.shape[1]):
            states[walking] = table[states[walking], self._columns[walking, at]]
            walking = walking[(states[walking] != self.automaton.dead) & (self._lengths[walking] > at + 1)]
            if not len(walking):
                break
        tokens = tokens[states[tokens] != self.automaton.dead]
        return tokens, states[tokens]

    def _by_bytes(self) -> np.ndarray | None:
        """Return for each state an upper bound of missing tokens by bytes, -1 for the dead state; or None.

        If every byte that the grammar uses is a token, as many tokens as missing bytes suffice; otherwise it is None.
        """
        single = set(b"".join(piece for piece in self.pieces if len(piece) == 1))
        used = np.flatnonzero((self.automaton.table[:-1] != self.automaton.dead).any(0)[self.automaton.classes])
        return self.automaton.distance if single.issuperset(used.tolist()) else None

    def _by_tokens(self) -> np.ndarray:
        """Return the minimum number of missing tokens for each state, -1 if it cannot be completed, by full search."""
        states, tokens = len(self.automaton.table), len(self.pieces)
        if states * tokens > MAX_TOKEN_STEPS:
            more = "" if self._bytes_missing is None else f"allow {self.automaton.distance[0]:,} tokens or more, or "
            many = f"{states:,} states, too many to try {tokens:,} tokens in each"
            raise UserError(f"the grammar has {many}; {more}write it more simply")
        following = [set(self._walk(state)[1].tolist()) for state in range(len(self.automaton.table))]
        missing = steps_to(self.automaton.accepting, following)
        if missing[0] < 0:
            raise UserError(
                "no tokens of the vocabulary make a text of the grammar; loosen it, or begin it with ' ?' where a word"
                " brings the space before it"
            )
        return missing


def _columns(pieces: Sequence[bytes]) -> tuple[np.ndarray, np.ndarray]:
    """Return the bytes [V, longest] of all tokens, and the number of bytes of each."""
    lengths = np.array([len(piece) for piece in pieces])
    longest = max(1, int(lengths.max()))
    joined = b"".join(piece.ljust(longest, b"\0") for piece in pieces)
    return np.frombuffer(joined, np.uint8).reshape(len(pieces), longest), lengths
