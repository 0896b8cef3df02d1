"""How often a checkpoint of a run is saved."""

from dataclasses import dataclass

SAVING_FRACTION = 0.1  # maximum fraction of the time for checkpoints, except those requested by `steps`


@dataclass(frozen=True)
class SaveInterval:
    """When a checkpoint is saved: every `steps` steps, every `seconds` seconds (None: not), and after each epoch.

    If saving after each epoch would take over a tenth of the time, some epochs are skipped.
    """

    steps: int | None = None
    seconds: float | None = 60.0
    epochs: bool = True

    def due(self, step: int, edge: bool, since: float, saving: float) -> bool:
        """Return whether to save after `step` steps.

        edge: at the end of an epoch. since: seconds since the last checkpoint. saving: seconds that writing it took.
        """
        if edge:
            return self.epochs and since >= saving / SAVING_FRACTION
        if self.steps and step % self.steps == 0:
            return True
        return self.seconds is not None and since >= max(self.seconds, saving / SAVING_FRACTION)
