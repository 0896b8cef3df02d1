"""What a training starts from: a task that was loaded, with its weights, and how to tell these from others."""

from collections.abc import Callable
from typing import Any

from torch import nn

from lingon.core.errors import UserError
from lingon.core.tensors import tensors_sha256
from lingon.models.hub_families import is_encoder
from lingon.models.registry import MODELS, build, name_of
from lingon.tasks.registry import row_of


class Pretrained:
    """A loaded task to start from. name: as --from has it. open: loads it anew."""

    def __init__(self, name: str, open: Callable[[], Any]):
        self.name, self._open = name, open
        self.task = open()
        self.sha256 = weights_sha256(self.task)
        self._fresh = True

    def take(self) -> Any:
        """Return the task for a training, which changes its weights; the next call gives one that is loaded anew."""
        if not self._fresh:
            self.task = self._open()
        self._fresh = False
        return self.task

    def error(self, expected: str) -> UserError:
        """Return what to say of weights that a task cannot start from."""
        return UserError(f"--from {self.name} is {row_of(self.task.name).a_noun}; expected {expected}")


def weights_sha256(task: Any) -> str:
    """Return the sha256 of all weights of a task, by their names: the same wherever they were loaded from."""
    modules = {part: module for part, module in task.parts.items() if isinstance(module, nn.Module)}
    tensors = {f"{part}.{name}": t for part, module in modules.items() for name, t in module.state_dict().items()}
    return tensors_sha256(tensors)


def model_name(model: nn.Module) -> str:
    """Return the name of a model in the registry, whose entry suits it: of its file. Raises UserError for others."""
    for name, row in MODELS.items():
        if row.module == type(model).__module__:
            return name
    raise UserError(f"{type(model).__name__} is not a model of the registry")


def rebuilt(model: Any, **changes: Any) -> tuple[nn.Module, list[str]]:
    """Return a model like this one with other options, and the names of its fresh weights; the others are the same.

    changes: options of its configuration. A weight is fresh where the new options give it another shape, or where a
    number of classes is among them: weights whose shape depends on it are a head, and are of other classes.
    """
    name, config = name_of(model), {**model.config(), **changes}
    fresh = build(name, config)
    wanted, own = fresh.state_dict(), model.state_dict()
    head = {key for key, tensor in wanted.items() if key not in own or own[key].shape != tensor.shape}
    if "classes" in changes:
        other = build(name, config | {"classes": changes["classes"] + 1}).state_dict()
        head |= {key for key, tensor in wanted.items() if other[key].shape != tensor.shape}
    fresh.load_state_dict({key: wanted[key] if key in head else own[key] for key in wanted})
    return fresh, sorted(head)


def encoder_in(task: Any) -> Any:
    """Return the encoder of a loaded task whose vectors depend on their text: its model, or what its head stands on.

    None where there is none, as in a language model or a table of vectors.
    """
    model = task.parts.get("model")
    inner = getattr(model, "encoder", model)
    if not isinstance(inner, nn.Module) or not hasattr(inner, "blocks"):
        return None
    return inner if is_encoder(name_of(inner)) else None
