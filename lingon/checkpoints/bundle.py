"""A bundle: a trained model as a folder that can be copied, checked and loaded, and contains no executable code."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import nn

from lingon import __version__
from lingon.checkpoints.bundle_config import FORMAT, entry_of, located, modules_of, read_config
from lingon.checkpoints.parts import PartReader, PartWriter
from lingon.core.errors import UserError, suggest
from lingon.core.files import atomic_folder, atomic_write, write_json
from lingon.core.markdown import plain
from lingon.metrics.metric_table import format_metric
from lingon.tasks.heads import Heads
from lingon.tasks.registry import task_of
from lingon.tasks.task import Card, Task

__all__ = ["open_bundle", "save_bundle"]

HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+")


Names = str | Mapping[str, str]


def save_bundle(task: Task | Heads, models: Names | Mapping[str, Names], folder: Path, run: dict[str, Any]) -> Path:
    """Write a task, or several heads, as a bundle: weights, config.json, tokenizers, run.json, a model card.

    models: the name of its model in the registry; or names by part if a task has several modules; or either of these by
    the name of the head if heads differ in it.
    run: arguments, seed, versions, data checksums and metrics, for `run.json`.
    The folder appears, or replaces an older bundle, only once it is complete.
    """
    with atomic_folder(Path(folder)) as fresh:
        writer = PartWriter(fresh)
        config: dict[str, Any] = {"format": FORMAT, "lingon": __version__}
        if isinstance(task, Heads):
            config["heads"] = {
                name: {**entry_of(each, _names(each, given)), "files": writer.write(each.parts, name)}
                for (name, each), given in zip(task.items(), _by_head(task, models), strict=True)
            }
        else:
            writer.write(task.parts)
            config |= entry_of(task, _names(task, models))
        write_json(fresh / "config.json", config)
        record_in_bundle(fresh, run)
    return Path(folder)


def _by_head(heads: Heads, models: Any) -> list[Any]:
    """Return the model names of each head: its own, or the same for all."""
    own = not isinstance(models, str) and set(heads) <= set(models)
    return [models[name] if own else models for name in heads]


def _names(task: Task, models: Any) -> Mapping[str, str]:
    parts = [name for name, part in task.parts.items() if isinstance(part, nn.Module)]
    if isinstance(models, str):
        return dict.fromkeys(parts, models)
    if missing := [name for name in parts if name not in models]:
        raise UserError(f"the name of the model of part {missing[0]!r} is missing; names are given of {list(models)}")
    return models


def record_in_bundle(folder: Path, run: dict[str, Any]) -> None:
    """Rewrite run.json and the model card of a bundle: a model is saved first, and tested afterwards."""
    write_json(folder / "run.json", run)
    with atomic_write(folder / "README.md") as file:
        file.write(model_card(read_config(folder / "config.json"), run))


def open_bundle(source: str | Path, device: str = "cpu") -> Any:
    """Load the task of a bundle, or its heads. Raises UserError if there is none, DataError naming file and key.

    source: its folder, or the folder of a run that contains it.
    """
    folder = find_bundle(Path(source))
    config, reader = read_config(folder / "config.json"), PartReader(folder, device)
    if "heads" in config:
        return Heads({name: _opened(folder, entry, reader) for name, entry in config["heads"].items()})
    return _opened(folder, config, reader)


def _opened(folder: Path, entry: dict[str, Any], reader: PartReader) -> Task:
    parts = reader.read(entry)
    with located(folder / "config.json"):
        return task_of(entry["task"]).from_config(entry, parts)


def _is_model(folder: Path) -> bool:
    """Return whether a folder is a bundle, a checkpoint, or a run that has a bundle or will have one."""
    return any((folder / name).is_file() for name in ("config.json", "bundle/config.json", "run.json"))


def find_bundle(folder: Path) -> Path:
    """Return the bundle in a folder: the folder itself, or `bundle` in a run folder. Raises UserError without one."""
    from lingon.checkpoints.style_networks import STYLE
    from lingon.data.corpora.encoders import ENCODERS
    from lingon.data.corpora.weights import WEIGHTS

    for candidate in (folder, folder / "bundle"):
        if (candidate / "config.json").is_file():
            return candidate
    if not folder.exists():
        beside = [p.name for p in folder.parent.iterdir() if _is_model(p)] if folder.parent.is_dir() else []
        hub = f" (a model of the hub is named hf:{folder})" if HUB_NAME.fullmatch(str(folder)) else ""
        paths = {name: str(folder.parent / name) for name in beside}
        near = suggest(folder.name, [*beside, *ENCODERS, *STYLE, *WEIGHTS], paths)
        raise UserError(f"there is no folder {str(folder)!r}{hub}; {near}")
    raise UserError(f"{str(folder)!r} holds no bundle (no config.json); `lingon recipes` lists what trains one")


def model_card(config: dict[str, Any], run: dict[str, Any]) -> str:
    """Return the model card of a bundle, from what its run recorded."""
    data, metrics = run.get("data", {}), run.get("test", {})
    arguments = run.get("arguments", {})
    facts = [
        f"- **Data**: {plain(data.get('name') or arguments.get('data') or 'unknown')}; "
        f"licence: {plain(data.get('licence', 'that of the data you gave'))}",
        *(f"- **{name}** on held-out texts: {format_metric(value)}" for name, value in metrics.items()),
        f"- **Seed**: {arguments.get('seed')}",
    ]
    about = _heads_card(config["heads"]) if "heads" in config else _task_card(config)
    lines = [about.title, "", f"{about.what} trained with Lingon {config['lingon']}.", "", *facts, *about.facts, ""]
    lines += ["```python", "import lingon", f'print(lingon.load("PATH OF THIS FOLDER"){about.code})', "```", ""]
    return "\n".join(lines)


def _task_card(entry: dict[str, Any]) -> Card:
    models = " and ".join(dict.fromkeys(module["model"] for module in modules_of(entry).values()))
    return task_of(entry["task"]).card(models, entry)


def _heads_card(heads: dict[str, dict[str, Any]]) -> Card:
    cards = {name: _task_card(entry) for name, entry in heads.items()}
    facts = [f"- **{plain(name)}**: {each.what}." for name, each in cards.items()]
    first = next(iter(cards))
    title = f"# {', '.join(map(plain, cards))}"
    return Card(title, "Tasks that share parts,", facts, f"[{first!r}]{cards[first].code}")
