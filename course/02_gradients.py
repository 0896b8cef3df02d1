# %% [markdown]
# # 02. Gradients
#
# **In which direction does a function of a million numbers fall, and how can one computation answer for all of them?**
#
# A network is a function of its weights, also called its **parameters**: weights go in, and one number comes out, the
# **loss** (the *loss function*), which says how wrong the network is. Learning means changing each weight a little so
# that the loss falls. For that we must know the slope of the loss with respect to every weight. This lesson computes
# slopes in four ways: numerically, with the differentiation rules from school, by hand backwards through a network, and
# with an array that remembers how it was computed.
#
# As in lesson 01, you can replace the import of `lingon.scratch` below with `import torch`: every cell and check runs
# as before, with different random numbers. Only `draw` belongs to Lingon: of PyTorch's graphs it shows the operations
# and the input values, but not the intermediate results, because PyTorch does not keep them.

# %%
import math
from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np

import lingon.scratch as torch
from lingon.learn import attempt
from lingon.scratch import draw

torch.manual_seed(0)

# %% [markdown]
# ## The slope of a function of one number
#
# Take a small step $h$ and see how much the function changes: $(f(x + h) - f(x)) / h$. The smaller the step, the closer
# the line through the two points comes to the **tangent**, and its slope to the **derivative** $f'(x)$. But a computer
# stores a number with limited precision. If the step is too small, the difference of two nearly equal numbers is
# nothing but rounding error. So we take the same step to both sides, which is exact for parabolas too, and do not make
# it too small.


# %%
def f(x):
    return x * torch.sin(x)


def one_sided(f, x, h):
    return (f(x + h) - f(x)) / h


def two_sided(f, x, h):
    return (f(x + h) - f(x - h)) / (2 * h)


x = torch.linspace(0, 6, 200, dtype=torch.float64)
at = torch.tensor(1.5, dtype=torch.float64)
truth = torch.sin(at) + at * torch.cos(at)  # by the differentiation rules, which come next
figure, (left, right) = plt.subplots(1, 2, figsize=(11, 3.6), layout="constrained")
left.plot(x, f(x), color="black")
for h, colour in ((2.5, "0.8"), (1.5, "0.65"), (0.7, "0.5")):
    left.plot(x, f(at) + one_sided(f, at, h) * (x - at), color=colour, label=f"step {h}")
left.plot(x, f(at) + truth * (x - at), color="tab:red", label="tangent")
left.set(ylim=(-5.5, 3), title="Lines through two points of x sin x")
left.legend()
steps = [10.0**-n for n in range(1, 15)]
for name, slope in (("one side", one_sided), ("both sides", two_sided)):
    right.loglog(steps, [abs(slope(f, at, h) - truth).item() + 1e-16 for h in steps], "o-", label=name)
right.set(xlabel="step", ylabel="error of the slope", title="The step must be neither too large nor too small")
right.legend()
plt.show()
error = lambda slope, h: abs(slope(f, at, h) - truth).item()
assert all(error(two_sided, h) < error(one_sided, h) for h in (1e-1, 1e-2, 1e-3, 1e-4, 1e-5))
assert error(two_sided, 1e-14) > error(two_sided, 1e-5)  # too small: nothing but rounding error
assert abs(two_sided(lambda x: x * x, at, 0.5) - 2 * at).item() < 1e-12  # exact for a parabola, however large the step

# %% [markdown]
# ## Differentiation rules
#
# Nobody wants to take a step in every number. The derivatives of a few basic functions are known, and three rules
# combine them:
#
# | | function | derivative |
# |---|---|---|
# | sum | $u(x) + v(x)$ | $u' + v'$ |
# | product | $u(x)\,v(x)$ | $u'\,v + u\,v'$ |
# | chain | $u(v(x))$ | $u'(v(x)) \cdot v'(x)$ |
#
# The last one matters most: **if functions are applied one after the other, their slopes are multiplied**. If $v$ grows
# three times as fast as $x$, and $u$ twice as fast as $v$, then $u$ grows six times as fast as $x$.

# %%
rules = {
    "x ** 3": (lambda x: x**3, lambda x: 3 * x**2),
    "1 / x": (lambda x: 1 / x, lambda x: -1 / x**2),
    "exp(x)": (torch.exp, torch.exp),
    "log(x)": (torch.log, lambda x: 1 / x),
    "sin(x)": (torch.sin, torch.cos),
    "tanh(x)": (torch.tanh, lambda x: 1 - torch.tanh(x) ** 2),
    "sigmoid(x)": (torch.sigmoid, lambda x: torch.sigmoid(x) * (1 - torch.sigmoid(x))),
    "sum: x ** 3 + sin(x)": (lambda x: x**3 + torch.sin(x), lambda x: 3 * x**2 + torch.cos(x)),
    "product: x sin(x)": (lambda x: x * torch.sin(x), lambda x: torch.sin(x) + x * torch.cos(x)),
    "chain: exp(-x ** 2)": (lambda x: torch.exp(-(x**2)), lambda x: torch.exp(-(x**2)) * (-2 * x)),
}
x = torch.linspace(0.2, 2, 50, dtype=torch.float64)
for name, (function, by_rule) in rules.items():
    by_trying = two_sided(function, x, 1e-5)
    assert torch.allclose(by_rule(x), by_trying, atol=1e-8)
    print(f"{name:22} largest difference from the numerical slope: {(by_rule(x) - by_trying).abs().max().item():.0e}")

# %% [markdown]
# ## A gradient is a vector
#
# A function of two numbers has two slopes, called **partial derivatives**: one for a step in the first number, one for
# a step in the second. Together they form the **gradient**, a vector with the shape of the input. Here we let an array
# remember how it was computed: `requires_grad=True` says that we will ask for gradients, `backward()` computes them all
# and stores them in `.grad`.


# %%
def landscape(p):
    """Points [..., 2] -> heights [...]: a bowl with a hill and a hollow in it."""
    x, y = p[..., 0], p[..., 1]
    hill = torch.exp(-((x + 1) ** 2) - (y - 0.5) ** 2)
    hollow = torch.exp(-((x - 1) ** 2) - (y + 0.5) ** 2)
    return 0.15 * x**2 + 0.3 * y**2 + 1.5 * hill - 1.5 * hollow


def grid(low, high, across, down):
    """Points [down, across, 2] of a rectangle."""
    x = torch.linspace(low[0], high[0], across, dtype=torch.float64).expand(down, across)
    y = torch.linspace(low[1], high[1], down, dtype=torch.float64)[:, None].expand(down, across)
    return torch.stack([x, y], 2)


fine, coarse = grid((-3, -2), (3, 2), 120, 80), grid((-2.7, -1.7), (2.7, 1.7), 17, 11).requires_grad_()
landscape(coarse).sum().backward()  # each height depends on its own point only: one backward pass for all 187 points
heights, arrows, starts = landscape(fine), coarse.grad, coarse.detach()

point = torch.tensor([-0.2, 0.9], dtype=torch.float64, requires_grad=True)
landscape(point).backward()
angles = torch.linspace(0, 2 * math.pi, 200, dtype=torch.float64)
around = torch.stack([torch.cos(angles), torch.sin(angles)], 1)  # directions of length 1
with torch.no_grad():
    change = (landscape(point + 1e-4 * around) - landscape(point)) / 1e-4

figure, (left, right) = plt.subplots(1, 2, figsize=(11, 3.8), layout="constrained", width_ratios=[1.5, 1])
left.contour(fine[..., 0], fine[..., 1], heights, levels=24, cmap="viridis")
left.quiver(starts[..., 0], starts[..., 1], arrows[..., 0], arrows[..., 1], angles="xy", color="tab:red", width=0.004)
left.plot(*point.tolist(), "ko")
left.set(title="Lines of equal height, and gradients", aspect="equal")
right.plot(angles * 180 / math.pi, change, color="black")
uphill = math.degrees(math.atan2(point.grad[1].item(), point.grad[0].item())) % 360
right.axvline(uphill, color="tab:red", label="direction of the gradient")
right.axhline(0, color="0.8")
right.set(xlabel="direction of a step, degrees", title="Slope of a step from the black point")
right.legend()
plt.show()
assert torch.allclose(change, around @ point.grad, atol=1e-3)
steepest, length = int(change.argmax()), (point.grad @ point.grad).sqrt()
assert abs(math.degrees(angles[steepest].item()) - uphill) < 2  # the next of the 200 directions is 1.8 degrees away
assert torch.allclose(change[steepest], length, atol=1e-3)
level = torch.stack([-point.grad[1], point.grad[0]]) / length  # at right angles
with torch.no_grad():
    assert abs(landscape(point + 1e-4 * level) - landscape(point)).item() < 1e-4 * 1e-3

# %% [markdown]
# Note three things. The gradient points in the direction of **steepest ascent**, and its length is the slope in that
# direction. In the perpendicular directions the function does not change: they run along the line of equal height. And
# the slope in *any* direction $d$ is $\nabla f \cdot d$, which the first assertion of the cell checks. To go down, go
# against the gradient.
#
# ## Many results: the Jacobian
#
# A function from $n$ numbers to $m$ numbers has a slope for each pair of input and output: a matrix [m, n], the
# **Jacobian**. Row $i$ is the gradient of output $i$. Now apply two functions one after the other, $n \to k \to m$. How
# does output $i$ depend on input $j$? Through each of the $k$ intermediate numbers, and the contributions of all these
# paths add up:
#
# $$J_{ij} = \sum_k (J_2)_{ik}\,(J_1)_{kj}, \qquad\text{in shapes}\qquad (m, n) = (m, k)\,(k, n).$$
#
# That sum is a matrix product. **The chain rule is matrix multiplication.**

# %%
A, B = torch.randn(7, 5, dtype=torch.float64), torch.randn(3, 7, dtype=torch.float64)
x = torch.randn(5, dtype=torch.float64)
jacobian = torch.autograd.functional.jacobian


def first(x):
    return torch.tanh(A @ x)  # 5 -> 7


def second(h):
    return torch.softmax(B @ h, 0)  # 7 -> 3


J1, J2, J = jacobian(first, x), jacobian(second, first(x)), jacobian(lambda x: second(first(x)), x)
assert torch.allclose(J1, (1 - first(x) ** 2)[:, None] * A)  # by the rules: tanh, then the chain
assert torch.allclose(J, J2 @ J1)

figure, axes = plt.subplots(1, 3, figsize=(9, 3.2), layout="constrained", width_ratios=[5, 7, 5])
names = ("both (3, 5)", "= second (3, 7)", "@ first (7, 5)")
for axis, matrix, name in zip(axes, (J, J2, J1), names, strict=True):
    limit = matrix.abs().max().item()
    axis.imshow(matrix, cmap="RdBu_r", vmin=-limit, vmax=limit)
    axis.set(title=name, xticks=[], yticks=[])
plt.show()

# %% [markdown]
# ## In which order?
#
# A product of several matrices may be computed from the left or from the right. The result is the same, but the amount
# of work differs. A loss is *one* number, so the last Jacobian has one row. If we start from the loss, each product is
# a row vector times a matrix. If we start from the input, each is a matrix times a matrix, and only the very last one
# is small.


# %%
def multiplications(sizes, from_the_end):
    """How many multiplications the product of the Jacobians of a chain takes; sizes of its vectors, input first."""
    jacobians = [(after, before) for before, after in pairwise(sizes)]
    if from_the_end:
        return sum(sizes[-1] * after * before for after, before in jacobians[:-1])
    return sum(after * before * sizes[0] for after, before in jacobians[1:])


print("multiplications        from the input        from the loss")
for width in (10, 100, 1000):
    sizes = [width] * 5 + [1]
    print(f"width {width:5} {multiplications(sizes, False):23,} {multiplications(sizes, True):20,}")
    assert multiplications(sizes, True) == 4 * width**2  # four products of a row and a matrix
    assert multiplications(sizes, False) == 3 * width**3 + width**2  # all but the last: matrix times matrix

# %% [markdown]
# Starting from the loss is called **backpropagation**. Computing the loss is the **forward pass**, computing the
# gradients the **backward pass**. For every matrix product in the forward pass, the backward pass has at most two: the
# gradient of all weights, however many, takes at most twice as many multiplications as the loss. (The network below
# counts them.) And nobody stores a Jacobian: each operation only has to know how to multiply a row vector by its own
# Jacobian, a **vector-Jacobian product**. Nothing else is required of an operation:

# %%
v = torch.randn(3, dtype=torch.float64)
result, row = torch.autograd.functional.vjp(lambda x: second(first(x)), x, v)
assert torch.allclose(row, v @ J)
print("v times the Jacobian, without the Jacobian:", [f"{number:.3f}" for number in row.tolist()])

# %% [markdown]
# ## Backpropagation by hand
#
# Here is a network with one hidden layer between inputs and output, with five **hidden units**, and a batch of 8
# examples. In the forward pass we keep what we shall need again. In the backward pass, each line turns the gradient of
# a result into the gradient of its inputs: `G_y` says how much the loss changes with each output, `G_h` with each
# hidden unit, and so on. Each gradient has the shape of the array that it belongs to; in a matrix product, this alone
# tells you what must be transposed.

# %%
x, target = torch.randn(8, 3, dtype=torch.float64), torch.randn(8, 1, dtype=torch.float64)
W1, b1 = torch.randn(5, 3, dtype=torch.float64), torch.zeros(5, dtype=torch.float64)
W2, b2 = torch.randn(1, 5, dtype=torch.float64), torch.zeros(1, dtype=torch.float64)

h = torch.tanh(x @ W1.t() + b1)  # [8, 5]
y = h @ W2.t() + b2  # [8, 1]
loss = ((y - target) ** 2).mean()

G_y = 2 * (y - target) / len(y)  # [8, 1]: square and mean
G_W2, G_b2 = G_y.t() @ h, G_y.sum(0)  # (1, 8)(8, 5): the sum over the examples
G_h = G_y @ W2  # (8, 1)(1, 5)
G_z = G_h * (1 - h * h)  # [8, 5]: tanh, elementwise
G_W1, G_b1 = G_z.t() @ x, G_z.sum(0)  # (5, 8)(8, 3)
print("shapes:", *(list(g.shape) for g in (G_W1, G_b1, G_W2, G_b2)))
assert [g.shape for g in (G_W1, G_b1, G_W2, G_b2)] == [weight.shape for weight in (W1, b1, W2, b2)]
forward = 8 * 3 * 5 + 8 * 5 * 1  # x @ W1.t() and h @ W2.t()
backward = 1 * 8 * 5 + 8 * 1 * 5 + 5 * 8 * 3  # G_W2, G_h and G_W1
print(f"multiplications: {forward} in the forward pass, {backward} in the backward pass")
assert backward <= 2 * forward

# %% [markdown]
# Now with the library: mark the arrays that are weights, compute as before, and call `backward()`.

# %%
weights = [W1, b1, W2, b2]
for weight in weights:
    weight.requires_grad_()
loss = ((torch.tanh(x @ W1.t() + b1) @ W2.t() + b2 - target) ** 2).mean()
loss.backward()
for weight, by_hand in zip(weights, (G_W1, G_b1, G_W2, G_b2), strict=True):
    assert torch.allclose(weight.grad, by_hand)
print("all four gradients equal the library's")

# %% [markdown]
# ## How the library does it
#
# It does the same as we did. Each result remembers the numbers from which it was computed, and its slope with respect
# to each of them. The backward pass visits the results, newest first, and passes slope times gradient on to these
# numbers. If a number was used several times, its gradients **add up**. For single numbers, this fits on a page.


# %%
class Number:
    """A number that remembers what it was computed from: pairs of a source and the slope with respect to it."""

    def __init__(self, value, *made_of):
        self.value, self.made_of, self.grad = value, made_of, 0.0

    def __add__(self, other):
        return Number(self.value + other.value, (self, 1.0), (other, 1.0))

    def __mul__(self, other):
        return Number(self.value * other.value, (self, other.value), (other, self.value))

    def tanh(self):
        value = math.tanh(self.value)
        return Number(value, (self, 1 - value * value))

    def backward(self):
        order = []

        def visit(number):
            if number not in order:
                for source, _ in number.made_of:
                    visit(source)
                order.append(number)  # after all its sources

        visit(self)
        self.grad = 1.0
        for number in reversed(order):
            for source, slope in number.made_of:
                source.grad += slope * number.grad


def formula(a, b, c):
    inner = a * b + c
    return inner.tanh() * inner + a


ours = [Number(0.5), Number(-2.0), Number(1.75)]
formula(*ours).backward()
theirs = [torch.tensor(number.value, requires_grad=True) for number in ours]
result = formula(*theirs)
result.backward()
assert torch.allclose(torch.tensor([n.grad for n in ours]), torch.stack([t.grad for t in theirs]))
print("gradients of a, b, c:", [f"{number.grad:.4f}" for number in ours])

# %% [markdown]
# Here is the graph of that formula, drawn by the library. Values flow down along the arrows; gradients flow back up.
# Follow one product: each of its two factors gets the gradient of the product times the *other* factor.

# %%
draw(result, dict(zip("abc", theirs, strict=True)), title="tanh(a b + c) (a b + c) + a")

# %% [markdown]
# ## Gradients through loops
#
# Since the array remembers what was *actually* computed, the computation may use any Python: `for`, `while`, `if`. As
# an example we throw a ball, slowed by air resistance, and simulate its flight in small time steps until it hits the
# ground. The number of steps depends on the throw. The distance still has a gradient with respect to the angle, and
# going *up* along it finds the best throw.


# %%
def throw(angle, speed=30.0, drag=0.02, seconds=0.05):
    """The path and the distance of a throw. The angle is in radians, the speed in metres per second."""
    x, y = torch.tensor(0.0, dtype=torch.float64), torch.tensor(2.0, dtype=torch.float64)
    vx, vy = speed * torch.cos(angle), speed * torch.sin(angle)
    way = [(x.item(), y.item())]
    while y > 0:
        before = x, y
        slow = drag * torch.sqrt(vx * vx + vy * vy)
        vx, vy = vx - seconds * slow * vx, vy - seconds * (9.81 + slow * vy)
        x, y = x + seconds * vx, y + seconds * vy
        way.append((x.item(), y.item()))
    share = before[1] / (before[1] - y)  # the fraction of the last step above the ground
    return way, before[0] + share * (x - before[0])


angle = torch.tensor(1.2, dtype=torch.float64, requires_grad=True)
distance = throw(angle)[1]
(slope,) = torch.autograd.grad(distance, [angle])
with torch.no_grad():
    assert torch.allclose(slope, two_sided(lambda a: throw(a)[1], angle, 1e-7), rtol=1e-4)

figure, axis = plt.subplots(figsize=(9, 3), layout="constrained")
begun = distance.item()
for attempt_number in range(12):
    way, distance = throw(angle)
    (slope,) = torch.autograd.grad(distance, [angle])
    axis.plot(*zip(*way, strict=True), color=plt.cm.viridis(attempt_number / 11))
    angle = (angle + 0.005 * slope).detach().requires_grad_()  # a new leaf: the history ends here
axis.set(xlabel="metres", ylabel="metres", ylim=(0, None), title="Twelve throws, improved by the gradient")
plt.show()
print(f"best angle {math.degrees(angle.item()):.1f} degrees, distance {distance.item():.1f} metres")
with torch.no_grad():
    degrees = range(10, 81)
    tried = [throw(torch.tensor(math.radians(d), dtype=torch.float64))[1].item() for d in degrees]
assert begun < distance.item()
assert max(tried) - distance.item() < 0.1  # metres: none of 71 throws goes noticeably farther

# %% [markdown]
# Remember three rules. Gradients **add up** in `.grad` until you set it to None. What you compute inside `with
# torch.no_grad():` is not recorded; change weights only there. And `detach()` returns an array without its history.
#
# A gradient is the result of a computation too, so it can have a gradient: `create_graph=True` records the backward
# pass.

# %%
w = torch.tensor(3.0, requires_grad=True)
for _ in range(2):
    (w * w).backward()
assert w.grad.item() == 2 * (2 * 3.0)  # the sum over both backward passes
with torch.no_grad():
    assert not (w * w).requires_grad
assert not w.detach().requires_grad

x = torch.linspace(-3, 3, 200, dtype=torch.float64, requires_grad=True)
curve, curves = torch.tanh(x), []
for _ in range(4):
    curves.append(curve.detach())
    (curve,) = torch.autograd.grad(curve.sum(), [x], create_graph=True)
assert torch.allclose(curves[2], -2 * curves[0] * (1 - curves[0] ** 2))  # by the chain rule
assert curves[1][0].item() < 0.01 * curves[1].max().item()  # at -3 the slope is less than a hundredth of that at 0

figure, axis = plt.subplots(figsize=(7, 3), layout="constrained")
for order, numbers in enumerate(curves):
    axis.plot(x.detach(), numbers, label="tanh" + "'" * order)
axis.set(title="tanh and its derivatives: far from 0 the gradient vanishes")
axis.legend()
plt.show()

# %% [markdown]
# ## Gradient descent
#
# **Gradient descent** repeats three steps: compute the loss, compute the gradients, and subtract from each weight its
# gradient times a small number, the **learning rate**. We fit a line $w x + b$ to points. It has only two weights, so
# we can draw the whole loss surface and the path of the weights on it.

# %%
points = torch.rand(40, dtype=torch.float64) * 2
heights = 1.5 * points - 1 + 0.2 * torch.randn(40, dtype=torch.float64)


def line_loss(p):
    """Weights [..., 2] -> mean squared error [...] of the line w x + b on the points."""
    w, b = p[..., 0:1], p[..., 1:2]
    return ((w * points + b - heights) ** 2).mean(-1)


def descend(loss, start, lr, steps):
    """The path [steps + 1, 2] of gradient descent."""
    p = torch.tensor(start, dtype=torch.float64, requires_grad=True)
    path = [p.detach().clone()]
    for _ in range(steps):
        loss(p).backward()
        with torch.no_grad():
            p -= lr * p.grad
        p.grad = None
        path.append(p.detach().clone())
    return torch.stack(path)


rates = {0.02: "too small", 0.4: "about right", 0.5: "too large"}
fine, ends = grid((-2, -3), (4, 3), 90, 90), {}
figure, axes = plt.subplots(1, 4, figsize=(13, 3.3), layout="constrained")
for axis, (lr, name) in zip(axes, rates.items(), strict=False):
    path = descend(line_loss, [-1.0, 2.0], lr, 30)
    axis.contour(fine[..., 0], fine[..., 1], line_loss(fine).log(), levels=15, cmap="viridis")
    axis.plot(path[:, 0], path[:, 1], ".-", color="tab:red", linewidth=1)
    axis.set(title=f"learning rate {lr}: {name}", xlabel="w", ylabel="b", xlim=(-2, 4), ylim=(-3, 3))
    axes[3].semilogy(line_loss(path), label=f"{lr}")
    ends[name] = line_loss(path)[[0, -1]].tolist()  # the loss before the first step and after the last
axes[3].set(title="loss", xlabel="step")
axes[3].legend()
plt.show()
assert ends["about right"][1] < ends["too small"][1] < ends["too small"][0]
assert ends["too large"][1] > ends["too large"][0]  # uphill

# %% [markdown]
# The library's `SGD` does the same. On the same loss it takes the same path, up to rounding.

# %%
p = torch.tensor([-1.0, 2.0], dtype=torch.float64, requires_grad=True)
optimizer = torch.optim.SGD([p], lr=0.4)
for _ in range(30):
    optimizer.zero_grad()
    line_loss(p).backward()
    optimizer.step()
assert torch.allclose(p.detach(), descend(line_loss, [-1.0, 2.0], 0.4, 30)[-1])
by_numpy = np.polyfit(points.numpy(), heights.numpy(), 1)
print("found", [f"{number:.3f}" for number in p.tolist()], " exact", [f"{number:.3f}" for number in by_numpy])

# %% [markdown]
# The loss of a line has one minimum. That of a network has many: even the smallest network, $w_2 \tanh(w_1 x)$, has two
# equally good minima, since flipping both signs changes nothing. Between them, at 0, there is a **saddle point**: the
# gradient is 0, but it is not a minimum. Which minimum is found depends on the starting point. That is why weights are
# initialized at random, and never all to 0.

# %%
targets = 1.5 * torch.tanh(2 * points)


def network_loss(p):
    """Weights [..., 2] -> mean squared error [...] of w2 tanh(w1 x)."""
    return ((p[..., 1:2] * torch.tanh(p[..., 0:1] * points) - targets) ** 2).mean(-1)


fine, valleys = grid((-4, -3), (4, 3), 110, 90), set()
figure, axis = plt.subplots(figsize=(7, 4.4), layout="constrained")
axis.contour(fine[..., 0], fine[..., 1], (network_loss(fine) + 0.003).log(), levels=20, cmap="viridis")
for start in ([0.1, 2.5], [-0.5, 2.5], [-3.5, 1.0], [-0.3, -2.5], [3.0, -2.5], [0.02, -0.01]):
    path = descend(network_loss, start, 0.2, 400)
    axis.plot(path[:, 0], path[:, 1], "-", color="tab:red", linewidth=1)
    axis.plot(*start, "ko", markersize=4)
    axis.plot(*path[-1].tolist(), "*", color="tab:red", markersize=11)
    assert network_loss(path[-1]).item() < 0.01 * network_loss(path[0]).item()
    valleys.add(path[-1, 0].item() > 0)
axis.set(xlabel="$w_1$", ylabel="$w_2$", title="Six starting points (black), two minima")
plt.show()
assert torch.allclose(network_loss(fine), network_loss(-fine))  # both signs flipped
saddle = torch.zeros(2, dtype=torch.float64, requires_grad=True)
network_loss(saddle).backward()
assert saddle.grad.tolist() == [0, 0]
near = network_loss(0.1 * torch.tensor([[1.0, 1.0], [1.0, -1.0]], dtype=torch.float64))
assert near[0] < network_loss(saddle) < near[1]  # down on one side and up on the other
assert len(valleys) == 2

# %% [markdown]
# ## Exercises
#
# Replace `...` with your code; `lingon learn check 02` checks all three in your copy.
#
# ### 02.1 Numerical gradient
#
# `f` computes one number from an array `x` [N]. Return its gradient [N], using steps of `1e-4` to both sides, in one
# element of `x` at a time. Do not use `backward`, and do not modify `x`.


# %%
def slopes(f, x):
    # your turn
    ...


# %%
attempt(slopes, "02")

# %% [markdown]
# ### 02.2 The backward pass of a layer
#
# A linear layer computed `y = x @ W.t() + b`, with `x` [N, D], `W` [O, D] and `b` [O]. In the backward pass it receives
# `gy` [N, O], the gradient of the loss with respect to `y`. Return the three gradients with respect to `x`, `W` and
# `b`.


# %%
def back(x, W, gy):
    # your turn
    ...


# %%
attempt(back, "02")

# %% [markdown]
# ### 02.3 Gradient descent with momentum
#
# A rolling ball keeps its speed. Start with speed 0. In each of `steps` steps, the new speed is 0.9 times the old one
# plus the gradient of `f` at `x`; then subtract `lr` times the speed from `x`. Use the library's gradient. Return the
# last `x`, without its history, and do not modify the array that you were given.


# %%
def roll(f, x, lr, steps):
    # your turn
    ...


# %%
attempt(roll, "02")

# %% [markdown]
# ## What to read next
#
# - Seppo Linnainmaa, *Taylor expansion of the accumulated rounding error*, BIT, 1976: backpropagation before it was
#   used for networks.
# - David Rumelhart, Geoffrey Hinton and Ronald Williams, *Learning representations by back-propagating errors*, Nature,
#   1986.
# - Atilim Baydin and others, *Automatic differentiation in machine learning: a survey*, 2018.
# - The files `lingon/scratch/derivative_table.py`, all derivatives in one table, and
#   `lingon/scratch/autograd/engine.py`, the backward pass for arrays.
#
# A formula that is known as a whole, before any number is put in, can be optimized and exported: lesson 03.
