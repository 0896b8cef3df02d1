"""The recurrent encoder-decoder against plain loops, copying of unknown words, and tasks that it learns."""

import pytest
import torch
import torch.nn.functional as F

from lingon.core.errors import UserError
from lingon.data.tokenizers.extended_vocab import extend_source, extend_target
from lingon.decoding.prefill import read
from lingon.models.attention_rnn import AttentionRNN
from lingon.tasks.translate.decoder import source_decoder
from tests.models.plain_attention_rnn import probabilities
from tests.models.seq2seq_toys import exact_match, train

V = 11
VARIANTS = {
    "multiplicative LSTM": {},
    "dot, two layers": {"score": "dot", "depth": 2, "tied": False},
    "additive GRU": {"score": "additive", "cell": "gru", "depth": 2},
    "without input feeding": {"score": "additive", "input_feeding": False, "source_vocab_size": 13},
    "copying": {"copy": True, "extended_vocab": 3},
}


def made(**named) -> AttentionRNN:
    torch.manual_seed(0)
    model = AttentionRNN(V, **({"width": 5, "hidden": 6, "context_length": 17} | named)).eval()
    for p in model.parameters():
        torch.nn.init.normal_(p.data, std=0.7)
    return model


@pytest.mark.parametrize("name", VARIANTS)
def test_probabilities_and_attention_are_those_of_plain_loops(name):
    model = made(**VARIANTS[name])
    beyond = [V + 1, V + 2, V + 1] if model.extended_ids else [5]
    source, target = [4, 9, *beyond, 9], [1, 7, *beyond, 2]
    ids, given = torch.tensor([source]), torch.tensor([target])
    with torch.no_grad():
        expected, maps = probabilities(model, source, target)
        found = model.head(model(ids, torch.ones_like(ids, dtype=torch.bool), given)).softmax(-1)
    assert found.shape == (1, len(target), V + model.extended_ids)
    torch.testing.assert_close(found[0], expected, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(model.cross_attention(ids, given)[0, 0], maps, rtol=1e-5, atol=1e-6)


def test_an_unknown_word_is_copied_by_whoever_points_at_it():
    """With a switch that always points, and beams that share a source, the unknown words of each source are said."""
    model = made(copy=True, extended_vocab=3)
    torch.nn.init.constant_(model.output.switch.bias, -1e4)
    (ann, other), names = zip(
        *(extend_source(words, [3, 7, 3], 3, V, 3) for words in (["A", "b", "C"], ["D", "b", "D"])), strict=True
    )
    assert names == (["A", "C"], ["D"])
    with torch.no_grad():
        logits, state = read(source_decoder(model), [(1,), (1,), (1, V)], [tuple(ann), tuple(other), tuple(ann)])
        _, again = source_decoder(model).step(torch.tensor([[4]] * 4), state.select(torch.tensor([0, 0, 1, 2])))
    shares = logits.exp()
    for row, source in enumerate((ann, other, ann)):
        torch.testing.assert_close(shares[row, sorted(set(source))].sum(), torch.tensor(1.0))
    assert again.rows.count == 2  # sources, of four rows
    assert shares[0, V + 1] > 0.01 > shares[1, V + 1]  # the second source has one unknown word only


def test_copied_words_are_learned_though_no_vocabulary_has_them():
    """A target is the two unknown words of its source, the other way round."""
    torch.manual_seed(0)
    model = AttentionRNN(V, width=16, hidden=16, copy=True, extended_vocab=2, dropout=0.0, context_length=8)
    optimizer, random = torch.optim.Adam(model.parameters(), 1e-2), torch.Generator().manual_seed(0)
    for _ in range(50):
        known = torch.randint(4, V, (16, 2), generator=random)
        unknown = torch.tensor([[V, V + 1]]).expand(16, 2)
        source, target = torch.cat([unknown[:, :1], known, unknown[:, 1:]], 1), F.pad(unknown.flip(1), (0, 1), value=2)
        hidden = model(source, source >= 0, F.pad(target, (1, 0), value=1)[:, :-1])
        loss = F.nll_loss(model.head(hidden).flatten(0, 1), target.flatten())
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    assert loss.item() < 0.1


def test_unknown_words_of_a_target_have_the_ids_of_its_source():
    words, ids = ["x", "big", "y", "x", "z"], [3, 5, 3, 3, 3]
    extended, unknown = extend_source(words, ids, 3, V, 2)
    assert (extended, unknown) == ([V, 5, V + 1, V, 3], ["x", "y"])
    assert extend_target(["y", "big", "z", "w"], [3, 5, 3, 3], 3, V, unknown) == [V + 1, 5, 3, 3]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"hidden": 7}, "hidden is 7, it must be even"),
        ({"copy": True, "source_vocab_size": 13}, "copying needs one vocabulary"),
        ({"extended_vocab": 2}, "extended_vocab is 2, but unknown words are only copied"),
    ],
)
def test_options_that_do_not_fit_are_refused(options, message):
    with pytest.raises(UserError, match=message):
        made(**options)


def test_ids_beyond_all_words_are_refused():
    with pytest.raises(UserError, match=f"id {V + 3} is outside"):
        made(copy=True, extended_vocab=3).encode(torch.tensor([[4, V + 3]]))


def test_a_small_model_learns_to_reverse():
    torch.manual_seed(0)
    sizes = {"longest": 3, "letters": 4}
    model = AttentionRNN(7, width=16, hidden=32, dropout=0.0, context_length=12)
    assert exact_match(train(model, "reverse", 120, 2e-2, **sizes), "reverse", **sizes) > 0.95


@pytest.mark.long
@pytest.mark.parametrize("task", ["reverse", "copy"])
@pytest.mark.parametrize("options", [{}, {"cell": "gru", "score": "additive"}], ids=["luong", "bahdanau"])
def test_reverse_and_copy_are_learned_in_5000_steps(task, options):
    torch.manual_seed(0)
    model = AttentionRNN(20, width=32, hidden=64, dropout=0.0, context_length=16, **options)
    assert exact_match(train(model, task, 3000, 5e-3), task) >= 0.99
