"""Kim's four variants: what the word vectors start as, and which of them learn."""

import dataclasses

import pytest
import torch
import torch.nn.functional as F

from lingon.data.batches import collate
from lingon.data.tokenizers import words
from lingon.models.textcnn import TextCNN
from lingon.tasks.classify.prepare import attach_vectors
from lingon.tasks.classify.settings import Settings
from lingon.word_vectors.files.text_format import read_vectors

WIDTH = 5
VECTORS = {"good": [1, 2, 3, 4, 5], "film": [6, 7, 8, 9, 10]}
BATCH = collate([[2, 3, 4], [3, 2], [4]], [0, 1, 1])
VARIANTS = {  # name: (has vectors, freezes them, multichannel)
    "rand": (False, False, False),
    "static": (True, True, False),
    "non-static": (True, False, False),
    "multichannel": (True, False, True),
}
every = pytest.mark.parametrize("name", VARIANTS)


@pytest.fixture
def tokenizer():
    return words(["good film zzz"] * 3)


@pytest.fixture
def make(tmp_path, tokenizer):
    """The variant of that name, its vectors attached as a recipe does it."""
    file = tmp_path / "vectors.txt"
    file.write_text("".join(f"{token} {' '.join(map(str, numbers))}\n" for token, numbers in VECTORS.items()))

    def make(name):
        attached, freeze, multichannel = VARIANTS[name]
        torch.manual_seed(0)
        model = TextCNN(len(tokenizer.vocab), 2, WIDTH, (1, 2), 7, dropout=0.0, multichannel=multichannel)
        if attached:
            settings = dataclasses.replace(Settings(model="textcnn"), vectors=str(file), freeze=freeze)
            assert attach_vectors(model, tokenizer, settings, read_vectors) == 2 / 5  # two of pad, unk and three words
        return model

    return make


def tables(model):
    return [e.weight.detach().clone() for e in (model.embedding, model.frozen) if e is not None]


@every
def test_what_the_vectors_start_as(make, tokenizer, name):
    for table in tables(make(name)):
        assert not table[0].any()  # padding
        assert table[tokenizer.vocab["zzz"]].any()  # a word without a vector keeps its random start
        for token, numbers in VECTORS.items():
            assert (table[tokenizer.vocab[token]].tolist() == numbers) == VARIANTS[name][0]


def test_both_channels_start_the_same(make):
    assert torch.equal(*tables(make("multichannel")))
    fresh = TextCNN(11, 2, WIDTH, multichannel=True)
    assert torch.equal(fresh.embedding.weight, fresh.frozen.weight)


@every
def test_which_vectors_learn(make, name):
    model = make(name)
    before = tables(model)
    optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        F.cross_entropy(model(BATCH.ids, BATCH.mask), BATCH.labels).backward()
        optimizer.step()
    after = tables(model)
    learnt = [not torch.equal(a, b) for a, b in zip(before, after, strict=True)]
    assert learnt == {"rand": [True], "static": [False], "non-static": [True], "multichannel": [True, False]}[name]


def test_a_filter_reads_both_channels(make):
    """By torch's convolution over each channel, the scores added before ReLU (Kim 2014, section 2.1)."""
    model = make("multichannel").eval()
    torch.nn.init.normal_(model.embedding.weight.data)
    text, found = torch.tensor([[2, 3, 4, 3]]), []
    for layer in model.convs:
        score = sum(
            F.conv1d(e.weight[text].transpose(1, 2), layer.conv.weight) for e in (model.embedding, model.frozen)
        )
        found.append((score + layer.conv.bias[:, None]).relu().amax(2))
    torch.testing.assert_close(model.features(text, text > 0), torch.cat(found, 1), rtol=1e-5, atol=1e-5)


def test_a_copy_of_nothing_is_nothing():
    model = TextCNN(11, 2, WIDTH)
    model.freeze_copy()
    assert model.frozen is None
