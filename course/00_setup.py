# %% [markdown]
# # 00. Setup
#
# **What can a computer with two cores do in a minute, and how do you learn with it?**
#
# This lesson teaches nothing about networks. It shows how lessons and exercises work, looks at your machine, measures
# it, and makes of the measurements an answer to the question that you will ask most often: how long is this going to
# take?
#
# ## How a lesson works
#
# A lesson is a list of **cells**: some to read, some to run. In JupyterLab, Shift+Enter runs the cell you are in and
# goes to the next. Run them from the top: what one cell defines, later ones use. What you have open is *your* copy.
# Change what you like; if it is broken beyond repair, open the lesson again in another folder.

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
# A few commands, typed into a terminal, are all you need:
#
# | command | what it does |
# |---|---|
# | `lingon learn list` | lists the lessons |
# | `lingon learn open 01` | makes your copy of lesson 01 and opens it |
# | `lingon learn check 01` | checks the exercises in your copy; `--hint 2` shows more of the way |
# | `lingon learn check` | tells how far you are with all lessons |
#
# ## Is the machine well?
#
# `lingon doctor` looks at everything that a run needs, and says what to do where something is wrong. It can be called
# from here too.

# %%
examine()

# %% [markdown]
# ## How fast is it?
#
# Nearly all the work of a network is **products of matrices**: sums of products of numbers. How many of these
# **operations** (FLOPs, floating point operations; FLOP/s a second) a machine does in a second is the first thing to
# know about it. A product of two matrices [N, N] takes $2 N^3$: for each of the $N^2$ results $N$ multiplications and
# $N$ additions. We measure three ways: three loops of Python, the library on one core, the library on all cores.
#
# A machine does other things besides, which can only make a run longer. So we run several times and keep the shortest.


# %%
def seconds(work, repeats=5):
    """The shortest time of several."""
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
speeds = {}  # name -> operations a second, one for each size
for name, threads in (("one core", 1), ("all cores", cores)):
    torch.set_num_threads(threads)
    squares = [torch.rand(size, size) for size in sizes]
    speeds[name] = [2 * len(x) ** 3 / seconds(lambda x=x: x @ x) for x in squares]
few = [x.tolist() for x in squares[:4]]
speeds["loops of Python"] = [2 * len(x) ** 3 / seconds(lambda x=x: product_by_loops(x, x), 2) for x in few]

figure, axis = plt.subplots(figsize=(7, 3.6), layout="constrained")
for name, found in speeds.items():
    axis.loglog(sizes[: len(found)], found, "o-", label=name)
axis.set_xticks(sizes, sizes)
axis.set(xlabel="size of the matrices", ylabel="operations a second", title="Products of matrices on this machine")
axis.legend()
plt.show()
fastest = max(max(found) for found in speeds.values())
assert speeds["one core"][0] < max(speeds["one core"]) / 5
assert max(speeds["loops of Python"]) < fastest / 20
print(f"{cores} cores: {fastest / 1e9:.0f} thousand million operations a second")
print(f"against loops of Python: {fastest / max(speeds['loops of Python']):,.0f} times as many")
print(f"all cores against one: {max(speeds['all cores']) / max(speeds['one core']):.1f} times as many")
torch.set_num_threads(cores if max(speeds["all cores"]) > max(speeds["one core"]) else 1)

# %% [markdown]
# The curves say how models should be built. Small matrices are slow: to begin costs as much as to do. Many examples
# together, a **batch**, make large ones. A second core helps only where there is enough for two to do. And if the curve
# of all cores lies *below* that of one, another program is using a core: two that work together wait for the slower
# one. Close the other program, or run with one thread, as the last line of the cell has chosen for what follows.
#
# ## The other limit: memory
#
# Adding 1 to each number is one operation per number, but each must come from memory and go back. A processor keeps a
# few million bytes close by, in its **cache**. What is larger must be fetched from far away, again each time.

# %%
counts = [2**n for n in range(10, 25)]
rates = []
for count in counts:
    x, out = torch.rand(count), torch.empty(count)
    rates.append(2 * 4 * count / seconds(lambda x=x, out=out: torch.add(x, 1, out=out)))  # 4 bytes in, 4 bytes out

figure, axis = plt.subplots(figsize=(7, 3.2), layout="constrained")
axis.semilogx([8 * count / 2**20 for count in counts], [rate / 2**30 for rate in rates], "o-", color="tab:green")
axis.set(
    xlabel="MiB that are read and written", ylabel="GiB a second", title="Adding 1 to every number", ylim=(0, None)
)
plt.show()
print(
    f"{counts[-1]:,} numbers: {rates[-1] / 8 / 1e9:.1f} thousand million additions a second, "
    f"while products reach {fastest / 1e9:.0f}"
)
assert rates[-1] < max(rates)
assert rates[-1] / 8 < fastest / 3

# %% [markdown]
# ## How long will it take?
#
# The numbers that training changes are a model's **weights**, or **parameters**. To train a layer with $W$ of them,
# each example costs three products: one on the way to the result, two on the way back (lesson 02 shows why). Each is 2
# FLOPs per weight, so
#
# $$\text{operations} \approx 6 \times \text{weights} \times \text{examples}.$$
#
# Does the formula hold here? The points are measured, three products on a batch of 256; the line is the formula with
# the best speed from above.

# %%
batch, weights, measured = 256, [], []
for width in (32, 64, 128, 256, 512, 1024):
    x, W, g = torch.rand(batch, width), torch.rand(width, width), torch.rand(batch, width)
    weights.append(width * width)
    measured.append(seconds(lambda x=x, W=W, g=g: (x @ W, g @ W.T, x.T @ g)))
formula = [6 * count * batch / fastest for count in weights]
off = [seconds_ / guess for seconds_, guess in zip(measured, formula, strict=True)]
print("measured, in times of the formula:", [round(ratio, 1) for ratio in off])

figure, axis = plt.subplots(figsize=(7, 3.4), layout="constrained")
axis.loglog(weights, measured, "o", label="measured")
axis.loglog(weights, formula, color="black", label="6 x weights x examples / speed")
axis.set(xlabel="weights", ylabel="seconds for 256 examples", title="A step of training")
axis.legend()
plt.show()

# %% [markdown]
# Where the points lie above the line, the batch or the layer is too small to keep the machine busy, or another program
# does. For large ones, on a machine of one's own, the formula is a good guess: the ratios printed last are then not far
# from 1. So let us guess: one pass over a million examples, and what far larger models would take here. (Of a text,
# each **token** counts as an example: a word, or a piece of one. To cut a text into tokens is to **tokenize** it.)


# %%
def words(duration):
    """Seconds in a unit that can be imagined."""
    for size, unit in ((31_557_600, "years"), (86_400, "days"), (3600, "hours"), (60, "minutes")):
        if duration >= size:
            return f"{duration / size:,.1f} {unit}"
    return f"{duration:.1f} seconds"


plans = {
    "digits, lesson 04": (1e5, 1e6),
    "film reviews, lesson 07": (1e6, 1e6),
    "a small language model": (1e7, 1e8),
    "GPT-2, as of 2019": (1.24e8, 1e10),
    "a large one of today": (1e11, 1e13),
}
for name, (weight_count, examples) in plans.items():
    print(f"{name:26} {weight_count:14,.0f} weights {words(6 * weight_count * examples / fastest):>16}")

# %% [markdown]
# That is why this course trains small models on small data, and takes the vectors and models that others have trained
# where large ones are needed. Whatever can be *understood* about large models, small ones show as well.
#
# ## Measure fairly
#
# The same work takes another time on each run. Below is one product, repeated. Whoever compares two programs by one
# run of each compares the luck of the two runs. Compare shortest with shortest, or better: run the two in turn, many
# times, and look at the ratios.

# %%
x = torch.rand(300, 300)
times = torch.tensor([seconds(lambda: x @ x, 1) * 1e6 for _ in range(400)])
figure, axis = plt.subplots(figsize=(7, 3), layout="constrained")
axis.hist(times.clamp(max=3 * times.median()).tolist(), bins=60, color="0.6")
axis.axvline(times.min(), color="tab:red", label=f"shortest: {times.min():.0f}")
axis.axvline(times.median(), color="tab:blue", label=f"in the middle: {times.median():.0f}")
axis.set(xlabel="microseconds", ylabel="runs", title=f"The same work {len(times)} times; longest: {times.max():.0f}")
axis.legend()
plt.show()
assert times.min() < times.max()

# %% [markdown]
# ## Equal, and nearly equal
#
# A number in an array has about seven digits (float32). So sums depend on the order in which they are taken, and that
# depends on the machine and the number of cores. Two right results are therefore *close*, not the same, and each check
# in this course asks for that: `torch.allclose`. What is random, on the other hand, can be had again exactly: by the
# **seed** from which it is drawn.

# %%
big = torch.tensor(1e8)
print("1e8 + 1 - 1e8 =", (big + 1 - big).item(), " and 1e8 - 1e8 + 1 =", (big - big + 1).item())
A, B, v = torch.rand(300, 300), torch.rand(300, 300), torch.rand(300)
one, other = (A @ B) @ v, A @ (B @ v)
print(f"the same product in two orders: {(one == other).sum()} of {len(v)} results are equal to the last digit")
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
# Every lesson ends with three. Write your lines in place of `...`, and run the cell and the one below it: it says
# whether your answer is right, what is wrong if not, and gives a first hint. `lingon learn check 00` checks all three
# in your copy, once you have saved it. An answer may use whatever the lesson built, and functions of yours in other
# cells.
#
# ### 00.1 Operations of a product
#
# How many operations, multiplications and additions together, does the product of a matrix [M, K] with a matrix
# [K, N] take, counted as above? Give back the number.


# %%
def operations(m, k, n):
    # your turn
    ...


# %%
attempt(operations, "00")

# %% [markdown]
# ### 00.2 How many hours?
#
# A model with so many `weights` is to go `passes` times over so many `examples`, on a machine with `speed` operations a
# second. Give back the hours that the formula expects.


# %%
def hours(weights, examples, passes, speed):
    # your turn
    ...


# %%
attempt(hours, "00")

# %% [markdown]
# ### 00.3 Which of two is faster?
#
# Measure two programs fairly: run `first` and `second` in turn, `repeats` times each, and take the shortest time of
# each. Give back how many times as long `second` takes as `first`. All three are functions that are called without
# arguments: `clock()` gives the time now, in seconds.


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
#   two limits of this lesson, operations and memory, in one picture.
# - Jared Kaplan and others, *Scaling laws for neural language models*, 2020: where the factor 6 comes from.
# - The file `lingon/doctor.py`: what is looked at, line by line.
#
# Lesson 01 begins with what all of this is made of: arrays.
