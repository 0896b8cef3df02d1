# %% [markdown]
# # 13. Generation
#
# **A model says how likely every next word is. How do you generate a text from that, and which text?**
#
# A language model (lessons 10 and 11) only computes a distribution over the next word, and a decoding method must
# choose: the most likely word, a random one, or the words of the most likely text as a whole. These choices give very
# different texts from the same model, and the most likely text turns out to be dull and repetitive. We build samplers,
# beam search, constrained decoding, a key-value cache, and a method by which a small model drafts text for a large one
# without changing a single probability.
#
# You need: language models (lesson 10) and the Transformer (lesson 11). It takes about a minute.

# %%
import itertools
import math
import time
from collections import Counter

import matplotlib.pyplot as plt
import numpy as np
import torch

import lingon
from lingon.core.seed import seed_everything
from lingon.data.corpora import load_text
from lingon.data.corpora.weights import WEIGHTS
from lingon.data.batches import shuffled_windows
from lingon.data.tokenizers import words
from lingon.decoding.beam import beam_search
from lingon.decoding.beam_params import BeamParams
from lingon.decoding.logits_processors import min_p, repetition_penalty, top_k, top_p
from lingon.decoding.speculative import Acceptance
from lingon.decoding.decoder_protocol import TokenSequence, start_sequences
from lingon.engine.fit import TrainConfig, fit
from lingon.engine.optimizers import adamw
from lingon.engine.schedule import cosine, warmup
from lingon.learn import attempt
from lingon.models.decoder import decoder
from lingon.tasks.language_model import LanguageModel
from lingon.tasks.language_model.objective import Objective, fresh_loss, likelihood
from lingon.decoding.sampling_params import SamplingParams

# %% [markdown]
# ## A model for experiments
#
# We train a small Transformer on the words of Jane Austen's novels again. We will need a second, much smaller one at
# the end.

# %%
chapters = {part: list(load_text("austen", part)) for part in ("train", "valid")}
tokenizer = words(chapters["train"], max_size=2000)
ids = {part: [i for row in tokenizer.encode_batch(texts) for i in [*row, 0]] for part, texts in chapters.items()}
train, valid = np.array(ids["train"]), np.array(ids["valid"][:20_000])
V = len(tokenizer.vocab)


def trained(width, depth, steps):
    """A decoder of this size, trained for so many steps."""
    seed_everything(0)
    model = decoder(V, width, depth, heads=4, context_length=256)
    torch.nn.init.normal_(model.embedding.weight, std=0.1)  # larger than usual: training is short
    config = TrainConfig(steps=steps, schedule=warmup(20, cosine(steps - 20)), max_grad_norm=1.0)  # as in lesson 11
    batches, optimizer = shuffled_windows(train, 12, 24), adamw(model, 1.5e-2, weight_decay=0.1)
    fit(Objective(model), batches, fresh_loss, optimizer, config=config)
    return LanguageModel(model.eval(), tokenizer)


begun = time.perf_counter()
model, small = trained(64, 2, 700), trained(16, 1, 350)
for name, one in (("large", model), ("small", small)):
    found = likelihood(one.model, valid, context=48, rows=64)
    weights = sum(p.numel() for p in one.model.parameters())
    print(f"the {name} model: {weights:,} weights, perplexity {found.perplexity:.0f} on validation text")
print(f"trained in {time.perf_counter() - begun:.0f} s")


@torch.inference_mode()
def next_logits(text):
    """Logits [1, V] of the word after a text; [unk] is excluded."""
    logits = model.model(torch.tensor([tokenizer.encode(text)]))[:, -1]
    return logits.index_fill(1, torch.tensor([1]), -torch.inf)


# %% [markdown]
# ## Temperature and truncation
#
# Sometimes the next word is nearly certain, and sometimes almost any word is possible. Below are the thirty most likely
# words after two beginnings. The logits are divided by a **temperature**: below 1, likely words become more likely;
# above 1, the distribution becomes more uniform; towards 0, only the most likely word is left (**greedy** decoding).

# %%
beginnings = ("and then mr", "she was")
figure, axes = plt.subplots(1, 2, figsize=(12, 3.4), layout="constrained", sharey=True)
others = []
for axis, text in zip(axes, beginnings, strict=True):
    logits = next_logits(text)[0]
    best = logits.topk(30).indices
    for heat, colour in ((0.5, "tab:blue"), (1.0, "black"), (2.0, "tab:orange")):
        axis.plot((logits / heat).softmax(0)[best], "o-", markersize=3, color=colour, label=f"temperature {heat:g}")
    axis.set_xticks(range(30), [tokenizer.vocab.token(i) for i in best.tolist()], rotation=75, fontsize=8)
    axis.set(title=f"{text} ...", yscale="log", ylim=(1e-4, 1))
    others.append(float(1 - logits.softmax(0)[best].sum()))
    print(f"after {text!r} the {V - 30:,} other words have {others[-1]:.0%} of the probability")
assert others[0] < 0.2
assert others[1] > 0.4
axes[0].set_ylabel("probability")
axes[0].legend(fontsize=9)
plt.show()

# %% [markdown]
# Each word in the tail is unlikely, but together they have a large probability. If you sample from the whole
# distribution, word after word, you will soon draw an unsuitable word, and a model that reads unsuitable text continues
# with unsuitable text. So the tail is cut off. The two beginnings show why this is not so simple:
#
# - **top-k** keeps the k most likely words: always the same number, however certain the model is;
# - **top-p** (Holtzman and others, 2020) keeps the smallest set of words that together have the probability p: few if
#   the model is certain, many if it is not;
# - **min-p** (Nguyen and others, 2024) keeps the words that are at least p times as likely as the most likely one.

# %%
cuts = {"top-k, 10": top_k(10), "top-p, 0.7": top_p(0.7), "min-p, 0.1": min_p(0.1)}
counts = {name: [] for name in cuts}
figure, axes = plt.subplots(2, 3, figsize=(12, 5), layout="constrained", sharey="row")
for row, text in zip(axes, beginnings, strict=True):
    logits = next_logits(text)
    best = logits[0].topk(40).indices
    for axis, (name, cut) in zip(row, cuts.items(), strict=True):
        kept = cut(logits, [])[0].isfinite()
        counts[name].append(int(kept.sum()))
        axis.bar(range(40), logits[0].softmax(0)[best], color=["tab:orange" if kept[i] else "lightgray" for i in best])
        axis.set_title(f"{name}: {int(kept.sum())} words, {float(logits[0].softmax(0)[kept].sum()):.0%}", fontsize=10)
        axis.set_xticks([])
    row[0].set_ylabel(f"after '{text.split()[-1]}'")
plt.show()
assert counts["top-k, 10"] == [10, 10]
assert all(2 * sure < open_ for sure, open_ in (counts["top-p, 0.7"], counts["min-p, 0.1"]))

# %% [markdown]
# Here are our versions of two of them, checked against the library on a thousand random distributions; top-p is
# exercise 13.1. It is easy to get such a rule wrong without noticing, because it generates a text in any case. The
# sampler of GluonNLP, the library behind the 2019 tutorial, used the result of `argsort` as ranks, and so did its own
# test: but position j of `argsort` is the token at rank j, not the rank of token j.


# %%
def ours_top_k(logits, k):
    least = logits.sort(descending=True).values[:, k - 1 : k]
    return logits.masked_fill(logits < least, -torch.inf)


def ours_min_p(logits, p):
    chances = logits.softmax(1)
    return logits.masked_fill(chances < p * chances.amax(1, keepdim=True), -torch.inf)


def argsort_for_ranks(logits, k):
    return logits.masked_fill(logits.argsort(descending=True) >= k, -torch.inf)


random = torch.randn(1000, 11)
assert torch.allclose(ours_top_k(random, 3).softmax(1), top_k(3)(random, []).softmax(1))
assert torch.allclose(ours_min_p(random, 0.2).softmax(1), min_p(0.2)(random, []).softmax(1))
wrong = (argsort_for_ranks(random, 3) != ours_top_k(random, 3)).any(1).sum()
print(f"argsort used as ranks: wrong words are kept for {wrong} of 1,000 distributions")
assert wrong > 800

# %% [markdown]
# ## Sampling a text
#
# Now the loop: compute the logits, cut off the tail, draw a word, append it. To draw, take a random number between 0
# and 1, and the first word at which the cumulative sum of the probabilities exceeds it.


# %%
def write(text, tokens, heat=1.0, cut=lambda logits, rows: logits, seed=0):
    rng = np.random.default_rng(seed)
    for _ in range(tokens):
        sums = cut(next_logits(text) / heat, []).double().softmax(1)[0].cumsum(0)
        text += model.pieces.by_id[int((sums > rng.random() * sums[-1]).int().argmax())].decode()
    return text


for name, heat, cut in (("0.3", 0.3, None), ("1", 1.0, None), ("1, top-p", 1.0, top_p(0.7)), ("2", 2.0, None)):
    print(f"temperature {name:>8}: {write('she was', 25, heat, cut or top_k(V))}")

# %% [markdown]
# ## Likely text is dull
#
# People do not write what is most likely. Let the model continue fifteen beginnings, at lower and higher temperatures,
# and measure three things: how surprising its own words are to it, how many trigrams have occurred before in the same
# text, and how many different words it uses. The dashed line is Jane Austen's own text, from chapters that the model
# has not seen: her words are more surprising to the model than its own most likely ones, and she repeats herself less
# than a text generated at a low temperature, which goes round in circles.

# %%
sentences = [text for text in (tokenizer.decode(valid[i : i + 8].tolist()) for i in range(0, 15_000, 1000)) if text]


def habits(texts):
    """For texts as lists of ids: the fraction of repeated trigrams, and different words per hundred."""
    runs = [list(zip(t, t[1:], t[2:], strict=False)) for t in texts]
    repeated = [1 - len(set(run)) / len(run) for run in runs if run]
    return np.mean(repeated), np.mean([100 * len(set(t)) / len(t) for t in texts])


heats = (0, 0.3, 0.5, 0.7, 0.85, 1.0, 1.2)
measured = []
for heat in heats:
    params, rows, surprise = (
        SamplingParams(40, temperature=heat, logit_bias={0: -math.inf}),
        [[] for _ in sentences],
        [],
    )
    for step in model.sample(sentences, params, top_logprobs=0):
        for token in step:
            rows[token.row].append(token.id)
            surprise.append(-token.logprob)
    measured.append((np.mean(surprise), *habits(rows)))
human = [valid[i + 8 : i + 48].tolist() for i in range(0, 15_000, 1000)]
truth = (math.log(likelihood(model.model, valid, context=48, rows=64).perplexity), *habits(human))
assert truth[0] > measured[0][0]
assert truth[1] < measured[0][1]

figure, axes = plt.subplots(1, 3, figsize=(12, 3.2), layout="constrained")
titles = ("surprise per word [nats]", "fraction of repeated trigrams", "different words per hundred")
for axis, values, line, title in zip(axes, zip(*measured, strict=True), truth, titles, strict=True):
    axis.plot(heats, values, "o-")
    axis.axhline(line, color="black", linestyle="--", linewidth=0.8, label="Jane Austen")
    axis.set(title=title, xlabel="temperature")
axes[0].legend(fontsize=9)
plt.show()

# %% [markdown]
# One remedy makes words that have occurred before less likely. Keskar and others (2019) divide the logit of every word
# that the text already contains by a penalty greater than 1. But dividing a negative logit makes the word *more*
# likely; so implementations multiply it by the penalty instead.


# %%
def ours_repetition(logits, seen, penalty):
    out = logits.clone()
    for token in set(seen):
        out[token] = logits[token] / penalty if logits[token] > 0 else logits[token] * penalty
    return out


row = TokenSequence([3, 5, 3, 7], 2)
assert torch.allclose(ours_repetition(random[0], row.ids, 1.3), repetition_penalty(1.3)(random[:1], [row])[0])
starts, different = ("she was", "he had", "the house", "they were", "it is"), []
for penalty in (1.0, 1.8):
    said = [model.generate(start, max_new_tokens=25, temperature=0, repetition_penalty=penalty) for start in starts]
    different.append([len(set(text.split())) for text in said])
    for start, text in zip(starts, said, strict=True):
        print(f"penalty {penalty}: {start}{text}")
print("different words:", different)
assert sum(different[0]) < sum(different[1])

# %% [markdown]
# ## The most likely text
#
# Greedy decoding takes the most likely word each time. This does not always find the most likely text. Here is a
# classical example, with the words A, B, C and an end token; the numbers on the branches are their probabilities.
# Greedy decoding takes A, B, C, end, whose probability is $.5 \cdot .4 \cdot .4 \cdot .6$. If you take the second best
# word, C, at the second step, the probability is $.5 \cdot .3 \cdot .6 \cdot .6$, which is higher.

# %%
END = 3
tree = {
    (): (0.5, 0.2, 0.2, 0.1),
    (0,): (0.1, 0.4, 0.3, 0.2),
    (0, 1): (0.2, 0.2, 0.4, 0.2),
    (0, 1, 2): (0.0, 0.2, 0.2, 0.6),
    (0, 2): (0.1, 0.6, 0.2, 0.1),
    (0, 2, 1): (0.1, 0.2, 0.1, 0.6),
}


def branches(ids):
    """log p of the four words after these; where the tree does not define it, it is uniform."""
    return [math.log(p) if p else -math.inf for p in tree.get(tuple(ids), (0.25,) * 4)]


def logprob(ids):
    return sum(branches(ids[:i])[word] for i, word in enumerate(ids))


figure, axis = plt.subplots(figsize=(10, 3.6), layout="constrained")
paths = {"greedy": ((0, 1, 2, END), "tab:orange"), "better": ((0, 2, 1, END), "tab:blue")}
for level, (name, (path, colour)) in enumerate(paths.items()):
    axis.plot(range(5), [0, 0] + [1 - 2 * level] * 3, color=colour, linewidth=2.5, zorder=1)
    for i, word in enumerate(path):
        if i == level - 1:
            continue  # the first step is the same
        y = 0 if i == 0 else 1 - 2 * level
        axis.annotate("ABC."[word], (i + 1, y), ha="center", va="center", bbox={"boxstyle": "circle", "fc": "white"})
        axis.annotate(
            f"{math.exp(branches(path[:i])[word]):.1f}", (i + 0.5, (y if i != 1 else y / 2) + 0.18), ha="center"
        )
    axis.annotate(
        f"{name}: {math.exp(logprob(path)):.3f}", (4.3, 1 - 2 * level), va="center", color=colour, fontsize=12
    )
axis.set(xlim=(-0.2, 5.4), ylim=(-1.6, 1.6))
axis.axis("off")
plt.show()
assert np.allclose(
    [math.exp(logprob(path)) for path, _ in paths.values()], [0.5 * 0.4 * 0.4 * 0.6, 0.5 * 0.3 * 0.6 * 0.6]
)
assert np.allclose([math.exp(logprob(path)) for path in ((END,), (0, END))], 0.1)

# %% [markdown]
# ## Beam search
#
# We cannot try all texts: there are $V^n$ texts of n words. **Beam search** keeps the best few beginnings (the beams),
# extends each of them by every word, and keeps the best few of the results. It cannot find a text whose beginning is
# not among them.
#
# But what does best mean? Each word makes a text less likely, so the most likely text is often a short one: in the tree
# above, *end* alone has the probability $.1$, and so does *A, end*: both are more likely than either path. So the sum
# of the log-probabilities is divided by a length penalty: $((5 + n) / (5 + 1))^\alpha$ in Google's translator (Wu and
# others, 2016). With $\alpha = 0$ there is no penalty.


# %%
def beams(told, width, most, alpha, end):
    """The best text: (score, ids), where told(ids) gives log p of every word that may follow."""
    live, ended = [(0.0, ())], []
    for n in range(1, most + 1):
        grown = [(sum_ + x, (*ids, word)) for sum_, ids in live for word, x in enumerate(told(ids)) if x > -math.inf]
        grown, live = sorted(grown, reverse=True), []
        for rank, (sum_, ids) in enumerate(grown[: 2 * width]):
            if ids[-1] != end and n < most:
                live.append((sum_, ids))
            elif rank < width:
                ended.append((sum_ / ((5 + n) / 6) ** alpha, ids))
        live = live[:width]
    return max(ended)


def everything(told, size, most, alpha, end):
    """The same by exhaustive search."""
    best = (-math.inf, ())
    for n in range(1, most + 1):
        for ids in itertools.product(range(size), repeat=n):
            if end not in ids[:-1] and (ids[-1] == end or n == most):
                total = sum(told(ids[:i])[word] for i, word in enumerate(ids))
                best = max(best, (total / ((5 + n) / 6) ** alpha, ids))
    return best


for alpha in (0.0, 0.6, 1.0, 1.5):
    (score, ids), exact = beams(branches, 3, 4, alpha, END), everything(branches, 4, 4, alpha, END)
    found = "".join("ABC."[i] for i in ids)
    print(f"alpha {alpha}: three beams find {found:4} with score {score:.3f}; the best possible is {exact[0]:.3f}")
    assert math.isclose(score, exact[0])
    short, long = (logprob(ids) / ((5 + len(ids)) / 6) ** alpha for ids in ((0, END), (0, 2, 1, END)))
    print(f"           A, end has {short:.3f}, and A, C, B, end has {long:.3f}")
    assert np.allclose([short, long], [math.log(0.1) / (7 / 6) ** alpha, math.log(0.054) / (9 / 6) ** alpha])
    assert (long > short) == (alpha >= 1)

# %% [markdown]
# We make two checks, on sixty random models with five words and texts of at most four words. With as many beams as
# there are beginnings, it finds the same as exhaustive search. And for every number of beams, it finds the same as the
# library, which processes all beams in one batch, with a state that is copied from beam to beam.


# %%
class History:
    """A state that is the text itself; beam search needs the method `select`."""

    def __init__(self, rows):
        self.rows = rows

    def select(self, which):
        return History([list(self.rows[i]) for i in which.tolist()])


def toy(seed, size=5):
    """Random log-probabilities after every text, always the same for the same text."""
    known = {}

    def told(ids):
        if ids not in known:
            rng = torch.Generator().manual_seed(hash((seed, *ids)) % 2**31)
            known[ids] = torch.randn(size, generator=rng).double().mul(1.5).log_softmax(0)
        return known[ids].tolist()

    def step(new, state):
        after = History([[*row, *ids] for row, ids in zip(state.rows, new.tolist(), strict=True)])
        return torch.tensor([told(tuple(row)) for row in after.rows]), after

    return told, step


def library_beams(told, step, width, most, alpha, end):
    first = torch.tensor([told(())])
    ((found, *_),) = beam_search(
        step, first, History([[]]), start_sequences([[]]), BeamParams(width, most, alpha), [end]
    )
    return found.score, found.ids


widths, ours, theirs, truth = (1, 2, 3, 125), [], [], []
for seed in range(60):
    told, step = toy(seed)
    truth.append(everything(told, 5, 4, 0.6, 4)[0])
    ours.append([beams(told, width, 4, 0.6, 4)[0] for width in widths])
    theirs.append([library_beams(told, step, width, 4, 0.6, 4)[0] for width in widths])
assert np.allclose(ours, theirs)
assert np.allclose([row[-1] for row in ours], truth)
best_of_all = [float(np.isclose(found, truth).mean()) for found in np.array(ours).T]
for width, share in zip(widths, best_of_all, strict=True):
    print(f"{width} beams find the most likely text for {share:.0%} of the models")
assert best_of_all == sorted(best_of_all)
assert best_of_all[0] < 0.9

# %% [markdown]
# And with the real model? More beams usually find more likely texts, but this is not guaranteed. The dashed lines are
# Jane Austen's own next words: to the model they are less likely, on average, than the texts found with any number of
# beams, and these texts always have fewer different words. Searching harder finds more of what nobody would write. Beam
# search is suitable for translation, where the content is given, but not for a story.

# %%
widths, never = (1, 2, 4, 8), SamplingParams(logit_bias={0: -math.inf})
found = {
    width: [model.hypotheses(text, BeamParams(width, 16, length_penalty=0.0), never)[0] for text in sentences]
    for width in widths
}
next_words = [words_[:16] for words_ in human]
own = [sum(w.logprob for w in model.score_tokens(text, new)) for text, new in zip(sentences, next_words, strict=True)]
likely = [np.mean([h.logprob for h in found[width]]) for width in widths]
assert min(likely) > np.mean(own)
assert likely[-1] > likely[0]
assert all(habits([h.ids for h in texts])[1] < habits(next_words)[1] for texts in found.values())
figure, axes = plt.subplots(1, 2, figsize=(10, 3), layout="constrained")
axes[0].plot(widths, likely, "o-")
axes[0].axhline(np.mean(own), color="black", linestyle="--", linewidth=0.8, label="Jane Austen")
axes[0].set(title="log-probability of 16 words", xlabel="beams")
axes[1].plot(widths, [habits([h.ids for h in found[width]])[1] for width in widths], "o-", color="tab:orange")
axes[1].axhline(habits(next_words)[1], color="black", linestyle="--", linewidth=0.8)
axes[1].set(title="different words per hundred", xlabel="beams")
axes[0].legend(fontsize=9)
plt.show()
print("eight beams:", sentences[0], model.beam_search(sentences[0], BeamParams(8, 16))[0][0])

# %% [markdown]
# ## Constrained decoding
#
# A program that processes generated text expects a certain format, such as a date, a label or JSON. So forbid every
# word after which the text can no longer become valid: its logit is set to minus infinity, and the model chooses among
# the rest. For a list of allowed texts, one line finds the words that may follow.

# %%
texts = [" a friend .", " a very kind friend .", " so very happy ."]
allowed = [tokenizer.encode(text) for text in texts]


def following(new):
    """The words that may follow so that these words can still become an allowed text."""
    return sorted({ids[len(new)] for ids in allowed if ids[: len(new)] == new})


def after(new):
    """Logits of the words that may follow "he was" and these words."""
    return next_logits("he was" + model.pieces.decode(new).decode())[0][following(new)]


new = []
while new not in allowed:
    new.append(following(new)[int(after(new).argmax())])
kept = model.pieces.decode(new).decode()
pattern = "|".join(text.replace(".", "[.]") for text in texts)
print("ours:   ", kept)
print("library:", model.generate("he was", regex=pattern, temperature=0))
assert kept == model.generate("he was", regex=pattern, temperature=0)

# %% [markdown]
# The library does this for any regular expression, and for JSON schemas (`lingon generate --regex`, `--json-schema`),
# with an automaton that reads bytes. But note that this does not sample from the model's distribution *over the allowed
# texts*. The probabilities are normalized at every step, so a first word that begins many likely texts has no advantage
# over one whose continuations are all unlikely. Here we can compute both distributions, since there are only three
# texts.

# %%
walked = np.ones(len(allowed))
for which, ids_ in enumerate(allowed):
    for i, word in enumerate(ids_):
        walked[which] *= float(after(ids_[:i]).softmax(0)[following(ids_[:i]).index(word)])
told = [model.score_tokens("he was", ids_) for ids_ in allowed]
whole = np.array([math.exp(sum(word.logprob for word in text)) for text in told])
figure, axis = plt.subplots(figsize=(8, 2.8), layout="constrained")
axis.barh(np.arange(3) + 0.2, walked, 0.38, label="normalized word by word")
axis.barh(np.arange(3) - 0.2, whole / whole.sum(), 0.38, label="normalized over whole texts")
axis.set_yticks(range(3), ["he was" + text for text in texts])
axis.set(xlabel="probability")
axis.legend(fontsize=9)
plt.show()
assert np.allclose(walked.sum(), 1.0)
assert abs(walked - whole / whole.sum()).max() > 0.02
print("word by word", walked.round(3), "and as whole texts", (whole / whole.sum()).round(3))

# %% [markdown]
# ## The key-value cache
#
# Our loop processes the whole text for every new word. But the keys and values of the earlier words do not change
# (exercise 11.3), so we store them, in a **key-value cache**: then each step processes only one word. Its attention
# still uses all keys and values, but everything else is computed only once per word. The logits are the same; only the
# time differs.

# %%
long = torch.tensor([train[:256].tolist()])
seconds = {"without a cache": [], "with a cache": []}
clock = time.process_time  # processor time of this program only
with torch.inference_mode():
    state, after = model.model.new_state(1, 256), []
    for t in range(256):
        begun = clock()
        hidden, state = model.model.hidden(long[:, t : t + 1], state)
        after.append(model.model.head(hidden[:, -1]))
        seconds["with a cache"].append(clock() - begun)
    for t in range(0, 256, 5):
        begun = clock()
        again = model.model.head(model.model.hidden(long[:, : t + 1])[0][:, -1])
        seconds["without a cache"].append(clock() - begun)
        assert torch.allclose(again, after[t], atol=1e-3)
figure, axis = plt.subplots(figsize=(8, 3), layout="constrained")
for name, values in seconds.items():
    places = np.linspace(0, 255, len(values))
    smooth = [1000 * np.median(values[max(0, i - 4) : i + 5]) for i in range(len(values))]
    axis.plot(places, smooth, label=name)
axis.set(xlabel="length of the text in words", ylabel="milliseconds for the next word", ylim=(0, None))
axis.legend()
plt.show()
print(
    f"256 words: {sum(seconds['without a cache']) * 5:.2f} s without, {sum(seconds['with a cache']):.2f} s with a cache"
)
assert sum(seconds["without a cache"]) * 5 > 1.3 * sum(seconds["with a cache"])

# %% [markdown]
# ## Speculative decoding
#
# On a GPU, a step of a large model is slow because all its weights must be read from memory; processing five words
# instead of one takes hardly longer. (The two cores of a laptop compute more slowly, so they gain less.) In
# **speculative decoding** (Leviathan and others, 2023), a small model drafts a few words, and the large one processes
# them all at once. Which of them can we keep, so that the text has *exactly* the same distribution as if the large
# model had generated it?
#
# Let $q$ be the small model's distribution, from which a word $x$ was drawn, and $p$ the large one's. Keep $x$ with
# probability $\min(1, p(x)/q(x))$. Then the probability that $x$ is drafted and kept is $q(x) \min(1, p(x)/q(x)) =
# \min(p(x), q(x))$. Where $p > q$, this is too small by exactly $p(x) - q(x)$. So if a word is rejected, draw another
# one from these differences, normalized to sum to one:
#
# $$\min(p, q) + \Big(1 - \sum_y \min(p(y), q(y))\Big) \frac{\max(0, p - q)}{\sum_y \max(0, p(y) - q(y))} = p,$$
#
# because the sum of the differences is exactly the probability that is missing from the kept words. Nothing is
# approximated. The picture shows the two parts for our two models; the assertion checks the sum for random
# distributions.


# %%
def distributed(p, q):
    """The distribution of the resulting word, in two parts: kept drafts, and words drawn instead."""
    kept, missing = torch.minimum(p, q), (p - q).clamp(min=0)
    return kept, (1 - kept.sum(-1, keepdim=True)) * missing / missing.sum(-1, keepdim=True)


p, q = torch.randn(2, 1000, 11).mul(2).softmax(-1)
assert torch.allclose(sum(distributed(p, q)), p, atol=1e-6)
with torch.inference_mode():
    chances = [one.model(torch.tensor([tokenizer.encode("she was")]))[0, -1].softmax(0) for one in (model, small)]
kept, instead = distributed(*chances)
best = chances[0].topk(24).indices
figure, axis = plt.subplots(figsize=(10, 3.2), layout="constrained")
axis.bar(range(24), kept[best], label="kept drafts")
axis.bar(range(24), instead[best], bottom=kept[best], label="drawn instead")
axis.plot(range(24), chances[0][best], "k_", markersize=11, label="the large model")
axis.plot(range(24), chances[1][best], ".", color="tab:red", label="the small model")
axis.set_xticks(range(24), [tokenizer.vocab.token(i) for i in best.tolist()], rotation=75)
axis.set(title=f"after 'she was': {float(kept.sum()):.0%} of the drafts are kept", ylabel="probability")
axis.legend(fontsize=9)
plt.show()

# %% [markdown]
# Does this also hold for whole texts generated by the library, whose caches must remove rejected words? Let it generate
# three words, so that it drafts two and may have to remove them, and repeat this several hundred times. Compare the
# frequency of each first word with its exact probability, and the frequency of each second word *after the same first
# word* with its conditional probability. If the distribution is right, the chi-squared statistic $\sum (n - e)^2 / e$
# is about as large as its degrees of freedom, with a standard deviation of the square root of twice that number. For
# the second words, the statistics for each first word are added up. For comparison, we compute the same statistics for
# the small model alone, which has a different distribution.


# %%
def statistic(counts, chances):
    """Pearson's chi-squared, over words with an expected count of five or more, and all others together."""
    total = sum(counts.values())
    cells = [i for i, p in enumerate(chances.tolist()) if total * p >= 5]
    seen = [counts[i] for i in cells] + [total - sum(counts[i] for i in cells)]
    wanted = [total * float(chances[i]) for i in cells] + [total * (1 - float(chances[cells].sum()))]
    return sum((n - e) ** 2 / e for n, e in zip(seen, wanted, strict=True)), len(cells)


@torch.inference_mode()
def exact(ids):
    """The large model's distribution of the word after these, without [unk]."""
    return model.model(torch.tensor([ids]))[0, -1].index_fill(0, torch.tensor([1]), -torch.inf).softmax(0)


def both(runs):
    """(statistic, degrees of freedom) of the first words, and their sums over first words for the second words."""
    start, firsts = tokenizer.encode(prompt), Counter(run[0] for run in runs)
    seconds = []
    for first in firsts.keys() - {0}:  # 0 ends a text
        after = Counter(run[1] for run in runs if run[0] == first)
        seconds.append(statistic(after, exact([*start, first])))
    return statistic(firsts, exact(start)), tuple(map(sum, zip(*seconds, strict=True)))


prompt, draws = "mr", 800
drafted, taken_back = [], 0
for seed in range(draws):
    acceptance = Acceptance()
    written = model.speculative(prompt, SamplingParams(3, seed=seed), small, acceptance)
    drafted.append([word.id for (word,) in itertools.islice(written, 2)])
    # It counts at the end of a verification step: before the second word, if the first was rejected.
    taken_back += acceptance.drafted > 0
alone = [[] for _ in range(draws)]
for step in small.sample([prompt] * draws, SamplingParams(2)):
    for word in step:
        alone[word.row].append(word.id)
print(f"drafts were removed from the caches before the second word in {taken_back} of {draws} texts")
for name, runs in (("drafted and checked", drafted), ("the small model alone", alone)):
    for which, (found, degrees) in zip(("first", "second"), both(runs), strict=True):
        print(f"{name}, {which} words: statistic {found:.0f} with {degrees} degrees of freedom")
        assert (found < degrees + 4 * math.sqrt(2 * degrees)) == (runs is drafted)

greedy, acceptance = SamplingParams(40, temperature=0), Acceptance()
assert "".join(model.text(model.speculative(prompt, greedy, small))) == model.generate(prompt, greedy)
begun = clock()
written = sum(len(list(model.speculative(text, SamplingParams(40), small, acceptance))) for text in sentences[:8])
middle = clock()
plain = sum(len(list(model.sample([text], SamplingParams(40)))) for text in sentences[:8])
with_drafts, without = (middle - begun) / written, (clock() - middle) / plain
looks = written - acceptance.accepted
print(f"{acceptance.rate:.0%} of the drafts are kept, {written / looks:.1f} words per step of the large model")
print(f"milliseconds per word: {1000 * with_drafts:.1f} with drafts, {1000 * without:.1f} without")
assert written / looks > 1.5
assert with_drafts > without

# %% [markdown]
# How much time this saves depends on how often the small model is right, and on how much cheaper it is. Here the large
# model is small itself, and nothing is gained: drafting takes more time than it saves. For a model whose speed is
# limited by memory, the speedup is at most the number of words per step.
#
# ## A published model
#
# All of these methods work with any model. A published model has been trained on much more than six novels. One is
# `gemma-270m`, a single file of weights in 4 to 8 bits. It has its own licence terms, so it is not downloaded until you
# have read and accepted them:
#
#     lingon data show gemma-270m
#     lingon data get gemma-270m --accept-licence
#
# Then the cell below compares it with our model; otherwise it shows ours alone. For each beginning it shows the most
# likely tokens, and how uncertain the choice is: the exponential of the entropy, which is the number of equally likely
# tokens that would be just as uncertain. (A published model's tokens are often parts of words, and a space is part of
# the word after it.)


# %%
@torch.inference_mode()
def choices(one, text, count=4):
    """The most likely next tokens with their probabilities, and the exponential of the entropy."""
    logits = one.model(torch.tensor([one.encode(text)]))[0, -1].float()
    chances = logits.index_fill(0, one.suppressed_ids, -torch.inf).softmax(0)
    best = chances.topk(count)
    return best.indices.tolist(), best.values.tolist(), float(torch.special.entr(chances).sum().exp())


readers = {"ours": model}
if WEIGHTS["gemma-270m"].cached:
    readers["gemma-270m"] = lingon.load("gemma-270m")
else:
    print("gemma-270m is not in the cache; the two commands above download it\n")
for name, one in readers.items():
    for text in ("she was", "The capital of France is", "The opposite of hot is"):
        likely, chances, openness = choices(one, text)
        pieces = [one.pieces.decode([i]).decode(errors="replace") for i in likely]
        shown = ", ".join(f"{piece!r} {chance:.0%}" for piece, chance in zip(pieces, chances, strict=True))
        print(f"{name}: {text} ...  {shown}; as uncertain as {openness:,.0f} equal choices")
        greedy = next(one.sample([text], SamplingParams(1, temperature=0)))
        assert greedy[0].id == likely[0], "the library takes the same token"
    print(one.generate("she was", max_new_tokens=30, top_p=0.9, seed=1), "\n")

# %% [markdown]
# A chat model is such a model too, fine-tuned on conversations; use it with `lingon chat`.
#
# ## Exercises
#
# Replace `...` with your code; `lingon learn check 13` checks all three in your copy.
#
# ### 13.1 Top-p
#
# `chances` is a list of probabilities. Return the set of the indices that top-p keeps: the smallest set of the most
# likely ones whose probabilities sum to `p` or more. If probabilities are equal, take the smaller index first.


# %%
def nucleus(chances, p):
    # your turn
    ...


# %%
attempt(nucleus, "13")

# %% [markdown]
# ### 13.2 When can beam search stop?
#
# A beam search has found a text with the score `found` (a log-probability divided by the length penalty above, with
# exponent `alpha`). Its best unfinished beginning has the log-probability `best`. No text may be longer than `most`
# words. Return whether a text with this beginning can still get a better score: True or False. Each additional word can
# only lower the log-probability, and makes the penalty larger.


# %%
def may_still_win(best, found, alpha, most):
    # your turn
    ...


# %%
attempt(may_still_win, "13")

# %% [markdown]
# ### 13.3 Words per step of speculative decoding
#
# A small model drafts `ahead` words. Each is kept with probability `keep`, independently of the others; after the first
# rejected one, all are dropped. A rejected word is replaced by a word from the large model, and if all are kept, the
# large model adds one. How many words does one step of the large model produce, on average?


# %%
def words_per_look(keep, ahead):
    # your turn
    ...


# %%
attempt(words_per_look, "13")

# %% [markdown]
# ## What to read next
#
# - Ari Holtzman and others, *The Curious Case of Neural Text Degeneration*, 2020: why likely text is dull; top-p.
# - Yonghui Wu and others, *Google's Neural Machine Translation System*, 2016, section 7: the length penalty, and more.
# - Felix Stahlberg and Bill Byrne, *On NMT Search Errors and Model Errors: Cat Got Your Tongue?*, 2019: the most likely
#   translation is often the empty one.
# - Yaniv Leviathan and others, *Fast Inference from Transformers via Speculative Decoding*, 2023.
# - Yixuan Su and others, *A Contrastive Framework for Neural Text Generation*, 2022: `lingon generate --contrastive`.
#
# `lingon generate BUNDLE --prompt "She was" --n 3 --page generate.html` does all of this for your own model, and shows
# the alternatives to every word. Lesson 14 is about answers that are found in a text, not generated.
