"""The likelihood of a text under a language model: perplexity, bits per byte, sliding windows, neural cache."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch

from lingon.core.shapes import Float, Int, Tensor

__all__ = ["Likelihood", "neural_cache", "sliding_windows"]


@dataclass(frozen=True)
class Likelihood:
    """The likelihood of a text. nats: -log probability. tokens: their number. bytes: of the text in UTF-8, or 0."""

    nats: float
    tokens: int
    bytes: int = 0

    @property
    def loss(self) -> float:
        """Return nats per token."""
        return self.nats / self.tokens

    @property
    def perplexity(self) -> float:
        """Return exp of the mean loss per token; infinite on overflow."""
        return exp(self.loss)

    @property
    def bits_per_byte(self) -> float | None:
        """Return the bits per byte of the text, comparable between tokenizers; None without its bytes."""
        return self.nats / math.log(2) / self.bytes if self.bytes else None

    def scores(self) -> dict[str, float]:
        """Return the metrics by name."""
        found = {"loss": self.loss, "perplexity": self.perplexity}
        bits = self.bits_per_byte
        return found if bits is None else found | {"bits_per_byte": bits}


def exp(x: float) -> float:
    """Return e to the power of x; infinite on overflow, and NaN for NaN.

    >>> exp(0.0), exp(1e3), exp(math.nan)
    (1.0, inf, nan)
    """
    try:
        return math.exp(x)
    except OverflowError:
        return math.inf


def sliding_windows(length: int, context: int, stride: int) -> Iterator[tuple[int, int, int]]:
    """Yield windows (start, stop, new) that score each of `length` tokens once; `context` is the context length.

    The model reads tokens start..stop-1; the last `new` predictions count, the tokens before them are only context.
    In the first window all predictions count, in each other one `stride`, after at least context - stride tokens.

    >>> list(sliding_windows(10, 4, 2))
    [(0, 4, 4), (2, 6, 2), (4, 8, 2), (6, 10, 2)]
    """
    stop = min(context, length)
    yield 0, stop, stop
    while stop < length:
        new = min(stride, length - stop)
        stop += new
        yield stop - context, stop, new


def neural_cache(
    hidden: Float[Tensor, "N H"],
    targets: Int[Tensor, " N"],
    likely: Float[Tensor, " N"],
    cache_weight: float = 0.1279,
    flatness: float = 0.662,
    window: int = 2000,
    at_once: int = 256,
) -> Float[Tensor, " N"]:
    """Return probabilities of targets with a cache of the last `window` states: (1 - w) * likely + w * cached.

    w: `cache_weight`. The cache probability of a target is the sum of softmax(flatness * h_t . h_i) over the earlier
    positions i with the same target. likely: the probabilities of the model. The first position has no cache and keeps
    its probability. Source: Grave et al. 2017, "Improving neural language models with a continuous cache", section 3;
    the defaults are those published for the AWD-LSTM (Merity et al. 2018).
    """
    out = likely.clone()
    for start in range(1, len(targets), at_once):
        stop, first = min(start + at_once, len(targets)), max(0, start - window)
        scores = flatness * hidden[start:stop] @ hidden[first : stop - 1].T
        places = torch.arange(first, stop - 1, device=hidden.device)
        now = torch.arange(start, stop, device=hidden.device)[:, None]
        seen = (places < now) & (places >= now - window)
        votes = scores.masked_fill(~seen, -torch.inf).softmax(1)
        same = targets[start:stop, None] == targets[first : stop - 1]
        out[start:stop] = (1 - cache_weight) * likely[start:stop] + cache_weight * (votes * same).sum(1)
    return out
