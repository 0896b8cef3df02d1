# %% [markdown]
# # 16. Pictures and words
#
# **How can a network describe in words what it sees?**
#
# So far we have mostly worked with text. But most of what we built does not depend on where its vectors come from:
# attention works on vectors, and a decoder generates words given vectors. If a picture is represented by vectors too,
# one for each position, then the decoder of lesson 15 can describe a picture just as it translated a sentence, and a
# question can find its answer in a picture just as it did in a passage. The only new part is the step from pixels to
# vectors: the convolution of lesson 07, in two dimensions.
#
# You need: neural networks (lesson 04), the text CNN (07), translation (15). It takes about a minute.

# %%
import math

import matplotlib.pyplot as plt
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from lingon.core.seed import seed_everything
from lingon.data.batches import Images, Loader, RandomShift, Shuffled
from lingon.data.corpora import load_pictures
from lingon.engine.fit import TrainConfig, fit
from lingon.engine.loss import Loss
from lingon.engine.optimizers import adamw
from lingon.engine.schedule import cosine, warmup
from lingon.kernels.allocator import keep_freed_memory
from lingon.layers.cross_attention import CrossAttention
from lingon.layers.cross_attention_cache import LayerMemory
from lingon.learn import attempt

digits = load_pictures("digits")
labels = {part: torch.from_numpy(getattr(digits, part).labels) for part in ("train", "test")}
pictures = {part: torch.from_numpy(getattr(digits, part).pixels)[:, None] for part in ("train", "test")}
print({part: [*x.shape] for part, x in pictures.items()}, "pictures, channels, rows, columns")


def draw(axis, picture, title=""):
    axis.imshow(picture.reshape(picture.shape[-2:]), cmap="gray_r", vmin=0, vmax=1)
    axis.set_title(title, fontsize=9)
    axis.axis("off")


def moved(pixels, rows, columns):
    """Pictures [N, 1, 28, 28], all moved down and to the right; the new rows and columns are background."""
    padded = F.pad(pixels, [8] * 4)
    return padded[..., 8 - rows : 36 - rows, 8 - columns : 36 - columns]


# %% [markdown]
# ## Shifted digits
#
# Lesson 04 read digits with a network of linear layers, in which each pixel has separate weights. What if all digits
# are shifted down by a few pixels? To us nothing has changed. To the network everything has, because the ink now falls
# on other weights.
#
# The same problem occurs in sentences: a phrase means the same wherever it occurs, so a text CNN slides one small
# filter over all positions. In a picture a filter is a small square, and it slides in two directions. At each position
# it is placed on the pixels, each pixel is multiplied by the weight on top of it, and the sum is the output at this
# position:
#
# $$y[o, i, j] = b[o] + \sum_c \sum_{u, v} w[o, c, u, v] \, x[c, i + u, j + v]$$
#
# for output channel $o$, input channels $c$ and a filter of $k \times k$ numbers. In ten lines:


# %%
def convolve(x, weight, bias, stride=1, padding=0):
    """x [N, C, H, W], weight [O, C, k, k], bias [O] -> [N, O, rows, columns]."""
    size = weight.shape[-1]
    x = F.pad(x, [padding] * 4)
    rows, columns = ((side - size) // stride + 1 for side in x.shape[-2:])
    total = bias[:, None, None].expand(len(x), -1, rows, columns).clone()
    for u in range(size):
        for v in range(size):
            seen = x[..., u : u + stride * rows : stride, v : v + stride * columns : stride]
            total += torch.einsum("oc,ncij->noij", weight[:, :, u, v], seen)
    return total


seed_everything(0)
x, weight, bias = torch.randn(3, 2, 11, 7), torch.randn(5, 2, 3, 3), torch.randn(5)
for stride, padding in ((1, 0), (1, 1), (2, 1), (3, 2)):
    ours = convolve(x, weight, bias, stride, padding)
    assert torch.allclose(ours, F.conv2d(x, weight, bias, stride, padding), atol=1e-5)
print("equal to PyTorch's conv2d")

# %% [markdown]
# What can such a filter detect? Below are two that we have designed by hand: one responds to edges at the top of the
# ink, the other to edges at the left. The filters of our networks are not designed but learned.

# %%
edges = torch.tensor([[[[-1.0, -1, -1], [0, 0, 0], [1, 1, 1]]], [[[-1.0, 0, 1], [-1, 0, 1], [-1, 0, 1]]]])
three = pictures["train"][labels["train"] == 3][:1]
answers = convolve(three, edges, torch.zeros(2), padding=1)[0]
figure, axes = plt.subplots(1, 3, figsize=(7, 2.5), layout="constrained")
draw(axes[0], three[0], "a three")
for axis, answer, title in zip(axes[1:], answers, ("top edges", "left edges"), strict=True):
    axis.imshow(answer, cmap="RdBu_r", vmin=-3, vmax=3)
    axis.set_title(title, fontsize=9)
    axis.axis("off")
plt.show()

# If the picture is shifted, the outputs are shifted in the same way, and otherwise equal.
there = convolve(moved(three, 3, -2), edges, torch.zeros(2), padding=1)[0]
assert torch.allclose(there[:, 6:-6, 6:-6], answers[:, 3:-9, 8:-4])

# %% [markdown]
# A network stacks convolutions. With a stride of two, each layer's output has half the rows and columns, so that each
# vector of the next layer depends on a larger part of the picture. At the end there is a vector for each position of a
# small grid. To read a digit, the network takes the maximum of each channel over all positions (as the text CNN did):
# it says *whether* something is there, not *where*.


# %%
def trunk():
    """Pictures [N, 1, H, W] -> vectors of 64 numbers for each position of a grid: [N, 64, H / 8, W / 8]."""
    sizes = ((1, 16, 5, 2, 2), (16, 32, 3, 2, 1), (32, 64, 3, 2, 1), (64, 64, 3, 1, 1))
    return nn.Sequential(*(part for size in sizes for part in (nn.Conv2d(*size), nn.ReLU())))


class Reader(nn.Module):
    """Which digit is it?"""

    def __init__(self):
        super().__init__()
        self.trunk, self.head = trunk(), nn.Linear(64, 10)

    def vector(self, images):
        return self.trunk(images).amax((2, 3))

    def forward(self, images):
        return self.head(self.vector(images))


def classified(model, batch):
    return Loss(F.cross_entropy(model(batch.images), batch.labels, reduction="sum"), len(batch))


def taught(model, loss, columns, epochs, rate):
    """Train a model on columns of a data set; the losses of its steps."""
    loader = Loader(columns, Shuffled(len(next(iter(columns.values()))), 64, seed=0))
    steps = math.ceil(epochs * len(loader))
    config = TrainConfig(steps=steps, schedule=warmup(steps // 10, cosine(steps - steps // 10)), log_every=5)
    rows = fit(model.train(), loader, loss, adamw(model, rate), config=config).rows
    model.eval()
    return [row["loss"] for row in rows if "loss" in row]


def read_right(model, images):
    with torch.no_grad():
        return (model(images).argmax(1) == labels["test"]).float().mean().item()


keep_freed_memory()
bytes_of = (digits.train.pixels * 255).astype(np.uint8)[..., None]
columns = {"images": Images(bytes_of), "labels": labels["train"]}
seed_everything(0)
networks = {
    "linear layers": nn.Sequential(nn.Flatten(), nn.Linear(784, 78), nn.ReLU(), nn.Linear(78, 10)),
    "convolutions": Reader(),
}
for name, network in networks.items():
    taught(network, classified, columns, epochs=6, rate=3e-3)
    numbers = sum(weights.numel() for weights in network.parameters())
    print(f"{name}: {numbers:,} weights, test accuracy {read_right(network, pictures['test']):.3f}")

shifts = range(7)
right = {name: [read_right(of, moved(pictures["test"], by, by)) for by in shifts] for name, of in networks.items()}
seed_everything(0)
networks["shifted in training"] = Reader()
columns["images"] = Images(bytes_of, RandomShift(6), seed=0)
taught(networks["shifted in training"], classified, columns, epochs=8, rate=3e-3)
reader = networks["shifted in training"]
right["shifted in training"] = [read_right(reader, moved(pictures["test"], by, by)) for by in shifts]
figure, axis = plt.subplots(figsize=(7, 2.8), layout="constrained")
for name, values in right.items():
    axis.plot(shifts, values, marker="o", label=name)
axis.set(xlabel="shift of all test digits in pixels, down and right", ylabel="accuracy", ylim=(0, 1))
axis.legend()
plt.show()
assert right["convolutions"][3] > right["linear layers"][3] + 0.1
assert right["shifted in training"][5] > right["convolutions"][5] + 0.1

# %% [markdown]
# Both networks have about the same number of weights. Convolutions are more robust to a small shift, but not to every
# shift: with a stride of two, an output of half the size is computed only at every second position, and at the border a
# digit is cut off. What helps is to train on shifted pictures too. Such data **augmentation** needs no new data: it
# teaches the network which changes do not matter.
#
# ## A picture as a vector
#
# The 64 numbers before the last layer are a vector of the whole picture, like the sentence vectors of lesson 12.
# Pictures of the same digit should have vectors with a large cosine, even if they share few pixels.

# %%
with torch.no_grad():
    vectors = {part: F.normalize(reader.vector(x), dim=1) for part, x in pictures.items()}
near = vectors["test"] @ vectors["train"].T
by_pixels = -torch.cdist(pictures["test"].flatten(1), pictures["train"].flatten(1))
shown = [3, 14, 27, 38]
figure, axes = plt.subplots(len(shown), 7, figsize=(7.5, 4.6), layout="constrained")
for row, i in zip(axes, shown, strict=True):
    draw(row[0], pictures["test"][i], "query")
    for axis, j in zip(row[1:], near[i].topk(6).indices, strict=True):
        draw(axis, pictures["train"][j], f"{near[i, j]:.2f}")
plt.show()
nearest = {"vectors": near.argmax(1), "pixels": by_pixels.argmax(1)}
for name, rows in nearest.items():
    print(
        f"by {name}: {(labels['train'][rows] == labels['test']).float().mean():.3f} of the nearest are the same digit"
    )

# %% [markdown]
# ## Scenes and captions
#
# A single digit needs only one word. So we place two in a scene, next to or above each other, and describe their
# arrangement: *three left of eight*, *five above zero*. The scenes are constructed from handwritten digits; the test
# scenes use digits that occur in no training scene. And one in five of all possible sentences never occurs in training:
# to generate *three left of eight*, the model may have to combine it from parts.

# %%
WORDS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "left of", "above", "END"]
LEFT, ABOVE, END, START = 10, 11, 12, 13
SIZE, GRID = 56, 49  # of a scene in pixels, and the positions of its grid, 7 x 7


def kept_for_the_test(first, relation, second):
    return (first + 2 * second + 5 * (relation == ABOVE)) % 5 == 0


def scenes(part, count, seed, unseen):
    """Scenes [N, 1, 56, 56] of two digits, and their captions: four ids, including END."""
    source, random = getattr(digits, part), np.random.default_rng(seed)
    sheets, captions = np.zeros((count, 1, SIZE, SIZE), np.float32), []
    while len(captions) < count:
        chosen, relation = random.integers(0, len(source), 2), int(random.choice([LEFT, ABOVE]))
        caption = [int(source.labels[chosen[0]]), relation, int(source.labels[chosen[1]]), END]
        if kept_for_the_test(*caption[:3]) != unseen:
            continue
        along, across = (random.integers(0, 5), random.integers(24, 29)), random.integers(0, 29)
        beside = np.clip(across + random.integers(-8, 9), 0, 28)
        places = [(across, along[0]), (beside, along[1])]
        for which, place in zip(chosen, places, strict=True):
            row, column = place if relation == LEFT else place[::-1]
            part_of_sheet = sheets[len(captions), 0, row : row + 28, column : column + 28]
            np.maximum(part_of_sheet, source.pixels[which], out=part_of_sheet)
        captions.append(caption)
    return torch.from_numpy(sheets), torch.tensor(captions)


def said(ids):
    return " ".join(WORDS[i] for i in ids if i != END)


train_scenes, train_captions = scenes("train", 12_000, 0, unseen=False)
test_scenes, test_captions = scenes("test", 500, 1, unseen=True)
seen, asked = ({tuple(row[:3]) for row in of.tolist()} for of in (train_captions, test_captions))
print(f"{len(train_scenes):,} training scenes have {len(seen)} different captions, the test scenes {len(asked)} others")
figure, axes = plt.subplots(1, 6, figsize=(10, 2), layout="constrained")
for axis, scene, caption in zip(axes, test_scenes, test_captions.tolist(), strict=False):
    draw(axis, scene, said(caption))
plt.show()
assert not seen & asked

# %% [markdown]
# ## A caption is a conditional language model
#
# A language model computes the probability of the next word, given the words before. Here it is given the picture too:
#
# $$P(w_1 \ldots w_T \mid x) = \prod_t P(w_t \mid w_1 \ldots w_{t-1}, x)$$
#
# That is the formula of lesson 15, with a picture instead of the source sentence. The encoder is the convolutional
# trunk: a scene of 56 by 56 pixels becomes a grid of 7 by 7 vectors, to which learned position vectors are added. These
# 49 vectors play the role of a sentence of 49 tokens. The decoder is small: a recurrent layer reads the words so far,
# and its state attends to the positions of the grid with cross-attention. For one head, this is:


# %%
def look(states, places, layer):
    """Words [B, T, D] attend to positions [B, S, D] with one head -> output, and weights [B, T, S]."""
    queries = layer.q(states)
    keys, values = layer.kv(places).chunk(2, -1)
    weights = (queries @ keys.transpose(1, 2) / math.sqrt(queries.shape[-1])).softmax(-1)
    return layer.out(weights @ values), weights


layer, states, places = CrossAttention(12, 1), torch.randn(3, 5, 12), torch.randn(3, 7, 12)
ours, weights = look(states, places, layer)
made_once = LayerMemory(*layer.keys_values(places), None)
assert torch.allclose(ours, layer(states, made_once), atol=1e-6)
assert torch.allclose(weights, layer.weights(states, made_once)[:, 0], atol=1e-6)
print("equal to lingon.layers.cross_attention")


class Captioner(nn.Module):
    """Scenes and the words so far -> logits of the next word."""

    def __init__(self, width=64):
        super().__init__()
        self.trunk, self.where = trunk(), nn.Parameter(0.1 * torch.randn(GRID, width))
        self.words, self.recurrent = nn.Embedding(len(WORDS) + 1, width), nn.GRU(width, width, batch_first=True)
        self.attention, self.head = CrossAttention(width, 1), nn.Linear(2 * width, len(WORDS))

    def places(self, images):
        return self.trunk(images).flatten(2).transpose(1, 2) + self.where

    def attended(self, images, read):
        states, _ = self.recurrent(self.words(read))
        sight, weights = look(states, self.places(images), self.attention)
        return self.head(torch.cat([states, sight], -1)), weights

    def forward(self, images, read):
        return self.attended(images, read)[0]


# %% [markdown]
# The trunk need not be trained from scratch: it is initialized with the weights of the digit classifier. We train with
# teacher forcing, as in translation: for each word, the decoder reads the correct words before it.


# %%
def before(captions):
    return torch.cat([torch.full_like(captions[:, :1], START), captions[:, :-1]], 1)


def caption_loss(model, batch):
    logits = model(batch.images, before(batch.captions))
    return Loss(
        F.cross_entropy(logits.flatten(0, 1), batch.captions.flatten(), reduction="sum"), batch.captions.numel()
    )


@torch.no_grad()
def describe(model, images):
    """Greedy decoding: four ids for each scene, and the attention weights of each [N, 4, 49]."""
    ids = torch.full((len(images), 1), START)
    for _ in range(4):
        logits, weights = model.attended(images, ids)
        ids = torch.cat([ids, logits[:, -1:].argmax(-1)], 1)
    return ids[:, 1:], weights


seed_everything(0)
captioner = Captioner()
captioner.trunk.load_state_dict(reader.trunk.state_dict())
losses = taught(captioner, caption_loss, {"images": train_scenes, "captions": train_captions}, epochs=2, rate=3e-3)
found, looked = describe(captioner, test_scenes)
exact = (found == test_captions).all(1)
print(f"all words right: {exact.float().mean():.3f} of the scenes, whose captions never occurred in training")
word_right = dict(
    zip(("first digit", "relation", "second digit"), (found == test_captions).float().mean(0), strict=False)
)
print({name: round(value.item(), 3) for name, value in word_right.items()})
plt.figure(figsize=(7, 2.6), layout="constrained")
plt.plot(np.arange(len(losses)) * 5, losses)
plt.xlabel("step")
plt.ylabel("nats per word")
plt.title("The loss of words, given the previous ones and the picture")
plt.show()
assert exact.float().mean() > 0.4
assert word_right["second digit"] < word_right["first digit"]

# %% [markdown]
# The second digit is wrong more often than the first. The decoder is a language model, and after *three left of* it
# expects a word that followed there in training; in these captions that is never the right word. The evidence of the
# picture has to outweigh this expectation, and does not always do so. Models that caption photographs have the same
# weakness.
#
# The decoder was never told where the digits are. The pictures show for each generated word what it attended to: dark
# positions of the grid have large weights. Below them are some scenes that it got wrong.

# %%
figure, axes = plt.subplots(3, 5, figsize=(9, 5.6), layout="constrained")
for row, i in zip(axes, torch.nonzero(exact).flatten()[:3], strict=True):
    draw(row[0], test_scenes[i], said(found[i].tolist()))
    for axis, word, weights in zip(row[1:], found[i].tolist(), looked[i], strict=True):
        axis.imshow(test_scenes[i, 0], cmap="gray_r", vmin=0, vmax=3)
        spread = F.interpolate(weights.reshape(1, 1, 7, 7), scale_factor=8)[0, 0]
        axis.imshow(spread, cmap="Oranges", alpha=0.6, vmin=0)
        axis.set_title(WORDS[word], fontsize=9)
        axis.axis("off")
plt.show()
figure, axes = plt.subplots(1, 5, figsize=(10, 2.4), layout="constrained")
for axis, i in zip(axes, torch.nonzero(~exact).flatten(), strict=False):
    draw(axis, test_scenes[i], f"{said(found[i].tolist())}\nis: {said(test_captions[i].tolist())}")
plt.show()

column = torch.arange(GRID) % 7  # of each position
beside = exact & (test_captions[:, 1] == LEFT)
first, second = ((looked[beside][:, word] * column).sum(1).mean() for word in (0, 2))
print(f"mean attended column for 'left of': {first:.1f} for the first digit, {second:.1f} for the second")
assert first < second

# %% [markdown]
# ## Visual question answering
#
# *What is left of eight?* To answer this, a model has to find the eight, look to its left, and read what is there. Here
# the *query* of attention really is a question: the vector of the question attends to all positions, and the result is
# turned into an answer. The vectors of the positions are those of the captioner, computed once and no longer trained.
# The baseline is a model that sees only the question, like the word overlap of lesson 14: whatever it gets right needs
# no picture. Here it can get nothing right, because it predicts a digit that occurred with the other in training, and
# the test has only other pairs.


# %%
class Answerer(nn.Module):
    """Positions and a question of two words, the relation and a digit -> logits of ten digits."""

    def __init__(self, width=64, sees=True):
        super().__init__()
        self.words, self.hidden, self.sees = nn.Embedding(len(WORDS) + 1, width), nn.Linear(2 * width, width), sees
        self.attention, self.head = CrossAttention(width, 4), nn.Sequential(nn.Linear(2 * width, 64), nn.ReLU())
        self.answer = nn.Linear(64, 10)

    def forward(self, places, questions):
        query = self.hidden(self.words(questions).flatten(1)).relu()[:, None]
        sight = self.attention(query, LayerMemory(*self.attention.keys_values(places), None)) * self.sees
        return self.answer(self.head(torch.cat([query, sight], -1)[:, 0]))


def answer_loss(model, batch):
    return Loss(F.cross_entropy(model(batch.places, batch.questions), batch.labels, reduction="sum"), len(batch))


with torch.no_grad():
    seen_places = {"train": captioner.places(train_scenes), "test": captioner.places(test_scenes)}
questions = {"train": train_captions[:, 1:3], "test": test_captions[:, 1:3]}
truth = {"train": train_captions[:, 0], "test": test_captions[:, 0]}
accuracy = {}
for sees in (False, True):
    seed_everything(0)
    answerer = Answerer(sees=sees)
    columns = {"places": seen_places["train"], "questions": questions["train"], "labels": truth["train"]}
    taught(answerer, answer_loss, columns, epochs=3, rate=3e-3)
    with torch.no_grad():
        answers = answerer(seen_places["test"], questions["test"]).argmax(1)
    accuracy["picture and question" if sees else "question alone"] = (answers == truth["test"]).float().mean().item()
print({name: round(value, 3) for name, value in accuracy.items()})
assert accuracy["picture and question"] > accuracy["question alone"] + 0.3

# %% [markdown]
# To see what it attends to, we ask two questions about the same picture. Only the query differs.

# %%
figure, axes = plt.subplots(2, 4, figsize=(8, 4.4), layout="constrained")
for column_of_axes, i in zip(axes.T, torch.nonzero(answers == truth["test"]).flatten()[:4], strict=True):
    relation, known = questions["test"][i].tolist()
    title = f"what is {WORDS[relation]} {WORDS[known]}?\n{WORDS[answers[i]]}"
    draw(column_of_axes[0], test_scenes[i], title)
    with torch.no_grad():
        query = answerer.hidden(answerer.words(questions["test"][i : i + 1]).flatten(1)).relu()[:, None]
        memory = LayerMemory(*answerer.attention.keys_values(seen_places["test"][i : i + 1]), None)
        weights = answerer.attention.weights(query, memory)[0, :, 0].mean(0)
    column_of_axes[1].imshow(weights.reshape(7, 7), cmap="Oranges", vmin=0)
    column_of_axes[1].axis("off")
plt.show()

# %% [markdown]
# Larger models work in the same way: they have a deeper trunk and a Transformer instead of the recurrent layer, and are
# trained on millions of photographs with captions. Here are commands for other data, most of it photographs, each of
# which takes some minutes on two cores:
#
#     lingon train classify --data fashion-mnist --out runs/clothes
#     lingon train detect --data bccd --out runs/cells
#     lingon train caption --data scenes --out runs/captions
#
# ## Exercises
#
# Replace `...` with your code; `lingon learn check 16` checks all three in your copy.
#
# ### 16.1 The output size of a convolution
#
# A row of `size` pixels is padded with `padding` pixels on each side, and a filter of `filter_size` pixels slides over
# it in steps of `stride`, as long as it fits. How many outputs are there? (All are integers; the filter fits at least
# once.)


# %%
def output_size(size, filter_size, stride, padding):
    # your turn
    ...


# %%
attempt(output_size, "16")

# %% [markdown]
# ### 16.2 The receptive field
#
# `layers` is a list of (filter size, stride), first layer first. On how many pixels in a row can a single output of the
# last layer depend? This is its **receptive field**; padding does not count.


# %%
def receptive_field(layers):
    # your turn
    ...


# %%
attempt(receptive_field, "16")

# %% [markdown]
# ### 16.3 Intersection over union
#
# An object detector predicts boxes (left, top, right, bottom). Whether it has found an object is decided by the
# **intersection over union** of its box and the true one: the area that both share, divided by the area that at least
# one covers. It is 1 if they are equal and 0 if they share nothing. All boxes here have an area above zero.


# %%
def intersection_over_union(a, b):
    # your turn
    ...


# %%
attempt(intersection_over_union, "16")

# %% [markdown]
# ## What to read next
#
# - Yann LeCun and others, *Gradient-Based Learning Applied to Document Recognition*, 1998: convolutions that read.
# - Oriol Vinyals and others, *Show and Tell: A Neural Image Caption Generator*, 2015.
# - Kelvin Xu and others, *Show, Attend and Tell*, 2015: captioning with attention.
# - Stanislaw Antol and others, *VQA: Visual Question Answering*, 2015.
# - Kaiming He and others, *Deep Residual Learning for Image Recognition*, 2016.
