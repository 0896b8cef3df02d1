# %% [markdown]
# # 10. Language models
#
# **Which word comes next, and how surprising is the one that does?**
#
# A language model assigns every possible next token a probability, given the tokens before it. This simple task
# requires a lot: to predict what comes next, one must know something of spelling, of grammar, and of what the text is
# about. The lesson starts with counting, as Shannon did in 1948, and ends with an LSTM that keeps its state from one
# piece of text to the next. On the way it measures surprise, and makes the most expensive part of the computation, the
# softmax, cheaper.
#
# You need: embeddings and recurrent networks (lessons 06 and 08). The texts are Jane Austen's novels, split into words;
# every number is computed as you run the lesson.

# %%
import math
import time
from collections import Counter
from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
import torch
import torch.nn.functional as F

from lingon.core.seed import seed_everything
from lingon.data.corpora import load_text
from lingon.data.batches import contiguous_batches
from lingon.data.tokenizers import words
from lingon.engine.fit import TrainConfig, fit
from lingon.engine.optimizers import adamw
from lingon.layers.adaptive_softmax import default_cutoffs
from lingon.layers.losses import LogUniform, chunked_cross_entropy, draw_unique, sampled_cross_entropy
from lingon.learn import attempt
from lingon.metrics.likelihood import Likelihood
from lingon.models.lstm import LSTM
from lingon.tasks.language_model.objective import Objective, carried_loss, likelihood, sampled

chapters = {part: list(load_text("austen", part)) for part in ("train", "valid")}
tokenizer = words(chapters["train"], max_size=5000)
ids = {part: [i for row in tokenizer.encode_batch(texts) for i in [*row, 0]] for part, texts in chapters.items()}
train, valid = np.array(ids["train"][:200_000]), np.array(ids["valid"][:20_000])
V = len(tokenizer.vocab)
print(f"{len(train):,} training tokens, {len(valid):,} validation tokens, a vocabulary of {V:,}")
print(tokenizer.decode(train[:40].tolist()))
unknown = tokenizer.vocab["[unk]"]
print(f"rarer words are one token, [unk]: {(valid == unknown).mean():.1%} of the validation text")

# %% [markdown]
# ## Counting
#
# The chain rule of probability factorizes the probability of a text into one factor per token:
#
# $$p(w_1, \dots, w_n) = \prod_t p(w_t \mid w_1, \dots, w_{t-1}).$$
#
# The simplest estimate, the **bigram** model, looks back at only one token, and counts: of all the times that *her*
# occurred in the text, how often was it followed by *mother*? A pair that never occurred would have probability zero,
# and a single zero makes the whole text impossible. So the estimate from pairs is interpolated with the frequencies of
# single tokens and a uniform distribution (Jelinek and Mercer, 1980). The vocabulary comes from all chapters but the
# counts from only some of them, so a token may have no followers at all; then the single tokens get the weight of the
# pairs too.

# %%
single, pairs = Counter(train.tolist()), Counter(pairwise(train.tolist()))
starts = Counter(train[:-1].tolist())  # how many pairs begin with a token; the last token of the text begins no pair


def bigram(before, word, a=0.6, b=0.35):
    if starts[before] == 0:
        a, b = 0.0, a + b
    follows = pairs[before, word] / starts[before] if starts[before] else 0.0
    return a * follows + b * single[word] / len(train) + (1 - a - b) / V


her = tokenizer.encode("her")[0]
after = sorted(range(V), key=lambda word: -bigram(her, word))[:12]
plt.figure(figsize=(7, 3))
plt.barh([tokenizer.vocab.token(word) for word in after][::-1], [bigram(her, word) for word in after][::-1])
plt.xlabel("probability after 'her'")
plt.title("What follows 'her', estimated by counting")
plt.tight_layout()
plt.show()

# %% [markdown]
# It is a probability distribution: over all the tokens that may follow, it sums to one, even after a token that was
# never seen.

# %%
never = next(token for token in range(V) if starts[token] == 0)
totals = torch.tensor([sum(bigram(before, word) for word in range(V)) for before in (her, never)])
assert torch.allclose(totals, torch.ones(2), atol=1e-6)
unseen = sum(starts[token] == 0 for token in range(V))
print(f"{unseen} tokens have no followers, such as {tokenizer.vocab.token(never)!r}")

# %% [markdown]
# ## Perplexity
#
# The surprise at a token of probability $p$ is $-\log p$: 0 if the token was certain, and larger the less likely it
# was. The mean over a text is the **cross-entropy**, in **nats** (the unit for natural logarithms), and its exponential
# is the **perplexity**: a model with perplexity 100 is as uncertain, on average, as one that must choose among 100
# equally likely words. The mean is over tokens. If you divide by anything else, by batches or by lines, the number is
# meaningless: the 2019 tutorial once printed a sum of batch means divided by the number of examples, so its loss was
# too small by a factor of the batch size.
#
# [unk] is predicted like any other token, and its probability is the total of all the words that it stands for. With a
# smaller vocabulary, [unk] replaces more words, and the text is easier to predict (below, for single tokens). So
# perplexities can be compared only for the same vocabulary.

# %%
surprise = [-math.log(bigram(a, b)) for a, b in pairwise(valid.tolist())]
by_counting = Likelihood(sum(surprise), len(surprise))
assert torch.allclose(torch.tensor(by_counting.perplexity), torch.tensor(surprise).mean().exp(), rtol=1e-3)
uniform = Likelihood(math.log(V) * len(surprise), len(surprise))
assert by_counting.perplexity < uniform.perplexity / 20
print(f"perplexity: {uniform.perplexity:,.0f} for a uniform distribution, {by_counting.perplexity:,.0f} for bigrams")
for token, nats in list(zip(valid[1:].tolist(), surprise, strict=True))[:14]:
    print(f"{tokenizer.vocab.token(token):>12} {'#' * round(4 * nats)}")


def alone(size):
    """Perplexity of a model of single-token frequencies, in which all but the first `size` tokens are [unk]."""
    some, new = (np.where(ids < size, ids, unknown) for ids in (train, valid))
    share = (np.bincount(some, minlength=size) + 1) / (len(some) + size)
    return math.exp(-np.log(share[new]).mean())


print("single tokens:", ", ".join(f"{alone(size):,.0f} with a vocabulary of {size:,}" for size in (V, 1000)))
assert alone(1000) < 0.8 * alone(V)

# %% [markdown]
# ## Longer histories
#
# Two preceding tokens should tell us more than one. So interpolate with **trigrams**: of all the times that these two
# tokens occurred, how often did the word follow? If the two never occurred together, bigrams have to be enough. And
# three preceding tokens, in the same way? These **4-grams** bring almost no further improvement, because the longer an
# n-gram is, the less likely it is to occur again. Of the different n-grams of one to five tokens in the text, how many
# occur only once?

# %%
text = train.tolist()
runs = {n: Counter(zip(*(text[i:] for i in range(n)), strict=False)) for n in range(1, 6)}
begun_by_two, begun_by_three = Counter(pairwise(text[:-1])), Counter(zip(text, text[1:], text[2:-1], strict=False))


def trigram(first, second, word, c=0.3):
    if begun_by_two[first, second] == 0:
        return bigram(second, word)
    return c * runs[3][first, second, word] / begun_by_two[first, second] + (1 - c) * bigram(second, word)


def fourgram(first, second, third, word, d=0.1):
    if begun_by_three[first, second, third] == 0:
        return trigram(second, third, word)
    follows = runs[4][first, second, third, word] / begun_by_three[first, second, third]
    return d * follows + (1 - d) * trigram(second, third, word)


new = valid.tolist()
nats = [-math.log(trigram(*three)) for three in zip(new, new[1:], new[2:], strict=False)]
by_three = Likelihood(surprise[0] + sum(nats), len(surprise))  # the second token has only one before it
more = [-math.log(fourgram(*four)) for four in zip(new, new[1:], new[2:], new[3:], strict=False)]
by_four = Likelihood(surprise[0] + nats[0] + sum(more), len(surprise))
print(f"perplexity: {by_counting.perplexity:.1f} for bigrams, {by_three.perplexity:.1f} for trigrams,", end=" ")
print(f"{by_four.perplexity:.1f} for 4-grams")
assert by_three.perplexity < 0.92 * by_counting.perplexity
assert 0.97 * by_three.perplexity < by_four.perplexity < by_three.perplexity
once = {n: sum(count == 1 for count in found.values()) / len(found) for n, found in runs.items()}
print("occur only once:", ", ".join(f"{share:.0%} of the {n}-grams" for n, share in once.items()))
assert list(once.values()) == sorted(once.values())
assert once[5] > 0.9

# %% [markdown]
# ## An LSTM language model
#
# Counting has its limits: nearly all 5-grams occur only once, and tell us nothing about what else might have followed.
# An LSTM does not need such a table, and is better than all three of these models. It reads one token after the other
# and keeps what it needs in a state of fixed size. To train it, the text is split into **lanes** that are read in
# parallel in **contiguous order**: every batch has the next 35 tokens of each lane. The state is passed from batch to
# batch; the gradient is not, because it would have to go back to the beginning of the book. This is called **truncated
# backpropagation through time**. The matrix of the last layer is the same as the embedding table (`tied`).

# %%
seed_everything(0)
model = LSTM(V, width=96, hidden=96, depth=1, tied=True, dropout=0.1)
batches = contiguous_batches(train, batch_size=32, context_length=35)
first = next(iter(batches))
batches.position = 0
print("a batch:", tuple(first.ids.shape), "and its targets, shifted by one token:", first.targets[0, :5].tolist())
begun = time.process_time()  # processor time of this program only
history = fit(
    Objective(model),
    batches,
    carried_loss,
    adamw(model, 1e-2, weight_decay=0.0),
    config=TrainConfig(epochs=2, max_grad_norm=1.0),
)
exact_seconds = time.process_time() - begun
exact = likelihood(model, valid, context=256, rows=8)
print(f"perplexity {exact.perplexity:,.0f} after {history.steps} steps; {by_four.perplexity:,.0f} for 4-grams")
assert exact.perplexity < 0.97 * by_four.perplexity

plt.figure(figsize=(7, 3))
plt.plot([row["step"] for row in history.rows], [math.exp(row["loss"]) for row in history.rows])
plt.axhline(by_four.perplexity, color="gray", linestyle="--", label="4-grams, on held-out text")
plt.plot(history.steps, exact.perplexity, "o", color="tab:red", label="the LSTM, on held-out text")
plt.yscale("log")
plt.xlabel("step")
plt.ylabel("perplexity during training")
plt.legend()
plt.tight_layout()
plt.show()

# %% [markdown]
# ## The most expensive layer
#
# At every position the model computes a logit for each token of the vocabulary, exponentiates them and sums them. With
# a hidden state of width $D$ and a vocabulary of $V$ tokens, this takes $2DV$ operations in the forward pass and twice
# as many in the backward pass; the LSTM itself needs about $16D^2$ in the forward pass. So most of the work is in the
# last layer, and with a vocabulary of tens of thousands of tokens nearly all of it. The logits of a batch are more
# numbers than all weights, their gradients, and the two numbers that Adam stores per weight, taken together. Lingon
# computes the logits in chunks, each with its gradient, so that they never exist all at once. The result is the same.

# %%
states, targets = torch.randn(200, 96), torch.randint(0, V, (200,))
weight, bias = model.output.weight.detach(), model.output.bias.detach()
at_once = F.cross_entropy(states @ weight.T + bias, targets)
in_chunks = chunked_cross_entropy(states, weight, bias, targets, chunk=50 * V)
assert torch.allclose(at_once, in_chunks, atol=1e-5)
D = 96
print(f"operations per token in the forward pass: last layer {2 * D * V:,}, LSTM {16 * D * D:,}")
in_last = {size: 2 * D * size / (2 * D * size + 16 * D * D) for size in (V, 20_000)}
print(", ".join(f"{share:.0%} in the last layer with a vocabulary of {size:,}" for size, share in in_last.items()))
assert in_last[V] > 0.8
assert in_last[20_000] > 0.95
numbers = sum(p.numel() for p in model.parameters())
print(f"a batch has {first.ids.numel() * V:,} logits, the model {numbers:,} weights")
assert first.ids.numel() * V > 2 * 4 * numbers

# %% [markdown]
# ## Sampled softmax
#
# During training, it is not necessary to compare the correct token with all others: some randomly drawn *negatives* are
# enough. This is the **sampled softmax** (Bengio and Senécal, 2003 and 2008). Ids are sorted by frequency, so the
# negatives can be drawn by Zipf's law, frequent tokens more often: token $c$ with probability $\log \frac{c + 2}{c + 1}
# / \log(V + 1)$. To correct for this, the logarithm of the expected count of a token among the negatives is subtracted
# from its logit. Tokens are drawn until there are enough *different* ones, so each occurs once or not at all, and the
# expected count is the probability that a token occurs at least once in that many draws: see exercise 10.3. A negative
# that is the target itself does not count.


# %%
def ours_sampled(hidden, weight, bias, targets, chances, samples):
    """hidden [N, D], targets [N] -> the mean loss of each target against the same drawn negatives."""
    negatives, tries = draw_unique(chances, samples)
    lowered = hidden @ weight.T + bias - (1 - (1 - chances) ** tries).log().float()  # all [N, V], for readability
    own, others = lowered.gather(1, targets[:, None]), lowered[:, negatives]
    others = others.masked_fill(targets[:, None] == negatives, -torch.inf)
    return (torch.cat([own, others], 1).logsumexp(1) - own[:, 0]).mean()


ranks = torch.arange(V).double()
zipf = ((ranks + 2) / (ranks + 1)).log() / math.log(V + 1)
seed_everything(0)
by_hand = ours_sampled(states, weight, bias, targets, zipf, 300)
seed_everything(0)  # the same draws again
assert torch.allclose(by_hand, sampled_cross_entropy(states, weight, bias, targets, LogUniform(V, 300)), rtol=1e-4)
print(f"300 negatives: loss {by_hand:.3f}, exact {at_once:.3f}")

# %% [markdown]
# The more negatives, the closer the sampled loss is to the exact one. **Evaluation always uses the exact loss.**

# %%
counts = [10, 30, 100, 300, 1000, 3000]
means = [
    torch.stack([sampled_cross_entropy(states, weight, bias, targets, LogUniform(V, n)) for _ in range(20)]).mean()
    for n in counts
]
off = [abs(mean - at_once).item() for mean in means]
assert off == sorted(off, reverse=True)
plt.figure(figsize=(7, 3))
plt.plot(counts, means, "o-", label="sampled, mean of 20 draws")
plt.axhline(at_once, color="gray", linestyle="--", label="exact")
plt.xscale("log")
plt.xlabel("negatives")
plt.ylabel("loss")
plt.legend()
plt.tight_layout()
plt.show()

# %% [markdown]
# How good is a model that is trained in this way? We use the same sizes, the same number of steps, and a fifth of the
# vocabulary as negatives.
#
# We also train with a method without sampling, the **adaptive softmax** (Grave and others, 2017). A first softmax
# contains the frequent tokens, and one entry for each group of rarer ones. Each group has a second softmax, with a
# narrower matrix. The probability of a rare token is the probability of its group's entry times its probability within
# the group, so the probabilities of all tokens sum to one; and groups without a target in the batch cost nothing. (Its
# matrices cannot be tied to the embedding, so this is a different model with more weights, and its perplexity does not
# show the effect of the softmax alone.)
#
# Both take less processor time. But sampling has a price: after the same number of steps the model is worse.

# %%
ways = {
    "sampled": ({"tied": True}, {"softmax": sampled(LogUniform(V, V // 5))}),
    "adaptive": ({"cutoffs": default_cutoffs(V)}, {}),
}
print(f"exact: {exact_seconds:.0f} s, perplexity on held-out text {exact.perplexity:,.0f}")
reached, weights_of = {}, {}
for name, (last_layer, softmax) in ways.items():
    seed_everything(0)
    quick = LSTM(V, width=96, hidden=96, depth=1, dropout=0.1, **last_layer)
    batches = contiguous_batches(train, batch_size=32, context_length=35)
    objective, optimizer = Objective(quick, **softmax), adamw(quick, 1e-2, weight_decay=0.0)
    begun = time.process_time()
    fit(objective, batches, carried_loss, optimizer, config=TrainConfig(epochs=2, max_grad_norm=1.0))
    seconds, found = time.process_time() - begun, likelihood(quick, valid, context=256, rows=8)
    print(f"{name}: {seconds:.0f} s, perplexity on held-out text {found.perplexity:,.0f}, with the exact softmax")
    assert seconds < 0.85 * exact_seconds
    reached[name], weights_of[name] = found.perplexity, sum(p.numel() for p in quick.parameters())
assert 1.05 * exact.perplexity < reached["sampled"] < by_counting.perplexity
assert weights_of["adaptive"] > weights_of["sampled"] == numbers
together = quick.head(states).detach().exp().sum(1)  # of the adaptive one
assert torch.allclose(together, torch.ones(200), atol=1e-4)

# %% [markdown]
# ## Exercises
#
# ### 10.1 Perplexity
#
# `losses` and `counts` are lists: the mean loss of each batch in nats, and its number of tokens. Return the perplexity
# of the whole text.


# %%
def perplexity(losses, counts):
    # your turn
    ...


# %%
attempt(perplexity, "10")

# %% [markdown]
# ### 10.2 Interpolated counts
#
# `text` is a list of words. Return the probability of `word` after `before`: `a` times the fraction of `word` among the
# words that follow `before` in the text, plus $1 - a$ times the fraction of `word` in the text. If `before` is never
# followed by anything, the first fraction is 0.


# %%
def interpolated(text, before, word, a):
    # your turn
    ...


# %%
attempt(interpolated, "10")

# %% [markdown]
# ### 10.3 Expected counts
#
# In each of `tries` independent draws, a token is drawn with probability `p`. What is the probability that it is drawn
# at least once? Your result must be accurate for tiny `p` too, where $1 - (1 - p)^n$ loses all its digits.


# %%
def at_least_once(p, tries):
    # your turn
    ...


# %%
attempt(at_least_once, "10")

# %% [markdown]
# ## What to read next
#
# - Claude Shannon, *A Mathematical Theory of Communication*, 1948: counting, and the entropy of English.
# - Yoshua Bengio and others, *A Neural Probabilistic Language Model*, 2003.
# - Yoshua Bengio and Jean-Sébastien Senécal, *Adaptive Importance Sampling to Accelerate Training of a Neural
#   Probabilistic Language Model*, 2008.
# - Édouard Grave and others, *Efficient softmax approximation for GPUs*, 2017.
# - Wojciech Zaremba, Ilya Sutskever, Oriol Vinyals, *Recurrent Neural Network Regularization*, 2014.
# - Stephen Merity and others, *Regularizing and Optimizing LSTM Language Models*, 2018: `--model awd_lstm`.
#
# `lingon train language-model --model lstm` does all of this on the whole text. Everything that an LSTM has read must
# fit into one state; in lesson 11, every token can look back at all the others.
