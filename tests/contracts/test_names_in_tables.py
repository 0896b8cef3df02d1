"""Nothing outside tasks/ and models/ knows a task or a model by name or class, and each name is listed once."""

import ast
from importlib import import_module
from pathlib import Path

import pytest

from lingon.data.tokenizer_table import TOKENIZERS
from lingon.engine.training_parts import AVERAGES, OPTIMIZERS, SCHEDULES
from lingon.models.hub_families import FAMILIES
from lingon.models.registry import MODELS
from lingon.tasks.registry import TASKS, task_of

ROOT = Path(__file__).parents[2]
INSIDE = ("lingon/tasks/", "lingon/models/")
GGUF = "lingon/checkpoints/gguf/architectures.py"  # the names of another format, some of which are the same words
# What is made for one task by its name, and says so in its first line.
FOR_ONE_TASK = {
    "lingon/recipes/estimate.py": "language model",
    "lingon/recipes/sklearn_training.py": "classifier",
    "lingon/interpret/attribution.py": "classifier",
    "lingon/interpret/page.py": "classifier",
    "lingon/checkpoints/style_networks.py": "style",
    "lingon/cli/ask.py": "ask",
    "lingon/cli/chat.py": "chat",
    "lingon/cli/generate.py": "generate",
    "lingon/cli/generate_output.py": "generate",
    "lingon/cli/stylize.py": "style",
    "lingon/cli/translate.py": "translate",
    "lingon/cli/translate_output.py": "translate",
    "lingon/cli/translate_params.py": "translate",
    "lingon/learn/reviews.py": "reviews",
}


def sources():
    for path in sorted((ROOT / "lingon").rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        if not name.startswith(INSIDE):
            yield name, ast.parse(path.read_text(encoding="utf-8"))


def classes():
    """The names of the classes of all models and tasks."""
    files = [import_module(row.module) for row in MODELS.values()]
    made = {name for file in files for name, found in vars(file).items() if isinstance(found, type)}
    own = {name for file in files for name in made if getattr(vars(file).get(name), "__module__", "") == file.__name__}
    return own | {task_of(name).__name__ for name in TASKS}


def modules():
    """The modules of single models and tasks."""
    return {row.module for row in [*MODELS.values(), *TASKS.values(), *FAMILIES.values()]}


def used_in(tree):
    """What a file imports, by module and name, and what it compares or checks with isinstance."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from ((node.lineno, "import", f"{node.module}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from ((node.lineno, "import", alias.name) for alias in node.names)
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("isinstance", "issubclass"):
            yield from ((node.lineno, "class", n.id) for n in ast.walk(node.args[1]) if isinstance(n, ast.Name))
            parts = (n for n in ast.walk(node.args[1]) if isinstance(n, ast.Attribute))
            yield from ((node.lineno, "class", n.attr) for n in parts if getattr(n.value, "id", "") != "nn")  # torch's
        elif isinstance(node, ast.Compare):
            texts = (n.value for part in (node.left, *node.comparators) for n in ast.walk(part) if is_text(n))
            yield from ((node.lineno, "text", value) for value in texts)


def is_text(node):
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def told(name, tree):
    """What a file knows of single models and tasks."""
    kinds, files, names = classes(), modules(), {*MODELS, *TASKS, *FAMILIES}
    for line, how, what in used_in(tree):
        of_file = how == "import" and any(what == file or what.startswith(f"{file}.") for file in files)
        if of_file or (how == "class" and what in kinds) or (how == "text" and what in names):
            yield f"{name}:{line}: {how} {what}"


def test_the_check_sees_what_it_is_for():
    assert {"Classifier", "LanguageModel", "TextCNN", "GPT", "NGrams"} <= classes()
    code = """
from lingon.models.textcnn import TextCNN
from lingon.tasks.classify.settings import Settings
isinstance(model, (nn.LSTM, models.GPT)), kind == "bilstm", task in ("classify", "x"), family == "qwen2"
"""
    seen = [line.split(": ")[1] for line in told("x", ast.parse(code))]
    wanted = ["import lingon.models.textcnn.TextCNN", "import lingon.tasks.classify.settings.Settings", "class GPT"]
    wanted += ["text bilstm", "text classify", "text qwen2"]
    assert sorted(seen) == sorted(wanted)


def test_nothing_outside_knows_a_task_or_a_model():
    found = [line for name, tree in sources() if name not in FOR_ONE_TASK for line in told(name, tree)]
    assert found == []


@pytest.mark.parametrize("name", FOR_ONE_TASK)
def test_what_is_for_one_task_says_so(name):
    tree = ast.parse((ROOT / name).read_text(encoding="utf-8"))
    first = ast.get_docstring(tree).splitlines()[0].lower()
    assert FOR_ONE_TASK[name] in first
    assert list(told(name, tree)), f"{name} knows no task any more: take it out of the list"


def is_all(node):
    """Whether this is the `__all__` of a module."""
    return isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__"


@pytest.mark.parametrize("table", [MODELS, FAMILIES, TASKS, TOKENIZERS, SCHEDULES, OPTIMIZERS, AVERAGES])
def test_each_name_is_listed_once(table):
    """No other list, tuple, set or dictionary of the code holds two names of one table; `__all__` lists functions."""
    found = []
    for path in sorted({*(ROOT / "lingon").rglob("[!_]*.py")} - {ROOT / GGUF}):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        tree.body = [node for node in tree.body if not is_all(node)]
        for node in ast.walk(tree):
            if isinstance(node, ast.Dict | ast.Tuple | ast.List | ast.Set):
                keys = node.keys if isinstance(node, ast.Dict) else node.elts
                listed = [n.value for n in keys if n is not None and is_text(n) and n.value in table]
                if len(listed) > 1:
                    found.append((path.relative_to(ROOT).as_posix(), listed))
    assert [listed for _, listed in found] == [list(table)], found
