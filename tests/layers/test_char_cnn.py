"""The character CNN and its columns equal loops over letters."""

import numpy as np
import torch

from lingon.data.batches import WordCharacters
from lingon.layers.char_cnn import CharCNN

WORDS = [["The", "x", "mañana"], [], ["a-very-long-word-of-more-than-so-many-letters"]]


def bytes_of(word):
    return [byte + 1 for byte in word.encode()]


def test_words_become_their_bytes():
    found = WordCharacters(WORDS, most=11).collate(np.array([2, 0]))["characters"]
    assert found.shape == (2, 3, 11)
    assert found[1, 0].tolist() == bytes_of("The") + [0] * 8
    assert found[1, 2].tolist() == bytes_of("mañana") + [0] * 4
    assert found[0, 0].tolist() == bytes_of("a-ver") + bytes_of("etters")  # the beginning and the end
    assert not found[0, 1:].any()
    short = WordCharacters(WORDS).collate(np.array([0]))["characters"]
    assert short.shape == (1, 3, 7)  # no more columns than the longest word needs
    assert WordCharacters(WORDS).checksum() != WordCharacters([["The"], [], ["x"]]).checksum()


def test_each_filter_gives_its_maximum_over_the_word():
    torch.manual_seed(3)
    layer = CharCNN(width=5, channels=7, kernel=3, dropout=0.0)
    characters = WordCharacters(WORDS).collate(np.array([0, 1]))["characters"]
    found = layer(characters)
    assert found.shape == (2, 3, 7)
    weight, bias = layer.conv.weight, layer.conv.bias
    for w, word in enumerate(WORDS[0]):
        vectors = layer.embedding.weight[bytes_of(word)]
        around = torch.cat([torch.zeros(1, 5), vectors, torch.zeros(1, 5)])
        each = [torch.einsum("kd,cdk->c", around[i : i + 3], weight) + bias for i in range(len(vectors))]
        torch.testing.assert_close(found[0, w], torch.stack(each).amax(0))
    assert not found[1].any()  # no word, no vector
    found.sum().backward()
    assert not layer.embedding.weight.grad[0].any()
