# %% [markdown]
# # 01. Arrays
#
# **How can one line of Python do what a loop over a hundred thousand numbers does, many times faster?**
#
# Texts, pictures and the weights of a network are all the same thing to a computer: many numbers of one kind, side by
# side in memory, and a note that says how to walk through them. That is an **array**. Whoever sees both, the numbers
# and the note, can read every model in this course.
#
# We use `lingon.scratch`, arrays made of NumPy and small enough to read. Its names and rules are those of PyTorch, so
# we import it under that name. Replace that one line by `import torch` and every cell runs as before, the checks of the
# exercises too; only random numbers and the words of errors are others.

# %%
import time

import matplotlib.pyplot as plt
import numpy as np

import lingon.scratch as torch
from lingon.learn import attempt

# %% [markdown]
# ## From one number to a table of tables
#
# An array has a **shape**: how many numbers in each direction, or **dimension**. A single number has no direction at
# all; a list has one, a table two, a stack of tables three. And it has one **dtype**, the kind of all its numbers.

# %%
examples = {
    "a number": torch.tensor(7.0),
    "a list": torch.tensor([1.0, 2.0, 3.0]),
    "a table": torch.tensor([[1, 2, 3], [4, 5, 6]]),
    "a stack of tables": torch.zeros(4, 2, 3),
}
for name, x in examples.items():
    print(f"{name:18} dimensions {x.ndim}   shape {tuple(x.shape)!s:10}   numbers {x.numel():2}   {x.dtype}")

# %% [markdown]
# The dtype decides how much room a number takes and what fits into it. A text becomes whole numbers (int64), weights
# are floating ones (float32), a question that was asked of each number gives truth values (bool).
#
# Where two kinds meet, the **rank** decides first: truth values yield to whole numbers, whole numbers to floating ones,
# however many bytes each has. An int64 and a float32 make a float32, the narrower of the two. Among kinds of one rank
# the wider one wins. A plain number of Python adapts to the array unless its own rank is higher.

# %%
whole, floating = torch.tensor([1, 2, 3]), torch.tensor([0.5, 0.5, 0.5])
for words, x in (
    ("whole + floating", whole + floating),
    ("whole / 2", whole / 2),
    ("whole * 2", whole * 2),
    ("whole > 1", whole > 1),
):
    print(f"{words:18} {x.tolist()!s:22} {x.dtype}, {x.element_size()} bytes each")
assert (whole.element_size(), floating.element_size()) == (8, 4)
assert (whole + floating).dtype == torch.float32  # the rank decides, not the width
assert ((whole > 1) + whole).dtype == torch.int64
assert (floating + torch.zeros(3, dtype=torch.float64)).dtype == torch.float64  # of one rank: the wider
assert (whole * 2).dtype == torch.int64  # a number of Python adapts
assert (whole / 2).dtype == (whole * 0.5).dtype == torch.float32

# %% [markdown]
# ## Slices: a picture is an array
#
# A picture is a table of pixels, each with three numbers: how much red, green and blue. Below is one, made by a
# formula. To cut it, turn it or take one colour of it is nothing but **indexing**: for each dimension say which places
# you want. `a:b` means from place a up to, but not with, b; `::2` every second; `-1` the last; `...` all the
# dimensions between.

# %%
across, down = torch.linspace(-2, 2, 120), torch.linspace(-1.5, 1.5, 90)
x, y = across.reshape(1, 120), down.reshape(90, 1)
ring = (-4 * (x * x + y * y - 1) ** 2).exp()  # near 1 on a circle, near 0 elsewhere
wave = (1 + torch.sin(3 * x + 5 * y)) / 2
picture = torch.stack([ring, wave * (1 - ring), (x + 2) / 4 + 0 * y], 2)  # [90, 120, 3]

views = {
    "picture [90, 120, 3]": picture,
    "picture[20:60, 60:]": picture[20:60, 60:],
    "picture[::10, ::10]": picture[::10, ::10],
    "picture.flip(0)": picture.flip(0),
    "picture.transpose(0, 1)": picture.transpose(0, 1),
    "picture[..., 0], red": picture[..., 0],
}
figure, axes = plt.subplots(2, 3, figsize=(10, 6), layout="constrained")
for axis, (name, view) in zip(axes.flat, views.items(), strict=True):
    axis.imshow(view, cmap="Reds", vmin=0, vmax=1)
    axis.set_title(f"{name}\n{list(view.shape)}", fontsize=9)
    axis.axis("off")
plt.show()

# %% [markdown]
# An index may also be an array: of places, to pick rows in any order, or of truth values, to keep those where they are
# true. The first is how a network looks up the vectors of words; the second is how padding is left out.

# %%
vectors = torch.arange(12).reshape(4, 3) * 10
words = torch.tensor([2, 0, 2])
print("rows 2, 0, 2:", vectors[words].tolist())
print("above 50:", vectors[vectors > 50].tolist())
assert vectors[vectors > 50].tolist() == [number for row in vectors.tolist() for number in row if number > 50]
assert np.array_equal(vectors[words].numpy(), vectors.numpy()[[2, 0, 2]])

# %% [markdown]
# ## Broadcasting: shapes that grow to fit
#
# Above, `x` was one row of 120 numbers and `y` one column of 90, and `x * x + y * y` was a whole table. The rule is
# short. **Lay the shapes one under the other from the right. Two sizes fit if they are equal, or if one of them is 1
# or missing; that one is repeated.** Nothing is copied for it.

# %%
row, column = torch.tensor([[10, 20, 30, 40, 50]]), torch.tensor([[1], [2], [3]])
table = row + column

figure, axes = plt.subplots(1, 3, figsize=(11, 2.6), layout="constrained")
parts = ((row, "row [1, 5]", "Blues"), (column, "column [3, 1]", "Oranges"), (table, "row + column [3, 5]", "Greens"))
for axis, (part, name, colours) in zip(axes, parts, strict=True):
    values = part.expand(3, 5)
    there = np.zeros((3, 5))
    there[: part.shape[0], : part.shape[1]] = 1  # the numbers that are stored; the others are only repeated
    axis.imshow(0.15 + 0.35 * there, cmap=colours, vmin=0, vmax=1)
    for i in range(3):
        for j in range(5):
            axis.text(j, i, values[i, j].item(), ha="center", va="center", alpha=1 if there[i, j] else 0.35)
    axis.set(title=name, xticks=[], yticks=[])
plt.show()
by_loops = [[10 * j + i for j in range(1, 6)] for i in range(1, 4)]
assert table.tolist() == by_loops
assert row.expand(3, 5).stride() == (0, 1)  # no step in memory leads from row to row: nothing was copied

# %% [markdown]
# Where shapes do not fit, arrays say so. PyTorch names the two sizes that clash; ours both shapes, the names that you
# gave them, and the line.

# %%
weights, inputs = torch.zeros(3, 5), torch.zeros(3)
message = ""
try:
    weights * inputs
except RuntimeError as error:
    message = str(error)
print(message)
assert {"3", "5"} <= set(message)
print("with a new dimension of size 1:", list((weights * inputs[:, None]).shape))

# %% [markdown]
# ## Summing up along a dimension
#
# A **reduction** makes one number of many: `sum`, `mean`, `max`. Say along which dimension; that one disappears. With
# `keepdim=True` it stays with size 1, so that the result can be broadcast against what it came from. Two lines
# standardise every column of a table: mean 0, standard deviation 1.

# %%
torch.manual_seed(0)
table = torch.randn(200, 3, dtype=torch.float64) * torch.tensor([1.0, 5.0, 0.2]) + torch.tensor([3.0, -2.0, 0.0])
standard = (table - table.mean(0, keepdim=True)) / table.std(0, keepdim=True)
print(
    "sum over rows",
    list(table.sum(0).shape),
    " over columns",
    list(table.sum(1).shape),
    " over all",
    list(table.sum().shape),
)
print("means", [f"{m:+.3f}" for m in standard.mean(0).tolist()], " deviations", standard.std(0).tolist())
by_numpy = (table.numpy() - table.numpy().mean(0)) / table.numpy().std(0, ddof=1)
assert torch.allclose(standard, torch.tensor(by_numpy))
assert torch.allclose(standard.mean(0), torch.zeros(3, dtype=torch.float64), atol=1e-12)
assert torch.allclose(standard.std(0), torch.ones(3, dtype=torch.float64))
assert table.sum(0, keepdim=True).shape == (1, 3)

# %% [markdown]
# The most used of all sums is the product of matrices: number $(i, j)$ of $A B$ is row $i$ of $A$ times column $j$ of
# $B$, summed. With broadcasting it is one line. `@` does the same without the M K N products side by side in memory.


# %%
def product(A, B):
    """[M, K] and [K, N] -> [M, N]: the sum over k of A[i, k] * B[k, j]."""
    return (A[:, :, None] * B[None, :, :]).sum(1)


A, B = torch.randn(5, 3), torch.randn(3, 7)
assert torch.allclose(product(A, B), A @ B, atol=1e-6)
print("equal to @:", list((A @ B).shape), " products side by side:", (A[:, :, None] * B[None, :, :]).numel())
assert (A[:, :, None] * B[None, :, :]).numel() == 5 * 3 * 7

# %% [markdown]
# ## What lies in memory
#
# Memory has one dimension only. The numbers of a table lie there in one row, line after line, and the array notes how
# far to jump for one step in each dimension: its **strides**. The number at $(i, j)$ is at place
#
# $$\text{start} + i \cdot \text{stride}_0 + j \cdot \text{stride}_1.$$
#
# So a transposed table is the *same* numbers with the strides exchanged; every second column has a doubled stride; a
# row that was broadcast has a stride of 0. Not one number moves. Colours below are places in memory.

# %%
memory = torch.arange(12)
base = memory.reshape(3, 4)
views = {
    "base": base,
    "base.t()": base.t(),
    "base[:, ::2]": base[:, ::2],
    "base[1:, 1:3]": base[1:, 1:3],
    "base[:1].expand(3, 4)": base[:1].expand(3, 4),
}
figure = plt.figure(figsize=(11, 4.2), layout="constrained")
top, bottom = figure.subfigures(2, 1, height_ratios=[1, 2.4])
axis = top.subplots()
axis.imshow(memory[None], cmap="viridis", aspect="auto", vmin=0, vmax=14)
for place in range(12):
    axis.text(place, 0, place, ha="center", va="center", color="white")
axis.set(title="memory: twelve numbers in a row", xticks=[], yticks=[])
for axis, (name, view) in zip(bottom.subplots(1, 5), views.items(), strict=True):
    axis.imshow(view, cmap="viridis", vmin=0, vmax=14)
    for i in range(view.shape[0]):
        for j in range(view.shape[1]):
            axis.text(j, i, view[i, j].item(), ha="center", va="center", color="white")
    axis.set(title=f"{name}\nstrides {tuple(view.stride())}", xticks=[], yticks=[])
    axis.title.set_fontsize(9)
plt.show()
assert base.t().stride() == base.stride()[::-1]
assert base[:, ::2].stride() == (base.stride()[0], 2 * base.stride()[1])
assert base[:1].expand(3, 4).stride() == (0, 1)
for view in views.values():
    start = view[0, 0].item()  # the numbers of this memory are their own places
    assert all(
        view[i, j].item() == start + i * view.stride()[0] + j * view.stride()[1]
        for i in range(view.shape[0])
        for j in range(view.shape[1])
    )

# %% [markdown]
# Two consequences. A view shares its numbers: change one, and the other has changed. (`clone()` makes a copy.) And an
# array can be in an order in which neighbours of a row are far apart in memory; it is then not **contiguous**, and some
# operations must copy it first.

# %%
corner = base[:2, :2]
corner += 100
print("the base has changed:", base.tolist())
kept = base.clone()
kept.zero_()
assert base[0, 0].item() == memory[0].item() == 100  # the view has changed them; zeros in the copy have not
assert (base.is_contiguous(), base.t().is_contiguous()) == (True, False)
print("contiguous:", base.is_contiguous(), " transposed:", base.t().is_contiguous())

# %% [markdown]
# ## Why no loops
#
# A loop of Python looks at each number, asks what kind it is, finds the right operation, makes a new object for the
# result. An array asks once. What follows is one pass over memory in compiled code, many numbers at a time.


# %%
def seconds(function, repeats=5):
    """The shortest of several runs: what else the machine does can only make a run longer."""
    times = []
    for _ in range(repeats):
        begun = time.perf_counter()
        function()
        times.append(time.perf_counter() - begun)
    return min(times)


sizes = [10, 100, 1000, 10_000, 100_000]
by_loop, by_array = [], []
for size in sizes:
    x = torch.rand(size)
    numbers = x.tolist()
    by_loop.append(seconds(lambda numbers=numbers: [2 * number + 1 for number in numbers]))
    by_array.append(seconds(lambda x=x: 2 * x + 1))

figure, axis = plt.subplots(figsize=(7, 3.5), layout="constrained")
axis.loglog(sizes, by_loop, "o-", label="a loop over a list")
axis.loglog(sizes, by_array, "o-", label="2 * x + 1")
axis.set(xlabel="numbers", ylabel="seconds", title="One operation on many numbers")
axis.legend()
plt.show()
print(
    f"{sizes[-1]:,} numbers: the array takes {by_array[-1] * 1e6:.0f} microseconds, "
    f"the loop {by_loop[-1] / by_array[-1]:.0f} times as long"
)
assert by_loop[-1] > 10 * by_array[-1]
assert by_loop[0] < by_array[0]

# %% [markdown]
# For ten numbers the loop wins: asking once costs something too. That is why models work on **batches**, many examples
# at a time.
#
# ## Where an array lives
#
# Memory is that of some **device**. Ours is the processor's; PyTorch can put an array on a graphics card with
# `x.to("cuda")`, and then all operations on it run there. Two rules follow: arrays that meet must live on one device,
# and moving them costs time. Everything in this course runs on the processor.

# %%
print(torch.ones(3).device, list(torch.ones(3).to("cpu").shape))
assert str(torch.ones(3).device) == "cpu"

# %% [markdown]
# ## Exercises
#
# Write your lines in place of `...`; `lingon learn check 01` checks all three in your copy. No loops are needed.
#
# ### 01.1 Every distance at once
#
# `a` [M, D] and `b` [N, D] are points, one in each row. Give back the distances of each point of `a` from each point
# of `b`, [M, N]: the root of the sum of the squared differences.


# %%
def distances(a, b):
    # your turn
    ...


# %%
attempt(distances, "01")

# %% [markdown]
# ### 01.2 Where a number lies
#
# Of a contiguous array of this `shape`, at which place in memory is the number at `index`? Both are tuples of one
# length. Give back a whole number: `place((3, 4), (1, 2))` is 6.


# %%
def place(shape, index):
    # your turn
    ...


# %%
attempt(place, "01")

# %% [markdown]
# ### 01.3 The mean of what is text
#
# Texts of a batch have vectors `x` [B, T, D], and `mask` [B, T] says True where a token is of the text, False where
# it is padding. Give back the mean vector of each text over its real tokens, [B, D]. A text with none has the mean 0.


# %%
def masked_mean(x, mask):
    # your turn
    ...


# %%
attempt(masked_mean, "01")

# %% [markdown]
# ## What to read next
#
# - Charles Harris and others, *Array programming with NumPy*, Nature, 2020.
# - Edward Yang, *PyTorch internals*, 2019: strides, views and dispatch, with drawings.
# - The files `shaping.py`, `indexing.py` and `joining.py` in `lingon/scratch`: the operations of this lesson, a few
#   lines each.
#
# An array can also remember how it was computed. Lesson 02 makes use of it.
