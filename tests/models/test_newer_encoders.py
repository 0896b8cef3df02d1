"""ALBERT, MPNet, DeBERTa and ModernBERT: what each is known for, what its options change, and what is refused."""

import json
import random

import pytest
import torch
from safetensors.torch import load_file, save_file

from lingon.checkpoints.huggingface.encoder import load_encoder
from lingon.checkpoints.huggingface.save import save_hub
from lingon.core.errors import DataError, UserError
from lingon.data.tokenizers.huggingface import read_encoder_tokenizer
from lingon.export.trace import trace
from lingon.models.from_config import from_config
from tests.models.newer_encoder_configs import ALBERT, CONFIGS, DEBERTA, MODERNBERT, MPNET, F, S

KINDS = {"albert": ALBERT, "mpnet": MPNET, "deberta": DEBERTA, "modernbert": MODERNBERT}
IDS = torch.randint(5, 89, (3, 41), generator=torch.Generator().manual_seed(0))
MASK = torch.arange(41) < torch.tensor([41, 23, 2])[:, None]


def fresh(config):
    torch.manual_seed(0)
    model = from_config(config, role="encoder").eval()
    for p in model.parameters():
        torch.nn.init.normal_(p.data, 1.0 if p.ndim == 1 else 0.0, std=0.25)
    return model


CHANGES = {
    "albert": [
        {"hidden_act": "relu"},
        {"layer_norm_eps": 0.5},
        {"num_hidden_layers": 4},
        {"num_attention_heads": 3},
    ],
    "albert, groups": [{"num_hidden_layers": 4}],
    "mpnet": [{"hidden_act": "relu"}, {"layer_norm_eps": 0.5}],
    "deberta": [{"max_relative_positions": 12}, {"pos_att_type": "c2p"}, {"layer_norm_eps": 0.5}],
    "deberta, n-grams": [{"conv_act": "tanh"}],
    "modernbert": [
        {"local_attention": 13},
        {"layer_types": [F, S, F, F]},
        {"global_attn_every_n_layers": 2},
        {"global_rope_theta": 1000.0},
        {"local_rope_theta": 1000.0},
        {"rope_scaling": {"rope_type": "linear", "factor": 2.0}},
        {"rope_parameters": {F: {"rope_type": "default", "rope_theta": 50.0}}},
        {"hidden_activation": "silu"},
        {"norm_eps": 0.5},
    ],
}


@pytest.mark.parametrize("name", CHANGES)
@torch.no_grad()
def test_each_option_changes_what_is_computed(name):
    model = fresh(CONFIGS[name])
    found = model(IDS, MASK)
    for change in CHANGES[name]:
        other = fresh(CONFIGS[name] | change)
        other.load_state_dict(model.state_dict())
        assert (other(IDS, MASK) - found)[MASK].abs().max() > 1e-3, change


def test_layers_of_albert_share_their_weights():
    few, many = (sum(p.numel() for p in fresh(ALBERT | {"num_hidden_layers": n}).parameters()) for n in (1, 9))
    assert few == many
    assert fresh(CONFIGS["albert, groups"]).order == [0, 0, 0, 1, 1]


@torch.no_grad()
def test_layers_of_modernbert_with_a_window_see_no_farther():
    """Two layers that see 3 tokens each way reach 6, and in a batch with padding too."""
    model = fresh(MODERNBERT | {"num_hidden_layers": 2, "layer_types": [S, S], "local_attention": 7})
    found, other = model(IDS, MASK), IDS.clone()
    other[0, 20] = 3
    changed = (model(other, MASK) - found)[0].abs().amax(-1) > 1e-6
    assert changed.nonzero().flatten().tolist() == [*range(14, 27)]
    assert "attn_norm" not in model.blocks[0].around_attention.state_dict()


@torch.no_grad()
def test_biases_of_mpnet_are_of_distances_alone():
    """Without the vectors of positions, moving a text to the right changes nothing."""
    model = fresh(MPNET)
    model.positions.weight.zero_()
    right = torch.nn.functional.pad(IDS[:1, :11], (9, 0))
    found = model(right, torch.arange(20)[None] >= 9)[:, 9:]
    assert (found - model(IDS[:1, :11], torch.ones(1, 11, dtype=torch.bool))).abs().max() < 1e-5
    assert model.distance_bias.weight.shape == (32, 5)


BIASES = {"attention_bias": "a", "mlp_bias": "a", "norm_bias": 1}
REFUSED = {
    "quantised": ("albert", {"quantization_config": {"bits": 4}}, "'quantization_config'"),
    "relative": ("albert", {"position_embedding_type": "relative_key"}, "'position_embedding_type' is 'relative_key'"),
    "heads": ("albert", {"num_attention_heads": 7}, "'num_attention_heads' is 7, expected a divisor of hidden_size"),
    "groups": ("albert", {"inner_group_num": 1000}, "'inner_group_num' is 1000, expected a whole number from 1 to 16"),
    "activation": ("albert", {"hidden_act": "mish"}, "'hidden_act' is 'mish'"),
    "width": ("albert", {"embedding_size": 1 << 20}, "'embedding_size' is 1048576"),
    "buckets": ("mpnet", {"relative_attention_num_buckets": 64}, "'relative_attention_num_buckets' is 64, expected 32"),
    "room": ("mpnet", {"max_position_embeddings": 2}, "'max_position_embeddings' is 2"),
    "a plain BERT": ("deberta", {"relative_attention": False}, "'relative_attention' is False, expected true"),
    "no kinds": ("deberta", {"pos_att_type": None}, "'pos_att_type' is None, expected a list of c2p, p2c or both"),
    "p2p": ("deberta", {"pos_att_type": "p2c|p2p"}, r"'pos_att_type' is 'p2c\|p2p'"),
    "few buckets": (
        "deberta",
        {"position_buckets": 3},
        "'position_buckets' is 3, expected -1, or .* from 4 to 131",
    ),
    "many buckets": (
        "deberta",
        {"position_buckets": 132},
        "'position_buckets' is 132, expected -1, or .* from 4 to 131",
    ),
    "a norm": ("deberta", {"norm_rel_ebd": "rms"}, "'norm_rel_ebd' is 'rms', expected none or layer_norm"),
    "head size": ("deberta", {"attention_head_size": 7}, "'attention_head_size' is 7"),
    "even kernel": ("deberta", {"conv_kernel_size": 4}, "'conv_kernel_size' is 4, expected an odd number"),
    "conv groups": ("deberta", {"conv_kernel_size": 3, "conv_groups": 4}, "'conv_groups' is 4, expected a divisor"),
    "first DeBERTa": ("deberta", {"model_type": "deberta"}, "unknown model_type 'deberta'"),
    "dropped": ("modernbert", {"mlp_dropout": 0.1}, "'mlp_dropout' is 0.1"),
    "odd heads": ("modernbert", {"num_attention_heads": 10}, "'num_attention_heads' is 10, expected heads of an even"),
    "dynamic": ("modernbert", {"rope_scaling": {"rope_type": "dynamic", "factor": 2.0}}, "'rope_type' is 'dynamic'"),
    "other layers": ("modernbert", {"layer_types": [S, S, F]}, "'layer_types' is .* a list of 4"),
    "half window": ("modernbert", {"sliding_window": 5}, "'sliding_window' is 5"),
    "part of a head": ("modernbert", {"head_dim": 4}, "'head_dim' is 4"),
    "a decoder": ("modernbert", {"is_decoder": True}, "'is_decoder' is True"),
    "ModernBERT that writes": ("modernbert", {"model_type": "modernbert-decoder"}, "unknown model_type"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_neighbours_and_impossible_sizes_are_refused_by_name(case):
    kind, change, message = REFUSED[case]
    with pytest.raises(UserError, match=message):
        from_config(KINDS[kind] | change, role="encoder")


NUMBERS = [0, -1, 3, 255, 1 << 24, 1 << 63, 1e308, 0.5, float("nan")]
OTHERS = [None, True, "", "p2c", "\ud7ff", [], [3], {}, {"a": 3}]


def test_a_hundred_random_configurations():
    """Each gives a model within the limit, or our error that names the family; none takes memory for it."""
    draw, keys = random.Random(0), sorted({key for config in CONFIGS.values() for key in config} - {"model_type"})
    made, refused = 0, []
    for _ in range(100):
        config = draw.choice([*CONFIGS.values()]) | {key: draw.choice(NUMBERS + OTHERS) for key in draw.sample(keys, 2)}
        try:
            model = from_config(config, limit=100_000, role="encoder")
        except UserError as error:
            refused.append(str(error).startswith(f"{config['model_type']}: "))
        else:
            made += 1
            assert sum(p.numel() for p in model.parameters()) <= 100_000
    assert all(refused)
    assert made > 10
    assert len(refused) > 10


@pytest.mark.parametrize("kind", KINDS)
def test_sizes_are_compared_with_the_weights_before_memory_is_taken(kind):
    huge = {"vocab_size": 1 << 24, "hidden_size": 30_000, "num_attention_heads": 50, "embedding_size": 30_000}
    with pytest.raises(UserError, match=r"these sizes give [\d,]+ parameters; at most 1,000,000"):
        from_config(KINDS[kind] | huge, limit=1_000_000, role="encoder")


PREFIXES = {"albert": "albert.", "mpnet": "mpnet.", "deberta": "deberta.", "modernbert": "model."}
LAST = {"albert": "value.weight", "mpnet": ".v.weight", "deberta": "value_proj.weight", "modernbert": "Wo.weight"}
HEADS = {"albert": "predictions.bias", "mpnet": "lm_head.bias", "deberta": "lm_predictions.b", "modernbert": "head.w"}


@pytest.mark.parametrize("kind", KINDS)
@torch.no_grad()
def test_a_checkpoint_with_prefix_head_and_half_precision_is_the_same_encoder(kind, tmp_path):
    model = fresh(KINDS[kind])
    save_hub(model, tmp_path, dtype=torch.bfloat16)
    found, path = load_encoder(tmp_path).model(IDS, MASK), tmp_path / "model.safetensors"
    assert 0 < (found - model(IDS, MASK))[MASK].abs().max() < 0.3
    tensors = {PREFIXES[kind] + name: tensor for name, tensor in load_file(path).items()}
    tensors |= {HEADS[kind]: torch.zeros(3), f"{PREFIXES[kind]}embeddings.position_ids": torch.arange(67)[None]}
    if kind == "deberta":  # positions that its configuration does not use are in its files all the same
        tensors["deberta.embeddings.position_embeddings.weight"] = torch.zeros(67, 30)
    save_file(tensors, path)
    assert torch.equal(load_encoder(tmp_path).model(IDS, MASK), found)
    half = load_encoder(tmp_path, torch.bfloat16).model
    assert half.embedding.weight.dtype == torch.bfloat16
    assert (half(IDS, MASK).float() - found)[MASK].abs().mean() < 0.1
    missing = next(name for name in tensors if name.endswith(LAST[kind]))
    save_file({name: tensor for name, tensor in tensors.items() if name != missing}, path)
    with pytest.raises(DataError, match=f"tensor '{missing}' is missing"):
        load_encoder(tmp_path)


@pytest.mark.parametrize("kind", KINDS)
def test_the_configuration_is_saved_as_it_was_read(kind, tmp_path):
    save_hub(fresh(KINDS[kind]), tmp_path)
    saved = json.loads((tmp_path / "config.json").read_text())
    assert KINDS[kind].items() <= saved.items()
    assert not (tmp_path / "generation_config.json").exists()


@pytest.mark.parametrize("kind", ["mpnet", "deberta", "modernbert"])
@torch.no_grad()
def test_one_graph_is_for_texts_of_all_lengths(kind):
    model = fresh(KINDS[kind])
    graph = trace(model, (IDS[:2, :7].clone(), MASK[:2, :7].clone())).module()
    assert (graph(IDS, MASK) - model(IDS, MASK))[MASK].abs().max() < 1e-5


def test_mpnet_has_the_words_of_bert_between_the_tokens_of_roberta(tmp_path):
    pieces = ["<s>", "<pad>", "</s>", "[UNK]", "a", "film", "##s", "<mask>"]
    (tmp_path / "vocab.txt").write_text("\n".join(pieces))
    tokenizer = read_encoder_tokenizer(tmp_path)
    assert tokenizer.tokens("A films") == ["<s>", "a", "film", "##s", "</s>"]
    assert tokenizer.encode_pair("a", "film") == ([0, 4, 2, 2, 5, 2], [0] * 6)
    assert tokenizer.padding_idx == 1


@pytest.mark.parametrize("name", ["spiece.model", "spm.model", "sentencepiece.bpe.model"])
def test_a_sentencepiece_model_alone_is_refused(name, tmp_path):
    (tmp_path / name).write_bytes(b"")
    with pytest.raises(DataError, match=f"{name} alone is not read; make a tokenizer.json with transformers"):
        read_encoder_tokenizer(tmp_path)
