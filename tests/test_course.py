"""The course: every lesson runs, has the shape of a lesson, and exercises that can be solved and cannot be fooled."""

import ast
import functools
import inspect
import os
import re
import subprocess
import sys
import types

import numpy as np
import pytest
import torch

import lingon
from lingon.data.tokenizers import bpe
from lingon.decoding.sampling_params import SamplingParams
from lingon.learn.cells import code_cells
from lingon.learn.check import check_lesson
from lingon.learn.exercises import load_file, read_exercises
from lingon.learn.lessons import lessons
from lingon.learn.run_check import problem_with
from lingon.learn.slicing import answer
from lingon.models.registry import build
from lingon.tasks.language_model import LanguageModel

LESSONS = lessons()
EXERCISES = [(lesson, i, exercise) for lesson in LESSONS for i, exercise in enumerate(read_exercises(lesson.checks))]
SECONDS = 900  # a lesson takes one or two minutes; a busy machine of a test run several times that
MINUTES = re.compile(r"(?:takes|within) (?:about |less than )?(a|two) minutes?")  # what a lesson says of itself
MAY_IMPORT = {"lingon", "torch", "numpy", "matplotlib"} | set(sys.stdlib_module_names)
FOUNDATIONS = [lesson for lesson in LESSONS if lesson.number in ("01", "02", "03")]
STANDS_ON = {"lingon.scratch", "lingon.program", "lingon.learn", "numpy", "matplotlib"} | set(sys.stdlib_module_names)
WITHOUT_TORCH = "import runpy, sys; sys.modules['torch'] = None; runpy.run_path(sys.argv[1], run_name='__main__')"
WRONG = {
    "nothing": lambda *a: None,
    "zero": lambda *a: 0,
    "an empty list": lambda *a: [],
    "its first argument": lambda *a: a[0],
    "a tensor of zeros": lambda *a: torch.zeros(2, 3),
    "its arguments": lambda *a: a,
}
BUILT = {  # for each lesson, what holds for functions that it built: an answer may use them
    "00": "words(7200.0) == '2.0 hours' and seconds(list) < 10",
    "01": "product(torch.ones(2, 3), torch.ones(3, 5)).tolist() == [[3.0] * 5] * 2",
    "02": "two_sided(torch.sin, torch.tensor(0.0), 0.5) > 0.9 and Number(3.0).value == 3",
    "03": "chain(1, 2) is not None and len(most_bytes.__name__) == 10",
    "04": "softmax(torch.zeros(3, 4)).sum() == 3 and mlp(3, 5, 7)(torch.zeros(1, 3)).shape == (1, 7)",
    "05": "features(torch.ones(3), 2).shape == (3, 3) and network()(torch.zeros(2, 784)).shape == (2, 10)",
    "06": "pairs(torch.tensor([3, 5]), 1)[0].tolist() == [3, 5] and parts('no', 4) == ['<no>']",
    "07": "standard_error(0.5) > 0 and max_over_time(torch.ones(2, 3)).shape == (3,)",
    "08": "len(weights_of(nn.LSTM(3, 5))) == 3",
    "09": "masked_softmax(torch.zeros(1, 1, 2), torch.tensor([[True, False]])).tolist() == [[[1, 0]]]",
    "10": "0 < bigram(int(train[0]), int(train[1])) < 1",
    "11": "gelu(torch.zeros(3)).sum() == 0 and causal(5).sum() == 15 and Heads is not None",
    "12": "mean_pooled(torch.ones(2, 3, 5), torch.ones(2, 3).bool()).sum() == 10 and len(SENSES) == 5",
    "13": "ours_top_k(torch.arange(5.0)[None], 2).isfinite().sum() == 2 and everything is not None",
    "14": "f1('a cat', 'the cat') == 1 and best_span(torch.zeros(3), torch.arange(3.0), 2)[:2] == (1, 2)",
    "15": "counts(['a', 'a'], ['a'], 1) == (1, 2) and abs(bleu([['a'] * 5], [['a'] * 5]) - 100) < 1e-6",
    "16": "convolve(torch.ones(1, 1, 3, 3), torch.ones(1, 1, 3, 3), torch.zeros(1)).item() == 9 and END not in seen",
}

each_lesson = pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.path.stem)
# Of copies that students solve the short suite tries three lessons; `make check-long` tries all.
some_lessons = pytest.mark.parametrize(
    "lesson",
    [pytest.param(one, marks=[] if one.number in ("02", "05", "11") else pytest.mark.long) for one in LESSONS],
    ids=lambda lesson: lesson.path.stem,
)
each_exercise = pytest.mark.parametrize(
    ("lesson", "i", "exercise"), EXERCISES, ids=[f"{lesson.number}.{i + 1}" for lesson, i, _ in EXERCISES]
)


def prose(lesson) -> str:
    """The text of a lesson's markdown cells."""
    parts = re.split(r"^# %%(.*)$", lesson.path.read_text(), flags=re.MULTILINE)
    return "\n".join(body for kind, body in zip(parts[1::2], parts[2::2], strict=True) if "[markdown]" in kind)


def kinds(lesson) -> list[str]:
    """For each cell "prose" or "code"."""
    found = re.findall(r"^# %%(.*)$", lesson.path.read_text(), flags=re.MULTILINE)
    return ["prose" if "[markdown]" in kind else "code" for kind in found]


def test_lessons_have_numbers_of_their_own_and_no_checks_are_left_over():
    numbers = [lesson.number for lesson in LESSONS]
    assert numbers == sorted(set(numbers))
    assert {"04", "05", "07", "08", "09", "11", "12", "13", "14", "15", "16"} <= set(numbers)
    assert [f"{n}.py" for n in numbers] == sorted(p.name for p in LESSONS[0].checks.parent.glob("*.py"))


@each_lesson
def test_a_lesson_has_a_question_pictures_equalities_and_what_to_read_next(lesson):
    code = "\n".join(code_cells(lesson.path))
    assert lesson.question.endswith("?")
    assert code.count("plt.show()") >= 3
    assert len(re.findall(r"assert (?:torch|np)\.allclose\(", code)) >= 2
    assert "What to read next" in prose(lesson).split("\n# ## ")[-1]


@each_lesson
def test_prose_and_code_take_turns(lesson):
    longest = max(len(run) for run in "".join(kind[0] for kind in kinds(lesson)).split("p"))
    assert kinds(lesson)[0] == "prose"
    assert longest <= 2


@each_lesson
def test_no_result_is_typed_into_the_prose(lesson):
    text = re.sub(r"\$.*?\$", "", prose(lesson), flags=re.DOTALL)
    assert not re.findall(r"\d?\.\d\d+|\d ?%", text)


@pytest.mark.parametrize("cached", [True, False])
def test_a_model_under_terms_of_its_own_is_asked_only_where_its_weights_are(cached, monkeypatch, capsys):
    """The cell of lesson 13, with small models in place of both, and nothing fetched."""
    (lesson,) = (one for one in LESSONS if one.number == "13")
    (cell,) = (cell for cell in code_cells(lesson.path) if "gemma-270m" in cell)
    models, opened = [], []
    for texts in (["she was here, the cat is"], ["The capital of France is Paris. She was hot"]):
        tokenizer = bpe(texts * 3, 270)
        model = build("gpt", {"vocab_size": len(tokenizer.vocab), "width": 8, "heads": 2, "depth": 1})
        models.append(LanguageModel(model.eval(), tokenizer))
    monkeypatch.setattr(lingon, "load", lambda name: (opened.append(name), models[1])[1])
    names = {"torch": torch, "lingon": lingon, "SamplingParams": SamplingParams, "model": models[0]}
    exec(cell, names | {"WEIGHTS": {"gemma-270m": types.SimpleNamespace(cached=cached)}})
    said = capsys.readouterr().out
    assert opened == ["gemma-270m"] * cached
    assert said.count("gemma-270m: ") == 3 * cached
    assert said.count("ours: ") == 3
    assert ("is not in the cache" in said) != cached


@each_lesson
def test_a_lesson_imports_no_other_lesson_and_nothing_foreign(lesson):
    nodes = ast.walk(ast.parse("\n".join(code_cells(lesson.path))))
    names = [a.name for node in nodes if isinstance(node, ast.Import) for a in node.names]
    nodes = ast.walk(ast.parse("\n".join(code_cells(lesson.path))))
    names += [node.module for node in nodes if isinstance(node, ast.ImportFrom)]
    assert {name.split(".")[0] for name in names} <= MAY_IMPORT


@each_lesson
def test_a_lesson_has_three_exercises_in_the_order_of_their_checks(lesson):
    exercises = read_exercises(lesson.checks)
    code, text = "\n".join(code_cells(lesson.path)), prose(lesson)
    titles = re.findall(rf"^# ### {lesson.number}\.(\d) (.+)$", text, re.MULTILINE)
    assert titles == [(str(i), exercise.title) for i, exercise in enumerate(exercises, 1)]
    assert len(exercises) == 3
    assert code.count("# your turn\n    ...") == 3
    for exercise in exercises:
        arguments = ", ".join(inspect.signature(exercise.solution).parameters)
        assert f"def {exercise.function}({arguments}):\n    # your turn\n    ..." in code
        assert f'attempt({exercise.function}, "{lesson.number}")' in code
        assert len(exercise.hints) >= 2


@each_exercise
def test_the_solution_passes(lesson, i, exercise):
    assert problem_with(exercise.solution, exercise) == ""


@each_exercise
def test_the_stub_of_the_lesson_fails(lesson, i, exercise, tmp_path):
    file = tmp_path / "answer.py"
    file.write_text(answer(code_cells(lesson.path), exercise.function))
    stub = getattr(load_file(file), exercise.function)
    assert "replace `...` with your code" in problem_with(stub, exercise)


@each_exercise
@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_answer_fails_in_one_line(lesson, i, exercise, wrong):
    problem = problem_with(WRONG[wrong], exercise)
    assert problem
    assert "\n" not in problem


@some_lessons
def test_a_solved_copy_passes_with_the_imports_of_the_lesson(lesson, tmp_path):
    text = lesson.path.read_text()
    for exercise in read_exercises(lesson.checks):
        solution = inspect.getsource(exercise.solution)
        stub = solution.split("\n")[0] + "\n    # your turn\n    ...\n"
        assert stub in text
        text = text.replace(stub, solution)
    (tmp_path / lesson.path.name).write_text(text)
    assert [(result.problem, result.hints) for result in check_lesson(lesson.number, tmp_path)] == [("", ())] * 3


def answered(lesson) -> str:
    """Cells with an answer to each exercise that uses what the lesson built, and a helper of another cell."""
    cells = []
    for exercise in read_exercises(lesson.checks):
        name, solution = exercise.function, inspect.getsource(exercise.solution)
        arguments = ", ".join(inspect.signature(exercise.solution).parameters)
        cells.append(solution.replace(f"def {name}(", f"def {name}_helped("))
        cells.append(
            f"def {name}({arguments}):\n    assert {BUILT[lesson.number]}\n    return {name}_helped({arguments})"
        )
        cells.append(f'attempt({name}, "{lesson.number}")')
    return "".join(f"\n# %%\n{cell}\n" for cell in cells)


@pytest.mark.data
@some_lessons
def test_an_answer_may_use_what_the_lesson_built_when_it_is_checked(lesson, tmp_path):
    """That `attempt` passes them is seen where the notebook is run, below."""
    (tmp_path / lesson.path.name).write_text(lesson.path.read_text() + answered(lesson))
    assert [result.problem for result in check_lesson(lesson.number, tmp_path, seconds=60)] == [""] * 3


@each_exercise
def test_numbers_may_be_numpys(lesson, i, exercise):
    def numpy(value):
        if isinstance(value, (bool, int)):
            return np.array(value)[()]
        if type(value) in (list, tuple, set):
            return type(value)(map(numpy, value))
        return value

    assert type(numpy([3])[0]) is np.int64
    # Checks ask a function which library its module calls torch: that of the solution.
    answer = functools.wraps(exercise.solution)(lambda *arguments: numpy(exercise.solution(*arguments)))
    assert problem_with(answer, exercise) == ""


def run(*command):
    """What a program prints that runs without windows and with one thread, since other tests run beside it."""
    environment = {**os.environ, "MPLBACKEND": "Agg", "OMP_NUM_THREADS": "1", "LINGON_QUIET": "1"}
    command = [sys.executable, "-W", "ignore:FigureCanvasAgg", *map(str, command)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=SECONDS)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.mark.parametrize("lesson", FOUNDATIONS, ids=lambda lesson: lesson.path.stem)
def test_the_first_lessons_stand_on_numpy_alone(lesson):
    pytest.importorskip("matplotlib")
    tree = ast.parse("\n".join(code_cells(lesson.path)))
    names = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    assert {".".join(name.split(".")[: 2 if name.startswith("lingon") else 1]) for name in names} <= STANDS_ON
    assert run("-c", WITHOUT_TORCH, lesson.path).count(": not yet.") == 3


def solved(lesson) -> str:
    """A lesson with the solutions in place of the stubs."""
    text = lesson.path.read_text()
    for exercise in read_exercises(lesson.checks):
        solution = inspect.getsource(exercise.solution)
        text = text.replace(solution.split("\n")[0] + "\n    # your turn\n    ...\n", solution)
    return text


@pytest.mark.parametrize("number", ["01", "02"])
def test_lessons_on_scratch_run_on_torch_when_one_line_is_replaced(number, tmp_path):
    pytest.importorskip("matplotlib")
    (lesson,) = [lesson for lesson in LESSONS if lesson.number == number]
    for text, verdict in ((lesson.path.read_text(), ": not yet."), (solved(lesson), ": passed")):
        assert text.count("\nimport lingon.scratch as torch\n") == 1
        file = tmp_path / lesson.path.name
        file.write_text(text.replace("\nimport lingon.scratch as torch\n", "\nimport torch\n"))
        assert run(file).count(verdict) == 3


@pytest.mark.parametrize("number", ["01", "02"])
def test_the_checks_of_lessons_on_scratch_give_torch_to_functions_written_for_it(number):
    (lesson,) = [lesson for lesson in LESSONS if lesson.number == number]
    kinds = set()

    for exercise in read_exercises(lesson.checks):
        solution = types.FunctionType(exercise.solution.__code__, {"torch": torch, "zip": zip})

        def noted(*arguments, solution=solution):
            kinds.update(type(a) for a in arguments if hasattr(a, "dtype"))
            return solution(*arguments)

        assert noted.__globals__["torch"] is torch
        assert problem_with(noted, exercise) == ""
    assert kinds == {torch.Tensor}


@pytest.mark.data
@each_lesson
def test_the_notebook_of_a_lesson_runs(lesson, tmp_path):
    jupytext = pytest.importorskip("jupytext")
    pytest.importorskip("matplotlib")
    notebook = jupytext.writes(
        jupytext.reads(lesson.path.read_text() + answered(lesson), fmt="py:percent"), fmt="ipynb"
    )
    script = tmp_path / lesson.path.name
    script.write_text(jupytext.writes(jupytext.reads(notebook, fmt="ipynb"), fmt="py:percent"))
    before = os.times().children_user
    said = run(script)
    seconds = os.times().children_user - before  # of the processor, however busy it is
    for minutes in MINUTES.findall(prose(lesson).replace("\n# ", " ")):
        assert seconds < {"a": 60, "two": 120}[minutes] * 2.5
    assert said.count(": not yet.") == 3
    assert said.count("hint 1 of") == 3
    assert re.findall(rf"^{lesson.number}\.(\d) .*: passed$", said, re.MULTILINE) == ["1", "2", "3"]
