"""BidirectionalLayers layers against torch's own bidirectional LSTM over packed texts."""

import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from lingon.layers.recurrent import BidirectionalLayers, reverse_padded


def twin(layers, width, hidden, depth):
    """torch's own, with our weights."""
    theirs = torch.nn.LSTM(width, hidden, depth, batch_first=True, bidirectional=True)
    state = {}
    for i, (ahead, back) in enumerate(zip(layers.forwards, layers.backwards, strict=True)):
        state |= {key.replace("l0", f"l{i}"): p for key, p in ahead.state_dict().items()}
        state |= {key.replace("l0", f"l{i}_reverse"): p for key, p in back.state_dict().items()}
    theirs.load_state_dict(state)
    return theirs


def test_the_same_as_torchs_packed_lstm_with_gradients():
    torch.manual_seed(0)
    lengths = torch.tensor([5, 11, 1, 7])
    layers = BidirectionalLayers(3, 7, depth=2)
    theirs, mask = twin(layers, 3, 7, 2), torch.arange(11) < lengths[:, None]
    x = torch.randn(4, 11, 3, requires_grad=True)
    packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
    out, (last, _) = theirs(packed)
    out = pad_packed_sequence(out, batch_first=True)[0]
    states, ends = layers(x, mask)
    torch.testing.assert_close(states, out, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(ends, torch.cat([last[-2], last[-1]], 1), rtol=1e-5, atol=1e-6)
    aim = torch.randn_like(states)
    ours = torch.autograd.grad((states * aim).sum(), [x, *layers.forwards[0].parameters()])
    same = [getattr(theirs, f"{kind}_l0") for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]
    torch.testing.assert_close(ours, torch.autograd.grad((out * aim).sum(), [x, *same]), rtol=1e-4, atol=1e-5)


def test_reversed_is_the_text_backwards_and_its_padding_in_place():
    x = torch.tensor([[1, 4], [2, 5], [3, 0], [9, 0]]).float()[..., None]  # T=4, two texts
    assert reverse_padded(x, torch.tensor([3, 2]))[..., 0].T.tolist() == [[3, 2, 1, 9], [5, 4, 0, 0]]
    lengths = torch.tensor([3, 0])
    assert torch.equal(reverse_padded(reverse_padded(x, lengths), lengths), x)


def test_the_forget_gate_starts_open():
    layer = BidirectionalLayers(3, 5, depth=2)
    for lstm in [*layer.forwards, *layer.backwards]:
        assert lstm.bias_hh_l0[5:10].tolist() == [1] * 5
        assert (lstm.bias_hh_l0[:5].abs() < 1).all()
