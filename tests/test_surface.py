"""What Lingon offers to the outside: every name that a module lists is there, and is explained."""

import ast
import importlib
import inspect
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]
MODULES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in sorted((ROOT / "lingon").rglob("*.py"))}


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def lists_names(tree: ast.Module) -> bool:
    targets = [target for node in tree.body if isinstance(node, ast.Assign) for target in node.targets]
    return any(isinstance(target, ast.Name) and target.id == "__all__" for target in targets)


def offered_by(module: ModuleType, name: str) -> object:
    """A name of a module, or a public module of a package, which Python imports only when it is asked for."""
    here = Path(module.__file__).parent
    if module.__file__.endswith("__init__.py") and ((here / f"{name}.py").exists() or (here / name).is_dir()):
        return importlib.import_module(f"{module.__name__}.{name}")
    return getattr(module, name)


@pytest.mark.parametrize("name", [name_of(path) for path, tree in MODULES.items() if lists_names(tree)])
def test_every_name_that_a_module_lists_is_there_and_explained(name):
    module = importlib.import_module(name)
    assert len(set(module.__all__)) == len(module.__all__)
    for offered in module.__all__:
        value = offered_by(module, offered)
        ours = getattr(value, "__module__", "").startswith("lingon")
        if ours and (inspect.isfunction(value) or inspect.isclass(value)):
            assert value.__doc__, f"{name}.{offered} has no docstring"


def test_a_file_is_named_after_its_idea():
    assert not {path.stem for path in MODULES} & {"utils", "util", "helpers", "helper", "common", "misc"}
