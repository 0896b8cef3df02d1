"""How often a run is saved."""

from dataclasses import dataclass

SAVING_FRACTION = 0.1  # of the time, at most, may go into checkpoints that are not asked for by steps


@dataclass(frozen=True)
class SaveInterval:
    """Interval at which a run is saved: steps, seconds, and the edge of epochs. None: not for that.

    Where epochs are so short that to save each would take over a tenth of the time, some edges are passed over.
    """

    steps: int | None = None
    seconds: float | None = 60.0
    epochs: bool = True

    def due(self, step: int, edge: bool, since: float, saving: float) -> bool:
        """Return whether to save after `step` steps.

        edge: at the end of an epoch. since: seconds after the last checkpoint. saving: seconds that it took.
        """
        if edge:
            return self.epochs and since >= saving / SAVING_FRACTION
        if self.steps and step % self.steps == 0:
            return True
        return self.seconds is not None and since >= max(self.seconds, saving / SAVING_FRACTION)
