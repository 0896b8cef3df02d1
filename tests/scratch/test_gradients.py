"""Gradients against torch: gathering, detaching, second derivatives, Jacobians, control flow, changes in place."""

import gc

import numpy as np
import pytest
import torch

import lingon.scratch as scratch
from lingon.core.errors import UserError
from tests.scratch.arrays import same

BOTH = [scratch, torch]


def numbers(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def in_both(function, *arrays):
    """function(T, *leaves) in scratch and in torch, and the results compared."""
    results = [function(T, *(T.tensor(a, requires_grad=True) for a in arrays)) for T in BOTH]
    same(*results)
    return results[0]


def test_gradients_add_up_until_they_are_set_to_none():
    def twice(T, x):
        (x * x).sum().backward()
        (x * 3).sum().backward()
        first = x.grad.clone()
        x.grad = None
        x.exp().sum().backward()
        return [first, x.grad]

    in_both(twice, numbers(3, 5))


def test_the_array_of_gradients_stays_the_same_array():
    x = scratch.tensor([1.0, 2.0], requires_grad=True)
    x.sum().backward()
    gradient = x.grad
    x.sum().backward()
    assert gradient is x.grad
    assert gradient.tolist() == [2.0, 2.0]


def test_two_leaves_do_not_share_their_gradient():
    x, y = (scratch.ones(3, requires_grad=True) for _ in range(2))
    (x + y).sum().backward()
    with scratch.no_grad():
        x.grad += 1
    assert y.grad.tolist() == [1, 1, 1]


def test_an_array_that_is_used_many_times():
    in_both(lambda T, x: T.autograd.grad((x * x + x.sin() * x - x / (x * x + 2)).sum(), x)[0], numbers(5, 3))


def test_control_flow_of_python():
    def through_loops(T, x):
        y = x
        for i in range(7):
            y = y * x if y.sum() > 0 else y.sin() + i
            while y.abs().max() > 3:
                y = y / 2
        return T.autograd.grad(y.sum(), x)[0]

    for seed in range(5):
        in_both(through_loops, numbers(3, seed=seed))


def test_recursion_and_a_long_chain():
    x = scratch.tensor(0.5, requires_grad=True)
    y = x
    for _ in range(20_000):
        y = y + 1e-6
    y.backward()
    assert x.grad.item() == 1


def test_detach_and_no_grad_stop_gradients():
    def stopped(T, x):
        with T.no_grad():
            a = x * 2
            with T.enable_grad():
                b = x * 3
        c = x.detach() * x
        (b + c + a).sum().backward()
        return [a.requires_grad, b.requires_grad, x.detach().requires_grad, x.grad]

    in_both(stopped, numbers(3))


def test_no_grad_as_a_decorator_and_after_an_error():
    @scratch.no_grad()
    def double(x):
        return x * 2

    x = scratch.ones(3, requires_grad=True)
    assert not double(x).requires_grad
    with pytest.raises(KeyError), scratch.no_grad():
        raise KeyError
    assert scratch.is_grad_enabled()
    with scratch.set_grad_enabled(False):
        assert not scratch.is_grad_enabled()
    assert scratch.is_grad_enabled()


def test_retain_grad_and_leaves():
    def inner(T, x):
        y = x * 2
        y.retain_grad()
        z = y.sin()
        z.sum().backward()
        return [x.is_leaf, y.is_leaf, T.ones(1).is_leaf, x.grad, y.grad, z.requires_grad]

    in_both(inner, numbers(3))


def test_third_and_fourth_derivatives():
    def fourth(T, x):
        y, found = (x**3 * x.sin() + x.exp()).sum(), []
        for _ in range(4):
            (slope,) = T.autograd.grad(y, x, create_graph=True)
            found.append(slope)
            y = slope.sum()
        return found

    in_both(fourth, numbers(5))


def test_backward_with_create_graph_can_be_gone_back_again():
    def penalty(T, x):
        x.tanh().pow(2).sum().backward(create_graph=True)
        slope = x.grad
        x.grad = None
        (slope * slope).sum().backward()
        return x.grad

    with pytest.warns(UserWarning, match="create_graph"):  # torch warns of a circle of references, which we have not
        in_both(penalty, numbers(3))


def test_grad_of_arrays_that_are_no_leaves_and_weights_of_outputs():
    def inside(T, x, w):
        y = x.sin()
        z, u = y * w, y.exp()
        given = T.tensor(numbers(3, 5, seed=2))
        return T.autograd.grad([z, u], [y, w, x], [given, given * 2])

    in_both(inside, numbers(3, 5), numbers(5))


@pytest.mark.parametrize("name", ["jacobian", "hessian"])
@pytest.mark.parametrize("layout", ["one", "two"])
def test_jacobians_and_hessians(name, layout):
    def derivative(T, x, w):
        function = getattr(T.autograd.functional, name)
        if name == "hessian":
            if layout == "one":
                return function(lambda x: (x.sin() * x**2).prod(), x)
            return [list(row) for row in function(lambda x, w: ((x @ w).tanh() ** 2).sum(), (x, w))]
        if layout == "one":
            return function(lambda x: x.softmax(1), x)
        return [list(row) for row in function(lambda x, w: (x @ w, x.sum(), w * 2), (x, w))]

    in_both(derivative, numbers(2, 3), numbers(3, 5))


def test_a_jacobian_has_gradients_with_create_graph():
    def of_the_jacobian(T, x):
        jacobian = T.autograd.functional.jacobian(lambda x: x**3, x, create_graph=True)
        return T.autograd.grad(jacobian.sum(), x)[0]

    in_both(of_the_jacobian, numbers(3))


def test_products_with_the_jacobian_from_both_sides():
    def products(T, x, w):
        f = T.autograd.functional
        v, u = T.tensor(numbers(2, 5, seed=3)), T.tensor(numbers(2, 3, seed=4))
        found = [*f.vjp(lambda x: (x @ w.detach()).sin(), x, v), *f.jvp(lambda x: (x @ w.detach()).sin(), x, u)]
        out, both = f.vjp(lambda x, w: (x @ w).sin(), (x, w), v)
        return [*found, out, *both]

    in_both(products, numbers(2, 3), numbers(3, 5))


def test_vjp_is_v_times_the_jacobian_and_jvp_the_jacobian_times_v():
    x, v, u = (scratch.tensor(numbers(n, seed=n)) for n in (5, 3, 5))
    W = scratch.tensor(numbers(3, 5))
    f = lambda x: (W @ x).tanh()
    J = scratch.jacobian(f, x)
    assert scratch.allclose(scratch.vjp(f, x, v)[1], v @ J)
    assert scratch.allclose(scratch.jvp(f, x, u)[1], J @ u)


def test_gradcheck_finds_a_wrong_gradient():
    x = scratch.tensor(numbers(3), requires_grad=True)
    assert scratch.autograd.gradcheck(lambda x: (x.sin() * x).sum(), x)
    with pytest.raises(UserError, match=r"gradient of input 0 \[3\] is wrong"):
        scratch.autograd.gradcheck(lambda x: (x.detach() * x).sum(), x)
    with pytest.raises(UserError, match="small differences need float64"):
        scratch.autograd.gradcheck(lambda x: x, scratch.ones(3))


def test_changes_in_place_keep_their_history():
    def changed(T, x, w):
        total = T.zeros(3, dtype=T.float64)
        for i in range(5):
            total += x[i] * w
        total *= 2
        total[0] *= w[1]
        total[1:] -= 1
        part = total[2:]
        part += x[0, 0]
        total.clamp_(min=-1)
        total.add_(w, alpha=3)
        total.mul_(w).div_(2)
        return [total, *T.autograd.grad(total.sin().sum(), [x, w])]

    in_both(changed, numbers(5, 3), numbers(3))


def test_copy_zero_and_fill_cut_the_history():
    def cut(T, x):
        y = x * 2
        y.zero_()
        z = x * 5
        z.copy_(T.ones(3))
        u = x * 3
        u.fill_(2.0)
        (y + z + u + x).sum().backward()
        return [y, z, u, x.grad]

    in_both(cut, numbers(3))


def test_weights_are_changed_in_place_without_a_graph():
    def steps(T, w):
        for _ in range(3):
            loss = (w * w).sum()
            loss.backward()
            with T.no_grad():
                w -= 0.1 * w.grad
            w.grad = None
        w.data -= 1
        return [w, w.is_leaf, w.requires_grad]

    in_both(steps, numbers(3))


@pytest.mark.parametrize("T", BOTH)
class TestRefusals:
    """What both refuse."""

    def test_a_leaf_in_place(self, T):
        w = T.ones(3, requires_grad=True)
        with pytest.raises(RuntimeError):
            w += 1
        with pytest.raises(RuntimeError):
            w[0] = 1

    def test_going_back_twice(self, T):
        x = T.ones(3, requires_grad=True)
        y = x.exp().sum()
        y.backward()
        with pytest.raises(RuntimeError):
            y.backward()
        z = x.exp().sum()
        z.backward(retain_graph=True)
        z.backward()
        assert x.grad is not None

    def test_many_numbers_without_a_gradient_of_them(self, T):
        x = T.ones(3, requires_grad=True)
        with pytest.raises(RuntimeError):
            (x * 2).backward()
        with pytest.raises(RuntimeError):
            (x * 2).backward(T.ones(5))
        (x * 2).backward(T.ones(3))
        assert x.grad.tolist() == [2, 2, 2]

    def test_nothing_that_requires_a_gradient(self, T):
        with pytest.raises(RuntimeError):
            T.ones(3).sum().backward()
        with pytest.raises(RuntimeError):
            T.autograd.grad(T.ones(1, requires_grad=True).sum(), T.ones(3))

    def test_an_input_that_is_not_used(self, T):
        x, y = T.ones(3, requires_grad=True), T.ones(3, requires_grad=True)
        with pytest.raises(RuntimeError):
            T.autograd.grad(x.sum(), [x, y])
        assert T.autograd.grad(x.sum(), [x, y], allow_unused=True)[1] is None

    def test_numbers_that_were_needed_and_have_changed(self, T):
        x = T.ones(3, requires_grad=True)
        a = x * 1
        y = a * a
        with T.no_grad():
            a += 1
        with pytest.raises(RuntimeError):
            y.sum().backward()

    def test_weights_that_changed_before_the_way_back(self, T):
        w, x = T.ones(3, requires_grad=True), T.ones(3, requires_grad=True)
        y = (w * x).sum()
        with T.no_grad():
            w -= 1
        with pytest.raises(RuntimeError):
            y.backward()

    def test_whole_numbers_have_no_gradients(self, T):
        with pytest.raises(RuntimeError):
            T.tensor([1, 2], requires_grad=True)
        with pytest.raises(RuntimeError):
            T.ones(3, dtype=T.int64).requires_grad_()

    def test_numpy_of_what_requires_a_gradient(self, T):
        with pytest.raises(RuntimeError):
            T.ones(3, requires_grad=True).numpy()

    def test_a_computed_array_stays_with_its_history(self, T):
        y = T.ones(3, requires_grad=True) * 2
        with pytest.raises(RuntimeError):
            y.requires_grad = False


def test_sums_that_do_not_need_numbers_may_change_them():
    x = scratch.ones(3, requires_grad=True)
    a = x * 1
    y = a + 2
    with scratch.no_grad():
        a += 1
    y.sum().backward()
    assert x.grad.tolist() == [1, 1, 1]


def test_views_follow_what_is_changed_in_place():
    def follow(T, x, w):
        y = x * 2
        row, turned, number, whole = y[1], y.mT, y[0, 1], y.reshape(-1)[2:]
        y *= w
        number += w.sum()
        turned[2] -= x[:, 0]
        row.mul_(3)
        found = [y, row, turned, number, whole, turned.requires_grad, y.detach()]
        return [*found, *T.autograd.grad((y.sin() + row).sum() + (turned * turned).sum() + number, [x, w])]

    in_both(follow, numbers(2, 3), numbers(3))


def test_a_part_of_an_array_that_begins_without_history():
    def fill(T, x):
        y = T.zeros(3, 2, dtype=T.float64)
        first = y[0]
        first += x
        column = y[:, 1]
        column *= x[0]
        for i in range(2):
            number = y[2, i]
            number += x[i] * i
        return [y, first, column, y.requires_grad, *T.autograd.grad((y * y).sum() + column.sum(), [x])]

    in_both(fill, numbers(2))


def test_a_single_number_is_a_view_too():
    def single(T):
        x = T.zeros(3)
        x[1].add_(5)
        for number in x:
            number += 1
        x[T.tensor(2)] -= 7
        return [x, *x.unbind()]

    same(*(single(T) for T in BOTH))


def test_what_cannot_be_changed_in_a_recorded_step_says_so():
    x = scratch.ones(3, requires_grad=True)
    for view in ((x * 1).expand(2, 3), (x * 1).detach()):
        with pytest.raises(RuntimeError, match=r"clone\(\) first"):
            view *= x


def test_nothing_is_kept_alive_by_a_circle():
    import weakref

    gc.disable()
    try:
        x = scratch.ones(3, requires_grad=True)
        y = (x.exp() * x).softmax(0)
        loss = y.sum()
        loss.backward()
        watch = weakref.ref(y)
        del y, loss
        assert watch() is None
    finally:
        gc.enable()
