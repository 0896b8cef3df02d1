"""The loss of an image generator, and the step of one that trains its parts in turns, such as a GAN."""

from functools import partial
from typing import Any

from torch import nn

from lingon.core.shapes import Float, Int, Tensor
from lingon.data.batches import Batch
from lingon.engine.loss import Loss
from lingon.engine.step import MicroBatches, StepResult, step
from lingon.engine.trainer import Trainer

BETAS = (0.5, 0.999)  # of Adam, where two parts learn from each other (Radford et al. 2015, section 4)


class SynthesisObjective(nn.Module):
    """A generator with its loss as one module, so that what wraps it sees the whole step."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self.model: Any = model

    def forward(
        self, images: Float[Tensor, "B C H W"], labels: Int[Tensor, " B"], draws: dict[str, Tensor], **turn: str
    ) -> dict[str, Float[Tensor, ""]]:
        """Return the sums of the model's losses over images, by name."""
        return {name: each.sum() for name, each in self.model(images, labels, **draws, **turn).items()}


def synthesis_loss(objective: nn.Module, batch: Batch, **turn: str) -> Loss:
    """Return the loss of a batch of images, over their number. turn: of a model that trains in turns, which part."""
    draws = {name: tensor for name, tensor in batch.items() if name not in ("images", "labels")}
    found = objective(batch.images, batch.labels, draws, **turn)
    return Loss(found.pop("loss"), len(batch.images), logs={name: float(each.detach()) for name, each in found.items()})


class InTurns:
    """One step of each part of a model in turn, each by its own loss, of one batch; the last turn's loss is shown.

    model: `turns` are its parts in their order, `part` gives each. The optimizer holds the weights of all: those of the
    other parts have no gradient in a turn, and stay. So all that a checkpoint needs is in the optimizer's state.
    """

    def __init__(self, model: Any):
        self.model = model

    def __call__(self, trainer: Trainer, group: MicroBatches, loss_fn: Any) -> StepResult:
        """Update the weights of every part once; see `lingon.engine.step.step`."""
        for weights in trainer.optimizer.param_groups:
            if "betas" in weights:
                weights["betas"] = BETAS
        found: dict[str, StepResult] = {}
        try:
            for turn in self.model.turns:
                self._only(turn)
                found[turn] = step(trainer, group, partial(loss_fn, turn=turn))
        finally:
            self.model.requires_grad_(True)
        *others, last = found
        logs = {f"{turn}_loss": found[turn].loss * found[last].count for turn in others}
        return found[last]._replace(logs=logs)

    def _only(self, turn: str) -> None:
        self.model.requires_grad_(False)
        self.model.part(turn).requires_grad_(True)
