"""BPE dropout beside the `tokenizers` library: no dropout, all of it, and how often each cut comes; as a column."""

import json
from collections import Counter
from random import Random

import numpy as np
import pytest
import tokenizers

from lingon.core.errors import UserError
from lingon.data.batches import ByPairLength, Loader, TokenIds
from lingon.data.tokenizers import bpe, unigram
from lingon.data.tokenizers.bpe_dropout import BPEDropout
from lingon.tasks.translate.subword_dropout import SubwordDropout
from lingon.tasks.translate.vocabularies import END, with_end

TEXTS = ["the weather is lower, the lowest of all", "lower weathers whether the Löwe rests 12 times"] * 3
TOKENIZER = with_end(bpe(TEXTS, 320))


def test_without_dropout_it_is_the_library_and_with_all_of_it_bytes():
    for text in [*TEXTS[:2], "", " two  spaces\n", "🦁 日本 never seen"]:
        assert BPEDropout(TOKENIZER, 0.0).encode(text, Random(1)) == TOKENIZER.encode(text)
        cut = BPEDropout(TOKENIZER, 1.0).encode(text, Random(1))
        assert len(cut) == len(text.encode()) + 1
        assert cut[-1] == TOKENIZER.vocab[END]
        half = BPEDropout(TOKENIZER, 0.5).encode(text, Random(1))
        assert TOKENIZER.without_special_tokens().decode(half[:-1]) == text


def test_each_cut_comes_as_often_as_from_the_library():
    content = json.loads(TOKENIZER.library.to_str())
    content["model"]["dropout"] = 0.3
    library, ours = tokenizers.Tokenizer.from_str(json.dumps(content)), BPEDropout(TOKENIZER, 0.3)
    rng, count = Random(5), 4_000
    mine = Counter(tuple(ours.encode(" lower", rng)) for _ in range(count))
    theirs = Counter(tuple(library.encode(" lower").ids) for _ in range(count))
    assert len(mine) > 5
    for cut in mine | theirs:
        share = (mine[cut] + theirs[cut]) / (2 * count)
        spread = (2 * share * (1 - share) / count) ** 0.5
        assert abs(mine[cut] - theirs[cut]) / count < 5 * spread


def test_a_column_is_cut_anew_in_each_epoch_and_the_same_again():
    def loader(seed=3, longest=None):
        plain = TokenIds(TOKENIZER.encode_batch(TEXTS), prefix="source_")
        column = SubwordDropout(TOKENIZER, TEXTS, plain, longest, 0.5, seed)
        return Loader({"sources": column}, ByPairLength(plain.lengths(), plain.lengths(), max_tokens=1_000))

    epochs = lambda batches: [[b.source_ids[b.source_mask].tolist() for b in batches] for _ in range(3)]
    first = epochs(loader())
    assert first == epochs(loader())
    assert first[0] != first[1] != first[2]
    assert first != epochs(loader(seed=4))
    again = loader()
    again.set_epoch(2)
    assert [b.source_ids[b.source_mask].tolist() for b in again] == first[2]
    usual = sorted(map(len, TOKENIZER.encode_batch(TEXTS)))
    (batch,) = loader(longest=max(usual))
    assert sorted(batch.source_mask.sum(1).tolist()) == usual  # what is cut into more keeps its pieces
    assert len(np.unique(batch.index)) == len(TEXTS)


def test_what_has_no_merges_is_refused():
    with pytest.raises(UserError, match="leaves out merges of a BPE tokenizer; this one is of type Unigram"):
        BPEDropout(unigram(TEXTS, 300), 0.1)
    with pytest.raises(UserError, match="dropout is 2"):
        BPEDropout(TOKENIZER, 2)
