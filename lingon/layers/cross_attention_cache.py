"""The state of a decoder with sources: the tokens it has read, and the keys and values of the sources."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import torch
import torch.nn.functional as F

from lingon.core.shapes import Bool, Int, Tensor
from lingon.layers.attention_mask import AttentionMask, padding_mask
from lingon.layers.kv_cache import suits_row_attention


@dataclass(frozen=True)
class SourceRows:
    """Which of M sources each of B rows attends to, so that rows with the same source share its keys and values.

    numbers: the index of the source of each row. count: M.
    """

    numbers: Int[Tensor, " B"]
    count: int

    @cached_property
    def alone(self) -> bool:
        """Return whether each row i has source i, so that nothing is shared."""
        return len(self.numbers) == self.count and bool((self.numbers == torch.arange(self.count)).all())

    @cached_property
    def most(self) -> int:
        """Return the maximum number of rows of a source."""
        return int(self.numbers.bincount(minlength=self.count).max())

    @cached_property
    def places(self) -> Int[Tensor, " B"]:
        """Return the position of each row in a table with `most` places for each source."""
        order = self.numbers.argsort(stable=True)
        counts = self.numbers.bincount(minlength=self.count)
        starts = (counts.cumsum(0) - counts)[self.numbers[order]]
        found = torch.empty_like(order)
        found[order] = self.numbers[order] * self.most + torch.arange(len(order)) - starts
        return found

    def gathered(self, q: Tensor) -> Tensor:
        """Return the queries of all rows of a source as columns of one row: [B, H, T, K] to [M, H, most * T, K]."""
        if self.alone:
            return q
        _, heads, columns, width = q.shape
        rows = q.new_zeros(self.count * self.most, heads, columns, width)
        rows = rows.index_copy(0, self.places.to(q.device), q)
        return rows.unflatten(0, (self.count, self.most)).transpose(1, 2).reshape(self.count, heads, -1, width)

    def divided(self, mixed: Tensor) -> Tensor:
        """Return the rows that `gathered` joined, the inverse: [M, H, most * T, K] to [B, H, T, K]."""
        if self.alone:
            return mixed
        rows = mixed.unflatten(2, (self.most, -1)).transpose(1, 2).flatten(0, 1)
        return rows[self.places.to(mixed.device)]


@dataclass(frozen=True)
class LayerMemory:
    """Keys and values of sources in one layer, [M, H, S, K], and which rows attend to them.

    mask: of the sources. rows: the source of each row; None if row i has source i. by_row: both in one mask, for
    attention with one query per row, if there are enough rows.
    """

    keys: Tensor
    values: Tensor
    mask: AttentionMask | None = None
    rows: SourceRows | None = None
    by_row: AttentionMask | None = None


@dataclass(frozen=True)
class CrossAttentionCache:
    """The state of a decoder of B rows over M sources.

    own: the state of the target read so far, a `KVCache` or a `RecurrentState`. keys, values: of the sources in each
    layer, [M, H, S, K]. mask: True for tokens of the source. rows: the source of each row. ids: of the sources, for a
    decoder that copies.
    """

    own: Any
    keys: tuple[Tensor, ...]
    values: tuple[Tensor, ...]
    mask: Bool[Tensor, "M S"]
    rows: SourceRows
    ids: Int[Tensor, "M S"] | None = None

    @property
    def length(self) -> int:
        """Return the number of tokens of the target read so far, including padding."""
        return self.own.length

    @cached_property
    def attention_mask(self) -> AttentionMask | None:
        """Return the mask of the sources; None when no source is padded."""
        return None if bool(self.mask.all()) else padding_mask(self.mask)

    @cached_property
    def by_row(self) -> AttentionMask:
        """Return the mask that maps each row to its source, for attention with one query per row."""
        numbers, seen = self.rows.numbers, self.attention_mask
        bias = None
        if seen is not None and seen.mask is not None:
            bias = torch.zeros(()).masked_fill(~seen.mask[numbers], -torch.inf)
        return AttentionMask(bias=bias, owners=numbers[:, None].expand(-1, self.mask.shape[1]))

    def layer(self, number: int) -> LayerMemory:
        """Return the keys, values and masks of a layer."""
        keys = self.keys[number]
        by_row = self.by_row if suits_row_attention(keys, self.rows.numbers.shape[0]) else None
        return LayerMemory(keys, self.values[number], self.attention_mask, self.rows, by_row)

    def advance(self, columns: int, mask: Bool[Tensor, "B T"] | None = None) -> "CrossAttentionCache":
        """Return the state after `columns` more tokens; each layer then has to write its keys and values."""
        return self.with_own(self.own.advance(columns, mask))

    def rewind(self, tokens: int) -> "CrossAttentionCache":
        """Return the state without the last `tokens` tokens. Raises UserError when there are fewer."""
        return self.with_own(self.own.rewind(tokens))

    def with_limit(self, columns: int) -> "CrossAttentionCache":
        """Return the same state with a limit of at least `columns` columns; see `KVCache.with_limit`."""
        return self.with_own(self.own.with_limit(columns))

    def with_own(self, own: Any) -> "CrossAttentionCache":
        """Return the state with the same sources and another state of the target."""
        return self._with(own, self.rows)

    def _with(self, own: Any, rows: SourceRows) -> "CrossAttentionCache":
        again = replace(self, own=own, rows=rows)
        if "attention_mask" in self.__dict__:  # computed only when the sources change, not at every step
            again.__dict__["attention_mask"] = self.attention_mask
        return again

    def select(self, rows: Int[Tensor, " M"]) -> "CrossAttentionCache":
        """Return the state of these rows in this order. Sources are shared; unused ones are dropped."""
        return self._selected(self.own.select(rows), rows)

    def branch(self, rows: Int[Tensor, " M"]) -> "CrossAttentionCache":
        """Return these rows like `select`, but sharing memory with this state, which must not be used again."""
        return self._selected(getattr(self.own, "branch", self.own.select)(rows), rows)

    def _selected(self, own: Any, rows: Int[Tensor, " M"]) -> "CrossAttentionCache":
        numbers = self.rows.numbers[rows.cpu()]
        used = numbers.unique()
        if len(used) == self.rows.count:
            return self._with(own, SourceRows(numbers, self.rows.count))
        of_used = SourceRows(torch.searchsorted(used, numbers), len(used))
        kept = used.to(self.mask.device)
        mask = self.mask[kept]
        columns = max(1, int(mask.any(0).sum())) if len(used) else 0
        keys, values = ([t[kept, :, :columns] for t in tensors] for tensors in (self.keys, self.values))
        ids = None if self.ids is None else self.ids[kept, :columns]
        return CrossAttentionCache(own, tuple(keys), tuple(values), mask[:, :columns], of_used, ids)

    def join(self, others: Sequence["CrossAttentionCache"]) -> "CrossAttentionCache":
        """Return a state of the rows of this and the other states; shorter sources are padded on the right.

        Raises UserError for a state that has read no token.
        """
        if not others:
            return self
        states = (self, *others)
        longest = max(state.mask.shape[1] for state in states)
        keys, values = (
            tuple(torch.cat([_longer(t, longest) for t in layer]) for layer in zip(*tensors, strict=True))
            for tensors in ([state.keys for state in states], [state.values for state in states])
        )
        mask = torch.cat([F.pad(state.mask, (0, longest - state.mask.shape[1])) for state in states])
        own = self.own.join([state.own for state in others])
        return CrossAttentionCache(own, keys, values, mask, _joined([s.rows for s in states]), _joined_ids(states))


def new_cross_attention_cache(
    layers: Sequence[tuple[Tensor, Tensor]],
    mask: Bool[Tensor, "M S"],
    own: Any,
    ids: Int[Tensor, "M S"] | None = None,
) -> CrossAttentionCache:
    """Return the state before the first token, with a row for each source. layers: (keys, values) [M, H, S, K] each."""
    keys, values = tuple(k for k, _ in layers), tuple(v for _, v in layers)
    return CrossAttentionCache(own, keys, values, mask, SourceRows(torch.arange(mask.shape[0]), mask.shape[0]), ids)


def _longer(tensor: Tensor, columns: int) -> Tensor:
    """Return keys or values padded to `columns` columns, with 0, since NaN would persist when multiplied by 0."""
    return F.pad(tensor, (0, 0, 0, columns - tensor.shape[2]))


def _joined(rows: Sequence[SourceRows]) -> SourceRows:
    numbers, count = [], 0
    for some in rows:
        numbers.append(some.numbers + count)
        count += some.count
    return SourceRows(torch.cat(numbers), count)


def _joined_ids(states: Sequence[CrossAttentionCache]) -> Int[Tensor, "M S"] | None:
    longest = max(state.mask.shape[1] for state in states)
    ids = [F.pad(state.ids, (0, longest - state.ids.shape[1])) for state in states if state.ids is not None]
    return torch.cat(ids) if ids else None
