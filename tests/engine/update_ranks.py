"""A training with a teacher for any number of processes: `torchrun ... -m tests.engine.update_ranks FILE`."""

import sys

import torch
from safetensors.torch import save_file
from torch import nn

from lingon.data.batches import Loader, Shuffled
from lingon.engine.distributed import distribute, process_group
from lingon.engine.fit import TrainConfig, fit
from lingon.engine.optimizers import sgd
from lingon.engine.world import world
from tests.engine.test_update import POINTS, Teacher


def taught():
    """The weights of student and teacher after seven steps of three batches."""
    torch.manual_seed(0)
    student = nn.Linear(5, 3)
    teacher, place = Teacher(student), world()
    batches = Loader({"x": POINTS}, Shuffled(53, 7, seed=3), place.rank, place.size)
    config = TrainConfig(steps=7, accumulation_steps=3, max_grad_norm=0.5)
    fit(distribute(student), batches, None, sgd(student, 0.1), config=config, update=teacher)
    return {"student": student.weight.detach(), "teacher": teacher.model.weight.detach()}


if __name__ == "__main__":
    torch.set_num_threads(1)
    with process_group(torch.device("cpu")) as place:
        found = taught()
        save_file(found, f"{sys.argv[1]}-{place.rank}")
