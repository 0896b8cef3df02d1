# %% [markdown]
# # 01. Arrays
#
# **How can one line of Python do the work of a loop over a hundred thousand numbers, many times faster?**
#
# To a computer, texts, pictures and the weights of a network are all the same thing: many numbers of one type, side by
# side in memory, plus a description of how to step through them. That is an **array**. Once you understand both parts,
# the numbers and the description, you can read every model in this course.
#
# We use `lingon.scratch`, a small array library built on NumPy, short enough to read. Its names and rules are those of
# PyTorch, so we import it under that name. If you replace that one line with `import torch`, every cell runs as before,
# including the checks of the exercises; only random numbers and the wording of errors differ.

# %%
import time

import matplotlib.pyplot as plt
import numpy as np

import lingon.scratch as torch
from lingon.learn import attempt

# %% [markdown]
# ## From one number to a table of tables
#
# An array has a **shape**: its size in each **dimension**. A single number has no dimensions; a list has one, a table
# two, a stack of tables three. And an array has one **dtype**, the type of all its numbers.

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
# The dtype determines how many bytes a number takes and which values it can have. A text becomes integers (int64),
# weights are floating-point numbers (float32), and a comparison of each number gives truth values (bool).
#
# Where two dtypes meet, their **category** decides first: bool gives way to integers, and integers to floating-point
# numbers, whatever their number of bytes. An int64 and a float32 make a float32, the narrower of the two. Within one
# category, the wider dtype wins. A plain Python number adapts to the array unless its own category is higher.

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
assert (whole + floating).dtype == torch.float32  # the category decides, not the width
assert ((whole > 1) + whole).dtype == torch.int64
assert (floating + torch.zeros(3, dtype=torch.float64)).dtype == torch.float64  # of one category: the wider
assert (whole * 2).dtype == torch.int64  # a Python number adapts
assert (whole / 2).dtype == (whole * 0.5).dtype == torch.float32

# %% [markdown]
# ## Slices: a picture is an array
#
# A picture is a table of pixels, each with three numbers: how much red, green and blue. Below is one, made by a
# formula. Cropping it, flipping it or taking one colour of it is nothing but **indexing**: for each dimension, say
# which positions you want. `a:b` means from position a up to, but not including, b; `::2` every second position; `-1`
# the last; `...` all dimensions in between.

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
# An index may also be an array: an array of integers picks rows in any order, and an array of truth values keeps the
# elements where it is True. A network looks up the vectors of words in the first way; padding is left out in the
# second.

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
# short. **Align the shapes at the right. Two sizes are compatible if they are equal, or if one of them is 1 or missing;
# that one is repeated.** Nothing is copied.

# %%
row, column = torch.tensor([[10, 20, 30, 40, 50]]), torch.tensor([[1], [2], [3]])
table = row + column

figure, axes = plt.subplots(1, 3, figsize=(11, 2.6), layout="constrained")
parts = ((row, "row [1, 5]", "Blues"), (column, "column [3, 1]", "Oranges"), (table, "row + column [3, 5]", "Greens"))
for axis, (part, name, colours) in zip(axes, parts, strict=True):
    values = part.expand(3, 5)
    there = np.zeros((3, 5))
    there[: part.shape[0], : part.shape[1]] = 1  # the numbers that are stored; the others are repetitions
    axis.imshow(0.15 + 0.35 * there, cmap=colours, vmin=0, vmax=1)
    for i in range(3):
        for j in range(5):
            axis.text(j, i, values[i, j].item(), ha="center", va="center", alpha=1 if there[i, j] else 0.35)
    axis.set(title=name, xticks=[], yticks=[])
plt.show()
by_loops = [[10 * j + i for j in range(1, 6)] for i in range(1, 4)]
assert table.tolist() == by_loops
assert row.expand(3, 5).stride() == (0, 1)  # a step of 0 in memory from row to row: nothing was copied

# %% [markdown]
# If shapes are incompatible, there is an error. PyTorch's message names the two sizes that clash; ours shows both
# shapes, the names of the variables, and the line.

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
# ## Reducing along a dimension
#
# A **reduction** turns many numbers into one: `sum`, `mean`, `max`. You choose a dimension, and that dimension
# disappears. With `keepdim=True` it is kept with size 1, so that the result can be broadcast against the original
# array. One line standardizes every column of a table: mean 0, standard deviation 1.

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
# The most important sum of all is matrix multiplication: element $(i, j)$ of $A B$ is the sum of the products of row
# $i$ of $A$ and column $j$ of $B$. With broadcasting it takes one line. `@` does the same without storing all M K N
# products in memory.


# %%
def product(A, B):
    """[M, K] and [K, N] -> [M, N]: the sum over k of A[i, k] * B[k, j]."""
    return (A[:, :, None] * B[None, :, :]).sum(1)


A, B = torch.randn(5, 3), torch.randn(3, 7)
assert torch.allclose(product(A, B), A @ B, atol=1e-6)
print("equal to @:", list((A @ B).shape), " products stored:", (A[:, :, None] * B[None, :, :]).numel())
assert (A[:, :, None] * B[None, :, :]).numel() == 5 * 3 * 7

# %% [markdown]
# ## Arrays in memory
#
# Memory has only one dimension. The numbers of a table are stored there row after row, and the array records how far to
# jump for one step in each dimension: its **strides**. The number at $(i, j)$ is at position
#
# $$\text{start} + i \cdot \text{stride}_0 + j \cdot \text{stride}_1.$$
#
# So a transposed table consists of the *same* numbers with the strides swapped; taking every second column doubles a
# stride; a row that was broadcast has a stride of 0. No number moves. The colours below are positions in memory.

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
    start = view[0, 0].item()  # each number of this memory is its own position
    assert all(
        view[i, j].item() == start + i * view.stride()[0] + j * view.stride()[1]
        for i in range(view.shape[0])
        for j in range(view.shape[1])
    )

# %% [markdown]
# This has two consequences. A **view**, such as a slice or a transposed array, shares its numbers with the original: if
# you change one, the other changes too. (`clone()` makes a copy.) And neighbours in a row may be far apart in memory;
# the array is then not **contiguous**, and some operations must copy it first.

# %%
corner = base[:2, :2]
corner += 100
print("the base has changed:", base.tolist())
kept = base.clone()
kept.zero_()
assert base[0, 0].item() == memory[0].item() == 100  # changed through the view; zeroing the copy changed nothing
assert (base.is_contiguous(), base.t().is_contiguous()) == (True, False)
print("contiguous:", base.is_contiguous(), " transposed:", base.t().is_contiguous())

# %% [markdown]
# ## Why no loops
#
# For each number, a Python loop checks its type, finds the right operation, and creates a new object for the result. An
# array operation checks once. The rest is one pass over memory in compiled code, many numbers at a time.


# %%
def seconds(function, repeats=5):
    """The shortest time of several runs: other programs can only make a run slower."""
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
    f"the loop takes {by_loop[-1] / by_array[-1]:.0f} times as long"
)
assert by_loop[-1] > 10 * by_array[-1]
assert by_loop[0] < by_array[0]

# %% [markdown]
# For ten numbers the loop is faster, because starting an array operation has a cost too. That is why models work on
# **batches**, many examples at a time.
#
# ## Where an array lives
#
# An array is stored in the memory of a **device**. Here that is the CPU; PyTorch can move an array to a GPU with
# `x.to("cuda")`, and all operations on it then run there. Two rules follow: arrays that are used together must be on
# one device, and moving them takes time. Everything in this course runs on the CPU.

# %%
print(torch.ones(3).device, list(torch.ones(3).to("cpu").shape))
assert str(torch.ones(3).device) == "cpu"

# %% [markdown]
# ## Exercises
#
# Replace `...` with your code; `lingon learn check 01` checks all three in your copy. No loops are needed.
#
# ### 01.1 All distances at once
#
# `a` [M, D] and `b` [N, D] contain one point in each row. Return the distance of each point of `a` from each point of
# `b`, [M, N]: the square root of the sum of the squared differences.


# %%
def distances(a, b):
    # your turn
    ...


# %%
attempt(distances, "01")

# %% [markdown]
# ### 01.2 Position in memory
#
# At which position in memory is the number at `index` of a contiguous array with this `shape`? Both are tuples of the
# same length. Return an integer: `place((3, 4), (1, 2))` is 6.


# %%
def place(shape, index):
    # your turn
    ...


# %%
attempt(place, "01")

# %% [markdown]
# ### 01.3 The mean without padding
#
# The tokens of a batch of texts have vectors `x` [B, T, D]; `mask` [B, T] is True for tokens of the text and False for
# padding. Return for each text the mean vector of its real tokens, [B, D]. The mean of a text without tokens is 0.


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
# An array can also remember how it was computed. Lesson 02 uses this to compute gradients.
