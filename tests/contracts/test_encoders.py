"""What every encoder keeps to. A new family joins with a row of `tests.models.encoder_configs`."""

import json
import subprocess
import sys

import pytest
import torch

from lingon.core.errors import UserError
from lingon.core.tensors import load_tensors, save_tensors
from lingon.data.batches import collate
from lingon.engine.param_groups import layer_decay_factors
from lingon.kernels.packed_linear import swap_linear
from lingon.layers.lora import LoRA, adapters_in, add_lora, merge_lora
from lingon.models.albert import ALBERT
from lingon.models.encoder import Encoder
from lingon.models.encoder_classifier import EncoderClassifier, encoder_classifier
from lingon.models.encoder_parser import EncoderParser, encoder_parser
from lingon.models.hub_families import FAMILIES, families_for
from lingon.models.masked_encoder import MaskedEncoder, masked_encoder
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


FIRST = {config["model_type"]: name for name, config in reversed(ENCODERS.items())}
of_each_family = pytest.mark.parametrize("name", FIRST.values(), ids=FIRST)


@of_each_family
def test_queries_and_values_can_have_adapters(name):
    model = made(name)
    before = hidden(model, TEXTS, name)[0]
    assert len(add_lora(model, LoRA(2, layers=("query", "value")))) == len({*model.blocks})
    assert (hidden(model, TEXTS, name)[0] - before).abs().max() < 1e-5
    for adapter in adapters_in(model).values():
        torch.nn.init.normal_(adapter.B, std=0.3)
    adapted, mask = hidden(model, TEXTS, name)
    assert (adapted - before)[mask].abs().max() > 1e-2
    assert (hidden(merge_lora(model), TEXTS, name)[0] - adapted).abs().max() < 1e-4


@of_each_family
def test_the_rate_falls_from_the_last_block_to_the_first_and_the_embedding(name):
    model = made(name)
    if isinstance(model, ALBERT):
        with pytest.raises(UserError, match="is for models made of blocks"):
            layer_decay_factors(model, 0.5)
        return
    found, depth = layer_decay_factors(model, 0.5), len(model.blocks)
    assert {key: factor for key, factor in found.items() if factor == 0.5 ** (depth + 1)}.keys() >= {"embedding.weight"}
    for key, factor in found.items():
        block = key.split(".")[1] if key.startswith("blocks.") else None
        wanted = 1.0 if key.startswith("norm.") else 0.5 ** (depth + 1)
        assert factor == (wanted if block is None else 0.5 ** (depth - int(block))), key


class OnlyForward(torch.nn.Module):
    """A linear layer laid out for inference: it has no weights that could be read beside it."""

    def __init__(self, linear):
        super().__init__()
        self.forward = linear.forward


@of_each_family
def test_linear_layers_can_be_laid_out_for_inference(name):
    model = made(name)
    twin = swap_linear(model, OnlyForward)
    assert sum(isinstance(part, OnlyForward) for part in twin.modules()) > 2
    assert torch.equal(hidden(twin, TEXTS, name)[0], hidden(model, TEXTS, name)[0])


@of_each_family
def test_a_head_is_made_again_of_its_configuration(name):
    for make, head in (
        (encoder_classifier, EncoderClassifier(made(name), 3)),
        (masked_encoder, MaskedEncoder(made(name))),
    ):
        again, batch = make(**head.config()).eval(), collate(TEXTS)
        again.load_state_dict(head.state_dict())
        found = head.eval()(batch.ids, batch.mask)
        assert torch.equal(again(batch.ids, batch.mask)[batch.mask.any(1)], found[batch.mask.any(1)])


@of_each_family
def test_a_parser_is_made_again_of_its_configuration(name):
    parser, batch = EncoderParser(made(name), 3, 5, 7).eval(), collate(TEXTS)
    torch.nn.init.normal_(parser.arcs.weight)
    again = encoder_parser(**parser.config()).eval()
    again.load_state_dict(parser.state_dict())
    words, heads = batch.mask, torch.zeros_like(batch.ids)
    first = torch.arange(batch.ids.shape[1]).expand_as(batch.ids) * words
    found, expected = (one(batch.ids, batch.mask, first, words, heads) for one in (again, parser))
    assert torch.equal(found.arcs[words], expected.arcs[words])
    assert torch.equal(found.relations[words], expected.relations[words])


@pytest.mark.long
def test_compiled_as_one_graph_equals_eager():
    program = [sys.executable, "-m", "tests.contracts.compiled_encoders"]
    found = json.loads(subprocess.run(program, capture_output=True, text=True, check=True).stdout)
    assert found.keys() == set(families_for("encoder"))
    assert max(found.values()) < 1e-5
