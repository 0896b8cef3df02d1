"""Memory that is freed is kept: the next array of that size takes no new pages. Who has chosen otherwise is heard."""

import os
import subprocess
import sys

import pytest

PROGRAM = """
import resource
import torch
from lingon.kernels.allocator import keep_freed_memory
kept = keep_freed_memory()
def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
torch.ones(10 << 20)
before = faults()
for _ in range(20):
    torch.ones(10 << 20)  # 40 MB, 10,240 pages
print(kept, (faults() - before) // 20)
"""


GIVEN_BACK = """
import torch
from lingon.kernels.allocator import give_back_freed_memory, keep_freed_memory
kept = keep_freed_memory()
def held():
    with open("/proc/self/statm") as file:
        return 4 * int(file.read().split()[1]) // 1024  # MB
arrays = [torch.ones(1 << 20) for _ in range(64)]  # 256 MB
arrays.clear()
before = held()
print(kept and give_back_freed_memory(), before - held())
"""


def run(program=PROGRAM, **environment):
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=os.environ | environment
    )
    kept, faults = done.stdout.split()
    return kept == "True", int(faults)


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc can be asked")
def test_arrays_of_the_next_step_take_the_pages_of_the_last():
    kept, faults = run()
    if not kept:
        pytest.skip("another C library than glibc")
    assert faults < 5000
    assert run(MALLOC_TRIM_THRESHOLD_="131072")[0] is False


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc can be asked")
def test_what_was_kept_is_given_back():
    asked, megabytes = run(GIVEN_BACK)
    if not asked:
        pytest.skip("another C library than glibc")
    assert megabytes > 200
    assert run(GIVEN_BACK, MALLOC_TRIM_THRESHOLD_="131072")[0] is False


@pytest.mark.skipif(sys.platform == "linux", reason="glibc can be asked")
def test_elsewhere_nothing_is_asked():
    assert run()[0] is False
