# %% [markdown]
# # 11. Attention and the Transformer
#
# **How can every token look back at all the others, and what does it look for?**
#
# An LSTM must keep everything that it has read in one state (lesson 10). The Transformer (Vaswani and others, 2017) has
# no such state: every token attends to the tokens before it directly, however far away they are. Lesson 09 applied
# attention to the states of a recurrent network; here there is no recurrent network, only attention. We derive it,
# build all of it, check each part against PyTorch, train it on real text, and then examine what each attention head
# attends to.
#
# You need: attention with a query (exercise 09.3) and language models (lesson 10). It takes about a minute.

# %%
import math

import matplotlib.pyplot as plt
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from lingon.core.seed import seed_everything
from lingon.data.corpora import load_text
from lingon.data.batches import shuffled_windows
from lingon.data.tokenizers import characters
from lingon.engine.fit import TrainConfig, fit
from lingon.engine.loss import Loss
from lingon.engine.optimizers import adamw
from lingon.engine.schedule import cosine, warmup
from lingon.layers.attention import Attention
from lingon.layers.attention_mask import causal_mask
from lingon.layers.feedforward import FeedForward, GatedFeedForward
from lingon.layers.kv_cache import empty_cache
from lingon.layers.norm import RMSNorm
from lingon.layers.rotary import Rotary, rotate
from lingon.layers.residual import PreNorm
from lingon.layers.transformer import Block, init_weights
from lingon.learn import attempt
from lingon.models.decoder import Decoder

# %% [markdown]
# ## Attention as a soft dictionary
#
# A Python dictionary contains keys and values; you look up a key, and get the value of the key that is equal. The match
# is all or nothing, so there is no gradient: a query that is slightly wrong does not get a better answer by becoming
# slightly less wrong.
#
# So let us make it soft. The **query** $q$ is a vector, and every **key** $k_t$ is a vector too. Their similarity is
# their dot product, a softmax turns the similarities into weights, and the answer is the weighted mean of the
# **values** $v_t$:
#
# $$\mathrm{out} = \sum_t a_t v_t, \qquad a_t = \frac{e^{q \cdot k_t}}{\sum_s e^{q \cdot k_s}}.$$
#
# The longer the query, the more the weight concentrates on the best key; with a very long query we have an ordinary
# dictionary again. Below are seven keys in the plane and one query. The area of a dot is its weight.

# %%
angles = torch.tensor([10, 50, 85, 130, 190, 250, 310]).deg2rad()
keys = torch.stack([angles.cos(), angles.sin()], 1)
figure, axes = plt.subplots(1, 3, figsize=(11, 3.6), sharex=True, sharey=True, layout="constrained")
largest = []
for axis, length in zip(axes, (0.5, 2.0, 12.0), strict=True):
    query = length * torch.tensor([0.8, 0.6])
    weights = (keys @ query).softmax(0)
    largest.append(weights.max().item())
    axis.scatter(*keys.T, s=900 * weights + 5, color="tab:orange")
    for key, weight in zip(keys, weights, strict=True):
        axis.annotate(f"{weight:.2f}", key, ha="center", va="center", fontsize=8)
    axis.annotate("", 0.75 * query / length, (0, 0), arrowprops={"arrowstyle": "->", "color": "tab:blue"})
    axis.set(title=f"a query of length {length:g}", xlim=(-1.7, 1.7), ylim=(-1.7, 1.7), aspect="equal")
plt.show()
assert largest == sorted(largest)
assert largest[-1] > 2 * largest[0]

# %% [markdown]
# If many queries are the rows of a matrix $Q$, the keys those of $K$ and the values those of $V$, attention consists of
# two matrix products and a softmax:
#
# $$\mathrm{attention}(Q, K, V) = \mathrm{softmax}\!\left(\frac{Q K^\top}{\sqrt{K}}\right) V.$$
#
# (Under the root, $K$ is the width of a key.) Why divide by the root? If the components of $q$ and $k$ are independent
# with mean 0 and variance 1, their dot product is a sum of $K$ products, with variance $K$. Without the root, the
# scores grow with the width, and the softmax puts nearly all weight on one key before anything is learned. Such a
# saturated softmax has almost no gradient: small changes of the scores no longer matter.

# %%
seed_everything(0)
widths, widest = [2**i for i in range(11)], {}
figure, axes = plt.subplots(1, 3, figsize=(12, 3.2), layout="constrained")
for name, power in (("as they are", 0.0), (r"divided by $\sqrt{K}$", 0.5)):
    spread, largest, slope = [], [], []
    for width in widths:
        scores = (torch.randn(300, 1, width) * torch.randn(300, 16, width)).sum(2) / width**power
        a = scores.softmax(1)
        spread.append(scores.std())
        largest.append(a.amax(1).mean())
        slope.append((a * (1 - a)).mean())  # derivative of a weight with respect to its own score
    widest[power] = spread[-1], largest[-1], slope[-1]
    for axis, values in zip(axes, (spread, largest, slope), strict=True):
        axis.semilogx(widths, values, "o-", base=2, markersize=4, label=name)
assert abs(widest[0.0][0] / widths[-1] ** 0.5 - 1) < 0.1  # the root of the width, and with the root:
assert abs(widest[0.5][0] - 1) < 0.1
assert widest[0.0][1] > 0.9 > widest[0.5][1]
assert widest[0.0][2] < widest[0.5][2] / 3
titles = ("standard deviation of the scores", "largest of 16 weights", "derivative of a weight by its score")
for axis, title in zip(axes, titles, strict=True):
    axis.set(title=title, xlabel="width of a key")
axes[0].legend(fontsize=9)
plt.show()

# %% [markdown]
# ## Attention masks
#
# A language model predicts each token from those before it. In training, all tokens of a text are predicted at once, so
# each must be prevented from seeing the token that it should predict. As in lesson 09, a score of minus infinity gives
# a weight of 0: `attention_mask` is [T, S], True where query t may attend to key s. Below are three masks: only the
# token itself and those before it (**causal**), only the last three tokens, and no padding. A Transformer with a causal
# mask is called a **decoder**, one whose tokens see the whole text an **encoder**.


# %%
def attention(q, k, v, attention_mask=None):
    """q [..., T, K], k [..., S, K], v [..., S, D] -> out [..., T, D], weights [..., T, S]."""
    scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])
    if attention_mask is not None:
        scores = scores.masked_fill(~attention_mask, -torch.inf)
    weights = scores.softmax(-1)
    return weights @ v, weights


def causal(T):
    """[T, T]: each token sees those before it, and itself."""
    return torch.ones(T, T, dtype=torch.bool).tril()


words = ["In", "the", "beginning", "God", "created", "[pad]", "[pad]"]
masks = {
    "causal": causal(7),
    "the last three": causal(7) & ~causal(7).tril(-3),
    "no padding": torch.tensor([[word != "[pad]" for word in words]] * 7),
}
figure, axes = plt.subplots(1, 3, figsize=(11, 4), layout="constrained")
for axis, (name, attention_mask) in zip(axes, masks.items(), strict=True):
    axis.imshow(attention_mask, cmap="Oranges", vmin=0, vmax=1.6)
    axis.set_xticks(range(7), words, rotation=60)
    axis.set_yticks(range(7), words)
    axis.set_title(name)
axes[0].set_ylabel("query")
axes[1].set_xlabel("key")
plt.show()

# %% [markdown]
# Our function equals PyTorch's, with and without masks. And no information leaks from the future: if the last tokens
# change, the results for the earlier ones must not.

# %%
seed_everything(0)
q, k, v = torch.randn(3, 2, 5, 7, 11).unbind(0)  # [B, H, T, K]
for attention_mask in (None, causal(7), masks["the last three"]):
    truth = F.scaled_dot_product_attention(q, k, v, attn_mask=attention_mask)
    assert torch.allclose(attention(q, k, v, attention_mask)[0], truth, atol=1e-6)
assert torch.allclose(
    attention(q, k, v, causal(7))[0], F.scaled_dot_product_attention(q, k, v, is_causal=True), atol=1e-6
)
before, _ = attention(q, k, v, causal(7))
after, _ = attention(q, k.index_fill(2, torch.tensor([5, 6]), 9.0), v, causal(7))
assert torch.equal(before[:, :, :5], after[:, :, :5])
print("equal to scaled_dot_product_attention; tokens 5 and 6 change nothing for those before them")

# %% [markdown]
# ## Several heads
#
# Where do queries, keys and values come from? In **self-attention**, all three are computed from the same tokens, each
# by a separate linear layer: the query is what a token looks for, the key is what it can be found by, and the value is
# the information that it passes on.
#
# One softmax gives one weighted mean. A token that needs both the letter before it and the start of its word gets only
# a mixture of the two. So the width is divided among several **heads**, which attend independently, and a final linear
# layer combines their results. The number of weights stays the same, $4 D^2$ plus the biases.


# %%
class Heads(nn.Module):
    """Multi-head self-attention that stores its weights so that we can look at them."""

    def __init__(self, width, heads, turn=None):
        super().__init__()
        self.heads, self.turn, self.silent = heads, turn, ()
        self.qkv = nn.Linear(width, 3 * width)  # the three layers as one matrix
        self.out = nn.Linear(width, width)

    def forward(self, x, attention_mask):
        B, T, D = x.shape
        q, k, v = self.qkv(x).view(B, T, 3, self.heads, -1).permute(2, 0, 3, 1, 4)  # each [B, H, T, K]
        if self.turn is not None:  # see the section on positions below
            q, k = self.turn(q), self.turn(k)
        mixed, self.weights = attention(q, k, v, attention_mask)
        mixed[:, list(self.silent)] = 0.0  # heads that an experiment switches off
        return self.out(mixed.transpose(1, 2).reshape(B, T, D))


ours, theirs = Heads(35, 5), nn.MultiheadAttention(35, 5, batch_first=True)
with torch.no_grad():
    theirs.in_proj_weight.copy_(ours.qkv.weight), theirs.in_proj_bias.copy_(ours.qkv.bias)
    theirs.out_proj.weight.copy_(ours.out.weight), theirs.out_proj.bias.copy_(ours.out.bias)
    x = torch.randn(3, 7, 35)
    out, weights = theirs(x, x, x, attn_mask=~causal(7), average_attn_weights=False)  # here True means: must not attend
    assert torch.allclose(ours(x, causal(7)), out, atol=1e-6)
    assert torch.allclose(ours.weights, weights, atol=1e-6)
assert sum(p.numel() for p in ours.parameters()) == 4 * 35**2 + 4 * 35  # whatever the number of heads
print("equal to nn.MultiheadAttention:", sum(p.numel() for p in ours.parameters()), "weights and biases")

# %% [markdown]
# ## Positions
#
# Look at the formula again: nothing in it depends on the position of a token. If you shuffle the tokens, the results
# are shuffled in the same way, and otherwise equal. For attention, a text is a bag of words (lesson 06).

# %%
shuffled = torch.randperm(7)
everything = torch.ones(7, 7, dtype=torch.bool)
with torch.no_grad():
    assert torch.allclose(ours(x[:, shuffled], everything), ours(x, everything)[:, shuffled], atol=1e-6)
print("a shuffled text gives the same results, shuffled")

# %% [markdown]
# So information about positions must be added. Here are three ways.
#
# **Learned**: a second embedding table, with one vector per position, is added to the vectors of the tokens. This is
# simple, but it does not work for positions that did not occur in training.
#
# **Sinusoids** (the first Transformer): the vector of position $t$ consists of $\sin(\omega_i t)$ and $\cos(\omega_i
# t)$ for frequencies $\omega_i = 10000^{-2i/D}$ from high to low, like the digits of a number. Since $\cos a \cos b +
# \sin a \sin b = \cos(a - b)$, the dot product of two of these vectors depends only on how far apart they are.


# %%
def sinusoids(T, D):
    """[T, D]: sines at the even indices, cosines at the odd ones."""
    frequencies = 10_000.0 ** (-torch.arange(0, D, 2) / D)
    angles = torch.arange(T)[:, None] * frequencies
    return torch.stack([angles.sin(), angles.cos()], 2).reshape(T, D)


table = sinusoids(96, 64)
near = table @ table.T
assert torch.allclose(near[10, 17], near[60, 67], rtol=1e-4)  # 7 apart, here or there
figure, axes = plt.subplots(1, 2, figsize=(11, 3.6), layout="constrained")
axes[0].imshow(table.T, cmap="RdBu_r", aspect="auto")
axes[0].set(xlabel="position", ylabel="component of the vector", title="Sinusoids")
for place in (0, 30, 60):
    axes[1].plot(torch.arange(96) - place, near[place], label=f"from position {place}")
axes[1].set(xlabel="distance", title="Dot products of two positions")
axes[1].legend(fontsize=9)
plt.show()

# %% [markdown]
# **Rotary** (Su and others, 2021): nothing is added; queries and keys are *rotated* instead. Take their components in
# pairs, as points in a plane, and rotate pair $i$ of the token at position $t$ by the angle $\omega_i t$. A dot product
# does not change if both vectors are rotated by the same angle; so if one is rotated by $\omega t$ and the other by
# $\omega s$, the result depends only on $t - s$. In this way every score of every layer depends on the distance, and
# the values are unchanged.


# %%
def turned(x, theta=10_000.0):
    """x [..., T, K] with the pair (x_i, x_{i + K/2}) of position t turned by t * theta^(-2i/K)."""
    T, K = x.shape[-2:]
    angles = torch.arange(T)[:, None] * theta ** (-torch.arange(0, K, 2) / K)
    cos, sin = angles.cos(), angles.sin()
    first, second = x.chunk(2, -1)
    return torch.cat([first * cos - second * sin, first * sin + second * cos], -1)


rotary = Rotary(16)
x = torch.randn(2, 3, 40, 16)
assert torch.allclose(turned(x), rotate(x, rotary(slice(0, 40), x)), atol=1e-5)

seed_everything(0)
query, key = torch.randn(2, 1, 16).expand(2, 40, 16)  # the same query and the same key at every position
scores = turned(query) @ turned(key).T
assert torch.allclose(scores[5, 2], scores[35, 32], atol=1e-4)  # 3 apart, here or there
figure, axes = plt.subplots(1, 2, figsize=(10, 3.6), layout="constrained")
image = axes[0].imshow(scores, cmap="RdBu_r")
axes[0].set(xlabel="position of the key", ylabel="position of the query", title="One query, one key, rotated")
figure.colorbar(image, ax=axes[0], label="score")
for pair, colour in ((0, "tab:red"), (2, "tab:blue")):
    points = turned(torch.eye(16)[pair].expand(40, 16))[:12]
    axes[1].plot(points[:, pair], points[:, pair + 8], "o-", color=colour, alpha=0.6, label=f"pair {pair}")
    for t in range(0, 12, 3):
        axes[1].annotate(str(t), (1.08 * points[t, pair], 1.08 * points[t, pair + 8]), fontsize=8, color=colour)
axes[1].set(aspect="equal", title="Two pairs at positions 0 to 11", xlim=(-1.3, 1.3), ylim=(-1.3, 1.3))
axes[1].legend(fontsize=9, loc="center")
plt.show()

# %% [markdown]
# ## The block
#
# Attention moves information between tokens, but a weighted mean is linear in the values. So after attention each token
# goes separately through a small MLP, the **feed-forward** layer, which is the same for all tokens. Two more components
# make it possible to stack many of these layers:
#
# - **Residual connections**: each layer *adds* its output to its input, $x + f(x)$, so that gradients have a direct
#   path back.
# - **LayerNorm**: before each layer every vector is normalized to mean 0 and variance 1, then scaled and shifted by
#   learned parameters.
#
# The first Transformers had the norm after the sum. If it comes first, nothing lies on the direct path, and deep stacks
# train without a careful **warm-up**, which is a learning rate that starts small and rises (Xiong and others, 2020).
#
# The activation function of the MLP is not ReLU but **GELU**: $x \, \Phi(x)$, where $\Phi(x)$ is the probability that a
# standard normal variable is below $x$. It is a smooth version of ReLU. GPT-2 approximates it with a tanh, and so do
# we.


# %%
def layer_norm(x, weight, bias, epsilon=1e-5):
    centred = x - x.mean(-1, keepdim=True)
    return centred / (centred.square().mean(-1, keepdim=True) + epsilon).sqrt() * weight + bias


def gelu(x):
    return x / 2 * (1 + (math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)).tanh())


norm, x = nn.LayerNorm(35), torch.randn(3, 7, 35)
with torch.no_grad():
    norm.weight.copy_(torch.rand(35)), norm.bias.copy_(torch.rand(35))
    assert torch.allclose(layer_norm(x, norm.weight, norm.bias), norm(x), atol=1e-5)
assert torch.allclose(gelu(x), F.gelu(x, approximate="tanh"), atol=1e-6)
assert torch.allclose(gelu(x), x * torch.distributions.Normal(0, 1).cdf(x), atol=1e-3)  # the approximation with tanh


class OurBlock(nn.Module):
    """x + attention(norm(x)), then x + feed(norm(x))."""

    def __init__(self, width, heads, turn=None):
        super().__init__()
        self.before_attention, self.before_feed = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = Heads(width, heads, turn)
        self.feed = nn.ModuleDict({"up": nn.Linear(width, 4 * width), "down": nn.Linear(4 * width, width)})

    def forward(self, x, attention_mask):
        x = x + self.attention(self.before_attention(x), attention_mask)
        return x + self.feed["down"](gelu(self.feed["up"](self.before_feed(x))))


ours = OurBlock(35, 5)
theirs = nn.TransformerEncoderLayer(35, 5, 140, dropout=0.0, activation=gelu, batch_first=True, norm_first=True)
names = {
    "before_attention": "norm1",
    "before_feed": "norm2",
    "attention.qkv.": "self_attn.in_proj_",
    "attention.out": "self_attn.out_proj",
    "feed.up": "linear1",
    "feed.down": "linear2",
}
weights = ours.state_dict()
for mine, name in names.items():
    weights = {key.replace(mine, name): value for key, value in weights.items()}
theirs.load_state_dict(weights)
x = torch.randn(3, 7, 35)
with torch.no_grad():
    assert torch.allclose(ours(x, causal(7)), theirs(x, src_mask=~causal(7)), atol=1e-5)
print("equal to nn.TransformerEncoderLayer with the norm first")

# %% [markdown]
# Do residual connections matter? Take 24 untrained blocks with and without them. Without them, all tokens of a text
# soon have nearly the same vector, because repeated averaging makes them equal (Dong and others, 2021); and the
# gradient vanishes on its way back, from block to block.


# %%
def through(blocks, x, residual):
    """x after each block, where `residual` is the fraction of x that is passed on."""
    steps = []
    for block in blocks:
        x = residual * x + block.attention(block.before_attention(x), causal(x.shape[1]))
        x = residual * x + block.feed["down"](gelu(block.feed["up"](block.before_feed(x))))
        steps.append(x)
    return steps


figure, axes = plt.subplots(1, 2, figsize=(10, 3.2), layout="constrained")
likeness, faded = {}, {}
for name, residual in (("with residuals", 1.0), ("without", 0.0)):
    seed_everything(0)
    blocks = [OurBlock(32, 4) for _ in range(24)]
    steps = through(blocks, torch.randn(4, 16, 32), residual)
    sides = [F.normalize(x.detach(), dim=2) for x in steps]
    alike = [((x @ x.mT).sum((1, 2)) - 16).mean() / (16 * 15) for x in sides]
    logits = nn.Linear(32, 10)(F.layer_norm(steps[-1], (32,)))
    F.cross_entropy(logits.flatten(0, 1), torch.arange(64) % 10).backward()
    axes[0].plot(range(1, 25), alike, "o-", markersize=3, label=name)
    slopes = [block.feed["up"].weight.grad.norm() for block in blocks]
    axes[1].semilogy(range(1, 25), slopes, "o-", markersize=3, label=name)
    likeness[name], faded[name] = alike[-1], slopes[0] / slopes[-1]
axes[0].set(
    xlabel="block", ylabel="mean cosine of two tokens", title="Are the tokens still different?", ylim=(-0.1, 1.1)
)
axes[1].set(xlabel="block", ylabel="norm of the gradient", title="How much gradient reaches each block?")
axes[0].legend(fontsize=9)
plt.show()
assert likeness["with residuals"] < 0.7
assert likeness["without"] > 0.99
assert faded["without"] < 0.2 < 0.5 < faded["with residuals"]

# %% [markdown]
# ## The whole model
#
# The model consists of an embedding, positions, blocks and a final norm. The logits are computed with the embedding
# table again, so the vector of a token is also the output that predicts it (**tied** weights).


# %%
class Transformer(nn.Module):
    """Predicts each token from those before it. positions: vectors [context, D] to add; turn: of queries and keys."""

    def __init__(self, vocab_size, width, depth, heads, positions=None, turn=None):
        super().__init__()
        self.embedding, self.positions = nn.Embedding(vocab_size, width), positions
        self.blocks = nn.ModuleList(OurBlock(width, heads, turn) for _ in range(depth))
        self.norm = nn.LayerNorm(width)
        init_weights(self, depth)  # small weights, as in GPT-2

    def forward(self, ids):
        x, T = self.embedding(ids), ids.shape[1]
        if self.positions is not None:
            x = x + self.positions[:T]
        for block in self.blocks:
            x = block(x, causal(T))
        return self.norm(x) @ self.embedding.weight.T


def from_the_library(vocab_size, width, depth, heads, context):
    """The same with rotary positions, built from Lingon's layers."""

    def block():
        residuals = PreNorm(nn.LayerNorm(width)), PreNorm(nn.LayerNorm(width))
        return Block(Attention(width, heads, bias=(True, True)), FeedForward(width, 4 * width), residuals, rotary="all")

    blocks, rotaries = [block() for _ in range(depth)], {"all": Rotary(width // heads)}
    return Decoder(nn.Embedding(vocab_size, width), blocks, rotaries, nn.LayerNorm(width), context, {})


def copied(model, heads, turn=turned):
    """Our model with the weights of one from the library, which lists the tied table twice."""
    vocab_size, width = model.embedding.weight.shape
    ours = Transformer(vocab_size, width, len(model.blocks), heads, turn=turn)
    weights = {name: value for name, value in model.state_dict().items() if name != "output.weight"}
    # In the library, the norms are part of the residual connections, `PreNorm`.
    names = {
        name: name.replace("around_", "before_").replace("feed_forward", "feed").replace(".pre_norm", "")
        for name in weights
    }
    ours.load_state_dict({names[name]: value for name, value in weights.items()})
    return ours.eval()


model = from_the_library(11, 24, 3, 3, 64).eval()
ids = torch.randint(11, (2, 13))
with torch.no_grad():
    assert torch.allclose(copied(model, 3)(ids), model(ids), atol=1e-5)
print("equal to a Decoder of lingon.layers:", f"{sum(p.numel() for p in model.parameters()):,} weights")

# %% [markdown]
# ## What has changed since
#
# Most current models (Llama, Qwen, Gemma) build on this one. These are common changes, though not every model has all
# of them:
#
# - **RMSNorm** does not subtract the mean and only scales the mean square to 1: this is as good, and less work (Zhang
#   and Sennrich, 2019).
# - **Gated** feed-forward layers multiply the outputs of two linear layers, one of them after an activation function:
#   $W_3(\mathrm{silu}(W_1 x) \cdot W_2 x)$. The SiLU, $x \, \sigma(x)$, is another smooth ReLU.
# - **Grouped-query attention**: several query heads share one head of keys and values. When a model generates text, the
#   keys and values of all earlier tokens are stored (exercise 11.3), and with fewer heads there are fewer to store.
# - A **sliding window**: in some layers a token sees only a fixed number of preceding tokens.


# %%
def rms_norm(x, weight, epsilon=1e-6):
    return x / (x.square().mean(-1, keepdim=True) + epsilon).sqrt() * weight


def gated(x, up_and_gate, down):
    gate, up = (x @ up_and_gate.T).chunk(2, -1)
    return (gate * gate.sigmoid() * up) @ down.T


def grouped(q, k, v, attention_mask):
    """q [B, H, T, K], k and v [B, G, T, K], where G divides H."""
    share = q.shape[1] // k.shape[1]
    return attention(q, k.repeat_interleave(share, 1), v.repeat_interleave(share, 1), attention_mask)[0]


norm, feed, x = RMSNorm(24), GatedFeedForward(24, 60), torch.randn(3, 7, 24)
q, k, v = torch.randn(3, 6, 7, 5), torch.randn(3, 2, 7, 5), torch.randn(3, 2, 7, 5)
with torch.no_grad():
    assert torch.allclose(rms_norm(x, norm.weight), norm(x), atol=1e-6)
    assert torch.allclose(gated(x, feed.up.weight, feed.down.weight), feed(x), atol=1e-6)
truth = F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)
assert torch.allclose(grouped(q, k, v, causal(7)), truth, atol=1e-6)
state = empty_cache(depth=1, limit=64).advance(7)  # while the first seven tokens of a text are read
assert torch.equal(causal_mask(state, 7, 3, torch.device("cpu")).mask, masks["the last three"])
kept = {heads: 2 * 32 * heads * 128 * 2 * 8192 / 1e9 for heads in (32, 8)}  # of a model of 32 layers, K = 128, 16 bit
print("equal to lingon.layers.norm, feedforward, attention_mask, and to PyTorch's grouped queries")
print(f"keys and values of 8,192 tokens: {kept[32]:.1f} GB with 32 heads of them, {kept[8]:.1f} GB with 8")

# %% [markdown]
# ## Real text
#
# We train on the King James Bible, letter by letter, 64 letters at a time. There are two baselines: the loss of a
# bigram model of letters (lesson 10), and that of a model that knows only how frequent each letter is.
#
# The learning rate is not constant. It rises linearly (the warm-up), so that the first steps, with untrained weights,
# are small. Then it falls to 0 along half a **cosine** wave, so that the last steps are small too.

# %%
T = 64
text = {part: "\n".join(load_text("kjv", part)) for part in ("train", "valid")}
tokenizer = characters([text["train"]])
encoded = {part: np.array(tokenizer.encode_batch([text[part]])[0]) for part in text}
valid = torch.from_numpy(encoded["valid"][: 200 * (T + 1)].reshape(200, T + 1)).long()
V = len(tokenizer.vocab)

counts = np.full((V, V), 0.01)
np.add.at(counts, (encoded["train"][:-1], encoded["train"][1:]), 1)
pairs, single = counts / counts.sum(1, keepdims=True), counts.sum(0) / counts.sum()
yardsticks = {
    "letters": -np.log(single[valid[:, 1:]]).mean(),
    "pairs of letters": -np.log(pairs[valid[:, :-1], valid[:, 1:]]).mean(),
}
print(f"{len(encoded['train']):,} training letters:", repr(text["train"][:60]))
print("   ".join(f"{name}: {nats:.3f} nats per letter" for name, nats in yardsticks.items()))


def factor(step, rise, total):
    """The factor by which the learning rate is multiplied."""
    return (step + 1) / rise if step < rise else (1 + math.cos(math.pi * (step - rise) / (total - rise))) / 2


theirs = warmup(30, cosine(170))
assert np.allclose([factor(step, 30, 200) for step in range(200)], [theirs(step) for step in range(200)])


# %%
def loss_of(model, batch):
    total = F.cross_entropy(model(batch.ids).flatten(0, 1), batch.targets.flatten(), reduction="sum")
    return Loss(total, batch.targets.numel())


def train(model, steps, rows=16):
    """Trains on the text; returns the losses of all steps."""
    config = TrainConfig(steps=steps, schedule=warmup(30, cosine(steps - 30)), max_grad_norm=1.0, log_every=1)
    optimizer = adamw(model, 1e-2, weight_decay=0.1, betas=(0.9, 0.99))
    rows = fit(model, shuffled_windows(encoded["train"], rows, T), loss_of, optimizer, config=config).rows
    return [row["loss"] for row in rows if "loss" in row]


@torch.inference_mode()
def judged(model):
    """Nats per letter on the validation text."""
    return F.cross_entropy(model.eval()(valid[:, :-1]).flatten(0, 1), valid[:, 1:].flatten()).item()


ways = {
    "none": {},
    "learned": {"positions": nn.Parameter(0.01 * torch.randn(T, 48))},
    "sinusoids": {"positions": 0.01 * sinusoids(T, 48)},
    "rotary": {"turn": turned},
}
reached = {}
figure, axis = plt.subplots(figsize=(8, 3.8), layout="constrained")
for name, parts in ways.items():
    seed_everything(0)
    small = Transformer(V, 48, 2, 4, **parts)
    curve = torch.tensor(train(small, 200, rows=8))
    reached[name] = judged(small)
    axis.plot(curve.unfold(0, 15, 1).mean(1), label=f"{name}: {reached[name]:.3f} on validation text")
assert all(abs(reached[name] - reached["none"]) < 0.1 for name in ("learned", "sinusoids"))
assert reached["rotary"] < reached["none"] - 0.1
for (name, nats), style in zip(yardsticks.items(), (":", "--"), strict=True):
    axis.axhline(nats, color="black", linewidth=0.8, linestyle=style, label=f"counts of {name}: {nats:.3f}")
axis.set(xlabel="step", ylabel="nats per letter", ylim=(1.9, 3.3), title="Three kinds of positions, and none")
axis.legend(fontsize=9)
plt.show()

# %% [markdown]
# In a training run as short as this one, position vectors that are added bring almost no improvement: the model must
# first learn to use their dot products. (GPT-2 has learned positions, and was trained long enough.) With rotary
# positions, every score depends on the distance from the first step. And *none* still has some information about
# positions: because of the causal mask the first letter sees one token, the second two, and so on, and a model can
# learn from that (Haviv and others, 2022).
#
# Now we train the library's model, with rotary positions, somewhat larger and for more steps.

# %%
seed_everything(0)
model = from_the_library(V, 64, 2, 4, T)
train(model, 600)
print(f"{sum(p.numel() for p in model.parameters()):,} weights, {judged(model):.3f} nats per letter on validation text")
print(f"trained on {600 * 16 * T / len(encoded['train']):.0%} of the letters, each once")
assert len(encoded["train"]) > 600 * 16 * T
assert judged(model) < min(reached.values())


@torch.inference_mode()
def written(model, prompt, letters=300, temperature=0.7):
    """Continues a prompt, letter by letter. Lesson 13 does this better, and faster."""
    ids = tokenizer.encode(prompt)
    for _ in range(letters):
        logits = model.eval()(torch.tensor([ids[-T:]]))[0, -1]
        ids.append(torch.multinomial((logits / temperature).softmax(0), 1).item())
    return tokenizer.decode(ids)


print(written(model, "And God said"))

# %% [markdown]
# It has read only a part of the text, once, and has learned little more than words and their style. That is a lot for a
# few seconds.
#
# ## What each head attends to
#
# Our own implementation stores its attention weights, and it is the same model; so we copy the trained weights into it,
# and let it read a verse. Each picture is a head; each row shows the weights with which one letter attends to the
# others when it predicts the next.

# %%
seeing = copied(model, 4)
verse = text["valid"][text["valid"].index(" and the LORD") :][:32]
with torch.no_grad():
    seeing(torch.tensor([tokenizer.encode(verse)]))
figure, axes = plt.subplots(2, 4, figsize=(15, 8), layout="constrained")
for layer, block in enumerate(seeing.blocks):
    for head in range(4):
        axis = axes[layer, head]
        axis.imshow(block.attention.weights[0, head].sqrt(), cmap="Oranges", vmin=0, vmax=1)
        axis.set_xticks(range(32), verse.replace(" ", "_"), fontsize=7)
        axis.set_yticks(range(32), verse.replace(" ", "_"), fontsize=7)
        axis.set_title(f"layer {layer}, head {head}", fontsize=10)
plt.show()

# %% [markdown]
# One verse may be misleading, so we measure it on 200 windows of validation text: how much of its weight does each head
# give, on average, to the letter itself, to those before it, to the last space (the start of the word), and to earlier
# occurrences of the same letter? The last row is what uniform weights would give.

# %%
read = valid[:, :-1]
with torch.no_grad():
    seeing(read)
weights = torch.cat([block.attention.weights for block in seeing.blocks], 1)  # [B, layers * heads, T, T]
distance = torch.arange(T)[:, None] - torch.arange(T)
space = tokenizer.encode("a b")[1]
places = torch.arange(T).expand_as(read)
last_space = torch.where(read == space, places, -1).cummax(1).values.roll(1, 1)  # before each letter
last_space[:, 0] = -1
habits = {
    "itself": (distance == 0).expand(len(read), T, T),
    "1 back": (distance == 1).expand(len(read), T, T),
    "2 back": (distance == 2).expand(len(read), T, T),
    "3 to 6 back": ((distance > 2) & (distance < 7)).expand(len(read), T, T),
    "further": (distance > 6).expand(len(read), T, T),
    "last space": last_space[:, :, None] == torch.arange(T),
    "same letter": (read[:, :, None] == read[:, None, :]) & (distance > 0),
}
late = slice(T // 2, None)  # letters with enough letters before them
even = causal(T) / torch.arange(1, T + 1)[:, None]
rows = torch.cat([weights, even.expand(len(read), 1, T, T)], 1)
shares = torch.stack([(rows * seen[:, None]).sum(3)[:, :, late].mean((0, 2)) for seen in habits.values()], 1)
for name, share in zip(habits, shares.T, strict=True):
    assert name not in ("1 back", "3 to 6 back", "last space") or share[:8].max() > 3 * share[8]

figure, axis = plt.subplots(figsize=(9, 4.5), layout="constrained")
axis.imshow(shares, cmap="Oranges", vmin=0, vmax=0.8, aspect="auto")
for i, row in enumerate(shares.tolist()):
    for j, share in enumerate(row):
        axis.text(
            j, i, f"{share:.2f}", ha="center", va="center", fontsize=9, color="white" if share > 0.55 else "black"
        )
axis.set_xticks(range(len(habits)), habits)
axis.set_yticks(range(9), [f"layer {i // 4}, head {i % 4}" for i in range(8)] + ["uniform"])
axis.set_title("Attention weight of each head")
plt.show()

# %% [markdown]
# The heads have specialized, though nothing in the training requires it. The previous letter, the third to sixth letter
# back, and the start of the word each have a head that gives them more than three times the uniform weight.
#
# But lesson 09 warned us: what a model attends to is not necessarily what it needs. So let us do an experiment: switch
# off one head, and see how much worse the model becomes.

# %%
whole = judged(seeing)
worse = []
for block in seeing.blocks:
    for head in range(4):
        block.attention.silent = (head,)
        worse.append(judged(seeing) - whole)
        block.attention.silent = ()
figure, axis = plt.subplots(figsize=(8, 3), layout="constrained")
axis.bar([f"{i // 4}.{i % 4}" for i in range(8)], worse, color=["tab:blue"] * 4 + ["tab:orange"] * 4)
axis.set(xlabel="layer and head switched off", ylabel="increase in nats per letter", title="Which heads does it need?")
plt.show()
print("increase in nats per letter:", [round(nats, 3) for nats in worse])
assert max(worse) > 0.1
assert min(worse) < max(worse) / 5

# %% [markdown]
# Some heads are important, others hardly matter.
#
# ## Exercises
#
# Replace `...` with your code; `lingon learn check 11` checks all three in your copy.
#
# ### 11.1 A mask for packed texts
#
# Short texts are packed one after the other into one row, so that no padding is needed; `text` [T] says which text each
# token belongs to, as in `[0, 0, 0, 1, 1, 2]`. Return the `attention_mask` [T, T]: a token sees itself and the tokens
# before it, but only those of its own text, and at most `window` tokens including itself.


# %%
def packed_mask(text, window):
    # your turn
    ...


# %%
attempt(packed_mask, "11")

# %% [markdown]
# ### 11.2 Linear biases for positions (ALiBi)
#
# There is a fourth kind of positions (Press and others, 2022, *ALiBi*): instead of adding vectors or rotating, subtract
# from each score the distance times a slope that is different for each head. `q`, `k`, `v` are [H, T, K], `slopes` is
# [H]. Return the result of causal attention [H, T, K], where the score of query t and key s is $q_t \cdot k_s /
# \sqrt{K} - \mathrm{slope} \cdot (t - s)$.


# %%
def handicapped(q, k, v, slopes):
    # your turn
    ...


# %%
attempt(handicapped, "11")

# %% [markdown]
# ### 11.3 The key-value cache
#
# When a model generates text, each step adds one token, and the keys and values of the earlier ones do not change. So
# they are stored, in a **key-value cache**. `q`, `k`, `v` [H, K] are those of the new token, `keys` and `values` [H, S,
# K] those of the S tokens before it (S may be 0). Return three things: the attention output for the new token [H, K],
# and the new keys and values [H, S + 1, K].


# %%
def one_step(q, k, v, keys, values):
    # your turn
    ...


# %%
attempt(one_step, "11")

# %% [markdown]
# ## What to read next
#
# - Ashish Vaswani and others, *Attention Is All You Need*, 2017.
# - Alexander Rush and others, *The Annotated Transformer*, 2018: the paper, line by line, as code.
# - Alec Radford and others, *Language Models are Unsupervised Multitask Learners*, 2019: `lingon.models.gpt`.
# - Jianlin Su and others, *RoFormer*, 2021; Ofir Press and others, *Train Short, Test Long*, 2022: positions.
# - Nelson Elhage and others, *A Mathematical Framework for Transformer Circuits*, 2021: how attention heads work
#   together.
#
# `lingon train language-model` trains these models on whole corpora, and `lingon/layers/transformer.py` contains the
# block that it uses. In lesson 12 Transformers encode text with context from both sides; in lesson 13 they generate
# text, fast and under constraints.
