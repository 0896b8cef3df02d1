"""Key-value cache: the keys and values of the tokens that a Transformer has read, in each layer."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F

from lingon.core.errors import RunError, UserError
from lingon.core.shapes import Bool, Float, Int, Tensor

LEAST = 64  # tokens; initial capacity of a cache that grows
WORTH = 1 << 15  # elements of the queries of a step below which rows are copied and PyTorch's attention is used


class KVCache:
    """Keys and values [B, H, capacity, K] of each layer; the first `length` columns are filled.

    A step returns a new cache that shares its memory with the old one. Using the old one again overwrites what came
    after it: continue from only one of them, or make a copy with `select`.

    places: the position of the token in each column, [B, length], and -1 for padding; None when there is no padding.
    limit: maximum number of columns. Memory grows up to it, unless it was allocated at the start.
    owners: the row of memory that holds each column of each row, [B, length], if rows share columns; None when each row
    i is row i of memory.
    """

    def __init__(
        self,
        keys: Sequence[Tensor | None],
        values: Sequence[Tensor | None],
        limit: int,
        length: int = 0,
        places: Int[Tensor, "B T"] | None = None,
        owners: Int[Tensor, "B T"] | None = None,
    ):
        self.keys, self.values, self.limit, self.length = list(keys), list(values), limit, length
        self.places, self.owners = places, owners

    def select(self, rows: Int[Tensor, " M"]) -> "KVCache":
        """Return an independent copy of these rows in this order; a row may occur several times, or not at all."""
        places = None if self.places is None else self.places[rows.to(self.places.device)]
        keys, values = ([self._copied(t, rows) for t in tensors] for tensors in (self.keys, self.values))
        return KVCache(keys, values, self.limit, self.length, places)

    def _copied(self, tensor: Tensor | None, rows: Tensor) -> Tensor | None:
        if tensor is None:
            return None
        filled, rows = tensor[:, :, : self.length], rows.to(tensor.device)
        if self.owners is not None:
            filled, rows = rows_of_owners(filled, self.owners[rows]), torch.arange(len(rows))
        if filled.requires_grad or tensor.shape[2] == self.length:
            return filled.index_select(0, rows)
        fresh = tensor.new_empty(len(rows), tensor.shape[1], tensor.shape[2], tensor.shape[3])
        torch.index_select(filled, 0, rows, out=fresh[:, :, : self.length])
        return fresh

    def branch(self, rows: Int[Tensor, " M"]) -> "KVCache":
        """Return these rows like `select`, but sharing memory with this cache, which must not be used again.

        So the beams of a search, which have most of their tokens in common, are not copied at each step. Few rows are
        copied, and so are more rows than the memory has.
        """
        first = self.keys[0] if self.keys else None
        if first is None or len(rows) > len(first) or not suits_row_attention(first, len(rows)):
            return self.select(rows)
        owners = self.owners
        if owners is None:
            owners = torch.arange(len(first))[:, None].expand(-1, self.length)
        places = None if self.places is None else self.places[rows]
        return KVCache(self.keys, self.values, self.limit, self.length, places, owners[rows])

    def join(self, others: Sequence["KVCache"]) -> "KVCache":
        """Return one cache of the rows of this and the other caches, each with its remaining room.

        Rows with fewer columns are padded on the left. Columns that are padding in all rows of a cache are dropped, so
        that a batch that rows leave and join does not grow forever. Raises UserError for a cache without tokens.
        """
        if not others:
            return self
        caches = [cache._trimmed() for cache in (self, *others)]
        length = max(cache.length for cache in caches)
        padded = [cache._padded(length - cache.length) for cache in caches]
        keys = [torch.cat(layer) for layer in zip(*(keys for keys, _, _ in padded), strict=True)]
        values = [torch.cat(layer) for layer in zip(*(values for _, values, _ in padded), strict=True)]
        places = torch.cat([places for _, _, places in padded])
        room = max(cache.limit - cache.length for cache in caches)
        return KVCache(keys, values, length + room, length, places if bool((places < 0).any()) else None)

    def _trimmed(self) -> "KVCache":
        """Return the cache without the first columns that are padding in all rows."""
        if not self.length or any(t is None for t in self.keys):
            raise UserError("a cache that holds no token cannot be joined; let an eval-mode model read a prompt first")
        if self.owners is not None:
            return self.select(torch.arange(len(self.owners)))._trimmed()
        if self.places is None:
            return self
        first = int((self.places >= 0).any(0).int().argmax())
        keys, values = ([t if t is None else t[:, :, first:] for t in tensors] for tensors in (self.keys, self.values))
        return KVCache(keys, values, self.limit - first, self.length - first, self.places[:, first:])

    def _padded(self, columns: int) -> tuple[list[Tensor], list[Tensor], Int[Tensor, "B T"]]:
        """Return keys, values and places padded on the left, with 0, since NaN would persist when multiplied by 0."""
        filled = ([t[:, :, : self.length] for t in ts if t is not None] for ts in (self.keys, self.values))
        keys, values = ([F.pad(t, (0, 0, columns, 0)) for t in tensors] for tensors in filled)
        places = self.places
        if places is None:
            places = torch.arange(self.length, device=keys[0].device).expand(len(keys[0]), -1)
        return keys, values, F.pad(places, (columns, 0), value=-1)

    def rewind(self, tokens: int) -> "KVCache":
        """Return the cache without the last `tokens` columns. Raises UserError when there are fewer."""
        if not 0 <= tokens <= self.length:
            raise UserError(f"cannot go back {tokens} tokens: the state has read {self.length}")
        length = self.length - tokens
        places, owners = (None if x is None else x[:, :length] for x in (self.places, self.owners))
        return KVCache(self.keys, self.values, self.limit, length, places, owners)

    def with_limit(self, columns: int) -> "KVCache":
        """Return the same cache with a limit of at least `columns`: prompts padded on the left may exceed the context.

        A row with padding reaches the context length later than its number of columns suggests. Memory allocated at the
        start is enlarged when needed.
        """
        return KVCache(self.keys, self.values, max(self.limit, columns), self.length, self.places, self.owners)

    def advance(self, columns: int, mask: Bool[Tensor, "B S"] | None = None) -> "KVCache":
        """Return the cache after `columns` more columns; each layer then has to write its keys and values."""
        if self.length + columns > self.limit:
            raise UserError(
                f"{self.length + columns:,} tokens do not fit into a context of {self.limit:,}; "
                "shorten the prompt or ask for fewer new tokens"
            )
        places = self.places
        if places is not None or (mask is not None and not bool(mask.all())):
            places = self._placed(columns, mask)
        owners = self.owners
        if owners is not None:
            owners = torch.cat([owners, torch.arange(len(owners))[:, None].expand(-1, columns)], 1)
        return KVCache(self.keys, self.values, self.limit, self.length + columns, places, owners)

    def _placed(self, columns: int, mask: Bool[Tensor, "B S"] | None) -> Int[Tensor, "B T"]:
        old = self.places
        if old is None:
            assert mask is not None, "rows begin to differ by a mask"
            old = torch.arange(self.length, device=mask.device).expand(len(mask), -1)
        if mask is None:
            mask = old.new_ones(len(old), columns, dtype=torch.bool)
        read = (old >= 0).sum(1, keepdim=True)
        new = (read + mask.cumsum(1) - 1).masked_fill(~mask, -1)
        return torch.cat([old, new], 1)

    def positions(self, columns: int) -> slice | Int[Tensor, "B S"]:
        """Return the positions of the last columns, a slice if all rows agree. Padding has position 0."""
        if self.places is None:
            return slice(self.length - columns, self.length)
        return self.places[:, -columns:].clamp(min=0)

    def write(self, layer: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Write keys and values of a layer [B, H, S, K] into its last columns; return all columns [B, H, length, K].

        With `owners`, all rows of memory are returned.
        """
        return self._written(self.keys, layer, keys), self._written(self.values, layer, values)

    def _written(self, tensors: list[Tensor | None], layer: int, new: Tensor) -> Tensor:
        old, end = tensors[layer], self.length
        start = end - new.shape[2]
        if start == 0 and old is None:
            tensors[layer] = new
            return new
        if old is None or (len(old) != len(new) if self.owners is None else len(self.owners) != len(new)):
            held = "nothing, since it was made in training mode" if old is None else f"{len(old)} rows"
            raise UserError(f"{len(new)} rows for a state that holds {held}; make one with new_state, or call eval()")
        if new.requires_grad or old.requires_grad:  # memory needed for gradients must not be overwritten
            joined = torch.cat([old[:, :, :start], new], 2)
            tensors[layer] = joined
            return joined
        if old.shape[2] < end:
            fresh = old.new_empty(*old.shape[:2], min(self.limit, max(LEAST, 2 * end)), old.shape[3])
            fresh[:, :, :start] = old[:, :, :start]
            tensors[layer] = old = fresh
        old[: len(new), :, start:end] = new
        return old[:, :, :end]


def rows_of_owners(memory: Float[Tensor, "M H T K"], owners: Int[Tensor, "B T"]) -> Float[Tensor, "B H T K"]:
    """Return a copy of each row's columns of memory: column t of row b from row owners[b, t]."""
    _, heads, columns, _ = memory.shape
    return memory[owners[:, None], torch.arange(heads)[:, None], torch.arange(columns)]


def suits_row_attention(keys: Float[Tensor, "M H T K"], rows: int) -> bool:
    """Return whether `lingon.kernels.row_attention` supports these keys and is faster for this number of rows."""
    if keys.device.type != "cpu" or keys.dtype != torch.float32 or torch.compiler.is_compiling():
        return False
    return not torch.is_grad_enabled() and rows * keys.shape[1] * keys.shape[3] >= WORTH


def empty_cache(depth: int, limit: int) -> KVCache:
    """Return an empty cache whose memory grows."""
    return KVCache([None] * depth, [None] * depth, limit)


def preallocated_cache(depth: int, shape: Sequence[int], dtype: torch.dtype, device: torch.device) -> KVCache:
    """Return an empty cache with preallocated memory of shape [B, H, capacity, K] in each layer.

    Raises RunError when there is not enough memory.
    """
    batch, _, capacity, _ = shape
    needed = 2 * depth * torch.Size(shape).numel() * dtype.itemsize
    if needed > (free := _free(device)):
        raise RunError(
            f"a cache of {capacity:,} tokens for {batch:,} texts takes {needed / 1e9:.1f} GB, and {free / 1e9:.1f} GB "
            "are free; lower the context, the new tokens or the batch"
        )
    # torch.empty reserves address space only: pages are allocated when they are written to.
    keys, values = ([torch.empty(*shape, dtype=dtype, device=device) for _ in range(depth)] for _ in "kv")
    return KVCache(keys, values, capacity)


def _free(device: torch.device) -> int:
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    import psutil

    return psutil.virtual_memory().available
