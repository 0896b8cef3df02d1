"""What every encoder keeps to. A new family joins with a row of `tests.models.encoder_configs`."""

import json
import subprocess
import sys

import pytest
import torch

from lingon.core.errors import UserError
from lingon.core.tensors import load_tensors, save_tensors
from lingon.data.batches import collate
from lingon.models.encoder import Encoder
from lingon.models.hub_families import FAMILIES, families_for
from lingon.models.registry import build, name_of
from tests.models.encoder_configs import ENCODERS

TEXTS = [[5, 17, 59, 5, 2, 31, 8], [33], [44, 7, 44, 7, 44, 60, 11, 51, 12, 9, 30], [13, 29], [7, 13]]
every = pytest.mark.parametrize("name", ENCODERS)


def made(name, seed=0):
    """The encoder of that row, with weights large enough for a difference to show."""
    torch.manual_seed(seed)
    model = build(ENCODERS[name]["model_type"], ENCODERS[name])
    for p in model.parameters():
        torch.nn.init.normal_(p.data, std=0.25)
    return model.eval()


def types_of(ids, name):
    """Token types that change in the middle of each row, where the family has them."""
    types = (torch.arange(ids.shape[1]) > 2).long().expand_as(ids)
    return types if ENCODERS[name].get("type_vocab_size", 0) > 1 else None


@torch.no_grad()
def hidden(model, rows, name, pad=0):
    batch = collate(rows, pad=pad)
    return model(batch.ids, batch.mask, types_of(batch.ids, name)), batch.mask


def test_every_family_of_encoders_is_tried_here():
    assert {config["model_type"] for config in ENCODERS.values()} == set(families_for("encoder"))
    assert all(FAMILIES[config["model_type"]].role == "encoder" for config in ENCODERS.values())


@every
def test_an_encoder_gives_each_token_a_vector(name):
    model = made(name)
    assert isinstance(model, Encoder)
    assert hidden(model, TEXTS, name)[0].shape == (5, 11, model.width)
    assert name_of(model) == ENCODERS[name]["model_type"]


@every
def test_a_batch_equals_its_rows_one_by_one_whatever_fills_the_padding(name):
    model = made(name)
    for pad in (0, 1, 77):
        together, mask = hidden(model, TEXTS, name, pad)
        for row, text, kept in zip(together, TEXTS, mask, strict=True):
            alone, _ = hidden(model, [text], name)
            assert (row[kept] - alone[0]).abs().max() < 1e-5


@every
def test_packed_equals_padded(name, monkeypatch):
    model = made(name)
    packed, mask = hidden(model, TEXTS, name)
    monkeypatch.setattr("lingon.layers.packing.PACKS", False)
    padded, _ = hidden(model, TEXTS, name)
    assert not torch.equal(packed[~mask], padded[~mask])  # the padding of the one is zero, so it was another way
    assert (packed - padded)[mask].abs().max() < 1e-5


@every
def test_packed_gradients_equal_padded_ones(name, monkeypatch):
    model, batch = made(name), collate(TEXTS)
    weight = torch.randn(batch.mask.shape)[..., None] * batch.mask[..., None]

    def gradients():
        model.zero_grad()
        (model(batch.ids, batch.mask).sin() * weight).sum().backward()
        return {key: p.grad.clone() for key, p in model.named_parameters() if p.grad is not None}

    packed = gradients()
    monkeypatch.setattr("lingon.layers.packing.PACKS", False)
    for key, padded in gradients().items():
        assert padded.abs().max() > 0, key
        assert (padded - packed[key]).abs().max() < 1e-4 * (1 + padded.abs().max()), key


@every
def test_a_text_without_tokens_is_a_number(name):
    found, _ = hidden(made(name), [[5, 7], [], [9]], name)
    assert found.isfinite().all()


@every
def test_saved_equals_loaded(name, tmp_path):
    model = made(name)
    save_tensors(tmp_path / "w.safetensors", model.state_dict())
    again = build(name_of(model), model.config()).eval()
    again.load_state_dict(load_tensors(tmp_path / "w.safetensors", expect=again.state_dict()))
    assert torch.equal(hidden(again, TEXTS, name)[0], hidden(model, TEXTS, name)[0])


@every
def test_a_text_longer_than_the_context_is_refused(name):
    model = made(name)
    with pytest.raises(UserError, match=rf"a text has 77 tokens, the model reads at most {model.context_length}"):
        hidden(model, [[5] * 77, [7]], name)


@pytest.mark.long
def test_compiled_as_one_graph_equals_eager():
    program = [sys.executable, "-m", "tests.contracts.compiled_encoders"]
    found = json.loads(subprocess.run(program, capture_output=True, text=True, check=True).stdout)
    assert found.keys() == set(families_for("encoder"))
    assert max(found.values()) < 1e-5
