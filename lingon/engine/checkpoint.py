"""Checkpoints: the whole state of a training run, written atomically to a folder.

A checkpoint is a folder `checkpoints/000000120` (the step): safetensors files for tensors, `state.json` for everything
else, and `manifest.json` with the size and sha256 of each file. It is written under a temporary name, flushed to
the disk, and renamed. The newest one that matches its manifest is loaded.
"""

import math
import shutil
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError

from lingon.core.errors import DataError, RunError, UserError
from lingon.core.files import atomic_folder, read_json, remove_leftovers, sha256_of, sync_folder, write_json
from lingon.core.tensors import load_arrays, load_tensors
from lingon.engine.out_of_memory import is_memory
from lingon.engine.world import world

FORMAT = 2
KEPT = 2  # checkpoints; an older one is there in case a disk damages the newest
StateTree = dict[str, Any]


def save_checkpoint(folder: Path, step: int, parts: dict[str, StateTree]) -> Path:
    """Write a checkpoint of named parts, each a tree of dicts, lists, numbers, texts and tensors.

    All but the newest KEPT checkpoints are removed afterwards. Raises RunError when the disk is full or cannot be
    written to; the older checkpoints are then untouched.
    """
    folder = Path(folder)
    path = folder / f"{step:09d}"
    try:
        with atomic_folder(path) as fresh:
            _write(fresh, step, parts)
            sync_folder(fresh)
    except (OSError, SafetensorError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        there = f"the last intact one is {old.name}" if (old := newest(folder)) else "there is no older one"
        raise RunError(
            f"checkpoint {path} could not be written ({reason}); {there}. Free some space and resume"
        ) from error
    for old in steps_in(folder)[:-KEPT]:
        shutil.rmtree(old, ignore_errors=True)
    return path


def load_checkpoint(
    folder: Path, use: Callable[[dict[str, StateTree]], None] | None = None
) -> dict[str, StateTree] | None:
    """Return the parts of the newest intact checkpoint; None when none was ever written.

    use: loads the parts; a checkpoint on which it fails counts as damaged. A warning is given if the newest is
    damaged. Raises DataError when there are checkpoints but all are damaged; a UserError raised by `use` is passed on.
    """
    problems = []
    for path in reversed(steps_in(Path(folder))):
        try:
            parts = _read(path)
            if use is not None:
                use(parts)
        except DataError as error:
            problems.append(str(error))
        except UserError:
            raise
        except (LookupError, TypeError, ValueError, AttributeError, RuntimeError) as error:
            if is_memory(error):
                raise
            # The sha256 match, so that the files were edited by hand, not damaged on the disk.
            problems.append(f"{path}: not a state of this training ({type(error).__name__}: {str(error)[:80]})")
        else:
            if problems and world().rank == 0:
                warnings.warn(f"{problems[0]}; falling back to the checkpoint {path.name}", stacklevel=2)
            return parts
    if problems:
        raise DataError(f"no checkpoint is intact: {problems[0]}; start again with overwrite")
    return None


def newest(folder: Path) -> Path | None:
    """Return the newest checkpoint, by its name."""
    return steps[-1] if (steps := steps_in(folder)) else None


def steps_in(folder: Path) -> list[Path]:
    """Return the checkpoints of a folder, oldest first."""
    return sorted(p for p in Path(folder).glob("[0-9]*") if p.name.isdigit() and p.is_dir())


def tidy(folder: Path) -> None:
    """Remove temporary files left by killed processes. Call it only while holding the run's lock."""
    remove_leftovers(folder)


def _write(folder: Path, step: int, parts: dict[str, StateTree]) -> None:
    state, files = {}, {}
    for name, tree in parts.items():
        arrays: dict[str, Any] = {}
        state[name] = _plain(tree, "", arrays)
        if arrays:
            write_arrays(folder / f"{name}.safetensors", arrays)
            files[f"{name}.safetensors"] = folder / f"{name}.safetensors"
    write_json(folder / "state.json", state)
    files["state.json"] = folder / "state.json"
    listed = {name: {"bytes": path.stat().st_size, "sha256": sha256_of(path)} for name, path in files.items()}
    write_json(folder / "manifest.json", {"format": FORMAT, "step": step, "files": listed})


def _read(path: Path) -> dict[str, StateTree]:
    manifest = read_json(path / "manifest.json")
    files = manifest.get("files") if isinstance(manifest, dict) and manifest.get("format") == FORMAT else None
    if not isinstance(files, dict) or "state.json" not in files:
        raise DataError(f"{path / 'manifest.json'}: not a manifest of format {FORMAT}, which this Lingon reads")
    for name, said in files.items():
        file = path / Path(name).name
        if not file.is_file() or {"bytes": file.stat().st_size, "sha256": sha256_of(file)} != said:
            raise DataError(f"{file}: damaged, its size or sha256 is not what the manifest says")
    parts = {}
    for name, tree in read_json(path / "state.json").items():
        file = path / f"{name}.safetensors"
        read = load_tensors if _holds_tensor(tree) else load_arrays
        parts[name] = _joined(tree, read(file) if file.name in files else {})
    return parts


def write_arrays(path: Path, arrays: dict[str, Any]) -> None:
    """Write arrays as safetensors: through NumPy, or through torch, which is imported already, if there are tensors."""
    if not any(map(_is_tensor, arrays.values())):
        from safetensors.numpy import save_file as save_numpy

        save_numpy(arrays, path)
        return
    import torch
    from safetensors.torch import save_file as save_torch

    tensors, held = {}, set()
    for name, array in arrays.items():
        tensor = torch.as_tensor(array).detach().cpu().contiguous()
        place = tensor.untyped_storage().data_ptr()
        # Safetensors refuses tensors that share memory, as tied weights do.
        tensors[name] = tensor.clone() if place in held else tensor
        held.add(place)
    save_torch(tensors, path)


def _is_tensor(value: Any) -> bool:
    torch = sys.modules.get("torch")  # while torch is not imported, nothing is a tensor
    return torch is not None and isinstance(value, torch.Tensor)


def _plain(value: Any, path: str, arrays: dict[str, Any]) -> Any:
    """Return a tree as JSON; arrays and tensors are put into `arrays` under their path, and the path into the tree."""
    if (is_array := isinstance(value, np.ndarray)) or _is_tensor(value):
        assert path not in arrays, path
        arrays[path] = np.asarray(value, order="C") if is_array else value
        return {"array" if is_array else "tensor": path}

    def inner(key: Any, item: Any) -> Any:
        return _plain(item, f"{path}.{key}" if path else str(key), arrays)

    if isinstance(value, dict):
        # As pairs, because the keys of an optimizer's state are integers, which JSON would turn into strings.
        return {"dict": [[key, inner(key, item)] for key, item in value.items()]}
    if isinstance(value, tuple):
        return {"tuple": [inner(i, item) for i, item in enumerate(value)]}
    if isinstance(value, list):
        return [inner(i, item) for i, item in enumerate(value)]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": repr(value)}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"{path} is {type(value).__name__}; a state holds numbers, texts, lists, dicts and tensors")


def _holds_tensor(value: Any) -> bool:
    """Return whether a tree returned by `_plain` contains tensors."""
    if isinstance(value, dict):
        return "tensor" in value or any(map(_holds_tensor, value.values()))
    return isinstance(value, list) and any(map(_holds_tensor, value))


def _joined(value: Any, arrays: dict[str, Any]) -> Any:
    """Return the tree that `_plain` converted."""
    if isinstance(value, list):
        return [_joined(item, arrays) for item in value]
    if not isinstance(value, dict):
        return value
    ((kind, held),) = value.items()
    match kind:
        case "tensor":
            return arrays[held]
        case "array":
            return np.asarray(arrays[held])
        case "dict":
            return {key: _joined(item, arrays) for key, item in held}
        case "tuple":
            return tuple(_joined(item, arrays) for item in held)
        case "float":
            return float(held)
    raise DataError(f"state.json: unknown kind of value {kind!r}")
