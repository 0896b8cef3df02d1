"""The two-way table between tokens and ids."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from lingon.core.errors import UserError, suggest

PAD, UNK = "[pad]", "[unk]"
SPECIALS = (PAD, UNK)
NEAR = 20_000  # largest vocabulary in which similar tokens are still suggested without delay


class Vocab:
    """Tokens and their ids: a token's id is its index in the list.

    unknown: the token that replaces every token not in the list; None means that there is none, and looking up such a
    token is a KeyError.

    >>> vocab = Vocab(["[pad]", "[unk]", "film"])
    >>> vocab["film"], vocab["flim"], vocab.token(2), len(vocab)
    (2, 1, 'film', 3)
    """

    def __init__(self, tokens: Iterable[str], unknown: str | None = UNK):
        self._tokens = list(tokens)
        self._ids = {token: i for i, token in enumerate(self._tokens)}
        if len(self._ids) < len(self._tokens):
            twice = next(t for i, t in enumerate(self._tokens) if self._ids[t] != i)
            raise UserError(f"token {twice!r} is in the vocabulary twice; each token has one id")
        if unknown is not None and unknown not in self._ids:
            raise UserError(f"the vocabulary lacks its unknown token {unknown!r}; add it, or say unknown=None")
        self.unknown = unknown

    @classmethod
    def from_counts(
        cls,
        counts: Mapping[str, int],
        min_freq: int = 1,
        max_size: int | None = None,
        specials: Sequence[str] = SPECIALS,
    ) -> "Vocab":
        """Make the vocabulary of counted tokens: specials first, then by frequency, then alphabetically (code points).

        min_freq: rarer tokens are left out. max_size: maximum number of tokens, including specials.
        """
        if min_freq < 1:
            raise UserError(f"min_freq is {min_freq}, it must be 1 or more")
        if max_size is not None and max_size < len(specials):
            raise UserError(f"max_size is {max_size}, but there are {len(specials)} special tokens")
        kept = (t for t, n in counts.items() if n >= min_freq and t not in specials)
        ordered = [*specials, *sorted(kept, key=lambda t: (-counts[t], t))]
        return cls(ordered[:max_size], unknown=UNK if UNK in specials else None)

    def __getitem__(self, token: str) -> int:
        found = self._ids.get(token)
        if found is not None:
            return found
        if self.unknown is None:
            near = suggest(token, self._tokens) if len(self._tokens) <= NEAR else "it has no unknown token"
            raise KeyError(f"token {token!r} is not among the {len(self):,} of the vocabulary; {near}")
        return self._ids[self.unknown]

    def token(self, id: int) -> str:
        """Return the token with an id. Raises UserError for an id that is not in [0, len)."""
        if not 0 <= id < len(self._tokens):
            raise UserError(f"id {id} is outside the vocabulary, whose ids are 0 to {len(self) - 1}")
        return self._tokens[id]

    def __contains__(self, token: object) -> bool:
        return token in self._ids

    def __len__(self) -> int:
        return len(self._tokens)

    def __iter__(self) -> Iterator[str]:
        return iter(self._tokens)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Vocab) and (self._tokens, self.unknown) == (other._tokens, other.unknown)

    __hash__ = None  # type: ignore[assignment]  # mutable and compared by value, so it cannot be a key

    def __repr__(self) -> str:
        return f"Vocab({len(self):,} tokens, unknown={self.unknown!r})"
