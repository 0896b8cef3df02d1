# %% [markdown]
# # 03. Programs
#
# **What can a computer do with a formula before it has seen any numbers?**
#
# So far, every line was computed as soon as it was reached: `C = B * A` made an array immediately. That is an
# **imperative** program. It is straightforward: loops are Python's loops, and any intermediate value can be printed.
# But a computer that works line by line never sees the whole. In a **declarative** program, the lines only say *what*
# is to be computed. The result is a **graph** that can be inspected, optimized, saved, differentiated and exported to
# another language, before there are any numbers.
#
# You need arrays and gradients (lessons 01 and 02). This lesson uses only NumPy and `lingon.program`.

# %%
import json
import tempfile
import time
import tracemalloc
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from lingon.learn import attempt
from lingon.program import Variable, compile, gradient, load, scan, sigmoid, where

rng = np.random.default_rng(0)

# %% [markdown]
# ## Ten lines, and the library
#
# A graph needs very little. A **node** holds the name of an operator and the nodes that are its operands; Python's `+`
# and `*` make new nodes instead of numbers. To **run** the graph, each node first computes its operands, then itself.


# %%
class Tiny:
    def __init__(self, op, *inputs):
        self.op, self.inputs = op, inputs

    def __add__(self, other):
        return Tiny("+", self, other)

    def __mul__(self, other):
        return Tiny("*", self, other)


def run(node, values):
    if not isinstance(node, Tiny):
        return node  # a plain number
    if node.op in values:
        return values[node.op]  # a variable
    left, right = (run(i, values) for i in node.inputs)
    return left + right if node.op == "+" else left * right


tiny = Tiny("B") * Tiny("A") + 1
print(run(tiny, {"A": np.ones(10), "B": np.ones(10) * 2}))

# %% [markdown]
# Now the same with the library. The first four lines compute nothing. `compile` analyzes the graph. Only the call of
# `f`, which gives the **variables** their values, computes something.

# %%
A = Variable("A")
B = Variable("B")
C = B * A
D = C + 1
f = compile(D)
d = f(A=np.ones(10), B=np.ones(10) * 2)
print(f)
assert np.allclose(d, run(tiny, {"A": np.ones(10), "B": np.ones(10) * 2}))
f.draw()  # a notebook shows the picture; in a script it is the text of an SVG file

# %% [markdown]
# The price: an expression has no values, so intermediate results cannot be printed, and a Python `if` cannot test them.
# The benefit: mistakes are found before anything runs, with the line in which they were made. If you give a variable
# its shape, the line with the mistake itself raises an error.

# %%
x, w = Variable("x", (3, 5), "float32"), Variable("w", (7, 2), "float32")
for mistake in (lambda: x @ w, lambda: 1 if x > 0 else 2, lambda: f(A=np.ones(3))):
    try:
        mistake()
    except ValueError as error:
        print("-", error)

# %% [markdown]
# ## Optimizing a graph without changing results
#
# A graph can be rewritten into another one with the same results. What is written twice is computed once (**common
# subexpression elimination**). What depends on no variable is computed when the program is compiled (**constant
# folding**). What no result needs is left out (**dead code elimination**). And there are algebraic simplifications,
# which need care: is $x \cdot 0 = 0$?

# %%
X = Variable("X")
careful = {"X * 1": X * 1, "X * 0": X * 0, "X / 4": X / 4, "exp(X) * exp(X)": np.exp(X) * np.exp(X)}
sample = np.array([2.0, np.inf, np.nan])
left = {}
for name, expression in careful.items():
    plan = compile(expression).plan(X=sample)
    left[name] = [node.op for node in plan.nodes if node.inputs]
    print(f"{name:16} runs as {left[name]!s:24} result {compile(expression)(X=sample)}")
assert list(left.values()) == [[], ["multiply"], ["multiply"], ["exp", "multiply"]]
assert np.isnan(compile(X * 0)(X=sample)).tolist() == [False, True, True]

# %% [markdown]
# `X * 1` vanished. `exp(X)`, written twice, is computed once. `X / 4` became a multiplication, since a quarter is exact
# in binary. `X * 0` stayed: infinity times zero is *not a number* (NaN), and a program that returns 0 there would hide
# a mistake. Every rule of the library is exact for NaN, infinities and the sign of zero.
#
# ## C shares memory with D
#
# In an imperative program, `C` must be kept, because the next line might print it. The graph shows that nothing reads
# `C` once `D` has been computed, so `D` can overwrite it. Determining from which step to which each value is needed is
# called **liveness analysis**, and the result is a **memory plan**. Below, each operator runs separately, so that the
# plan is visible.

# %%
many = 1_000_000
a, b = rng.random(many), rng.random(many)
plan = compile(D, fuse=False).plan(A=a, B=b)
print(plan)


# %% [markdown]
# We can go further. `B * A + 1` needs no array for `C` at all if both operators are applied to a few thousand numbers
# at a time, while these are in the cache of the processor. That is **operator fusion**. We compare the variants on a
# longer chain of operators, and measure how much memory each really uses.


# %%
def chain(a, b):
    middle = (a + b) / 2
    bent = np.tanh(middle)
    slope = 1 - bent * bent
    return slope * a - bent * b


def most_bytes(work):
    tracemalloc.start()
    result = work()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak, result


built = chain(A, B)  # the same function, given variables, builds a graph
ways = {
    "NumPy, line by line": lambda: chain(a, b),
    "program, nothing shared": lambda: lonely(A=a, B=b),
    "program, memory shared": lambda: shared(A=a, B=b),
    "program, shared and fused": lambda: fused(A=a, B=b),
}
lonely, shared, fused = compile(built, fuse=False, share=False), compile(built, fuse=False), compile(built)
peaks = {}
for name, work in ways.items():
    work()  # once, to warm up
    peaks[name], result = most_bytes(work)
    assert np.allclose(result, chain(a, b))

figure, axis = plt.subplots(figsize=(7, 2.6))
axis.barh(list(peaks), [n / a.nbytes for n in peaks.values()], color="tab:blue")
axis.invert_yaxis()
axis.set(xlabel="arrays of a million numbers, in addition to the two inputs", title="Peak memory")
figure.tight_layout()
plt.show()
assert peaks["program, nothing shared"] > 1.5 * peaks["program, memory shared"]
assert peaks["program, memory shared"] > 1.5 * peaks["program, shared and fused"]

# %% [markdown]
# Memory costs time, too: an array that does not fit into the cache is moved to main memory and back for every single
# line. We measure processor time, which does not count what other programs do meanwhile.


# %%
def seconds(work, times=5):
    taken = []
    for _ in range(times):
        begun = time.process_time()
        work()
        taken.append(time.process_time() - begun)
    return min(taken)


sizes = [10**3, 10**4, 10**5, 10**6, 3 * 10**6]
speeds = {"NumPy, line by line": [], "program": []}
for size in sizes:
    p, q = rng.random(size), rng.random(size)
    speeds["NumPy, line by line"].append(size / seconds(lambda p=p, q=q: chain(p, q)) / 1e6)
    speeds["program"].append(size / seconds(lambda p=p, q=q: fused(A=p, B=q)) / 1e6)

figure, axis = plt.subplots(figsize=(6, 3.2))
for name, speed in speeds.items():
    axis.plot(sizes, speed, "o-", label=name)
axis.set(
    xscale="log", xlabel="numbers in an array", ylabel="million numbers per second", title="A chain of eight operators"
)
axis.legend()
figure.tight_layout()
plt.show()
by_size = [ours / numpys for numpys, ours in zip(*speeds.values(), strict=True)]
print("speed of the program relative to NumPy:", [round(ratio, 2) for ratio in by_size])
assert by_size[0] < 1 < by_size[-1]

# %% [markdown]
# Look at both ends. For small arrays NumPy wins: looking up and executing a plan takes longer than computing the few
# numbers, which all fit into the cache anyway. For large arrays the program wins. Every compiler for neural networks
# has this trade-off.
#
# ## The gradient is another program
#
# Lesson 02 recorded what was computed, and then went backwards. Here the graph is known from the start, and going
# backwards makes a second graph, which can be optimized like any other. Because the shapes are declared, the library
# can print this second graph at once.

# %%
A3, B3 = Variable("A", (3,), "float64"), Variable("B", (3,), "float64")
wave = np.sin(A3 * B3) * A3
slopes = gradient(wave, [A3, B3])
print(slopes)

# %%
at = {"A": np.array([0.5, 1.0, 2.0]), "B": np.array([3.0, -1.0, 0.1])}
by_a, by_b = slopes(**at)
step = 1e-6
forward, back = (compile(wave)(A=at["A"] + s, B=at["B"]) for s in (step, -step))
assert np.allclose(by_a, (forward - back) / (2 * step), atol=1e-6)  # the slope, numerically
assert np.allclose(by_b, np.cos(at["A"] * at["B"]) * at["A"] ** 2)  # the slope, by hand
twice = gradient(slopes[0], A3)  # a gradient is an expression, so it has a gradient
print("second derivative:", twice(**at))
product = at["A"] * at["B"]
assert np.allclose(twice(**at), 2 * at["B"] * np.cos(product) - product * at["B"] * np.sin(product))  # by hand

# %% [markdown]
# ## Choices and loops
#
# A graph has no `if` and no `for`. Instead there are two operators: **where**, which chooses elementwise, and **scan**,
# a loop along an array with a **state** that is passed from iteration to iteration. A recurrent network (lesson 08) is
# a scan. Here is a simpler one: savings with interest, of which some is spent each year, but only if there is enough.

# %%
spending = Variable("spending")
start, interest = Variable("start"), Variable("interest")


def year(money, wish):
    money = money * (1 + interest)
    money = where(money > 2 * wish, money - wish, money)
    return money, money  # the state that is passed on, and what is collected


last, course_of_money = scan(year, start, spending)
simulate = compile([course_of_money, gradient(last, start)[0]])

figure, axis = plt.subplots(figsize=(6, 3.2))
for rate in (0.01, 0.03, 0.05):
    money, slope = simulate(start=np.array(100.0), interest=np.array(rate), spending=np.full(40, 4.0))
    axis.plot(money, label=f"interest {rate:.0%}: one more coin at the start is {slope:.1f} more at the end")
    assert np.allclose(slope, (1 + rate) ** 40)  # because one more coin changes no choice
axis.set(xlabel="year", ylabel="money", title="A loop as a program, and its gradient")
axis.legend()
figure.tight_layout()
plt.show()

# %% [markdown]
# ## Training and exporting a model
#
# Let us put it together: a classifier as a program. There are two clouds of points; $p = \sigma(x \cdot w + b)$ is the
# probability that a point belongs to the second. The loss, its gradient and the update are one program; only the loop
# over steps is left to Python.

# %%
points = np.concatenate([rng.normal(-1, 1, (200, 2)), rng.normal(1, 1, (200, 2))])
labels = np.repeat([0.0, 1.0], 200)

x = Variable("x", ("B", 2), "float64")
y = Variable("y", ("B",), "float64")
w, b = Variable("w", (2,), "float64"), Variable("b", (), "float64")
p = sigmoid(x @ w + b)
loss = -(y * np.log(p) + (1 - y) * np.log(1 - p)).mean()
dw, db = gradient(loss, [w, b])
train = compile({"loss": loss, "w": w - dw, "b": b - db})

weights = {"w": np.zeros(2), "b": np.zeros(())}
losses = []
for _ in range(100):
    result = train(x=points, y=labels, **weights)
    losses.append(result.pop("loss"))
    weights = result
assert losses[-1] < losses[0] / 2

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4))
left.plot(losses)
left.set(xlabel="step", ylabel="loss", title="Training")
grid = np.stack(np.meshgrid(np.linspace(-4, 4, 80), np.linspace(-4, 4, 80)), -1)
predict = compile(p)
right.contourf(*np.moveaxis(grid, -1, 0), predict(x=grid.reshape(-1, 2), **weights).reshape(80, 80), cmap="coolwarm")
right.scatter(*points.T, c=labels, cmap="coolwarm", edgecolor="white", s=15)
right.set(title="Probability of the second cloud")
figure.tight_layout()
plt.show()

# %% [markdown]
# The trained model is a small graph. Its weights become constants, and it is saved: as **JSON** for the graph and a
# `safetensors` file for the arrays. These files contain no code, so a file from an untrusted source can do no harm; a
# cycle, an unknown operator or an absurd size in it causes an error that names it.

# %%
trained = compile(sigmoid(x @ weights["w"] + weights["b"]))
with tempfile.TemporaryDirectory() as folder:
    path = Path(folder, "clouds.json")
    trained.save(path)
    print({file.name: file.stat().st_size for file in sorted(Path(folder).iterdir())})
    print(json.dumps(json.loads(path.read_text())["nodes"][:3]))
    again = load(path)
    path.write_text(path.read_text().replace('"matmul"', '"system"'))
    refusal = ""
    try:
        load(path)
    except ValueError as error:
        refusal = str(error).removeprefix(str(path))
print("a manipulated file" + refusal)
assert "unknown operator 'system'" in refusal
assert np.array_equal(again(x=points), predict(x=points, **weights))

# %% [markdown]
# From here it is one step to other languages: `trained.to_onnx(...)` writes the graph as **ONNX**, which C++, Java or a
# web page can run.
#
# Which way is the right one? Both. Write a model imperatively, so that you can look inside, and convert it to a program
# once it works. This is called **hybridizing** a model. You have seen it with `chain`: the function was given variables
# instead of arrays, and it returned a graph. For PyTorch models, which all lessons from 04 on use,
# `lingon.hybridize(model, example)` does this, and checks that both compute the same.
#
# | | imperative | declarative |
# |---|---|---|
# | control | Python's `if` and `for` | `where`, `scan` |
# | debugging | print anything | print the graph |
# | memory | every named array is kept | planned |
# | speed | line by line | fused |
# | export from Python | hard | a file |
#
# ## Exercises
#
# Replace `...` with your code, run the cell, then the one below it. In a terminal, `lingon learn check 03` checks all
# three in your copy, and `--hint 2` gives more hints.
#
# ### 03.1 Run a graph
#
# A formula is a number, a name (a string), or a tuple `(op, left, right)`, in which `op` is `"+"`, `"-"` or `"*"` and
# both sides are formulas again. Return the value of the formula; `values` maps each name to its value.


# %%
def evaluate(formula, values):
    # your turn
    ...


# %%
attempt(evaluate, "03")

# %% [markdown]
# ### 03.2 Peak memory
#
# `lives` is a list of `(size, born, dies)`: a value of `size` bytes is needed from step `born` up to **and including**
# step `dies`. Return the largest number of bytes needed in any single step, or 0 for an empty list.


# %%
def peak(lives):
    # your turn
    ...


# %%
attempt(peak, "03")

# %% [markdown]
# ### 03.3 Written twice, computed once
#
# A program is a list of nodes `(op, inputs)`; `inputs` is a tuple of indices of earlier nodes in the list. For a
# variable, `op` is its name and `inputs` is `()`. Two nodes are equal if they have the same `op` and if their inputs
# are equal nodes, even at different indices. How many different nodes are there?


# %%
def distinct(nodes):
    # your turn
    ...


# %%
attempt(distinct, "03")

# %% [markdown]
# ## What to read next
#
# - Tianqi Chen and others, *MXNet: A Flexible and Efficient Machine Learning Library for Heterogeneous Distributed
#   Systems*, 2015: imperative and declarative programs side by side, and memory plans.
# - Tianqi Chen and others, *Training Deep Nets with Sublinear Memory Cost*, 2016: sharing, in-place and beyond.
# - James Reed and others, *torch.fx: Practical Program Capture and Transformation for Deep Learning in Python*, 2022.
# - Jason Ansel and others, *PyTorch 2*, 2024: graphs taken from Python while it runs.
#
# Lesson 04 returns to imperative programs, now with PyTorch, because we want to look inside its networks.
