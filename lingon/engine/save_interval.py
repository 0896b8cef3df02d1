"""How often a run is saved."""

from dataclasses import dataclass

SAVING_FRACTION = 0.1  # of the time, at most, may go into timed checkpoints


@dataclass(frozen=True)
class SaveInterval:
    """How often a run is saved: after so many steps, so many seconds, and at the edge of epochs. None: not for that."""

    steps: int | None = None
    seconds: float | None = 60.0
    epochs: bool = True

    def due(self, step: int, edge: bool, since: float, saving: float) -> bool:
        """Return whether to save after `step` steps.

        edge: at the end of an epoch. since: seconds after the last checkpoint. saving: seconds that it took.
        """
        if edge:
            return self.epochs
        if self.steps and step % self.steps == 0:
            return True
        return self.seconds is not None and since >= max(self.seconds, saving / SAVING_FRACTION)
