"""Words as pieces: the ids of the `tokenizers` library, one place for each word, windows over long sentences."""

from functools import cache

import numpy as np
import pytest
import tokenizers
import torch
from tokenizers import models, normalizers, pre_tokenizers, processors, trainers
from torch import nn

from lingon.core.errors import UserError
from lingon.data.batches import FirstPieces, TokenIds
from lingon.data.tokenizers import Tokenizer, characters, word_pieces
from lingon.models.word_encoder import encode_windows, encode_words

TEXTS = ["the small cat sat on the mats , and the smallest dogs sat too", "no cat is a dog , don't you think ?"] * 3
SENTENCES = [["The", "smallest", "cat", "sat", "there"], [], ["don't", "!", "Zoë's", "mats"], ["New York", "cat"]]
CLS, SEP = 2, 3


@cache  # training twice gives other ids
def library(kind):
    """A small tokenizer of a published kind, trained here, with special tokens around texts."""
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    if kind == "wordpiece":
        made = tokenizers.Tokenizer(models.WordPiece({}, unk_token="[UNK]"))
        made.normalizer, made.pre_tokenizer = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()
        trainer = trainers.WordPieceTrainer(vocab_size=60, special_tokens=special, show_progress=False)
    elif kind == "unigram":
        made = tokenizers.Tokenizer(models.Unigram())
        made.pre_tokenizer = pre_tokenizers.Metaspace()
        trainer = trainers.UnigramTrainer(vocab_size=60, special_tokens=special, unk_token="[UNK]", show_progress=False)
    else:
        made = tokenizers.Tokenizer(models.BPE())
        made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=kind == "bpe with blanks")
        trainer = trainers.BpeTrainer(
            vocab_size=300,
            special_tokens=special,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        )
    made.train_from_iterator(TEXTS, trainer)
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", CLS), ("[SEP]", SEP)]
    )
    return made


def first_of(word_ids):
    """The place of each word's first token."""
    return [word_ids.index(i) for i in range(1 + max((i for i in word_ids if i is not None), default=-1))]


@pytest.mark.parametrize("kind", ["wordpiece", "unigram", "bpe with blanks"])
def test_sentences_have_the_ids_that_the_library_gives_divided_words(kind):
    theirs = [library(kind).encode(words, is_pretokenized=True) for words in SENTENCES]
    found = word_pieces(Tokenizer(library(kind)), SENTENCES)
    assert found.ids == [encoding.ids for encoding in theirs]
    assert found.first == [first_of(encoding.word_ids) for encoding in theirs]
    assert max(map(len, found.first)) == 5
    assert len(found.ids[0]) > 7


def test_byte_level_tokenizers_see_a_blank_before_every_word():
    bare = word_pieces(Tokenizer(library("bpe")), SENTENCES)
    theirs = library("bpe with blanks")  # the same merges of the same words, but for the first word of a text
    bare_words = [[library("bpe").id_to_token(i) for i in row] for row in bare.ids]
    assert bare_words[0][1] == "Ġ"
    assert "Ġcat" in bare_words[0]
    assert [theirs.id_to_token(i) for i in theirs.encode(["cat"], is_pretokenized=True).ids][1] == "Ġcat"


def test_a_word_of_which_nothing_is_left_is_unknown():
    words = ["cat", "\u200d", "sat"]  # BERT's normalizer drops format characters
    found = word_pieces(Tokenizer(library("wordpiece")), [words])
    assert found.ids[0][2:3] == [1]
    assert len(found.first[0]) == 3
    assert len(set(found.first[0])) == 3


def test_a_special_token_in_a_sentence_is_text():
    found = word_pieces(Tokenizer(library("wordpiece")), [["[SEP]", "cat"]])
    assert found.ids[0].count(SEP) == 1


@pytest.mark.parametrize("max_length", [3, 5, 9, 11, 30])
def test_windows_overlap_and_each_word_is_in_the_one_that_shows_most_around_it(max_length):
    tokenizer = Tokenizer(library("wordpiece"))
    sentence = [word for text in TEXTS for word in text.split()]
    (whole,), (places,) = word_pieces(tokenizer, [sentence])
    (row,), (first,) = word_pieces(tokenizer, [sentence], max_length)
    windows = [row[i : i + max_length] for i in range(0, len(row), max_length)]
    assert all(w[0] == CLS and w[-1] == SEP and len(w) == max_length for w in windows[:-1])
    room, flat, start, starts = max_length - 2, whole[1:-1], 0, []
    for window in windows:  # every window goes on inside the one before it, or where that ends
        assert flat[start : start + len(window) - 2] == window[1:-1]
        starts.append(start)
        start += room - room // 4
    assert starts[-1] + len(windows[-1]) - 2 == len(flat)
    for place, there in zip(places, first, strict=True):
        k, at = divmod(there, max_length)
        assert starts[k] + at == place  # [CLS] stands before both
        around = [min(place - 1 - s, s + room - place) for s in starts]
        assert around[k] >= max(around) - 1 or k in (0, len(starts) - 1)  # at the ends there is no more to see


def test_tokenizers_without_special_tokens_and_sentences_that_are_texts():
    tokenizer = characters(TEXTS)
    found = word_pieces(tokenizer, [["cat", "a"], []])
    assert [tokenizer.decode(row) for row in found.ids] == [" cat a", ""]
    assert found.first == [[0, 4], []]
    with pytest.raises(UserError, match="a sentence is a list of words, not a text: 'a cat'"):
        word_pieces(tokenizer, ["a cat"])
    with pytest.raises(UserError, match="a word is a str, not a int: 7"):
        word_pieces(tokenizer, [["a", 7]])
    with pytest.raises(UserError, match="max_length is 2, which leaves no room"):
        word_pieces(Tokenizer(library("wordpiece")), [["a"]], 2)


def test_the_column_of_words_collates_places_and_a_mask():
    column = FirstPieces([[1, 3, 4], [], [2]])
    found = column.collate(np.array([2, 0, 1]))
    assert found["first"].tolist() == [[2, 0, 0], [1, 3, 4], [0, 0, 0]]
    assert found["words"].tolist() == [[True, False, False], [True, True, True], [False, False, False]]
    assert len(column) == 3
    assert column.checksum() != FirstPieces([[1, 3], [4], [2]]).checksum()


class Places(nn.Module):
    """Gives each token its id and its place in its row: shows which window a vector is of."""

    def __call__(self, ids, mask):
        assert ids.shape[1] <= 7
        assert mask.any(1).all()
        places = torch.arange(ids.shape[1]).expand_as(ids)
        return torch.stack([ids, places], -1).float() * mask[..., None]


def test_windows_are_encoded_each_by_itself():
    rows = [[11, 12, 13, 14, 15, 16, 17, 21, 22, 23, 24], [31, 32, 33]]
    batch = TokenIds(rows).collate(np.array([0, 1]))
    first = torch.tensor([[1, 6, 7, 10], [2, 0, 0, 0]])
    words, hidden = encode_words(Places(), batch["ids"], batch["mask"], first, window=7)
    assert words.tolist()[0] == [[12, 1], [17, 6], [21, 0], [24, 3]]
    assert words.tolist()[1][0] == [33, 2]
    assert hidden.shape == (2, 11, 2)
    assert hidden[1, 3:].abs().sum() == 0
    short = encode_windows(Places(), batch["ids"][1:, :3], batch["mask"][1:, :3], 7)
    assert torch.equal(short, hidden[1:, :3])
