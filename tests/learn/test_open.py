"""The reader's copies: made once, never touched again, outside the course."""

import json
import os
import re
from pathlib import Path

import pytest

from lingon.core.errors import RunError, UserError
from lingon.learn import open as opening
from lingon.learn.cells import code_cells
from lingon.learn.check import check_lesson, copy_of, judged
from lingon.learn.lessons import course_folder, find_lesson, lessons


@pytest.fixture
def started(monkeypatch, course):
    """The tiny course in place of the real one, JupyterLab in place; gives the notebooks that would be opened."""
    opened = []
    monkeypatch.setattr(opening, "run_jupyterlab", opened.append)
    monkeypatch.setattr(opening, "_installed", lambda package: True)
    monkeypatch.setattr(opening, "course_folder", lambda: course)
    monkeypatch.setattr(opening, "find_lesson", lambda number: find_lesson(number, course))
    return opened


def test_lessons_are_read_in_order(course):
    (course / "02_before.py").write_text("# %% [markdown]\n# # 02. Before\n#\n# **What was before?**\n")
    found = lessons(course)
    assert [(lesson.number, lesson.title, lesson.question) for lesson in found] == [
        ("02", "Before", "What was before?"),
        ("03", "Doubling", "How is a number doubled?"),
    ]
    assert found[1] == find_lesson(3, course) == find_lesson("03", course) == find_lesson("03_doubling", course)


def test_a_copy_is_a_notebook_with_a_kernel_and_is_opened(started, tmp_path):
    copy = opening.open_lesson("03", tmp_path / "mine")
    book = json.loads(copy.read_text())
    assert copy == tmp_path / "mine" / "03_doubling.ipynb"
    assert book["metadata"]["kernelspec"]["name"] == "python3"
    assert [cell["cell_type"] for cell in book["cells"]] == ["markdown", "code", "markdown", "code", "code", "code"]
    assert started == [copy]
    opening.open_lesson("03", tmp_path / "other", browser=False)
    assert len(started) == 1


def test_a_copy_is_never_overwritten(started, tmp_path, capsys):
    copy = opening.open_lesson("03", tmp_path)
    copy.write_text("my own work")
    assert opening.open_lesson("03", tmp_path) == copy
    assert copy.read_text() == "my own work"
    assert "as you left it" in capsys.readouterr().out


def only(monkeypatch, *packages):
    monkeypatch.setattr(opening, "_installed", lambda package: package in packages)


def test_without_the_extra_the_copy_is_python_and_says_what_to_install(started, course, tmp_path, monkeypatch, capsys):
    only(monkeypatch)
    monkeypatch.chdir(tmp_path)  # elsewhere than in a clone, where it is `make course`
    copy = opening.open_lesson("03", tmp_path / "mine")
    said = capsys.readouterr().out
    assert copy.read_text() == (course / "03_doubling.py").read_text()
    assert "Before you begin: lessons draw with matplotlib, which is not installed: " in said
    assert re.search(r"-m pip install .*jupyterlab.*matplotlib", said)
    assert "lingon[" not in said
    assert started == []
    copy.write_text(copy.read_text().replace("...  # your turn", "return 2 * x", 1))
    assert [r.passed for r in check_lesson("03", tmp_path / "mine", course=course)] == [True, False]
    # Installed later: the notebook begins with the reader's answers, and the file stays.
    only(monkeypatch, "jupytext", "ipykernel", "jupyterlab", "matplotlib")
    notebook = opening.open_lesson("03", tmp_path / "mine")
    assert (notebook.suffix, started) == (".ipynb", [notebook])
    assert "begins with what you wrote in 03_doubling.py" in capsys.readouterr().out
    assert copy_of(find_lesson("03", course), tmp_path / "mine") == notebook
    assert [r.passed for r in check_lesson("03", tmp_path / "mine", course=course)] == [True, False]


@pytest.mark.parametrize("there", [("jupytext", "matplotlib"), ("matplotlib",), ("ipykernel", "matplotlib")])
def test_no_notebook_is_written_where_nothing_runs_it(started, tmp_path, monkeypatch, capsys, there):
    """An environment for development has jupytext, but neither JupyterLab nor a kernel."""
    only(monkeypatch, *there)
    copy = opening.open_lesson("03", tmp_path)
    said = capsys.readouterr().out
    assert copy.suffix == ".py"
    assert f" {copy}\n" in said.partition("or whole: ")[2]
    assert "To work in JupyterLab, install it: " in said
    assert f"then: lingon learn open 03 --folder {tmp_path}" in said


def test_an_editor_with_a_kernel_gets_a_notebook(started, tmp_path, monkeypatch):
    only(monkeypatch, "jupytext", "ipykernel", "matplotlib")
    assert opening.open_lesson("03", tmp_path).suffix == ".ipynb"
    assert started == []


def test_in_the_environment_of_the_makefile_its_command_is_named(course, tmp_path, monkeypatch):
    lesson, root = find_lesson("03", course), Path(opening.__file__).resolve().parents[2]
    only(monkeypatch)
    monkeypatch.setattr("sys.prefix", str(root / ".venv"))
    monkeypatch.chdir(root)
    assert opening.advice(tmp_path / "a.py", lesson)[0].endswith(": make course LESSON=03")
    monkeypatch.chdir(tmp_path)
    assert "pip install" in opening.advice(tmp_path / "a.py", lesson)[0]


def test_a_plain_copy_begins_with_the_answers_of_the_notebook(started, course, tmp_path, capsys):
    """A fresh one would be the newest, and check would then find no answer."""
    notebook = opening.open_lesson("03", tmp_path, browser=False)
    notebook.write_text(notebook.read_text().replace("...  # your turn", "return 2 * x", 1))
    plain = opening.open_lesson("03", tmp_path, plain=True)
    assert (plain.suffix, started) == (".py", [])
    assert "begins with what you wrote in 03_doubling.ipynb" in capsys.readouterr().out
    assert code_cells(plain) == code_cells(notebook)
    assert [r.passed for r in check_lesson("03", tmp_path, course=course)] == [True, False]
    plain.write_text("my own work")
    assert opening.open_lesson("03", tmp_path, plain=True).read_text() == "my own work"
    capsys.readouterr()
    opening.open_lesson("03", tmp_path / "other", plain=True)
    assert (tmp_path / "other" / plain.name).read_text() == (course / "03_doubling.py").read_text()


def test_of_two_copies_the_newest_with_answers_is_judged_and_named(started, course, tmp_path):
    lesson = find_lesson("03", course)
    notebook, plain = opening.open_lesson("03", tmp_path), tmp_path / "03_doubling.py"
    notebook.write_text(notebook.read_text().replace("...  # your turn", "return 2 * x", 1))
    plain.write_text(lesson.path.read_text())
    os.utime(notebook, (1, 1))
    assert judged(lesson, tmp_path) == f"Checking {notebook}, changed last of those with answers, not {plain.name}"
    plain.write_text(lesson.path.read_text().replace("...  # your turn", "return 3 * x", 1))
    assert copy_of(lesson, tmp_path) == plain
    os.utime(plain, (0, 0))
    assert copy_of(lesson, tmp_path) == notebook
    plain.unlink()
    assert judged(lesson, tmp_path) == f"Checking {notebook}"


@pytest.fixture
def jupyterlab(tmp_path, monkeypatch):
    """A program in JupyterLab's place, which writes its arguments and ends with the code 3 if its notebook is "bad"."""
    (tmp_path / "jupyterlab.py").write_text(
        "import sys\nprint(*sys.argv[1:], file=open('said', 'w'))\nsys.exit(3 * ('bad' in sys.argv[1]))\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "said"


@pytest.mark.parametrize("user", [0, 1000])
def test_jupyterlab_as_root_is_allowed_for_this_machine_alone(jupyterlab, monkeypatch, capsys, user):
    monkeypatch.setattr("os.geteuid", lambda: user)
    opening.run_jupyterlab(Path("a.ipynb"))
    options = " --allow-root --ServerApp.ip=127.0.0.1" * (user == 0)
    assert jupyterlab.read_text() == f"a.ipynb{options}\n"
    assert ("You are root" in capsys.readouterr().out) == (user == 0)


def test_how_jupyterlab_ended_is_how_the_command_ends(jupyterlab):
    with pytest.raises(RunError, match=r"JupyterLab ended with code 3; your copy is bad\.ipynb"):
        opening.run_jupyterlab(Path("bad.ipynb"))


def test_a_lesson_by_a_word_of_its_name(course):
    assert find_lesson("doubl", course) == find_lesson("Doubling", course) == find_lesson("03", course)
    assert find_lesson("lessons/03_doubling.ipynb", course) == find_lesson("03.2", course) == find_lesson("3", course)
    for nothing in ("", " ", "tripling"):
        with pytest.raises(UserError, match="03_doubling"):
            find_lesson(nothing, course)


def test_a_lesson_that_is_not_there_is_said_to_be_not_there(course):
    for number in ("00", "04", "05", "08"):
        (course / f"{number}_x_doubling.py").write_text(f"# %% [markdown]\n# # {number}. X\n#\n# **Y?**\n")
    for nothing in ("12", 12, "12_pretraining", "120", "12.1"):
        with pytest.raises(UserError, match=r"there is no lesson 120?; the course has 00, 03 to 05 and 08 "):
            find_lesson(nothing, course)
    with pytest.raises(UserError, match=r"'doubling' is in the names of 00_x_doubling, 03_doubling, .*; say which"):
        find_lesson("doubling", course)


def test_copies_do_not_go_among_the_lessons(started, course):
    with pytest.raises(UserError, match="choose another --folder"):
        opening.open_lesson("03", course / "mine")
    assert not (course / "mine").exists()


def test_a_folder_may_have_spaces_and_is_no_file(started, course, tmp_path, monkeypatch, capsys):
    only(monkeypatch, "matplotlib")
    copy = opening.open_lesson("03", tmp_path / "my lessons")
    said = capsys.readouterr().out
    assert f"lingon learn check 03 --folder '{tmp_path / 'my lessons'}'\n" in said
    assert said.endswith(f" '{copy}'\n")
    for use in (opening.open_lesson, lambda number, folder: check_lesson(number, folder, course=course)):
        with pytest.raises(UserError, match=r"03_doubling\.py' is a file; --folder is the folder"):
            use("03", copy)


def test_the_notebook_checks_like_the_file(started, course, tmp_path):
    opening.open_lesson("03", tmp_path)
    lesson = find_lesson("03", course)
    assert copy_of(lesson, tmp_path).suffix == ".ipynb"
    results = check_lesson("03", tmp_path, course=course)
    assert [r.problem.split(":")[0] for r in results] == ["double returns None", "root returns None"]


def test_the_course_is_found_in_a_checkout_or_beside_the_package(monkeypatch, tmp_path):
    assert (course_folder() / "checks").is_dir()
    package = tmp_path / "site" / "lingon"
    (package / "course").mkdir(parents=True)
    monkeypatch.setattr("lingon.learn.lessons.__file__", str(package / "learn" / "lessons.py"))
    with pytest.raises(UserError, match="install lingon again"):
        course_folder()
    (package / "course" / "01_x.py").touch()
    assert course_folder() == package / "course"


def test_words_in_colour_wraps_and_scales():
    pytest.importorskip("matplotlib")
    from matplotlib.figure import Figure

    from lingon.learn.pictures import words_in_colour

    axis = Figure(figsize=(6 * 0.6 * 9 / 72 / 0.95 + 0.01, 1)).subplots()  # six characters wide
    words_in_colour(axis, ["ab", "cd", "efg"], [-2.0, 0.0, 2.0])
    assert [(t.get_text(), t.get_position()) for t in axis.texts] == [("ab", (0, 0)), ("cd", (3, 0)), ("efg", (0, -1))]
    low, middle, high = (t.get_bbox_patch().get_facecolor()[:3] for t in axis.texts)
    assert low[2] > low[0]  # blue
    assert high[0] > high[2]  # red
    assert min(middle) > 0.9  # white
