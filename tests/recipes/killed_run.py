"""Run the command line, and be killed at step number `argv[1]` of a training that saves after every step; 0: never."""

import os
import signal
import sys
from unittest.mock import patch

from lingon.cli.app import main
from lingon.engine.save_interval import SaveInterval
from lingon.engine.trainer import Trainer

at, arguments = int(sys.argv[1]), sys.argv[2:]
count = Trainer.count


def counted(self, found, batches):
    if self.state.step + 1 == at:
        os.kill(os.getpid(), signal.SIGKILL)
    return count(self, found, batches)


with patch.object(Trainer, "count", counted), patch.object(SaveInterval, "due", lambda self, *where: True):
    main(arguments)
