"""However a program is made ready, it computes what NumPy computes: random graphs, all ways, many block sizes."""

import itertools

import numpy as np
import pytest

from lingon.program import Variable, blocks, compile, exp, where
from lingon.program.blocks import block_slices, merged_axes
from tests.program.random_graphs import graph

WAYS = list(itertools.product([True, False], repeat=3))


@pytest.fixture
def tiny_blocks(monkeypatch):
    monkeypatch.setattr(blocks, "LEAST", 2)
    monkeypatch.setattr(blocks, "BUDGET", 16)
    monkeypatch.setattr(blocks, "APART", 4)


def check_all_ways(seed, size):
    roots, wanted, given = graph(np.random.default_rng(seed), size)
    used = {n: v for n, v in given.items() if n in compile(roots).inputs}
    before = {n: v.copy() for n, v in used.items()}
    for optimise, fuse, share in WAYS:
        found = compile(roots, optimise=optimise, fuse=fuse, share=share)(**used)
        for ours, theirs in zip(found, wanted, strict=True):
            assert ours.shape == theirs.shape
            np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12)
    for name, value in used.items():
        np.testing.assert_array_equal(value, before[name])  # nobody wrote into what was given


@pytest.mark.parametrize("seed", range(60))
def test_random_graphs_equal_numpy_in_every_way(seed):
    check_all_ways(seed, 5 + seed % 40)


@pytest.mark.parametrize("seed", range(60, 100))
def test_random_graphs_equal_numpy_in_tiny_blocks(seed, tiny_blocks):
    check_all_ways(seed, 5 + seed % 40)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(100, 1100))
def test_many_random_graphs(seed):
    check_all_ways(seed, 60)


def test_the_example_of_the_tutorial_works_as_it_is_written():
    A = Variable("A")
    B = Variable("B")
    C = B * A
    D = C + 1
    f = compile(D)
    np.testing.assert_array_equal(f(A=np.ones(10), B=np.ones(10) * 2), np.full(10, 3.0))


def test_results_share_memory_with_nothing():
    x = Variable("x")
    f = compile([x, x.T, x.reshape(-1), x, x * 2, x * 2])
    given = np.arange(15.0).reshape(3, 5)
    found = f(x=given)
    for i, a in enumerate(found):
        assert not np.shares_memory(a, given)
        assert a.flags.writeable
        for b in found[:i]:
            assert not np.shares_memory(a, b)
    again = f(x=given)
    again[4][:] = 0
    np.testing.assert_array_equal(found[4], given * 2)


@pytest.mark.parametrize("seed", range(20))
def test_blocks_read_views_of_any_layout(seed, tiny_blocks):
    rng = np.random.default_rng(seed)
    shape = tuple(rng.choice([1, 2, 3, 5, 7], rng.integers(1, 5)))
    base = rng.normal(size=tuple(2 * n for n in shape))
    axes = rng.permutation(len(shape))
    x = base[tuple(slice(None, None, 2) for _ in shape)]
    y = np.broadcast_to(rng.normal(size=[n if rng.random() < 0.5 else 1 for n in shape]), shape)
    z = rng.normal(size=tuple(np.array(shape)[axes])).transpose(np.argsort(axes))
    X, Y, Z = Variable("x"), Variable("y"), Variable("z")
    found = compile(where(X > 0, X * Y, Z) + Z * exp(Y))(x=x, y=y, z=z)
    np.testing.assert_allclose(found, np.where(x > 0, x * y, z) + z * np.exp(y), rtol=1e-12)


@pytest.mark.parametrize("shape", [(), (1,), (7,), (3, 5), (2, 3, 5), (1, 11), (5, 1), (0,), (3, 0)])
@pytest.mark.parametrize("most", [1, 2, 4, 6, 100])
def test_blocks_cover_every_place_once(shape, most):
    seen = np.zeros(shape, int)
    for index in block_slices(shape, most):
        seen[index] += 1
        assert seen[index].size <= max(most, 1) or not shape
    assert (seen == 1).all()


def test_contiguous_arrays_become_one_row_and_rows_stay_rows():
    x, row = np.zeros((3, 5, 7)), np.zeros(7)
    assert merged_axes([x, x], x.shape)[0] == (105,)
    assert merged_axes([x, row], x.shape)[0] == (15, 7)
    assert merged_axes([x, x.transpose(2, 1, 0).copy().transpose(2, 1, 0)], x.shape)[0] == (3, 5, 7)


def test_sizes_of_nothing_and_a_deep_graph():
    x = Variable("x")
    assert compile(exp(x * 2) + 1)(x=np.zeros((0, 3))).shape == (0, 3)
    assert compile(x.sum(0))(x=np.zeros((0, 3))).tolist() == [0, 0, 0]
    y = x
    for _ in range(3000):
        y = y + 1
    np.testing.assert_array_equal(compile(y)(x=np.zeros(3)), np.full(3, 3000.0))


def test_a_chain_that_leaves_its_group_and_comes_back_makes_no_cycle():
    x = Variable("x", (3, 3), "float64")
    a = exp(x)
    b = a @ a
    c = a * b + a  # a and c are of one shape, but b lies between them
    given = np.random.default_rng(0).normal(size=(3, 3))
    e = np.exp(given)
    np.testing.assert_allclose(compile(c)(x=given), e * (e @ e) + e)
