# %% [markdown]
# # 10. Language models
#
# **Which word comes next, and how surprised should one be by the one that does?**
#
# A language model gives every token a probability after the tokens before it. That is all, and it is much: whoever
# knows what comes next knows something of spelling, of grammar, and of what the text is about. The lesson starts with
# counting, as Shannon did in 1948, and ends with an LSTM that carries what it has read from one piece of text to the
# next. On the way it measures surprise, and finds a way around the most expensive line of the program, the softmax.
#
# You need: embeddings and recurrent networks (lessons 06 and 08). The text is Jane Austen's, in words; every number is
# computed as you run it.

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
print(f"{len(train):,} tokens to learn from, {len(valid):,} to be surprised by, {V:,} different ones")
print(tokenizer.decode(train[:40].tolist()))
unknown = tokenizer.vocab["[unk]"]
print(f"rarer words are one token, [unk]: {(valid == unknown).mean():.1%} of the text to be surprised by")

# %% [markdown]
# ## Counting
#
# The chain rule of probability takes a text apart, one token at a time:
#
# $$p(w_1, \dots, w_n) = \prod_t p(w_t \mid w_1, \dots, w_{t-1}).$$
#
# The simplest estimate looks back at one token only, and counts: of all the times that *her* stood in the text, how
# often did *mother* follow? A pair that never came would have probability zero, and one zero makes the whole text
# impossible. So the counts are mixed with those of single tokens, and those with a uniform guess (Jelinek and Mercer,
# 1980). The vocabulary comes from all chapters and the counts from some of them, so a token may have no followers at
# all; then the single tokens get the share of the pairs too.

# %%
single, pairs = Counter(train.tolist()), Counter(pairwise(train.tolist()))
starts = Counter(train[:-1].tolist())  # how many pairs begin with a token; the last token of the text begins none


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
plt.title("What follows 'her', by counting")
plt.tight_layout()
plt.show()

# %% [markdown]
# It is a distribution: over all the tokens that may follow, it adds up to one, also after a token that was never seen.

# %%
never = next(token for token in range(V) if starts[token] == 0)
totals = torch.tensor([sum(bigram(before, word) for word in range(V)) for before in (her, never)])
assert torch.allclose(totals, torch.ones(2), atol=1e-6)
unseen = sum(starts[token] == 0 for token in range(V))
print(f"{unseen} tokens have no followers, such as {tokenizer.vocab.token(never)!r}")

# %% [markdown]
# ## How surprised?
#
# The surprise at a token of probability $p$ is $-\log p$: none when it was certain, more and more as it was thought
# less likely. The mean over a text is the **cross entropy**, in **nats** (the unit of natural logarithms), its
# exponential the **perplexity**: a model of perplexity 100 is as unsure, on average, as one that must choose among 100
# equally likely words. The mean goes over tokens. Divide by anything else, by batches or by lines, and the number means
# nothing: the 2019 tutorial once printed a sum of batch means divided by the number of examples, and its loss looked as
# many times too good as a batch was large.
#
# [unk] is predicted like any other token, and its probability is that of all the words it stands for. A smaller
# vocabulary makes more of them one, and the text easier to predict (below, for single tokens). So perplexities can be
# compared only within one vocabulary.

# %%
surprise = [-math.log(bigram(a, b)) for a, b in pairwise(valid.tolist())]
by_counting = Likelihood(sum(surprise), len(surprise))
assert torch.allclose(torch.tensor(by_counting.perplexity), torch.tensor(surprise).mean().exp(), rtol=1e-3)
uniform = Likelihood(math.log(V) * len(surprise), len(surprise))
assert by_counting.perplexity < uniform.perplexity / 20
print(f"perplexity: {uniform.perplexity:,.0f} for a guess without knowledge, {by_counting.perplexity:,.0f} by counting")
for token, nats in list(zip(valid[1:].tolist(), surprise, strict=True))[:14]:
    print(f"{tokenizer.vocab.token(token):>12} {'#' * round(4 * nats)}")


def alone(size):
    """Perplexity by the frequency of single tokens, of which all but the first `size` are [unk]."""
    some, new = (np.where(ids < size, ids, unknown) for ids in (train, valid))
    share = (np.bincount(some, minlength=size) + 1) / (len(some) + size)
    return math.exp(-np.log(share[new]).mean())


print("by single tokens:", ", ".join(f"{alone(size):,.0f} with {size:,} different ones" for size in (V, 1000)))
assert alone(1000) < 0.8 * alone(V)

# %% [markdown]
# ## Longer histories
#
# Two tokens back should tell more than one. So mix in the **trigrams**: of all the times that these two came, how often
# did the word follow? Where the two never came together, pairs must do. And three tokens back, in the same way? They
# bring next to nothing more, for the longer a run, the fewer come again. Of the different runs of one to five tokens in
# the text, how many come only once?

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
by_three = Likelihood(surprise[0] + sum(nats), len(surprise))  # the second token has but one before it
more = [-math.log(fourgram(*four)) for four in zip(new, new[1:], new[2:], new[3:], strict=False)]
by_four = Likelihood(surprise[0] + nats[0] + sum(more), len(surprise))
print(f"perplexity: {by_counting.perplexity:.1f} by pairs, {by_three.perplexity:.1f} with runs of three,", end=" ")
print(f"{by_four.perplexity:.1f} with runs of four")
assert by_three.perplexity < 0.92 * by_counting.perplexity
assert 0.97 * by_three.perplexity < by_four.perplexity < by_three.perplexity
once = {n: sum(count == 1 for count in found.values()) / len(found) for n, found in runs.items()}
print("come only once:", ", ".join(f"{share:.0%} of the runs of {n}" for n, share in once.items()))
assert list(once.values()) == sorted(once.values())
assert once[5] > 0.9

# %% [markdown]
# ## An LSTM that reads on
#
# Counts run out: nearly all runs of five come once, and say nothing about what else might have followed. An LSTM has no
# such table, and will do better than all three of those. It reads token after token and keeps what it needs in a state
# of fixed size. To train it, the text is cut into **lanes** that are read side by side in **contiguous order**, a piece
# of 35 tokens of each lane in every batch. The state is carried on from batch to batch; the gradient is not, since it
# would have to go back to the beginning of the book: **truncated backpropagation through time**. The matrix of the last
# layer is the embedding table once more (`tied`).

# %%
seed_everything(0)
model = LSTM(V, width=96, hidden=96, depth=1, tied=True, dropout=0.1)
batches = contiguous_batches(train, batch_size=32, context_length=35)
first = next(iter(batches))
batches.position = 0
print("a batch:", tuple(first.ids.shape), "and its targets, one token further:", first.targets[0, :5].tolist())
begun = time.process_time()  # of this program: what others do meanwhile does not count
history = fit(
    Objective(model),
    batches,
    carried_loss,
    adamw(model, 1e-2, weight_decay=0.0),
    config=TrainConfig(epochs=2, max_grad_norm=1.0),
)
exact_seconds = time.process_time() - begun
exact = likelihood(model, valid, context=256, rows=8)
print(f"perplexity {exact.perplexity:,.0f} after {history.steps} steps; {by_four.perplexity:,.0f} by the best counts")
assert exact.perplexity < 0.97 * by_four.perplexity

plt.figure(figsize=(7, 3))
plt.plot([row["step"] for row in history.rows], [math.exp(row["loss"]) for row in history.rows])
plt.axhline(by_four.perplexity, color="gray", linestyle="--", label="counting runs of four, on held-out text")
plt.plot(history.steps, exact.perplexity, "o", color="tab:red", label="the LSTM, on held-out text")
plt.yscale("log")
plt.xlabel("step")
plt.ylabel("perplexity while training")
plt.legend()
plt.tight_layout()
plt.show()

# %% [markdown]
# ## The most expensive line
#
# At every place the model makes a number for each token of the vocabulary, exponentiates and sums them. With a hidden
# state of width $D$ and a vocabulary of $V$ tokens that is $2DV$ operations forwards and twice as many backwards; the
# LSTM itself needs about $16D^2$. So most of the work goes into the last layer, and of a vocabulary of ten thousands
# nearly all. The logits of a batch are more numbers than all weights, with their gradients and the two numbers that
# Adam remembers of each. Lingon computes them in chunks, each with its gradient, so that they never exist all at once.
# The result is the same.

# %%
states, targets = torch.randn(200, 96), torch.randint(0, V, (200,))
weight, bias = model.output.weight.detach(), model.output.bias.detach()
at_once = F.cross_entropy(states @ weight.T + bias, targets)
in_chunks = chunked_cross_entropy(states, weight, bias, targets, chunk=50 * V)
assert torch.allclose(at_once, in_chunks, atol=1e-5)
D = 96
print(f"operations per token forwards: last layer {2 * D * V:,}, LSTM {16 * D * D:,}")
in_last = {size: 2 * D * size / (2 * D * size + 16 * D * D) for size in (V, 20_000)}
print(", ".join(f"{share:.0%} in the last layer with {size:,} tokens" for size, share in in_last.items()))
assert in_last[V] > 0.8
assert in_last[20_000] > 0.95
numbers = sum(p.numel() for p in model.parameters())
print(f"a batch has {first.ids.numel() * V:,} logits, the model {numbers:,} weights")
assert first.ids.numel() * V > 2 * 4 * numbers

# %% [markdown]
# ## Sampled softmax: fewer negatives
#
# While training one need not compare the right token with all others: some *negatives*, drawn at random, will do. That
# is the **sampled softmax** (Bengio and Senécal, 2003 and 2008). Ids go from frequent to rare, so they can be drawn
# by Zipf's law, frequent tokens more often: token $c$ with the probability $\log \frac{c + 2}{c + 1} / \log(V + 1)$.
# To make up for that, each logit is lowered by the logarithm of how often its token was to be expected among the
# negatives. One draws until there are enough *different* ones, so each comes once or not at all, and the expected count
# is the probability to come at least once in so many tries: exercise 10.3. A negative that is the target itself does
# not count.


# %%
def ours_sampled(hidden, weight, bias, targets, chances, samples):
    """hidden [N, D], targets [N] -> the mean loss of each target against the same drawn negatives."""
    negatives, tries = draw_unique(chances, samples)
    lowered = hidden @ weight.T + bias - (1 - (1 - chances) ** tries).log().float()  # all [N, V], to be easily read
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
# The more negatives, the nearer the sampled loss comes to the exact one. **Evaluation is always exact.**

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
# And the model that is trained so? Same sizes, same steps, a fifth of the vocabulary as negatives.
#
# Beside it goes another way, which draws nothing: the **adaptive softmax** (Grave and others, 2017). The first softmax
# holds the frequent tokens, and one entry for each group of rarer ones. Whoever wants a rare token goes through the
# entry of its group to a second softmax, behind a narrower matrix. The probability of the token is the product of the
# two, so all tokens together have one; and groups that no target of a batch is in cost nothing. (Its matrices cannot be
# the embedding too, so it is another model, with more weights: its perplexity does not judge the softmax alone.)
#
# Both take less of the processor's time. With negatives one pays: after the same steps the model is worse.

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
    print(f"{name}: {seconds:.0f} s, perplexity on held-out text {found.perplexity:,.0f}, by all tokens")
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
# `losses` and `counts` are lists: the mean loss of each batch in nats, and how many tokens it had. Give back the
# perplexity of the whole text.


# %%
def perplexity(losses, counts):
    # your turn
    ...


# %%
attempt(perplexity, "10")

# %% [markdown]
# ### 10.2 Interpolated counts
#
# `text` is a list of words. Give back the probability of `word` after `before`: `a` times the share of `word` among the
# words that follow `before` in the text, plus $1 - a$ times the share of `word` in the text. Where `before` is never
# followed by anything, the first share is 0.


# %%
def interpolated(text, before, word, a):
    # your turn
    ...


# %%
attempt(interpolated, "10")

# %% [markdown]
# ### 10.3 Expected counts
#
# A token that a draw gives with probability `p` is drawn `tries` times, with replacement. What is the probability that
# it comes at least once? Give it so that it is exact for tiny `p` too, where $1 - (1 - p)^n$ loses all its digits.


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
# `lingon train language-model --model lstm` does all of this on the whole text. What an LSTM has read must fit into one
# state; lesson 11 lets every token look back at all the others.
