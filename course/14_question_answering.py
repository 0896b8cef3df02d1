# %% [markdown]
# # 14. Question answering
#
# **Where in a text is the answer to a question, and how does a model notice that there is none?**
#
# A search engine finds passages (lesson 12), but somebody still has to read them. In **extractive** question answering
# the model reads them: the answer is a contiguous part of the passage, a *span*, and the model predicts its first and
# its last token. This is less than generating an answer, but it has an advantage: every answer can be found and
# verified in the text.
#
# You need: contextual representations (lesson 12). It takes about a minute.

# %%
import copy
import re
import string
from collections import Counter

import matplotlib.pyplot as plt
import numpy as np
import torch

import lingon
from lingon.core.seed import seed_everything
from lingon.data.load_questions import load_question_splits, load_questions
from lingon.data.questions import Answer, Question
from lingon.engine.fit import TrainConfig, fit
from lingon.engine.optimizers import adamw
from lingon.engine.schedule import linear, warmup
from lingon.kernels.allocator import keep_freed_memory
from lingon.layers.attention import Attention
from lingon.learn import attempt
from lingon.learn.pictures import words_in_colour
from lingon.metrics.exact_match import answer_scores, exact_match, token_f1
from lingon.metrics.ranking import binary_auc
from lingon.models.encoder_answerer import EncoderAnswerer
from lingon.tasks.answer import Answerer
from lingon.tasks.answer.objective import logits_of, span_loss
from lingon.tasks.answer.spans import WindowLogits, span_scores
from lingon.tasks.answer.windows import make_windows

# %% [markdown]
# ## Questions with answers
#
# All such data sets follow SQuAD (Rajpurkar and others, 2016): people read a passage of an encyclopedia, wrote
# questions, and marked the answers. We train on *SQuADShifts* (Miller and others, 2020), which did the same with other
# texts, and test on the English part of *XQuAD* (Artetxe and others, 2020), whose passages are from SQuAD.

# %%
train, held_out = load_question_splits("squadshifts").train, load_questions("xquad")
one = held_out[0]
answer = one.answers[0]
print(f"{len(train):,} training questions, {len(held_out):,} test questions")
print(one.context[: answer.start] + "[[" + answer.text + "]]" + one.context[answer.end :])
print(f"\n{one.question}  {answer.text}")

encoder = lingon.load("minilm-l6")
tokenizer = encoder.tokenizer
passages = list(dict.fromkeys(question.context for question in held_out))
lengths = [len(ids) for ids in tokenizer.encode_batch(passages)]
answers = [len(answer.text.split()) for question in held_out for answer in question.answers]
figure, axes = plt.subplots(1, 2, figsize=(9, 2.8), layout="constrained")
axes[0].hist(lengths, bins=25)
axes[0].axvline(encoder.model.context_length, color="black", linestyle="--", linewidth=0.8)
axes[0].set(xlabel="tokens", ylabel="passages", title="How long are the passages? (line: MiniLM's maximum)")
axes[1].hist(np.minimum(answers, 15), bins=np.arange(0.5, 16.5))
axes[1].set(xlabel="words (last bar: or more)", ylabel="answers", title="How long are the answers?")
plt.show()
assert np.median(answers) <= 3

# %% [markdown]
# ## Exact match and F1
#
# Different people mark different spans: *the Broncos*, *Broncos*, *Denver Broncos*. Two scores are common. **Exact
# match** is 1 if the texts are equal, ignoring case, punctuation and articles. **F1** compares the words: it is the
# harmonic mean of precision (the fraction of the predicted words that are right) and recall (the fraction of the right
# words that were predicted), which equals twice the number of shared words divided by the total number of words in
# both. If several people answered, the best score counts.


# %%
def plain(text):
    text = "".join(letter for letter in text.lower() if letter not in string.punctuation)
    return re.sub(r"\b(a|an|the)\b", " ", text).split()


def f1(said, truth):
    ours, theirs = plain(said), plain(truth)
    shared = sum((Counter(ours) & Counter(theirs)).values())
    return 2 * shared / (len(ours) + len(theirs)) if ours and theirs else float(ours == theirs)


texts = [question.answers[0].text for question in held_out[:400]]
pairs = [(said, truth) for truth in texts[:40] for said in (*texts[:20], f"In {truth}", truth.upper(), "the", "")]
assert np.allclose([f1(*pair) for pair in pairs], [token_f1(*pair) for pair in pairs])
assert np.allclose([plain(a) == plain(b) for a, b in pairs], [exact_match(*pair) for pair in pairs])
for said in ("the Denver Broncos", "Broncos", "Carolina Panthers"):
    print(f"{said!r} for 'Denver Broncos': F1 {f1(said, 'Denver Broncos'):.2f}")

# %% [markdown]
# ## A baseline: word overlap
#
# How good is a method that only compares words? The words of the question occur near the answer, but not in it. So of
# all spans of a few words that contain no word of the question, take the one whose neighbouring words include the most
# words of the question. A model must beat this before we can say that it understands anything.
#
# So that two cores can do it in a minute, all methods get only the sentence that contains the answer instead of the
# whole passage, and we use only questions with a short sentence. (For whole passages there is a command, below.)


# %%
def sentence_of(one, longest=200):
    """A question with only the sentence that contains its first answer; None if that sentence is too long."""
    answer = one.answers[0]
    for found in re.finditer(r"\S.*?(?:[.!?][\"')\]]*(?=\s)|$)", one.context, re.DOTALL):
        if found.start() <= answer.start and answer.end <= found.end() <= found.start() + longest:
            inside = [a for a in one.answers if found.start() <= a.start and a.end <= found.end()]
            moved = tuple(Answer(a.text, a.start - found.start()) for a in inside)
            return Question(one.id, found[0], one.question, moved)
    return None


def short(questions, count):
    """`count` random questions with a sentence instead of their passage."""
    order = np.random.default_rng(0).permutation(len(questions)).tolist()
    found = (sentence_of(questions[i]) for i in order)
    return [one for one, _ in zip((one for one in found if one), range(count), strict=False)]


def guess(question, sentence, longest=4):
    """The span whose neighbours share the most words with the question; of equal ones the longest."""
    asked, said = set(plain(question)), sentence.split()
    known = [bool(set(plain(word)) & asked) for word in said]
    spans = [(i, j) for i in range(len(said)) for j in range(i + 1, i + 1 + longest) if not any(known[i:j])]
    near = lambda i, j: sum(known[max(0, i - 5) : i]) + sum(known[j : j + 5])
    i, j = max(((i, j) for i, j in spans if j <= len(said)), key=lambda s: (near(*s), s[1] - s[0]), default=(0, 1))
    return " ".join(said[i:j])


learned, tested = short(train, 1000), short(held_out, 200)
golds = [one.texts for one in tested]
scores = {"word overlap": answer_scores([guess(one.question, one.context) for one in tested], golds)}
print({name: round(value, 3) for name, value in scores["word overlap"].items()})
for one in tested[:3]:
    print(f"{one.question}\n   {one.context}\n   guessed: {guess(one.question, one.context)!r}, is: {one.texts[0]!r}")

# %% [markdown]
# ## Two numbers for each token
#
# Question and passage go into the encoder as one text, `[CLS] question [SEP] passage [SEP]`, so that the vector of each
# position of the passage depends on the question. The head is one linear layer with two outputs per token: the logit
# that the answer begins here, and the logit that it ends here. The score of a span is the sum of two logits. A valid
# span must not end before it begins, and must not be too long.


# %%
def best_span(starts, ends, longest):
    """The first and the last token of the span with the highest score, and the score."""
    scores = starts[:, None] + ends[None, :]
    length = torch.arange(len(ends))[None, :] - torch.arange(len(starts))[:, None] + 1
    scores = scores.masked_fill((length < 1) | (length > longest), -torch.inf)
    first, last = divmod(int(scores.argmax()), len(ends))
    return first, last, scores[first, last].item()


seed_everything(0)
for longest in (1, 3, 30):
    for _ in range(50):
        starts, ends = torch.randn(2, 17)
        (theirs,) = span_scores([WindowLogits(0, starts.numpy(), ends.numpy(), 0.0)], 17, longest).best(1)
        ours = best_span(starts, ends, longest)
        assert ours[:2] == (theirs.first, theirs.last)
        assert np.allclose(ours[2], theirs.score)
print("equal to lingon.tasks.answer.spans")

# %% [markdown]
# The loss is that of two classifications in which the tokens are the classes: which token is the first, and which is
# the last? Only the tokens of the passage and `[CLS]` are included; we will come back to `[CLS]`.


# %%
def our_loss(logits, passage, starts, ends):
    """logits [B, T, 2], passage [B, 2] (first and last position), starts and ends [B] -> the sum over the rows."""
    total = 0.0
    for row, (begin, end), first, last in zip(logits, passage, starts, ends, strict=True):
        able = torch.full((len(row), 1), -torch.inf)
        able[[0, *range(begin, end)]] = 0.0
        chances = (row + able).log_softmax(0)
        total -= (chances[first, 0] + chances[last, 1]) / 2
    return total


def with_head(dropout=0.1):
    """MiniLM with two outputs for each token."""
    seed_everything(0)
    made = EncoderAnswerer(copy.deepcopy(encoder.model), dropout)
    for part in made.modules():
        if isinstance(part, Attention):
            part.dropout = 0.0  # see lesson 12
    made.encoder.embedding.requires_grad_(False)
    return made


answerer = Answerer(with_head().eval(), tokenizer, max_length=128, doc_stride=32)
batch = next(iter(answerer.encoded([one for one in learned if len(one.answers) == 1][:8]).loader(0, {})))
with torch.no_grad():
    raw = answerer.model(batch.ids, batch.mask, batch.token_types)
    ours = our_loss(raw, batch.passage.tolist(), batch.starts[:, 0].tolist(), batch.ends[:, 0].tolist())
    assert torch.allclose(ours, span_loss(logits_of(answerer.model, batch), batch).total, rtol=1e-4)
print("equal to lingon.tasks.answer.objective:", tokenizer.decode(batch.ids[0].tolist()))

# %% [markdown]
# ## Training
#
# The training data need one more thing: not every passage contains an answer. SQuAD 2.0 (2018) introduced such
# questions. So every fifth question gets a sentence from another question, and there the correct prediction is `[CLS]`.


# %%
def estranged(questions, every):
    """The same questions; one in `every` gets the sentence of another question, and no answer."""
    other = questions[len(questions) // 2 :] + questions[: len(questions) // 2]
    return [
        Question(one.id, there.context, one.question) if i % every == 0 else one
        for i, (one, there) in enumerate(zip(questions, other, strict=True))
    ]


keep_freed_memory()
batches = answerer.encoded(estranged(learned, 5)).loader(tokenizer.pad_id, {"batch_size": 16, "seed": 0})
config = TrainConfig(epochs=1, schedule=warmup(6, linear(len(batches) - 6)), max_grad_norm=1.0, log_every=1)
rows = fit(answerer.model.train(), batches, answerer.loss, adamw(answerer.model, 3e-4), config=config).rows
answerer.model.eval()
losses = torch.tensor([row["loss"] for row in rows if "loss" in row])

found = answerer.predict([(one.question, one.context) for one in tested])
scores["MiniLM, a minute"] = answer_scores([one.answer for one in found], golds)
for name, values in scores.items():
    print(f"{name:18} exact match {values['exact_match']:.3f}   F1 {values['f1']:.3f}")
for one in found[:4]:
    print(one)
assert scores["MiniLM, a minute"]["f1"] > scores["word overlap"]["f1"] + 0.05

figure, axes = plt.subplots(1, 2, figsize=(10, 3), layout="constrained")
axes[0].plot(losses.unfold(0, 8, 1).mean(1))
axes[0].set(xlabel="step", ylabel="nats", title="The loss of the first and last token")
for i, name in enumerate(("exact_match", "f1")):
    axes[1].bar(np.arange(2) + 0.37 * (i - 0.5), [values[name] for values in scores.values()], 0.35, label=name)
axes[1].set_xticks(range(2), list(scores))
axes[1].set(ylim=(0, 1), title="200 questions of XQuAD, each on one sentence")
axes[1].legend()
plt.show()

# %% [markdown]
# Below are the model's predictions for one question: the probability that the answer begins and ends at each token, and
# the scores of all spans. A span to the left of the diagonal would end before it begins.

# %%
which = int(np.argmax([one.probability for one in found]))
shown = answerer.encoded(tested[which : which + 1])
window = shown.windows.rows[0]
logits = answerer.any_logits(shown)[0][0][window.begin : window.begin + window.tokens]
tokens = [tokenizer.vocab.token(i) for i in window.ids[window.begin : window.begin + window.tokens]]
print(tested[which].question, "->", found[which].answer)
figure, axis = plt.subplots(figsize=(6.5, 6), layout="constrained")
table = (logits[:, :1] + logits[None, :, 1]).masked_fill(~torch.ones(len(tokens), len(tokens)).bool().triu(), torch.nan)
image = axis.imshow(table, cmap="Oranges")
axis.set_xticks(range(len(tokens)), tokens, rotation=90, fontsize=7)
axis.set_yticks(range(len(tokens)), tokens, fontsize=7)
axis.set(xlabel="last token", ylabel="first token", title="Scores of all spans")
figure.colorbar(image, ax=axis, shrink=0.7)
plt.show()
figure, axes = plt.subplots(2, 1, figsize=(11, 1.8), layout="constrained")
for axis, values, title in zip(axes, logits.softmax(0).T.tolist(), ("it begins here", "it ends here"), strict=True):
    words_in_colour(axis, tokens, values, colours="Oranges", low=0)
    axis.set_title(title, loc="left", fontsize=10)
plt.show()

# %% [markdown]
# ## Questions without an answer
#
# `[CLS]` stands for *no answer*. Its score minus that of the best span says how confident the model is that there is
# none. How large must this difference be? Choose a threshold on questions that were not used for training, according to
# the costs of the two kinds of errors (exercise 14.3). Here are the differences for the test questions, with their own
# sentences and with sentences of other questions.

# %%
strange = answerer.predict([(one.question, one.context) for one in estranged(tested, 1)])
differences = [one.no_answer for one in found], [one.no_answer for one in strange]
separated = binary_auc(torch.tensor([*differences[0], *differences[1]]), torch.arange(2 * len(found)) >= len(found))
figure, axis = plt.subplots(figsize=(7, 2.8), layout="constrained")
for values, name in zip(differences, ("with an answer", "without an answer"), strict=True):
    axis.hist(values, bins=30, alpha=0.6, label=name)
axis.set(xlabel="score of no answer minus that of the best span", ylabel="questions", title=f"AUC {separated:.3f}")
axis.legend()
plt.show()
assert separated > 0.8

# %% [markdown]
# A sentence of another question is an easy case, because it is about something else. A hard case is a passage on the
# same topic that does not answer the question, and models often fail on these.
#
# ## Long passages
#
# An encoder can read a few hundred tokens. A longer passage is split into overlapping **windows**, so that an answer at
# a border is complete in one of them. Each window is preceded by the question. The answer is the best span of all
# windows; the prediction is *no answer* only if no window contains one.


# %%
def windows_of(count, room, overlap):
    """First token and number of tokens of each window of a passage with `count` tokens."""
    found = [(0, min(count, room))]
    while found[-1][0] + room < count:
        first = found[-1][0] + room - overlap
        found.append((first, min(count - first, room)))
    return found


long = max(held_out, key=lambda one: len(one.context))
cut = make_windows(tokenizer, [(long.question, long.context)], max_length=96, doc_stride=32).rows
room, count = cut[0].tokens, len(tokenizer.without_special_tokens().encode(long.context))
assert windows_of(count, room, 32) == [(window.first, window.tokens) for window in cut]
figure, axis = plt.subplots(figsize=(10, 2.4), layout="constrained")
for i, (first, tokens) in enumerate(windows_of(count, room, 32)):
    axis.barh(-i, tokens, left=first, height=0.7)
offsets = tokenizer.without_special_tokens().offsets(long.context)
place = next(i for i, (start, end) in enumerate(offsets) if end > long.answers[0].start)
axis.axvline(place, color="black", linestyle="--", linewidth=0.9)
axis.set(xlabel="token of the passage (line: where the answer begins)", yticks=[], title=f"{len(cut)} windows")
plt.show()
print(f"{long.question}  {long.texts[0]!r}")

# %% [markdown]
# To do all of this on whole passages and all questions, use these commands; an epoch takes some minutes on two cores:
#
#     lingon train answer --data squadshifts --test xquad --from minilm-l6 --out runs/answer
#     lingon ask runs/answer --context notes.txt "who has the key?"
#
# ## Exercises
#
# Replace `...` with your code; `lingon learn check 14` checks all three in your copy.
#
# ### 14.1 Non-overlapping answers
#
# The best spans are often nearly the same: *Denver Broncos*, *the Denver Broncos*, *Broncos*. `spans` is a list of
# (first token, last token, score). Return a list of at most `count` of them, highest score first, of which no two share
# a token: go through the spans by descending score, and take each one that shares no token with those taken before. If
# scores are equal, the one that comes first in `spans` goes first.


# %%
def apart(spans, count):
    # your turn
    ...


# %%
attempt(apart, "14")

# %% [markdown]
# ### 14.2 How many windows?
#
# A passage has `tokens` tokens (1 or more), a window has room for `room` of them, and each window begins with the last
# `overlap` tokens of the previous one (fewer than `room`). The last window ends where the passage ends. How many
# windows are there?


# %%
def windows_needed(tokens, room, overlap):
    # your turn
    ...


# %%
attempt(windows_needed, "14")

# %% [markdown]
# ### 14.3 A threshold for no answer
#
# For a list of questions, `differences` says how much higher the score of no answer is than that of the best span,
# `values` is the value of the best span (its F1; 0 if there is no answer), and `empty` says whether there is no answer.
# If the difference is *larger than* a threshold, the prediction is *no answer*, which is worth 1 if there is no answer
# and 0 if there is one; otherwise the prediction is the best span, worth its value. Return a threshold for which the
# sum over all questions is as large as possible.


# %%
def threshold_of(differences, values, empty):
    # your turn
    ...


# %%
attempt(threshold_of, "14")

# %% [markdown]
# ## What to read next
#
# - Pranav Rajpurkar and others, *SQuAD: 100,000+ Questions for Machine Comprehension of Text*, 2016.
# - Pranav Rajpurkar, Robin Jia, Percy Liang, *Know What You Don't Know: Unanswerable Questions for SQuAD*, 2018.
# - Robin Jia and Percy Liang, *Adversarial Examples for Evaluating Reading Comprehension Systems*, 2017.
# - Danqi Chen and others, *Reading Wikipedia to Answer Open-Domain Questions*, 2017: search combined with reading.
