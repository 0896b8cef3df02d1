# %% [markdown]
# # 05. Machine learning basics
#
# **When has a model learned something, and when does it only know its homework by heart?**
#
# The network of lesson 04 was right about almost every digit it was trained on. That proves nothing: a list of all
# pictures with their labels would have been right about every one, and helpless before a new one. What we want is to be
# right about what we have *not* seen, and the difficulty is that we cannot look at it while we train. This lesson is
# about that gap: how it comes about, how to measure it without deceiving oneself, and three ways to make it smaller.
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

torch.set_num_threads(1)  # arrays this small gain nothing from more; on a busy machine they lose much

# %% [markdown]
# ## A curve that we know
#
# To see what learning does, take a task whose answer is known. The truth is a polynomial of degree 3,
#
# $$y = 5 + 1.2\,x - 3.4\,\frac{x^2}{2!} + 5.6\,\frac{x^3}{3!} + \text{noise},$$
#
# the noise is normal with a standard deviation of a tenth, and we get to see 20 points of it. The model is a polynomial
# as well, but of what degree? It is linear in its weights, one for each **feature** $x^k / k!$, so the weights with the
# smallest mean squared error are found in one go: where the gradient is 0. That is called **least squares**.


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
    errors = f"error {own[degree]:.3g} on its points,\n{new[degree]:.3g} on new ones"
    framed(axis, -35, 25, f"degree {degree}: {errors}")
axes[0].legend(fontsize=9)
plt.show()
assert own[14] < own[3] < own[1]
assert new[3] < new[1] < new[14]
assert own[1] > 20 * own[3]
assert new[1] > 20 * new[3]
assert new[14] > 1000 * own[14]

# %% [markdown]
# The line **underfits**: it is wrong on its own points and on new ones, for it cannot bend. Degree 14
# **overfits**: it is closest of all to its points, for it has bent to their noise, and between and beyond them it goes
# wherever it likes. The error on the training points tells the first from the second by nothing: it only ever falls
# when a model gets more weights.
#
# ## Choosing: the points that training must not see
#
# So keep some points back. We fit on the **training** part and choose hyperparameters, here the degree, by the error on
# the **validation** part. If there are few points, keeping five back hurts, and five say little. **Cross-validation**
# uses them all: cut the points into $k$ folds, keep each fold back once, and take the mean of the $k$ errors. With as
# many folds as points it is called *leave one out*. It looks as if that would take $n$ fits, but for least squares one
# is enough: with $H = X (X^\top X)^{-1} X^\top$, the error at a point that was left out is the error with it, divided
# by $1 - H_{ii}$.


# %%
def held_back(X, y, out):
    """Mean squared error on the points `out`, of the weights that were fitted without them."""
    kept = torch.ones(len(y), dtype=torch.bool)
    kept[out] = False
    return (X[out] @ least_squares(X[kept], y[kept]) - y[out]).square().mean().item()


def in_folds(X, y, k):
    """The mean error over k folds, each kept back once."""
    return sum(held_back(X, y, list(range(i, len(y), k))) for i in range(k)) / k


def leave_one_out(X, y):
    """The same with a fold for each point, from one fit."""
    H = X @ torch.linalg.pinv(X)
    return ((y - H @ y) / (1 - H.diagonal())).square().mean().item()


X = features(x, 3)
assert torch.allclose(torch.tensor(leave_one_out(X, y)), torch.tensor(in_folds(X, y, len(y))))
print(f"leave one out: {leave_one_out(X, y):.5f}, from one fit and from {len(y)}")

# %% [markdown]
# Does it choose well? Draw 20 points a hundred times over, let each rule choose a degree, and count.

# %%
degrees, draws = list(range(11)), 100
rules = {
    "error on its own points": lambda X, y: (X @ least_squares(X, y) - y).square().mean().item(),
    "5 points kept back": lambda X, y: held_back(X, y, list(range(5))),
    "5 folds": lambda X, y: in_folds(X, y, 5),
    "leave one out": leave_one_out,
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

assert (on_its_own.diff(dim=1) < 1e-6).all()  # it only ever falls
figure, axes = plt.subplots(1, 2, figsize=(12, 3.8), layout="constrained")
for name, errors, colour in (("on its own points", on_its_own, "tab:blue"), ("on new points", on_new, "tab:red")):
    low, middle, high = errors.quantile(torch.tensor([0.1, 0.5, 0.9]), 0)
    axes[0].fill_between(degrees, low, high, color=colour, alpha=0.2)
    axes[0].plot(degrees, middle, "o-", color=colour, markersize=4, label=name)
axes[0].axhline(0.1**2, color="black", linewidth=0.8, linestyle="--", label="the noise alone")
axes[0].set(yscale="log", xlabel="degree", ylabel="mean squared error", title="A hundred trainings, and most of them")
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
assert 30 < chosen["5 points kept back"][3] < min(chosen["5 folds"][3], chosen["leave one out"][3]) - 5

# %% [markdown]
# The error on its own points always chooses the most weights that it is offered. Five points kept back say little, as
# feared, and the two that use all points find the right degree most often.
#
# ## Why there are three parts
#
# The error by which a model was chosen is no longer honest, for it was the best of many, and the best of many was
# lucky. An extreme case: 300 "models" that guess one of ten digits at random, and 50 digits to choose by.

# %%
dice = torch.Generator().manual_seed(3)
y_valid, y_test = torch.randint(10, (50,), generator=dice), torch.randint(10, (5000,), generator=dice)
on_valid = (torch.randint(10, (300, 50), generator=dice) == y_valid).float().mean(1)
on_test = (torch.randint(10, (300, 5000), generator=dice) == y_test).float().mean(1)
best = on_valid.argmax()

figure, axis = plt.subplots(figsize=(8, 3), layout="constrained")
axis.hist(on_valid, bins=[i / 50 - 0.01 for i in range(18)], color="tab:gray", alpha=0.6)
axis.axvline(on_valid[best], color="tab:red", label=f"the best of 300: {on_valid[best]:.0%} on the 50 digits")
axis.axvline(on_test[best], color="tab:blue", label=f"the same one on 5,000 others: {on_test[best]:.1%}")
axis.set(xlabel="accuracy on the 50 digits", ylabel="models", title="Nobody here has learned anything")
axis.legend(fontsize=9)
plt.show()
assert on_valid[best] > 0.2
assert abs(on_test[best] - 0.1) < 0.02

# %% [markdown]
# So data come in three parts: training, validation to choose by, and a **test** part that is looked at once, at the
# end. Lingon's corpora are divided once and for all for that reason.
#
# ## Bias and variance
#
# Where does the error on new points come from? Think of all the sets of points we might have been given. Each gives
# another model $\hat f$. At any $x$, the mean squared error of these models, against the truth $f$, falls into two
# parts:
#
# $$\mathbb{E}\,(\hat f - f)^2 = (\mathbb{E} \hat f - f)^2 + \mathbb{E}\,(\hat f - \mathbb{E} \hat f)^2.$$
#
# The first is the **bias**, squared: what the models get wrong together. The second is the **variance**: how far they
# are from each other. To an observer of new points the noise comes on top, which no model can foresee. Below, 300 sets
# of 30 points each, with ten times the noise so that the eye can see it. The band holds eight of ten models.

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
    axis.plot(grid, middle, color="tab:red", label="the middle model")
    axis.plot(grid, truth(grid), color="black", linewidth=1, linestyle="--", label="truth")
    curves = torch.stack([features(near, degree) @ w for w in fitted])
    bias = (curves.mean(0) - truth(near)).square()
    variance = curves.var(0, correction=0)
    assert torch.allclose((curves - truth(near)).square().mean(0), bias + variance)
    parts[degree] = bias.mean(), variance.mean()
    dense = f"where points are dense,\nbias$^2$ {bias.mean():.2g}, variance {variance.mean():.2g}"
    framed(axis, -30, 20, f"degree {degree}: {dense}")
axes[0].legend(fontsize=9)
plt.show()
assert parts[1][0] > parts[1][1]  # the stiff one errs by its bias,
assert parts[8][1] > 10 * parts[8][0]  # the supple one by its variance

many = [sample(300, dice, noise=1.0) for _ in range(300)]  # ten times as many points
for degree, (bias, variance) in parts.items():
    curves = torch.stack([features(near, degree) @ least_squares(features(a, degree), b) for a, b in many])
    now = (curves.mean(0) - truth(near)).square().mean(), curves.var(0, correction=0).mean()
    print(f"degree {degree}, 30 points and 300: bias squared {bias:.2g} and {now[0]:.2g},", end=" ")
    print(f"variance {variance:.2g} and {now[1]:.2g}")
    assert now[1] < variance / 3
    assert degree > 1 or now[0] > bias / 2

# %% [markdown]
# A stiff model is wrong in the same way every time; a supple one is right on average and wrong each single time. More
# points cure variance and do nothing about bias. So the first question about a bad model is which of the two it has:
# bad on its own training data means bias, good there and bad elsewhere means variance.
#
# ## Weight decay: supple, but at a price
#
# Instead of a lower degree we can make large weights cost something. Add $\lambda$ times their squares to the error:
#
# $$\frac{1}{n} \lVert X w - y \rVert^2 + \lambda \lVert w \rVert^2.$$
#
# The gradient of the new part is $2 \lambda w$, so each step also shrinks every weight by a fixed share: hence the name
# **weight decay**. Bend only as far as the points are worth it.
#
# Two words of care. A bias is not a slope, it bends nothing, and is spared. And in optimizers that scale gradients,
# such as Adam, the decay must be kept out of the scaling (Loshchilov and Hutter, 2019): that is the W of AdamW.


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
# For polynomials the best weights under a penalty can be found in one go as well: it is as if we had more rows of data,
# one for each weight, that say "this weight is 0", each weighing $\sqrt{n \lambda}$. (Exercise 05.2 asks for them
# another way.)


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
assert torch.allclose(w.grad, torch.zeros_like(w), atol=1e-8)  # the bottom of the sum of both
decays = [10.0**e for e in torch.linspace(-9, 2, 45).tolist()]
paths = torch.stack([with_decay(X, b, decay) for decay in decays])  # [decays, weights]
on_its_own, on_new = ([error(w, *points) for w in paths] for points in ((a, b), (x_new, y_new)))
assert min(on_new) < min(on_new[0], on_new[-1]) / 2

figure, axes = plt.subplots(1, 3, figsize=(12.5, 3.8), layout="constrained")
axes[0].loglog(decays, on_its_own, color="tab:blue", label="error on its 15 points")
axes[0].loglog(decays, on_new, color="tab:red", label="error on new points")
axes[0].set(xlabel=r"decay $\lambda$", ylabel="mean squared error", title="Too little and too much of it")
axes[0].legend(fontsize=9)
for k in range(1, 11):
    axes[1].semilogx(decays, paths[:, k], color="tab:red" if k > 3 else "tab:blue", linewidth=1.2)
axes[1].set(xlabel=r"decay $\lambda$", ylim=(-25, 25), title="The weights; red those of $x^4$ and more")
axes[2].plot(grid, truth(grid), color="tab:gray", linewidth=4, alpha=0.4, label="truth")
for decay, colour in ((0.0, "tab:orange"), (decays[min(range(45), key=on_new.__getitem__)], "tab:red"), (30, "k")):
    axes[2].plot(grid, features(grid, 10) @ with_decay(X, b, decay), color=colour, label=f"decay {decay:.2g}")
axes[2].plot(a, b, "o", color="black", markersize=4)
axes[2].set(ylim=(-30, 20), xlabel="x", title="Degree 10 under three decays")
axes[2].legend(fontsize=9)
plt.show()

# %% [markdown]
# ## A network that knows its homework by heart
#
# Now the real thing: digits, but only 500 of them to learn from, and the network of lesson 04, with many times as many
# weights. After every epoch we look at the loss and the accuracy on the digits it learns from, and on the validation
# digits.

# %%
digits = load_pictures("digits")
x_train, y_train = torch.from_numpy(digits.train.flat[:500]), torch.from_numpy(digits.train.labels[:500])
x_valid, y_valid = torch.from_numpy(digits.valid.flat), torch.from_numpy(digits.valid.labels)
x_test, y_test = torch.from_numpy(digits.test.flat), torch.from_numpy(digits.test.labels)


def network(dropout=0.0):
    """784 -> 128 -> 10, with dropout of the hidden numbers, and of less of the pixels."""
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
    """A network, and for each epoch what was found on the training and on the validation digits."""
    seed_everything(seed)
    model, curves = network(dropout), []
    optimizer = sgd(model, lr=0.1, momentum=0.9, weight_decay=decay)
    for epoch in range(epochs):
        batches = Loader({"inputs": x_train, "targets": y_train}, Shuffled(len(x_train), 50, seed=100 * seed + epoch))
        fit(model, batches, loss_of, optimizer, config=TrainConfig(epochs=1))
        curves.append((judged(model, x_train, y_train), judged(model, x_valid, y_valid)))
    return model, curves


plain, curves = train()
print(f"{sum(p.numel() for p in plain.parameters()):,} weights, {len(x_train)} digits to learn from")
figure, axes = plt.subplots(1, 2, figsize=(11, 3.6), layout="constrained")
for axis, what in zip(axes, ("loss", "accuracy"), strict=True):
    axis.plot([row[0][what] for row in curves], color="tab:blue", label="on the digits it learns from")
    axis.plot([row[1][what] for row in curves], color="tab:red", label="on others")
    axis.set(xlabel="epoch", ylabel=what)
stop = min(range(len(curves)), key=lambda i: curves[i][1]["loss"])
axes[0].axvline(stop, color="black", linewidth=0.8, linestyle="--", label="best for others")
axes[0].legend(fontsize=9)
axes[1].axvline(stop, color="black", linewidth=0.8, linestyle="--")
plt.show()
first, best, last = (curves[i] for i in (0, stop, -1))
assert last[0]["loss"] < 0.02
assert first[1]["loss"] > 1.1 * best[1]["loss"]
assert last[1]["loss"] > 1.1 * best[1]["loss"]
assert abs(last[1]["accuracy"] - best[1]["accuracy"]) < 0.03

# %% [markdown]
# The training loss goes to 0, and on the way the loss on other digits turns round and rises, though the accuracy hardly
# moves. Both are true at once: it is wrong as often as before, but surer and surer of it. We come back to that below.
#
# The first remedy costs nothing: **early stopping** keeps the weights of the dashed line. In `fit` it is an argument,
# `evaluation=Evaluation(...)`: it evaluates, leaves the best weights, and with a `patience` of 5 ends when five
# evaluations in a row have brought nothing. Exercise 05.3 asks for its rule.
#
# ## Dropout: no hidden number may rely on another
#
# In training, set each hidden number to 0 with the probability $p$, and divide the others by $1 - p$, so that their
# mean stays as it was (Srivastava and others, 2014). In every step another part of the network is missing, so nothing
# may depend on one lucky combination. When the network is used, all of it is there, as if many thinned networks voted.


# %%
def dropped(x, p):
    """x with a share p of its numbers set to 0, the others grown to make up for it."""
    kept = torch.empty_like(x).bernoulli_(1 - p)
    return x * kept / (1 - p)


hidden = torch.rand(1000, 128)
seed_everything(0)
ours = dropped(hidden, 0.5)
seed_everything(0)
assert torch.allclose(ours, F.dropout(hidden, 0.5))
print(f"mean before {hidden.mean():.3f}, after {ours.mean():.3f}; zeros {(ours == 0).float().mean():.1%}")

# %% [markdown]
# Three seeds for each remedy, since one training is one draw. Early stopping is the plain network at its best epoch, by
# the loss on the validation digits.

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
# With 1,000 test digits one standard error of an accuracy is about one in a hundred, so most of these differences in
# accuracy could be luck; the large ones in loss are not. Early stopping is the cheapest of the four, it even saves
# time. What helps most is not in the picture at all: more data. With all the digits, as in lesson 04, the plain network
# is better than with any remedy here.
#
# ## Does it know what it does not know?
#
# A model that says "nine to one" a thousand times should be right nine hundred times. That is **calibration**, and
# accuracy says nothing about it. Sort the predictions into bins by how sure the model was, and compare in each bin how
# sure it was with how often it was right. The mean distance of the two, weighted by the counts, is the *expected
# calibration error* (Guo and others, 2017).


# %%
def calibration_error(probabilities, labels, bins=10):
    """Mean over all examples of |how sure - how often right| of their bin."""
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
# A model that is too sure can be cured after training, without touching a weight: divide all logits by a
# **temperature** $T$. No label changes, for the largest stays the largest; with $T > 1$ the probabilities become
# milder. One number, chosen by the loss on the validation digits.

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
assert errors[1] < errors[0] / 1.5  # cured, for the most part
assert probabilities.amax(1).mean() > (logits["plain"].argmax(1) == y_test).float().mean() + 0.03  # surer than right
figure, axes = plt.subplots(2, 3, figsize=(11, 5), sharex=True, height_ratios=(3, 1), layout="constrained")
for column, (name, values) in enumerate(views.items()):
    bins = reliability(values.softmax(1), y_test)
    upper, lower = axes[0, column], axes[1, column]
    middles = [(b.low + b.high) / 2 for b in bins]
    # Twice the standard error of a share, from the counts: short bins have long bars.
    doubt = [2 * math.sqrt(b.confidence * (1 - b.confidence) / b.count) if b.count else 0.0 for b in bins]
    upper.plot([0, 1], [0, 1], color="black", linewidth=0.8, linestyle="--", label="as sure as right")
    upper.bar(middles, [b.accuracy for b in bins], width=0.09, color="tab:blue", label="how often right")
    many = [b for b in bins if b.count]
    upper.errorbar(
        [b.confidence for b in many],
        [b.confidence for b in many],
        yerr=[d for b, d in zip(bins, doubt, strict=True) if b.count],
        fmt="none",
        color="tab:red",
        capsize=2,
        label="what luck allows",
    )
    sure = expected_calibration_error(values.softmax(1), y_test)
    upper.set_title(f"{name}\ncalibration error {sure:.3f}, loss {F.cross_entropy(values, y_test):.3f}", fontsize=10)
    upper.set_ylim(0, 1.05)
    lower.bar(middles, [b.count for b in bins], width=0.09, color="tab:gray")
    lower.set(xlabel="how sure", yscale="log")
axes[0, 0].set_ylabel("how often right")
axes[0, 0].legend(fontsize=8)
axes[1, 0].set_ylabel("digits")
plt.show()

# %% [markdown]
# Look at the bars that end below the dashed line: there it was surer than right. All of this is the gap of the first
# lines once more. A network that has learned its 500 digits by heart has seen itself right every time, and believes it.
#
# ## Exercises
#
# Write your lines in place of `...`; `lingon learn check 05` checks all three in your copy.
#
# ### 05.1 Cut into folds
#
# Give back the `k` folds of `n` places as a list of `k` pairs of lists: the places to train on, and those kept back.
# Every place from 0 to n - 1 is kept back exactly once, and trained on in all other folds; the sizes of two folds
# differ by at most one. Data often lie sorted, so the places must be dealt out in a random order, which is that of
# `random.Random(seed)`: the same seed gives the same folds, another seed others. (Put `import random` into your
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
# `X` is [n, D], `y` is [n], both float64. Give back the weights `w` [D] for which
# $\frac{1}{n} \lVert X w - y \rVert^2 + \lambda \lVert w \rVert^2$ is smallest, where `decay` is $\lambda > 0$ and all
# weights pay, the first too. Set the gradient to 0 and solve for $w$: no steps are needed. There may be more weights
# than points.


# %%
def ridge(X, y, decay):
    # your turn
    ...


# %%
attempt(ridge, "05")

# %% [markdown]
# ### 05.3 Stop in time
#
# `losses` are the validation losses of the epochs 0, 1, 2, and so on. A training with a `patience` stops as soon as so
# many epochs in a row have brought no loss lower than the lowest before them. Give back a pair: the epoch whose weights
# are kept (the first one with the lowest loss among those that were run), and how many epochs were run.


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
#   assessment of models, with all its traps.
# - Nitish Srivastava and others, *Dropout*, 2014; Ilya Loshchilov and Frank Hutter, *Decoupled Weight Decay
#   Regularization*, 2019.
# - Chuan Guo and others, *On Calibration of Modern Neural Networks*, 2017.
# - Mikhail Belkin and others, *Reconciling modern machine-learning practice and the classical bias-variance trade-off*,
#   2019: what happens when there are far more weights than points. The story above is not the whole one.
#
# From here on the data are texts. Lesson 06 makes numbers of their words.
