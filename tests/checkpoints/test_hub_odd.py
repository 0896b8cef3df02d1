"""Checkpoints with odd settings: the logits of transformers, or an error that names the setting; and tokenizers."""

import json
import random
from pathlib import Path

import pytest
import torch

from lingon.checkpoints.huggingface.load import load_hub
from lingon.checkpoints.huggingface.save import save_hub
from lingon.core.errors import UserError
from lingon.data.tokenizers.huggingface import read_tokenizer
from lingon.data.tokenizers.train import bpe
from tests.checkpoints.conftest import PIECES, assert_same
from tests.models.family_configs import GPT2, LINEAR, LLAMA3, PLAIN, SIZES, F, S, made

pytestmark = pytest.mark.long
IDS = torch.randint(89, (3, 23), generator=torch.Generator().manual_seed(0))
DRAWS = 12
YARN = {"rope_type": "yarn", "rope_theta": 1000.0, "factor": 3.0, "original_max_position_embeddings": 23}
DYNAMIC = {"rope_type": "dynamic", "rope_theta": 1000.0, "factor": 3.0}
# Heads that do not divide the width of 30, or do; one head of keys, as many as of queries, or between.
HEADS = [(6, 2, 14), (6, 6, 10), (5, 1, 6), (3, 3, 22), (10, 2, 8)]
ROTARY = {
    "heads": HEADS,
    "rope_parameters": [PLAIN, PLAIN, LINEAR, LLAMA3, YARN, DYNAMIC, {**LINEAR, "partial_rotary_factor": 0.5}],
    "tie_word_embeddings": [True, False],
    "rms_norm_eps": [1e-6, 1e-2],
    "num_hidden_layers": [1, 3],
}
ACTS = {"hidden_act": ["silu", "silu", "gelu", "gelu_pytorch_tanh", "relu", "tanh"]}
BIAS = {"attention_bias": [True, False]}
WINDOWS = {
    "use_sliding_window": [True, False],
    "sliding_window": [3, 7, None],
    "max_window_layers": [0, 1, 5],
    "layer_types": [None, None, [S, F, S], [F, S, S]],
}
GEMMA = {
    "query_pre_attn_scalar": [7, 14, 256],
    "sliding_window": [3, 7],
    "hidden_activation": ["gelu_pytorch_tanh", "gelu_pytorch_tanh", "silu", "tanh"],
    "final_logit_softcapping": [None, 3.0],
}
CAP = {"attn_logit_softcapping": [None, 5.0]}
ODD = {
    "gpt2": {
        "n_inner": [None, 41],
        "n_head": [5, 6, 3],
        "n_layer": [1, 3],
        "tie_word_embeddings": [True, False],
        "layer_norm_epsilon": [1e-5, 1e-2],
        "activation_function": ["gelu_new", "gelu_new", "gelu_pytorch_tanh", "gelu", "relu"],
        "scale_attn_by_inverse_layer_idx": [False, False, False, True],
        "scale_attn_weights": [True, True, True, False],
        "reorder_and_upcast_attn": [True, False],
    },
    "llama": ROTARY | ACTS | BIAS | {"mlp_bias": [True, False], "pretraining_tp": [1, 2]},
    "mistral": ROTARY | ACTS | {"sliding_window": [None, 3, 7], "layer_types": [None, [S, F, S]]},
    "qwen2": ROTARY | ACTS | WINDOWS,
    "qwen3": ROTARY | ACTS | WINDOWS | BIAS,
    "gemma2": ROTARY | GEMMA | CAP | BIAS | {"layer_types": [None, [F, S, S]]},
    "gemma3_text": ROTARY | GEMMA | CAP | BIAS | {"layer_types": [None, [F, S, S]]},
}
ACTIVATIONS = {"activation_function": ("gelu_new", "gelu_pytorch_tanh")}
ACTIVATIONS |= dict.fromkeys(("hidden_act", "hidden_activation"), ("silu", "gelu", "gelu_pytorch_tanh", "relu"))


def drawn(family: str, seed: int) -> dict:
    draw = random.Random(f"{family} {seed}")
    found = {key: draw.choice(values) for key, values in ODD[family].items()}
    if family == "gpt2":
        return GPT2 | found
    heads, kv_heads, head_width = found.pop("heads")
    found |= {"num_attention_heads": heads, "num_key_value_heads": kv_heads, "head_dim": head_width}
    # Without a window, transformers has no mask for layers that ask for one.
    windows = found.get("use_sliding_window", True) and found.get("sliding_window") is not None
    if found.get("layer_types") and windows:
        found["layer_types"] = found["layer_types"][: found["num_hidden_layers"]]
    elif "layer_types" in found:
        del found["layer_types"]
    if family == "gemma3_text":
        near = draw.choice([PLAIN, LINEAR])
        found["rope_parameters"] = {F: found["rope_parameters"], S: near}
    return SIZES | {"model_type": family} | found


def refused(config: dict) -> list[str]:
    """The keys of what is not read."""
    found = [key for key, known in ACTIVATIONS.items() if config.get(key, known[0]) not in known]
    found += ["scale_attn_by_inverse_layer_idx"] if config.get("scale_attn_by_inverse_layer_idx") else []
    found += ["scale_attn_weights"] if not config.get("scale_attn_weights", True) else []
    rope = config.get("rope_parameters", PLAIN)
    rope = rope.get(F, rope)
    found += ["type"] if rope["rope_type"] == "dynamic" else []
    found += ["partial_rotary_factor"] if "partial_rotary_factor" in rope else []
    gemma3 = config["model_type"] == "gemma3_text"
    return found + (["attn_logit_softcapping"] if gemma3 and config["attn_logit_softcapping"] else [])


def as_older(folder: Path) -> None:
    """Rewrites config.json in the layout that was usual before 2026."""
    path = folder / "config.json"
    config = json.loads(path.read_text())
    rope = config.pop("rope_parameters")
    if F in rope:
        config["rope_local_base_freq"] = rope[S]["rope_theta"]
        rope = rope[F]
    config["rope_theta"] = rope.pop("rope_theta")
    if rope["rope_type"] != "default":
        config["rope_scaling"] = {"type" if key == "rope_type" else key: x for key, x in rope.items()}
    path.write_text(json.dumps(config))


@pytest.mark.parametrize("seed", range(DRAWS))
@pytest.mark.parametrize("family", ODD)
def test_odd_settings_give_the_same_logits_or_are_named(family, seed, peer, tmp_path):
    config = drawn(family, seed) | {"model_type": family}
    folder = tmp_path / "made"
    kind, shard = ("bfloat16", "1GB") if seed % 3 == 1 else ("float32", "30KB" if seed % 3 == 2 else "1GB")
    peer.ask("make", {"config": config, "folder": str(folder), "seed": seed, "dtype": kind, "shard": shard})
    if seed % 2 and family != "gpt2" and not _nested_stretch(config):
        as_older(folder)
    if names := refused(config):
        with pytest.raises(UserError, match="|".join(names)):
            load_hub(folder)
        return
    model = load_hub(folder).model
    theirs = torch.tensor(peer.ask("logits", {"folder": str(folder), "ids": IDS.tolist()})["logits"])
    with torch.no_grad():
        assert (model(IDS) - theirs).abs().max() < 1e-4 * max(1, float(theirs.abs().max()))
    save_hub(model, tmp_path / "again", shard=20_000)
    again = torch.tensor(peer.ask("logits", {"folder": str(tmp_path / "again"), "ids": IDS.tolist()})["logits"])
    torch.testing.assert_close(again, theirs, rtol=1e-5, atol=1e-5)


def _nested_stretch(config: dict) -> bool:
    """Whether layers with a window are stretched too, for which the older layout has no place."""
    return config["rope_parameters"].get(S, PLAIN) != PLAIN


@pytest.mark.parametrize("family", ["gpt2", "llama", "gemma3_text"])
def test_an_output_of_its_own_is_used_whatever_is_said_of_it(family, peer, tmp_path):
    config = (GPT2 if family == "gpt2" else made(family)) | {"model_type": family, "tie_word_embeddings": False}
    peer.ask("make", {"config": config, "folder": str(tmp_path)})
    path = tmp_path / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"tie_word_embeddings": True}))
    theirs = torch.tensor(peer.ask("logits", {"folder": str(tmp_path), "ids": IDS.tolist()})["logits"])
    with pytest.warns(UserWarning, match="differs from the embedding"), torch.no_grad():
        ours = load_hub(tmp_path).model(IDS)
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)


def test_half_of_what_is_drawn_is_read():
    """So that the test above cannot pass by expecting refusals."""
    read = [not refused(drawn(family, seed)) for family in ODD for seed in range(DRAWS)]
    assert sum(read) > len(read) / 3


@pytest.mark.data
@pytest.mark.parametrize("kind", ["GPT2Tokenizer", "Qwen2Tokenizer"])
def test_tokenizers_of_bytes_are_equal_on_ten_thousand_strings(kind, peer, texts, tmp_path):
    content = json.loads(bpe(json.loads(texts.read_text()), 1000).library.to_str())["model"]
    vocab = content["vocab"] | {"<|endoftext|>": len(content["vocab"])}
    asked = {"kind": kind, "folder": str(tmp_path), "vocab": vocab, "merges": content["merges"]}
    equal(peer, asked, texts, tmp_path)


@pytest.mark.data
@pytest.mark.parametrize("kind", ["GemmaTokenizer", "LlamaTokenizer"])
def test_tokenizers_of_pieces_are_equal_on_ten_thousand_strings(kind, peer, texts, tmp_path):
    options = PIECES["gemma3" if kind == "GemmaTokenizer" else "llama"]
    made = peer.ask("pieces", {"folder": str(tmp_path), "texts": str(texts), "options": options})
    vocab = {token: i for i, token in enumerate(made["tokens"])}
    for name in ("<bos>", "<eos>", "<pad>", "<mask>") if kind == "GemmaTokenizer" else ():
        vocab.setdefault(name, len(vocab))
    scores = dict(zip(made["tokens"], made["scores"], strict=True))
    merges = peer.ask("merges", {"vocab": {token: vocab[token] for token in scores}, "scores": scores})["merges"]
    equal(peer, {"kind": kind, "folder": str(tmp_path), "vocab": vocab, "merges": merges}, texts, tmp_path)


def equal(peer, asked, texts, folder):
    peer.ask("tokenizer", asked)
    theirs = peer.ask("encode", {"folder": str(folder), "texts": str(texts)})["ids"]
    assert_same(read_tokenizer(folder).encode_batch(json.loads(texts.read_text())), theirs, texts)
