"""Published checkpoints: equal to plain loops over the tensors of the file, saved as they were, refused when broken."""

import json
import os
import random
import re
import time
import warnings

import psutil
import pytest
import tokenizers
import torch
from safetensors.torch import load_file, save_file

import lingon
from lingon.checkpoints.bundle import save_bundle
from lingon.checkpoints.huggingface import source_folder, weight_files
from lingon.checkpoints.huggingface.load import load_hub
from lingon.checkpoints.huggingface.save import save_hub
from lingon.core.errors import DataError, UserError
from lingon.models.from_config import from_config
from lingon.models.lstm import LSTM
from lingon.models.registry import build
from tests.models import plain_decoder
from tests.models.family_configs import CONFIGS, LINEAR, PLAIN, SIZES, YARN, made

every = pytest.mark.parametrize("name", CONFIGS)
LENGTH = 11
KV = {"own gpt": {}, "own decoder": {"kv_heads": 1}}
IDS = torch.randint(89, (3, LENGTH), generator=torch.Generator().manual_seed(0))


def fresh(config):
    torch.manual_seed(0)
    model = from_config(config).eval()
    for p in model.parameters():
        torch.nn.init.normal_(p.data, std=0.25)
    return model


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """A checkpoint of each configuration."""
    home = tmp_path_factory.mktemp("checkpoints")
    return {name: save_hub(fresh(config), home / f"{i}") for i, (name, config) in enumerate(CONFIGS.items())}


@pytest.fixture
def folder(tmp_path):
    return save_hub(fresh(CONFIGS["llama"]), tmp_path / "llama")


def edit(folder, **changes):
    path = folder / "config.json"
    config = json.loads(path.read_text())
    path.write_text(json.dumps({**config, **changes}))


@every
def test_logits_equal_plain_loops_over_the_file(name, folders):
    config = CONFIGS[name] | {"layer_norm_epsilon": 1e-4}
    tensors = {key: t.double() for key, t in load_file(folders[name] / "model.safetensors").items()}
    with torch.no_grad():
        ours = load_hub(folders[name]).model(IDS)
    for row, ids in zip(ours, IDS.tolist(), strict=True):
        torch.testing.assert_close(row.double(), plain_decoder.logits(config, tensors, ids), rtol=1e-4, atol=2e-5)


@every
def test_a_cached_step_equals_the_full_forward(name, folders):
    model = load_hub(folders[name]).model
    mask = torch.arange(6) >= torch.tensor([[0], [4], [2]])
    with torch.no_grad():
        hidden, state = model.hidden(IDS[:, :6], model.new_state(3, 29), mask)
        found = [hidden]
        for t in range(6, LENGTH):
            hidden, state = model.hidden(IDS[:, t : t + 1], state)
            found.append(hidden)
        logits = model.head(torch.cat(found, 1))
        for row, skipped in enumerate((0, 4, 2)):
            whole = model(IDS[row : row + 1, skipped:])[0]
            torch.testing.assert_close(logits[row, skipped:], whole, rtol=1e-4, atol=2e-5)


@every
def test_saved_again_in_shards_the_same(name, folders, tmp_path):
    first = load_hub(folders[name]).model
    save_hub(first, tmp_path / "again", shard=9_000)
    assert len(list((tmp_path / "again").glob("model-*-of-*.safetensors"))) > 2
    second = load_hub(tmp_path / "again").model
    assert torch.equal(first(IDS), second(IDS))
    assert sum(p.numel() for p in second.parameters()) == sum(p.numel() for p in first.parameters())
    whole, parts = load_file(folders[name] / "model.safetensors"), {}
    for path in (tmp_path / "again").glob("*.safetensors"):
        parts |= load_file(path)
    assert whole.keys() == parts.keys()
    assert all(torch.equal(whole[key], parts[key]) for key in whole)


@every
def test_stored_in_bfloat16_it_is_read_exactly(name, folders, tmp_path):
    model = load_hub(folders[name]).model
    save_hub(model, tmp_path / "half", dtype=torch.bfloat16)
    again = load_hub(tmp_path / "half").model
    assert all(t.dtype == torch.bfloat16 for t in load_file(tmp_path / "half" / "model.safetensors").values())
    for ours, theirs in zip(again.parameters(), model.parameters(), strict=True):
        assert torch.equal(ours, theirs.to(torch.bfloat16).float())
    small = load_hub(tmp_path / "half", dtype=torch.bfloat16).model
    assert small(IDS).dtype == torch.bfloat16


@every
def test_a_family_is_built_by_name_as_bundles_do_it(name):
    model = fresh(CONFIGS[name])
    kind = CONFIGS[name]["model_type"]
    again = build("gpt", model.config()) if kind == "gpt2" else build(kind, json.loads(json.dumps(model.config())))
    again.load_state_dict(model.state_dict())
    assert torch.equal(again.eval()(IDS), model(IDS))


def test_weights_can_be_trained_and_tied_ones_stay_one(folders):
    for name in ("llama, tied", "gpt2", "gemma3"):
        model = load_hub(folders[name]).model.train()
        assert model.output.weight is model.embedding.weight
        model(IDS).sum().backward()
        assert all(p.grad is not None for p in model.parameters())
    assert load_hub(folders["llama"]).model.output.weight is not load_hub(folders["llama"]).model.embedding.weight


@pytest.mark.parametrize("kind", ["gpt", "decoder"])
def test_our_own_models_are_saved_in_a_published_layout(kind, tmp_path):
    more = {} if kind == "gpt" else {"kv_heads": 2, "window": 3, "tied": False}
    model = build(kind, {"vocab_size": 89, "width": 40, "depth": 5, "heads": 4, "context_length": 17, **more}).eval()
    save_hub(model, tmp_path / "own")
    assert torch.equal(load_hub(tmp_path / "own").model(IDS), model(IDS))
    assert not list(tmp_path.glob(".tmp*"))


@pytest.mark.parametrize("name", ["gpt2", "llama", "own gpt", "own decoder"])
@pytest.mark.parametrize("eos_ids", [(7, 9), (0,), ()])
def test_end_tokens_are_saved_as_they_were_loaded(name, eos_ids, folders, tmp_path):
    if name.startswith("own"):
        model = build(
            name[4:], {"vocab_size": 89, "width": 24, "depth": 1, "heads": 2, "context_length": 17, **KV[name]}
        )
    else:
        model = load_hub(folders[name]).model
    folder = save_hub(model, tmp_path / "a", eos_ids=eos_ids)
    found = load_hub(folder)
    assert found.eos_ids == load_hub(save_hub(found.model, tmp_path / "b", eos_ids=found.eos_ids)).eos_ids == eos_ids
    # Without the key, transformers has 50256 for a GPT-2 and 2 for a Llama.
    assert (
        json.loads((folder / "config.json").read_text())["eos_token_id"] == {(7, 9): [7, 9], (0,): 0, (): None}[eos_ids]
    )
    assert load_hub(save_hub(model, tmp_path / "c")).eos_ids == ((2,) if name == "llama" else ())
    with pytest.raises(UserError, match="the end token 89 is not in the vocabulary; expected ids from 0 to 88"):
        save_hub(model, tmp_path / "d", eos_ids=(7, 89))


def test_end_tokens_of_generation_config_count_before_those_of_config(folders, tmp_path):
    folder = save_hub(fresh(CONFIGS["llama"]), tmp_path / "a")
    (folder / "generation_config.json").write_text('{"eos_token_id": [7, 9]}')
    found = load_hub(folder)
    again = save_hub(found.model, tmp_path / "b", eos_ids=found.eos_ids)
    assert json.loads((again / "generation_config.json").read_text())["eos_token_id"] == [7, 9]
    assert load_hub(again).eos_ids == (7, 9)


def test_settings_of_generation_that_count_only_when_they_are_given_are_said(folders, tmp_path):
    folder = save_hub(fresh(CONFIGS["llama"]), tmp_path / "a")
    given = {"eos_token_id": 7, "max_length": 20, "num_beams": 1, "top_p": 0.8, "temperature": 0.6}
    for more, said in (
        ({"repetition_penalty": 1.05}, "repetition_penalty 1.05"),
        ({"do_sample": True, "bad_words_ids": [[3]]}, "temperature 0.6, top_p 0.8, bad_words_ids [[3]]"),
    ):
        (folder / "generation_config.json").write_text(json.dumps(given | more))
        with pytest.warns(UserWarning, match=re.escape(f"({said}) have no effect unless you ask for them")):
            load_hub(folder)
    for more in ({}, {"do_sample": False, "repetition_penalty": 1.0}):
        (folder / "generation_config.json").write_text(json.dumps(given | more))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            load_hub(folder)


def test_a_model_without_a_place_in_the_layout_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"LSTM cannot be saved in this layout; .* are gpt, decoder and .*save_bundle"):
        save_hub(LSTM(89, 8, 8, 1), tmp_path / "lstm")
    assert not list(tmp_path.iterdir())


# --- the old layout of a config.json


def test_old_keys_mean_the_same_as_new_ones():
    def same(old, new):
        a, b = fresh(old), fresh(new)
        b.load_state_dict(a.state_dict())
        torch.testing.assert_close(a(IDS), b(IDS), rtol=0, atol=0)

    def without(config, *keys, **more):
        return {k: v for k, v in config.items() if k not in keys} | more

    same(without(made("llama"), "rope_parameters", rope_theta=1000.0), made("llama"))
    scaling = {"type": "linear", "factor": 3.0}
    new = made("llama", rope_parameters=LINEAR)
    same(without(new, "rope_parameters", rope_theta=1000.0, rope_scaling=scaling), new)
    new = CONFIGS["gemma3"]
    old = without(new, "rope_parameters", rope_theta=1000.0, rope_local_base_freq=1000.0, rope_scaling=scaling)
    same(old, new)
    same(without(old, "layer_types", sliding_window_pattern=2), new)
    new = CONFIGS["qwen2, windows"]
    same(without(new, "layer_types", max_window_layers=1), new)
    same(without(CONFIGS["gemma2"], "layer_types"), CONFIGS["gemma2"])
    new = made("llama", num_attention_heads=3, num_key_value_heads=3, head_dim=10)
    same(without(new, "num_key_value_heads", "head_dim"), new)


@pytest.mark.parametrize("family", ["mistral", "qwen2", "qwen3"])
def test_a_window_that_is_null_is_none(family):
    """As transformers has it: 4096 stands for a missing key only; layers that ask for a window must get one."""
    config = made(family, use_sliding_window=True, max_window_layers=0, sliding_window=None)
    assert [block.window for block in from_config(config).blocks] == [None] * 3
    missing = {key: value for key, value in config.items() if key != "sliding_window"}
    assert [block.window for block in from_config(missing).blocks] == [4096] * 3
    kinds = ["full_attention", "sliding_attention", "full_attention"]
    assert [block.window for block in from_config(missing | {"layer_types": kinds}).blocks] == [None, 4096, None]
    with pytest.raises(UserError, match=f"{family}: key 'sliding_window' is None, expected a whole number, for layer_"):
        from_config(config | {"layer_types": kinds})


# --- what is refused


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model_type": "llma"}, "unknown model_type 'llma'; did you mean 'llama'"),
        ({"model_type": ["llama"]}, "unknown model_type"),
        ({"hidden_size": 10**9}, "llama: key 'hidden_size' is 1000000000, expected a whole number from 1 to 65,536"),
        ({"num_hidden_layers": 10**9}, "key 'num_hidden_layers'"),
        ({"vocab_size": 2**31}, "key 'vocab_size' is 2147483648"),
        ({"vocab_size": True}, "key 'vocab_size' is True"),
        ({"vocab_size": None}, "key 'vocab_size' is missing"),
        ({"num_attention_heads": 0}, "key 'num_attention_heads' is 0"),
        ({"num_key_value_heads": 4}, "key 'num_key_value_heads' is 4, expected a divisor of num_attention_heads"),
        ({"head_dim": 7}, "key 'head_dim' is 7, expected an even number"),
        ({"head_dim": None, "num_attention_heads": 7}, "key 'num_attention_heads' is 7, expected a divisor"),
        ({"hidden_act": "os.system"}, "key 'hidden_act' is 'os.system', which Lingon does not support; known: silu"),
        ({"rms_norm_eps": "1e-6"}, "key 'rms_norm_eps'"),
        ({"rope_parameters": [1]}, r"key 'rope_parameters' is \[1\], expected an object"),
        ({"rope_parameters": PLAIN | {"rope_type": "dynamic"}}, "rope_parameters: key 'rope_type' is 'dynamic'"),
        ({"rope_parameters": YARN | {"factor": None}}, "rope_parameters: key 'factor' is missing"),
        ({"rope_parameters": YARN | {"beta_fast": 0.5}}, "'beta_fast' is 0.5, expected a number over beta_slow"),
        ({"rope_parameters": YARN | {"rope_theta": 1.0}}, "'rope_theta' is 1.0, expected a number over 1 for yarn"),
        ({"rope_parameters": YARN | {"attention_factor": -1.0}}, "'attention_factor' is -1.0, expected a number over"),
        ({"rope_parameters": {"rope_type": "linear"}}, "rope_parameters: key 'factor' is missing"),
        ({"rope_parameters": LINEAR | {"factor": 0}}, "key 'factor' is 0, expected a number over 0"),
        ({"rope_parameters": PLAIN | {"partial_rotary_factor": 0.5}}, "key 'partial_rotary_factor' is 0.5"),
        ({"tie_word_embeddings": "no"}, "key 'tie_word_embeddings' is 'no', expected true or false"),
        ({"quantization_config": {"bits": 4}}, "key 'quantization_config'"),
        ({"hidden_size": 60000, "num_hidden_layers": 256, "intermediate_size": 2**20}, "tensor .* key 'hidden_size'"),
        ({"num_hidden_layers": 4}, "tensor 'model.layers.3.input_layernorm.weight' is missing"),
        ({"hidden_size": 42}, r"weight' is \[89, 30\], config.json expects \[89, 42\]; key 'hidden_size' is 42$"),
        ({"vocab_size": 97}, r"weight' is \[89, 30\], config.json expects \[97, 30\]; key 'vocab_size' is 97$"),
        (
            {"intermediate_size": 31},
            r"tensor 'model.layers.0.mlp.gate_proj.weight' is \[37, 30\], .* expects \[31, 30\]",
        ),
        ({"num_hidden_layers": 2}, "unknown tensor 'model.layers.2"),
        ({"mlp_bias": True, "num_hidden_layers": 2}, "tensor 'model.layers.0.mlp.gate_proj.bias' is missing"),
        ({"is_causal": False}, "llama: key 'is_causal' is False, expected true"),
        ({"is_causal": "no"}, "key 'is_causal' is 'no', expected true or false"),
        ({"pruned_heads": {"0": [1]}}, "key 'pruned_heads'"),
        ({"eos_token_id": "end"}, "key 'eos_token_id' is 'end', expected ids"),
    ],
)
def test_a_wrong_configuration_is_named_before_memory_is_taken(folder, changes, message):
    edit(folder, **changes)
    before, start = psutil.Process().memory_info().rss, time.process_time()
    with pytest.raises(DataError, match=message) as caught:
        load_hub(folder)
    assert str(folder) in str(caught.value)
    assert time.process_time() - start < 5
    assert psutil.Process().memory_info().rss - before < 64 << 20


def weights(folder):
    return load_file(folder / "model.safetensors")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_weights_that_are_not_finite_are_named(folder, value):
    tensors = weights(folder)
    tensors["model.layers.1.mlp.up_proj.weight"][2, 3] = value
    save_file(tensors, folder / "model.safetensors")
    with pytest.raises(DataError, match=r"tensor 'model.layers.1.mlp.up_proj.weight' holds NaN or infinite numbers"):
        load_hub(folder)


def test_missing_superfluous_twisted_and_other_types_are_named(folder):
    whole = weights(folder)

    def with_(changes, message):
        tensors = {k: v for k, v in {**whole, **changes}.items() if v is not None}
        save_file(tensors, folder / "model.safetensors")
        with pytest.raises(DataError, match=message):
            load_hub(folder)

    with_({"model.norm.weight": None}, "tensor 'model.norm.weight' is missing")
    with_({"lm_head.weight": None}, "'lm_head.weight' is missing; .* the embedding, set 'tie_word_embeddings' to true$")
    with_({"model.norm.weight": None, "model.nrom.weight": torch.ones(30)}, "tensor 'model.norm.weight' is missing")
    with_({"score.weight": torch.ones(2, 30)}, "unknown tensor 'score.weight'")
    with_(
        {"lm_head.weight": torch.ones(30, 89)}, r"tensor 'lm_head.weight' is \[30, 89\], config.json expects \[89, 30\]"
    )
    with_({"lm_head.weight": torch.ones(89, 30, dtype=torch.int8)}, "is of int8; weights of float32")
    with_({"lm_head.weight": torch.ones(89, 30).to(torch.float8_e4m3fn)}, "is of float8_e4m3fn")


def test_masks_and_frequencies_of_old_checkpoints_are_left_out_and_a_bare_body_is_read(folders, tmp_path):
    config = CONFIGS["gpt2"]
    folder = save_hub(fresh(config), tmp_path / "gpt2")
    tensors = {name.removeprefix("transformer."): t for name, t in weights(folder).items()}
    tensors["h.0.attn.bias"] = torch.ones(1, 1, 61, 61)
    tensors["h.0.attn.masked_bias"] = torch.tensor(-1e4)
    tensors["lm_head.weight"] = tensors["wte.weight"].clone()
    save_file(tensors, folder / "model.safetensors")
    assert torch.equal(load_hub(folder).model(IDS), load_hub(folders["gpt2"]).model(IDS))


def test_shards_that_are_missing_twice_or_elsewhere_are_named(tmp_path):
    folder = save_hub(fresh(CONFIGS["llama"]), tmp_path / "llama", shard=20_000)
    files = sorted(folder.glob("model-*.safetensors"))
    index = json.loads((folder / weight_files.INDEX).read_text())

    def refused(message, **changes):
        (folder / weight_files.INDEX).write_text(json.dumps(index | changes))
        with pytest.raises(DataError, match=message):
            load_hub(folder)
        (folder / weight_files.INDEX).write_text(json.dumps(index))

    held = index["weight_map"]
    for bad in ("../model.safetensors", "/etc/passwd", "a/b.safetensors", "x.bin", "..safetensors"):
        refused("is not the name of a safetensors file", weight_map=held | {"model.norm.weight": bad})
    refused("no 'weight_map'", weight_map=[])
    refused("no 'weight_map'", weight_map={"a": 1})
    files[1].rename(folder / "aside")
    refused(f"{files[1].name} is missing, one of {len(files)} files")
    (folder / "aside").write_bytes(files[0].read_bytes())
    (folder / "aside").rename(files[1])
    refused("is in another file too")


def test_a_folder_without_weights_says_what_it_has(folder, tmp_path):
    (folder / "model.safetensors").unlink()
    with pytest.raises(DataError, match=r"no model.safetensors and no model.safetensors.index.json$"):
        load_hub(folder)
    (folder / "pytorch_model.bin").write_bytes(b"x")
    with pytest.raises(DataError, match=r"pytorch_model.bin is a pickle, which Lingon does not read"):
        load_hub(folder)
    with pytest.raises(UserError, match=r"there is no folder .*, and a name on the hub looks like hf:owner/name"):
        load_hub(tmp_path / "nowhere")


def test_a_file_cut_short_is_named(folder):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(DataError, match=r"model.safetensors|not complete safetensors"):
        load_hub(folder)


def test_a_name_goes_to_the_hub_and_nowhere_else(monkeypatch, folders):
    asked = []

    def fetched(name, allow_patterns):
        asked.append((name, allow_patterns))
        return str(folders["llama"])

    monkeypatch.setattr("huggingface_hub.snapshot_download", fetched)
    assert torch.equal(load_hub("hf:owner/name").model(IDS), load_hub(folders["llama"]).model(IDS))
    assert asked == [("owner/name", source_folder.NEEDED)]
    assert not [p for p in source_folder.NEEDED if p.endswith((".bin", ".py", ".pt"))]

    def failing(name, allow_patterns):
        raise OSError("no network")

    monkeypatch.setattr("huggingface_hub.snapshot_download", failing)
    with pytest.raises(UserError, match=r"hf:owner/name could not be fetched from the hub \(no network\)"):
        load_hub("hf:owner/name")

    def failing_without_a_text(name, allow_patterns):
        raise TimeoutError

    monkeypatch.setattr("huggingface_hub.snapshot_download", failing_without_a_text)
    with pytest.raises(UserError, match=r"could not be fetched from the hub \(TimeoutError\)"):
        load_hub("hf:owner/name")


def test_seven_hundred_random_configurations_are_ours_to_refuse():
    """Whatever JSON says, it is a model of few numbers or our error; nothing is imported by a name from it."""
    rng, made_some, said = random.Random(0), 0, []
    keys = [*SIZES, "rope_parameters", "layer_types", "sliding_window", "hidden_act", "rope_scaling", "rope_theta"]
    keys += ["tie_word_embeddings", "attention_bias", "use_sliding_window", "max_window_layers", "n_embd", "n_layer"]
    values = [0, 1, 2, 6, -1, 2**31, 10**30, 0.5, 1e308, float("nan"), None, True, "", "silu", "x" * 999, [], [1], {}]
    values += [LINEAR, PLAIN, {"full_attention": 3}, ["full_attention"] * 3, {"rope_type": {}}]
    modules = set(__import__("sys").modules)
    for _ in range(700):
        config = dict(rng.choice(list(CONFIGS.values())))
        config |= {rng.choice(keys): rng.choice(values) for _ in range(rng.randint(1, 3))}
        try:
            model = from_config(config, limit=100_000, device="meta")
            assert sum(p.numel() for p in model.parameters()) <= 100_000
            made_some += 1
        except UserError as error:
            said.append(str(error))
    assert max(map(len, said)) < 400
    assert 100 < made_some < 600
    assert set(__import__("sys").modules) == modules


def test_hostile_headers_are_ours_to_refuse(folder):
    """The header of a weights file, with bytes changed: a model, or our error; never more memory or time."""
    rng, path = random.Random(0), folder / "model.safetensors"
    whole = path.read_bytes()
    header = int.from_bytes(whole[:8], "little")
    before, said = psutil.Process().memory_info().rss, []
    for _ in range(300):
        data = bytearray(whole)
        for _ in range(rng.randint(1, 4)):
            data[rng.randrange(8 + header)] = rng.choice(b'0123456789{}[]",:\x00\xff')
        path.write_bytes(bytes(data))
        try:
            load_hub(folder)
        except UserError as error:
            said.append(str(error))
    assert len(said) > 200
    assert all(os.fspath(folder) in message for message in said)
    assert psutil.Process().memory_info().rss - before < 64 << 20


def test_an_output_beside_a_tied_embedding_counts_when_it_is_another(tmp_path):
    folder = save_hub(fresh(CONFIGS["llama"]), tmp_path / "a")
    wanted = load_hub(folder).model(IDS)
    edit(folder, tie_word_embeddings=True)
    with pytest.warns(UserWarning, match="lm_head.weight differs from the embedding"):
        found = load_hub(folder).model
    assert torch.equal(found(IDS), wanted)
    assert load_hub(save_hub(found, tmp_path / "b")).model.config()["tie_word_embeddings"] is False
    tensors = load_file(folder / "model.safetensors")
    tensors["lm_head.weight"] = tensors["model.embed_tokens.weight"].clone()
    save_file(tensors, folder / "model.safetensors")
    model = load_hub(folder).model
    assert model.output.weight is model.embedding.weight


@pytest.mark.parametrize("name", CONFIGS)
def test_no_family_reads_what_is_not_causal_as_causal(name):
    with pytest.raises(UserError, match="key 'is_causal' is False"):
        from_config(CONFIGS[name] | {"is_causal": False})
    assert from_config(CONFIGS[name] | {"is_causal": True}, device="meta")


def test_gemma_3_with_rotations_of_both_layouts_is_refused():
    gemma = made("gemma3_text", layer_types=None)
    linear = {"rope_scaling": {"rope_type": "linear", "factor": 8.0}}
    kinds = {"full_attention": PLAIN, "sliding_attention": PLAIN}
    with pytest.raises(UserError, match=r"key 'rope_scaling' is .*, expected null beside rope_parameters"):
        from_config(gemma | linear | {"rope_parameters": kinds})
    assert from_config(gemma | {"rope_scaling": None, "rope_parameters": kinds}, device="meta")


def longer_tokenizer(base, *added):
    """A tokenizer of so many tokens in its table, and those that were added."""
    table = {f"w{i}": i for i in range(base - 1)} | {"[unk]": base - 1}
    library = tokenizers.Tokenizer(tokenizers.models.WordLevel(table, unk_token="[unk]"))
    library.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
    library.add_tokens([*added])
    return library


def test_a_tokenizer_one_token_longer_than_the_embedding_loads_and_its_id_is_refused_when_met(folder):
    """As published checkpoints of Gemma 3 are: the token stands for a picture, which models of text have not."""
    longer_tokenizer(89, "<image>").save(str(folder / "tokenizer.json"))
    model = lingon.load(folder)
    assert len(model.tokenizer.vocab) == 89
    assert len(model.pieces.by_id) == 89
    assert model.logprobs("w1 w2 w3")
    for read in (model.tokenizer.encode, lambda text: model.tokenizer.encode_batch([text]), model.logprobs):
        with pytest.raises(UserError, match="token '<image>' is id 89, but the model has 89 embeddings"):
            read("w1 <image> w2")
    longer_tokenizer(90).save(str(folder / "tokenizer.json"))
    with pytest.raises(DataError, match="the tokenizer has 90 tokens, the model was made for 89"):
        lingon.load(folder)


@pytest.mark.parametrize("base", [89, 83])
def test_a_bundle_of_a_published_model_loads_with_a_longer_and_a_shorter_tokenizer(base, folder, tmp_path):
    longer_tokenizer(base, *(["<image>"] if base == 89 else [])).save(str(folder / "tokenizer.json"))
    model = lingon.load(folder)
    save_bundle(model, model.model.config()["model_type"], tmp_path / "bundle", {})
    again = lingon.load(tmp_path / "bundle")
    assert again.logprobs("w1 w2 w3") == model.logprobs("w1 w2 w3")
    if base == 89:
        with pytest.raises(UserError, match="token '<image>' is id 89"):
            again.logprobs("w1 <image>")
