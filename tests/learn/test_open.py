"""The reader's copies: made once, never touched again, outside the course."""

import json
from types import SimpleNamespace

import pytest

from lingon.core.errors import UserError
from lingon.learn import open as opening
from lingon.learn.check import check_lesson, copy_of
from lingon.learn.lessons import course_folder, find_lesson, lessons


@pytest.fixture
def started(monkeypatch, course):
    """The tiny course in place of the real one, JupyterLab in place; gives the commands that would be started."""
    commands = []
    jupyter = SimpleNamespace(run=lambda command, check: commands.append(command))
    monkeypatch.setattr(opening, "subprocess", jupyter)
    monkeypatch.setattr(opening, "_installed", lambda package: True)
    monkeypatch.setattr(opening, "course_folder", lambda: course)
    monkeypatch.setattr(opening, "find_lesson", lambda number: find_lesson(number, course))
    return commands


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
    assert started[0][1:] == ["-m", "jupyterlab", str(copy)]
    opening.open_lesson("03", tmp_path / "other", browser=False)
    assert len(started) == 1


def test_a_copy_is_never_overwritten(started, tmp_path, capsys):
    copy = opening.open_lesson("03", tmp_path)
    copy.write_text("my own work")
    assert opening.open_lesson("03", tmp_path) == copy
    assert copy.read_text() == "my own work"
    assert "as you left it" in capsys.readouterr().out


def test_without_the_extra_the_copy_is_python_and_says_what_to_install(started, course, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(opening, "_installed", lambda package: False)
    copy = opening.open_lesson("03", tmp_path / "mine")
    said = capsys.readouterr().out
    assert copy.read_text() == (course / "03_doubling.py").read_text()
    assert "pip install 'lingon[course]'" in said
    assert started == []
    copy.write_text(copy.read_text().replace("...  # your turn", "return 2 * x", 1))
    assert [r.passed for r in check_lesson("03", tmp_path / "mine", course=course)] == [True, False]
    # Installed later: the reader's own file goes on being theirs.
    monkeypatch.setattr(opening, "_installed", lambda package: True)
    assert opening.open_lesson("03", tmp_path / "mine") == copy


def test_a_plain_copy_for_any_editor(started, course, tmp_path, monkeypatch, capsys):
    notebook = opening.open_lesson("03", tmp_path, browser=False)
    plain = opening.open_lesson("03", tmp_path, plain=True)
    assert (notebook.suffix, plain.suffix, started) == (".ipynb", ".py", [])
    assert plain.read_text() == (course / "03_doubling.py").read_text()
    plain.write_text("my own work")
    assert opening.open_lesson("03", tmp_path, plain=True).read_text() == "my own work"
    monkeypatch.setattr(opening, "_installed", lambda package: package == "jupytext")
    capsys.readouterr()
    opening.open_lesson("03", tmp_path)
    assert f"lingon learn open 03 --plain --folder {tmp_path}" in capsys.readouterr().out


def test_a_lesson_by_a_word_of_its_name(course):
    assert find_lesson("doubl", course) == find_lesson("Doubling", course) == find_lesson("03", course)
    for nothing in ("", " ", "tripling", "4"):
        with pytest.raises(UserError, match="03_doubling"):
            find_lesson(nothing, course)


def test_copies_do_not_go_among_the_lessons(started, course):
    with pytest.raises(UserError, match="choose another --folder"):
        opening.open_lesson("03", course / "mine")
    assert not (course / "mine").exists()


def test_the_notebook_checks_like_the_file(started, course, tmp_path):
    opening.open_lesson("03", tmp_path)
    lesson = find_lesson("03", course)
    assert copy_of(lesson, tmp_path).suffix == ".ipynb"
    results = check_lesson("03", tmp_path, course=course)
    assert [r.problem[:28] for r in results] == ["double gives back None: writ", "root gives back None: write "]


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
