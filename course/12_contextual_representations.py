# %% [markdown]
# # 12. Contextual representations
#
# **What does a word mean in its sentence, and how much of that can be learned from unlabelled text?**
#
# In lesson 06 a word had one vector, whatever its meaning in the sentence. A Transformer whose tokens see the whole
# text (lesson 11 calls it an encoder) computes a separate vector for each *position* of a text. Such an encoder can be
# trained on plain text, by masking words and predicting them; what it has learned can then be used for other tasks,
# with few labels. We take a published one, MiniLM (Wang and others, 2020; trained on pairs of sentences by the authors
# of sentence-transformers), and ask what is in its vectors, what they are good for, and whether its predictions can be
# explained.
#
# You need: word vectors (lesson 06), attention (lesson 09) and the Transformer (lesson 11). It takes about a minute,
# and downloads MiniLM the first time, some 80 MB.

# %%
import copy
import math
import re
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
import torch.nn.functional as F

import lingon
from lingon.core.seed import seed_everything
from lingon.data.batches import Loader, Shuffled, text_batches
from lingon.data.corpora import load_text
from lingon.data.load_data import load_data
from lingon.data.tokenizers import words
from lingon.engine.fit import TrainConfig, fit
from lingon.engine.optimizers import adamw
from lingon.engine.precision import bfloat16, float32
from lingon.engine.schedule import linear, warmup
from lingon.interpret.attribution import attribute
from lingon.interpret.recording import record
from lingon.interpret.word_in_context import word_in_context
from lingon.kernels.allocator import keep_freed_memory
from lingon.kernels.bfloat16_linear import has_bfloat16
from lingon.layers.attention import Attention
from lingon.layers.embedding import load_pretrained
from lingon.layers.losses import IGNORED
from lingon.learn import attempt
from lingon.learn.lessons import lessons
from lingon.learn.pictures import words_in_colour
from lingon.learn.reviews import LABELS, accuracy
from lingon.metrics.correlation import spearman
from lingon.metrics.retrieval import reciprocal_rank
from lingon.models.encoder_classifier import EncoderClassifier
from lingon.models.masked_encoder import masked_encoder
from lingon.models.textcnn import TextCNN
from lingon.search import BM25, Index
from lingon.search.terms import terms_of
from lingon.tasks.classify import Classifier, cross_entropy
from lingon.tasks.classify.saliency import deciding_words
from lingon.tasks.masked_language_model import MaskedLanguageModel
from lingon.tasks.masked_language_model.masking import Masking
from lingon.tasks.masked_language_model.objective import MaskedObjective, masked_loss
from lingon.tasks.masked_language_model.special_ids import with_mask
from lingon.word_vectors.files.text_format import read_vectors

encoder = lingon.load("minilm-l6")
vocab = encoder.tokenizer.vocab
model = encoder.model.eval()
print(f"{len(vocab):,} tokens, {len(model.blocks)} blocks, width {model.width},", end=" ")
print(f"{sum(p.numel() for p in model.parameters()):,} weights")

# %% [markdown]
# ## One vector per word
#
# The first layer of MiniLM is a table of vectors, as in lesson 06. Here are the words whose vectors are closest to that
# of *bank* and some others.

# %%
table = F.normalize(model.embedding.weight.detach(), dim=1)
whole = torch.tensor([i for i, token in enumerate(vocab) if re.fullmatch("[a-z]{3,}", token)])
for word in ("bank", "bat", "spring"):
    near = (table[whole] @ table[vocab[word]]).topk(9).indices
    print(f"{word}: {', '.join(vocab.token(whole[i].item()) for i in near[1:])}")

# %% [markdown]
# All meanings of a word share one vector. Now consider the word in sentences. A block moves information from the other
# positions of the text to each position (attention), and processes it there (the MLP). After one block, the vector of
# *bank* depends on the words around it.
#
# MiniLM has the architecture of BERT (Devlin and others, 2019): learned positions, the norm *after* each sum, and no
# attention mask except for padding. After lesson 11, all of it fits in ten lines. The function takes the vectors of the
# tokens, so that we can change these later, and returns the output of each block and its attention weights.


# %%
def run_blocks(model, vectors):
    """token vectors [B, T, D] -> the states before, between and after the blocks, and attention [B, H, T, T]."""
    x = vectors + model.positions.weight[: vectors.shape[1]] + model.token_types.weight[0]
    states, maps = [model.embedding_norm(x)], []
    for block in model.blocks:
        x, heads = states[-1], block.attention.heads
        q, k, v = block.attention.qkv(x).unflatten(2, (3, heads, -1)).permute(2, 0, 3, 1, 4)  # each [B, H, T, K]
        maps.append((q @ k.mT / math.sqrt(q.shape[-1])).softmax(-1))
        x = block.around_attention.post_norm(x + block.attention.out((maps[-1] @ v).transpose(1, 2).flatten(2)))
        inner = F.gelu(block.feed_forward.up(x))
        states.append(block.around_feed_forward.post_norm(x + block.feed_forward.down(inner)))
    return states, maps


ids = torch.tensor([encoder.tokenizer.encode("He sat on the bank of the river.")])
with torch.no_grad():
    states, maps = run_blocks(model, model.embedding.weight[ids])
recorded = record(model, ids)
for mine, theirs in zip([*states, *maps], [*recorded.hidden, *recorded.attention], strict=True):
    assert torch.allclose(mine, theirs, atol=1e-4)
print("equal to MiniLM in lingon.models.bert, block by block:", [vocab.token(i) for i in ids[0].tolist()])

# %% [markdown]
# ## One vector per position
#
# Below are five words in two senses, with three sentences for each sense. For every layer we ask: among the five other
# sentences with the same word, does the closest vector have the same sense? By chance that happens in two of five
# cases.

# %%
SENSES = {
    "bank": [
        "He sat on the bank of the river.",
        "The river burst its bank after the rain.",
        "Ducks slept on the grassy bank by the water.",
        "She opened an account at the bank.",
        "The bank raised its interest rates.",
        "He owes the bank a lot of money.",
    ],
    "bat": [
        "A bat flew out of the dark cave.",
        "The bat hunts insects at night.",
        "A sleeping bat hangs upside down from the roof.",
        "He swung the bat and hit the ball.",
        "The player broke his bat in the last game.",
        "She bought a wooden bat and a glove for the team.",
    ],
    "spring": [
        "The trees bloom in spring.",
        "Last spring was cold and wet.",
        "In spring the birds come back from the south.",
        "The spring in the mattress is broken.",
        "Press the spring until the lid opens.",
        "A steel spring pushes the bolt back.",
    ],
    "match": [
        "He lit the candle with a match.",
        "She struck a match to light the fire.",
        "A burning match fell on the carpet.",
        "They won the match by two goals.",
        "The match was cancelled because of rain.",
        "He plays a tennis match every Sunday.",
    ],
    "mouse": [
        "The cat caught a mouse in the kitchen.",
        "A mouse ate the cheese.",
        "The owl saw a mouse run through the grass.",
        "Click the left button of the mouse.",
        "My mouse does not work with this computer.",
        "Move the mouse to drag the window.",
    ],
}
same = torch.tensor([0, 0, 0, 1, 1, 1])
looked_at = {word: word_in_context(encoder, word, sentences) for word, sentences in SENSES.items()}


def found_by_neighbour(vectors):
    """Fraction of the six positions [6, D] whose nearest other position has the same sense."""
    cosines = F.normalize(vectors, dim=1) @ F.normalize(vectors, dim=1).T
    nearest = cosines.fill_diagonal_(-2).argmax(1)
    return (same[nearest] == same).float().mean().item()


by_layer = {word: [found_by_neighbour(torch.tensor(v)) for v in seen.vectors] for word, seen in looked_at.items()}
mean = np.mean(list(by_layer.values()), 0)
apart = np.mean([[seen.separation(same.tolist(), i) for i in range(7)] for seen in looked_at.values()], 0)
where = ids[0].tolist().index(vocab["bank"])
assert np.allclose(looked_at["bank"].vectors[3, 0], states[3][0, where], atol=1e-4)  # the same vector, by our ten lines
print("layer      " + "".join(f"{i:7}" for i in range(7)))
print("right      " + "".join(f"{share:7.2f}" for share in mean))
print("separation " + "".join(f"{cosine:7.3f}" for cosine in apart))
assert mean[-1] > 0.9
assert mean[-1] > mean[0] + 0.2
assert apart[-1] > 5 * abs(apart[0])

figure, axes = plt.subplots(2, 5, figsize=(13, 5), layout="constrained")
for row, layer in zip(axes, (0, 6), strict=True):
    for axis, (word, seen) in zip(row, looked_at.items(), strict=True):
        places = seen.places(layer)
        axis.plot(*places[:3].T, "o", color="tab:blue")
        axis.plot(*places[3:].T, "s", color="tab:orange")
        axis.set_title(f"{word}, layer {layer}", fontsize=10)
        axis.set_xticks([])
        axis.set_yticks([])
plt.show()

# %% [markdown]
# In layer 0 a word has the same vector in all six sentences, except for its position (the points in the upper row
# differ only by this). In the last layer the senses are separated, though the model was never told that these words
# have two senses.
#
# ## Masked language modelling
#
# An encoder cannot be trained like the language models of lessons 10 and 11, because its tokens see the word that they
# would have to predict. So some words are masked, and only these are predicted: **masked language modelling**. The
# advantage is that the model can use the words on the right. How much is that worth? Take the simplest model of all,
# the bigram model (lesson 10), in which the probability of a text is a product of $p(\mathrm{next} \mid
# \mathrm{word})$. If the neighbours $l$ and $r$ of a masked word are known,
#
# $$p(w \mid l, r) = \frac{p(w \mid l)\, p(r \mid w)}{\sum_v p(v \mid l)\, p(r \mid v)}.$$
#
# Nothing new is trained: these are the same counts, used from both sides.

# %%
chapters = {part: list(load_text("austen", part)) for part in ("train", "valid")}
tokenizer = with_mask(words(chapters["train"], max_size=2000))
cls, unknown, sep = tokenizer.vocab["[CLS]"], tokenizer.vocab["[unk]"], tokenizer.vocab["[SEP]"]
encoded = {part: tokenizer.encode_batch(texts) for part, texts in chapters.items()}
novel = {part: np.array([i for row in rows for i in row[1:-1]]) for part, rows in encoded.items()}
V, inner = len(tokenizer.vocab), 23
pieces = torch.from_numpy(novel["valid"][: 1000 * inner]).view(1000, inner)
pieces = pieces[pieces[:, inner // 2] != unknown]  # those whose middle word is in the vocabulary
left, middle, right = pieces[:, inner // 2 - 1 : inner // 2 + 2].T

counts = torch.zeros(V, V).index_put_(tuple(torch.from_numpy(novel["train"]).unfold(0, 2, 1).T), torch.ones(()), True)
single = (counts.sum(0) + 0.1) / (counts.sum(0) + 0.1).sum()
pair = (counts + 20 * single) / (counts.sum(1, keepdim=True) + 20)  # smoothed
both = pair[left] * pair[:, right].T
both /= both.sum(1, keepdim=True)
one = torch.arange(len(middle))
assert torch.allclose(both.sum(1), torch.ones(len(middle)))
nats = {
    "its frequency": -single[middle].log().mean(),
    "the word before": -pair[left, middle].log().mean(),
    "both neighbours": -both[one, middle].log().mean(),
}
for name, loss in nats.items():
    print(f"{name:20} {loss:.2f} nats, perplexity {loss.exp():4.0f}")
assert nats["both neighbours"] < nats["the word before"] - 0.3

# %% [markdown]
# Now we use an encoder instead of the counts. In each text some of the tokens are chosen at random, usually 15 in a
# hundred. Of these, 8 in 10 are replaced by [MASK], 1 in 10 by a random other word, and 1 in 10 is left unchanged, so
# that the model also learns to represent real words: the texts that it processes later contain no [MASK]. Only the
# chosen tokens count in the loss.


# %%
def hide(ids, special, mask_id, rate=0.15):
    """ids [B, T], special [V] -> the ids that the model reads, and the targets (IGNORED: not predicted)."""
    chosen = ~special[ids] & (torch.rand(ids.shape) < rate)
    fate = torch.rand(ids.shape)
    ordinary = (~special).nonzero()[:, 0]
    others = ordinary[(torch.rand(ids.shape) * len(ordinary)).long()]
    read = torch.where(chosen & (fate < 0.8), mask_id, ids)
    read = torch.where(chosen & (fate >= 0.8) & (fate < 0.9), others, read)
    return read, torch.where(chosen, ids, IGNORED)


seed_everything(0)
sizes = {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 128}
sizes |= {"vocab_size": V, "max_position_embeddings": 32}
tiny = MaskedLanguageModel(masked_encoder(V, encoder={"model": "modernbert", "config": sizes}), tokenizer)
torch.nn.init.normal_(tiny.encoder.embedding.weight, std=0.1)  # larger than usual: training is short
special, mask_id = tiny.special.special, tiny.special.mask
windows = torch.cat([torch.full((1000, 1), cls), torch.from_numpy(novel["valid"][:30_000]).view(1000, 30)], 1)
seed_everything(7)
read, asked = hide(windows, special, mask_id)
seed_everything(7)
theirs = Masking(mask_id, special)(windows)
assert torch.equal(read, theirs.ids)
assert torch.equal(asked, theirs.targets)

objective = MaskedObjective(tiny.model, lambda ids: theirs)  # always their masking
with torch.no_grad():
    logits = tiny.model(read, torch.ones_like(read, dtype=torch.bool))
    ours = -logits.log_softmax(2).gather(2, asked.clamp(min=0)[..., None])[..., 0][asked != IGNORED]
    total, count = objective(windows)
assert torch.allclose(ours.sum(), total, rtol=1e-4)
assert len(ours) == count
print("equal to lingon.tasks.masked_language_model: masking and objective")

shown = tokenizer.encode("it is a truth universally acknowledged , that a single man must be in want of a wife .")
seed_everything(3)
read, asked = hide(torch.tensor([shown]), special, mask_id, rate=0.3)
figure, axis = plt.subplots(figsize=(11, 1.2), layout="constrained")
words_in_colour(axis, [tokenizer.vocab.token(i) for i in read[0].tolist()], (asked[0] != IGNORED).float().tolist())
axis.set_title("the model's input; it predicts the original tokens at the coloured positions", loc="left", fontsize=10)
plt.show()

# %% [markdown]
# We train a tiny encoder for a few seconds, and let it predict the same masked words as the counts, each now in the
# middle of a window of text. It has the architecture of ModernBERT (Warner and others, 2024), with rotary positions and
# the norm first, because there is no time to learn position vectors (lesson 11). And twice as many words as usual are
# masked, so that the model learns more from each text.

# %%
column = tiny.windows(novel["train"], 32)
batches = Loader({"windows": column}, Shuffled(len(column), batch_size=32, seed=0))
config = TrainConfig(steps=400, schedule=warmup(50, linear(350)), max_grad_norm=1.0, log_every=1)
objective = MaskedObjective(tiny.model, tiny.masking(rate=0.3))
rows = fit(objective, batches, masked_loss, adamw(objective, 1e-2), config=config).rows
losses = [row["loss"] for row in rows if "loss" in row]


@torch.inference_mode()
def asked_for(model, rows, place):
    """log p of every word at one position of rows of ids, which is replaced by [MASK]."""
    around = [torch.full((len(rows), 1), i) for i in (cls, sep)]
    hidden = torch.cat([around[0], rows.index_fill(1, torch.tensor([place]), mask_id), around[1]], 1)
    return model.eval()(hidden, torch.ones_like(hidden, dtype=torch.bool))[:, place + 1].log_softmax(1)


nats["a tiny encoder"] = -asked_for(tiny.model, pieces, inner // 2)[one, middle].mean()
for name, loss in nats.items():
    print(f"{name:20} {loss:.2f} nats, perplexity {loss.exp():4.0f}")
for filled in tiny.predict(["she was very [MASK] .", "she [MASK] very happy .", "mr . [MASK] was very happy ."]):
    print(filled)
assert nats["both neighbours"] < nats["a tiny encoder"] < nats["the word before"]

figure, axes = plt.subplots(1, 2, figsize=(11, 3), layout="constrained")
axes[0].plot(torch.tensor(losses).unfold(0, 20, 1).mean(1))
axes[0].set(xlabel="step", ylabel="nats per masked word", title="Training the tiny encoder")
axes[1].barh(list(nats), [loss.item() for loss in nats.values()])
axes[1].set(xlabel="nats per masked word, on validation text", title="What is the masked word predicted from?")
plt.show()

# %% [markdown]
# The tiny encoder uses both sides, too: it predicts better than counts of the preceding word alone but, after so little
# training, worse than counts of both neighbours. It has not seen most words often enough.
#
# BERT was trained in this way on some three billion words, for days, on many accelerators. MiniLM was trained to
# imitate such a model (distillation), and then trained further. This pretraining needs no labels; that is why so much
# text could be used.
#
# ## Fine-tuning with few labels
#
# Now we use the encoder. The task is to classify sentences from film reviews as positive or negative, each at most 24
# tokens long, with only 200 or 2,000 labelled examples. We compare two models:
#
# - the text CNN of lesson 07 with GloVe's vectors: one vector per word, everything else is learned from the labels;
# - MiniLM, **fine-tuned**: a linear layer on the mean of the vectors of all positions, and MiniLM's own weights are
#   trained further as well.
#
# The head takes only a line or two. The mean must exclude the padding.


# %%
def mean_pooled(hidden, mask):
    """hidden [B, T, D], mask [B, T] -> means over the real positions [B, D]."""
    return (hidden * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)


def with_head(seed=0):
    """A copy of MiniLM with a new linear layer on top."""
    seed_everything(seed)
    made = EncoderClassifier(copy.deepcopy(model), classes=2, pooling="mean", dropout=0.1)
    for part in made.modules():
        if isinstance(part, Attention):
            part.dropout = 0.0  # on attention weights it is slow on CPUs, and a short training run needs none
    made.encoder.embedding.requires_grad_(False)  # half of all weights; few sentences contain few of the words
    return made


batch = next(iter(text_batches(encoder.token_ids(["A warm film.", "It never ends, does it?"]), [1, 0])))
classifier = with_head().eval()
with torch.no_grad():
    pooled = mean_pooled(model(batch.ids, batch.mask), batch.mask)
    ours = pooled @ classifier.output.weight.T + classifier.output.bias
    assert torch.allclose(ours, classifier(batch.ids, batch.mask), atol=1e-5)
print("equal to lingon.models.encoder_classifier:", ours.tolist())

# %% [markdown]
# Fine-tuning needs small steps: a twentieth of the CNN's learning rate, a warm-up, and few epochs. The weights are good
# already, and large steps would destroy more than can be learned from the labels.

# %%
data = load_data("rotten-tomatoes")
SIZES, TESTED, LONGEST = (200, 2000), 500, 24
keep_freed_memory()  # otherwise the memory of large gradients is returned to the system at each step


def short(part, count):
    """The first `count` short sentences of a part, and their labels as numbers."""
    order = np.random.default_rng(0).permutation(len(part.texts)).tolist()
    tokens = encoder.tokenizer.encode_batch(part.texts)
    kept = [i for i in order if len(tokens[i]) <= LONGEST]
    return [part.texts[i] for i in kept[:count]], [LABELS.index(part.labels[i]) for i in kept[:count]]


texts, labels = short(data.train, max(SIZES))
test_texts, test_labels = short(data.test, TESTED)
ids, test_ids = encoder.token_ids(texts), encoder.token_ids(test_texts)
test_batches = text_batches(test_ids, test_labels, max_tokens=4096, shuffle=False)
print(f"{len(texts):,} sentences, {sum(map(len, ids)) / len(ids):.0f} tokens each, such as {texts[0]!r}")


def trained(model, ids, labels, epochs, lr, rows):
    """Trains a classifier with AdamW and a warm-up; in 16 bits if the processor supports it."""
    batches = text_batches(ids, labels, batch_size=rows)
    steps = epochs * len(batches)
    schedule = warmup(max(1, steps // 10), linear(steps))
    precision = bfloat16() if has_bfloat16() else float32()
    config = TrainConfig(epochs=epochs, schedule=schedule, max_grad_norm=1.0, precision=precision)
    fit(model.train(), batches, cross_entropy, adamw(model, lr), config=config)
    return model.eval()


def cnn(size):
    """Accuracy of a text CNN on GloVe's vectors, with a vocabulary of these sentences."""
    seed_everything(0)
    own = words(texts[:size], max_size=10_000)
    glove_words, glove = read_vectors("glove-6b-50d", only=set(own.vocab))
    made = TextCNN(len(own.vocab), 2, glove.shape[1], kernels=(3, 4, 5), channels=32)
    load_pretrained(made.embedding, own.vocab, glove_words, glove)
    trained(made, own.encode_batch(texts[:size]), labels[:size], 2000 * 6 // size, 2e-3, 32)
    return accuracy(made, text_batches(own.encode_batch(test_texts), test_labels, shuffle=False))


tuned = {}  # kept, to look inside later


def fine_tuned(size):
    """Accuracy of MiniLM, fine-tuned."""
    tuned[size] = trained(
        with_head(), ids[:size], labels[:size], 1 if size > 1000 else 3, 1e-4, 32 if size > 1000 else 16
    )
    return accuracy(tuned[size], test_batches)


ways = {"text CNN": cnn, "MiniLM, fine-tuned": fine_tuned}
scores = {name: [way(size) for size in SIZES] for name, way in ways.items()}
error = math.sqrt(0.25 * 0.75 / TESTED)
print(f"{'':20}" + "".join(f"{size:8,}" for size in SIZES))
for name, found in scores.items():
    print(f"{name:20}" + "".join(f"{share:8.3f}" for share in found))
print(f"standard error of each: about {error:.3f}")

figure, axis = plt.subplots(figsize=(7, 3.4), layout="constrained")
for i, (name, found) in enumerate(scores.items()):
    axis.bar(np.arange(len(SIZES)) + 0.37 * (i - 0.5), found, 0.35, yerr=error, capsize=3, label=name)
axis.set_xticks(range(len(SIZES)), [f"{size:,} labels" for size in SIZES])
axis.set(ylim=(0.5, 1), ylabel="accuracy", title="Sentences of film reviews")
axis.legend(loc="upper left", fontsize=9)
plt.show()
for before, now, errors in zip(*scores.values(), (2, 1), strict=True):
    assert now > before + errors * error
assert scores["MiniLM, fine-tuned"][1] > scores["MiniLM, fine-tuned"][0]

# %% [markdown]
# Pretraining is worth more than a few hundred labels. But this advantage does not last forever. See for yourself with
# all 18,000 long reviews of `make run`; fine-tuning takes hours on two cores, the other two minutes:
#
#     lingon train sentiment --from minilm-l6 --out runs/minilm
#     lingon train sentiment --model textcnn --out runs/textcnn
#     lingon train sentiment --out runs/ngrams
#
# The last is a linear model on n-grams, which is hard to beat on these reviews. With even fewer labels, use `--tuning
# frozen`, which trains only the head, or `--tuning contrastive`, which compares sentences with each other.
#
# ## What attention shows
#
# Here is what the blocks of the fine-tuned model attend to in a sentence, averaged over all heads. Rows are queries,
# columns are keys.

# %%
judge = Classifier(tuned[max(SIZES)], encoder.tokenizer, list(LABELS), max_length=LONGEST)
embedding = judge.model.encoder.embedding.weight.detach()
sentence = "the plot is thin , but the actors are wonderful ."


@torch.no_grad()
def attention_of(text):
    """The attention of each block, averaged over heads [layers, T, T], and the tokens."""
    ids = torch.tensor([encoder.tokenizer.encode(text)])
    _, maps = run_blocks(judge.model.encoder, embedding[ids])
    return torch.stack([weights[0].mean(0) for weights in maps]), [vocab.token(i) for i in ids[0].tolist()]


maps, tokens = attention_of(sentence)
figure, axes = plt.subplots(2, 3, figsize=(13, 8.5), layout="constrained")
for layer, axis in enumerate(axes.flat):
    axis.imshow(maps[layer].sqrt(), cmap="Oranges", vmin=0, vmax=1)
    axis.set_xticks(range(len(tokens)), tokens, rotation=75, fontsize=8)
    axis.set_yticks(range(len(tokens)), tokens, fontsize=8)
    axis.set_title(f"layer {layer + 1}", fontsize=10)
plt.show()

looked, even = torch.zeros(len(maps)), 0.0
some = test_texts[:60]
for text in some:
    maps, tokens = attention_of(text)
    empty = torch.tensor([token in ("[CLS]", "[SEP]", ".", ",") for token in tokens])
    looked += maps[:, :, empty].sum(2).mean(1) / len(some)
    even += empty.float().mean().item() / len(some)
print("fraction of attention on [CLS], [SEP], full stops and commas, by layer:")
print("   ".join(f"{share:.2f}" for share in looked), f"(uniform: {even:.2f})")
assert looked.max() > 1.5 * even

# %% [markdown]
# In some layers most of the weight is on tokens without meaning. The weights of a softmax must sum to 1, and a head
# that has nothing to attend to puts its weight there (Clark and others, 2019). And from the second block on, the vector
# at a position no longer represents its word alone: it contains information from all the others. So the weight on *the
# position of* a word is not the importance of the word.
#
# ## Attribution
#
# Two methods measure how the output depends on the input. **Occlusion** removes a word (lesson 09). **Integrated
# gradients** (Sundararajan and others, 2017) scale all vectors from zero to their actual values, along a straight line,
# and add up what each contributes on the way:
#
# $$\mathrm{attribution}_t = \sum_i x_{ti} \int_0^1 \frac{\partial f(\alpha x)}{\partial x_{ti}}\, d\alpha.$$
#
# The attributions sum to the contribution of the whole text: $f(x) - f(0)$. So we can check whether the integral is
# right.


# %%
def integrated(vectors, kept, label, points=16):
    """vectors [T, D], kept [T]: True for tokens that are not scaled -> contributions to the logit [T]."""
    alphas, shares = np.polynomial.legendre.leggauss(points)  # Gauss: a few points are enough if f is smooth
    alphas, shares = torch.tensor((alphas + 1) / 2).float(), torch.tensor(shares / 2).float()
    start = vectors * kept[:, None]
    line = (start + alphas[:, None, None] * (vectors - start)).requires_grad_()
    states, _ = run_blocks(judge.model.encoder, line)
    logits = judge.model.output(states[-1].mean(1))[:, label]
    (slope,) = torch.autograd.grad(logits.sum(), line)
    return torch.einsum("ntd,td,n->t", slope, vectors - start, shares)


def by_word(text, label):
    """The words of a text, and for each method a number per word."""
    ids, owners = encoder.tokenizer.encode(text), encoder.tokenizer.word_ids(text)
    inside = [i for i, owner in enumerate(owners) if owner is not None]
    places = [[i for i in inside if owners[i] == word] for word in range(owners[inside[-1]] + 1)]
    adds = integrated(embedding[ids], torch.tensor([owner is None for owner in owners]), label)
    maps, _ = attention_of(text)
    left_out = deciding_words(judge, text, LABELS[label])
    return {
        "attention": [maps.mean(0).mean(0)[here].sum().item() for here in places],
        "integrated gradients": [adds[here].sum().item() for here in places],
        "occlusion": [word.weight for word in left_out],
    }, [text[word.start : word.end] for word in left_out]


found, shown = by_word(sentence, 1)
truth = attribute(judge, sentence, "positive")
assert np.allclose(found["integrated gradients"], [word.weight for word in truth.words], atol=0.05)
print(judge.predict(sentence), f"\nattributions sum to {sum(found['integrated gradients']):.3f},", end=" ")
print(f"f(x) - f(0) is {truth.output - truth.baseline:.3f}")

figure, axes = plt.subplots(3, 1, figsize=(11, 2.6), layout="constrained")
for axis, (name, weights) in zip(axes, found.items(), strict=True):
    words_in_colour(axis, shown, weights, **({"colours": "Oranges", "low": 0} if name == "attention" else {}))
    axis.set_title(name, loc="left", fontsize=10)
plt.show()

# %% [markdown]
# Red is evidence for *positive*, blue against it; attention has no sign. Which method is right? One test works for all
# of them: remove the three words that a method ranks highest, and see how much the probability of the predicted label
# falls. (Occlusion has an advantage, because it measures just that for single words; so compare the other two, and
# random words.)


# %%
def probability(texts, label):
    return judge.logits(texts).softmax(1)[:, label]


drops, agree, draw = {}, [], np.random.default_rng(0)
for text in test_texts[:25]:
    label = int(judge.logits([text])[0].argmax())
    found, shown = by_word(text, label)
    found["at random"] = draw.random(len(shown)).tolist()
    for name, weights in found.items():
        strongest = sorted(range(len(shown)), key=lambda i: -weights[i])[:3]
        rest = " ".join(word for i, word in enumerate(shown) if i not in strongest)
        whole, less = probability([text, rest], label).tolist()
        drops.setdefault(name, []).append(whole - less)
    agree.append([spearman(found[name], found["occlusion"]).rho for name in ("attention", "integrated gradients")])
means = {name: float(np.mean(fallen)) for name, fallen in drops.items()}
rho = np.mean(agree, 0)
for name, fallen in means.items():
    print(f"{name:22} decrease of the probability {fallen:+.2f}")
print(f"Spearman's rho with occlusion: attention {rho[0]:+.2f}, integrated gradients {rho[1]:+.2f}")
assert means["integrated gradients"] > means["attention"] + 0.05
assert rho[1] > rho[0] + 0.2

figure, axis = plt.subplots(figsize=(7, 2.6), layout="constrained")
axis.barh(list(means), list(means.values()))
axis.set(xlabel="decrease of the probability without the three strongest words", title="Which words matter?")
plt.show()

# %% [markdown]
# So attention shows how information moves between positions, which is interesting in its own right, but not which words
# were decisive. An attribution answers a precise question, and can be checked. But it explains the model, not the
# world: it also shows what a wrong model relies on. `lingon predict BUNDLE TEXT --page inside.html` draws all of this.
#
# ## Search by words and by meaning
#
# Sentence vectors find passages with a similar meaning, even if they use different words. Let us search this course:
# which lesson answers a question? The classical method, **BM25** (Robertson and others, 1994), counts the words that
# question and passage share. Rare words count more, repetitions count less each time, and long passages are penalized:
#
# $$\mathrm{score}(q, d) = \sum_{t \in q} \ln\!\left(1 + \frac{N - n_t + .5}{n_t + .5}\right)
# \frac{f_{td}}{f_{td} + k (1 - b + b\, |d| / \overline{|d|})}.$$


# %%
def bm25(question, passages, k=1.5, b=0.75):
    """Scores of passages (lists of words) for a question (a list of words)."""
    mean = sum(map(len, passages)) / len(passages)
    scores = np.zeros(len(passages))
    for word in question:
        holding = sum(word in passage for passage in passages)
        rarity = math.log(1 + (len(passages) - holding + 0.5) / (holding + 0.5))
        for i, passage in enumerate(passages):
            often = passage.count(word)
            scores[i] += rarity * often / (often + k * (1 - b + b * len(passage) / mean))
    return scores


folder = Path(tempfile.mkdtemp())
(folder / "course").mkdir()
for lesson in (lesson for lesson in lessons() if lesson.number < "12"):  # not this one: it contains the questions
    cells = re.split(r"^# %%(.*)$", lesson.path.read_text(), flags=re.MULTILINE)
    prose = "".join(body for kind, body in zip(cells[1::2], cells[2::2], strict=True) if kind)
    prose = re.sub("^# ?", "", prose, flags=re.MULTILINE)
    (folder / "course" / f"{lesson.number}.md").write_text(prose.split("## Exercises")[0])
index = Index.build(folder / "course", folder / "index", encoder, "minilm-l6")
passages = [terms_of(index.passage(row).text) for row in range(len(index))]
question = terms_of("how does a softmax treat padding")
assert np.allclose(bm25(question, passages), BM25.build(passages).scores(question), atol=1e-4)
print(f"{len(index)} passages of {len(index.files)} lessons; equal to lingon.search.BM25")

# %% [markdown]
# Vectors are compared by their cosine, and **hybrid** search combines the two rankings (exercise 12.3). We test with
# sixteen questions, each with the lesson that answers it. The result depends on the choice of questions: half of these
# use the terms of the course, and half avoid them on purpose.

# %%
QUESTIONS = {
    "what does broadcasting do to shapes": "01",
    "numerical gradient by finite differences": "02",
    "memory plan of a program": "03",
    "why subtract the largest score in a softmax": "04",
    "overfitting and the validation set": "05",
    "negative samples in skip-gram": "06",
    "maximum over time in a text CNN": "07",
    "forget gate of an LSTM": "08",
    "fit tables of unlike sizes together without copying": "01",
    "get slopes automatically from code": "02",
    "good on known pictures and bad on new ones": "05",
    "Rome belongs to Italy as Berlin to which country": "06",
    "spot a useful phrase anywhere in an opinion": "07",
    "remember the beginning until the end was read": "08",
    "guess what somebody will type next": "10",
    "how is it known which token comes first": "11",
}
MODES = ("bm25", "vectors", "hybrid")


def rank_of_answer(question, lesson, mode):
    """1 / the rank of a lesson; the rank of each lesson is that of its best passage."""
    found = dict.fromkeys(hit.path for hit in index.search(question, k=len(index), mode=mode))
    return reciprocal_rank(list(found), {f"{lesson}.md": 1})


ranks = {mode: [rank_of_answer(question, lesson, mode) for question, lesson in QUESTIONS.items()] for mode in MODES}
halves = {"with terms of the course": slice(0, 8), "in other words": slice(8, 16)}
mrr = {mode: [np.mean(found[half]) for half in halves.values()] for mode, found in ranks.items()}
for mode, found in mrr.items():
    print(f"{mode:8}" + "".join(f"  {name}: {value:.2f}" for name, value in zip(halves, found, strict=True)))
for question, (by_words, by_meaning, _) in zip(QUESTIONS, zip(*ranks.values(), strict=True), strict=True):
    if by_words != by_meaning:
        print(f"{'words' if by_words > by_meaning else 'meaning'} better: {question}")
pairs = list(zip(ranks["bm25"], ranks["vectors"], strict=True))
assert any(by_words < by_meaning for by_words, by_meaning in pairs)
assert any(by_words > by_meaning for by_words, by_meaning in pairs)
assert all(hybrid >= min(words_, meant) - 0.05 for words_, meant, hybrid in zip(*mrr.values(), strict=True))

figure, axis = plt.subplots(figsize=(7, 3), layout="constrained")
for i, (mode, found) in enumerate(mrr.items()):
    axis.bar(np.arange(2) + 0.27 * (i - 1), found, 0.25, label=mode)
axis.set_xticks(range(2), list(halves))
axis.set(ylim=(0, 1.3), ylabel="mean of 1 / rank", title="Which lesson answers the question?")
axis.legend(ncols=3, fontsize=9)
plt.show()
for hit in index.search("why did my program get slower with a bigger table", k=2):
    print(f"lesson {hit.path[:2]}, {hit.passage.title}: {' '.join(hit.passage.text.split())[:150]}")

# %% [markdown]
# With sixteen questions and a dozen lessons, differences of a few hundredths mean nothing, and word matching works
# better than one might expect: among so few lessons, a common word that the right lesson happens to use is often
# enough. But look at the questions on which the two disagree. Each finds what the other does not, so start with both
# together: `lingon index FOLDER --encoder minilm-l6`, then `lingon search`.
#
# ## Exercises
#
# Replace `...` with your code; `lingon learn check 12` checks all three in your copy.
#
# ### 12.1 Whole-word masking
#
# A subword tokenizer splits *unhappily* into `un`, `##happi`, `##ly`. If one piece is masked and the others are not, it
# is too easy to predict. So whole words are masked. `pieces` is a list of tokens, in which `##` marks the continuation
# of a word, and `chosen` is a set of indices into it. Return the set of the indices that must be masked so that no word
# is masked only in part.


# %%
def whole_words(pieces, chosen):
    # your turn
    ...


# %%
attempt(whole_words, "12")

# %% [markdown]
# ### 12.2 Word sense disambiguation
#
# `vectors` [n, D] are the vectors of a word in n sentences, `senses` is the list of their senses, and `vector` [D] is
# that of the word in a new sentence. Return the sense whose vectors have the largest *mean cosine* with it.


# %%
def sense_of(vector, vectors, senses):
    # your turn
    ...


# %%
attempt(sense_of, "12")

# %% [markdown]
# ### 12.3 Reciprocal rank fusion
#
# BM25 scores and cosines are not on a common scale, but ranks are. **Reciprocal rank fusion** (Cormack and
# others, 2009) gives a document $1 / (k + \mathrm{rank})$ for each ranking that contains it, and nothing for those that
# do not; the first rank is 1. `rankings` is a list of lists of documents, best first. Return the list of all documents,
# the one with the largest sum first. If sums are equal, documents are in alphabetical order.


# %%
def fused(rankings, k):
    # your turn
    ...


# %%
attempt(fused, "12")

# %% [markdown]
# ## What to read next
#
# - Jacob Devlin and others, *BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding*, 2019.
# - Matthew Peters and others, *Deep Contextualized Word Representations*, 2018: the same idea with LSTMs.
# - Nils Reimers and Iryna Gurevych, *Sentence-BERT*, 2019: sentence vectors from an encoder.
# - Kevin Clark and others, *What Does BERT Look At?*, 2019: heads that follow syntax, and heads that do nothing.
# - Mukund Sundararajan and others, *Axiomatic Attribution for Deep Networks*, 2017.
#
# The how-tos *Start from pretrained weights*, *Interpret a model* and *Search a folder* do with commands what this
# lesson did by hand. In lesson 13 models generate text; in lesson 14 an encoder finds the answer to a question.
