"""Reads and writes the safetensors files of a checkpoint folder; everything read is checked first."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open

from lingon.core.errors import DataError
from lingon.core.files import read_json, write_json
from lingon.core.shapes import Tensor
from lingon.core.tensors import save_tensors, shapes_in
from lingon.models.hub_weights import HubWeight

INDEX = "model.safetensors.index.json"
WHOLE = "model.safetensors"


def weight_files(folder: Path) -> list[str]:
    """Return the files with weights. Raises DataError if the index names a missing file or one outside the folder."""
    if (folder / WHOLE).is_file():
        return [WHOLE]
    if not (folder / INDEX).is_file():
        others = sorted(p.name for p in folder.glob("*.bin"))
        why = f"; {others[0]} is a pickle, which Lingon does not read: convert it to safetensors" if others else ""
        raise DataError(f"{folder}: no {WHOLE} and no {INDEX}{why}")
    index = read_json(folder / INDEX)
    named = index.get("weight_map") if isinstance(index, dict) else None
    if not isinstance(named, dict) or not named or not all(isinstance(n, str) for n in named.values()):
        raise DataError(f"{folder / INDEX}: no 'weight_map' that gives each tensor its file")
    files = sorted(set(named.values()))
    for name in files:
        if not re.fullmatch(r"[\w-]+(\.[\w-]+)*\.safetensors", name):
            raise DataError(f"{folder / INDEX}: {name[:80]!r} is not the name of a safetensors file of this folder")
        if not (folder / name).is_file():
            raise DataError(f"{folder}: {name} is missing, one of {len(files)} files that {INDEX} names")
    return files


def weight_shapes(folder: Path, files: list[str]) -> dict[str, tuple[int, ...]]:
    """Return names and shapes of all tensors. Raises DataError if a name is in two files."""
    shapes: dict[str, tuple[int, ...]] = {}
    for name in files:
        found = shapes_in(folder / name)
        if twice := shapes.keys() & found.keys():
            raise DataError(f"{folder / name}: tensor {min(twice)!r} is in another file too")
        shapes |= found
    return shapes


def read_weights(
    folder: Path, files: list[str], plan: Mapping[str, HubWeight], dtype: torch.dtype
) -> Iterator[tuple[str, Tensor]]:
    """Yield our tensors, one at a time, so that only one is in memory twice."""
    try:
        place = _places(folder, files)
        for ours, entry in plan.items():
            parts = [_checked(folder, name, place[name].get_tensor(name)) for name in entry.theirs]
            parts = [part.T if entry.transposed else part for part in parts]
            whole = torch.cat(parts) if len(parts) > 1 else parts[0]
            # Training must not change memory-mapped data of a file, so it is copied.
            yield (
                ours,
                whole.to(dtype).contiguous()
                if whole.dtype != dtype
                else whole.clone(memory_format=torch.contiguous_format),
            )
    except (SafetensorError, OSError, ValueError, RuntimeError) as error:
        raise _broken(folder, error) from None


def same_weights(folder: Path, files: list[str], one: str, other: str) -> bool:
    """Return whether two tensors have the same values."""
    try:
        place = _places(folder, files)
        first, second = (place[name].get_tensor(name) for name in (one, other))
        return first.dtype == second.dtype and torch.equal(first, second)
    except (SafetensorError, OSError, ValueError, RuntimeError) as error:
        raise _broken(folder, error) from None


def write_weights(folder: Path, tensors: Mapping[str, Tensor], most: int) -> None:
    """Write one file, or several of at most `most` bytes with an index; a larger tensor has its own file."""
    groups = _grouped(tensors, most)
    if len(groups) == 1:
        save_tensors(folder / WHOLE, groups[0])
    else:
        _write_shards(folder, groups)


def _places(folder: Path, files: list[str]) -> dict[str, safe_open]:
    """Return the opened file of each tensor."""
    place: dict[str, safe_open] = {}
    for file in files:
        opened = safe_open(folder / file, framework="pt")
        place |= dict.fromkeys(opened.keys(), opened)
    return place


def _broken(folder: Path, error: Exception) -> DataError:
    return error if isinstance(error, DataError) else DataError(f"{folder}: not complete safetensors files ({error})")


def _checked(folder: Path, name: str, tensor: Tensor) -> Tensor:
    if not tensor.is_floating_point() or tensor.dtype.itemsize < 2:
        kind = str(tensor.dtype).removeprefix("torch.")
        raise DataError(f"{folder}: tensor {name!r} is of {kind}; weights of float32, bfloat16 or float16 are read")
    if not tensor.isfinite().all():
        raise DataError(f"{folder}: tensor {name!r} holds NaN or infinite numbers")
    return tensor


def _grouped(tensors: Mapping[str, Tensor], most: int) -> list[dict[str, Tensor]]:
    groups: list[dict[str, Tensor]] = [{}]
    used = 0
    for name, tensor in tensors.items():
        size = tensor.numel() * tensor.dtype.itemsize
        if groups[-1] and used + size > most:
            groups.append({})
            used = 0
        groups[-1][name] = tensor
        used += size
    return groups


def _write_shards(folder: Path, groups: list[dict[str, Tensor]]) -> None:
    named: dict[str, str] = {}
    for number, group in enumerate(groups, 1):
        file = f"model-{number:05}-of-{len(groups):05}.safetensors"
        save_tensors(folder / file, group)
        named |= dict.fromkeys(group, file)
    total = sum(t.numel() * t.dtype.itemsize for group in groups for t in group.values())
    write_json(folder / INDEX, {"metadata": {"total_size": total}, "weight_map": named})
