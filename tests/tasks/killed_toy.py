"""A training of the toy task that kills itself: `python -m tests.tasks.killed_toy CALL FLAGS`, at that loss."""

import os
import signal
import sys

from lingon.cli.app import app
from lingon.models.registry import MODELS, ModelRow
from lingon.tasks.registry import TASKS, task_of


def main(call: int, flags: list[str]) -> None:
    from tests.contracts.test_tasks import ROW

    TASKS["alike"] = ROW
    MODELS["toy_encoder"] = ModelRow("tests.tasks.toy_encoder", ("encoder",))
    MODELS["toy_head"] = ModelRow("tests.tasks.toy_head", ("encoder",))
    toy, seen = task_of("alike"), []
    loss = toy.loss

    def killed(self, model, batch):
        seen.append(1)
        if len(seen) == call:
            os.kill(os.getpid(), signal.SIGKILL)
        return loss(self, model, batch)

    toy.loss = killed
    app(flags, standalone_mode=False)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
