# %% [markdown]
# # 03. Programs
#
# **What can a computer do with a formula before it has seen a single number?**
#
# So far every line of ours was computed as soon as it was reached: `C = B * A` made an array, there and then. That is
# an **imperative** program. It is straightforward: loops are Python's loops, and any number can be printed on the way.
# But whoever computes line by line never sees the whole. In a **declarative** program the lines only say *what* is to
# be computed. The result is a **graph** that can be looked at, made faster, stored, differentiated and carried to
# another language, before any number is there.
#
# You need: arrays and gradients (lessons 01 and 02). This lesson uses NumPy and `lingon.program`, nothing else.

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
# A graph needs very little. A **node** holds the name of an operator and the nodes that it takes; Python's `+` and `*`
# make new nodes in place of numbers. To **run** the graph means to ask each node for its operands first.


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
# And the same in the library. The first four lines compute nothing. `compile` looks at the graph, and only the last
# line, which gives the **variables** their values, computes.

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
# What one pays: an expression has no numbers, so it cannot be printed on the way, and an `if` of Python cannot ask it
# anything. What one gets: mistakes are found before anything runs, with the line in which they were made. Give a
# variable its shape, and the line itself complains.

# %%
x, w = Variable("x", (3, 5), "float32"), Variable("w", (7, 2), "float32")
for mistake in (lambda: x @ w, lambda: 1 if x > 0 else 2, lambda: f(A=np.ones(3))):
    try:
        mistake()
    except ValueError as error:
        print("-", error)

# %% [markdown]
# ## What may be changed, and what may not
#
# A graph can be rewritten into another one with the same results. What is written twice is computed once (**common
# sub-expressions**). What depends on no variable is computed when the program is made (**constant folding**). What no
# result needs is left out (**dead code**). And there is algebra, where one must be careful: is $x \cdot 0 = 0$?

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
# in binary. `X * 0` stayed: infinity times zero is *not a number*, and a program that says 0 there would hide a
# mistake. Every rule of the library is exact for NaN, for infinities and for the sign of zero.
#
# ## C shares memory with D
#
# In an imperative program `C` must be kept: somebody might print it in the next line. The graph knows that nobody reads
# `C` once `D` is there, so `D` can be written over it. Working out who lives from when to when is called **liveness**,
# and the result is a **memory plan**. Below, each operator runs by itself, so that the plan can be seen at work.

# %%
many = 1_000_000
a, b = rng.random(many), rng.random(many)
plan = compile(D, fuse=False).plan(A=a, B=b)
print(plan)


# %% [markdown]
# One can go further. `B * A + 1` needs no array for `C` at all if both operators are applied to a few thousand numbers
# at a time, while these are in the cache of the processor. That is **fusion**. We compare on a longer chain, and look
# at what really happened to the memory.


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
    work()  # once, so that everything is ready
    peaks[name], result = most_bytes(work)
    assert np.allclose(result, chain(a, b))

figure, axis = plt.subplots(figsize=(7, 2.6))
axis.barh(list(peaks), [n / a.nbytes for n in peaks.values()], color="tab:blue")
axis.invert_yaxis()
axis.set(xlabel="arrays of a million numbers, beside the two given", title="The most memory that is held at once")
figure.tight_layout()
plt.show()
assert peaks["program, nothing shared"] > 1.5 * peaks["program, memory shared"]
assert peaks["program, memory shared"] > 1.5 * peaks["program, shared and fused"]

# %% [markdown]
# Memory is time, too: an array that does not fit into the cache has to travel to the main memory and back for every
# single line. We count the time of the processor, since what other programs do meanwhile is no matter of ours.


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
    xscale="log", xlabel="numbers in an array", ylabel="million numbers a second", title="A chain of eight operators"
)
axis.legend()
figure.tight_layout()
plt.show()
by_size = [ours / numpys for numpys, ours in zip(*speeds.values(), strict=True)]
print("the program is so many times as fast:", [round(ratio, 2) for ratio in by_size])
assert by_size[0] < 1 < by_size[-1]

# %% [markdown]
# Look at both ends. For small arrays NumPy wins: to look up a plan and walk through it costs more than the few numbers,
# which all fit into the cache anyway. For large ones the program does. That is the trade of every compiler for
# networks.
#
# ## The gradient is another program
#
# Lesson 02 recorded what was computed, and walked back. Here the graph is there from the start, and the walk back makes
# a second graph, which can be optimised like any other. Declared shapes let the library write it out at once.

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
assert np.allclose(by_a, (forward - back) / (2 * step), atol=1e-6)  # the slope, measured
assert np.allclose(by_b, np.cos(at["A"] * at["B"]) * at["A"] ** 2)  # the slope, by hand
twice = gradient(slopes[0], A3)  # a gradient is an expression, so it has a gradient
print("second derivative:", twice(**at))
product = at["A"] * at["B"]
assert np.allclose(twice(**at), 2 * at["B"] * np.cos(product) - product * at["B"] * np.sin(product))  # by hand

# %% [markdown]
# ## Choices and loops
#
# A graph has no `if` and no `for`. In their place there are two operators: **where**, which chooses number by number,
# and **scan**, a loop along an array with a **state** that is handed from turn to turn. A recurrent network is a scan.
# Here is a simpler one: money with interest, of which a part is spent each year, but only if there is enough.

# %%
spending = Variable("spending")
start, interest = Variable("start"), Variable("interest")


def year(money, wish):
    money = money * (1 + interest)
    money = where(money > 2 * wish, money - wish, money)
    return money, money  # the state that is handed on, and what is collected


last, course_of_money = scan(year, start, spending)
simulate = compile([course_of_money, gradient(last, start)[0]])

figure, axis = plt.subplots(figsize=(6, 3.2))
for rate in (0.01, 0.03, 0.05):
    money, slope = simulate(start=np.array(100.0), interest=np.array(rate), spending=np.full(40, 4.0))
    axis.plot(money, label=f"interest {rate:.0%}: a coin more at the start is {slope:.1f} at the end")
    assert np.allclose(slope, (1 + rate) ** 40)  # for the coin more changes no choice
axis.set(xlabel="year", ylabel="money", title="A loop as a program, and its gradient")
axis.legend()
figure.tight_layout()
plt.show()

# %% [markdown]
# ## One model, carried away
#
# Let us put it together: a classifier as a program. Two clouds of points; $p = \sigma(x \cdot w + b)$ is the
# probability of the second. The loss, its gradient and the step are one program; only the loop over steps is left to
# Python.

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
# The trained model is a small graph. Its weights become constants, and it is written down: **JSON** for the graph, a
# `safetensors` file for the arrays. Nothing in these files can run, so a file of a stranger can do no harm; a cycle, an
# unknown operator or an absurd size in it is refused by name.

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
print("a stranger's file" + refusal)
assert "unknown operator 'system'" in refusal
assert np.array_equal(again(x=points), predict(x=points, **weights))

# %% [markdown]
# From here it is one step to other languages: `trained.to_onnx(...)` writes the graph as **ONNX**, which C++, Java or a
# page in a browser can run.
#
# Which way is the right one? Both. Write a model imperatively, since one can look inside, and have a program made of it
# once it works. That is called **hybridize**. It works here as you have seen with `chain`: a function of ours was given
# variables in place of arrays, and a graph came out. For models of PyTorch, which the lessons use from the next one on,
# `lingon.hybridize(model, example)` does it, and checks that both compute the same.
#
# | | imperative | declarative |
# |---|---|---|
# | control | Python's `if` and `for` | `where`, `scan` |
# | looking inside | print anything | print the graph |
# | memory | what has a name is kept | planned |
# | speed | line by line | fused |
# | leaving Python | hard | a file |
#
# ## Exercises
#
# Write your lines in place of `...`, run the cell, then the one below it. In a terminal, `lingon learn check 03` checks
# all three in your copy, and `--hint 2` gives more hints.
#
# ### 03.1 Run a graph
#
# A formula is a number, a name (a string), or a tuple `(op, left, right)` in which `op` is `"+"`, `"-"` or `"*"` and
# both sides are formulas again. Give back its value; `values` says what each name is worth.


# %%
def evaluate(formula, values):
    # your turn
    ...


# %%
attempt(evaluate, "03")

# %% [markdown]
# ### 03.2 How much memory at once
#
# `lives` is a list of `(size, born, dies)`: a value of so many bytes is needed from step `born` up to **and with** step
# `dies`. Give back the most bytes that are needed in any one step. Without values it is 0.


# %%
def peak(lives):
    # your turn
    ...


# %%
attempt(peak, "03")

# %% [markdown]
# ### 03.3 Written twice, computed once
#
# A program is a list of nodes `(op, inputs)`; `inputs` is a tuple of places of earlier nodes in the list, and for a
# variable it is `()`, its name being `op`. Two nodes are the same if they have the same `op` and the same inputs,
# **after** equal inputs have been found equal. How many different nodes are there?


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
# Lesson 04 goes back to the imperative way, and to PyTorch: its networks are to be looked into.
