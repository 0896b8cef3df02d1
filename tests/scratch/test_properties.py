"""Operators with arguments, and operators by their names, against torch: any shape, empty and single ones too."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

import lingon.scratch as scratch
from tests.scratch.arrays import LAYOUTS, arrays, check, fitting, same, shapes, twins
from tests.scratch.test_operators import layouts, quick


@quick
@given(st.data(), shapes, layouts)
def test_reshape(data, shape, layout):
    size = int(np.prod(shape))
    ways = [(size,), (1, size), (size, 1), (-1,)] if size else [(0,), (3, 0), (0, 1)]
    ways += [(n, size // n) for n in (2, 3, 5) if size and size % n == 0] + [(n, -1) for n in (1, 2) if size % n == 0]
    wanted = data.draw(st.sampled_from([w for w in ways if size or -1 not in w]))
    check(lambda T, x: x.reshape(wanted).sin(), [data.draw(arrays(shape))], [layout], [True])
    check(lambda T, x: T.reshape(x, wanted).contiguous().view(shape), [data.draw(arrays(shape))], [layout], [True])


@quick
@given(st.data(), shapes, layouts)
def test_permute(data, shape, layout):
    order = data.draw(st.permutations(range(len(shape))))
    signed = [d - len(shape) if data.draw(st.booleans()) else d for d in order]
    check(lambda T, x: x.permute(signed).sin(), [data.draw(arrays(shape))], [layout], [True])


@quick
@given(st.data(), fitting(), layouts)
def test_expand(data, two, layout):
    small, other = two
    assume(len(small) <= len(other))
    full = np.broadcast_shapes(small, other)
    kept = [-1 if d >= len(full) - len(small) and data.draw(st.booleans()) else n for d, n in enumerate(full)]
    kept = [n if k == -1 and small[d - len(full)] != n else k for d, (k, n) in enumerate(zip(kept, full, strict=True))]
    numbers = [data.draw(arrays(small))]
    check(lambda T, x: x.expand(kept).sin(), numbers, [layout], [True])
    check(lambda T, x: T.broadcast_to(x, full) * 2, numbers, [layout], [True])


@quick
@given(st.data(), shapes, layouts)
def test_index_select_and_slices(data, shape, layout):
    assume(shape)
    dim = data.draw(st.integers(-len(shape), len(shape) - 1))
    count = data.draw(st.integers(0, 4)) if shape[dim] else 0
    places = np.random.default_rng(0).integers(0, max(shape[dim], 1), count)
    numbers = [data.draw(arrays(shape))]
    check(lambda T, x: x.index_select(dim, T.tensor(places)).sin(), numbers, [layout], [True])
    ends = st.one_of(st.none(), st.integers(-6, 6))
    keys = tuple(slice(data.draw(ends), data.draw(ends), data.draw(st.integers(1, 3))) for _ in shape)
    check(lambda T, x: x[keys].sin(), numbers, [layout], [True])


@quick
@given(st.data(), layouts, st.integers(-4, 4))
def test_triangles(data, layout, diagonal):
    shape = data.draw(st.sampled_from([(0, 3), (1, 1), (3, 5), (5, 3), (2, 3, 1), (2, 0, 5)]))
    numbers = [data.draw(arrays(shape))]
    check(lambda T, x: T.tril(x, diagonal).sin(), numbers, [layout], [True])
    check(lambda T, x: x.triu(diagonal).sin(), numbers, [layout], [True])


@quick
@given(st.data(), fitting(3), layouts, layouts)
def test_choices_are_broadcast(data, three, left, right):
    a, b, c = (data.draw(arrays(shape, apart=True)) for shape in three)
    layout = [left, right, left]
    check(lambda T, a, b, c: T.where(c > 0, a * b, b), [a, b, c], layout, [True, True, False])
    check(lambda T, a, b, c: T.where(c > 0, a, 2.0).sin(), [a, b, c], layout, [True, False, False])
    check(lambda T, a, b, c: (a * b).masked_fill(b * a > 0, -1.0), [a, b, c], layout, [True, True, False])
    low = np.minimum(b, c.sum() - 1) if 0 in c.shape else b
    check(lambda T, a, b, c: T.clamp(a, min=b), [a, low, c], layout, [True, True, False], second=False)


@quick
@given(st.data(), shapes, layouts)
def test_bounds_that_are_numbers(data, shape, layout):
    numbers = [data.draw(arrays(shape, apart=True))]
    check(lambda T, x: x.clamp(-0.5, 0.7).sin(), numbers, [layout], [True])
    check(lambda T, x: T.clamp(x * 1, max=0.3) ** 2, numbers, [layout], [True])
    check(lambda T, x: T.nn.functional.softplus(x).sin(), numbers, [layout], [True])


@pytest.mark.parametrize("power", [0, 1, 2, 3, -1, -2, 0.5, 2.5])
@quick
@given(st.data(), shapes, layouts)
def test_powers(power, data, shape, layout):
    numbers = [data.draw(arrays(shape, 0.3, 2.0, apart=True))]
    check(lambda T, x: x**power, numbers, [layout], [True])
    check(lambda T, x: T.pow(x, power).sin() + 2**x, numbers, [layout], [True])


@quick
@given(st.data(), shapes, layouts, layouts)
def test_cat_of_several_sizes_and_stack(data, shape, left, right):
    assume(shape)
    dim = data.draw(st.integers(-len(shape), len(shape) - 1))
    other = list(shape)
    other[dim] = data.draw(st.integers(0, 3))
    numbers = [data.draw(arrays(shape)), data.draw(arrays(tuple(other)))]
    for name in ("cat", "concat", "concatenate"):
        join = lambda T, x, y, name=name: getattr(T, name)([x, y.sin(), x], dim)
        check(join, numbers, [left, right], [True, True])
    check(lambda T, x, y: T.stack([x, x.sin()], dim).cos(), numbers, [left, right], [True, False])


@quick
@given(st.data(), layouts)
def test_embedding(data, layout):
    rows, width = data.draw(st.sampled_from([1, 3, 7])), data.draw(st.sampled_from([0, 1, 5]))
    shape = data.draw(shapes)
    assume(width or 0 not in shape)  # for no numbers of no rows torch itself fails, so too in the second derivative
    ids = np.random.default_rng(data.draw(st.integers(0, 99))).integers(0, rows, shape)
    numbers = [data.draw(arrays((rows, width)))]
    check(lambda T, w: T.nn.functional.embedding(T.tensor(ids), w).sin(), numbers, [layout], [True], 0 not in shape)
    same(*(T.nn.functional.one_hot(T.tensor(ids), rows) for T in (scratch, torch)))


@quick
@given(st.data(), shapes, layouts)
def test_padding(data, shape, layout):
    assume(shape)
    sizes = data.draw(st.lists(st.integers(0, 3), min_size=len(shape) * 2, max_size=len(shape) * 2))
    numbers = [data.draw(arrays(shape))]
    check(lambda T, x: T.nn.functional.pad(x, tuple(sizes), value=1.5).sin(), numbers, [layout], [True])


# ---- the same operators by their names, as functions and as methods ----

PAIRS = ("add", "sub", "mul", "div", "true_divide", "divide", "floor_divide", "remainder", "pow", "maximum", "minimum")
TRUTHS = ("eq", "ne", "lt", "le", "gt", "ge", "logical_and", "logical_or", "logical_xor", "isclose")
BITS = ("bitwise_and", "bitwise_or", "bitwise_xor")
ALONE = ("logical_not", "bitwise_not")
KINDS = (np.bool_, np.uint8, np.int8, np.int32, np.int64)


@pytest.mark.parametrize("name", PAIRS)
@quick
@given(st.data(), fitting(), layouts, layouts)
def test_pairs_by_name(name, data, two, left, right):
    numbers = [data.draw(arrays(shape, 0.4, 2.1, apart=True)) for shape in two]
    grads = [name not in ("floor_divide",)] * 2
    check(lambda T, a, b: getattr(T, name)(a, b), numbers, [left, right], grads)
    if hasattr(torch.Tensor, name):
        check(lambda T, a, b: getattr(a, name)(b), numbers, [left, right], grads)


@pytest.mark.parametrize("name", TRUTHS)
@quick
@given(st.data(), fitting(), layouts, layouts)
def test_questions_by_name(name, data, two, left, right):
    numbers = [np.round(data.draw(arrays(shape))) for shape in two]
    check(lambda T, a, b: getattr(T, name)(a, b), numbers, [left, right], [False] * 2)
    check(lambda T, a, b: getattr(a, name)(b), numbers, [left, right], [False] * 2)


@pytest.mark.parametrize("name", [*BITS, *ALONE, "logical_and", "logical_or", "logical_xor"])
@pytest.mark.parametrize(
    "kinds", list(itertools.product(KINDS, KINDS)), ids=lambda kinds: "-".join(k.__name__ for k in kinds)
)
def test_bits_and_truths_of_every_kind(name, kinds):
    numbers = np.random.default_rng(0).integers(0, 5, (2, 3, 5))
    pairs = [twins(array.astype(kind)) for array, kind in zip(numbers, kinds, strict=True)]
    for (a, b), T in zip(zip(*pairs, strict=True), (scratch, torch), strict=True):
        found = getattr(T, name)(a) if name in ALONE else getattr(T, name)(a, b)
        if T is scratch:
            ours = found
    same(ours, found)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", ["zeros_like", "ones_like", "rand_like", "randn_like"])
def test_arrays_like_another(name, layout):
    x = twins(np.ones((5, 3), np.float32), layout)
    ours, theirs = (getattr(T, name)(a) for T, a in zip((scratch, torch), x, strict=True))
    assert (ours.shape, str(ours.dtype)) == (tuple(theirs.shape), "float32")
    assert ours.array is not x[0].array
