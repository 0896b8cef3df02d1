"""Chains of element-wise operators over ten million numbers: a compiled program against NumPy line by line."""

import time
import tracemalloc
from collections.abc import Callable, Iterator

import numpy as np

from benchmarks.context import Context
from benchmarks.measure import Pairs, Spread, paired
from benchmarks.result import Peer, Result, Row, speed
from lingon.program import Variable, compile, gradient

SPEED, MEMORY = 2, 3  # the bars: times as fast, times less memory
Arrays = dict[str, np.ndarray]


def lines(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """As one writes it: every line has a name."""
    c = b * a
    d = c + 1
    e = np.sqrt(d)
    f = e * 2 - a
    g = f * f
    return g / (b + 1)


def one_expression(a: np.ndarray) -> np.ndarray:
    """GELU as one expression, in which NumPy itself reuses some of its temporary arrays."""
    return 0.5 * a * (1 + np.tanh(0.7978845608028654 * (a + 0.044715 * a * a * a)))


def by_hand(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The derivatives of exp(-a b) / (1 + b^2), by hand."""
    e = np.exp(-a * b)
    n = 1 + b * b
    value = e / n
    return -b * value, -a * value - 2 * b * value / n


def program_of_gradient():
    """The same derivatives, found by `gradient`."""
    a, b = Variable("a"), Variable("b")
    return compile(gradient(np.exp(-a * b) / (1 + b * b), [a, b]))


def compare(context: Context) -> Iterator[Result]:
    """One result: for each chain a row of speed and one of the most memory that is taken beside the operands."""
    many = context.size(10_000_000, 100_000)
    a, b = Variable("a"), Variable("b")
    chains = {
        "six lines": (compile(lines(a, b)), lines),
        "GELU, one expression": (compile(one_expression(a)), one_expression),
        "two derivatives": (program_of_gradient(), by_hand),
    }
    values = {name: np.random.default_rng(k).random(many) for k, name in enumerate("ab")}
    rows, details = (
        [],
        {"numbers": many, "dtype": "float64", "memory": "tracemalloc's peak, in a turn that is not timed"},
    )
    for what, (program, imperative) in chains.items():
        given = {name: values[name] for name in program.inputs}
        pair = _speeds(program, imperative, given, context)
        taken = _bytes(lambda p=program, g=given: p(**g)), _bytes(lambda i=imperative, g=given: i(**g))
        rows.append(speed(f"program, {what}: million numbers", "million/s", many / 1e6, pair, "NumPy", SPEED))
        rows.append(_memory(f"program, {what}: memory beside the operands", *taken))
        planned = program.plan().bytes_with_sharing
        details[what] = {"ours": pair.ours, "theirs": pair.theirs, "bytes": taken, "planned": planned}
    yield Result("program-chains", rows, details)


def _speeds(program: Callable, imperative: Callable, given: Arrays, context: Context) -> Pairs:
    ours, theirs = program(**given), imperative(**given)
    pairs = zip(ours, theirs, strict=True) if isinstance(ours, tuple) else [(ours, theirs)]
    for x, y in pairs:
        np.testing.assert_allclose(x, y, rtol=1e-10)
    del ours, theirs, pairs, x, y

    def turn(work: Callable) -> Callable[[], float]:
        def once() -> float:
            begun = time.perf_counter()
            work(**given)
            return time.perf_counter() - begun

        return once

    return paired(turn(program), turn(imperative), context.pairs * 2, context.warmups, rest=0.1)


def _bytes(work: Callable) -> int:
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def _memory(what: str, ours: int, theirs: int) -> Row:
    ratio = theirs / ours
    figures = [Spread.of([n / 1e6]) for n in (ours, theirs)]
    peer = Peer("NumPy", figures[1])
    return Row(what, "MB", figures[0], [peer], Spread.of([ratio]), f"≥ {MEMORY}x less", ratio >= MEMORY)
