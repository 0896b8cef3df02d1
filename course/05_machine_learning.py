# %% [markdown]
# # 05. Machine learning basics
#
# **When has a model learned something, and when has it only memorized its training data?**
#
# The network of lesson 04 was right about almost every digit it was trained on. That proves nothing: a lookup table of
# all pictures and their labels would have been right about every one, and useless for a new one. What we want is a
# model that is right about data it has *not* seen. This is **generalization**, and it cannot be measured on the
# training data. This lesson is about the gap between the two: how it arises, how to measure it without deceiving
# yourself, and three ways to make it smaller.
#
# You need: gradients (lesson 02) and networks (04). All of it takes less than a minute.

# %%
import math

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from torch import nn

from lingon.core.seed import seed_everything
from lingon.data.batches import Loader, Shuffled
from lingon.data.corpora import load_pictures
from lingon.engine.fit import TrainConfig, fit
from lingon.engine.loss import Loss
from lingon.engine.optimizers import sgd
from lingon.learn import attempt
from lingon.metrics.calibration import expected_calibration_error, reliability

torch.set_num_threads(1)  # for arrays this small more threads gain nothing, and on a busy machine they cost time

# %% [markdown]
# ## A known function
#
# To see what learning does, take a task whose answer is known. The true function is a polynomial of degree 3,
#
# $$y = 5 + 1.2\,x - 3.4\,\frac{x^2}{2!} + 5.6\,\frac{x^3}{3!} + \text{noise},$$
#
# where the noise is normally distributed with a standard deviation of a tenth, and we are given 20 points. The model is
# a polynomial as well, but of what degree? It is linear in its weights, one for each **feature** $x^k / k!$, so the
# weights with the smallest mean squared error can be computed directly, by setting the gradient to 0. This is called
# **least squares**.


# %%
def truth(x):
    return 5 + 1.2 * x - 3.4 * x**2 / math.factorial(2) + 5.6 * x**3 / math.factorial(3)


def sample(n, dice, noise=0.1):
    """n points of the curve, with noise."""
    x, error = torch.randn(2, n, generator=dice, dtype=torch.float64)
    return x, truth(x) + noise * error


def features(x, degree):
    """[n] -> [n, degree + 1]: x to the power of k, divided by k!"""
    return torch.stack([x**k / math.factorial(k) for k in range(degree + 1)], 1)


def least_squares(X, y):
    """The weights w for which the mean of (X w - y)^2 is smallest."""
    return torch.linalg.lstsq(X, y[:, None], driver="gelsd").solution[:, 0]


def error(w, x, y):
    """Mean squared error of a polynomial with the weights w."""
    return (features(x, len(w) - 1) @ w - y).square().mean().item()


dice = torch.Generator().manual_seed(1)
x, y = sample(20, dice)
x_new, y_new = sample(1000, dice)

X = features(x, 3)
w = least_squares(X, y)
gradient = 2 * X.T @ (X @ w - y) / len(y)
assert torch.allclose(gradient, torch.zeros(4, dtype=torch.float64), atol=1e-9)
print("weights found from 20 points:", [f"{value:.2f}" for value in w.tolist()])

# %% [markdown]
# Now three models for the same points: a straight line, a polynomial of the right degree, and one of degree 14, with
# 15 weights for 20 points.

# %%
grid = torch.linspace(-2.6, 2.6, 300, dtype=torch.float64)


def framed(axis, lowest, highest, title):
    axis.set(ylim=(lowest, highest), xlabel="x")
    axis.set_title(title, fontsize=10)


figure, axes = plt.subplots(1, 3, figsize=(12, 3.6), sharey=True, layout="constrained")
own, new = {}, {}
for axis, degree in zip(axes, (1, 3, 14), strict=True):
    w = least_squares(features(x, degree), y)
    axis.plot(grid, truth(grid), color="tab:gray", linewidth=4, alpha=0.4, label="truth")
    axis.plot(grid, features(grid, degree) @ w, color="tab:red", label="model")
    axis.plot(x, y, "o", color="black", markersize=4, label="20 points")
    own[degree], new[degree] = error(w, x, y), error(w, x_new, y_new)
    errors = f"error {own[degree]:.3g} on its points,\n{new[degree]:.3g} on new points"
    framed(axis, -35, 25, f"degree {degree}: {errors}")
axes[0].legend(fontsize=9)
plt.show()
assert own[14] < own[3] < own[1]
assert new[3] < new[1] < new[14]
assert own[1] > 20 * own[3]
assert new[1] > 20 * new[3]
assert new[14] > 1000 * own[14]

# %% [markdown]
# The line **underfits**: it is wrong on the training points and on new ones, because it is not flexible enough. Degree
# 14 **overfits**: it is closest of all to its training points, because it has fitted their noise, and between and
# beyond them it is far from the truth. The training error cannot tell you which of the two you have: it can only fall
# when a model gets more weights.
#
# ## Validation: points that training must not see
#
# So we hold some points out. We fit on the **training** set, and choose hyperparameters (here the degree) by the error
# on the **validation** set. If there are few points, holding out five hurts, and five points give only a rough
# estimate. **Cross-validation** uses them all: split the points into $k$ folds, hold out each fold once, and take the
# mean of the $k$ errors. With as many folds as points it is called *leave-one-out*. This seems to require $n$ fits, but
# for least squares one is enough: with $H = X (X^\top X)^{-1} X^\top$, the error at a point that was left out is the
# error of the fit on all points, divided by $1 - H_{ii}$.


# %%
def held_back(X, y, out):
    """Mean squared error on the points `out`, of the weights that were fitted without them."""
    kept = torch.ones(len(y), dtype=torch.bool)
    kept[out] = False
    return (X[out] @ least_squares(X[kept], y[kept]) - y[out]).square().mean().item()


def in_folds(X, y, k):
    """The mean error over k folds, each held out once."""
    return sum(held_back(X, y, list(range(i, len(y), k))) for i in range(k)) / k


def leave_one_out(X, y):
    """The same with one fold per point, from a single fit."""
    H = X @ torch.linalg.pinv(X)
    return ((y - H @ y) / (1 - H.diagonal())).square().mean().item()


X = features(x, 3)
assert torch.allclose(torch.tensor(leave_one_out(X, y)), torch.tensor(in_folds(X, y, len(y))))
print(f"leave-one-out: {leave_one_out(X, y):.5f}, the same from one fit and from {len(y)}")

# %% [markdown]
# Does this choose well? Draw 20 points a hundred times, let each rule choose a degree, and count.

# %%
degrees, draws = list(range(11)), 100
rules = {
    "error on its own points": lambda X, y: (X @ least_squares(X, y) - y).square().mean().item(),
    "5 points held out": lambda X, y: held_back(X, y, list(range(5))),
    "5 folds": lambda X, y: in_folds(X, y, 5),
    "leave-one-out": leave_one_out,
}
dice = torch.Generator().manual_seed(2)
on_its_own, on_new = torch.empty(2, draws, len(degrees))
chosen = {rule: [0] * len(degrees) for rule in rules}
for draw in range(draws):
    a, b = sample(20, dice)
    designs = [features(a, degree) for degree in degrees]
    fitted = [least_squares(X, b) for X in designs]
    on_its_own[draw] = torch.tensor([error(w, a, b) for w in fitted])
    on_new[draw] = torch.tensor([error(w, x_new, y_new) for w in fitted])
    for rule, judge in rules.items():
        found = [judge(X, b) for X in designs]
        chosen[rule][found.index(min(found))] += 1

assert (on_its_own.diff(dim=1) < 1e-6).all()  # it never rises
figure, axes = plt.subplots(1, 2, figsize=(12, 3.8), layout="constrained")
for name, errors, colour in (("on its own points", on_its_own, "tab:blue"), ("on new points", on_new, "tab:red")):
    low, middle, high = errors.quantile(torch.tensor([0.1, 0.5, 0.9]), 0)
    axes[0].fill_between(degrees, low, high, color=colour, alpha=0.2)
    axes[0].plot(degrees, middle, "o-", color=colour, markersize=4, label=name)
axes[0].axhline(0.1**2, color="black", linewidth=0.8, linestyle="--", label="the noise alone")
axes[0].set(yscale="log", xlabel="degree", ylabel="mean squared error", title="A hundred fits, and the range of most")
axes[0].set_ylim(1e-3, 1e3)
axes[0].legend(fontsize=9)
for row, (rule, counts) in enumerate(chosen.items()):
    axes[1].bar([d + 0.2 * row - 0.3 for d in degrees], counts, width=0.2, label=rule)
axes[1].set(xticks=degrees, xlabel="degree", ylabel="times chosen of 100", title="Which degree is chosen?")
axes[1].legend(fontsize=9, loc="upper center", bbox_to_anchor=(0.65, 1))
plt.show()
for rule, counts in chosen.items():
    print(f"{rule:24} chooses degree 3 in {counts[3]} of {draws} draws")
assert chosen["error on its own points"][10] == draws
assert 30 < chosen["5 points held out"][3] < min(chosen["5 folds"][3], chosen["leave-one-out"][3]) - 5

# %% [markdown]
# The error on its own points always chooses the largest degree offered. Five held-out points are not enough for a good
# choice, and the two rules that use all points find the right degree most often.
#
# ## Why there are three sets
#
# The error by which a model was chosen is no longer an unbiased estimate: it was the best of many, and the best of many
# was also lucky. Here is an extreme case: 300 "models" that guess one of ten digits at random, and 50 digits to choose
# the best by.

# %%
dice = torch.Generator().manual_seed(3)
y_valid, y_test = torch.randint(10, (50,), generator=dice), torch.randint(10, (5000,), generator=dice)
on_valid = (torch.randint(10, (300, 50), generator=dice) == y_valid).float().mean(1)
on_test = (torch.randint(10, (300, 5000), generator=dice) == y_test).float().mean(1)
best = on_valid.argmax()

figure, axis = plt.subplots(figsize=(8, 3), layout="constrained")
axis.hist(on_valid, bins=[i / 50 - 0.01 for i in range(18)], color="tab:gray", alpha=0.6)
axis.axvline(on_valid[best], color="tab:red", label=f"the best of 300: {on_valid[best]:.0%} on the 50 digits")
axis.axvline(on_test[best], color="tab:blue", label=f"the same one on 5,000 other digits: {on_test[best]:.1%}")
axis.set(xlabel="accuracy on the 50 digits", ylabel="models", title="None of these models has learned anything")
axis.legend(fontsize=9)
plt.show()
assert on_valid[best] > 0.2
assert abs(on_test[best] - 0.1) < 0.02

# %% [markdown]
# So data are split into three sets: a training set, a validation set for choosing, and a **test** set that is used only
# once, at the end. For this reason, the splits of Lingon's corpora are fixed.
#
# ## Bias and variance
#
# Where does the error on new points come from? Think of all the sets of points that we might have been given. Each
# gives a different model $\hat f$. At any $x$, the mean squared error of these models, compared with the true function
# $f$, is the sum of two parts:
#
# $$\mathbb{E}\,(\hat f - f)^2 = (\mathbb{E} \hat f - f)^2 + \mathbb{E}\,(\hat f - \mathbb{E} \hat f)^2.$$
#
# The first is the squared **bias**: the error of the average model. The second is the **variance**: how much the models
# differ from each other. The error on new points also includes their noise, which no model can predict. Below are 300
# sets of 30 points each, with ten times the noise so that the effect is visible. The band contains eight of ten models.

# %%
dice = torch.Generator().manual_seed(4)
sets = [sample(30, dice, noise=1.0) for _ in range(300)]
near = grid[(grid > -1) & (grid < 1)]
figure, axes = plt.subplots(1, 3, figsize=(12, 3.8), sharey=True, layout="constrained")
parts = {}
for axis, degree in zip(axes, (1, 3, 8), strict=True):
    fitted = [least_squares(features(a, degree), b) for a, b in sets]
    curves = torch.stack([features(grid, degree) @ w for w in fitted])  # [sets, places]
    low, middle, high = curves.quantile(torch.tensor([0.1, 0.5, 0.9], dtype=torch.float64), 0)
    axis.fill_between(grid, low, high, color="tab:red", alpha=0.25, label="eight of ten models")
    axis.plot(grid, middle, color="tab:red", label="median model")
    axis.plot(grid, truth(grid), color="black", linewidth=1, linestyle="--", label="truth")
    curves = torch.stack([features(near, degree) @ w for w in fitted])
    bias = (curves.mean(0) - truth(near)).square()
    variance = curves.var(0, correction=0)
    assert torch.allclose((curves - truth(near)).square().mean(0), bias + variance)
    parts[degree] = bias.mean(), variance.mean()
    dense = f"where points are dense:\nbias$^2$ {bias.mean():.2g}, variance {variance.mean():.2g}"
    framed(axis, -30, 20, f"degree {degree}: {dense}")
axes[0].legend(fontsize=9)
plt.show()
assert parts[1][0] > parts[1][1]  # the inflexible model has more bias,
assert parts[8][1] > 10 * parts[8][0]  # the flexible one more variance

many = [sample(300, dice, noise=1.0) for _ in range(300)]  # ten times as many points
for degree, (bias, variance) in parts.items():
    curves = torch.stack([features(near, degree) @ least_squares(features(a, degree), b) for a, b in many])
    now = (curves.mean(0) - truth(near)).square().mean(), curves.var(0, correction=0).mean()
    print(f"degree {degree}, 30 points and 300: bias squared {bias:.2g} and {now[0]:.2g},", end=" ")
    print(f"variance {variance:.2g} and {now[1]:.2g}")
    assert now[1] < variance / 3
    assert degree > 1 or now[0] > bias / 2

# %% [markdown]
# An inflexible model is wrong in the same way every time; a flexible one is right on average, but wrong each single
# time. More points reduce variance, but not bias. So the first question about a bad model is which of the two it has:
# if it is bad even on its training data, it is bias; if it is good there and bad elsewhere, it is variance.
#
# ## Weight decay: a penalty on large weights
#
# Instead of lowering the degree we can penalize large weights, which is called **regularization**. Add $\lambda$ times
# the sum of their squares to the error:
#
# $$\frac{1}{n} \lVert X w - y \rVert^2 + \lambda \lVert w \rVert^2.$$
#
# The gradient of the new term is $2 \lambda w$, so each step also shrinks every weight by a fixed fraction: hence the
# name **weight decay**. A weight becomes large only if this reduces the error enough.
#
# Two remarks. The bias of a layer only shifts the output and does not make a model more flexible, so it is usually not
# penalized. And in optimizers that scale gradients, such as Adam, the decay must be kept out of the scaling (Loshchilov
# and Hutter, 2019): that is the W of AdamW.


# %%
def decayed_step(w, gradient, lr, decay):
    """One step of gradient descent with the penalty decay / 2 * |w|^2."""
    return (1 - lr * decay) * w - lr * gradient


layer = nn.Linear(5, 1, bias=False)
optimizer = sgd(layer, lr=0.1, weight_decay=0.3)
inputs, before = torch.randn(7, 5), layer.weight.detach().clone()
layer(inputs).square().mean().backward()
optimizer.step()
assert torch.allclose(layer.weight, decayed_step(before, layer.weight.grad, 0.1, 0.3), atol=1e-7)
print("equal to PyTorch's SGD with weight decay")

# %% [markdown]
# For polynomials, the best weights under a penalty can be computed directly as well: it is as if we had one more row of
# data for each weight, which says "this weight is 0" and is scaled by $\sqrt{n \lambda}$. (Exercise 05.2 derives them
# in another way.)


# %%
def with_decay(X, y, decay):
    """Least squares with a penalty on all weights but the first, which is the bias."""
    rows = torch.eye(X.shape[1], dtype=X.dtype)[1:] * math.sqrt(len(y) * decay)
    return least_squares(torch.cat([X, rows]), torch.cat([y, torch.zeros(len(rows), dtype=y.dtype)]))


dice = torch.Generator().manual_seed(5)
a, b = sample(15, dice, noise=1.0)
X = features(a, 10)
w = with_decay(X, b, 0.1).requires_grad_()
((X @ w - b).square().mean() + 0.1 * w[1:].square().sum()).backward()
assert torch.allclose(w.grad, torch.zeros_like(w), atol=1e-8)  # the minimum of the sum of both
decays = [10.0**e for e in torch.linspace(-9, 2, 45).tolist()]
paths = torch.stack([with_decay(X, b, decay) for decay in decays])  # [decays, weights]
on_its_own, on_new = ([error(w, *points) for w in paths] for points in ((a, b), (x_new, y_new)))
assert min(on_new) < min(on_new[0], on_new[-1]) / 2

figure, axes = plt.subplots(1, 3, figsize=(12.5, 3.8), layout="constrained")
axes[0].loglog(decays, on_its_own, color="tab:blue", label="error on its 15 points")
axes[0].loglog(decays, on_new, color="tab:red", label="error on new points")
axes[0].set(xlabel=r"decay $\lambda$", ylabel="mean squared error", title="Too little and too much decay")
axes[0].legend(fontsize=9)
for k in range(1, 11):
    axes[1].semilogx(decays, paths[:, k], color="tab:red" if k > 3 else "tab:blue", linewidth=1.2)
axes[1].set(xlabel=r"decay $\lambda$", ylim=(-25, 25), title="The weights; red: those of $x^4$ and above")
axes[2].plot(grid, truth(grid), color="tab:gray", linewidth=4, alpha=0.4, label="truth")
for decay, colour in ((0.0, "tab:orange"), (decays[min(range(45), key=on_new.__getitem__)], "tab:red"), (30, "k")):
    axes[2].plot(grid, features(grid, 10) @ with_decay(X, b, decay), color=colour, label=f"decay {decay:.2g}")
axes[2].plot(a, b, "o", color="black", markersize=4)
axes[2].set(ylim=(-30, 20), xlabel="x", title="Degree 10 with three decays")
axes[2].legend(fontsize=9)
plt.show()

# %% [markdown]
# ## A network that memorizes its training data
#
# Now to real data: we train the network of lesson 04 on only 500 digits; it has many times as many weights. After every
# epoch we compute the loss and the accuracy on the training digits and on the validation digits.

# %%
digits = load_pictures("digits")
x_train, y_train = torch.from_numpy(digits.train.flat[:500]), torch.from_numpy(digits.train.labels[:500])
x_valid, y_valid = torch.from_numpy(digits.valid.flat), torch.from_numpy(digits.valid.labels)
x_test, y_test = torch.from_numpy(digits.test.flat), torch.from_numpy(digits.test.labels)


def network(dropout=0.0):
    """784 -> 128 -> 10, with dropout of the hidden units, and less dropout of the pixels."""
    hidden = nn.Sequential(nn.Dropout(0.4 * dropout), nn.Linear(784, 128), nn.ReLU())
    return nn.Sequential(hidden, nn.Dropout(dropout), nn.Linear(128, 10))


def loss_of(model, batch):
    return Loss(F.cross_entropy(model(batch.inputs), batch.targets, reduction="sum"), len(batch.inputs))


@torch.inference_mode()
def judged(model, x, y):
    """Loss and accuracy, without dropout."""
    logits = model.eval()(x)
    return {"loss": F.cross_entropy(logits, y).item(), "accuracy": (logits.argmax(1) == y).float().mean().item()}


def train(dropout=0.0, decay=0.0, seed=0, epochs=60):
    """A network, and for each epoch its loss and accuracy on the training and on the validation digits."""
    seed_everything(seed)
    model, curves = network(dropout), []
    optimizer = sgd(model, lr=0.1, momentum=0.9, weight_decay=decay)
    for epoch in range(epochs):
        batches = Loader({"inputs": x_train, "targets": y_train}, Shuffled(len(x_train), 50, seed=100 * seed + epoch))
        fit(model, batches, loss_of, optimizer, config=TrainConfig(epochs=1))
        curves.append((judged(model, x_train, y_train), judged(model, x_valid, y_valid)))
    return model, curves


plain, curves = train()
print(f"{sum(p.numel() for p in plain.parameters()):,} weights, {len(x_train)} training digits")
figure, axes = plt.subplots(1, 2, figsize=(11, 3.6), layout="constrained")
for axis, what in zip(axes, ("loss", "accuracy"), strict=True):
    axis.plot([row[0][what] for row in curves], color="tab:blue", label="on the training digits")
    axis.plot([row[1][what] for row in curves], color="tab:red", label="on the validation digits")
    axis.set(xlabel="epoch", ylabel=what)
stop = min(range(len(curves)), key=lambda i: curves[i][1]["loss"])
axes[0].axvline(stop, color="black", linewidth=0.8, linestyle="--", label="best validation loss")
axes[0].legend(fontsize=9)
axes[1].axvline(stop, color="black", linewidth=0.8, linestyle="--")
plt.show()
first, best, last = (curves[i] for i in (0, stop, -1))
assert last[0]["loss"] < 0.02
assert first[1]["loss"] > 1.1 * best[1]["loss"]
assert last[1]["loss"] > 1.1 * best[1]["loss"]
assert abs(last[1]["accuracy"] - best[1]["accuracy"]) < 0.03

# %% [markdown]
# The training loss goes to 0. Meanwhile the validation loss first falls and then rises, though the accuracy hardly
# changes. The two fit together: the network is wrong as often as before, but more and more confident when it is. We
# come back to that below.
#
# The first remedy costs nothing: **early stopping** keeps the weights from the epoch of the dashed line. In `fit` it is
# an argument, `evaluation=Evaluation(...)`: `fit` evaluates regularly, keeps the best weights, and with a `patience` of
# 5 it stops when five evaluations in a row have brought no improvement. In exercise 05.3 you implement this rule.
#
# ## Dropout: no hidden unit may rely on another
#
# During training, set each hidden unit to 0 with probability $p$, and divide the others by $1 - p$, so that the
# expected value does not change (Srivastava and others, 2014). In every step a different part of the network is
# missing, so the network cannot depend on any single combination of units. For predictions, the whole network is used,
# which resembles the average of many thinned networks.


# %%
def dropped(x, p):
    """x with each number set to 0 with probability p, and the others scaled up to compensate."""
    kept = torch.empty_like(x).bernoulli_(1 - p)
    return x * kept / (1 - p)


hidden = torch.rand(1000, 128)
seed_everything(0)
ours = dropped(hidden, 0.5)
seed_everything(0)
assert torch.allclose(ours, F.dropout(hidden, 0.5))
print(f"mean before {hidden.mean():.3f}, after {ours.mean():.3f}; zeros {(ours == 0).float().mean():.1%}")

# %% [markdown]
# We train with three seeds for each remedy, since a single run may be lucky. Early stopping is the plain network at the
# epoch with the lowest validation loss.

# %%
ways = {
    "plain": {},
    "weight decay": {"decay": 0.005},
    "dropout": {"dropout": 0.5},
    "decay and dropout": {"decay": 0.002, "dropout": 0.5},
}
found, last = {name: [] for name in ways}, {}
for name, settings in ways.items():
    for seed in range(3):
        model, curves = train(**settings, seed=seed)
        found[name].append(judged(model, x_test, y_test))
        last.setdefault(name, (model, curves))
found["early stopping"] = [judged(train(seed=seed, epochs=stop + 1)[0], x_test, y_test) for seed in range(3)]

figure, axes = plt.subplots(1, 3, figsize=(12.5, 3.6), layout="constrained", width_ratios=(1.2, 1, 1))
for name, (_, curves) in last.items():
    axes[0].plot([row[1]["loss"] for row in curves], label=name)
axes[0].set(xlabel="epoch", ylabel="loss on the validation digits", ylim=(0.3, 0.8))
axes[0].legend(fontsize=9)
for axis, what in ((axes[1], "loss"), (axes[2], "accuracy")):
    for row, scores in enumerate(found.values()):
        values = [score[what] for score in scores]
        axis.plot(values, [row] * 3, "o", color="tab:gray", markersize=4)
        axis.plot(sum(values) / 3, row, "|", color="tab:red", markersize=18, markeredgewidth=2)
    axis.set(xlabel=f"{what} on the test digits, three seeds", ylim=(4.5, -0.5))
    axis.set_yticks(range(5), found if what == "loss" else [""] * 5)
plt.show()
means = {}
for name, scores in found.items():
    means[name] = loss, right = [sum(score[what] for score in scores) / 3 for what in ("loss", "accuracy")]
    print(f"{name:20} loss {loss:.3f}   accuracy {right:.3f}")
one_error = math.sqrt(means["plain"][1] * (1 - means["plain"][1]) / len(y_test))
assert abs(one_error - 0.01) < 0.002
differences = [abs(right - means["plain"][1]) for _, right in means.values()]
assert sum(difference < 2 * one_error for difference in differences[1:]) >= 3  # of four
assert means["weight decay"][0] < 0.8 * means["plain"][0]
assert means["decay and dropout"][0] < 0.8 * means["plain"][0]
assert means["early stopping"][0] < means["plain"][0]
assert stop + 1 < 30

x_all, y_all = torch.from_numpy(digits.train.flat), torch.from_numpy(digits.train.labels)
seed_everything(0)
model = network()
batches = Loader({"inputs": x_all, "targets": y_all}, Shuffled(len(x_all), 50))
fit(model, batches, loss_of, sgd(model, lr=0.1, momentum=0.9), config=TrainConfig(epochs=10))
with_all = judged(model, x_test, y_test)
print(f"plain, with all {len(x_all):,} digits: loss {with_all['loss']:.3f}   accuracy {with_all['accuracy']:.3f}")
assert with_all["accuracy"] > max(right for _, right in means.values()) + 2 * one_error
assert with_all["loss"] < min(loss for loss, _ in means.values()) - 0.05

# %% [markdown]
# With 1,000 test digits, one standard error of an accuracy is about one percentage point, so most of these differences
# in accuracy could be due to chance; the large differences in loss are not. Early stopping is the cheapest of the four
# remedies; it even saves time. What helps most is not in the picture at all: more data. Trained on all digits, as in
# lesson 04, the plain network is better than with any remedy here.
#
# ## Calibration: are the probabilities right?
#
# Of a thousand predictions made with a probability of nine tenths, nine hundred should be right. This is
# **calibration**, and accuracy says nothing about it. Sort the predictions into bins by their confidence, the
# probability of the predicted class, and compare the mean confidence in each bin with the accuracy in it. The mean
# absolute difference of the two, weighted by the number of predictions, is the *expected calibration error* (Guo and
# others, 2017).


# %%
def calibration_error(probabilities, labels, bins=10):
    """Mean over all examples of |confidence - accuracy| of their bin."""
    sure, said = probabilities.max(1)
    right = (said == labels).float()
    total = 0.0
    for i in range(bins):
        inside = (sure > i / bins) & (sure <= (i + 1) / bins)
        total += abs((sure[inside] - right[inside]).sum().item())
    return total / len(labels)


with torch.inference_mode():
    logits = {name: last[name][0].eval()(x_test) for name in ("plain", "decay and dropout")}
    logits_valid = last["plain"][0](x_valid)
probabilities = logits["plain"].softmax(1)
by_library = torch.tensor(expected_calibration_error(probabilities, y_test))
assert torch.allclose(torch.tensor(calibration_error(probabilities, y_test)), by_library.float(), atol=1e-5)
print(f"equal to lingon.metrics.calibration: {by_library:.3f}")

# %% [markdown]
# An overconfident model can be corrected after training, without changing a weight: divide all logits by a
# **temperature** $T$. No predicted label changes, because the largest logit stays the largest; with $T > 1$ the
# probabilities become less extreme. The temperature is a single number, chosen by the loss on the validation digits.

# %%
temperatures = torch.linspace(0.5, 4, 71)
losses = torch.stack([F.cross_entropy(logits_valid / t, y_valid) for t in temperatures])
warm = temperatures[losses.argmin()]
assert warm > 1
assert torch.equal((logits["plain"] / warm).argmax(1), logits["plain"].argmax(1))

views = {
    "plain": logits["plain"],
    f"plain, logits divided by {warm:.2f}": logits["plain"] / warm,
    "decay and dropout": logits["decay and dropout"],
}
errors = [expected_calibration_error(values.softmax(1), y_test) for values in views.values()]
assert errors[1] < errors[0] / 1.5  # corrected, for the most part
assert probabilities.amax(1).mean() > (logits["plain"].argmax(1) == y_test).float().mean() + 0.03  # overconfident
figure, axes = plt.subplots(2, 3, figsize=(11, 5), sharex=True, height_ratios=(3, 1), layout="constrained")
for column, (name, values) in enumerate(views.items()):
    bins = reliability(values.softmax(1), y_test)
    upper, lower = axes[0, column], axes[1, column]
    middles = [(b.low + b.high) / 2 for b in bins]
    # Twice the standard error of an accuracy, from the counts: bins with few digits have long bars.
    doubt = [2 * math.sqrt(b.confidence * (1 - b.confidence) / b.count) if b.count else 0.0 for b in bins]
    upper.plot([0, 1], [0, 1], color="black", linewidth=0.8, linestyle="--", label="perfectly calibrated")
    upper.bar(middles, [b.accuracy for b in bins], width=0.09, color="tab:blue", label="accuracy")
    many = [b for b in bins if b.count]
    upper.errorbar(
        [b.confidence for b in many],
        [b.confidence for b in many],
        yerr=[d for b, d in zip(bins, doubt, strict=True) if b.count],
        fmt="none",
        color="tab:red",
        capsize=2,
        label="range of chance",
    )
    sure = expected_calibration_error(values.softmax(1), y_test)
    upper.set_title(f"{name}\ncalibration error {sure:.3f}, loss {F.cross_entropy(values, y_test):.3f}", fontsize=10)
    upper.set_ylim(0, 1.05)
    lower.bar(middles, [b.count for b in bins], width=0.09, color="tab:gray")
    lower.set(xlabel="confidence", yscale="log")
axes[0, 0].set_ylabel("accuracy")
axes[0, 0].legend(fontsize=8)
axes[1, 0].set_ylabel("digits")
plt.show()

# %% [markdown]
# Look at the bars that end below the dashed line: there the network was overconfident. This is the gap from the
# beginning of the lesson again. A network that has memorized its 500 digits was right every time in training, and its
# probabilities reflect that.
#
# ## Exercises
#
# Replace `...` with your code; `lingon learn check 05` checks all three in your copy.
#
# ### 05.1 Split into folds
#
# Return `k` folds of the indices of `n` examples as a list of `k` pairs of lists: the indices to train on, and those
# held out. Every index from 0 to n - 1 is held out exactly once, and trained on in all other folds; the sizes of two
# folds differ by at most one. Data are often sorted, so the indices must be dealt out in a random order, that of
# `random.Random(seed)`: the same seed gives the same folds, another seed gives others. (Put `import random` into your
# function.)


# %%
def folds(n, k, seed):
    # your turn
    ...


# %%
attempt(folds, "05")

# %% [markdown]
# ### 05.2 The best weights under a penalty
#
# `X` is [n, D], `y` is [n], both float64. Return the weights `w` [D] for which $\frac{1}{n} \lVert X w - y \rVert^2 +
# \lambda \lVert w \rVert^2$ is smallest, where `decay` is $\lambda > 0$ and all weights are penalized, including the
# first. Set the gradient to 0 and solve for $w$: no gradient descent is needed. There may be more weights than points.


# %%
def ridge(X, y, decay):
    # your turn
    ...


# %%
attempt(ridge, "05")

# %% [markdown]
# ### 05.3 Early stopping
#
# `losses` are the validation losses of epochs 0, 1, 2, and so on. Training stops as soon as `patience` epochs in a row
# have not improved on the lowest loss before them. Return a pair: the epoch whose weights are kept (the first one with
# the lowest loss among those that were run), and the number of epochs that were run.


# %%
def stop_in_time(losses, patience):
    # your turn
    ...


# %%
attempt(stop_in_time, "05")

# %% [markdown]
# ## What to read next
#
# - Aston Zhang and others, *Dive into Deep Learning*, 2023, chapters 3.6 and 3.7: generalization, and weight decay; and
#   chapter 4.4 of its first edition: this polynomial.
# - Trevor Hastie, Robert Tibshirani, Jerome Friedman, *The Elements of Statistical Learning*, 2009, chapter 7: the
#   assessment of models, with all its pitfalls.
# - Nitish Srivastava and others, *Dropout*, 2014; Ilya Loshchilov and Frank Hutter, *Decoupled Weight Decay
#   Regularization*, 2019.
# - Chuan Guo and others, *On Calibration of Modern Neural Networks*, 2017.
# - Mikhail Belkin and others, *Reconciling modern machine-learning practice and the classical bias-variance trade-off*,
#   2019: what happens when there are far more weights than points, which this lesson leaves out.
#
# From here on the data are texts. Lesson 06 turns their words into numbers.
