# %% [markdown]
# # 15. Translation
#
# **How does a model turn one text into another, and how does it know which word of the source comes next?**
#
# A translation may have a different length and word order than its source, and each of its words depends on certain
# words of the source. Attention was invented for machine translation (Bahdanau and others, 2015), and so was the
# Transformer (2017). We combine an encoder (lesson 12) and a language model (lesson 13), train them on short sentences,
# look at what the decoder attends to, and evaluate with the standard metric. Some of the translations will be right,
# and some will make you laugh.
#
# You need: self-attention (lesson 09), the Transformer (lesson 11) and beam search (lesson 13). It takes about two
# minutes.

# %%
import math
from collections import Counter
from importlib.util import find_spec

import matplotlib.pyplot as plt
import numpy as np
import torch
import torch.nn.functional as F

from lingon.core.seed import seed_everything
from lingon.data.batches import ByPairLength, Loader, TokenIds
from lingon.data.load_parallel import load_parallel_splits
from lingon.data.tokenizers import words
from lingon.decoding.beam import beam_search
from lingon.decoding.beam_params import BeamParams
from lingon.decoding.decoder_protocol import start_sequences
from lingon.decoding.prefill import read as read_prompts
from lingon.engine.fit import TrainConfig, fit
from lingon.engine.loss import Loss
from lingon.engine.optimizers import adamw
from lingon.engine.schedule import cosine, warmup
from lingon.kernels.allocator import keep_freed_memory
from lingon.layers.attention_mask import padding_mask
from lingon.layers.cross_attention import CrossAttention
from lingon.layers.cross_attention_cache import LayerMemory
from lingon.learn import attempt
from lingon.metrics.translation import corpus_bleu
from lingon.models.encoder_decoder import shifted_right
from lingon.models.transformer import Transformer
from lingon.tasks.translate.decoder import source_decoder

# %% [markdown]
# ## Pairs of sentences
#
# Such a model is trained on **parallel texts**: sentences with their translations. Tatoeba is a website where people
# write everyday sentences and translate those of others. Many English sentences have several German translations, so
# all pairs that share a sentence are kept in the same split: no sentence is in both training and test set.
#
# We keep only short pairs of frequent words, so that a minute is enough. Each side has its own vocabulary; that of the
# target has two additional tokens, one that begins a text and one that ends it.

# %%
splits = load_parallel_splits("tatoeba-de")
FEW, MOST = 5, 1000
short = {
    part: [pair for pair in getattr(splits, part) if max(len(pair.source.split()), len(pair.target.split()) - 1) <= FEW]
    for part in ("train", "test")
}
english = words([pair.source for pair in short["train"]], lowercase=False, max_size=MOST)
german = words([pair.target for pair in short["train"]], lowercase=False, max_size=MOST + 500)
END, START = len(german.vocab), len(german.vocab) + 1


def encoded(pairs):
    """The pairs without unknown words, and the ids of both sides; a target ends with END."""
    sides = english.encode_batch([pair.source for pair in pairs]), german.encode_batch([pair.target for pair in pairs])
    known = [i for i, (source, target) in enumerate(zip(*sides, strict=True)) if 1 not in source + target]
    return [pairs[i] for i in known], [sides[0][i] for i in known], [[*sides[1][i], END] for i in known]


train, test = encoded(short["train"]), encoded(short["test"])
print(f"{len(train[0]):,} of {len(splits.train):,} training pairs, {len(test[0])} of {len(splits.test):,} test pairs")
for pair in test[0][:3]:
    print(f"   {pair.source}  {pair.target}")
ratios = [len(pair.target) / len(pair.source) for pair in splits.train]
figure, axes = plt.subplots(1, 2, figsize=(10, 2.8), layout="constrained")
axes[0].hist([len(pair.source.split()) for pair in splits.train], bins=np.arange(0.5, 20.5))
axes[0].axvline(FEW + 0.5, color="black", linestyle="--", linewidth=0.8)
axes[0].set(xlabel="words", ylabel="pairs", title="How long are the sentences? (line: what we keep)")
axes[1].hist(ratios, bins=np.linspace(0.4, 2.4, 41))
axes[1].axvline(1, color="black", linewidth=0.8)
axes[1].set(xlabel="German letters per English letter", title="German is longer")
plt.show()
assert 1 < np.median(ratios) < 1.3
tested = {pair.source for pair in splits.test} | {pair.target for pair in splits.test}
assert not any(pair.source in tested or pair.target in tested for pair in splits.train)

# %% [markdown]
# ## An encoder and a decoder
#
# The **encoder** reads the whole source at once, in both directions, and computes a vector for each token: the
# **memory**. The **decoder** is a language model of the target that attends to this memory. So the probability of a
# target $y$ given a source $x$ is a product, as in lesson 10, but every factor is also conditioned on the source:
# $$p(y \mid x) = \prod_t p(y_t \mid y_1 \dots y_{t-1}, x)$$
#
# Both are trained together with **teacher forcing**: to predict word $t$ the decoder reads the *correct* words before
# it, whatever it would have generated itself. So all positions of a target are computed at once; the decoder reads the
# target shifted by one position to the right, with START in front, and its causal mask hides later words.

# %%
model_sizes = {"width": 96, "depth": 2, "heads": 4, "ffn_width": 192, "context_length": 32, "source_length": 32}
seed_everything(0)
model = Transformer(
    len(german.vocab) + 2, len(english.vocab), **model_sizes, dropout=0.05, pad_id=0, start_id=START, eos_id=END
)


def moved(targets):
    """What the decoder reads: START, then all but the last token."""
    return F.pad(targets[:, :-1], (1, 0), value=START)


def loss_of(model, batch):
    """The sum of -log p of all tokens of the targets, and their number."""
    hidden = model(batch.source_ids, batch.source_mask, moved(batch.target_ids))
    right = batch.target_ids[batch.target_mask]
    return Loss(F.cross_entropy(model.head(hidden[batch.target_mask]), right, reduction="sum"), float(len(right)))


pairs = {"sources": TokenIds(train[1], prefix="source_"), "targets": TokenIds(train[2], prefix="target_")}
order = ByPairLength(*(np.array([len(row) for row in side]) for side in train[1:]), max_tokens=1000)
batches = Loader(pairs, order)
batch = next(iter(Loader(pairs, order)))
assert torch.equal(moved(batch.target_ids), shifted_right(batch.target_ids, START, 0))
memory = model.encode(batch.source_ids, batch.source_mask)
print(f"{sum(p.numel() for p in model.parameters()):,} weights")
print(
    f"sources {[*batch.source_ids.shape]}, their memory {[*memory.hidden.shape]}, targets {[*batch.target_ids.shape]}"
)
print("the encoder reads", [english.vocab.token(i) for i in batch.source_ids[0].tolist()])

# %% [markdown]
# ## Cross-attention in ten lines
#
# How does the decoder attend to the memory? With dot-product attention (exercise 09.3), whose queries come from the
# target, and whose keys and values come from the source. There is no causal mask here: the whole source is known from
# the beginning.


# %%
def cross_attention(x, memory, mask, layer):
    """x [B, T, D] of the target, memory [B, S, D] and mask [B, S] of the source -> [B, T, D], and the weights."""
    in_heads = lambda vectors: vectors.unflatten(-1, (layer.heads, -1)).transpose(1, 2)
    queries = in_heads(layer.q(x))
    keys, values = (in_heads(part) for part in layer.kv(memory).chunk(2, -1))
    scores = queries @ keys.transpose(-1, -2) / math.sqrt(queries.shape[-1])
    weights = scores.masked_fill(~mask[:, None, None, :], -torch.inf).softmax(-1)
    return layer.out((weights @ values).transpose(1, 2).flatten(2)), weights


layer, x = CrossAttention(12, 3), torch.randn(5, 7, 12)
source, mask = torch.randn(5, 11, 12), torch.arange(11) < torch.tensor([11, 2, 5, 7, 3])[:, None]
ours, weights = cross_attention(x, source, mask, layer)
made_once = LayerMemory(*layer.keys_values(source), padding_mask(mask))  # what the library stores of a source
assert torch.allclose(ours, layer(x, made_once), atol=1e-6)
assert torch.allclose(weights, layer.weights(x, made_once), atol=1e-6)
print("equal to lingon.layers.cross_attention")

# %% [markdown]
# The keys and values of the source are the same for every word of the target, so for generation they are computed only
# once.
#
# ## Training

# %%
keep_freed_memory()
steps = 500
config = TrainConfig(steps=steps, schedule=warmup(50, cosine(steps - 50)), max_grad_norm=1.0, log_every=5)
rows = fit(model.train(), batches, loss_of, adamw(model, 5e-3, weight_decay=0.01), config=config).rows
model.eval()
losses = torch.tensor([row["loss"] for row in rows if "loss" in row])
plt.figure(figsize=(7, 2.8), layout="constrained")
plt.plot(range(0, 5 * (len(losses) - 4), 5), losses.unfold(0, 5, 1).mean(1))
plt.xlabel("step")
plt.ylabel("nats per token")
plt.title("The loss of German tokens, given the previous ones and the English")
plt.show()
assert losses[-10:].mean() < 0.5 * losses[:10].mean()

# %% [markdown]
# ## Greedy translation
#
# To translate, the decoder must continue from its own words. The simplest method is greedy decoding, which takes the
# most likely token each time. All sentences are generated in one batch, and each is cut off at its END.


# %%
@torch.inference_mode()
def greedy(sources, most=14):
    """Greedy decoding -> ids up to END."""
    columns = TokenIds(sources).collate(np.arange(len(sources)))
    state, ids, said = model.new_state(model.encode(columns["ids"], columns["mask"])), torch.tensor([[START]]), []
    ids = ids.expand(len(sources), 1)
    for _ in range(most):
        hidden, state = model.hidden(ids, state)
        ids = model.head(hidden).argmax(-1)
        said.append(ids)
    return [row[: row.index(END)] if END in row else row for row in torch.cat(said, 1).tolist()]


def tokens(ids):
    return [german.vocab.token(i) for i in ids if i < END]


said, right = [tokens(ids) for ids in greedy(test[1])], [tokens(ids) for ids in test[2]]
same = [ours == theirs for ours, theirs in zip(said, right, strict=True)]
again = [len(words) - len(set(words)) for words in said]
print(f"{np.mean(same):.0%} are identical to the reference, such as")
for i in np.flatnonzero(same)[::5][:5]:
    print(f"   {test[0][i].source}  {' '.join(said[i])}")
print("others are worded differently, or wrong:")
for i in np.flatnonzero(~np.array(same))[:60:10]:
    print(f"   {test[0][i].source}  {' '.join(said[i])}  (a person: {test[0][i].target})")
print("and these repeat themselves:")
for i in np.argsort(again)[::-1][:4]:
    print(f"   {test[0][i].source}  {' '.join(said[i])}  (a person: {test[0][i].target})")
assert np.mean(same) > 0.08

# %% [markdown]
# ## Attention as alignment
#
# Nobody told the model which word is the translation of which. For each generated German word, the pictures show the
# weights with which the decoder attended to the English words, averaged over the heads of the last layer. The dark
# cells form the alignment: mostly a diagonal, with steps where the German word order differs, or where one word
# corresponds to two.


# %%
def alignment(source, target):
    """How much each token of a target [T] attends to each token of its source [S] -> [T, S]."""
    read = torch.tensor([[START, *target[:-1]]])  # the row of a token is that of the step that generates it
    return model.cross_attention(torch.tensor([source]), read)[-1].mean(0)


order = sorted(range(len(test[0])), key=lambda i: (not same[i], -len(set(test[2][i]))))[:3]
figure, axes = plt.subplots(1, 3, figsize=(12, 3.8), layout="constrained")
for axis, i in zip(axes, order, strict=True):
    axis.imshow(alignment(test[1][i], test[2][i]), cmap="Greys", vmin=0, vmax=1)
    axis.set_xticks(range(len(test[1][i])), [english.vocab.token(j) for j in test[1][i]], rotation=60)
    axis.set_yticks(range(len(test[2][i])), [*right[i], "END"])
figure.suptitle("Attention of each German word (rows) to the English words (columns)")
plt.show()

# Names are the same in both languages, so we know their alignment.
name, hits = {"Tom": "Tom", "Maria": "Mary", "Boston": "Boston"}, []
for source, target in zip(test[1], test[2], strict=True):
    said_in_english = [english.vocab.token(i) for i in source]
    for word, weights in zip(tokens(target), alignment(source, target), strict=False):
        if word in name and said_in_english.count(name[word]) == 1:
            hits.append(int(weights.argmax()) == said_in_english.index(name[word]))
guessing = np.mean([1 / len(source) for source in test[1]])
print(f"of {len(hits)} names {np.mean(hits):.0%} attend most to the same name; by chance {guessing:.0%} would")
assert np.mean(hits) > 2 * guessing

# %% [markdown]
# A warning: attention weights say what a layer attended to, not why the model generated a word. With many layers and
# heads they show only part of what happens, and some heads attend to nothing in particular, such as the full stop.
#
# ## Exposure bias
#
# In training the previous words are always correct; when translating they are the model's own. It has never seen its
# own errors, so what does it do after one? Into each correct translation we insert one wrong word, drawn at random, and
# compute how likely the correct words after it are to the model. That a model is trained on correct words only, and
# meets its own errors only in use, is called **exposure bias**. It contributes to the repetitions above: one wrong word
# makes the next one worse.

# %%
PLACE, AFTER = 1, 3  # the second word is wrong; we look at the next three
long = [i for i, target in enumerate(test[2]) if len(target) >= PLACE + AFTER + 2]
columns = {
    "source": TokenIds([test[1][i] for i in long]).collate(np.arange(len(long))),
    "target": TokenIds([test[2][i] for i in long]).collate(np.arange(len(long))),
}
read = moved(columns["target"]["ids"])
slipped = read.clone()
slipped[:, PLACE + 1] = torch.randint(2, END, (len(long),), generator=torch.Generator().manual_seed(0))


@torch.inference_mode()
def nats(read):
    """-log p of the correct words [B, T], whatever the decoder reads before them."""
    logits = model.head(model(columns["source"]["ids"], columns["source"]["mask"], read))
    return F.cross_entropy(logits.transpose(1, 2), columns["target"]["ids"], reduction="none")


here = slice(PLACE + 1, PLACE + 1 + AFTER)
forced, free = (nats(read)[:, here].mean(0) for read in (read, slipped))
figure, axis = plt.subplots(figsize=(7, 2.8), layout="constrained")
for shift, values, label in ((-0.2, forced, "after the correct word"), (0.2, free, "after a wrong word")):
    axis.bar(np.arange(AFTER) + shift, values, 0.38, label=label)
axis.set_xticks(range(AFTER), [f"{n} later" for n in range(1, AFTER + 1)])
axis.set(ylabel="nats", title=f"The loss of the correct words of {len(long)} sentences")
axis.legend()
plt.show()
assert free[0] > forced[0] + 0.5
assert free[0] - forced[0] > free[-1] - forced[-1]

# %% [markdown]
# The loss rises most directly after the error, and less later, because the decoder can still attend to the source.
#
# ## Beam search and length
#
# The most likely next word need not begin the most likely translation, so beam search (lesson 13) keeps several
# beginnings. It finds more probable translations. They also become *shorter*: every further word multiplies the
# probability by a factor below one, so the sum of log-probabilities favours short texts. That is what the length
# penalty of lesson 13 is for: the log-probability is divided by $((5 + n) / 6)^\alpha$ for $n$ words.


# %%
@torch.inference_mode()
def search(sources, beams, alpha):
    """The best text of a beam search for each source."""
    prompts, sources = [[START]] * len(sources), [tuple(source) for source in sources]
    decoder = source_decoder(model)
    logits, state = read_prompts(decoder, prompts, sources)
    params = BeamParams(beams, max_new_tokens=14, length_penalty=alpha)
    found = beam_search(decoder.step, logits, state, start_sequences(prompts, 0, sources), params, [END])
    return [best for best, *_ in found]


widths, alphas = (1, 2, 4, 8), (0.0, 1.0)
found = {(beams, alpha): search(test[1], beams, alpha) for alpha in alphas for beams in widths}
assert [tokens(one.ids) for one in found[1, 0.0]] == said  # one beam is greedy decoding
logprobs = [np.mean([one.logprob for one in found[beams, 0.0]]) for beams in widths]
lengths = {alpha: [np.mean([len(one.ids) for one in found[beams, alpha]]) for beams in widths] for alpha in alphas}
figure, axes = plt.subplots(1, 2, figsize=(10, 2.8), layout="constrained")
axes[0].plot(widths, logprobs, "o-")
axes[0].set(xlabel="beams", ylabel="log-probability", title="More beams find more probable translations", xticks=widths)
for alpha, values in lengths.items():
    axes[1].plot(widths, values, "o-", label=f"length penalty {alpha:g}")
axes[1].axhline(np.mean([len(target) for target in test[2]]), color="black", linewidth=0.8, label="references")
axes[1].set(xlabel="beams", ylabel="tokens", title="... and shorter ones", xticks=widths)
axes[1].legend()
plt.show()
assert logprobs[0] < logprobs[1] < logprobs[-1]
assert lengths[0.0][-1] < lengths[0.0][0]
assert lengths[1.0][-1] > lengths[0.0][-1]

# %% [markdown]
# ## BLEU
#
# How good are the translations? The best answer would come from human readers; a score that can be computed is **BLEU**
# (Papineni and others, 2002). It counts the n-grams of one to four words of the translation that also occur in the
# reference. Two rules make it hard to cheat. The counts are **clipped**: an n-gram counts no more often than it occurs
# in the reference, so that *the the the* is worth no more than one *the*. And a translation that is too short is
# multiplied by a **brevity penalty**: $e^{1 - r/c}$, if it has $c$ words and the reference has $r > c$.


# %%
def ngrams(words, n):
    return Counter(tuple(words[i : i + n]) for i in range(len(words) - n + 1))


def counts(said, right, n):
    """How many n-grams are also in the reference, clipped, and how many there are."""
    ours = ngrams(said, n)
    return sum((ours & ngrams(right, n)).values()), sum(ours.values())


def bleu(said, right):
    """BLEU of a corpus: the counts of all sentences are added before dividing."""
    sums = np.array([[counts(a, b, n) for n in (1, 2, 3, 4)] for a, b in zip(said, right, strict=True)]).sum(0)
    c, r = sum(map(len, said)), sum(map(len, right))
    brevity = 1.0 if c > r else math.exp(1 - r / c)
    return 100 * brevity * math.exp(np.mean(np.log(sums[:, 0] / sums[:, 1])))


assert counts(["the"] * 7, ["the", "cat", "is", "on", "the", "mat"], 1) == (2, 7)
if find_spec("sacrebleu"):  # the standard implementation; `lingon.metrics.translation` uses it
    texts = [[" ".join(words) for words in side] for side in (said, right)]
    assert np.allclose(bleu(said, right), corpus_bleu(*texts).value)
    print("equal to sacrebleu")

clipped = [len(a) - counts(a, b, 1)[0] if counts(a, b, 3)[0] else 0 for a, b in zip(said, right, strict=True)]
one = int(np.argmax(clipped))
print(f"{test[0][one].source}\n   said   {' '.join(said[one])}\n   person {' '.join(right[one])}")
for n in (1, 2, 3, 4):
    shared, ours = ngrams(said[one], n) & ngrams(right[one], n), counts(said[one], right[one], n)
    print(f"   {n}-grams: {ours[0]} of {ours[1]}   " + ", ".join(" ".join(each) for each in shared))
c, r = len(said[one]), len(right[one])
print(f"   brevity penalty {1.0 if c > r else math.exp(1 - r / c):.2f} for {c} words, where the reference has {r}")

scores = {key: bleu([tokens(one.ids) for one in best], right) for key, best in found.items()}
figure, axis = plt.subplots(figsize=(7, 2.8), layout="constrained")
for alpha in alphas:
    axis.plot(widths, [scores[beams, alpha] for beams in widths], "o-", label=f"length penalty {alpha:g}")
axis.set(xlabel="beams", ylabel="BLEU", title=f"{len(right)} short sentences of Tatoeba", xticks=widths)
axis.legend()
plt.show()
print(f"BLEU of greedy decoding {scores[1, 0.0]:.1f}, of four beams with a length penalty {scores[4, 1.0]:.1f}")
assert scores[1, 0.0] > 15

# %% [markdown]
# Be aware of the limits of this score: it compares with *one* translation that a person happened to write, and ignores
# synonyms. It is useful for comparing two systems on the same test set, but not across test sets: sentences as short as
# ours, without unknown words, are easy. When you report BLEU, also report how the text was tokenized; that is the
# purpose of sacrebleu's signature.
#
# To do all of this with all the sentences and with subwords, use these commands; training prints how long it will take:
#
#     lingon train translate --data tatoeba-de --out runs/translate
#     lingon translate runs/translate "My dog loves the sea."
#
# ## Exercises
#
# Replace `...` with your code; `lingon learn check 15` checks all three in your copy.
#
# ### 15.1 Several references
#
# There may be several correct translations. Then an n-gram counts at most as often as in the reference in which it is
# most frequent. `said` is a list of words, `references` a list of such lists. How many n-grams of `said` count?


# %%
def clipped_counts(said, references, n):
    # your turn
    ...


# %%
attempt(clipped_counts, "15")

# %% [markdown]
# ### 15.2 The strength of the length penalty
#
# `short` and `long` are two translations, each as (log-probability, words), where `short` has fewer words and the
# higher log-probability; both log-probabilities are below 0. A score is the log-probability divided by ((5 + words)
# / 6) to the power `alpha`. Return the `alpha` for which both have the same score. (Above it, the long one wins.)


# %%
def fair_alpha(short, long):
    # your turn
    ...


# %%
attempt(fair_alpha, "15")

# %% [markdown]
# ### 15.3 Additive attention
#
# Before dot products, attention used a small network: Bahdanau and others computed the score of each vector of the
# source as $v \cdot \tanh(W q + U k)$. `query` [D] is the state of the decoder, `keys` [S, E] are the vectors of the
# source, `w` is [A, D], `u` is [A, E] and `v` is [A]. Return the attention weights [S], which sum to one.


# %%
def additive_attention(query, keys, w, u, v):
    # your turn
    ...


# %%
attempt(additive_attention, "15")

# %% [markdown]
# ## What to read next
#
# - Dzmitry Bahdanau, Kyunghyun Cho, Yoshua Bengio, *Neural Machine Translation by Jointly Learning to Align and
#   Translate*, 2015; in this library `lingon.models.attention_rnn`.
# - Ashish Vaswani and others, *Attention Is All You Need*, 2017.
# - Philipp Koehn, Rebecca Knowles, *Six Challenges for Neural Machine Translation*, 2017: beams, lengths, rare words.
# - Marc'Aurelio Ranzato and others, *Sequence Level Training with Recurrent Neural Networks*, 2016: exposure bias.
# - Matt Post, *A Call for Clarity in Reporting BLEU Scores*, 2018.
