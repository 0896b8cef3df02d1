"""The parts of a checkpoint from a trainer, and back: weights, optimizer, batches, counts and random states."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lingon.core.errors import DataError, UserError
from lingon.core.shapes import Tensor
from lingon.engine import distributed
from lingon.engine import fsdp as sharding
from lingon.engine.batch_source import ByEpoch
from lingon.engine.rng_state import random_state, set_random_state

if TYPE_CHECKING:
    from lingon.engine.trainer import Trainer


def checkpoint_parts(trainer: "Trainer") -> dict[str, Any]:
    """Return the parts of a checkpoint of a trainer, by name. All processes must call it."""
    own = random_state(trainer.device)
    parts = {
        "model": sharding.full_tensors(trainer.still.left_out(trainer.unwrapped.state_dict())),
        "still": trainer.still.state_dict(),
        "optimizer": sharding.full_tensors(trainer.optimizer.state_dict()),
        "batches": trainer.batches.state_dict(),
        "state": asdict(trainer.state),
        "carry": {"rows": distributed.gather_rows(trainer.carry)},
        "scaler": trainer.scaler.state_dict(),
        "random": {name: distributed.all_gather(tensor) for name, tensor in own.items()},
    }
    if trainer.average:
        parts["average"] = sharding.full_tensors(trainer.average.state_dict())
    if hasattr(trainer.update, "state_dict"):
        parts["update"] = sharding.full_tensors(trainer.update.state_dict())
    return parts


def load_checkpoint_parts(trainer: "Trainer", parts: dict[str, Any]) -> None:
    """Load the parts of a checkpoint into a trainer.

    The file of the best weights is checked now: at the end it would be too late. Raises DataError for tensors of
    another model, and UserError for a checkpoint of another `update`.
    """
    run, state = trainer.run, trainer.state
    assert run is not None
    state.load(parts["state"])
    if state.best_file:
        run.check_best(state.best_file)
    trainer.still.load_state_dict(parts.get("still", {}))  # older checkpoints have all weights
    weights = trainer.still.filled_in(parts["model"])
    _check_same_shapes(weights, trainer.unwrapped.state_dict(), run.checkpoints)
    sharding.load_weights(trainer.unwrapped, weights)
    sharding.load_optimizer(trainer.optimizer, parts["optimizer"])
    trainer.batches.load_state_dict(parts["batches"])
    if isinstance(trainer.batches, ByEpoch):  # these cannot resume inside an epoch: it starts again
        state.batch = trainer.batches.position
    _load_update(trainer.update, parts.get("update"))
    trainer.scaler.load_state_dict(parts["scaler"])
    if trainer.average:
        trainer.average.load_state_dict(parts["average"])
    trainer.carry = distributed.scatter_rows(parts["carry"]["rows"], trainer.device)
    states = parts["random"]
    if trainer.place.rank < len(states["torch"]):
        set_random_state({name: each[trainer.place.rank] for name, each in states.items()}, trainer.device)


def _load_update(update: Any, state: Any) -> None:  # update: a function, or an object that is called like one
    keeps = hasattr(update, "state_dict")
    if keeps != (state is not None):
        ways = "keeps a state" if keeps else "keeps none"
        raise UserError(f"the saved run has another update: the one given now {ways}; resume with the same update")
    if keeps:
        update.load_state_dict(state)


def _check_same_shapes(found: dict[str, Tensor], wanted: dict[str, Tensor], where: Path) -> None:
    for name in [*wanted, *found]:
        if name not in found or name not in wanted:
            there = "is missing" if name not in found else "is not part of this model"
            raise DataError(f"{where}: tensor {name!r} {there}; the checkpoint belongs to another model")
        if found[name].shape != wanted[name].shape:
            raise DataError(
                f"{where}: tensor {name!r} is {[*found[name].shape]}, the model expects {[*wanted[name].shape]}"
            )
