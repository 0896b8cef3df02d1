# %% [markdown]
# # 07. The text CNN
#
# **How does a network detect a phrase, wherever in a review it occurs?**
#
# The bag of lesson 06 takes the mean of the word vectors of a text. A mean ignores word order: *not good, but short*
# and *not short, but good* are the same bag. What decides a review is often a short sequence of words, such as *not
# worth the time*, and it may occur anywhere. A **convolution** applies the same filter to every sequence of a few
# words; **max pooling over time** keeps only the largest response. This is the text CNN of Kim (2014), who took the
# idea from Collobert and others (2011).
#
# You need: tensors, gradients, a linear layer, dropout, word vectors (lessons 01 to 06). The lesson trains on the first
# 150 tokens of 4,000 reviews, so that it ends within two minutes on two cores; `lingon train sentiment --model textcnn`
# uses all of them and reaches a higher accuracy. Every number below is computed as you run it.

# %%
import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from torch import nn

from lingon.core.seed import seed_everything
from lingon.data.batches import collate
from lingon.word_vectors.files.text_format import read_vectors
from lingon.layers.conv import ConvMax
from lingon.layers.embedding import load_pretrained
from lingon.learn import attempt
from lingon.learn.pictures import words_in_colour
from lingon.learn.reviews import small_reviews, train_classifier
from lingon.models.bag_of_vectors import BagOfVectors
from lingon.models.textcnn import TextCNN

reviews = small_reviews()
tokenizer, vocab = reviews.tokenizer, reviews.tokenizer.vocab
glove_words, glove = read_vectors("glove-6b-50d", only=set(vocab))
width = glove.shape[1]
print(f"{len(reviews.train):,} training reviews, {len(reviews.test):,} test reviews, {len(vocab):,} words")
print(reviews.train.labels[0], "|", reviews.train.texts[0][:200], "...")

# %% [markdown]
# First we verify the problem with the bag: two texts with the same words in a different order get the same logits.

# %%
seed_everything(0)
bag = BagOfVectors(len(vocab), 2, width).eval()
one = collate(tokenizer.encode_batch(["not good, but short", "not short, but good"]))
logits = bag(one.ids, one.mask)
assert torch.allclose(logits[0], logits[1])
print("the bag's logits:", [[round(number, 4) for number in row] for row in logits.tolist()])

# %% [markdown]
# ## A filter is a phrase to look for
#
# Let $x_t$ be the vector of the word at position $t$, with $D$ numbers. A **filter** of **kernel width** $h$ consists
# of $h$ vectors $w_1, \dots, w_h$, also of $D$ numbers each, and a bias $b$. Applied to the words at positions $i$ to
# $i + h - 1$ it gives a score,
#
# $$c_i = b + \sum_{j=1}^{h} w_j \cdot x_{i+j-1},$$
#
# with one dot product per word. The dot product of vectors of length 1 is their cosine: it is largest if the two point
# in the same direction. So a filter is a phrase in the space of word vectors, and $c_i$ says how similar the words
# starting at $i$ are to it.
#
# We can see this without training. Let the filter consist of the vectors of *not worth seeing*, all scaled to length 1,
# and slide it over a sentence that does not contain this phrase.

# %%
row_of = {word: i for i, word in enumerate(glove_words)}


def vectors_of(text):
    """The GloVe vectors of a text's words, each of length 1: [T, D]."""
    return F.normalize(torch.from_numpy(glove[[row_of[token] for token in tokenizer.tokens(text)]]), dim=-1)


sentence = "the cast is fine but in the end it is hardly worth watching and much too long"
phrase = vectors_of("not worth seeing")  # [3, D]: a filter of kernel width 3
x = vectors_of(sentence)  # [T, D]
scores = torch.stack([(phrase * x[i : i + 3]).sum() for i in range(len(x) - 2)])

tokens = tokenizer.tokens(sentence)
windows = [" ".join(tokens[i : i + 3]) for i in range(len(scores))]
best = scores.argmax().item()
assert windows[best] == "hardly worth watching"
figure, axis = plt.subplots(figsize=(9, 4))
axis.bar(range(len(scores)), scores, color=["tab:red" if i == best else "tab:blue" for i in range(len(scores))])
axis.set_xticks(range(len(scores)), windows, rotation=50, ha="right")
axis.set(ylabel="score $c_i$", title=f"The filter “not worth seeing” finds “{windows[best]}”")
figure.tight_layout()
plt.show()

# %% [markdown]
# The red bar is **max over time**: of all the scores of one filter only the largest is kept, $\max_i c_i$. It says
# *whether* something like the phrase occurs, and ignores *where*. So the network need not learn *hardly worth watching*
# separately for each position in a review.
#
# ## Ten lines, and the library
#
# A layer has many filters, its **channels**. Below, `weight[c, :, j]` is the vector $w_{j+1}$ of filter $c$. The score
# goes through a ReLU, $\max(0, c_i)$, because a phrase is present to some degree or absent; it cannot be present by a
# negative amount.


# %%
def convolve(x, weight, bias):
    """x [T, D], weight [channels, D, kernel], bias [channels] -> scores [T - kernel + 1, channels]."""
    kernel = weight.shape[2]
    windows = [x[i : i + kernel] for i in range(len(x) - kernel + 1)]  # each [kernel, D]
    return torch.stack([torch.einsum("kd,cdk->c", window, weight) + bias for window in windows])


def max_over_time(scores):
    """scores [windows, channels] -> [channels]."""
    return scores.relu().amax(0)


layer = ConvMax(width, channels=7, kernel=3)
with torch.no_grad():
    ours = convolve(x, layer.conv.weight, layer.conv.bias)
    mask = torch.ones(1, len(x), dtype=torch.bool)
    assert torch.allclose(ours, layer.scores(x[None])[0], atol=1e-5)
    assert torch.allclose(max_over_time(ours), layer(x[None], mask)[0], atol=1e-5)
print("equal to lingon.layers.conv.ConvMax:", tuple(ours.shape), "->", tuple(max_over_time(ours).shape))

# %% [markdown]
# Kim's model consists of three such layers in parallel, with kernels of 3, 4 and 5 words. The maxima of all filters are
# concatenated, a linear layer turns them into two logits, and dropout between the two keeps the model from relying too
# much on single filters.


# %%
class Kim(nn.Module):
    def __init__(self, vocab_size, width, kernels, channels):
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, width, padding_idx=0)
        self.convs = nn.ModuleList(nn.Conv1d(width, channels, kernel) for kernel in kernels)
        self.out = nn.Linear(channels * len(kernels), 2)

    def forward(self, ids):
        x = self.embedding(ids).transpose(1, 2)  # [B, D, T], as Conv1d expects
        return self.out(torch.cat([conv(x).relu().amax(2) for conv in self.convs], 1))


model = TextCNN(len(vocab), 2, width, kernels=(3, 4, 5), channels=32).eval()
kim = Kim(len(vocab), width, (3, 4, 5), 32)
kim.load_state_dict({name.replace(".conv.", "."): value for name, value in model.state_dict().items()})
ids = torch.tensor([tokenizer.encode(sentence)])
assert torch.allclose(kim(ids), model(ids, ids > 0), atol=1e-6)

# %% [markdown]
# The short class has one bug. The texts of a batch are padded to the same length, and our `amax` includes windows of
# padding, where the score is the bias $b$. So the prediction depends on the other texts in the batch. The library gets
# a `mask` that says which positions are tokens and which are padding, and excludes windows with padding.

# %%
padded = F.pad(ids, (0, 40))
with torch.no_grad():
    for conv in kim.convs:
        conv.bias += 0.5  # as training might do
    kim_alone, kim_padded = kim(ids), kim(padded)
    assert torch.allclose(model(ids, ids > 0), model(padded, padded > 0), atol=1e-6)
print(f"ten lines, logits without padding {kim_alone[0].tolist()}, with padding {kim_padded[0].tolist()}")
assert not torch.allclose(kim_alone, kim_padded)

# %% [markdown]
# ## What the filters learn to look for
#
# Now we train the model. Its word vectors are initialized with GloVe's. Weights from an earlier training run are called
# **pretrained**, and to train them further on our texts is to **fine-tune** them; `freeze` keeps them unchanged.
# `load_pretrained` copies each vector to the row of its word and returns the **coverage**, the fraction of our
# vocabulary for which GloVe has a vector. (In an older course of this kind the vectors were loaded, but never reached
# the model, and nobody noticed. So we check.)


# %%
def with_glove(model, freeze=False):
    """The model, its embedding filled with GloVe's vectors."""
    load_pretrained(model.embedding, vocab, glove_words, glove, freeze)
    return model


seed_everything(0)
model = TextCNN(len(vocab), 2, width, kernels=(3, 4, 5), channels=32)
coverage = load_pretrained(model.embedding, vocab, glove_words, glove)
assert torch.equal(model.embedding.weight[vocab["film"]].data, torch.from_numpy(glove[row_of["film"]]))
non_static = train_classifier(model, reviews)  # four epochs; returns the accuracy on the test reviews
print(f"coverage {coverage:.1%}, accuracy on the test reviews {non_static:.3f}")

# %% [markdown]
# To see what a filter looks for, slide it over all test reviews and list the phrases with the highest scores. The
# **vote** of a filter is its weight for *positive* minus its weight for *negative* in the last layer.


# %%
@torch.no_grad()
def strongest_windows(conv):
    """The highest score of each filter in each test review, and its position: two tensors [reviews, channels]."""
    highest, places = torch.empty(len(reviews.test), 32), torch.empty(len(reviews.test), 32, dtype=torch.long)
    for b in reviews.test_batches():
        scores = conv.scores(model.embedding(b.ids))
        last = (b.mask.sum(1, keepdim=True) - conv.kernel).clamp(min=0)
        scores[torch.arange(scores.shape[1]) > last] = -torch.inf  # windows that contain padding
        highest[b.index], places[b.index] = scores.max(1)
    return highest, places


def phrases(conv, channel, most=5):
    """The phrases with the highest scores of a filter, each once: [(score, phrase)]."""
    highest, places = found[conv.kernel]
    seen = {}
    for review in highest[:, channel].argsort(descending=True)[: 5 * most].tolist():
        start = places[review, channel].item()
        ids = reviews.test_ids[review][start : start + conv.kernel]
        seen.setdefault(" ".join(vocab.token(i) for i in ids), highest[review, channel].item())
    return [(score, phrase) for phrase, score in seen.items()][:most]


found = {conv.kernel: strongest_windows(conv) for conv in model.convs}
votes = (model.out.weight[1] - model.out.weight[0]).detach()  # [channels * kernels], kernel by kernel
mean_fire = torch.cat([found[conv.kernel][0].relu().mean(0) for conv in model.convs])
order = (votes * mean_fire).argsort().tolist()
assert votes[order[:3]].max() < 0 < votes[order[-3:]].min()

figure, axes = plt.subplots(3, 2, figsize=(11, 7))
for row, pair in enumerate(zip(order[:3], reversed(order[-3:]), strict=True)):
    for axis, number, colour in zip(axes[row], pair, ("tab:blue", "tab:red"), strict=True):
        conv, channel = model.convs[number // 32], number % 32
        heights, names = zip(*phrases(conv, channel), strict=True)
        axis.barh(names, heights, color=colour)
        axis.invert_yaxis()
        axis.set_title(f"filter {channel} of kernel {conv.kernel}: vote {votes[number]:+.2f}", fontsize=10)
figure.suptitle("Phrases that activate filters: three that vote negative (left), three that vote positive (right)")
figure.tight_layout()
plt.show()

# %% [markdown]
# Filters are soft **n-gram detectors**: they respond to a phrase and to similar phrases in the space of word vectors.
# Not every filter detects a single pattern; many respond to two or three unrelated ones (Jacovi and others, 2018,
# analyze them).
#
# We can also explain the prediction for a single review. Each filter's maximum comes from one window, and multiplied by
# the filter's vote it is the contribution of this window to *positive*. We distribute it over the words of the window
# and colour them: red for positive, blue for negative.


# %%
@torch.no_grad()
def given_by_words(text):
    """The tokens of a text and the contribution of each to the logit of positive minus that of negative."""
    ids = torch.tensor([tokenizer.encode(text)[: reviews.length]])
    given, number = torch.zeros(ids.shape[1]), 0
    for conv in model.convs:
        highest, places = conv.scores(model.embedding(ids))[0].max(0)
        for value, start in zip(highest.relu(), places, strict=True):
            given[start : start + conv.kernel] += votes[number] * value / conv.kernel
            number += 1
    return [vocab.token(i) for i in ids[0].tolist()], given


texts = [
    "I expected little and was surprised: a wonderful cast, a story with heart, and one of the best endings in years.",
    "The first half hour is great. After that it is a complete waste of time, badly written and not worth seeing.",
]
figure, axes = plt.subplots(len(texts), 1, figsize=(10, 2.2))
said = []
for axis, text in zip(axes, texts, strict=True):
    shown, given = given_by_words(text)
    words_in_colour(axis, shown, given.tolist())
    batch = collate(tokenizer.encode_batch([text]))
    with torch.no_grad():
        logits = model(batch.ids, batch.mask)[0]
    assert torch.allclose(given.sum(), logits[1] - logits[0] - model.out.bias[1] + model.out.bias[0], atol=1e-4)
    said.append(logits.softmax(0)[1].item())
    axis.set_title(f"positive: {said[-1]:.1%}", fontsize=10, loc="left")
figure.tight_layout()
plt.show()
assert said[0] > 0.5 > said[1]

# %% [markdown]
# ## How many words should a filter see?
#
# A kernel of 1 sees single words, which makes the model a bag with a maximum instead of the mean. Wider kernels see
# phrases, but each long phrase is rare, so there are fewer examples to learn it from. We train a model for each width,
# all with 64 filters. Here a width of five words is better than one; the differences between neighbouring widths may be
# due to chance. The error bars show one **standard error**: with $n$ test reviews, an accuracy $p$ has an uncertainty
# of about $\sqrt{p (1 - p) / n}$, and smaller differences mean nothing.


# %%
def standard_error(p):
    return (p * (1 - p) / len(reviews.test)) ** 0.5


by_kernel = {}
for kernel in (1, 2, 3, 5):
    seed_everything(0)
    single = with_glove(TextCNN(len(vocab), 2, width, kernels=(kernel,), channels=64))
    by_kernel[kernel] = train_classifier(single, reviews)
    print(f"kernel {kernel}: {by_kernel[kernel]:.3f} +- {standard_error(by_kernel[kernel]):.3f}")

assert by_kernel[5] > by_kernel[1]
assert abs(by_kernel[3] - by_kernel[2]) < 3 * standard_error(by_kernel[2])
figure, axis = plt.subplots(figsize=(6, 3.5))
axis.errorbar(
    list(by_kernel), list(by_kernel.values()), [standard_error(p) for p in by_kernel.values()], fmt="o-", capsize=4
)
axis.axhline(non_static, color="tab:gray", linestyle="--", label="kernels 3, 4 and 5 together")
axis.set(xlabel="kernel width in words", ylabel="accuracy", xticks=list(by_kernel), title="Kernel width and accuracy")
axis.legend()
figure.tight_layout()
plt.show()

# %% [markdown]
# ## Kim's four variants
#
# Kim compares four ways to treat the word vectors during training:
#
# | variant | word vectors |
# |---|---|
# | CNN-rand | initialized at random, trained |
# | CNN-static | GloVe's, frozen |
# | CNN-non-static | initialized with GloVe's, trained (the model above) |
# | CNN-multichannel | two sets, one frozen and one trained; each filter is applied to both, and the scores are added |

# %%
variants = {"non-static": non_static}
for name in ("rand", "static", "multichannel"):
    seed_everything(0)
    variant = TextCNN(len(vocab), 2, width, kernels=(3, 4, 5), channels=32, multichannel=name == "multichannel")
    if name != "rand":
        with_glove(variant, freeze=name == "static")
    if name == "multichannel":
        load_pretrained(variant.frozen, vocab, glove_words, glove, freeze=True)
    variants[name] = train_classifier(variant, reviews)
print(", ".join(f"{name} {found:.3f}" for name, found in variants.items()))
assert variants["non-static"] > max(variants["rand"], variants["static"] + standard_error(non_static))
assert variants["multichannel"] < variants["non-static"] + 2 * standard_error(non_static)

figure, axis = plt.subplots(figsize=(6, 3))
names = sorted(variants, key=variants.get)
axis.barh(names, [variants[n] for n in names], xerr=[standard_error(variants[n]) for n in names], capsize=4)
axis.set(xlim=(0.5, 0.9), xlabel="accuracy", title="Four ways to treat the word vectors")
for i, name in enumerate(names):
    axis.text(0.505, i, f"{variants[name]:.3f}", va="center", color="white")
figure.tight_layout()
plt.show()

# %% [markdown]
# Compare *rand* and *non-static*: the same model with a different initialization, and the pretrained vectors are
# better. *Static* has to use vectors that were trained to predict neighbours; only its filters are trained, and its
# accuracy is lower. Kim found that *multichannel* was not clearly better than *non-static*, and the same holds here.
# And mind the error bars: a difference of less than two standard errors may be reversed with another seed.
#
# How does training change the vectors? In GloVe, words that occur in similar contexts are near each other, so *bad* is
# near *good*. A sentiment classifier benefits from separating them, and after four epochs it has begun to.


# %%
def neighbours(word, table, most=6):
    """The words whose vectors have the largest cosine with that of `word`."""
    table = F.normalize(table, dim=-1)
    near = (table @ table[vocab[word]]).argsort(descending=True).tolist()
    return [vocab.token(i) for i in near if vocab.token(i) != word][:most]


before = with_glove(TextCNN(len(vocab), 2, width)).embedding.weight.detach()
after = model.embedding.weight.detach()
for word in ("bad", "worst", "wonderful"):
    print(f"{word:10} GloVe:   {', '.join(neighbours(word, before))}")
    print(f"{'':10} trained: {', '.join(neighbours(word, after))}")
for a, b in (("good", "bad"), ("best", "worst")):
    change = [F.cosine_similarity(t[vocab[a]], t[vocab[b]], dim=0).item() for t in (before, after)]
    print(f"cosine of {a} and {b}: {change[0]:.3f} before, {change[1]:.3f} after")
    assert change[1] < change[0] - 0.02

# %% [markdown]
# ## Exercises
#
# Replace `...` with your code, run the cell, then the one below it. In a terminal, `lingon learn check 07` checks all
# three in your copy, and `--hint 2` gives more hints.
#
# ### 07.1 Count the parameters
#
# How many parameters does a text CNN have? Count the embedding (all `vocab_size` rows), the filters with their biases,
# and the last layer with its biases. `kernels` is a list such as `[3, 4, 5]`, `channels` is the number of filters per
# kernel.


# %%
def count_numbers(vocab_size, width, kernels, channels, classes):
    # your turn
    ...


# %%
attempt(count_numbers, "07")

# %% [markdown]
# ### 07.2 The best phrase
#
# `tokens` is a list of words, `scores` a list with the score of each window of `kernel` words (the first is the window
# that starts at word 0). Return the phrase with the highest score as one string, its words joined by spaces. If several
# scores are equal, take the first. A text shorter than the kernel has one window: all its words.


# %%
def best_phrase(tokens, scores, kernel):
    # your turn
    ...


# %%
attempt(best_phrase, "07")

# %% [markdown]
# ### 07.3 k-max pooling
#
# A single maximum ignores how often a phrase occurs, and which phrase comes first. Kalchbrenner and others (2014) keep
# the `k` highest scores of each filter, **in the order in which they occur in the text**. `scores` is a tensor [T,
# channels] with T >= k; return [k, channels].


# %%
def k_max_over_time(scores, k):
    # your turn
    ...


# %%
attempt(k_max_over_time, "07")

# %% [markdown]
# ## What to read next
#
# - Yoon Kim, *Convolutional Neural Networks for Sentence Classification*, 2014: the model, on four pages.
# - Ronan Collobert and others, *Natural Language Processing (Almost) from Scratch*, 2011: the source of max over time.
# - Nal Kalchbrenner and others, *A Convolutional Neural Network for Modelling Sentences*, 2014: more than one layer.
# - Ye Zhang and Byron Wallace, *A Sensitivity Analysis of (and Practitioners' Guide to) Convolutional Neural Networks
#   for Sentence Classification*, 2015: which settings matter.
# - Alon Jacovi and others, *Understanding Convolutional Neural Networks for Text Classification*, 2018.
#
# A filter sees only a few words. It cannot connect the first sentence of a review with the last. Lesson 08 reads a text
# from start to end, with a memory.
