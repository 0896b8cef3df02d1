"""`lingon learn` as a student types it: list, open, check one, check all."""

import re

import pytest

from lingon.learn.lessons import lessons
from tests.cli.test_commands import lingon


def solved(text, checks):
    """A lesson with its stubs replaced by the solutions of the file of checks."""
    import inspect

    from lingon.learn.exercises import read_exercises

    for exercise in read_exercises(checks):
        source = inspect.getsource(exercise.solution)
        text = text.replace(source.split("\n")[0] + "\n    # your turn\n    ...\n", source)
    return text


def test_learn_alone_lists_the_lessons_with_their_questions(tmp_path):
    done = lingon("learn", cwd=tmp_path)
    assert done.returncode == 0
    for lesson in lessons():
        assert re.search(
            rf"^{lesson.number}  {lesson.title} .*{re.escape(lesson.question)}$", done.stdout, re.MULTILINE
        )
    assert done.stdout == lingon("learn", "list", cwd=tmp_path).stdout


def test_a_student_opens_solves_and_checks(tmp_path):
    assert "lingon learn open 00" in lingon("learn", "check", cwd=tmp_path).stderr
    done = lingon("learn", "01", "--plain", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    copy = tmp_path / "lessons/01_arrays.py"
    first = lingon("learn", "check", "01", cwd=tmp_path)
    assert (first.returncode, first.stdout.count("not yet"), first.stdout.count("hint 1 of")) == (1, 3, 3)
    assert "More hints: --hint 2" in first.stdout
    assert first.stdout.startswith("Checking lessons/01_arrays.py\n")
    (lesson,) = [lesson for lesson in lessons() if lesson.number == "01"]
    copy.write_text(solved(copy.read_text(), lesson.checks))
    last = lingon("learn", "check", "arrays", cwd=tmp_path)
    assert (last.returncode, last.stdout.count("passed"), "More hints" in last.stdout) == (0, 3, False)
    lingon("learn", "gradients", "--plain", cwd=tmp_path)  # a word of its name
    both = lingon("learn", "check", cwd=tmp_path)
    assert both.returncode == 1
    assert [line.split()[:2] for line in both.stdout.splitlines()] == [["01", "+++"], ["02", "---"]]
    assert both.stdout.splitlines()[0].endswith("3 of 3 passed  lessons/01_arrays.py")


@pytest.mark.parametrize(("words", "hint"), [
    (["learn", "99"], "there is no lesson 99; the course has 00 to"),
    (["learn", "check", "999"], "there is no lesson 999"),
    (["learn", "open", "nets"], "00_setup"),
    (["learn", "check", "networks"], "say which"),
    (["learn", "open"], "number"),
    (["learn", "check_"], "check"),
    (["learn", "check", "02"], "lingon learn open 02"),
])  # fmt: skip
def test_slips_end_in_one_line_that_helps(words, hint, tmp_path):
    done = lingon(*words, cwd=tmp_path)
    assert done.returncode == 2
    assert hint in done.stderr
    assert done.stderr.count("\n") == 1
