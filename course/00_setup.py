# %% [markdown]
# # 00. Setup
#
# **What can a computer with two cores compute in a minute, and how does this course work?**
#
# This lesson teaches nothing about neural networks. It shows how lessons and exercises work, checks your machine,
# measures its speed, and uses the measurements to answer the question that you will ask most often: how long will this
# take?
#
# ## How a lesson works
#
# A lesson is a list of **cells**: some contain text, some contain code. In JupyterLab, Shift+Enter runs the current
# cell and moves to the next one. Run the cells from top to bottom, because later cells use what earlier ones define.
# The file you have open is *your* copy. Change what you like; if it breaks beyond repair, open the lesson again in
# another folder.

# %%
import time

import matplotlib.pyplot as plt
import torch

from lingon.core.device import usable_cores
from lingon.doctor import examine
from lingon.learn import attempt
from lingon.learn.lessons import lessons

for lesson in lessons():
    print(lesson.number, lesson.title.ljust(28), lesson.question)

# %% [markdown]
# You need only a few commands, typed into a terminal:
#
# | command | what it does |
# |---|---|
# | `lingon learn list` | lists the lessons |
# | `lingon learn open 01` | makes your copy of lesson 01 and opens it |
# | `lingon learn check 01` | checks the exercises in your copy; `--hint 2` shows the second hint too |
# | `lingon learn check` | shows your progress in all lessons |
#
# ## Is your machine ready?
#
# `lingon doctor` checks everything that Lingon needs, and tells you how to fix what is wrong. It can also be called
# from Python:

# %%
examine()

# %% [markdown]
# ## How fast is it?
#
# Nearly all the work of a neural network is **matrix multiplication**: sums of products of numbers. So the first thing
# to know about a machine is how many **operations** it performs per second (FLOPs are floating point operations, FLOP/s
# are FLOPs per second). Multiplying two matrices [N, N] takes $2 N^3$ operations: $N$ multiplications and $N$ additions
# for each of the $N^2$ results. We measure three ways: three Python loops, the library on one core, and the library on
# all cores.
#
# Other programs on the machine can only make a run slower. So we run several times and keep the shortest time.


# %%
def seconds(work, repeats=5):
    """The shortest time of several runs."""
    times = []
    for _ in range(repeats):
        begun = time.perf_counter()
        work()
        times.append(time.perf_counter() - begun)
    return min(times)


def product_by_loops(A, B):
    """Lists of rows: [M, K] and [K, N] -> [M, N]."""
    result = [[0.0] * len(B[0]) for _ in A]
    for i in range(len(A)):
        for j in range(len(B[0])):
            for k in range(len(B)):
                result[i][j] += A[i][k] * B[k][j]
    return result


torch.manual_seed(0)
A, B = torch.rand(40, 30), torch.rand(30, 50)
assert torch.allclose(torch.tensor(product_by_loops(A.tolist(), B.tolist())), A @ B)

cores = usable_cores()
sizes = [8, 16, 32, 64, 128, 256, 512, 1024]
speeds = {}  # name -> operations per second, one for each size
for name, threads in (("one core", 1), ("all cores", cores)):
    torch.set_num_threads(threads)
    squares = [torch.rand(size, size) for size in sizes]
    speeds[name] = [2 * len(x) ** 3 / seconds(lambda x=x: x @ x) for x in squares]
few = [x.tolist() for x in squares[:4]]
speeds["Python loops"] = [2 * len(x) ** 3 / seconds(lambda x=x: product_by_loops(x, x), 2) for x in few]

figure, axis = plt.subplots(figsize=(7, 3.6), layout="constrained")
for name, found in speeds.items():
    axis.loglog(sizes[: len(found)], found, "o-", label=name)
axis.set_xticks(sizes, sizes)
axis.set(xlabel="size of the matrices", ylabel="operations per second", title="Matrix multiplication on this machine")
axis.legend()
plt.show()
fastest = max(max(found) for found in speeds.values())
assert speeds["one core"][0] < max(speeds["one core"]) / 5
assert max(speeds["Python loops"]) < fastest / 20
print(f"{cores} cores: {fastest / 1e9:.0f} billion operations per second")
print(f"the library does {fastest / max(speeds['Python loops']):,.0f} times as many as Python loops")
print(f"all cores do {max(speeds['all cores']) / max(speeds['one core']):.1f} times as many as one core")
torch.set_num_threads(cores if max(speeds["all cores"]) > max(speeds["one core"]) else 1)

# %% [markdown]
# The curves show how models should be built. Operations on small matrices are inefficient, because starting an
# operation takes as long as the operation itself. Processing many examples together, as a **batch**, makes the matrices
# large. A second core helps only if there is enough work for two. If the curve for all cores lies *below* the one for a
# single core, another program is using a core, and cores that work together wait for the slowest. Close the other
# program, or use one thread, as the last line of the cell has chosen for the rest of this lesson.
#
# ## The other limit: memory
#
# Adding 1 to each number of an array takes one operation per number, but each number must be read from memory and
# written back. A processor keeps a few million bytes close by, in its **cache**. Larger arrays must be fetched from the
# much slower main memory every time.

# %%
counts = [2**n for n in range(10, 25)]
rates = []
for count in counts:
    x, out = torch.rand(count), torch.empty(count)
    rates.append(2 * 4 * count / seconds(lambda x=x, out=out: torch.add(x, 1, out=out)))  # 4 bytes in, 4 bytes out

figure, axis = plt.subplots(figsize=(7, 3.2), layout="constrained")
axis.semilogx([8 * count / 2**20 for count in counts], [rate / 2**30 for rate in rates], "o-", color="tab:green")
axis.set(xlabel="MiB read and written", ylabel="GiB per second", title="Adding 1 to every number", ylim=(0, None))
plt.show()
print(
    f"{counts[-1]:,} numbers: {rates[-1] / 8 / 1e9:.1f} billion additions per second, "
    f"while matrix multiplication reaches {fastest / 1e9:.0f} billion operations per second"
)
assert rates[-1] < max(rates)
assert rates[-1] / 8 < fastest / 3

# %% [markdown]
# ## How long will it take?
#
# The numbers that training changes are a model's **weights**, or **parameters**. Training a layer with $W$ weights
# takes three matrix products per example: one to compute the result, two to compute the gradients (lesson 02 shows
# why). Each takes 2 FLOPs per weight, so
#
# $$\text{operations} \approx 6 \times \text{weights} \times \text{examples}.$$
#
# Does the formula hold on this machine? The points are measured: three products on a batch of 256. The line is the
# formula, with the highest speed measured above.

# %%
batch, weights, measured = 256, [], []
for width in (32, 64, 128, 256, 512, 1024):
    x, W, g = torch.rand(batch, width), torch.rand(width, width), torch.rand(batch, width)
    weights.append(width * width)
    measured.append(seconds(lambda x=x, W=W, g=g: (x @ W, g @ W.T, x.T @ g)))
formula = [6 * count * batch / fastest for count in weights]
off = [seconds_ / guess for seconds_, guess in zip(measured, formula, strict=True)]
print("measured time, divided by that of the formula:", [round(ratio, 1) for ratio in off])

figure, axis = plt.subplots(figsize=(7, 3.4), layout="constrained")
axis.loglog(weights, measured, "o", label="measured")
axis.loglog(weights, formula, color="black", label="6 x weights x examples / speed")
axis.set(xlabel="weights", ylabel="seconds for 256 examples", title="A training step")
axis.legend()
plt.show()

# %% [markdown]
# Where the points lie above the line, the batch or the layer is too small to keep the machine busy, or another program
# is using it. For large layers, on an otherwise idle machine, the formula is a good estimate: the last ratios printed
# are then not far from 1. So let us estimate the time of one pass over a million examples, and what far larger models
# would take here. (In texts, each **token** counts as an example: a word, or a piece of one. To **tokenize** a text is
# to split it into tokens.)


# %%
def words(duration):
    """Seconds in a readable unit."""
    for size, unit in ((31_557_600, "years"), (86_400, "days"), (3600, "hours"), (60, "minutes")):
        if duration >= size:
            return f"{duration / size:,.1f} {unit}"
    return f"{duration:.1f} seconds"


plans = {
    "digits, lesson 04": (1e5, 1e6),
    "film reviews, lesson 07": (1e6, 1e6),
    "a small language model": (1e7, 1e8),
    "GPT-2, as of 2019": (1.24e8, 1e10),
    "a large one today": (1e11, 1e13),
}
for name, (weight_count, examples) in plans.items():
    print(f"{name:26} {weight_count:14,.0f} weights {words(6 * weight_count * examples / fastest):>16}")

# %% [markdown]
# That is why this course trains small models on small data, and uses published vectors and models where large ones are
# needed. Whatever can be *understood* about large models, small ones show as well.
#
# ## Measure fairly
#
# The same work takes a different time in each run. Below is one matrix product, repeated many times. If you compare two
# programs by a single run of each, you mostly compare luck. Compare the shortest times, or better: run the two programs
# alternately, many times, and look at the ratios.

# %%
x = torch.rand(300, 300)
times = torch.tensor([seconds(lambda: x @ x, 1) * 1e6 for _ in range(400)])
figure, axis = plt.subplots(figsize=(7, 3), layout="constrained")
axis.hist(times.clamp(max=3 * times.median()).tolist(), bins=60, color="0.6")
axis.axvline(times.min(), color="tab:red", label=f"shortest: {times.min():.0f}")
axis.axvline(times.median(), color="tab:blue", label=f"median: {times.median():.0f}")
axis.set(xlabel="microseconds", ylabel="runs", title=f"The same work {len(times)} times; longest: {times.max():.0f}")
axis.legend()
plt.show()
assert times.min() < times.max()

# %% [markdown]
# ## Equal, and nearly equal
#
# A number in an array has about seven significant digits (float32). So the result of a sum depends on the order of its
# terms, and that order depends on the machine and the number of cores. Two correct results are therefore *close*, but
# not identical, and each check in this course tests for that: `torch.allclose`. Random numbers, on the other hand, can
# be reproduced exactly, with the **seed** of their generator.

# %%
big = torch.tensor(1e8)
print("1e8 + 1 - 1e8 =", (big + 1 - big).item(), " and 1e8 - 1e8 + 1 =", (big - big + 1).item())
A, B, v = torch.rand(300, 300), torch.rand(300, 300), torch.rand(300)
one, other = (A @ B) @ v, A @ (B @ v)
print(f"the same product in two orders: {(one == other).sum()} of {len(v)} results are identical")
assert torch.allclose(one, other)
assert not torch.equal(one, other)
assert (big + 1 - big, big - big + 1) == (0, 1)

torch.manual_seed(7)
once = torch.rand(3)
torch.manual_seed(7)
again = torch.rand(3)
assert torch.equal(once, again)
print("with the same seed:", once.tolist() == again.tolist())

# %% [markdown]
# ## Exercises
#
# Every lesson ends with three exercises. Replace `...` with your code, then run the cell and the one below it, which
# tells you whether your answer is right, what is wrong if it is not, and gives a first hint. Once you have saved your
# copy, `lingon learn check 00` checks all three exercises in it. An answer may use everything that the lesson built,
# and functions that you define in other cells.
#
# ### 00.1 Operations of a matrix product
#
# How many operations (multiplications plus additions, counted as above) does multiplying a matrix [M, K] by a matrix
# [K, N] take? Return the number.


# %%
def operations(m, k, n):
    # your turn
    ...


# %%
attempt(operations, "00")

# %% [markdown]
# ### 00.2 How many hours?
#
# A model with `weights` weights is trained for `passes` passes over `examples` examples, on a machine with `speed`
# operations per second. Return the number of hours that the formula predicts.


# %%
def hours(weights, examples, passes, speed):
    # your turn
    ...


# %%
attempt(hours, "00")

# %% [markdown]
# ### 00.3 Which of two is faster?
#
# Compare two programs fairly: run `first` and `second` alternately, `repeats` times each, and take the shortest time of
# each. Return the time of `second` divided by the time of `first`. `first`, `second` and `clock` are functions without
# arguments; `clock()` returns the current time in seconds.


# %%
def ratio(first, second, clock, repeats):
    # your turn
    ...


# %%
attempt(ratio, "00")

# %% [markdown]
# ## What to read next
#
# - Samuel Williams, Andrew Waterman and David Patterson, *Roofline: an insightful visual performance model*, 2009: the
#   two limits of this lesson, computation and memory, in one picture.
# - Jared Kaplan and others, *Scaling laws for neural language models*, 2020: where the factor 6 comes from.
# - The file `lingon/doctor.py`: what the doctor checks, line by line.
#
# Lesson 01 begins with the building block of all this: arrays.
