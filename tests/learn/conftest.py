"""A course of one tiny lesson, so that the mechanism is tested without training anything."""

import pytest

LESSON = """# %% [markdown]
# # 03. Doubling
#
# **How is a number doubled?**

# %%
import math as mathematics

# %% [markdown]
# ## Exercises

# %%
def double(x):
    ...  # your turn

# %%
def root(x):
    ...  # your turn

# %%
raise RuntimeError("a check must not run the whole lesson")
"""

CHECKS = '''"""Checks of lesson 03."""
import math
from lingon.learn.exercises import Exercise


def double(x):
    return x + x


def check_double(double):
    assert double(7) == 14, "double(7) is not 14"
    assert double(0) == 0, "double(0) is not 0"


def root(x):
    return mathematics.sqrt(x)


def check_root(root):
    assert math.isclose(root(49.0), 7.0), "root(49) is not 7"


EXERCISES = [
    Exercise("Double", check_double, ("Add.", "Add x to x."), double),
    Exercise("Root", check_root, ("Import.", "sqrt."), root),
]
'''


@pytest.fixture
def course(tmp_path):
    """The folder of the tiny course."""
    folder = tmp_path / "course"
    (folder / "checks").mkdir(parents=True)
    (folder / "03_doubling.py").write_text(LESSON)
    (folder / "checks" / "03.py").write_text(CHECKS)
    return folder


@pytest.fixture
def check(course, tmp_path):
    """Checks a copy of the tiny lesson in which stubs were replaced: `check({"double": code}, hints=1)`."""
    from lingon.learn.check import check_lesson

    def run(code: dict[str, str], hints: int = 1, seconds: float = 20.0):
        text = LESSON
        for name, body in code.items():
            text = text.replace(f"def {name}(x):\n    ...  # your turn\n", body)
        (tmp_path / "mine").mkdir(exist_ok=True)
        (tmp_path / "mine" / "03_doubling.py").write_text(text)
        return check_lesson("03", tmp_path / "mine", hints, seconds, course)

    return run
