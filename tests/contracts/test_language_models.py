"""What every language model keeps to. A new one joins with one row."""

import jaxtyping
import pytest
import torch
import torch.nn.functional as F

from lingon.core.errors import UserError
from lingon.core.tensors import load_tensors, save_tensors
from lingon.decoding.decoder_protocol import Decodable, DecoderState
from lingon.layers.packing import pack
from lingon.models.decoder import Decoder
from lingon.models.gpt import GPT
from lingon.models.registry import build, models_for
from lingon.tasks.language_model.decoder import CausalDecoder

V, BATCH, TIME, CONTEXT = 23, 5, 11, 17
DROPS = ("word_dropout", "input_dropout", "hidden_dropout", "output_dropout", "weight_dropout")
# name: (the model's name, its sizes)
MODELS = {
    "gpt": ("gpt", {"width": 28, "depth": 3, "heads": 7, "context_length": CONTEXT}),
    "gpt, untied, no bias": (
        "gpt",
        {"width": 21, "depth": 2, "heads": 3, "ffn_width": 13, "context_length": CONTEXT, "tied": False, "bias": False},
    ),
    "decoder": ("decoder", {"width": 24, "depth": 3, "heads": 6, "kv_heads": 2, "context_length": CONTEXT}),
    "decoder, one head of keys": (
        "decoder",
        {"width": 24, "depth": 2, "heads": 3, "kv_heads": 1, "context_length": CONTEXT},
    ),
    "decoder, windows": (
        "decoder",
        {"width": 24, "depth": 5, "heads": 6, "kv_heads": 3, "context_length": CONTEXT, "window": 3, "tied": False},
    ),
    "lstm": ("lstm", {"width": 19, "hidden": 29, "depth": 2, "dropout": 0.0}),
    "lstm, tied": ("lstm", {"width": 29, "hidden": 29, "depth": 1, "dropout": 0.0, "tied": True}),
    "awd_lstm": ("awd_lstm", {"width": 19, "hidden": 29, "depth": 3, **dict.fromkeys(DROPS, 0.0)}),
}
every = pytest.mark.parametrize("name", MODELS)
# Models with a limit to what they see, and those whose state can take tokens back.
LIMITED = [name for name, (kind, _) in MODELS.items() if kind in ("gpt", "decoder")]
REWINDING = LIMITED


def test_every_language_model_of_the_registry_is_tried_here():
    assert {kind for kind, _ in MODELS.values()} == set(models_for("causal"))


def made(name):
    torch.manual_seed(0)
    kind, sizes = MODELS[name]
    model = build(kind, {"vocab_size": V, **sizes}).eval()
    for p in model.parameters():
        torch.nn.init.normal_(p.data, std=0.3)
    return model


def texts(time=TIME, seed=1):
    return torch.randint(V, (BATCH, time), generator=torch.Generator().manual_seed(seed))


def close(ours, theirs):
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


@every
def test_shape_and_config(name):
    model = made(name)
    assert model(texts()).shape == (BATCH, TIME, V)
    hidden, state = model.hidden(texts())
    assert state.length == TIME
    close(model.head(hidden), model(texts()))
    close(model.head(hidden[:, -1]), model(texts())[:, -1])
    assert model.output.weight.shape == (V, hidden.shape[-1])
    again = build(MODELS[name][0], model.config())
    again.load_state_dict(model.state_dict())
    close(again.eval()(texts()), model(texts()))


@every
def test_no_peeking_at_the_future(name):
    """What is said after token 6 depends on the tokens 0 to 6, on each of them, and on none after."""
    model = made(name)
    reached = []
    for t in range(TIME):
        other = texts()
        other[:, t] = (other[:, t] + 1) % V
        reached.append(not torch.equal(model(other)[:, 6], model(texts())[:, 6]))
        torch.testing.assert_close(model(other)[:, :t], model(texts())[:, :t], rtol=0, atol=1e-6)
    assert reached == [t <= 6 for t in range(TIME)]


@every
@pytest.mark.parametrize("parts", [[TIME], [1] * TIME, [4, 1, 1, 5], [3, 8]])
@pytest.mark.parametrize("context", [None, CONTEXT])
def test_a_cached_step_equals_the_full_forward(name, parts, context):
    model, ids = made(name), texts()
    with torch.no_grad():
        state, found = model.new_state(BATCH, context), []
        for part in ids.split(parts, 1):
            hidden, state = model.hidden(part, state)
            found.append(hidden)
            assert state.length == sum(f.shape[1] for f in found)
    close(model.head(torch.cat(found, 1)), model(ids))


@every
def test_a_state_that_nobody_asked_for_serves_too(name):
    model, ids = made(name), texts()
    first, state = model.hidden(ids[:, :7])
    second, _ = model.hidden(ids[:, 7:], state)
    close(model.head(torch.cat([first, second], 1)), model(ids))


@every
def test_gradients_go_back_through_a_state(name):
    model, ids = made(name), texts()
    whole = torch.autograd.grad(model(ids).square().sum(), list(model.parameters()))
    first, state = model.hidden(ids[:, :4])
    second, _ = model.hidden(ids[:, 4:], state)
    logits = model.head(torch.cat([first, second], 1))
    for ours, theirs in zip(torch.autograd.grad(logits.square().sum(), list(model.parameters())), whole, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-2)


@every
@pytest.mark.parametrize("context", [None, CONTEXT])
def test_padding_does_not_leak(name, context):
    """Prompts of unequal length, padded on the left with anything, then three more tokens: as each text alone."""
    model, ids, lengths = made(name), texts(), [8, 1, 3, 8, 5]
    mask = torch.arange(8) >= 8 - torch.tensor(lengths)[:, None]
    for padding in (0, 19):
        with torch.no_grad():
            hidden, state = model.hidden(ids[:, :8].where(mask, padding), model.new_state(BATCH, context), mask)
            found = [hidden]
            for t in (8, 9, 10):
                hidden, state = model.hidden(ids[:, t : t + 1], state)
                found.append(hidden)
            logits = model.head(torch.cat(found, 1))
            for row, length in enumerate(lengths):
                close(logits[row, 8 - length :], model(ids[row : row + 1, 8 - length :])[0])


@every
def test_a_shared_beginning_is_read_once(name):
    """Two tokens read by one row, copied to all, then rests of unequal length: as each text alone."""
    model, ids, lengths = made(name), texts(), [5, 2, 1, 5, 4]
    ids[:, :2] = torch.tensor([3, 7])
    mask = torch.arange(5) >= 5 - torch.tensor(lengths)[:, None]
    with torch.no_grad():
        _, state = model.hidden(ids[:1, :2], model.new_state(1, CONTEXT))
        state = state.select(torch.zeros(BATCH, dtype=torch.long))
        rest = ids[:, 2:7].where(mask, 0)
        first, state = model.hidden(rest, state, mask)
        second, _ = model.hidden(ids[:, 7:9], state)
        for row, length in enumerate(lengths):
            alone = torch.cat([ids[row, :2], ids[row, 7 - length : 9]])[None]
            close(model.head(torch.cat([first, second], 1))[row, 5 - length :], model(alone)[0, 2:])


@every
def test_select_copies_and_orders(name):
    model, ids, rows = made(name), texts(), torch.tensor([3, 0, 0, 4, 3, 3, 1])
    with torch.no_grad():
        _, state = model.hidden(ids[:, :6], model.new_state(BATCH, CONTEXT))
        chosen = state.select(rows)
        other = texts(seed=2)[[0, 1, 2, 3, 4, 0, 1], :4]
        hidden, _ = model.hidden(other, chosen)
        whole = model(torch.cat([ids[rows, :6], other], 1))
        close(model.head(hidden), whole[:, 6:])
        hidden, _ = model.hidden(ids[:, 6:], state)  # what the copies read is not in the state they were taken from
        close(model.head(hidden), model(ids)[:, 6:])


@every
def test_a_language_model_is_decodable(name):
    """begin, step, select, rewind: a step gives the logits after the last token, of a model that is left as it is."""
    model, ids = made(name).train(), texts()
    decoder = CausalDecoder(model)
    assert isinstance(decoder, Decodable)
    with torch.no_grad():
        state = decoder.begin([None] * BATCH)
        assert isinstance(state, DecoderState)
        first, state = decoder.step(ids[:, :7], state)
        second, state = decoder.step(ids[:, 7:8], state.select(torch.arange(BATCH)).rewind(0))
        assert model.training
        model.eval()
        assert state.length == 8
        close(first, model(ids[:, :7])[:, -1])
        close(second, model(ids[:, :8])[:, -1])


@every
@pytest.mark.parametrize("context", [None, CONTEXT])
def test_joined_rows_go_on_as_they_would_alone(name, context):
    """Caches of 8 columns with padding, of 1, and of 5 with a row of none: joined, read on, selected, joined again."""
    model, ids = made(name), texts(CONTEXT)
    lengths = [3, 6, 1, 5, 2]
    mask = torch.arange(8) >= 8 - torch.tensor(lengths[:2])[:, None]
    with torch.no_grad():
        given = torch.stack([F.pad(ids[row, : lengths[row]], (8 - lengths[row], 0)) for row in (0, 1)])
        _, padded = model.hidden(given, model.new_state(2, context), mask)
        _, short = model.hidden(ids[2:3, :1], model.new_state(1, context))
        mask = torch.arange(5) >= 5 - torch.tensor(lengths[3:])[:, None]
        given = torch.stack([F.pad(ids[row, : lengths[row]], (5 - lengths[row], 0)) for row in (3, 4)])
        _, third = model.hidden(given, model.new_state(2, context), mask)
        state, at, rows = short.join([padded, third]), lengths[2:3] + lengths[:2] + lengths[3:], [2, 0, 1, 3, 4]

        def check(steps):
            nonlocal state
            for _ in range(steps):
                hidden, state = model.hidden(ids[rows, at][:, None], state)
                for place, row in enumerate(rows):
                    close(model.head(hidden[place, -1]), model(ids[row : row + 1, : at[place] + 1])[0, -1])
                    at[place] += 1

        check(4)
        state, rows, at[:] = state.select(torch.tensor([3, 0])), [3, 2], [at[3], at[0]]
        check(2)
        _, fresh = model.hidden(ids[4:5, :7], model.new_state(1, context))
        state, rows = state.join([fresh]), [*rows, 4]
        at.append(7)
        check(CONTEXT - max(at))  # to the end of the context of the row that came first
        assert max(at) == CONTEXT
    assert short.join([]) is short or short.join([]).length == short.length


@pytest.mark.parametrize("name", REWINDING)
def test_a_joined_cache_can_be_rewound_and_does_not_grow_for_ever(name):
    model, ids = made(name), texts()
    with torch.no_grad():
        _, state = model.hidden(ids[:1, :5], model.new_state(1, None))
        for row in range(1, BATCH):  # each enters when the one before has read five tokens, and then that one leaves
            _, fresh = model.hidden(ids[row : row + 1, :2], model.new_state(1, None))
            state = state.join([fresh])
            for t in (2, 3, 4):
                _, state = model.hidden(torch.stack([ids[row - 1, 5 + t], ids[row, t]])[:, None], state)
            state = state.select(torch.tensor([1]))
            assert state.length <= 5 + 3
        hidden, _ = model.hidden(ids[-1:, 3:6], state.rewind(2))
        close(model.head(hidden), model(ids[-1:, :6])[:, 3:])
        with pytest.raises(UserError, match="holds no token cannot be joined"):
            state.join([model.new_state(1, None)])


@pytest.mark.parametrize("name", REWINDING)
def test_rewind_forgets(name):
    model, ids = made(name), texts()
    padded = torch.arange(7) >= torch.tensor([[0], [3], [1], [0], [6]])
    for mask in (None, padded):
        with torch.no_grad():
            _, state = model.hidden(ids[:, :7], model.new_state(BATCH, CONTEXT), mask)
            _, ahead = model.hidden(texts(4, seed=2), state)
            back, straight = ahead.rewind(4), state
            assert back.length == 7
            after = model.hidden(ids[:, 7:], back)[0]
            close(after, model.hidden(ids[:, 7:], straight)[0])
    with pytest.raises(UserError, match="cannot go back 12 tokens: the state has read 11"):
        ahead.rewind(12)


@pytest.mark.parametrize("name", LIMITED)
def test_packed_texts_are_each_as_if_alone(name):
    """Hidden states and gradients: what one text says changes nothing of another."""
    model, ids = made(name).train(), texts()
    mask = torch.arange(TIME) < torch.tensor([4, TIME, 4, 1, 7])[:, None]
    packed = pack(mask)
    hidden = packed.put_back(model.packed(packed.take(ids), packed))
    grow = torch.randn(hidden.shape, generator=torch.Generator().manual_seed(2)) * mask[..., None]
    (hidden * grow).sum().backward()
    found = {key: p.grad.clone() for key, p in model.named_parameters() if p.grad is not None}
    model.zero_grad()
    alone = [model.hidden(row[None, : int(kept.sum())])[0][0] for row, kept in zip(ids, mask, strict=True)]
    torch.testing.assert_close(torch.cat(alone), hidden[mask], atol=1e-5, rtol=1e-5)
    sum((one * weights[: len(one)]).sum() for one, weights in zip(alone, grow, strict=True)).backward()
    for key, p in model.named_parameters():
        if p.grad is not None:
            torch.testing.assert_close(p.grad, found[key], atol=1e-4, rtol=1e-4)


@every
def test_a_row_is_the_same_alone(name):
    model, ids = made(name), texts()
    for row in range(BATCH):
        close(model(ids[row : row + 1])[0], model(ids)[row])


@every
def test_saved_equals_loaded(name, tmp_path):
    model, again = made(name), build(MODELS[name][0], {"vocab_size": V, **MODELS[name][1]}).eval()
    save_tensors(tmp_path / "m.safetensors", model.state_dict())
    again.load_state_dict(load_tensors(tmp_path / "m.safetensors", expect=again.state_dict()))
    assert torch.equal(again(texts()), model(texts()))


@every
def test_one_batch_can_be_overfitted(name):
    torch.manual_seed(0)
    model, ids = build(MODELS[name][0], {"vocab_size": V, **MODELS[name][1]}), texts()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    for _ in range(150):
        loss = F.cross_entropy(model(ids[:, :-1]).flatten(0, 1), ids[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    # The first token of a text may stand in several texts, so that what follows it cannot always be known.
    assert loss < 0.5


@every
def test_bfloat16_is_near(name):
    model = made(name)
    exact = model(texts())
    near = model.to(torch.bfloat16)(texts()).float()
    assert (near - exact).abs().mean() < 0.05 * exact.abs().max()


@pytest.mark.parametrize("name", LIMITED)
def test_what_is_longer_than_the_context_is_refused(name):
    model = made(name)
    model(texts(CONTEXT))
    with pytest.raises(UserError, match="18 tokens do not fit into a context of 17"):
        model(texts(CONTEXT + 1))
    with torch.no_grad():
        _, state = model.hidden(texts(5), model.new_state(BATCH, 7))
        with pytest.raises(UserError, match="8 tokens do not fit into a context of 7"):
            model.hidden(texts(3), state)


@pytest.mark.parametrize("name", LIMITED)
def test_no_tokens_unknown_ids_and_too_large_a_cache_are_refused(name):
    model = made(name)
    with pytest.raises(UserError, match="there are no tokens to read"):
        model(texts(0))
    with pytest.raises(UserError, match="id 23 is outside the model's vocabulary of 23"):
        model(torch.tensor([[0, V]]))
    with pytest.raises(RuntimeError, match=r"cache of 17 tokens for 1,000,000,000 texts takes .* lower the context"):
        model.new_state(10**9, CONTEXT)


@pytest.mark.parametrize("name", LIMITED)
def test_what_was_made_without_gradients_can_be_trained_with(name):
    model = made(name)
    with torch.inference_mode():
        model(texts())
    model.train()(texts()).sum().backward()


@pytest.mark.long
@every
def test_compiled_equals_eager(name):
    jaxtyping.config.update("jaxtyping_disable", True)
    torch._dynamo.reset()
    try:
        model = made(name)
        close(torch.compile(model)(texts()), model(texts()))
    finally:
        jaxtyping.config.update("jaxtyping_disable", False)


def test_heads_must_fit():
    with pytest.raises(UserError, match="width 28 cannot be divided into 5 heads"):
        GPT(V, 28, heads=5)
    with pytest.raises(UserError, match="4 heads cannot share 3 heads of keys"):
        build("decoder", {"vocab_size": V, "heads": 4, "kv_heads": 3})
    assert isinstance(build("decoder", {"vocab_size": V}), Decoder)
