"""Pairs of texts, equal to a BERT tokenizer of the `tokenizers` library, and the padding that is the tokenizer's."""

import itertools

import pytest
import tokenizers
import torch
from tokenizers import decoders, models, normalizers, pre_tokenizers, processors

from lingon.core.errors import UserError
from lingon.data.batches.by_length import text_batches
from lingon.data.examples import Examples
from lingon.data.tokenizers import Tokenizer, words
from lingon.data.tokenizers.pairs import longest_first
from lingon.tasks.classify import Classifier
from lingon.tasks.classify.prepare import model_of
from lingon.tasks.classify.settings import Settings

PIECES = ["[UNK]", "[CLS]", "[SEP]", "the", "film", "was", "good", "bad", "##ly", "a", "##s", "[PAD]", "not", ",", "."]
TEXTS = ["The films was badly good.", "A film", "", "unheard [SEP] of", "good " * 11]


@pytest.fixture
def bert(tmp_path):
    """As BertWordPieceTokenizer puts it together; its padding is not id 0."""
    library = tokenizers.Tokenizer(models.WordPiece({p: i for i, p in enumerate(PIECES)}, unk_token="[UNK]"))
    library.add_special_tokens(["[UNK]", "[CLS]", "[SEP]", "[PAD]"])
    library.normalizer, library.pre_tokenizer = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()
    library.decoder = decoders.WordPiece()
    library.post_processor = processors.BertProcessing(("[SEP]", 2), ("[CLS]", 1))
    library.save(str(tmp_path / "tokenizer.json"))
    return tmp_path / "tokenizer.json"


def test_pairs_are_those_of_a_bert_tokenizer(bert):
    tokenizer, theirs = Tokenizer.load(bert), tokenizers.Tokenizer.from_file(str(bert))
    theirs.encode_special_tokens = True  # what is typed is text
    pairs = [*itertools.product(TEXTS, TEXTS)]
    for most in (None, 3, 5, 7, 8, 13):
        if most:
            theirs.enable_truncation(most)
        wanted = [(e.ids, e.type_ids) for e in theirs.encode_batch(pairs)]
        assert tokenizer.encode_pairs(pairs, most) == wanted
    assert tokenizer.encode_pair("a film", "not good") == ([1, 9, 4, 2, 12, 6, 2], [0, 0, 0, 0, 1, 1, 1])


@pytest.mark.parametrize("processor", [
    None,
    processors.ByteLevel(),
    processors.RobertaProcessing(("[SEP]", 2), ("[CLS]", 1)),
    processors.TemplateProcessing(single="[CLS] $A", pair="[CLS] $A $B:3", special_tokens=[("[CLS]", 1)]),
    processors.Sequence([processors.ByteLevel(), processors.BertProcessing(("[SEP]", 2), ("[CLS]", 1))]),
])  # fmt: skip
def test_pairs_are_those_of_every_post_processor(bert, processor):
    library = tokenizers.Tokenizer.from_file(str(bert))
    library.post_processor = processor
    tokenizer = Tokenizer(tokenizers.Tokenizer.from_str(library.to_str()))
    library.encode_special_tokens = True
    pairs = [*itertools.product(TEXTS, TEXTS)]
    assert tokenizer.encode_pairs(pairs) == [(e.ids, e.type_ids) for e in library.encode_batch(pairs)]


def test_the_longer_text_is_cut_first_and_then_both():
    """One token at a time from the longer text is how the rule is told; the closed form must end the same."""
    for first, second, room in itertools.product(range(13), range(13), range(17)):
        a, b = first, second
        while a + b > room:
            a, b = (a - 1, b) if a > b or (a == b and first <= second) else (a, b - 1)
        assert longest_first(first, second, room) == (a, b)


def test_padding_is_the_tokenizers_own(bert):
    tokenizer = Tokenizer.load(bert)
    assert tokenizer.pad_id == PIECES.index("[PAD]")
    assert words(["a film"]).pad_id == 0
    assert tokenizer.decode([4, 11, 11]) == "film"
    (batch,) = text_batches(tokenizer.encode_batch(["a film", ""]), pad=tokenizer.pad_id)
    assert sorted(batch.ids.tolist()) == [[1, 2, 11, 11], [1, 9, 4, 2]]


@pytest.mark.parametrize("most", [2, 3, 5, 7, 13])
def test_a_text_that_is_cut_keeps_its_special_tokens_as_in_the_library(bert, most):
    tokenizer, theirs = Tokenizer.load(bert), tokenizers.Tokenizer.from_file(str(bert))
    theirs.encode_special_tokens = True
    theirs.enable_truncation(most)
    wanted = theirs.encode_batch(TEXTS)
    found = tokenizer.truncate(TEXTS, tokenizer.encode_batch(TEXTS), most)
    assert found == [e.ids for e in wanted]
    assert all((row[0], row[-1]) == (1, 2) for row in found)
    assert [len(tokenizer.offsets(text, most)) for text in TEXTS] == [*map(len, found)]
    plain = words(TEXTS)  # without a template nothing but the text is there to be cut
    assert plain.truncate(TEXTS, plain.encode_batch(TEXTS), most) == [plain.encode(text)[:most] for text in TEXTS]


def test_a_length_without_room_for_the_special_tokens_is_refused(bert):
    tokenizer = Tokenizer.load(bert)
    with pytest.raises(UserError, match="max_length is 1, a text has 2 special tokens; give 4 or more"):
        tokenizer.truncate(["good"], tokenizer.encode_batch(["good"]), 1)


@pytest.mark.parametrize("name", ["bag", "textcnn", "bilstm", "self_attentive"])
def test_a_classifier_takes_its_padding_from_the_tokenizer(bert, name):
    """Padded as the tokenizer pads; each text alone gives the same, and a cut text ends in [SEP]."""
    tokenizer = Tokenizer.load(bert)
    pad = PIECES.index("[PAD]")
    torch.manual_seed(1)
    model = model_of(Settings(model=name, width=7), tokenizer, 2, Examples(TEXTS, ["1"] * len(TEXTS))).eval()
    assert [row for row in range(len(PIECES)) if not model.embedding.weight[row].any()] == [pad]
    held = Classifier(model, tokenizer, ["-1", "1"], max_length=5)
    assert all(ids[-1] == 2 and len(ids) <= 5 for ids in held.encode(TEXTS))
    alone = torch.cat([held.logits([text]) for text in TEXTS])
    torch.testing.assert_close(held.logits(TEXTS), alone, rtol=1e-5, atol=1e-6)
