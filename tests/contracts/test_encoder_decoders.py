"""What every encoder-decoder keeps to. A new one joins with one row."""

import itertools

import pytest
import torch
import torch.nn.functional as F

from lingon.core.errors import UserError
from lingon.decoding.beam import beam_search
from lingon.decoding.beam_params import BeamParams
from lingon.decoding.decoder_protocol import Decodable, DecoderState, start_sequences
from lingon.decoding.prefill import read
from lingon.models.encoder_decoder import EncoderDecoder
from lingon.models.registry import build, models_for
from lingon.tasks.translate.decoder import source_decoder

V, BATCH, SOURCE, TIME = 23, 5, 7, 11
LIMITS = {"context_length": 17, "source_length": 13}
SIZES = {"width": 12, "depth": 2, "heads": 3, "ffn_width": 19, "dropout": 0.0, **LIMITS}
RECURRENT = {"width": 10, "hidden": 14, "dropout": 0.0, **LIMITS}
# name: (the model's name, its sizes)
MODELS = {
    "transformer": ("transformer", SIZES),
    "transformer, post-norm": ("transformer", {**SIZES, "pre_norm": False, "decoder_depth": 1}),
    "transformer, two vocabularies": ("transformer", {**SIZES, "source_vocab_size": 29, "tied": False}),
    "attention_rnn": ("attention_rnn", RECURRENT),
    "attention_rnn, additive GRU without feeding": (
        "attention_rnn",
        {**RECURRENT, "cell": "gru", "score": "additive", "input_feeding": False, "source_vocab_size": 29},
    ),
    "attention_rnn, two layers, dot": ("attention_rnn", {**RECURRENT, "score": "dot", "depth": 2, "tied": False}),
    "attention_rnn, copying": ("attention_rnn", {**RECURRENT, "copy": True, "score": "additive"}),
}
every = pytest.mark.parametrize("name", MODELS)
REWINDING = [name for name, (kind, _) in MODELS.items() if kind == "transformer"]
LENGTHS = [7, 2, 1, 7, 4]  # of the sources
MASK = torch.arange(SOURCE) < torch.tensor(LENGTHS)[:, None]


def test_every_encoder_decoder_of_the_registry_is_tried_here():
    assert {kind for kind, _ in MODELS.values()} == set(models_for("seq2seq"))


def made(name, vocab_size=V, seed=0, std=0.4):
    torch.manual_seed(seed)
    kind, sizes = MODELS[name]
    model = build(kind, {"vocab_size": vocab_size, **sizes}).eval()
    for p in model.parameters():
        torch.nn.init.normal_(p.data, std=std)
    return model


def ids(time, seed=1, rows=BATCH):
    return torch.randint(3, V, (rows, time), generator=torch.Generator().manual_seed(seed))


def sources():
    return ids(SOURCE).where(MASK, 0)


def said(model, *pair):
    """The logits after each token of whole targets."""
    return model.head(model(*pair))


def close(ours, theirs):
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


def state_of(model, source=None, mask=MASK):
    return model.new_state(model.encode(sources() if source is None else source, mask))


@every
def test_shape_and_config(name):
    model, target = made(name), ids(TIME, 2)
    assert isinstance(model, EncoderDecoder)
    hidden = model(sources(), MASK, target)
    assert model.head(hidden).shape == (BATCH, TIME, V)
    close(model.head(hidden[:, -1]), model.head(hidden)[:, -1])
    again = build(MODELS[name][0], model.config())
    again.load_state_dict(model.state_dict())
    close(again.eval()(sources(), MASK, target), hidden)


@every
def test_no_peeking_at_the_future(name):
    """What is said after token 6 depends on the tokens 0 to 6 of the target, on each of them, and on none after."""
    model, target, reached = made(name), ids(TIME, 2), []
    found = said(model, sources(), MASK, target)
    for t in range(TIME):
        other = target.clone()
        other[:, t] = (other[:, t] + 1) % V
        changed = said(model, sources(), MASK, other)
        reached.append(not torch.equal(changed[:, 6], found[:, 6]))
        torch.testing.assert_close(changed[:, :t], found[:, :t], rtol=0, atol=1e-6)
    assert reached == [t <= 6 for t in range(TIME)]


@every
def test_every_token_of_the_source_counts_and_padding_does_not(name):
    model, target = made(name), ids(TIME, 2)
    found = said(model, sources(), MASK, target)
    for s in range(SOURCE):
        other = sources()
        other[:, s] = (other[:, s] + 1) % V
        changed = (said(model, other, MASK, target) - found).abs().amax((1, 2))
        assert ((changed > 1e-6) == MASK[:, s]).all()


@every
def test_a_batch_is_its_rows_one_by_one(name):
    """Padding never changes a result: each source alone, without any, and with more of it."""
    model, target = made(name), ids(TIME, 2)
    together = said(model, sources(), MASK, target)
    close(said(model, F.pad(sources(), (0, 3), value=5), F.pad(MASK, (0, 3)), target), together)
    for row, length in enumerate(LENGTHS):
        one = slice(row, row + 1)
        close(said(model, sources()[one, :length], MASK[one, :length], target[one]), together[one])
        assert model.encode(sources()[one, :length]).mask.all()


@every
@pytest.mark.parametrize("parts", [[TIME], [1] * TIME, [4, 1, 1, 5]], ids=["at once", "one by one", "in parts"])
def test_a_cached_step_equals_the_full_forward(name, parts):
    model, target = made(name), ids(TIME, 2)
    with torch.no_grad():
        state, found = state_of(model), []
        assert isinstance(state, DecoderState)
        assert state.length == 0
        for part in target.split(parts, 1):
            hidden, state = model.hidden(part, state)
            found.append(model.head(hidden))
        assert state.length == TIME
        close(torch.cat(found, 1), said(model, sources(), MASK, target))


@every
def test_padding_of_prompts_does_not_leak(name):
    """Beginnings of targets of unequal length, padded on the left with anything, then two more tokens."""
    model, target, lengths = made(name), ids(TIME, 2), [8, 1, 3, 8, 5]
    mask = torch.arange(8) >= 8 - torch.tensor(lengths)[:, None]
    with torch.no_grad():
        for padding in (0, 19):
            hidden, state = model.hidden(target[:, :8].where(mask, padding), state_of(model), mask)
            found = [model.head(hidden)]
            for t in (8, 9):
                hidden, state = model.hidden(target[:, t : t + 1], state)
                found.append(model.head(hidden))
            for row, length in enumerate(lengths):
                one = slice(row, row + 1)
                alone = said(model, sources()[one], MASK[one], target[one, 8 - length : 10])
                close(torch.cat(found, 1)[one, 8 - length :], alone)


@every
def test_selected_rows_share_sources_and_go_on_alone(name):
    """Rows taken several times, in any order, some not at all; then selected again, so that sources are dropped."""
    model, target, rows = made(name), ids(TIME, 2), torch.tensor([3, 0, 0, 4, 3, 3, 1])
    with torch.no_grad():
        _, state = model.hidden(target[:, :4], state_of(model))
        chosen, other = state.select(rows), ids(3, 3, 7)
        hidden, chosen = model.hidden(other, chosen)
        whole = said(model, sources()[rows], MASK[rows], torch.cat([target[rows, :4], other], 1))
        close(model.head(hidden), whole[:, 4:])
        again = torch.tensor([6, 2, 2])
        hidden, _ = model.hidden(ids(1, 4, 3), chosen.select(again))
        texts = torch.cat([target[rows, :4], other], 1)[again]
        whole = said(model, sources()[rows][again], MASK[rows][again], torch.cat([texts, ids(1, 4, 3)], 1))
        close(model.head(hidden[:, -1]), whole[:, -1])
        hidden, _ = model.hidden(target[:, 4:], state)  # what the copies read is not in the state they were taken from
        close(model.head(hidden), said(model, sources(), MASK, target)[:, 4:])


@every
def test_joined_rows_go_on_as_they_would_alone(name):
    """Two states with sources and targets of other lengths, one of which was selected before."""
    model, target = made(name), ids(TIME, 2)
    with torch.no_grad():
        _, first = model.hidden(target[:3, :5], state_of(model, sources()[:3], MASK[:3]))
        _, second = model.hidden(target[3:, :2], state_of(model, sources()[3:, :], MASK[3:, :]))
        order = [4, 3, 4]
        state = first.select(torch.tensor([1, 2])).join([second.select(torch.tensor([1, 0, 1])), first])
        rows, read = [1, 2, *order, 0, 1, 2], [5, 5, 2, 2, 2, 5, 5, 5]
        for _ in range(3):
            hidden, state = model.hidden(target[rows, read][:, None], state)
            read = [n + 1 for n in read]
            for place, (row, n) in enumerate(zip(rows, read, strict=True)):
                one = slice(row, row + 1)
                close(model.head(hidden[place, -1]), said(model, sources()[one], MASK[one], target[one, :n])[0, -1])
        kept = state.select(torch.tensor([3, 7, 2]))
        hidden, _ = model.hidden(torch.tensor([[9], [9], [9]]), kept)
        for place, old in enumerate([3, 7, 2]):
            row, text = rows[old], target[rows[old], : read[old]].tolist()
            whole = said(model, sources()[row : row + 1], MASK[row : row + 1], torch.tensor([[*text, 9]]))
            close(model.head(hidden[place, -1]), whole[0, -1])


@pytest.mark.parametrize("name", REWINDING)
def test_a_state_goes_back(name):
    model, target = made(name), ids(TIME, 2)
    with torch.no_grad():
        _, state = model.hidden(target[:, :6], state_of(model))
        hidden, _ = model.hidden(target[:, 4:], state.rewind(2))
        close(hidden, model(sources(), MASK, target)[:, 4:])


@every
def test_the_weights_of_attention(name):
    model, target = made(name), ids(TIME, 2)
    weights = model.cross_attention(sources()[:1], target[:1])
    assert weights.shape[2:] == (TIME, SOURCE)
    torch.testing.assert_close(weights.sum(3), torch.ones(weights.shape[:3]))
    assert (weights >= 0).all()


@every
def test_texts_that_are_too_long_are_refused(name):
    model, long = made(name), torch.full((1, 18), 3)
    with pytest.raises(UserError, match="a source has 18 tokens, the model reads at most 13"):
        model.encode(long)
    with pytest.raises(UserError, match=r"18.* 17"):
        model(sources()[:1], MASK[:1], long)
    with pytest.raises(UserError, match=r"18.* 17"):
        model.hidden(long, state_of(model, sources()[:1], MASK[:1]))


@every
def test_gradients_reach_every_weight(name):
    model = made(name).train()
    hidden = model(sources(), MASK, ids(TIME, 2))
    F.cross_entropy(model.head(hidden).flatten(0, 1), ids(TIME, 3).flatten()).backward()
    for key, p in model.named_parameters():
        assert p.grad.isfinite().all(), key
        assert p.grad.any(), key


@every
def test_equal_prompts_with_different_sources_stay_apart_and_equal_sources_are_encoded_once(name, monkeypatch):
    model, read_rows = made(name).train(), []
    decoder = source_decoder(model)
    assert isinstance(decoder, Decodable)
    encode = decoder.model.encode
    monkeypatch.setattr(decoder.model, "encode", lambda ids, mask: read_rows.append(len(ids)) or encode(ids, mask))
    texts = [(5, 3, 4), (8, 4), (5, 3, 4)]
    with torch.no_grad():
        logits, state = read(decoder, [(1,), (1,), (1, 7)], texts)
        second, _ = decoder.step(torch.tensor([[6], [6], [6]]), state)
    assert model.training
    assert read_rows == [2]
    model.eval()
    for row, (prompt, source) in enumerate(zip([[1], [1], [1, 7]], texts, strict=True)):
        source_ids = torch.tensor([source])
        whole = model.head(
            model(source_ids, torch.ones_like(source_ids, dtype=torch.bool), torch.tensor([[*prompt, 6]]))
        )
        close(torch.stack([logits[row], second[row]]), whole[0, -2:])


def test_a_source_that_is_no_tuple_is_refused():
    with pytest.raises(UserError, match="a source is 'None', expected a tuple of ids"):
        source_decoder(made("transformer")).begin([None])


def exhaustive(model, source, length, eos):
    """The best text by log-probability of all that end within `length` tokens, or are as long."""
    texts = torch.tensor([[model.start_id, *text] for text in itertools.product(range(5), repeat=length)])
    rows = torch.tensor([source]).expand(len(texts), -1)
    with torch.no_grad():
        logs = model.head(model(rows, rows >= 0, texts[:, :-1])).double().log_softmax(-1)
    own = logs.gather(2, texts[:, 1:, None])[..., 0]
    best = {}
    for text, log in zip(texts[:, 1:].tolist(), own.tolist(), strict=True):
        end = text.index(eos) + 1 if eos in text else length
        best[tuple(text[:end])] = sum(log[:end])
    return max(best.items(), key=lambda found: found[1])


# A beam as wide as all beginnings of 3 tokens loses nothing.
@pytest.mark.parametrize("kind", dict.fromkeys(kind for kind, _ in MODELS.values()))
@pytest.mark.parametrize("count", [10, pytest.param(100, marks=pytest.mark.long)])
def test_a_wide_beam_search_is_exhaustive_search_on_random_models(kind, count):
    name = next(name for name, (found, _) in MODELS.items() if found == kind)
    for seed in range(count):
        model, source = made(name, 5, seed, std=0.7), (3, seed % 5, 4)
        decoder = source_decoder(model)
        with torch.no_grad():
            logits, state = read(decoder, [(model.start_id,)], [source])
            rows = start_sequences([(model.start_id,)], sources=[source])
            params = BeamParams(beams=64, max_new_tokens=4, length_penalty=0.0)
            (found,) = beam_search(decoder.step, logits, state, rows, params, eos_ids=[model.eos_id])
        text, logprob = exhaustive(model, source, 4, model.eos_id)
        assert found[0].ids == text
        assert abs(found[0].logprob - logprob) < 1e-5
