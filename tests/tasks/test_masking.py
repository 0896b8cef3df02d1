"""Masking by counts: 15 % are hidden, of which 80, 10 and 10 % become [MASK], another token, themselves."""

import pytest
import torch

from lingon.core.errors import UserError
from lingon.layers.losses import IGNORED
from lingon.tasks.masked_language_model.masking import Masking, continuing

TOKENS = ["[PAD]", "[CLS]", "[SEP]", "[MASK]", *(f"w{i}" for i in range(40)), *(f"##p{i}" for i in range(20))]
SPECIAL = torch.tensor([token.startswith("[") for token in TOKENS])
CONTINUES = continuing(TOKENS)
PAD, CLS, SEP, MASK = range(4)
FIRST_PIECE = TOKENS.index("##p0")


def batch(rows=400, columns=50):
    """Words of one to four pieces between [CLS] and [SEP], then padding."""
    draw = torch.Generator().manual_seed(0)
    ids = torch.full((rows, columns), PAD)
    for row in ids:
        length, at = int(torch.randint(20, columns - 1, (1,), generator=draw)), 1
        row[0] = CLS
        while at < length:
            row[at] = 4 + int(torch.randint(40, (1,), generator=draw))
            pieces = int(torch.randint(4, (1,), generator=draw))
            end = min(at + 1 + pieces, length)
            row[at + 1 : end] = FIRST_PIECE + torch.randint(20, (end - at - 1,), generator=draw)
            at = end
        row[length] = SEP
    return ids


IDS = batch()
REAL = ~SPECIAL[IDS]


def masked(**more):
    return Masking(MASK, SPECIAL, **more)(IDS, torch.Generator().manual_seed(1))


def near(found, wanted, trials):
    """Within five standard deviations of a binomial count."""
    assert abs(float(found) - wanted) < 5 * (wanted * (1 - wanted) / trials) ** 0.5


@pytest.mark.parametrize("continues", [None, CONTINUES], ids=["tokens", "words"])
def test_the_counts_are_those_of_the_paper(continues):
    ids, targets = masked(continues=continues)
    hidden = targets != IGNORED
    # Words of up to four pieces are hidden together: their number, not that of tokens, is what varies.
    near(hidden.sum() / REAL.sum(), 0.15, int(REAL.sum()) / (4 if continues is not None else 1))
    assert not (hidden & ~REAL).any()
    assert torch.equal(targets[hidden], IDS[hidden])
    assert torch.equal(ids[~hidden], IDS[~hidden])
    count = int(hidden.sum())
    became = ids[hidden]
    near((became == MASK).sum() / count, 0.8, count)
    changed = (became != MASK) & (became != IDS[hidden])
    near(changed.sum() / count, 0.1 * 59 / 60, count)  # one in sixty draws gives the token itself
    assert not SPECIAL[became[changed]].any()
    assert len(became[changed].unique()) > 50  # from all of the vocabulary


def test_a_word_is_hidden_as_a_whole():
    hidden = masked(continues=CONTINUES).targets != IGNORED
    words = (REAL & ~CONTINUES[IDS]).cumsum(1)
    split = whole = 0
    for row, of_row, real in zip(hidden, words, REAL, strict=True):
        for word in of_row[real].unique():
            pieces = row[real & (of_row == word)]
            split += bool(pieces.any()) and not bool(pieces.all())
            whole += bool(pieces.all()) and len(pieces) > 1
    assert (split, whole > 100) == (0, True)
    alone = masked().targets != IGNORED
    assert any(
        bool(alone[0][(words[0] == w) & REAL[0]].any()) != bool(alone[0][(words[0] == w) & REAL[0]].all())
        for w in words[0].unique()
    )


def test_each_batch_is_hidden_anew_and_a_seed_gives_the_same():
    masking = Masking(MASK, SPECIAL, CONTINUES)
    torch.manual_seed(3)
    first, second = masking(IDS), masking(IDS)
    assert not torch.equal(first.targets, second.targets)
    torch.manual_seed(3)
    assert torch.equal(masking(IDS).ids, first.ids)


def test_a_piece_after_a_special_token_begins_a_word():
    ids = torch.tensor([[CLS, FIRST_PIECE, FIRST_PIECE + 1, SEP, FIRST_PIECE, 5]] * 2000)
    hidden = Masking(MASK, SPECIAL, CONTINUES)(ids, torch.Generator().manual_seed(1)).targets != IGNORED
    assert torch.equal(hidden[:, 1], hidden[:, 2])
    assert not torch.equal(hidden[:, 1], hidden[:, 4])
    near(hidden[:, 1].float().mean(), 0.15, 2000)


def test_what_cannot_be_hidden_is_refused():
    with pytest.raises(UserError, match="masking rate is 1, expected a fraction"):
        Masking(MASK, SPECIAL, rate=1)
    with pytest.raises(UserError, match="every token of the vocabulary is special"):
        Masking(MASK, torch.ones(5, dtype=torch.bool))
    assert continuing(["a", "##b", "##"]).tolist() == [False, True, False]
