# %% [markdown]
# # 06. Word vectors
#
# **How can a few numbers represent the meaning of a word?**
#
# A network computes with numbers, but a word is not a number. If we number the words, *film* may become 17 and *movie*
# 3022: these numbers say nothing about the words. This lesson represents each word by a **vector** instead, so that
# words with similar uses have similar vectors, and it learns these vectors from plain text alone.
#
# We build skip-gram, negative sampling, subwords and GloVe, each in a few lines, and check them against the library.
# Then we query vectors that were trained on six billion words: which words are similar to *coffee*, what is to *Rome*
# as *France* is to *Paris*, and what have they learned that they should not have? At the end we use them to classify
# film reviews.
#
# You need: gradients (lesson 02), training (04) and the difference between a training and a test set (05).

# %%
import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from torch import nn

from lingon.core.seed import seed_everything
from lingon.data.batches import collate
from lingon.data.corpora.questions import load_questions
from lingon.data.hashing import fnv1a, subwords
from lingon.word_vectors.files import Subwords
from lingon.word_vectors.map_page import pca
from lingon.layers.embedding import Embedding
from lingon.layers.losses import chunked_cross_entropy
from lingon.layers.word_losses import glove, negative_sampling
from lingon.learn import attempt
from lingon.learn.reviews import small_reviews, train_classifier
from lingon.metrics.correlation import spearman
from lingon.models.bag_of_vectors import BagOfVectors
from lingon.word_vectors.queries import WordVectors, analogy, nearest, odd_one_out, similarity, weat

reviews = small_reviews()
tokenizer, vocab = reviews.tokenizer, reviews.tokenizer.vocab
V, D = len(vocab), 50
print(f"{len(reviews.train):,} film reviews, {sum(map(len, reviews.train_ids)):,} words, vocabulary of {V:,}")

# %% [markdown]
# ## From one-hot to distributed representations
#
# The simplest vector of a word is **one-hot**: it has as many numbers as there are words, all 0 except for a 1 at the
# word's own position. Any two different words have the dot product 0 and the same distance, so *film* is as far from
# *movie* as from *car*. (Above, a **tokenizer** has split the reviews into tokens, which here are words. The tokens
# that it knows are its **vocabulary**, and the number of a token in it is its **id**.) Multiply a one-hot vector by a
# matrix $E$ that has one row of $D$ numbers for each word, and the result is one of these rows, the word's
# **embedding**. All words use the same $D$ dimensions, so the meaning of a word is *distributed* over them. Nobody
# actually multiplies by all those zeros: an embedding layer looks up the row.

# %%
layer = Embedding(V, D)
ids = torch.tensor([[vocab["film"], vocab["movie"], vocab["car"]]])
one_hot = F.one_hot(ids, V).float()  # [B, T, V]
assert torch.allclose(one_hot @ layer.weight, layer(ids))
print("dot products of one-hot vectors:", (one_hot[0] @ one_hot[0].T).tolist())
assert torch.equal(one_hot[0] @ one_hot[0].T, torch.eye(3))

# %% [markdown]
# What should the rows contain? "You shall know a word by the company it keeps", wrote the linguist Firth in 1957. So
# let us count which words occur within two positions of a given word. Below, each row is a word, each column a
# neighbour, and the colour shows how much more often the two occur together than expected by chance.


# %%
def pairs(ids, window):
    """All words with each of their neighbours, in both directions. ids: one row of numbers, 0 between texts."""
    centres, contexts = [], []
    for k in range(1, window + 1):
        a, b = ids[:-k], ids[k:]
        both = (a > 0) & (b > 0)
        centres += [a[both], b[both]]
        contexts += [b[both], a[both]]
    return torch.cat(centres), torch.cat(contexts)


gap = [0] * 5  # so that no window reaches into the next review
text = torch.tensor([i if i > 1 else 0 for row in reviews.train_ids for i in row + gap])  # 1 is the unknown word
frequency = torch.bincount(text, minlength=V).float()
frequency[0] = 0
centre, context = pairs(text, 2)
n = 2000  # the most frequent words; the vocabulary begins with them
among = (centre < n) & (context < n)
together = torch.bincount(centre[among] * n + context[among], minlength=n * n).view(n, n)

rows = ["good", "bad", "great", "awful", "actor", "actress", "film", "movie", "he", "she"]
columns = ["very", "really", "so", "pretty", "best", "supporting", "young", "the", "this", "was", "his", "her"]
here, there = [vocab[w] for w in rows], [vocab[w] for w in columns]
chance = torch.outer(together.sum(1).float(), together.sum(0).float()) / together.sum()
seen_more = ((together + 1) / (chance + 1)).log2()  # [n, n]
figure, axis = plt.subplots(figsize=(8, 4.5), layout="constrained")
picture = axis.imshow(seen_more[here][:, there], cmap="RdBu_r", vmin=-4, vmax=4)
axis.set_xticks(range(len(columns)), columns, rotation=45)
axis.set_yticks(range(len(rows)), rows)
figure.colorbar(picture, label="log2 of seen / chance")
axis.set_title("Words and their neighbours")
plt.show()
alike = lambda a, b: F.cosine_similarity(seen_more[vocab[a]], seen_more[vocab[b]], dim=0).item()
assert min(alike("good", "bad"), alike("film", "movie")) > 1.5 * max(alike("good", "film"), alike("good", "he"))
print(f"{(together == 0).float().mean():.0%} of the table is 0")
assert (together == 0).float().mean() > 0.8

# %% [markdown]
# Similar words have similar rows: *good* and *bad*, *film* and *movie*. The rows of this table are word vectors
# already, but each has as many numbers as there are words, and most of them are 0, even for the most frequent words.
#
# ## Skip-gram
#
# Mikolov and others (2013) replaced counting by prediction: given a word $w$, predict a neighbour $c$. Each word has
# two vectors, $v_w$ as the centre word and $u_w$ as a neighbour, and the prediction is a softmax over dot products,
#
# $$P(c \mid w) = \frac{\exp(u_c \cdot v_w)}{\sum_k \exp(u_k \cdot v_w)}, \qquad \ell = -\log P(c \mid w).$$
#
# Words with the same neighbours must make the same predictions, so training moves their vectors close together. To
# derive the gradient, write $\ell = -u_c \cdot v_w + \log \sum_k \exp(u_k \cdot v_w)$ and differentiate:
#
# $$\frac{\partial \ell}{\partial v_w} = -u_c + \sum_k P(k \mid w)\, u_k.$$
#
# A step of gradient descent moves $v_w$ toward the observed neighbour and away from the expected neighbour vector under
# the model.


# %%
def skip_gram(v, U, context):
    """v [N, D] of the words, U [V, D] of all neighbours, context [N] -> mean loss."""
    scores = v @ U.T  # [N, V]
    return (scores.exp().sum(1).log() - scores[torch.arange(len(v)), context]).mean()


seed_everything(0)
v, U = torch.randn(7, D, requires_grad=True), 0.1 * torch.randn(V, D)
seen = context[:7]
loss = skip_gram(v, U, seen)
assert torch.allclose(
    loss, chunked_cross_entropy(v, U, None, seen)
)  # the library's loss, which never stores all scores at once
loss.backward()
expected = (v @ U.T).softmax(1) @ U
assert torch.allclose(v.grad, (expected - U[seen]).detach() / 7, atol=1e-6)
print(f"loss {loss:.3f}; with equal probabilities it would be log V = {torch.tensor(V).log():.3f}")

# %% [markdown]
# ## Negative sampling
#
# The sum over all words makes the cost of each prediction proportional to the size of the vocabulary. So ask an easier
# question: *is this pair real, or was the neighbour drawn at random?* For each real pair draw $K$ words $n_1, \dots,
# n_K$, and distinguish them from the real neighbour with a logistic regression, with $\sigma(x) = 1 / (1 + e^{-x})$:
#
# $$\ell = -\log \sigma(u_c \cdot v_w) - \sum_{k=1}^{K} \log \sigma(-u_{n_k} \cdot v_w).$$
#
# Now a pair costs $K + 1$ dot products. The words are drawn with probabilities proportional to their frequency to the
# power of three quarters, so that rare words are drawn somewhat more often than they occur.


# %%
def pair_loss(v, u, noise):
    """v [N, D], u [N, D] of neighbours, noise [N, K, D] of drawn words -> mean loss."""
    real = torch.sigmoid((v * u).sum(1))
    drawn = torch.sigmoid(-torch.einsum("nd,nkd->nk", v, noise))
    return -(real.log() + drawn.log().sum(1)).mean()


v, u, noise = torch.randn(7, D), torch.randn(7, D), torch.randn(7, 3, D)
assert torch.allclose(pair_loss(v, u, noise), negative_sampling(v, u, noise), rtol=1e-4)

share = frequency**0.75 / (frequency**0.75).sum()

commonest = frequency.argsort(descending=True)[:4000]
more = share[commonest] > (frequency / frequency.sum())[commonest]  # drawn more often than they occur
assert not more[:50].any()
assert more[-50:].all()
figure, axis = plt.subplots(figsize=(6, 3.2), layout="constrained")
axis.loglog(range(1, 4001), (frequency / frequency.sum())[commonest], label="fraction of the text")
axis.loglog(range(1, 4001), share[commonest], label="fraction of the draws")
axis.set(xlabel="rank of the word", ylabel="fraction", title="Frequent words are drawn less often than they occur")
axis.legend()
plt.show()

# %% [markdown]
# Another trick concerns the frequent words themselves. *The* occurs next to almost everything and carries little
# information, yet it makes up much of the text. So the text is **subsampled** before the pairs are made: each
# occurrence of a word that makes up a fraction $f$ of the text is kept only with probability $\sqrt{t / f}$, at most 1.
# This also widens the windows: a word that was three positions away may now be two positions away.
#
# This is nearly everything that word2vec does. Our version processes thousands of pairs at once, with Adam as the
# optimizer; the authors' program processes pair by pair, with a learning rate that decreases from start to end.


# %%
def thinned(ids, threshold=1e-4):
    """The ids without most of the frequent words; the gaps remain."""
    f = frequency / frequency.sum()
    keep = (threshold / f[ids]).sqrt() > torch.rand(len(ids))
    return ids[keep | (ids == 0)]


def learn(vectors_of, parameters, epochs, window=4, negatives=5, lr=0.01, size=8192):
    """Trains vectors by negative sampling. vectors_of: a function from ids to vectors. Returns the losses."""
    outputs = nn.Parameter(torch.zeros(V, D))
    optimizer, losses = torch.optim.Adam([*parameters, outputs], lr=lr), []
    for _ in range(epochs):
        centre, context = pairs(thinned(text), window)
        for some in torch.randperm(len(centre)).split(size):
            drawn = torch.multinomial(share, len(some) * negatives, replacement=True).view(-1, negatives)
            loss = negative_sampling(vectors_of(centre[some]), outputs[context[some]], outputs[drawn])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    return losses


seed_everything(0)
inputs = nn.Parameter((torch.rand(V, D) - 0.5) / D)
losses = learn(lambda ids: inputs[ids], [inputs], epochs=2)
assert abs(losses[0] - 6 * torch.tensor(2.0).log()) < 1e-3
assert losses[-1] < 0.8 * losses[0]
print(f"after subsampling, the text has {(thinned(text) > 0).sum() / (text > 0).sum():.0%} of its words")
assert (thinned(text) > 0).sum() < 0.5 * (text > 0).sum()
own = WordVectors(list(vocab), inputs.detach().numpy())

figure, axis = plt.subplots(figsize=(6, 3), layout="constrained")
axis.plot(losses)
axis.axhline(6 * torch.tensor(2.0).log().item(), color="tab:gray", linestyle="--", label="$6 \\log 2$: untrained")
axis.set(xlabel="step", ylabel="loss per pair", title="Skip-gram learns which words occur together")
axis.legend()
plt.show()

# %% [markdown]
# The similarity of two words is the **cosine** of their vectors: the dot product, divided by both lengths. It is 1 if
# they point in the same direction and 0 if they are perpendicular. Here are the nearest words after training on a
# million words of film reviews, which is very little.

# %%
for word in ("actress", "horror", "awful", "director", "french"):
    print(f"{word:10}", ", ".join(near for near, _ in nearest(own, [word], 6, most_frequent=3000)[0]))

a, b = torch.from_numpy(own["film"]), torch.from_numpy(own["movie"])
cosine = (a @ b / (a.norm() * b.norm())).item()
assert abs(cosine - similarity(own, "film", "movie")) < 1e-5
print(f"cosine of film and movie {cosine:.2f}, of film and car {similarity(own, 'film', 'car'):.2f}")
assert cosine > similarity(own, "film", "car") + 0.3

# %% [markdown]
# ## Subwords
#
# *Unwatchable* may be rare, and *unwatchability* may never occur. But their letters are known. In fastText (Bojanowski
# and others, 2017), the vector of a word is the mean of the vectors of its **parts** (the paper uses the sum; its
# program uses the mean): the word itself, and all substrings of three to six characters of the word between < and >. To
# keep the table small, the row of a part is determined by a **hash**, a number computed from its letters, and some
# parts share a row.


# %%
def parts(word, shortest=3, longest=6):
    word = f"<{word}>"
    lengths = range(shortest, longest + 1)
    return [word[i : i + n] for n in lengths for i in range(len(word) - n + 1)]


assert parts("where") == subwords("where")
print(parts("where", 3, 4))

BUCKETS = 100_000
different = {part for word in vocab for part in parts(word)}
rows_taken = len({fnv1a(part.encode()) % BUCKETS for part in different})
print(f"{len(different):,} different parts in {rows_taken:,} rows")
assert 0.6 < rows_taken / len(different) < 1
table = torch.randn(BUCKETS, D)
by_hand = torch.stack([table[fnv1a(part.encode()) % BUCKETS] for part in parts("unwatchability")]).mean(0)
theirs = Subwords(table.numpy(), 3, 6).vector("unwatchability")
assert torch.allclose(by_hand, torch.from_numpy(theirs), atol=1e-6)

# %% [markdown]
# We train as before, now with vectors of parts. At every step the vectors of all words are recomputed, each as the mean
# of its rows: its own, and those of its parts. Then we look up the nearest words of words that are not in the
# vocabulary.

# %%
rows_of = [[BUCKETS + i, *(fnv1a(p.encode()) % BUCKETS for p in parts(word))] for i, word in enumerate(vocab)]
flat = torch.tensor([row for rows in rows_of for row in rows])
starts = torch.tensor([0] + [len(rows) for rows in rows_of[:-1]]).cumsum(0)

seed_everything(0)
shared = nn.Parameter((torch.rand(BUCKETS + V, D) - 0.5) / D)
learn(lambda ids: F.embedding_bag(flat, shared, starts)[ids], [shared], epochs=1, lr=0.02, size=32768)
with torch.no_grad():
    whole = F.embedding_bag(flat, shared, starts).numpy()
with_parts = WordVectors(list(vocab), whole, parts=Subwords(shared.detach()[:BUCKETS].numpy(), 3, 6))

for word in ("unwatchability", "directorially", "sentimentalism", "disappointingness"):
    assert word not in vocab
    found = [near for near, _ in nearest(with_parts, [with_parts.parts.vector(word)], 6)[0]]
    common = {other: len({*parts(word)} & {*parts(other)}) for other in vocab}
    print(f"{word:18}", ", ".join(f"{near} ({common[near]})" for near in found))
    assert common[found[0]] > 50 * sum(common.values()) / len(common)

# %% [markdown]
# The number in brackets is how many parts the two words have in common; an average word of the vocabulary has less than
# one. The nearest words are similar in *spelling*, and here also in meaning, though that need not be so. Languages in
# which words have many forms, such as Finnish or Turkish, gain more from subwords than English.
#
# ## GloVe
#
# Skip-gram goes through the text pair by pair, and processes the same pair again and again. Pennington and others
# (2014) count first, and then fit the counts. If $X_{ij}$ is how often word $j$ occurred near word $i$,
#
# $$\ell = \sum_{X_{ij} > 0} f(X_{ij}) \left( w_i \cdot u_j + b_i + c_j - \log X_{ij} \right)^2,
# \qquad f(X) = \min(1, X / 100)^{3/4}.$$
#
# The biases account for the frequency of each word, so the dot product only has to model how strongly the two are
# associated. The weight $f$ ensures that pairs seen once count less than those seen a thousand times.
#
# Each word has two vectors, $w$ and $u$. The counts are the same in both directions, so the two differ only by their
# random initialization: they are two estimates for the same word. The authors add them, and so do we.


# %%
def glove_loss(W, U, b, c, X):
    """W, U [V, D], b, c [V], X [V, V] -> mean over the observed pairs."""
    f = (X / 100).clamp(max=1) ** 0.75  # 0 where X is 0
    error = W @ U.T + b[:, None] + c - X.clamp(min=1e-9).log()
    return (f * error**2).sum() / (X > 0).sum()


X = torch.zeros(n, n)
for k in range(1, 6):  # a neighbour at distance k counts 1/k
    a, b = text[:-k], text[k:]
    both = (a > 0) & (b > 0) & (a < n) & (b < n)
    X += torch.bincount(a[both] * n + b[both], minlength=n * n).view(n, n) / k
X = X + X.T  # the same in both directions

seed_everything(0)
W, U, b, c = (nn.Parameter((torch.rand(*shape) - 0.5) / D) for shape in ((n, D), (n, D), (n,), (n,)))
i, j = X.nonzero(as_tuple=True)
assert torch.allclose(glove_loss(W, U, b, c, X), glove(W[i], U[j], b[i], c[j], X[i, j]), rtol=1e-4)

optimizer = torch.optim.Adam([W, U, b, c], lr=0.03)
for _ in range(120):
    optimizer.zero_grad()
    glove_loss(W, U, b, c, X).backward()
    optimizer.step()
counted = WordVectors(list(vocab)[:n], (W + U).detach().numpy())
for word in ("actress", "horror", "awful", "director", "french"):
    print(f"{word:10}", ", ".join(near for near, _ in nearest(counted, [word], 6)[0]))

# %%
with torch.no_grad():
    fitted = W @ U.T + b[:, None] + c
often = torch.randperm(len(i))[:5000]
figure, axis = plt.subplots(figsize=(4.5, 4), layout="constrained")
axis.scatter(X[i, j][often].log(), fitted[i, j][often], s=3, alpha=0.4)
axis.plot([-2, 10], [-2, 10], color="tab:gray")
axis.set(xlabel="log of the count", ylabel="$w \\cdot u + b + c$", title="GloVe fits the logarithms of counts")
plt.show()
off = (fitted[i, j] - X[i, j].log()).square()
assert off[X[i, j] < 1].mean() > 3 * off[X[i, j] > 30].mean()

# %% [markdown]
# On the left, where the counts are small, the fit is poor: there the weights are small too.
#
# ## Published vectors
#
# Good vectors need billions of words of text, but they need to be trained only once. We open GloVe's vectors for
# 400,000 words, trained on Wikipedia and newspapers. `WordVectors` behaves like a dictionary; it opens word2vec and
# fastText files in the same way.

# %%
vectors = WordVectors.open("glove-6b-50d")
print(vectors, "|", "coffee" in vectors, "unwatchability" in vectors, vectors["coffee"][:3])
for word, found in zip(("coffee", "paris", "walked"), nearest(vectors, ["coffee", "paris", "walked"], 6), strict=True):
    print(f"{word:8}", ", ".join(f"{near} {cosine:.2f}" for near, cosine in found))
odd = odd_one_out(vectors, ["breakfast", "cereal", "dinner", "motorcycle"])[0][0]
print("the odd one out:", odd)
assert odd == "motorcycle"
common_words = [near for near, _ in nearest(vectors, ["paris"], 6, most_frequent=100_000)[0]]
assert nearest(vectors, ["paris"], 1)[0][0][0] not in common_words

# %% [markdown]
# The vocabulary also contains fragments of the texts, such as the one nearest to *paris*; the argument `most_frequent`
# excludes rare words.
#
# How good are they? People were asked how related two words are, pair by pair (this data set is called WordSim-353). We
# compare the *order* of their ratings with that of the cosines: **Spearman's correlation** is the correlation of the
# ranks. A confidence interval shows how uncertain it is with so few pairs.

# %%
rated = load_questions("wordsim-353")
cosines = [similarity(vectors, q.first.lower(), q.second.lower()) for q in rated]
people = [q.rating for q in rated]
rho, low, high = spearman(cosines, people)
assert low > 0.3
chosen = {("tiger", "cat"), ("cup", "coffee"), ("professor", "cucumber"), ("king", "queen")}
figure, axis = plt.subplots(figsize=(5.5, 4), layout="constrained")
axis.scatter(cosines, people, s=8, alpha=0.5)
behind = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1}  # keeps names readable
for q, x in zip(rated, cosines, strict=True):
    if q[:2] in chosen:
        axis.plot(x, q.rating, "o", color="tab:red", markersize=4)
        axis.annotate(f"{q.first}, {q.second}", (x + 0.02, q.rating - 0.1), fontsize=8, bbox=behind)
axis.set(xlabel="cosine", ylabel="rating by people", title=f"Spearman {rho:.2f}, 95% interval: {low:.2f} to {high:.2f}")
plt.show()

# %% [markdown]
# ## Analogies
#
# *Man* is to *king* as *woman* is to what? If the difference between *man* and *king* is the same as that between
# *woman* and *queen*, then $v_{king} - v_{man} + v_{woman}$ should be near $v_{queen}$. This method is called 3CosAdd:
# all vectors are scaled to length 1, and the answer is the word with the largest dot product with the sum. (The length
# of the sum is the same for all candidates, so the order is that of the cosine.)


# %%
unit = torch.from_numpy(vectors.unit)  # all vectors with length 1, [400000, D]


def best(a, b, c, k=3, leave_out=True):
    """a is to b as c is to ...: the k best words, and their dot products with the sum."""
    target = unit[vectors.row(b)] - unit[vectors.row(a)] + unit[vectors.row(c)]
    scores = unit @ target
    if leave_out:
        scores[[vectors.row(word) for word in (a, b, c)]] = -torch.inf
    values, rows = scores.topk(k)
    return [vectors.words[row] for row in rows.tolist()], values


for a, b, c in (
    ("man", "king", "woman"),
    ("paris", "france", "rome"),
    ("walk", "walked", "go"),
    ("small", "smaller", "large"),
):
    words, values = best(a, b, c)
    theirs = analogy(vectors, a, b, c, 3)
    assert words == [word for word, _ in theirs]
    assert torch.allclose(values, torch.tensor([score for _, score in theirs]), atol=1e-5)
    print(f"{a} is to {b} as {c} is to {', '.join(words)}")
    assert c != "woman" or words[0] == "queen"
free = best("man", "king", "woman", leave_out=False)[0]
print("if the words of the question are allowed as answers:", free)
assert free[0] == "king"

# %% [markdown]
# Look at the last line. The best answer is a word of the question itself, unless a rule excludes these words. Does this
# happen often? Here are three categories of the questions of Mikolov and others, answered with the rule and without it.


# %%
def asked(questions):
    """Fractions of questions: right with the rule; without it, right, and answered with a word of the question."""
    rows = torch.tensor([[vectors.row(word.lower()) for word in q[1:]] for q in questions])
    a, b, c, d = rows.T
    free, ruled = [], []
    for target, three in zip((unit[b] - unit[a] + unit[c]).split(64), rows[:, :3].split(64), strict=True):
        scores = target @ unit.T
        free.append(scores.argmax(1))
        ruled.append(scores.scatter(1, three, -torch.inf).argmax(1))
    free, ruled = torch.cat(free), torch.cat(ruled)
    own = (free[:, None] == rows[:, :3]).any(1)
    return [share.float().mean().item() for share in (ruled == d, free == d, own)]


for category in ("capital-common-countries", "family", "gram3-comparative"):
    some = [q for q in load_questions("google-analogies") if q.category == category][:500]
    ruled, free, repeats = asked(some)
    print(f"{category:25} right {ruled:.0%}; without the rule {free:.0%}, and {repeats:.0%} are words of the question")
    assert free < ruled

# %% [markdown]
# So some of the right answers are due to the rule and not to the arithmetic. Let us look at a projection by **PCA**
# (onto the two directions in which these vectors vary most): is the difference between country and capital always the
# same?

# %%
capitals = dict(q[1:3] for q in load_questions("google-analogies") if q.category == "capital-common-countries")
names = [word.lower() for pair in list(capitals.items())[:14] for word in pair]
places = pca(vectors.of(names))
figure, axis = plt.subplots(figsize=(7, 5), layout="constrained")
for k in range(0, len(names), 2):
    axis.plot(*places[k : k + 2].T, color="tab:gray", linewidth=0.8)
axis.scatter(*places[::2].T, s=14, color="tab:red", label="capitals")
axis.scatter(*places[1::2].T, s=14, color="tab:blue", label="countries")
for name, place in zip(names, places, strict=True):
    axis.annotate(name, place, (3, 2), textcoords="offset points", fontsize=8)
axis.margins(x=0.12)
axis.legend()
axis.set_title("From a capital to its country")
plt.show()

# %% [markdown]
# ## Limitations and biases
#
# A vector represents the contexts of a word and nothing else. *Good* and *bad* occur in the same contexts, so they are
# near each other. A *bank* by a river and a *bank* with money share one vector. And the vectors also reflect what
# people write about each other: below, jobs along the direction from *he* to *she*.

# %%
print("cosine of good and bad:", round(similarity(vectors, "good", "bad"), 2))
assert similarity(vectors, "good", "bad") > similarity(vectors, "good", "film") + 0.1
print("bank:", ", ".join(near for near, _ in nearest(vectors, ["bank"], 6)[0]))
jobs = "nurse librarian teacher dancer writer doctor lawyer scientist engineer carpenter boss captain"
line = F.normalize(unit[vectors.row("she")] - unit[vectors.row("he")], dim=0)
lean = {job: (unit[vectors.row(job)] @ line).item() for job in jobs.split()}
order = sorted(lean, key=lean.get)
assert max(lean["boss"], lean["captain"]) < 0 < min(lean["nurse"], lean["librarian"])
figure, axis = plt.subplots(figsize=(6, 3.5), layout="constrained")
axis.barh(order, [lean[job] for job in order], color=["tab:red" if lean[job] > 0 else "tab:blue" for job in order])
axis.set(xlabel="cosine with she - he", title="Gender associations of jobs in the texts")
plt.show()

# %% [markdown]
# Could that be chance? The **word embedding association test** (Caliskan and others, 2017) takes two sets of targets,
# here names of men and of women, and two of attributes, here words for career and for family. It measures how much more
# strongly the first targets are associated with the first attributes, in standard deviations. Then it tries all ways to
# split the same names into two sets: the fraction of splits that give at least as large a difference is the
# **p-value**.

# %%
men, women = "john paul mike kevin steve greg jeff bill", "amy joan lisa sarah diana kate ann donna"
career = "executive management professional corporation salary office business career"
family = "home parents children family cousins marriage wedding relatives"
found = weat(vectors, *(words.split() for words in (men, women, career, family)))
print(f"effect {found.effect:.2f} standard deviations, p = {found.p:.5f} over {found.divisions:,} splits")
assert found.effect > 1
assert found.p < 0.001

# %% [markdown]
# If you rank job applications with such vectors, this bias influences the ranking. Removing one direction does not
# repair it, because the other dimensions still reveal the gender (Gonen and Goldberg, 2019). Measure bias where it
# matters: in the decisions of the model.
#
# ## Classifying reviews by their mean vector
#
# What are word vectors good for? The simplest use is to take the mean of the vectors of a review, and put a linear
# layer on top. Many programs contain a bug here, as did the tutorial that this course follows. Reviews have different
# lengths, so a batch contains padding, and `mean` includes the padding.


# %%
class PaddedBag(nn.Module):
    """The mean over all positions, including padding."""

    def __init__(self, embedding):
        super().__init__()
        self.embedding, self.out = embedding, nn.Linear(D, 2)

    def forward(self, ids, mask):
        return self.out(self.embedding(ids).mean(1))


class MaskedBag(PaddedBag):
    """The sum over the real words, divided by their number."""

    def forward(self, ids, mask):
        x = self.embedding(ids) * mask[:, :, None]
        return self.out(x.sum(1) / mask.sum(1, keepdim=True).clamp(min=1))


def with_glove(model):
    """The model with GloVe's vectors, which are not trained."""
    coverage = vectors.load_pretrained(model.embedding, list(vocab), freeze=True)
    assert not model.embedding.weight.requires_grad
    return model, coverage


seed_everything(0)
library = BagOfVectors(V, 2, D, dropout=0, word_dropout=0)
masked = MaskedBag(library.embedding)
masked.out = library.out
batch = collate(tokenizer.encode_batch(["a good film", "what a waste of a good cast and two hours"]))
assert torch.allclose(masked(batch.ids, batch.mask), library(batch.ids, batch.mask), atol=1e-6)

accuracies, models = {}, {}
for name, kind in (("padding in the mean", PaddedBag), ("masked", MaskedBag)):
    seed_everything(0)
    models[name], coverage = with_glove(kind(Embedding(V, D)))
    accuracies[name] = train_classifier(models[name], reviews, epochs=10, lr=2e-2)
print(f"GloVe has vectors for {coverage:.1%} of the vocabulary;", accuracies)
assert abs(accuracies["masked"] - accuracies["padding in the mean"]) < 0.03

# %% [markdown]
# The accuracies are similar, and that is what makes the bug hard to notice: here, batches contain reviews of similar
# length. But the prediction of a model should not depend on the other texts in the batch. Watch the prediction for one
# short review as the batch becomes longer.

# %%
review = collate(tokenizer.encode_batch(["a wonderful film with a great story and great actors"]))
lengths = range(10, 400, 10)
figure, axis = plt.subplots(figsize=(6, 3.2), layout="constrained")
moved = {}
for name, model in models.items():
    at = []
    for length in lengths:
        ids = F.pad(review.ids, (0, length - review.ids.shape[1]))
        with torch.no_grad():
            at.append(model(ids, ids > 0).softmax(1)[0, 1].item())
    axis.plot(lengths, at, label=name)
    moved[name] = max(at) - min(at)
axis.set(
    xlabel="length of the batch",
    ylabel="probability of positive",
    ylim=(0, 1.05),
    title="One review with more and more padding",
)
axis.legend()
plt.show()
assert moved["masked"] < 1e-4
assert moved["padding in the mean"] > 0.1

# %% [markdown]
# The line of the corrected model is flat. Still, the model ignores word order: *not good, but short* and *not short,
# but good* have the same mean. That is where lesson 07 begins.
#
# ## Exercises
#
# Replace `...` with your code, run the cell, then the one below it. In a terminal, `lingon learn check 06` checks
# all three in your copy, and `--hint 2` gives more hints.
#
# ### 06.1 Words and their neighbours
#
# Return the list of all pairs (word, neighbour) of a list of `words`: for each word, from left to right, the words at
# most `window` positions away, from left to right, except the word itself at its own position.


# %%
def neighbours(words, window):
    # your turn
    ...


# %%
attempt(neighbours, "06")

# %% [markdown]
# ### 06.2 The odd one out
#
# `words` is a list of words, `vectors` a dictionary from words to tensors [D], which may have any length. Return the
# word whose mean cosine with the *other* words is smallest.


# %%
def stranger(words, vectors):
    # your turn
    ...


# %%
attempt(stranger, "06")

# %% [markdown]
# ### 06.3 Analogies by multiplication
#
# Levy and Goldberg (2014) found a better rule than addition. Rescale all cosines to between 0 and 1, with $s(x, y) =
# (\cos(x, y) + 1) / 2$, and take the word $d$ with the largest
#
# $$\frac{s(d, b)\; s(d, c)}{s(d, a) + \varepsilon}, \qquad \varepsilon = 1/1000.$$
#
# `vectors` is a dictionary from words to tensors of length 1. Return the best word that is not `a`, `b` or `c`.


# %%
def best_by_multiplying(a, b, c, vectors):
    # your turn
    ...


# %%
attempt(best_by_multiplying, "06")

# %% [markdown]
# ## What to read next
#
# - Tomas Mikolov and others, *Distributed Representations of Words and Phrases and their Compositionality*, 2013:
#   negative sampling, subsampling, phrases.
# - Jeffrey Pennington, Richard Socher and Christopher Manning, *GloVe: Global Vectors for Word Representation*, 2014.
# - Piotr Bojanowski and others, *Enriching Word Vectors with Subword Information*, 2017: fastText.
# - Omer Levy and Yoav Goldberg, *Neural Word Embedding as Implicit Matrix Factorization*, 2014: why skip-gram and
#   counting are equivalent.
# - Aylin Caliskan, Joanna Bryson and Arvind Narayanan, *Semantics derived automatically from language corpora contain
#   human-like biases*, 2017.
#
# `lingon train vectors` trains all of this on your texts, on all cores: skip-gram and CBOW, subwords, GloVe, phrases.
# `lingon vectors` queries the result as in this lesson (nearest, analogy, odd-one-out, evaluate, bias); try `lingon
# vectors map --out map.html`: a map of a thousand words, to search and zoom.
