"""Exercises: what passes, what does not, and that no answer can hang or end the check."""

import ast
import functools
import json
import os
import threading

import numpy as np
import pytest

from lingon.core.errors import DataError, UserError
from lingon.learn.check import attempt, check_lesson
from lingon.learn.exercises import Exercise, Result
from lingon.learn.run_check import problem_with

RIGHT = {
    "double": "def double(x):\n    return 2 * x\n",
    "root": "def root(x):\n    return mathematics.sqrt(x)  # the lesson's own import\n",
}


def test_right_answers_pass(check):
    results = check(RIGHT)
    assert [(r.exercise, r.passed, r.problem, r.hints) for r in results] == [
        ("03.1", True, "", ()),
        ("03.2", True, "", ()),
    ]
    assert str(results[0]) == "03.1  Double: passed"


def test_code_is_read_in_one_thread(check, monkeypatch):
    """Python 3.11 raises SystemError now and then when two threads make syntax trees at once."""
    threads, parse = set(), ast.parse
    monkeypatch.setattr(ast, "parse", lambda *code: threads.add(threading.get_ident()) or parse(*code))
    assert all(result.passed for result in check(RIGHT))
    assert threads == {threading.get_ident()}


def test_the_unsolved_lesson_fails_with_as_many_hints_as_asked_for(check):
    for hints in (0, 1, 2, 5):
        for result in check({}, hints=hints):
            assert not result.passed
            assert "returns None: replace" in result.problem
            assert len(result.hints) == min(hints, 2)
    assert "hint 2 of 2: sqrt." in str(result)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("def double(x):\n    return 3 * x\n", "double(7) is not 14"),
        (
            "def double(x):\n    return x[1]\n",
            "TypeError: 'int' object is not subscriptable (in your line: return x[1])",
        ),
        ("def double(x)\n    return 2 * x\n", "line 1 of the cell is not Python (expected ':'): def double(x)"),
        ("import sys\ndef double(x):\n    sys.exit(0)\n", "ended the whole Python process (code 0)"),
        ("import os\ndef double(x):\n    os._exit(3)\n", "ended the whole Python process (code 3)"),
        ("def double(x):\n    return input()\n", "EOFError"),
        ("def double(x):\n    return helper(x)\n", "NameError: name 'helper' is not defined"),
        ("def double(x):\n    return double(x)\n", "RecursionError"),
        ("y = 1 / 0\ndef double(x):\n    return 2 * x\n", "ZeroDivisionError"),
        ("double = 5\n", "there is no function double(...)"),
        ("def double(x):\n    return 2 * x\ndouble = 5\n", "TypeError: 'int' object is not callable"),
        ("def double(x):\n    assert False, 'a\\nb'\n", "a b"),
    ],
)
def test_a_wrong_answer_gives_one_clear_line_and_leaves_the_others_alone(check, code, said):
    wrong, right = check({**RIGHT, "double": code})
    assert not wrong.passed
    assert said in wrong.problem
    assert "\n" not in wrong.problem
    assert right.passed


def test_a_loop_without_an_end_is_stopped(check):
    wrong, right = check({**RIGHT, "double": "def double(x):\n    while True:\n        pass\n"}, seconds=3)
    assert "stopped after 3 s" in wrong.problem
    assert right.passed


def test_a_cell_that_never_ends_is_stopped_from_outside(check, monkeypatch):
    monkeypatch.setattr("lingon.learn.check.IMPORTS", 8.0)
    forever = "def forever():\n    while True:\n        pass\n\nx = forever()\n"
    wrong, _ = check({**RIGHT, "double": forever + RIGHT["double"]}, seconds=1)
    assert "stopped after 9 s" in wrong.problem


def test_definitions_in_the_cell_are_kept_and_calls_are_not(check):
    code = (
        "TWO = 2\n\ndef times(x):\n    return TWO * x\n\ndef double(x):\n    return times(x)\n\nunknown_data.show()\n"
    )
    assert check({**RIGHT, "double": code})[0].passed


def test_an_answer_may_use_helpers_and_files_of_its_folder(check, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "two.txt").write_text("2")
    (tmp_path / "mine" / "my_numbers.py").write_text("ONE = 1")
    helper = (
        "def times(x):\n    return int(open('two.txt').read()) * x * ONE\n\n# %%\nfrom my_numbers import ONE\n\n# %%\n"
    )
    trained = "# %%\nfor x in range(10**12):\n    pass\n\n# %%\nmodel = 1 / 0\n\n# %%\n"
    assert check({**RIGHT, "double": helper + trained + "def double(x):\n    return times(x)\n"})[0].passed


def test_an_assertion_of_the_readers_own_is_placed(check):
    problem = check({**RIGHT, "double": "def double(x):\n    assert x > 5\n    return 2 * x\n"})[0].problem
    assert problem == "The check found a wrong result (in your line: assert x > 5)."


def test_the_copy_changed_last_is_checked_and_a_notebook_may_hold_magic(check, course, tmp_path):
    check(RIGHT)
    cells = [
        {"cell_type": "markdown", "source": "def double(x): not code"},
        {"cell_type": "code", "source": ["%matplotlib inline\n", "import math as mathematics\n", "!ls"]},
        {"cell_type": "code", "source": "def double(x):\n    return 5\n"},
        {"cell_type": "code", "source": RIGHT["root"]},
        {"cell_type": "code", "source": "def unfinished("},
    ]
    notebook = tmp_path / "mine" / "03_doubling.ipynb"
    notebook.write_text(json.dumps({"cells": cells}))
    plain = tmp_path / "mine" / "03_doubling.py"
    os.utime(plain, (1, 1))
    assert [r.passed for r in check_lesson(3, tmp_path / "mine", course=course)] == [False, True]
    os.utime(notebook, (0, 0))
    assert [r.passed for r in check_lesson(3, tmp_path / "mine", course=course)] == [True, True]


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"cells": 7}', '{"cells": [{"cell_type": "code"}]}', "\xff"])
def test_a_broken_notebook_is_named(course, tmp_path, text):
    (tmp_path / "03_doubling.ipynb").write_bytes(text.encode("latin-1"))
    with pytest.raises(DataError, match=r"03_doubling\.ipynb"):
        check_lesson("03", tmp_path, course=course)


def test_no_copy_and_no_such_lesson_say_what_to_do(course, tmp_path):
    with pytest.raises(UserError, match="lingon learn open 03"):
        check_lesson("03", tmp_path / "none", course=course)
    for number in ("99", "", "xy", "-3"):
        with pytest.raises(UserError, match=r"unknown lesson|there is no lesson 99"):
            check_lesson(number, tmp_path, course=course)


def test_a_check_that_says_nothing_still_counts_as_wrong():
    def check(f):
        assert f(1) == 2

    exercise = Exercise("Title", check, (), lambda x: x + 1)
    assert problem_with(lambda x: 3, exercise)
    assert not problem_with(lambda x: 2, exercise)


def test_a_value_of_another_type_is_named_where_the_check_stumbles_over_it():
    def check(f):
        assert f([1, 2]).count(2) == 1

    exercise = Exercise("Title", check, (), list)
    assert problem_with(lambda x: 3, exercise) == "list gives back 3, of type int; expected list."
    assert "of type set; expected list" in problem_with(set, exercise)
    assert problem_with(lambda x: x / 2, exercise).startswith("TypeError: unsupported operand")
    assert not problem_with(sorted, exercise)


def test_a_value_of_the_right_type_and_another_form_is_named():
    def check(f):
        assert [a + b for a, b in f([1])] == [2]

    problem = problem_with(lambda x: [7], Exercise("Title", check, (), lambda x: [(1, 1)]))
    assert "gives back [7]: a list, but of another form than expected (" in problem


def test_numbers_of_numpy_pass_where_pythons_do():
    def check(f):
        for n in (3, 5):
            found = f(n)
            assert type(found) is tuple, "a pair"
            assert [type(one) for one in found] == [int, list], f"numbers, not {found}"
            assert found == (n, [n]), "wrong numbers"

    exercise = Exercise("Title", check, (), lambda n: (n, [n]))
    assert not problem_with(lambda n: (np.int64(n), [np.int32(n)]), exercise)
    assert not problem_with(lambda n: (n, [n]), exercise)
    assert problem_with(lambda n: (np.int64(n), [np.int32(n + 1)]), exercise)
    assert problem_with(lambda n: (n, [n + 1]), exercise).startswith("wrong numbers")


def test_what_is_no_function_of_the_lesson_is_named():
    for value in (functools.partial(int), lambda: 0, 5):
        with pytest.raises(UserError, match="each to be written as a `def`"):
            attempt(value, "00")


def test_a_result_reads_well():
    result = Result("07.2", "Title", False, "It is 3, not 4.", ("Count.",), 2)
    assert str(result) == "07.2  Title: not yet. It is 3, not 4.\n      hint 1 of 2: Count."


def test_the_line_of_the_reader_is_named_once(check):
    body = "import lingon.scratch as torch\n\n\ndef double(x):\n    return torch.zeros(3) + torch.zeros(5)\n"
    problem = check({"double": body})[0].problem
    assert problem.startswith("MathError: shapes do not fit: torch.zeros(3) [3] and torch.zeros(5) [5]")
    assert problem.count("return torch") == 1
    assert problem.endswith("(in your line: return torch.zeros(3) + torch.zeros(5))")
