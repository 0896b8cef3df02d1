"""Checks, hints and solutions of lesson 03."""

from numbers import Real

from lingon.learn.exercises import Exercise


def _is_number(found):
    """Whether it is a number of Python, NumPy or PyTorch; True and False are not."""
    return (isinstance(found, Real) and not isinstance(found, bool)) or getattr(found, "shape", None) == ()


def evaluate(formula, values):
    if isinstance(formula, str):
        return values[formula]
    if not isinstance(formula, tuple):
        return formula
    op, left, right = formula
    left, right = evaluate(left, values), evaluate(right, values)
    return {"+": left + right, "-": left - right, "*": left * right}[op]


def check_evaluate(evaluate):
    values = {"A": 3, "B": 5, "C": 11}
    for formula, truth in (
        (7, 7),
        ("B", 5),
        (("+", "A", 1), 4),
        (("-", "A", "C"), -8),
        (("*", ("+", "A", "B"), ("-", "C", ("*", 2, "A"))), 40),
    ):
        found = evaluate(formula, values)
        assert _is_number(found), f"For {formula} a number is expected, yours is {str(found)[:60]!r}."
        assert found == truth, f"{formula} with {values} is {truth}, yours is {found}."


def peak(lives):
    steps = {step for _, born, dies in lives for step in (born, dies)}
    return max((sum(size for size, born, dies in lives if born <= step <= dies) for step in steps), default=0)


def check_peak(peak):
    for lives, truth in (
        ([(8, 0, 1), (8, 2, 3)], 8),
        ([(8, 0, 1), (8, 1, 3)], 16),
        ([(5, 0, 4), (7, 1, 2), (3, 3, 4), (2, 2, 3)], 14),
        ([(5, 0, 9), (7, 4, 4), (11, 5, 8)], 16),
        ([], 0),
    ):
        found = peak(lives)
        assert _is_number(found), f"For {lives} a number is expected, yours is {str(found)[:60]!r}."
        assert found == truth, f"For {lives} the peak is {truth}, yours is {found}."


def distinct(nodes):
    first, same_as = {}, []
    for op, inputs in nodes:
        key = (op, tuple(same_as[i] for i in inputs))
        same_as.append(first.setdefault(key, len(same_as)))
    return len(first)


def check_distinct(distinct):
    a, b = ("a", ()), ("b", ())
    for nodes, truth, words in (
        ([a, b, ("+", (0, 1))], 3, "nothing occurs twice"),
        ([a, a, b], 2, "a variable occurs twice"),
        ([a, b, ("+", (0, 1)), ("+", (0, 1)), ("*", (2, 3))], 4, "the two sums are equal"),
        ([a, b, ("+", (0, 1)), ("+", (0, 1)), ("*", (2, 0)), ("*", (3, 0))], 4, "products of equal sums are equal"),
        ([a, b, ("-", (0, 1)), ("-", (1, 0))], 4, "a - b is not b - a"),
        (
            [a, ("+", (0, 0)), ("+", (0, 0)), ("*", (1, 1)), ("*", (2, 2)), ("-", (3, 0)), ("-", (4, 0))],
            4,
            "all the way",
        ),
    ):
        found = distinct(nodes)
        assert _is_number(found), f"A number is expected, yours is {str(found)[:60]!r}."
        assert found == truth, f"{nodes} has {truth} different nodes ({words}), yours is {found}."


EXERCISES = [
    Exercise(
        "Run a graph",
        check_evaluate,
        (
            "There are three cases; isinstance(formula, str) and isinstance(formula, tuple) distinguish them.",
            "The two sides of a tuple are formulas themselves: call evaluate on each.",
            "op, left, right = formula; left, right = evaluate(left, values), evaluate(right, values)",
        ),
        evaluate,
    ),
    Exercise(
        "Peak memory",
        check_peak,
        (
            "For one step: add up the sizes of all values that are needed in it.",
            "A value is needed in a step when born <= step <= dies.",
            "The largest sum occurs at a step in which some value is born; max(..., default=0) handles the empty list.",
        ),
        peak,
    ),
    Exercise(
        "Written twice, computed once",
        check_distinct,
        (
            "Go through the list once, and store for each node the index of the first node that equals it.",
            "Before you compare nodes, replace each input by the index of the first node that equals it.",
            "Use a dictionary from (op, replaced inputs) to an index; its setdefault returns the first.",
        ),
        distinct,
    ),
]
