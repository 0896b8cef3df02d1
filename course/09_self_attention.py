# %% [markdown]
# # 09. Self-attention
#
# **Which words of a review are decisive, and can a network tell us?**
#
# The last state of a recurrent network must hold everything that matters about a text (lesson 08). **Attention**
# removes this restriction: all states are kept, and the network itself weights them. The variant in this lesson is the
# *structured self-attentive sentence embedding* of Lin and others (2017): several sets of weights are computed, one for
# each **hop**, so that one hop may attend to praise and another to criticism. The weights can be drawn on the words,
# and so they seem to explain the prediction. We will test whether they do.
#
# As before we use the first 150 tokens of 4,000 reviews, and initialize with GloVe's vectors. At the end, one table
# compares the models of lessons 06 to 09.

# %%
import time

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F

from lingon.core.seed import seed_everything
from lingon.data.batches import collate
from lingon.word_vectors.files.text_format import read_vectors
from lingon.layers.structured_attention import StructuredAttention, attention_overlap
from lingon.layers.embedding import load_pretrained
from lingon.learn import attempt
from lingon.learn.pictures import words_in_colour
from lingon.learn.reviews import LABELS, small_reviews, train_classifier
from lingon.models.bag_of_vectors import BagOfVectors
from lingon.models.bilstm import BiLSTM
from lingon.models.self_attentive import SelfAttentive
from lingon.models.textcnn import TextCNN

reviews = small_reviews()
tokenizer, vocab = reviews.tokenizer, reviews.tokenizer.vocab
glove_words, glove = read_vectors("glove-6b-50d", only=set(vocab))
width, hidden = glove.shape[1], 32

# %% [markdown]
# ## Weights over words
#
# Let $H$ be the states of a bidirectional LSTM, one row per word: [T, D]. A small network gives each word a score, and
# a softmax turns the scores of a text into weights that sum to 1:
#
# $$A = \mathrm{softmax}\!\left(W_2 \tanh(W_1 H^\top)\right), \qquad M = A H.$$
#
# $W_1$ is [K, D] and $W_2$ is [r, K]: $K$ is the width of the small network, $r$ the number of hops. So $A$ is [r, T],
# one row of weights per hop, and $M$ is [r, D]: $r$ weighted means of the states. The mean of a bag is the special case
# where all weights are $1 / T$; the last state is the special case where all the weight is on the last word.
#
# ### The softmax must exclude the padding
#
# In a padded batch there are scores at positions without a word. Setting them to 0 is not enough: $e^0 = 1$ is as large
# as many others, so padding takes weight away from the words. The solution is to exclude padding from the sum before
# anything is computed from its scores. Then even an arbitrarily large score of padding does no harm.


# %%
def masked_softmax(scores, mask):
    """scores [B, r, T], mask [B, T] -> weights that sum to 1 over the real positions and are 0 elsewhere."""
    scores = scores.masked_fill(~mask[:, None], -torch.inf)  # e to the power of minus infinity is 0
    grown = (scores - scores.amax(-1, keepdim=True)).exp()  # minus the maximum, so that exp cannot overflow
    return grown / grown.sum(-1, keepdim=True)


scores = torch.tensor([[[2.0, 0.5, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0]]])
mask = torch.tensor([[True, True, True, False, False, False, False, False]])
figure, axes = plt.subplots(1, 2, figsize=(9, 2.8), sharey=True)
for axis, weights, title in (
    (axes[0], scores.softmax(-1), "plain softmax"),
    (axes[1], masked_softmax(scores, mask), "masked softmax"),
):
    axis.bar(range(8), weights[0, 0], color=["tab:blue"] * 3 + ["tab:gray"] * 5)
    axis.set_xticks(range(8), ["what", "a", "film"] + ["[pad]"] * 5, rotation=50)
    axis.set_title(f"{title}: words get {weights[0, 0, :3].sum():.0%} of the weight", fontsize=10)
axes[0].set_ylabel("weight")
figure.tight_layout()
plt.show()
assert scores.softmax(-1)[0, 0, :3].sum() < 0.8
assert torch.allclose(masked_softmax(scores, mask).sum(-1), torch.ones(1, 1))
assert torch.equal(masked_softmax(scores.masked_fill(~mask, 1e9), mask), masked_softmax(scores, mask))

# %% [markdown]
# ## Ten lines, and the library


# %%
def attend(H, mask, W1, W2):
    """H [B, T, D], mask [B, T], W1 [K, D], W2 [r, K] -> weights A [B, r, T] and sums M [B, r, D]."""
    scores = W2 @ torch.tanh(W1 @ H.transpose(1, 2))
    A = masked_softmax(scores, mask)
    return A, A @ H


seed_everything(0)
layer = StructuredAttention(7, 5, 3)
H, mask = torch.randn(2, 11, 7), torch.arange(11) < torch.tensor([[11], [4]])
with torch.no_grad():
    A, M = attend(H, mask, layer.first.weight, layer.second.weight)
    assert torch.allclose(A, layer(H, mask), atol=1e-6)
    by_hand = sum(A[1, 2, t] * H[1, t] for t in range(4))  # text 1 has four words: M is a weighted sum of their states
    assert torch.allclose(M[1, 2], by_hand, atol=1e-6)
print("equal to lingon.layers.structured_attention.StructuredAttention: A", tuple(A.shape), "M", tuple(M.shape))

# %% [markdown]
# The model `SelfAttentive` consists of an embedding, a BiLSTM, this layer, and a linear layer on all of $M$. We train
# it with four hops and, for now, without a penalty that makes them different.


# %%
def self_attentive(penalty_weight):
    """A new model with four hops, initialized with GloVe's vectors."""
    seed_everything(0)
    model = SelfAttentive(len(vocab), 2, width, hidden, attention=16, hops=4, penalty_weight=penalty_weight)
    load_pretrained(model.embedding, vocab, glove_words, glove)
    return model


def timed(model):
    """Trains a model; returns its accuracy and the processor time in seconds."""
    begun = time.process_time()
    return train_classifier(model, reviews, half=True), time.process_time() - begun


free = self_attentive(penalty_weight=0.0)
free_score, free_seconds = timed(free)
print(f"accuracy {free_score:.3f}")

# %% [markdown]
# ## Visualizing attention
#
# Here are three of the short test reviews: for each label the most confident correct prediction, and the most confident
# error. The darker a word, the more weight it has in the mean of the four hops.


# %%
@torch.no_grad()
def judged(model, ids):
    """Probabilities [2] and weights [hops, T] of one text."""
    batch = collate([ids])
    return model(batch.ids, batch.mask).softmax(1)[0], model.attention(batch.ids, batch.mask)[0]


short = [i for i, ids in enumerate(reviews.test_ids) if 30 <= len(ids) <= 75]
truth = [LABELS.index(reviews.test.labels[i]) for i in short]
certainty = torch.stack([judged(free, reviews.test_ids[i])[0] for i in short])[range(len(short)), truth]
by_certainty = certainty.argsort().tolist()
right = [next(j for j in reversed(by_certainty) if truth[j] == label) for label in (0, 1)]
assert certainty[right].min() > 0.5 > certainty[by_certainty[0]]

figure, axes = plt.subplots(3, 1, figsize=(11, 4.5), layout="constrained")
for axis, j in zip(axes, [*right, by_certainty[0]], strict=True):
    ids = reviews.test_ids[short[j]]
    probabilities, weights = judged(free, ids)
    words_in_colour(axis, [vocab.token(i) for i in ids], weights.mean(0).tolist(), colours="Oranges", low=0)
    said = LABELS[probabilities.argmax()]
    axis.set_title(f"predicted {said} ({probabilities.max():.1%}), is {LABELS[truth[j]]}", loc="left", fontsize=10)
plt.show()

# %% [markdown]
# ## Do the hops differ?
#
# So far, nothing makes the hops differ. Lin and others add a **penalty** to the loss:
#
# $$P = \left\lVert A A^\top - I \right\rVert_F^2,$$
#
# the sum of the squares of all entries of the [r, r] matrix $A A^\top - I$. Entry $(i, j)$ of $A A^\top$ is $\sum_t
# A_{it} A_{jt}$: it is large if hops $i$ and $j$ put their weight on the same words, and 0 if they share none. So the
# entries off the diagonal are pushed to 0, which makes the hops differ; those on the diagonal are pushed to 1, which
# makes each hop concentrate on few words. `attention_overlap` computes the mean of $P$ over a batch.
#
# To compare models whose weights are spread out to different degrees, we plot the *cosine* of two rows of $A$: 1 for
# hops that attend to the same words, 0 for hops that share none.

# %%
with torch.no_grad():
    alike = A[0] @ A[0].T - torch.eye(3)
    assert torch.allclose(attention_overlap(A[:1]), (alike**2).sum())

apart = self_attentive(penalty_weight=0.3)
apart_score, _ = timed(apart)


@torch.no_grad()
def likeness(model):
    """Means over the test reviews: cosines of the hops [hops, hops], and the diagonal of A A^T [hops]."""
    found = [model.attention(b.ids, b.mask) for b in reviews.test_batches()]
    cosines = [F.normalize(A, dim=2) @ F.normalize(A, dim=2).transpose(1, 2) for A in found]
    return torch.cat(cosines).mean(0), torch.cat([A.square().sum(2) for A in found]).mean(0)


figure, axes = plt.subplots(1, 2, figsize=(8, 3.6), layout="constrained")
hops, beside = [f"hop {i}" for i in range(4)], ~torch.eye(4, dtype=torch.bool)
found = {}
for axis, name, model, score in ((axes[0], "without", free, free_score), (axes[1], "with", apart, apart_score)):
    table, itself = likeness(model)
    found[name] = table[beside].mean(), itself.mean()
    print(f"{name:8} the penalty: mean cosine of two hops {table[beside].mean():.2f}, diagonal {itself.mean():.3f}")
    image = axis.imshow(table, cmap="Oranges", vmin=0, vmax=1)
    for i in range(4):
        for j in range(4):
            axis.text(j, i, f"{table[i, j]:.2f}", ha="center", va="center", color="white" if table[i, j] > 0.6 else "k")
    axis.set_xticks(range(4), hops)
    axis.set_yticks(range(4), hops)
    axis.set_title(f"{name} the penalty (accuracy {score:.3f})", fontsize=10)
figure.colorbar(image, ax=axes, label="cosine of two hops")
plt.show()
assert found["with"][0] < found["without"][0] - 0.1  # hops differ
assert found["with"][1] > 3 * found["without"][1]  # and each concentrates on few words

# %% [markdown]
# Below are the weights of each hop of the second model on one review.

# %%
ids = reviews.test_ids[short[right[0]]]
_, weights = judged(apart, ids)
figure, axes = plt.subplots(4, 1, figsize=(11, 5), layout="constrained")
for hop, axis in enumerate(axes):
    words_in_colour(axis, [vocab.token(i) for i in ids], weights[hop].tolist(), colours="Oranges", low=0)
    axis.set_title(f"hop {hop}", loc="left", fontsize=10)
plt.show()

# %% [markdown]
# ## Is attention an explanation?
#
# It is tempting to take the dark words as the reasons for the prediction. There is a test that works for any model:
# remove a word, and see by how much the prediction changes (Li and others, 2016, call this erasure). If attention
# showed the reasons, the two would rank the words in the same order. We compare them with **Spearman's** $\rho$, the
# correlation of the ranks: 1 if the order is the same, 0 if the two are unrelated.


# %%
@torch.no_grad()
def change_without(model, ids):
    """For each word, how much the probability of *positive* changes when it is removed: [T]."""
    texts = collate([ids] + [ids[:t] + ids[t + 1 :] for t in range(len(ids))])
    positive = model(texts.ids, texts.mask).softmax(1)[:, 1]
    return (positive[0] - positive[1:]).abs()


def spearman(a, b):
    """Correlation of the ranks of two lists of numbers."""
    ranks = torch.stack([v.argsort().argsort().float() for v in (a, b)])
    return torch.corrcoef(ranks)[0, 1].item()


attention, change = [], []
for i in short[:100]:
    ids = reviews.test_ids[i]
    attention.append(judged(free, ids)[1].mean(0))
    change.append(change_without(free, ids))
rho = [spearman(a, c) for a, c in zip(attention, change, strict=True)]
assert 0.1 < sum(rho) / len(rho) < 0.8
print(f"attention and change: mean rho {sum(rho) / len(rho):.2f}")
figure, axes = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
axes[0].hist(rho, bins=20)
axes[0].set(
    xlabel=r"Spearman's $\rho$", ylabel="reviews", title=f"Mean {sum(rho) / len(rho):.2f} over {len(rho)} reviews"
)
axes[0].axvline(0, color="tab:gray", linewidth=1)
axes[1].loglog(torch.cat(attention), torch.cat(change).clamp(min=1e-6), ".", markersize=3, alpha=0.4)
axes[1].set(xlabel="attention of a word", ylabel="change without the word", title="Every word of these reviews")
plt.show()

# %% [markdown]
# The two are related, but not the same. Attention says how much weight each state had, and a state also depends on the
# neighbouring words; it does not say what the prediction would have been without the word. Jain and Wallace (2019) and
# Wiegreffe and Pinter (2019) argue about how much attention explains. A report that claims to explain a prediction
# should say which of the two it shows.
#
# ## Comparing the models of lessons 06 to 09
#
# All models use the same reviews, vectors, number of epochs and learning rate; only the model differs. (Each would be
# better with its own hyperparameters, and with all of the reviews: see `lingon recipes`.)

# %%
sizes = {
    "bag": lambda: BagOfVectors(len(vocab), 2, width),
    "text CNN": lambda: TextCNN(len(vocab), 2, width, kernels=(3, 4, 5), channels=32),
    "BiLSTM": lambda: BiLSTM(len(vocab), 2, width, hidden),
}
rows = {}
for name, make in sizes.items():
    seed_everything(0)
    model = make()
    load_pretrained(model.embedding, vocab, glove_words, glove)
    rows[name] = (model, *timed(model))
rows["self-attention"] = (free, free_score, free_seconds)

numbers = {}
print(f"{'model':16}{'weights without the embedding':>30}{'seconds':>9}{'accuracy':>10}   standard error")
for name, (model, score, seconds) in rows.items():
    numbers[name] = sum(p.numel() for p in model.parameters()) - model.embedding.weight.numel()
    error = (score * (1 - score) / len(reviews.test)) ** 0.5
    print(f"{name:16}{numbers[name]:30,}{seconds:9.1f}{score:10.3f}{error:17.3f}")
assert 100 * numbers["bag"] < min(numbers[name] for name in rows if name != "bag")
assert 2 * rows["bag"][2] < rows["BiLSTM"][2]
assert rows["bag"][1] > 0.75
assert rows["BiLSTM"][1] < rows["bag"][1] + 0.02  # two standard errors
assert rows["self-attention"][1] > max(rows["bag"][1], rows["BiLSTM"][1]) + 0.01

figure, axis = plt.subplots(figsize=(6.5, 2.8), layout="constrained")
names, found = list(rows), [score for _, score, _ in rows.values()]
axis.barh(names, found, xerr=[(p * (1 - p) / len(reviews.test)) ** 0.5 for p in found], capsize=4)
for i, p in enumerate(found):
    axis.text(0.505, i, f"{p:.3f}", va="center", color="white")
axis.set(xlim=(0.5, 0.9), xlabel="accuracy, with one standard error", title="The same reviews, four models")
plt.show()

# %% [markdown]
# Look at the bag before you admire the others: a mean of good word vectors is quite accurate, and costs almost nothing.
# It is the first model to try, and the baseline for everything else; the BiLSTM classified from its last states is not
# significantly better here. Compare the last two: both contain the same BiLSTM. With attention on top of its states it
# does beat the bag.
#
# ## Exercises
#
# Replace `...` with your code; `lingon learn check 09` checks all three in your copy.
#
# ### 09.1 The entropy of attention
#
# The **entropy** of weights that sum to 1 is $-\sum_t a_t \ln a_t$: 0 if all the weight is on one word, $\ln T$ if it
# is spread evenly over $T$ words. A weight of 0 (padding) adds nothing. `weights` is a tensor [hops, T]; return the
# entropy of each hop, [hops].


# %%
def entropy(weights):
    # your turn
    ...


# %%
attempt(entropy, "09")

# %% [markdown]
# ### 09.2 The words with the most attention
#
# A word may occur in a text more than once. `tokens` is a list of words, `weights` a list of the same length with a
# number for each. Add up the weights of each word, and return a list of the `most` words with the largest sums, largest
# first. If sums are equal, the word that occurs first in the text comes first.


# %%
def most_attended(tokens, weights, most):
    # your turn
    ...


# %%
attempt(most_attended, "09")

# %% [markdown]
# ### 09.3 Dot-product attention
#
# The Transformer of lesson 11 computes its scores as dot products. Each position has a **query** $q$, a **key** $k$ and
# a **value** $v$. If $D$ is the width of a key,
#
# $$\mathrm{out}_s = \sum_t a_{st}\, v_t, \qquad a_{st} = \mathrm{softmax}_t\!\left(q_s \cdot k_t / \sqrt{D}\right).$$
#
# `q` is [B, S, D], `k` and `v` are [B, T, D], `mask` is [B, T]: padding must get no weight. Every text has at least one
# word. Return the result [B, S, D].


# %%
def dot_product_attention(q, k, v, mask):
    # your turn
    ...


# %%
attempt(dot_product_attention, "09")

# %% [markdown]
# ## What to read next
#
# - Zhouhan Lin and others, *A Structured Self-attentive Sentence Embedding*, 2017: this lesson's model.
# - Dzmitry Bahdanau, Kyunghyun Cho, Yoshua Bengio, *Neural Machine Translation by Jointly Learning to Align and
#   Translate*, 2015: where attention began.
# - Sarthak Jain and Byron Wallace, *Attention is not Explanation*, 2019; Sarah Wiegreffe and Yuval Pinter, *Attention
#   is not not Explanation*, 2019.
# - Jiwei Li, Will Monroe, Dan Jurafsky, *Understanding Neural Networks through Representation Erasure*, 2016.
#
# Lesson 10 turns from classifying texts to generating them, with language models. Lesson 11 returns to attention, this
# time without a recurrent network.
