"""A language model small enough to enumerate: the logits of every history are drawn once, from its hash and a seed."""

import itertools
import math

import torch

from lingon.core.seed import derive


class Memory:
    """A state that is the history itself, None where it is padding, and the source that each row is generated from.

    It can be asked for what no state should be asked for, and says so.
    """

    def __init__(self, rows, sources):
        self.rows, self.sources = rows, sources

    @property
    def length(self):
        return len(self.rows[0])

    def select(self, rows):
        rows = rows.tolist()
        return Memory([list(self.rows[i]) for i in rows], [self.sources[i] for i in rows])

    def rewind(self, tokens):
        assert 0 <= tokens <= self.length
        return Memory([row[: len(row) - tokens] for row in self.rows], self.sources)

    def join(self, others):
        rows = [row for state in (self, *others) for row in state.rows]
        sources = [source for state in (self, *others) for source in state.sources]
        longest = max(map(len, rows))
        return Memory([[None] * (longest - len(row)) + row for row in rows], sources)


class Toy:
    """A model over `size` tokens that looks at its source and at the whole history: begin(sources), step(ids, state).

    steps: how often it was asked; read: how many tokens it has read, padding among them.
    """

    def __init__(self, size, seed=0, spread=1.0):
        self.size, self.seed, self.spread, self.known = size, seed, spread, {}
        self.steps = self.read = 0

    def begin(self, sources):
        return Memory([[] for _ in sources], list(sources))

    def logits(self, history, source=None):
        history = tuple(t for t in history if t is not None)
        key = history if source is None else ("source", source, *history)
        if key not in self.known:
            rng = torch.Generator().manual_seed(derive(self.seed, *key))
            self.known[key] = torch.randn(self.size, generator=rng) * self.spread
        return self.known[key]

    def every(self, ids, state, mask=None):
        """Logits [B, S, V] after every one of the ids."""
        self.steps += 1
        self.read += ids.numel()
        assert len(ids) == len(state.rows)
        out, rows = [], []
        for at, (new, old, source) in enumerate(zip(ids.tolist(), state.rows, state.sources, strict=True)):
            kept = [t if mask is None or mask[at, i] else None for i, t in enumerate(new)]
            given = () if source is None else (source,)
            out.append(torch.stack([self.logits([*old, *kept[: i + 1]], *given) for i in range(len(kept))]))
            rows.append([*old, *kept])
        return torch.stack(out), Memory(rows, state.sources)

    def step(self, ids, state, mask=None):
        logits, state = self.every(ids, state, mask)
        return logits[:, -1], state

    def logprob(self, prompt, text):
        """Sum of the log-probabilities of the tokens of a text after a prompt."""
        return sum(
            self.logits([*prompt, *text[:i]]).double().log_softmax(0)[token].item() for i, token in enumerate(text)
        )

    def texts(self, prompt, length, eos_ids=()):
        """Every text of `length` tokens, or of fewer if it ends, with its log-probability."""
        for text in itertools.product(range(self.size), repeat=length):
            first = next((i for i, token in enumerate(text) if token in eos_ids), length - 1)
            if all(token == 0 for token in text[first + 1 :]):  # of all that agree up to the end, one
                yield text[: first + 1], self.logprob(prompt, text[: first + 1])


def chances(toy, prompt, length):
    """The probability of each text of that length, by text."""
    return {text: math.exp(logprob) for text, logprob in toy.texts(prompt, length)}
