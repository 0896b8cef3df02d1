"""Nothing that Lingon ships can run code from a file: no pickle and its kin, no eval."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "marshal", "shelve", "joblib"}
CALLS = {"eval", "exec", "compile", "__import__"}
ATTRIBUTES = {("torch", "load"), ("yaml", "load"), ("yaml", "unsafe_load"), ("torch", "save")}
SHIPPED = sorted([*ROOT.glob("lingon/**/*.py"), *ROOT.glob("course/**/*.py")])


OURS = "lingon.program"  # whose `compile` makes a program of an expression and reads no text


def dangers(source: str) -> list[str]:
    found = []
    tree = ast.parse(source)
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    calls = CALLS - {
        a.name for node in imports if (node.module or "").startswith(OURS) for a in node.names if not a.asname
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [a.name for a in node.names if a.name.split(".")[0] in MODULES]
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in MODULES:
            found.append(node.module)
        elif isinstance(node, ast.Call):
            function = node.func
            if isinstance(function, ast.Name) and function.id in calls:
                found.append(function.id)
            elif isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name):
                called = (function.value.id, function.attr)
                found += [".".join(called)] if called in ATTRIBUTES else []
            found += ["allow_pickle" for k in node.keywords if k.arg == "allow_pickle" and getattr(k.value, "value", 1)]
    return found


@pytest.mark.parametrize("path", SHIPPED, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_module_can_run_code_from_a_file(path):
    assert dangers(path.read_text()) == []


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from dill import load",
        "import torch\ntorch.load('x')",
        "np.load('x', allow_pickle=True)",
        "eval('1')",
        "import yaml\nyaml.load(x)",
        "compile('1', '', 'eval')",
        "from lingon.program import gradient\ncompile('1', '', 'eval')",
    ],
)
def test_the_check_itself_sees_each_danger(source):
    assert dangers(source)


def test_a_program_of_ours_may_be_compiled():
    assert dangers("from lingon.program import Variable, compile\ncompile(Variable('A') + 1)") == []
