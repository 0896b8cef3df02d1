"""A training with a teacher for any number of processes: `torchrun ... -m tests.engine.update_ranks FILE`."""

import sys

import torch
from safetensors.torch import save_file
from torch import nn

from lingon.data.batches import Loader, Shuffled
from lingon.engine.distributed import joined, spread
from lingon.engine.fit import Plan, fit
from lingon.engine.optimizers import sgd
from lingon.engine.world import world
from tests.engine.test_update import POINTS, Teacher


def taught():
    """The weights of student and teacher after seven steps of three batches."""
    torch.manual_seed(0)
    student = nn.Linear(5, 3)
    teacher, place = Teacher(student), world()
    batches = Loader({"x": POINTS}, Shuffled(53, 7, seed=3), place.rank, place.size)
    plan = Plan(steps=7, accumulate=3, clip=0.5)
    fit(spread(student), batches, None, sgd(student, 0.1), plan=plan, update=teacher)
    return {"student": student.weight.detach(), "teacher": teacher.model.weight.detach()}


if __name__ == "__main__":
    torch.set_num_threads(1)
    with joined(torch.device("cpu")) as place:
        found = taught()
        save_file(found, f"{sys.argv[1]}-{place.rank}")
