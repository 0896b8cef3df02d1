"""What every captioner keeps to. A new one joins with one row."""

import itertools

import pytest
import torch
import torch.nn.functional as F

from lingon.core.errors import UserError
from lingon.decoding.beam import beam_search
from lingon.decoding.beam_params import BeamParams
from lingon.decoding.decoder_protocol import Decodable, DecoderState, start_sequences
from lingon.decoding.prefill import read
from lingon.models.captioner import ImageDecoder
from lingon.models.registry import build, models_for
from lingon.tasks.caption.decoder import ImageSource, image_decoder

V, BATCH, SIZE, TIME = 23, 5, 24, 11
LIMITS = {"image_size": SIZE, "filters": 8, "dropout": 0.0, "context_length": 17}
MODELS = {
    "caption_transformer": {"width": 24, "heads": 3, "depth": 2, **LIMITS},
    "show_and_tell": {"width": 16, **LIMITS},
}
every = pytest.mark.parametrize("name", MODELS)


def test_every_captioner_of_the_registry_is_tried_here():
    assert MODELS.keys() == set(models_for("captioner"))


def made(name, vocab_size=V, seed=0, std=0.3):
    torch.manual_seed(seed)
    model = build(name, {"vocab_size": vocab_size, **MODELS[name]}).eval()
    for p in model.parameters():
        torch.nn.init.normal_(p.data, std=std)
    return model


def ids(time, seed=1, rows=BATCH):
    return torch.randint(3, V, (rows, time), generator=torch.Generator().manual_seed(seed))


def pixels(rows=BATCH):
    return torch.randint(256, (rows, SIZE, SIZE, 3), generator=torch.Generator().manual_seed(rows), dtype=torch.uint8)


def images():
    return pixels().permute(0, 3, 1, 2).float() / 255


def said(model, *pair):
    """The logits after each token of whole captions."""
    return model.head(model(*pair))


def close(ours, theirs):
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


@every
def test_shape_and_config(name):
    model, target = made(name), ids(TIME)
    assert isinstance(model, ImageDecoder)
    hidden = model(images(), target)
    assert model.head(hidden).shape == (BATCH, TIME, V)
    again = build(name, model.config())
    again.load_state_dict(model.state_dict())
    close(again.eval()(images(), target), hidden)
    assert model.features(images()).shape[0] == BATCH


@every
def test_no_peeking_at_the_future(name):
    model, target, reached = made(name), ids(TIME), []
    found = said(model, images(), target)
    for t in range(TIME):
        other = target.clone()
        other[:, t] = (other[:, t] + 1) % V
        changed = said(model, images(), other)
        reached.append(not torch.equal(changed[:, 6], found[:, 6]))
        torch.testing.assert_close(changed[:, :t], found[:, :t], rtol=0, atol=1e-6)
    assert reached == [t <= 6 for t in range(TIME)]


@every
def test_every_place_of_the_image_counts_and_no_other_image(name):
    model, target = made(name), ids(TIME)
    found = said(model, images(), target)
    for row, top, left in ((0, 1, 2), (2, 20, 11), (4, 12, 21)):
        other = images()
        other[row, :, top : top + 3, left : left + 3] = 1 - other[row, :, top : top + 3, left : left + 3]
        changed = (said(model, other, target) - found).abs().amax((1, 2))
        assert (changed > 1e-6).tolist() == [i == row for i in range(BATCH)]
    for row in range(BATCH):
        close(said(model, images()[row : row + 1], target[row : row + 1])[0], found[row])


@every
@pytest.mark.parametrize("parts", [[TIME], [1] * TIME, [4, 1, 1, 5]], ids=["at once", "one by one", "in parts"])
def test_a_cached_step_equals_the_full_forward(name, parts):
    model, target = made(name), ids(TIME)
    with torch.no_grad():
        state, found = model.new_state(model.encode(images())), []
        assert isinstance(state, DecoderState)
        assert state.length == 0
        for part in target.split(parts, 1):
            hidden, state = model.hidden(part, state)
            found.append(model.head(hidden))
        assert state.length == TIME
        close(torch.cat(found, 1), said(model, images(), target))


@every
def test_padding_of_prompts_does_not_leak(name):
    model, target, lengths = made(name), ids(TIME), [8, 1, 3, 8, 5]
    mask = torch.arange(8) >= 8 - torch.tensor(lengths)[:, None]
    with torch.no_grad():
        state = model.new_state(model.encode(images()))
        hidden, state = model.hidden(target[:, :8].where(mask, 19), state, mask)
        hidden, _ = model.hidden(target[:, 8:9], state)
        for row, length in enumerate(lengths):
            one = slice(row, row + 1)
            close(model.head(hidden)[row, -1], said(model, images()[one], target[one, 8 - length : 9])[0, -1])


@every
def test_selected_and_joined_rows_go_on_alone(name):
    model, target, rows = made(name), ids(TIME), [3, 0, 0, 4]
    with torch.no_grad():
        start = model.new_state(model.encode(images()))
        _, state = model.hidden(target[:, :4], start)
        _, other = model.hidden(target[:2, :2], model.new_state(model.encode(images()[:2])))
        joined = state.select(torch.tensor(rows)).join([other])
        hidden, _ = model.hidden(torch.full((6, 1), 9), joined)
        for place, (row, length) in enumerate(zip([*rows, 0, 1], [4] * 4 + [2] * 2, strict=True)):
            text = torch.tensor([[*target[row, :length].tolist(), 9]])
            close(model.head(hidden[place, -1]), said(model, images()[row : row + 1], text)[0, -1])


@every
def test_what_is_too_long_or_of_another_size_is_refused(name):
    model, long = made(name), torch.full((1, 18), 3)
    with pytest.raises(UserError, match=r"18.* 17"):
        model(images()[:1], long)
    with pytest.raises(UserError, match=r"18.* 17"):
        model.hidden(long, model.new_state(model.encode(images()[:1])))
    with pytest.raises(UserError, match=r"the model reads 24 x 24 with 3 channels"):
        model.encode(images()[:, :, :16])
    with pytest.raises(UserError, match="image_size is 20, expected a number that can be divided by 8"):
        build(name, {"vocab_size": V, **MODELS[name], "image_size": 20})


@every
def test_gradients_reach_every_weight(name):
    model = made(name).train()
    F.cross_entropy(model.head(model(images(), ids(TIME))).flatten(0, 1), ids(TIME, 3).flatten()).backward()
    for key, p in model.named_parameters():
        assert p.grad.isfinite().all(), key
        assert p.grad.any(), key


@every
def test_equal_images_are_encoded_once_and_others_stay_apart(name, monkeypatch):
    model, encoded = made(name).train(), []
    decoder = image_decoder(model)
    assert isinstance(decoder, Decodable)
    encode = decoder.model.encode
    monkeypatch.setattr(decoder.model, "encode", lambda images: encoded.append(len(images)) or encode(images))
    first, second = (ImageSource.of(one) for one in pixels()[:2].numpy())
    with torch.no_grad():
        logits, _ = read(decoder, [(1,), (1,), (1, 7)], [first, second, ImageSource(first.data, SIZE)])
    assert encoded == [2]
    model.eval()
    for row, (prompt, of) in enumerate(zip([[1], [1], [1, 7]], [0, 1, 0], strict=True)):
        close(logits[row], said(model, images()[of : of + 1], torch.tensor([prompt]))[0, -1])
    with pytest.raises(UserError, match="a source is 'None', expected an ImageSource"):
        decoder.begin([None])


@every
def test_a_wide_beam_search_is_exhaustive_search(name):
    """A beam as wide as all beginnings of 3 tokens loses nothing."""
    for seed in range(5):
        model, one = made(name, 5, seed, std=0.6), pixels()[seed : seed + 1]
        source, image = ImageSource.of(one[0].numpy()), one.permute(0, 3, 1, 2).float() / 255
        texts = torch.tensor([[1, *text] for text in itertools.product(range(5), repeat=4)])
        with torch.no_grad():
            logs = said(model, image.expand(len(texts), -1, -1, -1), texts[:, :-1]).double().log_softmax(-1)
            logits, state = read(decoder := image_decoder(model), [(1,)], [source])
            params = BeamParams(beams=64, max_new_tokens=4, length_penalty=0.0)
            rows = start_sequences([(1,)], sources=[source])
            (found,) = beam_search(decoder.step, logits, state, rows, params, eos_ids=[model.eos_id])
        best = {}
        for text, log in zip(texts[:, 1:].tolist(), logs.gather(2, texts[:, 1:, None])[..., 0].tolist(), strict=True):
            end = text.index(model.eos_id) + 1 if model.eos_id in text else 4
            best[tuple(text[:end])] = sum(log[:end])
        text, logprob = max(best.items(), key=lambda pair: pair[1])
        assert found[0].ids == text
        assert found[0].logprob == pytest.approx(logprob, abs=1e-5)


def test_attention_over_places_sums_to_one_and_show_and_tell_has_none():
    weights = made("caption_transformer").place_attention(images()[:1], ids(7, rows=1))
    assert weights.shape == (7, 3, 3)
    close(weights.sum((1, 2)), torch.ones(7))
    assert made("show_and_tell").place_attention(images()[:1], ids(7, rows=1)) is None
