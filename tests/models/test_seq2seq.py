"""Published encoder-decoders: equal to plain loops and to PyTorch's own layers, step by step and in any company."""

import json
import math

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from lingon.checkpoints.huggingface.save import save_hub
from lingon.checkpoints.huggingface.seq2seq import load_seq2seq
from lingon.core.errors import DataError, UserError
from lingon.models.encoder_decoder import EncoderDecoder
from lingon.models.from_config import from_config
from lingon.models.hub_families import NEIGHBOURS
from lingon.models.registry import build
from lingon.tasks.translate.decoder import source_decoder
from tests.models import plain_t5
from tests.models.seq2seq_configs import BART, CONFIGS, MARIAN, T5, cases_of

every = pytest.mark.parametrize("name", CONFIGS)


def fresh(config):
    torch.manual_seed(0)
    model = from_config(config, role="seq2seq").eval()
    for p in model.parameters():
        nn.init.normal_(p.data, std=0.25)
    return model


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """A checkpoint of each configuration."""
    home = tmp_path_factory.mktemp("seq2seq")
    return {name: save_hub(fresh(config), home / f"{i}") for i, (name, config) in enumerate(CONFIGS.items())}


@pytest.fixture
def folder(tmp_path):
    return save_hub(fresh(BART), tmp_path / "bart")


def edit(folder, **changes):
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


@torch.no_grad()
def logits_of(model, case):
    return model.head(model(case["source"], case["mask"], case["target"]))


@pytest.mark.parametrize("name", ["t5", "t5, v1.1", "mt5"])
def test_t5_equals_plain_loops_over_the_file(name, folders):
    tensors = {key: t.double() for key, t in load_file(folders[name] / "model.safetensors").items()}
    case = cases_of(CONFIGS[name])[1]
    ours = logits_of(load_seq2seq(folders[name]).model, case)
    for row, (source, target) in enumerate(zip(case["source"], case["target"], strict=True)):
        wanted = plain_t5.logits(CONFIGS[name], tensors, source[case["mask"][row]].tolist(), target.tolist())
        torch.testing.assert_close(ours[row].double(), wanted, rtol=1e-4, atol=1e-5)


def sines(config, position):
    """A position as Marian and fairseq have it, number by number."""
    half = config["d_model"] // 2
    if config["model_type"] == "marian":
        rates = [10_000 ** (-2 * i / config["d_model"]) for i in range(half)]
    else:
        position, rates = position + 2, [10_000 ** (-i / (half - 1)) for i in range(half)]
    return [*(math.sin(position * r) for r in rates), *(math.cos(position * r) for r in rates)]


def own_layer(make, config, side, tensors, layer, heads):
    """PyTorch's layer with the weights of a checkpoint."""
    width, norm_first = config["d_model"], config["model_type"] in ("mbart", "m2m_100")
    made = make(width, heads, config[f"{side}_ffn_dim"], 0.0, "relu", batch_first=True, norm_first=norm_first)
    at = f"model.{side}.layers.{layer}."
    parts = {"self_attn": "self_attn", "multihead_attn": "encoder_attn", "linear1": "fc1", "linear2": "fc2"}
    norms = ["self_attn_layer_norm", *(["encoder_attn_layer_norm"] if side == "decoder" else []), "final_layer_norm"]
    parts |= {f"norm{i + 1}": name for i, name in enumerate(norms)}
    found = {}
    for name in made.state_dict():
        module, _, kind = name.partition(".")
        if kind.startswith("in_proj"):
            of = [tensors[f"{at}{parts[module]}.{x}_proj.{kind.removeprefix('in_proj_')}"] for x in "qkv"]
            found[name] = torch.cat(of)
        else:
            found[name] = tensors[f"{at}{parts[module]}.{kind}"]
    made.load_state_dict(found)
    return made.double().eval()


def by_torch(config, tensors, source, target):
    """Logits [T, V] of one target, by PyTorch's own layers of a Transformer."""
    width = config["d_model"]

    def embedded(side, ids):
        shared = tensors.get("model.shared.weight")
        table = tensors[f"model.{side}.embed_tokens.weight"] if shared is None else shared
        x = table[ids] * (width**0.5 if config.get("scale_embedding") else 1.0)
        learned = tensors.get(f"model.{side}.embed_positions.weight")
        if learned is None:
            x = x + torch.tensor([sines(config, i) for i in range(len(ids))]).double()
        else:
            x = x + learned[2 : 2 + len(ids)]
        return normed(x, f"model.{side}.layernorm_embedding")[None]

    def normed(x, name):
        if f"{name}.weight" not in tensors:
            return x
        return nn.functional.layer_norm(x, (width,), tensors[f"{name}.weight"], tensors[f"{name}.bias"])

    memory = embedded("encoder", source)
    for layer in range(config["encoder_layers"]):
        heads = config["encoder_attention_heads"]
        memory = own_layer(nn.TransformerEncoderLayer, config, "encoder", tensors, layer, heads)(memory)
    memory, x = normed(memory, "model.encoder.layer_norm"), embedded("decoder", target)
    causal = nn.Transformer.generate_square_subsequent_mask(len(target)).double()
    for layer in range(config["decoder_layers"]):
        made = own_layer(
            nn.TransformerDecoderLayer, config, "decoder", tensors, layer, config["decoder_attention_heads"]
        )
        x = made(x, memory, causal)
    names = ("lm_head.weight", "model.shared.weight", "model.decoder.embed_tokens.weight")
    output = next(tensors[name] for name in names if name in tensors)
    bias = tensors.get("final_logits_bias")
    logits = normed(x, "model.decoder.layer_norm")[0] @ output.T
    return logits if bias is None else logits + bias


@pytest.mark.parametrize("name", ["bart", "mbart", "marian", "marian, two vocabularies", "m2m_100"])
def test_relatives_of_bart_equal_layers_of_torch(name, tmp_path):
    config = CONFIGS[name] | {"activation_function": "relu"}
    save_hub(fresh(config), tmp_path / "a")
    tensors = {key: t.double() for key, t in load_file(tmp_path / "a" / "model.safetensors").items()}
    case = cases_of(config)[1]
    ours = logits_of(load_seq2seq(tmp_path / "a").model, case)
    for row, (source, target) in enumerate(zip(case["source"], case["target"], strict=True)):
        with torch.no_grad():
            wanted = by_torch(config, tensors, source[case["mask"][row]].tolist(), target.tolist())
        torch.testing.assert_close(ours[row].double(), wanted, rtol=1e-4, atol=1e-5)


@every
def test_steps_equal_the_whole_in_any_company(name, folders):
    model = load_seq2seq(folders[name]).model
    assert isinstance(model, EncoderDecoder)
    case = cases_of(CONFIGS[name])[1]
    whole, decoder = logits_of(model, case), source_decoder(model)
    sources = [tuple(row[mask].tolist()) for row, mask in zip(case["source"], case["mask"], strict=True)]
    with torch.no_grad():
        state = decoder.begin(sources)
        for t in range(case["target"].shape[1]):
            logits, state = decoder.step(case["target"][:, t : t + 1], state)
            torch.testing.assert_close(logits, whole[:, t], rtol=1e-4, atol=2e-5)
        # One that begins later, beside another that has read more, and shorter sources dropped.
        late = decoder.begin(sources[2:])
        _, late = decoder.step(case["target"][2:, :3], late)
        both = state.rewind(4).select(torch.tensor([1, 1])).join([late])
        following = torch.stack([case["target"][1, 7], case["target"][1, 7], case["target"][2, 3]])[:, None]
        logits, _ = decoder.step(following, both)
    torch.testing.assert_close(logits, torch.stack([whole[1, 7], whole[1, 7], whole[2, 3]]), rtol=1e-4, atol=2e-5)


@every
def test_saved_again_and_built_by_name_the_same(name, folders, tmp_path):
    first, case = load_seq2seq(folders[name]), cases_of(CONFIGS[name])[0]
    save_hub(first.model, tmp_path / "again", shard=9_000)
    assert torch.equal(logits_of(load_seq2seq(tmp_path / "again").model, case), logits_of(first.model, case))
    by_name = build(CONFIGS[name]["model_type"], json.loads(json.dumps(first.model.config())))
    by_name.load_state_dict(first.model.state_dict())
    assert torch.equal(logits_of(by_name.eval(), case), logits_of(first.model, case))
    weights = first.model.cross_attention(case["source"][:1], case["target"][:1])
    assert weights.shape[2:] == (13, 17)
    torch.testing.assert_close(weights.sum(-1), torch.ones(weights.shape[:3]))


@pytest.mark.parametrize("name", ["t5", "bart"])
def test_a_last_layer_of_its_own_counts_whatever_is_said(name, folders, tmp_path):
    """transformers says of a T5 v1.1 that its weights are tied, and then looks whether they are."""
    tensors = load_file(folders[name] / "model.safetensors")
    shared = tensors["shared.weight" if name == "t5" else "model.shared.weight"]
    folder, case = save_hub(load_seq2seq(folders[name]).model, tmp_path / "own"), cases_of(CONFIGS[name])[0]
    save_file(tensors | {"lm_head.weight": 2 * shared}, folder / "model.safetensors")
    with pytest.warns(UserWarning, match=r"lm_head\.weight differs from the embedding"):
        found = load_seq2seq(folder).model
    bias = 0.0 if found.__class__.__name__ == "T5" else found.output_bias
    plain = logits_of(load_seq2seq(folders[name]).model, case)
    torch.testing.assert_close(logits_of(found, case), 2 * (plain - bias) + bias)
    again = save_hub(found, tmp_path / "again")
    assert torch.equal(logits_of(load_seq2seq(again).model, case), logits_of(found, case))


def test_older_files_name_one_vocabulary_as_they_like(folders, tmp_path):
    """Names of the body alone, copies of the embedding, positions that are no weights, and no bias of logits."""
    plain, case = load_seq2seq(folders["marian"]).model, cases_of(MARIAN)[0]
    tensors = load_file(folders["marian"] / "model.safetensors")
    nn.init.zeros_(plain.output_bias)
    shared, bias = tensors.pop("model.shared.weight"), tensors.pop("final_logits_bias")
    assert bias.shape == (1, 89)
    tensors |= {f"model.{side}.embed_tokens.weight": shared.clone() for side in ("encoder", "decoder")}
    tensors["lm_head.weight"] = shared.clone()
    tensors["model.encoder.embed_positions.weight"] = torch.zeros(61, 30)
    folder = save_hub(plain, tmp_path / "old")
    for prefix in ("model.", ""):
        save_file({k.replace("model.", prefix, 1): t for k, t in tensors.items()}, folder / "model.safetensors")
        assert torch.equal(logits_of(load_seq2seq(folder).model, case), logits_of(plain, case))


def test_weights_can_be_trained(folders):
    for name in ("t5", "bart", "marian, two vocabularies"):
        model, case = load_seq2seq(folders[name]).model.train(), cases_of(CONFIGS[name])[1]
        model.head(model(case["source"], case["mask"], case["target"])).sum().backward()
        assert all(p.grad is not None for p in model.parameters() if p.requires_grad)


@pytest.mark.parametrize("family", NEIGHBOURS)
def test_neighbours_are_refused_by_name(family, folder):
    edit(folder, model_type=family)
    with pytest.raises(DataError, match=f"config.json: {family}: Lingon does not read this family; .* t5, mt5, bart"):
        load_seq2seq(folder)


WRONG = [
    ({"encoder_attention_heads": 7}, "key 'encoder_attention_heads' is 7, expected a divisor of d_model, which is 30"),
    ({"activation_function": "gelu_fast"}, "key 'activation_function' is 'gelu_fast'"),
    ({"normalize_before": True}, "key 'normalize_before' is True, expected false, as bart has it"),
    ({"static_position_embeddings": True}, "key 'static_position_embeddings' is True, expected false"),
    ({"is_encoder_decoder": False}, "key 'is_encoder_decoder' is False, expected true"),
    ({"decoder_start_token_id": 89}, "key 'decoder_start_token_id' is 89, expected a whole number from 0 to 88"),
    ({"quantization_config": {"bits": 4}}, "key 'quantization_config'"),
    ({"decoder_layers": 2}, "tensor 'model.decoder.layers.2"),
    ({"d_model": 60}, r"config.json expects \[89, 60\]; key 'd_model'|is \[.*30"),
]


@pytest.mark.parametrize(("changes", "why"), WRONG)
def test_what_does_not_fit_is_named(changes, why, folder):
    edit(folder, **changes)
    with pytest.raises(DataError, match=why):
        load_seq2seq(folder)


def test_texts_that_are_too_long_are_refused(folders):
    model = load_seq2seq(folders["bart"]).model
    with pytest.raises(UserError, match="a source has 62 tokens, the model reads at most 61"):
        model.encode(torch.ones(1, 62, dtype=torch.long))
    ids = torch.ones(1, 3, dtype=torch.long)
    with pytest.raises(UserError, match="a target has 62 tokens, the model writes at most 61"):
        model(ids, ids.bool(), torch.ones(1, 62, dtype=torch.long))
    t5 = fresh(T5)
    assert t5.encode(torch.ones(1, 700, dtype=torch.long)).hidden.shape == (1, 700, 26)
