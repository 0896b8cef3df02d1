# %% [markdown]
# # 08. Recurrent networks
#
# **At the end of a review, what does a network still know about its beginning?**
#
# The text CNN of lesson 07 sees a few words at a time and ignores their position. A **recurrent network** reads as we
# do, one word after the other, and maintains a **state**: a vector $h_t$ that summarizes the words up to $t$. After the
# last word, the state is all that is left of the text, and a linear layer classifies it.
#
# This lesson builds a plain recurrent network and an LSTM, measures how far back each of them can learn, plots the
# gates of a trained LSTM, and fixes a bug that many programs have: reading the state after the padding.
#
# As before we train on the first 150 tokens of 4,000 reviews, and initialize the word vectors with GloVe's.

# %%
import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence

from lingon.core.seed import seed_everything
from lingon.data.batches import collate
from lingon.word_vectors.files.text_format import read_vectors
from lingon.layers.embedding import Embedding, load_pretrained
from lingon.layers.recurrent import BidirectionalLayers
from lingon.learn import attempt
from lingon.learn.reviews import LABELS, small_reviews, train_classifier
from lingon.models.bilstm import BiLSTM

reviews = small_reviews()
tokenizer, vocab = reviews.tokenizer, reviews.tokenizer.vocab
glove_words, glove = read_vectors("glove-6b-50d", only=set(vocab))
width, hidden = glove.shape[1], 32

# %% [markdown]
# ## A network with a memory
#
# The network of Elman (1990) computes the new state from the word vector $x_t$ (with $D$ numbers) and the old state
# $h_{t-1}$ (with $H$ numbers):
#
# $$h_t = \tanh(W x_t + U h_{t-1} + b), \qquad h_0 = 0.$$
#
# $W$ is a matrix [H, D], $U$ a matrix [H, H], $b$ a bias [H]. They are the same at every step: the network is one
# layer, applied once per word.


# %%
def rnn(x, W, U, b):
    """x [T, D] -> all states [T, H]."""
    h, states = torch.zeros(len(b)), []
    for x_t in x:
        h = torch.tanh(W @ x_t + U @ h + b)
        states.append(h)
    return torch.stack(states)


seed_everything(0)
x = torch.randn(7, 5)
layer = nn.RNN(5, 3)
with torch.no_grad():
    ours = rnn(x, layer.weight_ih_l0, layer.weight_hh_l0, layer.bias_ih_l0 + layer.bias_hh_l0)
    assert torch.allclose(ours, layer(x)[0], atol=1e-6)
print("equal to torch.nn.RNN:", tuple(ours.shape))

# %% [markdown]
# ## The LSTM: a memory with gates
#
# Each step multiplies the state by $U$ and applies tanh. After fifty steps, little of a word is left in the state and,
# what is worse, little of its gradient. The **long short-term memory** (Hochreiter and Schmidhuber, 1997; the forget
# gate is by Gers and others, 2000) keeps a second vector, the **cell** $c_t$, which is updated by addition. Three
# **gates**, numbers between 0 and 1 for each of the $H$ components, control what passes through:
#
# $$\begin{aligned}
# i_t &= \sigma(W_i x_t + U_i h_{t-1} + b_i) && \text{input gate: how much of the new is written} \\
# f_t &= \sigma(W_f x_t + U_f h_{t-1} + b_f) && \text{forget gate: how much of the old is kept} \\
# g_t &= \tanh(W_g x_t + U_g h_{t-1} + b_g) && \text{the new} \\
# o_t &= \sigma(W_o x_t + U_o h_{t-1} + b_o) && \text{output gate: how much of the cell is shown} \\
# c_t &= f_t \odot c_{t-1} + i_t \odot g_t && \\
# h_t &= o_t \odot \tanh(c_t) &&
# \end{aligned}$$
#
# $\sigma(z) = 1 / (1 + e^{-z})$ is the sigmoid, and $\odot$ multiplies elementwise. PyTorch stacks the four matrices in
# the order $i, f, g, o$, so that one matrix product computes all of them. So do we.


# %%
def lstm(x, W, U, b):
    """x [T, D], W [4H, D], U [4H, H], b [4H] -> states [T, H] and gates [T, 3, H], in the order i, f, o."""
    h = c = torch.zeros(len(b) // 4)
    states, gates = [], []
    for x_t in x:
        i, f, g, o = (W @ x_t + U @ h + b).chunk(4)
        i, f, g, o = i.sigmoid(), f.sigmoid(), g.tanh(), o.sigmoid()
        c = f * c + i * g
        h = o * c.tanh()
        states.append(h)
        gates.append(torch.stack([i, f, o]))
    return torch.stack(states), torch.stack(gates)


def weights_of(layer):
    """W, U and b of a PyTorch layer, which stores its bias in two parts."""
    return layer.weight_ih_l0, layer.weight_hh_l0, layer.bias_ih_l0 + layer.bias_hh_l0


layer = nn.LSTM(5, 3)
with torch.no_grad():
    assert torch.allclose(lstm(x, *weights_of(layer))[0], layer(x)[0], atol=1e-6)
print("equal to torch.nn.LSTM")

# %% [markdown]
# ## A recurrent classifier
#
# The texts of a batch are padded to the same length. We want the state after the last *real* word, which is at a
# different position in each row. One call of `gather` selects it: from each row it takes the state at position
# (length - 1).
#
# The recurrent layer is an argument, so the same class works for both networks.


# %%
class LastState(nn.Module):
    """Embedding, a recurrent layer, and two logits from its state after the last real word."""

    def __init__(self, recurrent):
        super().__init__()
        self.embedding = Embedding(len(vocab), width)
        load_pretrained(self.embedding, vocab, glove_words, glove)
        self.recurrent = recurrent
        self.out = nn.Linear(hidden, 2)

    def forward(self, ids, mask):
        return self.read(self.embedding(ids), mask)

    def read(self, x, mask):
        states, _ = self.recurrent(x)
        last = (mask.sum(1) - 1).clamp(min=0)
        return self.out(states[torch.arange(len(x)), last])


def open_lstm():
    """An LSTM whose forget gate starts open, with a bias of 1 (Jozefowicz and others, 2015)."""
    layer = nn.LSTM(width, hidden, batch_first=True)
    with torch.no_grad():
        layer.bias_hh_l0[hidden : 2 * hidden] = 1  # f is the second of the four
    return layer


seed_everything(0)
models = {"RNN": LastState(nn.RNN(width, hidden, batch_first=True)), "LSTM": LastState(open_lstm())}
batch = next(iter(reviews.test_batches()))
x, lengths = models["LSTM"].embedding(batch.ids), batch.mask.sum(1)
packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
with torch.no_grad():
    truth = models["LSTM"].out(models["LSTM"].recurrent(packed)[1][0][0])
    assert torch.allclose(truth, models["LSTM"](batch.ids, batch.mask), atol=1e-5)
print("equal to PyTorch's packed sequences, which have no padding at all")

# %% [markdown]
# ## How far back does the gradient reach?
#
# To learn that a word at the beginning matters, its gradient must survive the backward pass through every later step.
# Each step multiplies it by a matrix (by $U$ and the slope of tanh; in the LSTM's cell, by $f_t$). A product of many
# factors below 1 decreases exponentially, which is a straight line on a logarithmic scale. This is the **vanishing
# gradient** (Hochreiter, 1991; Bengio and others, 1994).
#
# We measure it: the norm of the gradient of the logit difference with respect to $x_t$, against the distance of $t$
# from the end, over 64 reviews, before and after training.

# %%
long = [ids[: reviews.length] for ids in reviews.test_ids if len(ids) >= reviews.length][:64]
long = collate(long)


def gradient_by_distance(model):
    """Norm of d(logit 1 - logit 0) / d x_t by distance from the end, relative to that at distance 0: [T]."""
    x = model.embedding(long.ids).detach().requires_grad_()
    logits = model.read(x, long.mask)
    (gradient,) = torch.autograd.grad((logits[:, 1] - logits[:, 0]).sum(), x)
    norms = gradient.norm(dim=2).mean(0).flip(0)  # mean over the reviews; flipped, so that 0 is the last word
    return norms / norms[0]


curves = {f"{name}, untrained": gradient_by_distance(model) for name, model in models.items()}
# half: 16-bit numbers during training, if the processor supports them, which is faster
scores = {name: train_classifier(model, reviews, lr=8e-3, half=True) for name, model in models.items()}
curves |= {f"{name}, trained": gradient_by_distance(model) for name, model in models.items()}

figure, axis = plt.subplots(figsize=(8, 4))
for name, curve in curves.items():
    colour = "tab:orange" if name.startswith("RNN") else "tab:blue"
    axis.semilogy(curve.clamp(min=1e-30), color=colour, linestyle="--" if "untrained" in name else "-", label=name)
axis.set(xlabel="words between the word and the end", ylabel="gradient, last word = 1", ylim=(1e-16, 1e2))
axis.set_title("How much of the gradient reaches a word")
axis.legend()
figure.tight_layout()
plt.show()
for name, curve in curves.items():
    print(f"{name:15} 20 words back {curve[20]:.1e}, 100 words back {curve[100]:.1e}")
for name, score in scores.items():
    print(f"{name:5} accuracy {score:.3f}")
assert max(curves[f"{name}, untrained"][100] for name in models) < 1e-4
assert curves["LSTM, trained"][100] > 100 * curves["LSTM, untrained"][100]
assert curves["LSTM, trained"][100] > 1000 * curves["RNN, trained"][100]
assert scores["LSTM"] > scores["RNN"] + 0.1
assert torch.tensor(1.0).sigmoid() ** 100 < 1e-13

# %% [markdown]
# Before training, both lines fall: a forget gate of $\sigma(1)$ to the power of a hundred is almost 0. But the LSTM can
# *learn* to keep its gates open, and training raises its line by orders of magnitude. The plain network has no such
# gate, and its accuracy is lower. (Where a line of an untrained network ends, the gradient has become smaller than the
# smallest float32 number.) Gradients can also grow with the distance (**exploding gradients**); that is why our
# `train_classifier` clips them, which is the second exercise below.
#
# ## Watching the gates
#
# With our own implementation we can look inside the trained LSTM. The upper plot shows the prediction after each word,
# as if the text ended there. The lower plot shows the mean of each gate over the 32 components.

# %%
text = "The first half is really great , but then it falls apart : the ending is a terrible mess and a waste of time ."
tokens, ids = tokenizer.tokens(text), torch.tensor(tokenizer.encode(text))
model = models["LSTM"]
with torch.no_grad():
    states, gates = lstm(model.embedding(ids[None])[0], *weights_of(model.recurrent))
    assert torch.allclose(states, model.recurrent(model.embedding(ids[None]))[0][0], atol=1e-5)
    verdict = model.out(states).softmax(1)[:, 1]

figure, (above, below) = plt.subplots(2, 1, figsize=(10, 5), sharex=True, layout="constrained")
above.plot(verdict, "o-")
above.axhline(0.5, color="tab:gray", linewidth=1)
above.set(ylabel="positive", ylim=(0, 1), title="The prediction after each word, and the gates")
image = below.imshow(gates.mean(2).T, cmap="viridis", aspect="auto", vmin=0, vmax=1)
below.set_yticks(range(3), ["input", "forget", "output"])
below.set_xticks(range(len(tokens)), tokens, rotation=60, ha="right")
figure.colorbar(image, ax=below, label="mean of the gate")
plt.show()
change = (verdict[1:] - verdict[:-1]).abs()
print("the words that changed the prediction most:", [tokens[i + 1] for i in change.topk(4).indices.tolist()])

# %% [markdown]
# ## A common bug: the state after the padding
#
# Many programs use `states[:, -1]`, the last column. In a padded batch that is the state after the text *and* all the
# padding that follows. The vector of padding is 0, but the network still makes a step: the biases and the old state go
# through gates and tanh, and the information about the text fades. The course that this one follows had this bug, with
# every text padded to 500 tokens.
#
# We add padding to the test reviews and read the state in both ways. For the wrong way, the mask says that everything
# is text.


# %%
@torch.inference_mode()
def accuracy_with_padding(model, extra, right_way):
    right = 0
    for b in reviews.test_batches():
        ids, mask = F.pad(b.ids, (0, extra)), F.pad(b.mask, (0, extra))
        logits = model(ids, mask if right_way else torch.ones_like(mask))
        right += (logits.argmax(1) == b.labels).sum().item()
    return right / len(reviews.test)


amounts = [0, 10, 25, 50, 100, 200]
wrong = [accuracy_with_padding(model, extra, right_way=False) for extra in amounts]
masked = [accuracy_with_padding(model, extra, right_way=True) for extra in (0, 200)]
assert masked[0] == masked[1]
assert masked[0] > wrong[0] > wrong[-1] + 0.1
print("accuracy with more and more padding:", [round(right, 3) for right in wrong], "and read correctly", masked[0])
assert abs(masked[0] - scores["LSTM"]) < 1e-6

figure, axis = plt.subplots(figsize=(7, 3.5))
axis.plot(amounts, wrong, "o-", color="tab:red", label="last column, including padding")
axis.plot([0, 200], masked, color="tab:green", label="state after the last real word")
axis.axhline(0.5, color="tab:gray", linestyle=":", label="chance")
axis.set(xlabel="padding added to each review", ylabel="accuracy", title="The same model, read in two ways")
axis.legend()
figure.tight_layout()
plt.show()

# %% [markdown]
# The red line is below the green one even without added padding, because most batches contain reviews of different
# lengths.
#
# A model that is *trained* with the bug may learn to keep the information through the padding. But its prediction for a
# text still depends on the longest text of the batch.
#
# ## Both directions
#
# At the end of a review, the LSTM remembers the end best, as the gradients showed. A second LSTM that reads backwards
# remembers the beginning best. A **bidirectional** LSTM (Schuster and Paliwal, 1997) concatenates the last states of
# both. A network that turns a text into such vectors, from which predictions are then computed, is called an
# **encoder**. Reading backwards has its own pitfall: if you flip a padded row, the padding comes first. Each text must
# be reversed within its own length, which is the third exercise. The library does this, and we compare it with
# PyTorch's packed sequences again.

# %%
seed_everything(0)
layers = BidirectionalLayers(width, hidden, depth=1)
both = nn.LSTM(width, hidden, batch_first=True, bidirectional=True)
parts = {f"{name}{end}": p for part, end in ((layers.forwards[0], ""), (layers.backwards[0], "_reverse"))
         for name, p in part.state_dict().items()}  # fmt: skip
both.load_state_dict(parts)
with torch.no_grad():
    _, (last, _) = both(packed)
    assert torch.allclose(layers(x, batch.mask)[1], torch.cat([last[0], last[1]], 1), atol=1e-5)
print("equal to torch.nn.LSTM(bidirectional=True) on packed sequences")

seed_everything(0)
bilstm = BiLSTM(len(vocab), 2, width, hidden)
load_pretrained(bilstm.embedding, vocab, glove_words, glove)
scores["BiLSTM"] = train_classifier(bilstm, reviews, lr=8e-3, half=True)

errors = [(p * (1 - p) / len(reviews.test)) ** 0.5 for p in scores.values()]
print(f"BiLSTM accuracy {scores['BiLSTM']:.3f}")
figure, axis = plt.subplots(figsize=(6, 2.5))
axis.barh(list(scores), list(scores.values()), xerr=errors, capsize=4, color=["tab:orange", "tab:blue", "tab:green"])
for i, p in enumerate(scores.values()):
    axis.text(0.505, i, f"{p:.3f}", va="center", color="white")
axis.set(
    xlim=(0.5, 0.9), xlabel="accuracy, with one standard error", title="One direction or two, with gates or without"
)
figure.tight_layout()
plt.show()

# %% [markdown]
# Finally, here are the predictions for three texts; add some of your own. The last one contains *not bad*; see whether
# four thousand reviews were enough to learn what that means.

# %%
for text in (
    "A warm and clever film.",
    "Two hours of my life that I want back.",
    "Not bad at all, I loved the ending!",
):
    batch = collate([tokenizer.encode(text)])
    with torch.no_grad():
        probabilities = bilstm(batch.ids, batch.mask).softmax(1)[0]
    print(f"{LABELS[probabilities.argmax()]:9} {probabilities.max():6.1%}  {text}")

# %% [markdown]
# ## Exercises
#
# Replace `...` with your code; `lingon learn check 08` checks all three in your copy.
#
# ### 08.1 The gated recurrent unit
#
# The unit of Cho and others (2014) has only two gates and no cell. In PyTorch's version:
#
# $$\begin{aligned}
# r &= \sigma(W_r x + b_r + U_r h + d_r) \\
# z &= \sigma(W_z x + b_z + U_z h + d_z) \\
# n &= \tanh(W_n x + b_n + r \odot (U_n h + d_n)) \\
# h' &= (1 - z) \odot n + z \odot h
# \end{aligned}$$
#
# Implement one step. `W` [3H, D], `U` [3H, H], `b` [3H] and `d` [3H] are stacked in the order r, z, n; `x` is [D], `h`
# is [H]. Return $h'$ [H].


# %%
def gru_step(x, h, W, U, b, d):
    # your turn
    ...


# %%
attempt(gru_step, "08")

# %% [markdown]
# ### 08.2 Gradient clipping
#
# Clipping prevents exploding gradients: if the norm of all gradients together, $\sqrt{\sum g^2}$ over all their
# numbers, is larger than `longest`, scale all of them by the same factor so that the norm is `longest`; otherwise leave
# them unchanged (Pascanu and others, 2013). `gradients` is a list of tensors of any shapes. Return a list of new
# tensors.


# %%
def clipped(gradients, longest):
    # your turn
    ...


# %%
attempt(clipped, "08")

# %% [markdown]
# ### 08.3 Reverse padded texts
#
# `rows` is a list of lists of ids, padded on the right with 0 to the same length (0 is never the id of a word). Return
# a list of the same shape in which each text is reversed and its padding is still on the right.


# %%
def backwards(rows):
    # your turn
    ...


# %%
attempt(backwards, "08")

# %% [markdown]
# ## What to read next
#
# - Sepp Hochreiter and Jürgen Schmidhuber, *Long Short-Term Memory*, 1997.
# - Yoshua Bengio and others, *Learning Long-Term Dependencies with Gradient Descent is Difficult*, 1994.
# - Razvan Pascanu and others, *On the Difficulty of Training Recurrent Neural Networks*, 2013.
# - Rafal Jozefowicz and others, *An Empirical Exploration of Recurrent Network Architectures*, 2015: the forget bias.
# - Andrej Karpathy, Justin Johnson, Li Fei-Fei, *Visualizing and Understanding Recurrent Networks*, 2015.
#
# Everything that the network knows about a review must fit into the last state. Lesson 09 uses all the states, and
# learns which of them matter.
