"""BERT and its relatives against plain loops; settings of ours; what is refused."""

import pytest
import torch

from lingon.core.errors import UserError
from lingon.data.batches import collate
from lingon.models.from_config import from_config
from lingon.models.registry import build
from tests.contracts.test_encoders import TEXTS, made, types_of
from tests.models.encoder_configs import ENCODERS, SIZES
from tests.models.plain_bert import hidden

OFFSETS = {"roberta": 2, "xlm-roberta": 4}
PLAIN = [name for name, config in ENCODERS.items() if config.get("hidden_act", "gelu") == "gelu"]


@pytest.mark.parametrize(
    "name",
    [n for n in PLAIN if ENCODERS[n]["model_type"] in ("bert", "roberta", "xlm-roberta", "electra", "distilbert")],
)
@torch.no_grad()
def test_hidden_states_equal_plain_loops(name):
    model, batch = made(name), collate(TEXTS)
    types = types_of(batch.ids, name)
    found = model(batch.ids, batch.mask, types)
    epsilon = ENCODERS[name].get("layer_norm_eps", 1e-12)
    for row, text in enumerate(TEXTS):
        own = None if types is None else types[row].tolist()
        wanted = hidden(model, text, own, OFFSETS.get(name, 0), 5, epsilon)
        assert (found[row, : len(text)] - wanted).abs().max() < 1e-4


def test_options_of_ours_make_a_bert():
    model = build("bert", {"vocab_size": 31, "width": 12, "depth": 2, "heads": 3, "context_length": 7})
    assert model.config()["ffn_width"] == 48
    again = build("bert", model.config())
    assert again.state_dict().keys() == model.state_dict().keys()


def test_classes_and_pairs_have_token_types_that_the_model_has():
    model = made("bert")
    with pytest.raises(UserError, match="id 5 is outside"):
        model(torch.tensor([[3]]), torch.tensor([[True]]), torch.tensor([[5]]))


NEIGHBOURS = {
    "relative positions": ({"position_embedding_type": "relative_key"}, "'position_embedding_type' is 'relative_key'"),
    "quantized": ({"quantization_config": {"bits": 4}}, "'quantization_config'"),
    "a decoder": ({"is_decoder": True}, "'is_decoder' is True"),
    "cross-attention": ({"add_cross_attention": True}, "'add_cross_attention' is True"),
    "another activation": ({"hidden_act": "mish"}, "'hidden_act' is 'mish'"),
    "heads that do not fit": ({"num_attention_heads": 7}, "num_attention_heads.*divisor of the width, which is 30"),
    "another family": ({"model_type": "nomic_bert"}, "unknown model_type 'nomic_bert'"),
    "a decoder's family": ({"model_type": "gpt2"}, "unknown model_type 'gpt2'"),
}


@pytest.mark.parametrize("name", NEIGHBOURS)
def test_neighbours_are_refused_by_name(name):
    change, message = NEIGHBOURS[name]
    with pytest.raises(UserError, match=message):
        from_config({"model_type": "bert", **SIZES, **change}, role="encoder")
