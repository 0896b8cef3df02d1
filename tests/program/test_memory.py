"""The memory plan: lives by hand, no two at once in one buffer, and a peak that is what the plan says."""

import tracemalloc

import numpy as np
import pytest

from lingon.program import Variable, compile, exp, gradient, softmax, sqrt, tanh
from lingon.program.memory import Life, separate_buffers, shared_buffers
from lingon.program.threads import workers
from tests.program.random_graphs import graph


def test_c_shares_memory_with_d():
    A, B = Variable("A"), Variable("B")
    D = B * A + 1
    plan = compile(D, fuse=False).plan(A=np.ones(10), B=np.ones(10))
    assert plan.bytes_without_sharing == 2 * 80
    assert plan.bytes_with_sharing == 80
    assert "where B * A was" in str(plan)
    fused = compile(D).plan(A=np.ones(10), B=np.ones(10))
    assert (len(fused.steps), fused.bytes_with_sharing) == (1, 80)


def test_lives_by_hand():
    lives = [Life("a", 30, 0, 2), Life("b", 20, 1, 1), Life("c", 10, 2, 3), Life("d", 30, 3, 4, kept=True)]
    layout = shared_buffers(lives, 4)
    assert layout.buffer_of == (0, 1, 1, 0)  # c goes where b was, d where a was
    assert layout.sizes == (30, 20)
    assert layout.peak() == 50
    assert separate_buffers(lives, 4).peak() == 90


def test_a_value_may_take_the_place_of_an_operand_only_where_it_is_said():
    a, b = Life("a", 8, 0, 1), Life("b", 8, 1, 2)
    assert shared_buffers([a, b], 2).sizes == (8, 8)
    assert shared_buffers([a, Life("b", 8, 1, 2, over=frozenset({0}))], 2).sizes == (8,)


def test_a_result_holds_no_more_than_itself():
    x = Variable("x")
    y = exp(x @ x)
    found = compile(y.sum(0), fuse=False)(x=np.ones((50, 50)))
    base = found if found.base is None else found.base
    assert base.nbytes == found.nbytes


@pytest.mark.parametrize("seed", range(40))
def test_no_two_values_that_live_at_once_share_a_buffer(seed):
    roots, _, given = graph(np.random.default_rng(seed), 30)
    f = compile(roots, fuse=seed % 2 == 0)
    plan = f.plan(**{n: given[n] for n in f.inputs})
    for i, a in enumerate(plan.lives):
        assert plan.layout.sizes[plan.layout.buffer_of[i]] >= a.nbytes
        for j, b in enumerate(plan.lives[:i]):
            meet = max(a.born, b.born) <= min(a.dies, b.dies)
            handed_on = j in a.over and b.dies == a.born
            if meet and not handed_on:
                assert plan.layout.buffer_of[i] != plan.layout.buffer_of[j]
    assert plan.layout.peak() <= sum(life.nbytes for life in plan.lives)


def peak_of(work):
    work()
    tracemalloc.start()
    try:
        result = work()
        return tracemalloc.get_traced_memory()[1], result
    finally:
        tracemalloc.stop()


def test_the_peak_of_a_run_is_that_of_the_plan(monkeypatch):
    monkeypatch.setattr(workers, "count", 1)  # a second thread takes its scratch only if it gets a turn
    x, y = Variable("x"), Variable("y")
    h = tanh(x @ y)
    z = softmax(h @ h) + h
    given = {"x": np.random.default_rng(0).normal(size=(500, 500)), "y": np.eye(500)}
    for built in (z, gradient((z * z).sum(), x)[0], sqrt(exp(x * y) + y) * 2 - x):
        shared, lonely = compile(built), compile(built, fuse=False, share=False)
        a, found = peak_of(lambda shared=shared: shared(**{n: given[n] for n in shared.inputs}))
        b, wanted = peak_of(lambda lonely=lonely: lonely(**{n: given[n] for n in lonely.inputs}))
        np.testing.assert_allclose(found, wanted, rtol=1e-9)
        planned = shared.plan().bytes_with_sharing
        assert planned <= a + 200_000
        assert a <= planned * 1.35 + 200_000  # the operators' own small needs: rows of maxima, of sums
        assert a < 0.7 * b


def test_pictures_and_text_say_what_is_there():
    A, B = Variable("A"), Variable("B")
    f = compile({"D": B * A + 1, "E": exp(A)})
    assert str(f).startswith("program(B, A)\n  v0 = B * A")
    assert "return D: v1, E: v2" in str(f)
    svg = f.draw()
    assert svg.startswith("<svg")
    assert "· * ·" in svg
    plan = f.plan(A=np.ones((3, 5)), B=np.ones((3, 5)))
    assert "as planned" in plan.draw()
    assert plan.draw_graph().count("<rect") >= 5
