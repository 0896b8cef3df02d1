# %% [markdown]
# # 04. Neural networks
#
# **How can a machine read a handwritten digit that it has never seen?**
#
# Nobody can write down the rule that tells a 3 from an 8. So we write down something else: a formula with many unknown
# numbers, its **weights**, and a method to improve them by looking at examples. That is the core of machine learning.
# This lesson does it in three steps on real digits: comparing pictures with the mean of each class, a linear layer, and
# a network with a hidden layer.
#
# You need: arrays (lesson 01), gradients (02). From now on we use PyTorch's arrays, called tensors; the names are those
# that you know from `lingon.scratch`. Every number below is computed as you run the lesson; all of it takes less than a
# minute.

# %%
import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from torch import nn

from lingon.core.seed import seed_everything
from lingon.data.batches import Loader, Shuffled
from lingon.data.corpora import load_pictures
from lingon.engine.fit import TrainConfig, fit
from lingon.engine.loss import Loss
from lingon.engine.optimizers import adamw, sgd
from lingon.learn import attempt

torch.set_num_threads(1)  # for arrays this small more threads gain nothing, and on a busy machine they cost time
digits = load_pictures("digits")
x_train, y_train = torch.from_numpy(digits.train.flat), torch.from_numpy(digits.train.labels)
x_valid, y_valid = torch.from_numpy(digits.valid.flat), torch.from_numpy(digits.valid.labels)
x_test, y_test = torch.from_numpy(digits.test.flat), torch.from_numpy(digits.test.labels)
print(f"{len(x_train):,} digits for training, {len(x_valid):,} for validation, {len(x_test):,} for testing")
print(f"each digit is {x_train.shape[1]} numbers between {x_train.min():.0f} (paper) and {x_train.max():.0f} (ink)")


# %%
def draw(rows, titles=None, columns=10, colours="gray_r", most=None):
    """Draws pictures of 28 x 28 pixels side by side."""
    lines = -(-len(rows) // columns)
    height = 1.0 if titles is None else 1.3
    figure, axes = plt.subplots(
        lines, columns, figsize=(10, 10 / columns * height * lines), squeeze=False, layout="constrained"
    )
    for axis in axes.flat:
        axis.axis("off")
    for i, (axis, row) in enumerate(zip(axes.flat, rows, strict=False)):
        axis.imshow(row.reshape(28, 28), cmap=colours, vmin=None if most is None else -most, vmax=most)
        axis.set_title("" if titles is None else titles[i], fontsize=9)
    return figure


draw(x_train[:40])
plt.show()

# %% [markdown]
# ## A baseline first
#
# Before any network, we try the simplest method that could work. Compute the mean picture of each digit, and assign a
# new picture to the nearest mean. Every more expensive model must beat this. (Guessing gets one in ten right.)

# %%
means = torch.stack([x_train[y_train == digit].mean(0) for digit in range(10)])  # [10, 784]
nearest = torch.cdist(x_test, means).argmin(1)
baseline = (nearest == y_test).float().mean().item()
print(f"accuracy of the nearest mean: {baseline:.3f}")
draw(means, [f"mean {digit}" for digit in range(10)])
plt.show()
apart = (means[3] - means[8]).square().reshape(28, 28)
left = apart[:, :14].sum() / apart.sum()
print(f"{left:.0%} of the squared difference between the means of 3 and 8 lies in the left half")
assert left > 0.55

# %% [markdown]
# ## A linear layer: ten templates, ten scores
#
# The nearest mean treats all pixels alike. But the difference between a 3 and an 8 lies more on the left than on the
# right. So we give each pixel a separate weight for each digit. For a picture $x$ with $D = 784$ pixels, a matrix $W$
# [C, D] with one row for each of the $C = 10$ classes, and a bias $b$ [C],
#
# $$z = W x + b$$
#
# is one score per class. Scores that go into a softmax are called **logits**. Row $c$ of $W$ is a template: where it is
# positive, ink is evidence for class $c$; where it is negative, ink is evidence against it.
#
# Logits may be any numbers. The **softmax** turns them into probabilities, which are positive and sum to 1:
#
# $$p_c = \frac{e^{z_c}}{\sum_k e^{z_k}}.$$


# %%
def softmax(logits):
    """[B, C] -> [B, C]: positive, and every row sums to 1."""
    powers = logits.exp()
    return powers / powers.sum(1, keepdim=True)


z = torch.tensor([[2.0, 1.0, 0.0, -1.0], [4.0, 2.0, 0.0, -2.0], [12.0, 11.0, 10.0, 9.0]])
assert torch.allclose(softmax(z), z.softmax(1))
figure, axes = plt.subplots(2, 3, figsize=(9, 3.6), sharex=True)
for column, name in enumerate(("some logits", "twice as large", "the first, plus 10")):
    axes[0, column].bar(range(4), z[column], color="tab:gray")
    axes[0, column].axhline(0, color="black", linewidth=0.5)
    axes[0, column].set_title(name, fontsize=10)
    axes[1, column].bar(range(4), softmax(z)[column])
    axes[1, column].set(ylim=(0, 1), xticks=range(4))
axes[0, 0].set_ylabel("logits")
axes[1, 0].set_ylabel("probabilities")
figure.suptitle("Only differences between logits matter; larger ones give more confident predictions")
figure.tight_layout()
plt.show()
assert torch.allclose(softmax(z)[0], softmax(z)[2])
assert softmax(z)[1].max() > softmax(z)[0].max()

# %% [markdown]
# ## The loss: cross-entropy
#
# To improve the weights we need one number that says how bad they are: the **loss**. For each example, take the
# probability that the model assigns to the correct class $y$, and compute $-\log p_y$: it is 0 if the model is certain
# and right, and large if it is confident and wrong. The mean over the examples is the **cross-entropy**.
#
# Its gradient is remarkably simple. With respect to the logits of one example, it is the predicted probability minus
# the true one,
#
# $$\frac{\partial\,(-\log p_y)}{\partial z_c} = p_c - [c = y],$$
#
# where $[c = y]$ is 1 for the correct class and 0 for the others. The rest follows from lesson 02: since $z = W x + b$,
# the gradient of $W$ is this difference times $x$.


# %%
def cross_entropy(logits, labels):
    """[B, C], [B] -> the mean of -log p, where p is the probability of the correct class."""
    return -softmax(logits)[range(len(labels)), labels].log().mean()


seed_everything(0)
logits = torch.randn(7, 10, requires_grad=True)
loss = cross_entropy(logits, y_train[:7])
loss.backward()
assert torch.allclose(loss, F.cross_entropy(logits, y_train[:7]))
believed_less_true = softmax(logits.detach()) - F.one_hot(y_train[:7], 10)
assert torch.allclose(logits.grad, believed_less_true / 7, atol=1e-7)  # 7 because the loss is a mean
print(f"a model for which all digits are equally likely has the loss log(10) = {torch.tensor(10.0).log():.3f}")

# %% [markdown]
# ## The training loop
#
# The gradient points in the direction in which the loss grows fastest, so each step goes a little in the opposite
# direction. **Stochastic gradient descent** computes the gradient on a few examples, a **batch**, instead of all. This
# gradient is noisier, but also cheaper by the same factor, so in the same time many more steps are possible. One pass
# over all examples is an **epoch**. The size of a step is set by the **learning rate**. What we choose before training,
# such as the learning rate, the batch size and the number of epochs, is called a **hyperparameter**; what training
# finds are the parameters.
#
# A `Loader` makes batches from the columns of a data set, in a given order: `Shuffled` takes 50 rows at a time, newly
# shuffled for each epoch, determined by its seed.

# %%
W, b = torch.zeros(10, 784), torch.zeros(10)
losses = []
batches = Loader({"inputs": x_train, "targets": y_train}, Shuffled(len(x_train), 50, seed=0))
for _ in range(10):
    for batch in batches:
        W.requires_grad_(), b.requires_grad_()
        loss = cross_entropy(batch.inputs @ W.T + b, batch.targets)
        for_w, for_b = torch.autograd.grad(loss, [W, b])
        W, b = W.detach() - 0.1 * for_w, b.detach() - 0.1 * for_b
        losses.append(loss.item())

by_hand = ((x_test @ W.T + b).argmax(1) == y_test).float().mean().item()
print(f"in {len(losses)} steps the loss of a batch fell from {losses[0]:.3f} to {losses[-1]:.3f}")
print(f"accuracy on digits it has never seen: {by_hand:.3f}, nearest mean {baseline:.3f}")
assert losses[-1] < losses[0] / 2
assert by_hand > baseline + 0.05

# %% [markdown]
# This loop is the same for every model in this course except word vectors, which have their own for speed. So the
# library implements it once: `lingon.engine.fit` takes a model, batches, a loss function and an **optimizer**, the rule
# that updates the weights. A model is an `nn.Module` of PyTorch: an object that holds its parameters, and computes its
# output when it is called. The loss function returns a sum and a count, so that `fit` can divide the sum over several
# batches by the count of all of them. `fit` adds what a five-line loop lacks: it saves and resumes, clips gradients,
# averages weights, and stops if the loss is not finite. With the same batches it must reach the same weights, and it
# does.


# %%
def loss_of(model, batch):
    return Loss(F.cross_entropy(model(batch.inputs), batch.targets, reduction="sum"), len(batch.inputs))


def train(model, optimizer, epochs=10, seed=0):
    """Trains on the digits; returns the losses of all steps."""
    batches = Loader({"inputs": x_train, "targets": y_train}, Shuffled(len(x_train), 50, seed=seed))
    rows = fit(model, batches, loss_of, optimizer, config=TrainConfig(epochs=epochs, log_every=1)).rows
    return [row["loss"] for row in rows if "loss" in row]


@torch.inference_mode()
def accuracy(model, x=x_test, y=y_test):
    return (model.eval()(x).argmax(1) == y).float().mean().item()


linear = nn.Linear(784, 10)
nn.init.zeros_(linear.weight), nn.init.zeros_(linear.bias)
linear_losses = train(linear, sgd(linear, lr=0.1))
assert torch.allclose(linear.weight, W, atol=1e-5)
assert torch.allclose(linear.bias, b, atol=1e-5)
print(f"equal to our own loop; accuracy {accuracy(linear):.3f}")

# %% [markdown]
# What did it learn? Draw the ten rows of $W$ as pictures: red where ink is evidence for the digit, blue where it is
# evidence against it. The 0 is blue in the middle, because a 0 has no ink there. Compare them with the mean pictures
# above: a mean shows what a digit looks like, a template shows what distinguishes it from the other nine.

# %%
figure = draw(linear.weight.detach(), [f"for {digit}" for digit in range(10)], colours="RdBu_r", most=0.6)
plt.show()
assert linear.weight[0].reshape(28, 28)[11:17, 11:17].mean() < -0.05  # the middle of the 0

# %% [markdown]
# ## The loss surface
#
# The loss is the height of a surface over a space with one dimension per weight. With two weights it can be drawn. Let
# us distinguish a 3 from a 5 by two numbers only: the ink in the upper left quarter and the ink in the upper right. A 5
# has more of the first, a 3 more of the second. The arrows are the negative gradient; they are perpendicular to the
# contour lines. We start at the same point with three learning rates.

# %%
pair = (y_train == 3) | (y_train == 5)
quarters = x_train[pair].reshape(-1, 28, 28)[:, 4:14]
features = torch.stack([quarters[:, :, 4:14].mean((1, 2)), quarters[:, :, 14:24].mean((1, 2))], 1) * 10
features = features - features.mean(0)
is_five = (y_train[pair] == 5).float()
of_three, of_five = features[is_five == 0].mean(0), features[is_five == 1].mean(0)
assert of_five[0] > of_three[0]
assert of_three[1] > of_five[1]


def two_weight_loss(w):
    """w [..., 2] -> the loss of each pair of weights."""
    return F.softplus(-(2 * is_five - 1) * (w @ features.T)).mean(-1)


def descend(start, lr, steps=25):
    """The path of gradient descent: [steps + 1, 2]."""
    path = [torch.tensor(start)]
    for _ in range(steps):
        w = path[-1].clone().requires_grad_()
        (gradient,) = torch.autograd.grad(two_weight_loss(w), w)
        path.append(path[-1] - lr * gradient)
    return torch.stack(path)


grid = torch.cartesian_prod(torch.linspace(-3, 5, 61), torch.linspace(-5, 3, 61))
heights = two_weight_loss(grid).reshape(61, 61)
coarse = torch.cartesian_prod(torch.linspace(-2.5, 4.5, 8), torch.linspace(-4.5, 2.5, 8)).requires_grad_()
(slope,) = torch.autograd.grad(two_weight_loss(coarse).sum(), coarse)

figure, axes = plt.subplots(1, 3, figsize=(12, 4), sharey=True)
ends = []
for axis, lr in zip(axes, (0.1, 2.0, 12.0), strict=True):
    axis.contourf(grid[:, 0].reshape(61, 61), grid[:, 1].reshape(61, 61), heights, 25, cmap="viridis")
    axis.quiver(*coarse.detach().T, *-slope.T, color="white", alpha=0.7, width=0.004)
    path = descend([-2.0, 2.0], lr)
    ends.append(two_weight_loss(path[-1]).item())
    axis.plot(*path.T, "o-", color="tab:red", markersize=3, linewidth=1)
    axis.set(title=f"learning rate {lr:g}: loss {two_weight_loss(path[-1]):.3f}", xlabel="weight of the upper left ink")
    axis.set(xlim=(-3, 5), ylim=(-5, 3))
axes[0].set_ylabel("weight of the upper right ink")
figure.suptitle("25 steps of gradient descent: learning rate too small, right, too large")
figure.tight_layout()
plt.show()
print("loss after 25 steps:", [round(end, 3) for end in ends])
assert min(ends) == ends[1]

# %% [markdown]
# ## What one layer cannot do
#
# A linear layer has only one template for each digit, but people write a 7 in two ways, and a 4 open or closed. Would
# more layers help? Two linear layers in a row are equivalent to one: $W_2 (W_1 x) = (W_2 W_1) x$.

# %%
seed_everything(0)
first, second = torch.randn(13, 784), torch.randn(10, 13)
assert torch.allclose(x_test[:5] @ first.T @ second.T, x_test[:5] @ (second @ first).T, rtol=1e-3, atol=1e-2)
print("two linear layers are one")

# %% [markdown]
# There must be a nonlinear function between them, an **activation function**. The simplest is **ReLU**, $\max(0, z)$:
# it sets negative numbers to 0. A linear layer, an activation function and a linear layer form a **multilayer
# perceptron** (MLP) with one **hidden layer**, whose outputs are its hidden units.
#
# A small example shows what the activation function is good for. Blue points lie inside a ring of red ones; no straight
# line separates them. Each hidden unit is 0 on one side of a line and grows on the other, so $k$ of them can enclose a
# shape with up to $k$ corners. (The optimizer here is AdamW, which adapts the step size of each weight to its recent
# gradients: Kingma and Ba, 2015.)


# %%
def mlp(inputs, hidden, outputs):
    return nn.Sequential(nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, outputs))


seed_everything(1)
angle, ring = torch.rand(400) * 2 * torch.pi, torch.arange(400) % 2
radius = 0.35 + 0.12 * torch.randn(400) + 0.75 * ring
points = torch.stack([radius * angle.cos(), radius * angle.sin()], 1)
plane = torch.cartesian_prod(torch.linspace(-1.6, 1.6, 81), torch.linspace(-1.6, 1.6, 81))

figure, axes = plt.subplots(1, 4, figsize=(12, 3.3))
shares = []
for axis, hidden in zip(axes, (0, 2, 4, 32), strict=True):
    seed_everything(2)
    model = mlp(2, hidden, 2) if hidden else nn.Linear(2, 2)
    batches = Loader({"inputs": points, "targets": ring}, Shuffled(len(points), 50))
    fit(model, batches, loss_of, adamw(model, 0.03), config=TrainConfig(epochs=60))
    with torch.no_grad():
        red = model(plane).softmax(1)[:, 1].reshape(81, 81).T
        right = (model(points).argmax(1) == ring).float().mean()
    axis.imshow(red, origin="lower", extent=(-1.6, 1.6, -1.6, 1.6), cmap="RdBu_r", vmin=-0.6, vmax=1.6)
    axis.scatter(*points.T, c=ring, cmap="RdBu_r", s=7, vmin=-0.2, vmax=1.2)
    shares.append(right.item())
    axis.set_title(f"{hidden or 'no'} hidden units: {right:.0%} right", fontsize=10)
    axis.set(xticks=[], yticks=[])
figure.tight_layout()
plt.show()
assert shares == sorted(shares)
assert shares[0] < 0.75
assert shares[-1] > 0.97

# %% [markdown]
# ## A hidden layer for the digits
#
# Now we use a hidden layer of 128 units for the digits. Its weights must be initialized at random: if all hidden units
# started equal, they would get the same gradient and stay equal forever; the first lines below check this. The batches
# and the learning rate are those of the linear layer, plus momentum (see exercise 04.3).

# %%
alike = mlp(784, 3, 10)
for weights in alike.parameters():
    nn.init.constant_(weights, 0.1)
cross_entropy(alike(x_train[:50]), y_train[:50]).backward()
rows = alike[0].weight.grad
assert torch.allclose(rows[1], rows[0])
assert torch.allclose(rows[2], rows[0])

seed_everything(0)
network = mlp(784, 128, 10)
at_random = network[0].weight.detach().clone()
halves, at_half = [], []
for half in range(2):  # five epochs, and five more
    halves += train(network, sgd(network, lr=0.1, momentum=0.9), epochs=5, seed=half)
    at_half.append(accuracy(network))
curves = {"linear": linear_losses, "MLP": halves}
results = {"nearest mean": baseline, "linear": accuracy(linear), "MLP": accuracy(network)}

figure, axes = plt.subplots(1, 2, figsize=(10, 3.4))
for name, curve in curves.items():
    smooth = torch.tensor(curve).unfold(0, 35, 1).mean(1)
    axes[0].plot(smooth, label=name)
axes[0].set(xlabel="step", ylabel="training loss", yscale="log")
axes[0].legend()
error_bars = [(p * (1 - p) / len(y_test)) ** 0.5 for p in results.values()]  # one standard error
by_itself = accuracy(network, x_train, y_train)
print(f"the MLP on new digits: {at_half[0]:.3f} after five epochs, {at_half[1]:.3f} after ten")
print(f"on the training digits: {by_itself:.3f}")
assert by_itself > 0.98
assert results["MLP"] > results["linear"] + 2 * error_bars[2]
assert sum(halves[-70:]) < sum(halves[280:350]) / 2  # the last epoch and the fifth: the loss is still falling
assert abs(at_half[1] - at_half[0]) < 3 * error_bars[2]  # the accuracy on new digits has stopped rising
axes[1].barh(list(results), list(results.values()), xerr=error_bars, capsize=4)
axes[1].set(xlim=(0.7, 1), xlabel="accuracy on new digits, with one standard error")
for i, p in enumerate(results.values()):
    axes[1].text(0.71, i, f"{p:.3f}", color="white", va="center")
figure.tight_layout()
plt.show()

# %% [markdown]
# The error bars show one **standard error**: measured on $n$ test digits, an accuracy $p$ has an uncertainty of about
# $\sqrt{p(1-p)/n}$, and a difference of less than two standard errors may be due to chance.
#
# What do the hidden units look for? Each has 784 weights, which we can draw as a picture. Their random initial values
# would hide the pattern, so we draw only what training has added. Few look like a digit; they are strokes and edges,
# which the second layer combines into digits. Below are the 20 units with the largest weights in the second layer.

# %%
importance = network[2].weight.detach().norm(dim=0)
strongest = importance.argsort(descending=True)[:20]
draw((network[0].weight.detach() - at_random)[strongest], colours="RdBu_r", most=0.25)
plt.show()

# %% [markdown]
# And where is it wrong? These are its most confident errors on the new digits: the predicted digit, its probability,
# and the digit that was meant. Some of them you may get wrong as well. Always look at the errors of your models.

# %%
with torch.inference_mode():
    probabilities = network(x_test).softmax(1)
sure, said = probabilities.max(1)
wrong = (said != y_test).nonzero()[:, 0]
wrong = wrong[sure[wrong].argsort(descending=True)][:10]
titles = [f"predicted {said[i]} ({sure[i]:.0%})\nmeant {y_test[i]}" for i in wrong]
draw(x_test[wrong], titles, columns=5)
plt.show()

# %% [markdown]
# ## The loss surface of a real network
#
# The MLP has a weight for every pixel and every hidden unit, and nobody can visualize that many dimensions. But we can
# cut the loss surface along a plane: take the weights at every step of a training run, find the two directions along
# which they moved most (with the singular value decomposition of the path), and compute the loss on that plane. A
# smaller network with 16 hidden units is enough.
#
# On the left, each step uses five digits, and each digit is used once in total. The path zigzags, because the gradient
# on five digits is only a rough estimate. On the right, each step uses all digits. The path is straighter, but every
# step must process the whole data set. The left run has reached a lower loss at a fraction of the cost: this is why we
# train with small batches.


# %%
def flat(model):
    return torch.cat([p.detach().flatten() for p in model.parameters()])


def path_of(rows, steps, lr):
    """The weights at 70 steps of training by SGD with batches of `rows` rows, [70, weights], and the model."""
    seed_everything(4)
    model = mlp(784, 16, 10)
    path = []

    def loss_with_notes(model, batch):
        path.append(flat(model))
        return loss_of(model, batch)

    batches = Loader({"inputs": x_train, "targets": y_train}, Shuffled(len(x_train), rows))
    fit(model, batches, loss_with_notes, sgd(model, lr), config=TrainConfig(steps=steps))
    return torch.stack(path[:: steps // 70]), model


@torch.inference_mode()
def heights_on(model, origin, directions, across, along):
    """The loss at origin + a * directions[0] + b * directions[1], for all a of `across` and b of `along`."""
    heights = torch.empty(len(along), len(across))
    for i, b in enumerate(along):
        for j, a in enumerate(across):
            nn.utils.vector_to_parameters(origin + a * directions[0] + b * directions[1], model.parameters())
            heights[i, j] = F.cross_entropy(model(x_train[:400]), y_train[:400])
    return heights


figure, axes = plt.subplots(1, 2, figsize=(11, 4.5), layout="constrained")
ways, ends = [], []
for axis, (rows, steps, lr) in zip(axes, ((5, 700, 0.05), (len(x_train), 70, 0.2)), strict=True):
    path, model = path_of(rows, steps, lr)
    reached = F.cross_entropy(model(x_train), y_train).item()
    centre = path.mean(0)
    directions = torch.linalg.svd(path - centre, full_matrices=False).Vh[:2]
    on_plane = (path - centre) @ directions.T  # [points, 2]
    low, high = on_plane.min(0).values, on_plane.max(0).values
    margin = 0.35 * (high - low).max()
    across, along = (torch.linspace(low[k] - margin, high[k] + margin, 23) for k in (0, 1))
    shown = axis.contourf(across, along, heights_on(model, centre, directions, across, along), 25, cmap="viridis")
    axis.plot(*on_plane.T, "-", color="tab:red", linewidth=1)
    axis.plot(*on_plane[0], "o", color="white")
    figure.colorbar(shown, ax=axis)
    times = {1: "once"}.get(rows * steps // len(x_train), f"{rows * steps // len(x_train)} times")
    axis.set_title(f"{rows:,} digits per step: loss {reached:.2f}, each used {times}", fontsize=10)
    kept = on_plane.var(0).sum() / (path - centre).var(0).sum()
    assert kept > 0.8
    way = (path[1:] - path[:-1]).norm(dim=1).sum() / (path[-1] - path[0]).norm()
    ways.append(way.item())
    ends.append(reached)
    print(f"{rows:,} digits per step: the plane has {kept:.0%} of the variance; path / distance {way:.1f}")
figure.suptitle("The loss around a training run, and its path from the white point")
plt.show()
assert ways[0] > 1.3 * ways[1]  # the left one zigzags
assert ends[0] < ends[1]  # and has reached a lower loss, with a seventieth of the digits processed

# %% [markdown]
# ## Exercises
#
# Replace `...` with your code, run the cell, then the one below it. In a terminal, `lingon learn check 04` checks all
# three in your copy, and `--hint 2` gives more hints.
#
# ### 04.1 A numerically stable softmax
#
# Try `softmax(torch.tensor([[1000.0, 0.0]]))` with the function above: $e^{1000}$ is larger than any float32 number,
# and the result is not a number (NaN). Write a softmax that is right for logits of any size, for a tensor [B, C], with
# `exp` and `sum` but without calling PyTorch's own `softmax`. The third column of the softmax picture shows the idea.


# %%
def steady_softmax(logits):
    # your turn
    ...


# %%
attempt(steady_softmax, "04")

# %% [markdown]
# ### 04.2 The gradient, without autograd
#
# For the linear model with the mean cross-entropy as its loss, return the gradients of `W` and of `b`, as a pair. `x`
# is [B, D], `W` [C, D], `b` [C], `labels` [B]. Do not use autograd: take the predicted minus the true probabilities,
# times the input, averaged over the batch.


# %%
def gradient_by_hand(x, W, b, labels):
    # your turn
    ...


# %%
attempt(gradient_by_hand, "04")

# %% [markdown]
# ### 04.3 Momentum
#
# Plain gradient descent has no memory of its earlier steps. With **momentum** (Polyak, 1964), the step follows a
# velocity, a decaying sum of past gradients: the new velocity is `momentum` times the old one plus the gradient, and
# the weight moves by `-lr` times the new velocity. Return the new weight and the new velocity, as a pair.


# %%
def momentum_step(weight, velocity, gradient, lr, momentum):
    # your turn
    ...


# %%
attempt(momentum_step, "04")

# %% [markdown]
# ## What to read next
#
# - Michael Nielsen, *Neural Networks and Deep Learning*, 2015, chapter 1: the same digits, at a slower pace.
# - Aston Zhang and others, *Dive into Deep Learning*, 2023, chapters 3 to 5: linear layers and perceptrons, with code.
# - David Rumelhart, Geoffrey Hinton and Ronald Williams, *Learning Representations by Back-Propagating Errors*, 1986.
# - Yann LeCun and others, *Gradient-Based Learning Applied to Document Recognition*, 1998: where the digits come from.
# - Hao Li and others, *Visualizing the Loss Landscape of Neural Nets*, 2018: how to draw loss surfaces that can be
#   compared.
#
# The loss on the training digits is still falling, while the accuracy on new ones has stopped rising. When has a model
# learned something, and when has it only memorized its training data? That is lesson 05.
