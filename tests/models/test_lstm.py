"""LSTM language models: cells by hand, states that carry, dropout that stays the same over time."""

import pytest
import torch

from lingon.core.errors import UserError
from lingon.layers.dropout import LockedDropout, embedding_dropout
from lingon.models.awd_lstm import AWDLSTM
from lingon.models.lstm import LSTM

V, B, T = 13, 3, 7
MODELS = {
    "plain": lambda: LSTM(V, 5, 11, 2),
    "tied": lambda: LSTM(V, 5, 5, 3, tied=True),
    "awd": lambda: AWDLSTM(V, 5, 11, 3),
}


@pytest.fixture(params=MODELS)
def model(request):
    torch.manual_seed(0)
    return MODELS[request.param]().eval()


def test_the_equations(model):
    """Hochreiter and Schmidhuber's cell with forget gates, written out for one text."""
    ids = torch.randint(0, V, (1, T))
    xs = [model.embedding.weight[i] for i in ids[0]]
    for lstm in model.layers:
        h, c, out = torch.zeros(lstm.hidden_size), torch.zeros(lstm.hidden_size), []
        for x in xs:
            gates = lstm.weight_ih_l0 @ x + lstm.bias_ih_l0 + lstm.weight_hh_l0 @ h + lstm.bias_hh_l0
            i, f, g, o = gates.chunk(4)
            c = f.sigmoid() * c + i.sigmoid() * g.tanh()
            h = o.sigmoid() * c.tanh()
            out.append(h)
        xs = out
    expected = torch.stack(xs) @ model.output.weight.T + model.output.bias
    torch.testing.assert_close(model(ids)[0], expected)


def test_states_carry_on(model):
    ids = torch.randint(0, V, (B, T))
    whole, end = model.hidden(ids)
    first, state = model.hidden(ids[:, :3])
    second, state = model.hidden(ids[:, 3:], state)
    torch.testing.assert_close(torch.cat([first, second], 1), whole)
    assert state.length == end.length == T
    chosen = state.select(torch.tensor([2, 0, 2]))
    torch.testing.assert_close(
        model.hidden(ids[[2, 0, 2], :1], chosen)[0], model.hidden(ids[:, :1][[2, 0, 2]], chosen)[0]
    )
    with pytest.raises(UserError, match="cannot undo tokens"):
        state.rewind(1)


def test_no_peeking_at_the_future(model):
    ids = torch.randint(0, V, (B, T))
    changed = ids.clone()
    changed[:, 4:] = (changed[:, 4:] + 1) % V
    assert torch.equal(model(ids)[:, :4], model(changed)[:, :4])


def test_padding_on_the_left_changes_nothing(model):
    ids, lengths = torch.randint(0, V, (4, T)), [7, 2, 5, 2]
    mask = torch.arange(T) >= T - torch.tensor(lengths)[:, None]
    found, state = model.hidden(ids, None, mask)
    for i, n in enumerate(lengths):
        alone, own = model.hidden(ids[i : i + 1, -n:])
        torch.testing.assert_close(found[i, -n:], alone[0])
        for (h, c), (a, b) in zip(state.layers, own.layers, strict=True):
            torch.testing.assert_close((h[i], c[i]), (a[0], b[0]))


def test_one_batch_can_be_learned(model):
    model.train()
    ids = torch.randint(0, V, (B, T + 1))
    optimizer = torch.optim.Adam(model.parameters(), 0.02)
    losses = []
    for _ in range(150):
        logits = model(ids[:, :-1])
        losses.append(torch.nn.functional.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten()))
        optimizer.zero_grad()
        losses[-1].backward()
        optimizer.step()
    assert losses[-1] < losses[0] * 0.9


def test_tied_weights_are_one():
    model = LSTM(V, 5, 5, tied=True)
    assert model.output.weight is model.embedding.weight
    with pytest.raises(UserError, match="tied weights need one width"):
        LSTM(V, 5, 7, tied=True)


def test_the_penalty_counts_once_and_in_training_only():
    model = AWDLSTM(V, 5, 11, 2)
    assert model.eval()(torch.zeros(B, T, dtype=torch.long)) is not None
    assert model.penalty() == 0
    model.train()(torch.zeros(B, T, dtype=torch.long))
    assert model.penalty() > 0
    assert model.penalty() == 0


def test_locked_dropout_is_the_same_at_all_times_and_keeps_the_mean():
    torch.manual_seed(0)
    out = LockedDropout(0.3).train()(torch.ones(5, 400, 11))
    assert torch.equal(out[0], out[4])
    assert abs(out.mean() - 1) < 0.05
    dropped = embedding_dropout(torch.ones(1000, 3), 0.3, training=True)
    assert torch.equal(dropped, dropped[:, :1].expand(-1, 3))
    assert abs(dropped.mean() - 1) < 0.1
