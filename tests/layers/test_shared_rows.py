"""Rows that share memory attend as copied rows do: branches of caches, against `select`, and the loop against torch."""

import pytest
import torch
import torch.nn.functional as F

from lingon.kernels import row_threads
from lingon.kernels.row_attention import row_attention
from lingon.layers import kv_cache
from lingon.layers.attention import attend
from lingon.layers.attention_mask import AttentionMask, causal_mask
from lingon.layers.cross_attention_cache import new_cross_attention_cache
from lingon.layers.kv_cache import KVCache, empty_cache

ROWS, KV_HEADS, GROUP, WIDTH = 5, 2, 3, 7


@pytest.fixture(autouse=True)
def any_size(monkeypatch):
    """Few rows are worth the loop here, and so is a thread of its own."""
    monkeypatch.setattr(kv_cache, "WORTH", 1)
    monkeypatch.setattr(row_threads, "WORTH", 1)


def draw(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape)))


@torch.no_grad()
def read(cache: KVCache, number: int, mask=None) -> KVCache:
    """The cache after one column more in both layers, of numbers that depend on `number`."""
    rows = len(cache.owners) if cache.owners is not None else (ROWS if cache.keys[0] is None else len(cache.keys[0]))
    after = cache.advance(1, mask)
    for layer in range(2):
        new = draw(rows, KV_HEADS, 1, WIDTH) + number + layer + torch.arange(rows)[:, None, None, None]
        after.write(layer, new, -new)
    return after


@torch.no_grad()
def attended(cache: KVCache, softcap=None, bias=False) -> torch.Tensor:
    """What the second layer of a cache mixes for the last column."""
    rows = len(cache.owners) if cache.owners is not None else len(cache.keys[0])
    q, mask = draw(rows, KV_HEADS * GROUP, 1, WIDTH), causal_mask(cache, 1, None, torch.device("cpu"))
    if bias:
        mask = AttentionMask(mask.mask, bias=draw(1, KV_HEADS * GROUP, 1, cache.length), owners=mask.owners)
    k, v = (tensors[1][:, :, : cache.length] for tensors in (cache.keys, cache.values))
    return attend(q, k, v, mask, 0.3, softcap)


STEPS = [[1, 1, 0, 4, 2], [3, 3, 0], [2, 0, 0], [1, 1]]


@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize("case", [{}, {"softcap": 3.0}, {"bias": True}])
def test_a_branch_is_attended_to_as_a_selection_is(case, padded):
    """Rows are taken several times and left out, step after step; some begin with padding."""
    mask = torch.tensor([[1], [1], [0], [1], [0]], dtype=torch.bool) if padded else None
    ours = theirs = read(read(empty_cache(2, 30), 1, mask), 2)
    ours = ours.select(torch.arange(ROWS))
    for number, rows in enumerate(STEPS):
        with torch.no_grad():
            ours, theirs = ours.branch(torch.tensor(rows)), theirs.select(torch.tensor(rows))
        assert ours.owners is not None
        assert theirs.owners is None
        ours, theirs = read(ours, number), read(theirs, number)
        torch.testing.assert_close(attended(ours, **case), attended(theirs, **case))
    assert ours.length == 6


def test_a_branch_can_be_selected_joined_and_rewound():
    old = read(read(empty_cache(2, 30), 1), 2)
    with torch.no_grad():
        plain, shared = (
            old.select(torch.tensor([3, 3, 1])),
            old.select(torch.arange(ROWS)).branch(torch.tensor([3, 3, 1])),
        )
    plain, shared = read(plain, 5), read(shared, 5)
    for change in (
        lambda cache: cache.select(torch.tensor([2, 0])),
        lambda cache: cache.join([old]),
        lambda cache: old.join([cache]),
        lambda cache: read(cache.rewind(1), 9),
        lambda cache: cache.with_limit(99),
    ):
        torch.testing.assert_close(attended(change(shared)), attended(change(plain)))


def test_few_rows_and_rows_with_gradients_are_copied(monkeypatch):
    old = read(empty_cache(2, 30), 1)
    assert old.branch(torch.tensor([1, 1])).owners is None  # a gradient could be asked for
    with torch.no_grad():
        assert old.branch(torch.tensor([1] * (ROWS + 1))).owners is None  # more rows than memory has
        monkeypatch.setattr(kv_cache, "WORTH", 1 << 15)
        assert old.branch(torch.tensor([1, 1])).owners is None


@pytest.mark.parametrize("threads", [1, 3])
def test_the_loop_is_torchs_attention_to_the_rows_of_the_owners(threads, monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    columns, heads = 11, KV_HEADS * GROUP
    q, memory = draw(ROWS, heads, WIDTH), draw(4, columns, 2, KV_HEADS, WIDTH)
    k, v = (memory[:, :, i].transpose(1, 2) for i in range(2))  # neither lies in one piece
    owners = torch.randint(4, (ROWS, columns), generator=torch.Generator().manual_seed(1))
    seen = draw(ROWS, columns) < 1
    bias = torch.zeros(()).masked_fill(~seen, -torch.inf)[:, None].expand(-1, heads, -1)
    own = [x[owners, :, torch.arange(columns)].transpose(1, 2).repeat_interleave(GROUP, 1) for x in (k, v)]
    expected = F.scaled_dot_product_attention(q[:, :, None], *own, seen[:, None, None], scale=0.3)[:, :, 0]
    torch.testing.assert_close(row_attention(q, k, v, owners, bias, 0.3), expected)


def test_rows_of_one_source_attend_to_it_without_its_padding():
    seen = torch.arange(9) < torch.tensor([9, 4, 7])[:, None]
    layers = [(draw(3, KV_HEADS, 9, WIDTH), draw(3, KV_HEADS, 9, WIDTH))]
    with torch.no_grad():
        state = new_cross_attention_cache(layers, seen, empty_cache(1, 20)).branch(torch.tensor([1, 1, 2, 1]))
        memory, q = state.layer(0), draw(4, KV_HEADS, 1, WIDTH)
        found = attend(q, memory.keys, memory.values, memory.by_row, 0.3)
    each = [1, 1, 2, 1]
    k, v = (x[each] for x in layers[0])
    torch.testing.assert_close(found, F.scaled_dot_product_attention(q, k, v, seen[each][:, None, None], scale=0.3))
