"""The table of derivatives, checked as on paper, with power series of exact fractions, and by small differences."""

from fractions import Fraction
from math import factorial

import numpy as np
import pytest

import lingon.scratch as scratch
from lingon.scratch.derivative_table import DERIVATIVES

TERMS = 12


class Series:
    """A power series in t with exact coefficients: sums, products and quotients are those of school algebra.

    A function f of x is the series of f(x0 + t); which x0 is in AROUND. Its derivative is exact as well: c t^n becomes
    n c t^(n-1). No number is rounded, so equal series mean that a formula holds, not that it nearly holds.
    """

    def __init__(self, coefficients, around=None):
        self.c, self.around = [Fraction(c) for c in coefficients][:TERMS], around

    def _two(self, other):
        other = other if isinstance(other, Series) else Series([Fraction(other)] + [0] * (TERMS - 1))
        return self.c, other.c

    def __add__(self, other):
        return Series(a + b for a, b in zip(*self._two(other), strict=False))

    def __mul__(self, other):
        a, b = self._two(other)
        return Series(sum(a[i] * b[n - i] for i in range(n + 1)) for n in range(min(len(a), len(b))))

    def __truediv__(self, other):
        a, b = self._two(other)
        out = []
        for n in range(min(len(a), len(b))):
            out.append((a[n] - sum(out[i] * b[n - i] for i in range(n))) / b[0])
        return Series(out)

    def __neg__(self):
        return self * -1

    def __sub__(self, other):
        return self + (other * -1)

    def __rsub__(self, other):
        return -self + other

    def __rtruediv__(self, other):
        return Series([Fraction(other)] + [0] * (TERMS - 1)) / self

    __radd__, __rmul__ = __add__, __mul__

    def derivative(self):
        return Series(n * c for n, c in enumerate(self.c) if n)

    def __getattr__(self, name):
        """x.sin() and the like, known for x = x0 + t only."""
        if name.startswith("_") or name not in KNOWN:
            raise AttributeError(name)
        return lambda: KNOWN[name]()


def from_terms(term):
    return Series(term(n) for n in range(TERMS))


def t():
    return from_terms(lambda n: n == 1)


def exp():
    return from_terms(lambda n: Fraction(1, factorial(n)))


def binomial(power):
    """(1 + t) to a power: power (power - 1) ... / n!."""
    out = [Fraction(1)]
    for n in range(1, TERMS):
        out.append(out[-1] * (power - n + 1) / n)
    return Series(out)


def alternating(odd, signs):
    return from_terms(lambda n: Fraction(signs(n // 2), factorial(n)) if n % 2 == odd else 0)


def cosh():
    return alternating(0, lambda k: 1)


def sinh():
    return alternating(1, lambda k: 1)


def cos():
    return alternating(0, lambda k: (-1) ** k)


def sin():
    return alternating(1, lambda k: (-1) ** k)


# The textbook's series, each around the x0 below; none of them is taken from the table.
KNOWN = {
    "neg": lambda: -t(),
    "exp": exp,
    "expm1": lambda: exp() - 1,
    "log": lambda: from_terms(lambda n: Fraction((-1) ** (n + 1), n) if n else 0),
    "log1p": lambda: from_terms(lambda n: Fraction((-1) ** (n + 1), n) if n else 0),
    "sqrt": lambda: binomial(Fraction(1, 2)),
    "square": lambda: t() * t(),
    "reciprocal": lambda: from_terms(lambda n: (-1) ** n),
    "sin": sin,
    "cos": cos,
    "tan": lambda: sin() / cos(),
    "sinh": sinh,
    "cosh": cosh,
    "tanh": lambda: sinh() / cosh(),
    "atan": lambda: from_terms(lambda n: Fraction((-1) ** (n // 2), n) if n % 2 else 0),
    "sigmoid": lambda: exp() / (exp() + 1),
}
AROUND = {"log": 1, "sqrt": 1, "reciprocal": 1}  # the others around 0


@pytest.mark.parametrize("name", KNOWN)
def test_a_rule_of_the_table_holds_as_on_paper(name):
    x = t() + AROUND.get(name, 0)
    found = DERIVATIVES[name].derivative(x)
    found = found if isinstance(found, Series) else Series([found] + [0] * (TERMS - 1))
    assert found.c[: TERMS - 1] == KNOWN[name]().derivative().c


def test_softplus_holds_as_on_paper():
    """Its own series needs log 2; but exp(softplus(x)) = 1 + exp(x), so softplus'(x) (1 + exp(x)) = exp(x)."""
    assert (DERIVATIVES["softplus"].derivative(t()) * (exp() + 1)).c == exp().c


def test_the_check_finds_a_wrong_rule():
    assert (t().sin() * 1).c != cos().c
    assert (-cos()).c[: TERMS - 1] != sin().derivative().c


def test_every_rule_is_checked():
    by_pieces = {"relu", "abs", "sign", "floor", "ceil", "round", "trunc"}  # straight lines: by differences alone
    assert set(KNOWN) | by_pieces | {"softplus"} == set(DERIVATIVES)


@pytest.mark.parametrize("name", DERIVATIVES)
def test_a_rule_of_the_table_holds_by_small_differences(name):
    low, high = (0.3, 2.7) if name in ("log", "sqrt", "reciprocal", "log1p") else (-1.4, 1.4)
    x = np.linspace(low, high, 23)  # no whole number, no corner among them
    x = x[np.abs(x - np.round(x * 2) / 2) > 1e-3]
    step = 1e-6
    by_differences = (DERIVATIVES[name].value(x + step) - DERIVATIVES[name].value(x - step)) / (2 * step)
    slope = DERIVATIVES[name].derivative(scratch.tensor(x))
    slope = np.broadcast_to(slope.double().numpy() if isinstance(slope, scratch.Tensor) else slope, x.shape)
    np.testing.assert_allclose(slope, by_differences, rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("name", KNOWN)
def test_second_derivatives_hold_by_small_differences(name):
    x, step = np.linspace(0.3, 1.2, 11), 1e-6

    def slope(numbers):
        leaf = scratch.tensor(numbers, requires_grad=True)
        return leaf, scratch.autograd.grad(getattr(leaf, name)().sum(), leaf, create_graph=True)[0]

    leaf, first = slope(x)
    if name == "neg":
        assert not first.requires_grad  # a straight line has no bend
        return
    (bend,) = scratch.autograd.grad(first.sum(), leaf)
    ends = [slope(x + s)[1].detach().numpy() for s in (step, -step)]
    np.testing.assert_allclose(bend.numpy(), (ends[0] - ends[1]) / (2 * step), rtol=1e-6, atol=1e-7)
