"""Maps the tensors of a checkpoint to our weights, after all names and shapes have been compared."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from torch import nn

from lingon.core.errors import DataError, unknown
from lingon.models.hub_weights import HubWeight

Shapes = Mapping[str, tuple[int, ...]]
OUTPUT = "lm_head.weight"


def plan_weights(
    folder: Path,
    config: Mapping[str, Any],
    model: nn.Module,
    wanted: Iterable[HubWeight],
    shapes: Shapes,
    no_weight: Callable[[str], bool],
) -> dict[str, HubWeight]:
    """Return our weights by name, each with the tensors that it is made from.

    wanted: with the names in the files. no_weight: tells whether a tensor is ignored, as the model does not use it.
    Raises DataError naming the tensor that is missing, of another shape, or unknown.
    """
    plan = {entry.ours: entry for entry in wanted}
    sizes, known = dict(model.named_parameters()), {}
    for entry in plan.values():
        for name, rows in zip(entry.theirs, entry.sizes, strict=True):
            shape = (rows, *sizes[entry.ours].shape[1:])
            known[name] = shape[::-1] if entry.transposed else shape
    for name, shape in known.items():
        if name not in shapes:
            way = "; if it is the embedding, set 'tie_word_embeddings' to true" if name == OUTPUT else ""
            raise DataError(f"{folder}: tensor {name!r} is missing; these weights do not match this configuration{way}")
        if shapes[name] != shape:
            keys = _keys_of(config, shapes[name], shape)
            raise DataError(
                f"{folder}: tensor {name!r} is {list(shapes[name])}, config.json expects {list(shape)}{keys}"
            )
    for name in shapes:
        if name not in known and not no_weight(name):
            raise DataError(f"{folder}: {unknown('tensor', name, known)}")
    return plan


def renamed(wanted: Iterable[HubWeight], rename: Callable[[str], str]) -> list[HubWeight]:
    """Return the same weights with the names in a checkpoint."""
    return [HubWeight(e.ours, tuple(map(rename, e.theirs)), e.sizes, e.transposed) for e in wanted]


def _keys_of(config: Mapping[str, Any], found: tuple[int, ...], wanted: tuple[int, ...]) -> str:
    """Return the configuration keys whose values are the sizes that do not match, for a message."""
    wrong = [b for a, b in zip(found, wanted, strict=False) if a != b]
    return "".join(f"; key {key!r} is {size}" for key, size in config.items() if type(size) is int and size in wrong)
