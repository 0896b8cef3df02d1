"""Generation past the context of a model: where it is full, the last half of the text is read again, as a new context.

Cached keys and values cannot be shifted: they depend on tokens that are no longer in the window and, with
learned positions, on absolute positions. So the window is read again, and the model's output is that for the last part
of the text alone. Rereading after every token would cost a whole context each; here half of it is read once in half a
context, so that a new token costs about one more token of a prompt.
"""

import warnings
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from lingon.core.errors import UserError
from lingon.core.shapes import Float, Int, Tensor
from lingon.decoding.decoder_protocol import DecoderState, select_rows
from lingon.decoding.prefill import read
from lingon.tasks.language_model.decoder import CausalDecoder


@dataclass(frozen=True)
class WindowState:
    """Hold the state of a model and, for each row, the ids of its window: those that the state has read."""

    windows: tuple[tuple[int, ...], ...]
    inner: Any

    @property
    def length(self) -> int:
        """Return how many columns the state has read, padding among them."""
        return self.inner.length

    def select(self, rows: Int[Tensor, " M"]) -> "WindowState":
        """Return the state of these rows in this order."""
        return WindowState(tuple(self.windows[row] for row in rows.tolist()), self.inner.select(rows))

    def rewind(self, tokens: int) -> "WindowState":
        """Return the state as it was `tokens` ago. Raises UserError for one before the window."""
        if tokens and any(tokens >= len(window) for window in self.windows):
            raise UserError(f"cannot go back {tokens} tokens: a window began since")
        windows = tuple(window[: len(window) - tokens] for window in self.windows)
        return WindowState(windows, self.inner.rewind(tokens))

    def join(self, others: Sequence["WindowState"]) -> "WindowState":
        """Return the state of the rows of this state, then those of the others."""
        windows = [window for state in (self, *others) for window in state.windows]
        return WindowState(tuple(windows), self.inner.join([other.inner for other in others]))


class SlidingWindow:
    """Run a causal model as `CausalDecoder` does, and go on where a row has filled its context.

    Then the row reads `prefix`, which the tokenizer puts before every text, and the last ids of the text, half a
    context in all. Each row does so by itself, so that its text is the one it would get alone. Warns where the first
    one does.
    """

    def __init__(self, model: CausalDecoder, context_length: int, prefix: Sequence[int] = ()):
        self.model, self.context_length, self.prefix = model, context_length, tuple(prefix)
        self.device = model.device
        self._warned = False

    def begin(self, sources: Sequence[Hashable] = (None,)) -> WindowState:
        """Return the state before the first token of so many rows."""
        return WindowState(((),) * len(sources), self.model.begin(sources))

    def step(
        self, ids: Int[Tensor, "B S"], state: Any, mask: Tensor | None = None
    ) -> tuple[Float[Tensor, "B V"], DecoderState]:
        """Return the logits after the last of the ids, and the new state."""
        windows = _grown(state.windows, ids, mask)
        full = [row for row, window in enumerate(windows) if len(window) > self.context_length]
        if not full:
            logits, inner = self.model.step(ids, state.inner, mask)
            return logits, WindowState(windows, inner)
        self._warn()
        going = [row for row in range(len(windows)) if row not in full]
        again = [self._last(windows[row]) for row in full]
        logits, inner = read(self.model, again, device=self.device)
        if going:
            rows = torch.tensor(going, device=ids.device)
            first, others = self.model.step(ids[rows], state.inner.select(rows), None if mask is None else mask[rows])
            logits, inner = torch.cat([first, logits]), others.join([inner])
        order = sorted(range(len(windows)), key=[*going, *full].__getitem__)
        found = WindowState((*(windows[row] for row in going), *again), inner)
        return logits[order], found if order == sorted(order) else select_rows(found, order)

    def _last(self, window: tuple[int, ...]) -> tuple[int, ...]:
        """Return the ids with which a row continues."""
        return (*self.prefix, *window[-max(1, self.context_length // 2 - len(self.prefix)) :])

    def _warn(self) -> None:
        if not self._warned:
            self._warned = True
            warnings.warn(
                f"the context of {self.context_length:,} tokens is full: from here on the model sees the last "
                f"{self.context_length // 2:,} to {self.context_length:,} tokens of the text",
                stacklevel=2,
            )


def _grown(
    windows: Sequence[tuple[int, ...]], ids: Int[Tensor, "B S"], mask: Tensor | None
) -> tuple[tuple[int, ...], ...]:
    """Return the windows with the ids that each row reads; padding is none."""
    rows = ids.tolist()
    if mask is not None:
        kept = zip(rows, mask.tolist(), strict=True)
        rows = [[i for i, text in zip(row, own, strict=True) if text] for row, own in kept]
    return tuple((*window, *row) for window, row in zip(windows, rows, strict=True))
