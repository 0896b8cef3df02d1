"""What an answer needs of its notebook: the same value as when all cells are run, without what it does not need."""

import pytest

from lingon.core.errors import UserError
from lingon.learn.cells import as_percent, code_cells, is_begun
from lingon.learn.slicing import answer

NOTEBOOKS = {
    "a function of an earlier cell": ["def half(x):\n    return x / 2", "def f(x):\n    return half(x) + 1"],
    "what that function uses in turn": [
        "from math import pi as p",
        "TWO = 2",
        "def twice(x):\n    return TWO * x",
        "class A:\n    factor = p\n    def by(self, x):\n        return twice(x) * self.factor",
        "def f(x):\n    return A().by(x)",
    ],
    "a helper below, in a cell of its own": ["def f(x):\n    return later(x)", "def later(x):\n    return -x"],
    "a name that has several values": [
        "k = 2\ndef g(x, k=k):\n    return k * x",
        "k = 5\nfirst = g(1)",
        "def f(x):\n    return g(x) + k + first",
        "attempt(f, '03')",
        "k = 7",
    ],
    "a function that is defined again": [
        "def g(x):\n    return x + 1",
        "made = g(1)",
        "def g(x):\n    return x + 100",
        "def f(x):\n    return g(x) + made",
    ],
    "a list that grows": [
        "rows = []",
        "for i in range(3):\n    rows.append(i)",
        "rows[0] = 9",
        "def f(x):\n    return rows",
    ],
    "a counter": ["n = 1", "n += 4", "if n > 3:\n    m = n\nelse:\n    m = 0", "def f(x):\n    return n + m + x"],
    "imports": ["import xml.dom", "import xml.sax", "def f(x):\n    return (xml.dom.__name__, xml.sax.__name__)"],
    "a star": ["from math import *", "def f(x):\n    return sqrt(x) + floor(x)"],
    "a comprehension and a walrus": [
        "words = ['a', 'bb']",
        "length = {w: len(w) for w in words}",
        "def f(x):\n    return [n for w in words if (n := length[w]) > 0]",
    ],
    "a decorator": ["import functools", "cache = functools.cache", "@cache\ndef f(x):\n    return x * x"],
    "a function inside if": ["import sys", "if sys:\n    def f(x):\n        return x"],
    "a global": [
        "seen = 0",
        "def count():\n    global seen\n    seen += 1\n    return seen",
        "def f(x):\n    return count() + count()",
    ],
    "a line that begins with %": ["def f(x):\n    return (x\n% 2)"],
    "two statements in one line": ["a = 1; b = 2", "def f(x):\n    return b"],
    "names of its own that others have too": ["x = [][1:]", "def f(x):\n    y = x\n    return [x for x in (y, 1)]"],
}


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_an_answer_gives_what_the_whole_notebook_gives(name):
    cells = NOTEBOOKS[name]
    whole, mine = {"attempt": lambda *_: None}, {}
    visible = next((i for i, cell in enumerate(cells) if "attempt" in cell), len(cells))
    exec("\n".join(cells[:visible]), whole)
    exec(answer(cells, "f"), mine)
    assert mine["f"](7) == whole["f"](7)


def test_what_is_not_needed_does_not_run():
    cells = [
        "model, losses = object(), []",
        "for x in range(3):\n    losses.append(train(model, x))\nscore = 1 / 0",
        "model = train(1 / 0)\ntruth = lambda x: x",
        "scores = [1 / 0]",
        "attempt(scores, '03')",
        "def f(x):\n    scores = truth(x)\n    return scores",
    ]
    program = answer(cells, "f")
    assert "train" not in program
    assert "1 / 0" not in program
    assert "truth = lambda x: x" in program


def test_cells_may_hold_magic_and_unfinished_lines():
    cells = ["def unfinished(", "def f(x):\n    return x", "def f(x)\n    return 2 * x"]
    with pytest.raises(UserError, match="line 1 of the cell is not Python"):
        answer(cells, "f")
    assert "return x" in answer(cells[:2], "f")
    with pytest.raises(UserError, match=r"no function f\(\.\.\.\)"):
        answer(["class A:\n    def f(x):\n        return x", "f = 3"], "f")
    assert answer(["from __future__ import annotations", "a = 1", "def f(x: no_such):\n    return a"], "f").startswith(
        "from __future__ import annotations\n"
    )


def test_all_cells_of_a_file_are_read(tmp_path):
    file = tmp_path / "03.py"
    file.write_text("# mine\nimport math\n\n#%%\nx = 1\n# %% [md]\n# prose\n# %% a title\n%time\nx?\ny = x\n")
    assert code_cells(file) == ["# mine\nimport math", "x = 1", "y = x"]


def test_a_notebook_as_a_file_has_the_same_cells(tmp_path):
    import json

    cells = [
        {"cell_type": "markdown", "source": ["# Title\n", "\n", "Text."]},
        {"cell_type": "code", "source": "%matplotlib inline\nx = 1"},
        {"cell_type": "raw", "source": "raw"},
        {"cell_type": "code", "source": "def f(x):\n\n    # your turn\n    ..."},
    ]
    notebook, file = tmp_path / "a.ipynb", tmp_path / "a.py"
    notebook.write_text(json.dumps({"cells": cells}))
    file.write_text(as_percent(notebook))
    assert file.read_text().startswith("# %% [markdown]\n# # Title\n#\n# Text.\n\n# %%\n# %matplotlib inline\nx = 1\n")
    assert code_cells(file)[1:] == code_cells(notebook)[1:]


def test_begun_is_what_has_no_dots():
    assert not is_begun(["def f(x):\n    # your turn\n    ..."], "f")
    assert not is_begun(["def g(x):\n    return x"], "f")
    assert is_begun(["def f(x):\n    return x"], "f")
    assert is_begun(["def f(x)\n    ..."], "f")
    assert is_begun(["def f(x):\n    return x[..., 0]"], "f")
