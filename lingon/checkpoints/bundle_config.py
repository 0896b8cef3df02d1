"""Reads and writes the config.json of a bundle; every key is checked before anything is loaded.

Of one task with one module:   {"format", "lingon", "task", "model", "config", ...the task's own keys}
Of a task of several modules:  "parts" in place of "model" and "config": {part: {"model", "config"}}
Of several heads:              {"format", "lingon", "heads": {name: as above, and "files": {part: name of its file}}}
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from torch import nn

from lingon.core.config_keys import want
from lingon.core.errors import DataError, UserError, unknown
from lingon.core.files import read_json
from lingon.tasks.registry import TASKS, task_of

FORMAT = 1  # of config.json; a newer one is refused, since this version does not know its meaning
CONFIG_LIMIT = 64 << 20  # bytes
FILE_NAME = re.compile(r"\w[\w.-]*")  # of a part, without its ending: a file of the bundle's own folder
NESTED = 16  # maximum depth of nested lists and objects, so that values can always be shown in messages
MODEL = "model"  # name of the module of a task with a single one


def read_config(path: Path) -> dict[str, Any]:
    """Return the configuration of a bundle, checked. Raises DataError that names the file and the key."""
    config = read_json(path, limit=CONFIG_LIMIT)
    with located(path):
        if not isinstance(config, dict):
            raise DataError(f"expected a JSON object, not {type(config).__name__}")
        if _deeper(config, NESTED):
            raise DataError(f"lists or objects are nested more than {NESTED} deep")
        if want(config, "format", int, "a number") != FORMAT:
            raise DataError(f"key 'format' is {config['format']}, this Lingon reads {FORMAT}; update Lingon")
        if "heads" in config:
            _check_heads(config)
        else:
            _check_task(config, ("format", "lingon"))
        want(config, "lingon", str, "the version that wrote it")
    return config


@contextmanager
def located(path: Path) -> Iterator[None]:
    """Prefix errors about the content of a file with its path."""
    try:
        yield
    except UserError as error:
        raise DataError(f"{path}: {error}") from None


def modules_of(entry: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the name and configuration of each module of a task, by part."""
    return entry.get("parts") or {MODEL: {"model": entry["model"], "config": entry["config"]}}


def part_types_of(entry: Mapping[str, Any]) -> dict[str, type]:
    """Return the type of each part of a task; of optional parts, only those in config.json."""
    task: Any = task_of(entry["task"])
    more = getattr(task, "optional_parts", {})
    there = entry.get("parts") or {}
    return {**task.part_types, **{part: kind for name in more if name in there for part, kind in more[name].items()}}


def entry_of(task: Any, models: Mapping[str, str]) -> dict[str, Any]:
    """Return the entry of a task in config.json. models: names of its modules in the registry, by part."""
    modules: dict[str, Any] = {part: each for part, each in task.parts.items() if isinstance(each, nn.Module)}
    found = {part: {"model": models[part], "config": each.config()} for part, each in modules.items()}
    return {"task": task.name, **(found[MODEL] if list(found) == [MODEL] else {"parts": found}), **task.config()}


def _check_heads(config: dict[str, Any]) -> None:
    known = ("format", "lingon", "heads")
    if strangers := config.keys() - set(known):
        raise unknown("key", min(strangers), known)
    for name, entry in want(config, "heads", dict, "an object with a task by each name").items():
        try:
            if not isinstance(entry, dict):
                raise DataError("expected a JSON object")
            _check_task(entry, ("files",))
            files = want(entry, "files", dict, "an object with a file for each part")
            for part in part_types_of(entry):
                if not FILE_NAME.fullmatch(want(files, part, str, "the name of a file")):
                    raise DataError(f"key {part!r} is {files[part][:40]!r}, which is not a file name")
        except UserError as error:
            raise DataError(f"head {name[:40]!r}: {error}") from None


def _check_task(entry: dict[str, Any], more: tuple[str, ...]) -> None:
    if "task" not in entry and "kind" in entry:  # its name before 0.1.0
        entry["task"] = entry.pop("kind")
    if want(entry, "task", str, "text") not in TASKS:
        raise unknown("task", entry["task"], TASKS)
    task = task_of(entry["task"])
    wanted = [part for part, kind in task.part_types.items() if issubclass(kind, nn.Module)]
    single = wanted == [MODEL]
    known = (*more, "task", *(("model", "config") if single else ("parts",)), *task.config_keys)
    if strangers := entry.keys() - set(known):
        raise unknown("key", min(strangers), known)
    if not single:
        want(entry, "parts", dict, "an object with a model for each part")
        wanted = [part for part, kind in part_types_of(entry).items() if issubclass(kind, nn.Module)]
        if strangers := entry["parts"].keys() - set(wanted):
            raise unknown("part", min(strangers), wanted)
    for part in wanted:
        one = entry if single else want(entry["parts"], part, dict, "an object with its model and config")
        want(one, "model", str, "a model's name")
        want(one, "config", dict, "an object")
    task.check_config(entry, {part: one["config"] for part, one in modules_of(entry).items()})


def _deeper(value: Any, most: int) -> bool:
    """Return whether lists and objects are nested more than `most` deep; visits levels only down to that depth."""
    level = [value]
    for _ in range(most + 1):
        level = [
            inner
            for one in level
            if isinstance(one, dict | list)
            for inner in (one.values() if isinstance(one, dict) else one)
        ]
    return bool(level)
