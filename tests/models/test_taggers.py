"""Taggers: what every model with the role tagger keeps to, and what each is made of."""

import numpy as np
import pytest
import torch

from lingon.data.batches import FirstPieces, Padded, TokenIds, WordCharacters
from lingon.layers.packing import pack
from lingon.models.encoder_tagger import EncoderTagger, encoder_tagger
from lingon.models.registry import build, models_for

SIZES = {
    "encoder_tagger": {"width": 8, "heads": 2, "depth": 1, "context_length": 17, "max_length": 17, "dropout": 0.0},
    "bilstm_crf": {"width": 7, "hidden": 5, "char_width": 3, "channels": 5, "dropout": 0.0, "word_dropout": 0.0},
}
WORDS = [["the", "cat", "sat"], ["dogs"], ["a", "cat", "and", "dogs", "sat", "there", "."]]
IDS = [[2, 11, 12, 5, 13, 3], [2, 14, 3], [2, 6, 11, 7, 14, 5, 13, 8, 9, 3]]
FIRST = [[1, 3, 4], [1], [1, 2, 3, 4, 5, 7, 8]]
TAGS = [[1, 2, 0], [3], [0, 1, 2, 3, 4, 4, 1]]
K, C = 5, 3
every = pytest.mark.parametrize("name", models_for("tagger"))
with_crf = pytest.mark.parametrize("crf", [False, True])


def made(name, seed=1, **more):
    torch.manual_seed(seed)
    return build(name, {"vocab_size": 19, "tags": K, **SIZES[name], **more}).eval()


def columns(rows=(0, 1, 2)):
    """What the model reads of some of the sentences, and their tags."""
    which = [TokenIds(IDS), FirstPieces(FIRST), WordCharacters(WORDS), Padded("tags", TAGS)]
    found = {}
    for column in which:
        found |= column.collate(np.array(rows))
    return found, found.pop("tags")


def read(model, rows=(0, 1, 2)):
    batch, tags = columns(rows)
    if not hasattr(model, "characters"):
        del batch["characters"]
    return batch, tags


def test_every_tagger_is_tried_here():
    assert set(models_for("tagger")) == SIZES.keys()


@every
@with_crf
@torch.no_grad()
def test_a_batch_equals_its_sentences_one_by_one(name, crf):
    model = made(name, labels=C, crf=crf)
    batch, tags = read(model)
    found = model(**batch)
    assert found.tags.shape == (3, 7, K)
    assert found.labels.shape == (3, C)
    decoded = model.head.decode(found.tags, batch["words"])
    total, count = model.head.loss(found.tags, tags, batch["words"])
    assert int(count) == 11
    losses = 0.0
    for row, words in enumerate(WORDS):
        alone, own = read(model, (row,))
        single = model(**alone)
        torch.testing.assert_close(single.tags[0], found.tags[row, : len(words)])
        torch.testing.assert_close(single.labels[0], found.labels[row])
        assert torch.equal(model.head.decode(single.tags, alone["words"])[0], decoded[row, : len(words)])
        losses += float(model.head.loss(single.tags, own, alone["words"])[0])
    assert float(total) == pytest.approx(losses, rel=1e-5)


@every
@with_crf
def test_all_weights_get_a_finite_gradient_and_one_batch_is_learned(name, crf):
    model = made(name, crf=crf).train()
    batch, tags = read(model)
    optimizer = torch.optim.Adam(model.parameters(), 0.02)
    for step in range(120):
        optimizer.zero_grad()
        total, _ = model.head.loss(model(**batch).tags, tags, batch["words"])
        total.backward()
        if not step:
            missing = [key for key, p in model.named_parameters() if p.grad is None or not p.grad.isfinite().all()]
            assert not missing
        optimizer.step()
    with torch.no_grad():
        found = model.eval().head.decode(model(**batch).tags, batch["words"])
    assert torch.equal(found[batch["words"]], tags[batch["words"]])


@every
def test_what_is_built_of_a_configuration_has_the_same_scores(name):
    model = made(name, labels=C, crf=True)
    again = build(name, model.config())
    again.load_state_dict(model.state_dict())
    batch, _ = read(model)
    with torch.no_grad():
        first, second = model(**batch), again.eval()(**batch)
    assert again.config() == model.config()
    torch.testing.assert_close(first.tags, second.tags)
    torch.testing.assert_close(first.labels, second.labels)


def test_a_word_has_the_score_of_its_first_piece():
    model = made("encoder_tagger", labels=C)
    batch, _ = read(model)
    with torch.no_grad():
        hidden = model.encoder(batch["ids"], batch["mask"])
        found = model(**batch)
        for row, places in enumerate(FIRST):
            for word, place in enumerate(places):
                torch.testing.assert_close(found.tags[row, word], model.head.output(hidden[row, place]))
            mean = hidden[row, : len(IDS[row])].mean(0)
            torch.testing.assert_close(found.labels[row], model.label_output(mean))


def test_the_tokens_of_a_batch_are_computed_without_padding(monkeypatch):
    model = made("encoder_tagger")
    seen = []
    run = model.encoder._run
    monkeypatch.setattr(model.encoder, "_run", lambda ids, *rest: seen.append(ids.shape) or run(ids, *rest))
    batch, _ = read(model)
    model(**batch)
    assert seen == [(1, sum(map(len, IDS)))]
    assert pack(batch["mask"]).lengths == (3, 6, 10)


def test_a_long_sentence_is_read_in_windows():
    """Of windows that do not overlap each word has the scores that its window alone gives."""
    encoder = made("encoder_tagger").encoder
    model = EncoderTagger(encoder, K, max_length=5).eval()
    long, first = [[2, 11, 12, 13, 3, 2, 14, 15, 3]], torch.tensor([[1, 3, 6, 7]])
    ids = torch.tensor(long)
    with torch.no_grad():
        found = model(ids, torch.ones_like(ids).bool(), first, torch.ones(1, 4).bool()).tags
        a, b = (encoder(x, torch.ones_like(x).bool()) for x in (ids[:, :5], ids[:, 5:]))
    whole = torch.stack([a[0, 1], a[0, 3], b[0, 1], b[0, 2]])
    torch.testing.assert_close(found[0], model.head.output(whole))


def test_an_unknown_word_is_told_by_its_characters():
    model = made("bilstm_crf")
    (batch, _), (other, _) = read(model), read(model)
    other["characters"] = other["characters"].clone()
    other["characters"][0, 0, 0] += 1
    with torch.no_grad():
        assert not torch.equal(model(**batch).tags[0], model(**other).tags[0])
        assert torch.equal(model(**batch).tags[2], model(**other).tags[2])


def test_words_become_unknown_while_training_alone():
    model = made("bilstm_crf", word_dropout=0.5)
    ids = torch.full((40, 25), 7)
    assert torch.equal(model._some_unknown(ids), ids)
    found = model.train()._some_unknown(ids)
    assert set(found.unique().tolist()) == {1, 7}
    assert 0.4 < (found == 1).float().mean() < 0.6


@with_crf
def test_an_unknown_tag_counts_for_nothing(crf):
    """Without a CRF it is its word that does not count, with one its sentence."""
    model = made("encoder_tagger", crf=crf)
    batch, tags = read(model)
    scores = model(**batch).tags
    changed = tags.clone()
    changed[0, 1] = K
    total, count = model.head.loss(scores, changed, batch["words"])
    kept = batch["words"].clone()
    kept[0, 1 if not crf else slice(None)] = False
    if crf:
        expected = float(model.head.crf(scores.detach(), tags, batch["words"])[1:].sum().detach())
    else:
        expected = -float(scores.detach().log_softmax(-1).gather(2, tags[..., None])[..., 0][kept].sum())
    assert int(count) == int(kept.sum())
    assert total.item() == pytest.approx(expected, rel=1e-5)


def test_capitals_are_told_by_characters_where_the_encoder_does_not_see_them():
    torch.manual_seed(0)
    model = encoder_tagger(20, 3, width=8, depth=1, heads=2, channels=32).eval()
    ids, mask = torch.tensor([[3, 4, 5]]), torch.ones(1, 3, dtype=torch.bool)
    first, words = torch.tensor([[1, 2]]), torch.ones(1, 2, dtype=torch.bool)
    scores = [
        model(ids, mask, first, words, WordCharacters([pair]).collate(np.array([0]))["characters"]).tags
        for pair in (["Paris", "is"], ["paris", "is"])
    ]
    assert not torch.allclose(scores[0][0, 0], scores[1][0, 0])
    torch.testing.assert_close(scores[0][0, 1], scores[1][0, 1])  # a word is read by itself
    plain = encoder_tagger(20, 3, width=8, depth=1, heads=2)
    assert (plain.characters, plain.config()["channels"], model.config()["channels"]) == (None, 0, 32)
