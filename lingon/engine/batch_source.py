"""Sources of batches for `fit`: a loader, which resumes at any batch, or any iterable, which resumes by epoch."""

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import torch

from lingon.core.errors import UserError


class BatchSource(Protocol):
    """Batches whose position can be saved and resumed, such as `lingon.data.batches.Loader`.

    Iteration yields the remaining batches of the current epoch; a state counts every batch yielded so far.
    """

    epoch: int

    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[Any]: ...
    def set_epoch(self, epoch: int) -> None: ...
    def state_dict(self) -> dict: ...
    def load_state_dict(self, state: dict) -> None: ...


class ByEpoch:
    """A `torch.utils.data.DataLoader`, a list of batches or the like, which resumes only between epochs.

    Its order depends on PyTorch's random generator, or on the DataLoader's own: both are part of a checkpoint. With
    several processes it must yield different rows in each, as a DataLoader with a DistributedSampler does.
    """

    def __init__(self, batches: Any):
        self.batches, self.epoch, self.position = batches, 0, 0

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[Any]:
        """Yield all batches of the epoch; none if a resumed run had already used them all."""
        if self.position >= len(self):
            return
        for batch in self.batches:
            self.position += 1
            yield batch

    def set_epoch(self, epoch: int) -> None:
        """Go to the start of an epoch, and set the epoch of distributed samplers."""
        if epoch == self.epoch:
            return
        self.epoch, self.position = epoch, 0
        self._tell_epoch()

    def state_dict(self) -> dict[str, Any]:
        """Return the epoch, the number of its batches used, and the state of the DataLoader's own generator."""
        own = getattr(self.batches, "generator", None)
        return {"epoch": self.epoch, "position": self.position, "generator": None if own is None else own.get_state()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go to the start of the epoch of `state_dict`, or to its end if that had been reached."""
        if set(state) != {"epoch", "position", "generator"}:
            raise UserError(f"not a state of batches that resume by epoch: {str(state)[:80]}")
        self.epoch = state["epoch"]
        self.position = state["position"] if state["position"] >= len(self) else 0
        own = getattr(self.batches, "generator", None)
        if own is not None and state["generator"] is not None:
            own.set_state(state["generator"])
        self._tell_epoch()

    def _tell_epoch(self) -> None:
        samplers = (getattr(self.batches, name, None) for name in ("sampler", "batch_sampler"))
        for part in (self.batches, *samplers):
            if hasattr(part, "set_epoch"):
                part.set_epoch(self.epoch)


def as_source(batches: Any) -> BatchSource:
    """Return batches as a `BatchSource`. Raises UserError for what cannot be iterated once per epoch."""
    if all(hasattr(batches, name) for name in ("epoch", "set_epoch", "__iter__", "__len__")):
        return batches
    kind = type(batches).__name__
    if isinstance(batches, torch.utils.data.Dataset) and not isinstance(batches, torch.utils.data.IterableDataset):
        raise UserError(f"fit takes batches, not a {kind} of examples; wrap it in a torch.utils.data.DataLoader")
    if hasattr(batches, "__next__"):
        raise UserError(f"a {kind} can be iterated only once, but every epoch needs all batches; give a list of them")
    if not hasattr(batches, "__iter__") or isinstance(batches, Mapping | str | bytes | torch.Tensor):
        raise UserError(
            f"fit takes a lingon.data.batches.Loader, a torch.utils.data.DataLoader or a list of batches, not {kind}"
        )
    try:
        len(batches)
    except TypeError:
        raise UserError(f"a {kind} without a length: fit must know how many batches an epoch has") from None
    return ByEpoch(batches)
