"""GGUF against the gguf package, transformers and SentencePiece, in an environment of their own."""

import json
import os
import unicodedata

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from tokenizers.pre_tokenizers import ByteLevel

from lingon.checkpoints.gguf.architectures import tokenizer_of
from lingon.checkpoints.gguf.load import load_gguf
from lingon.checkpoints.gguf.save import save_gguf
from lingon.data.corpora.weights import WEIGHTS, fetch_weights
from lingon.data.files.gguf import GGUF
from lingon.data.files.gguf_blocks import QUANTIZERS
from lingon.data.tokenizers.gguf_pre import PRE_TOKENIZERS
from lingon.data.tokenizers.train import bpe
from lingon.models.from_config import from_config
from lingon.models.registry import build
from lingon.tasks.language_model import LanguageModel, SamplingParams
from tests.checkpoints.conftest import PIECES, assert_same
from tests.checkpoints.gguf_models import MODELS, NEAR, WIDE, converted
from tests.data.gguf_files import BLOCKS, gguf_bytes, random_blocks
from tests.models.family_configs import F, S, made

pytestmark = pytest.mark.long
# Patterns of src/llama-vocab.cpp of llama.cpp, one step after the other.
WORDS = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)"
SHORT = r"(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
SHORT += r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
CASED = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"
CASED += r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"
CASED += r"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
PATTERNS = {
    "gpt-2": [WORDS],
    "llama-bpe": [SHORT],
    "qwen2": [SHORT.replace("{1,3}", "")],
    "smollm": [r"\p{N}", WORDS],
    "tekken": [CASED],
    "default": [r"[\p{P}\$\+<=>\^~\|]+", WORDS, r"\p{N}+", "[0-9][0-9][0-9]"],
}
IDS = torch.randint(89, (3, 23), generator=torch.Generator().manual_seed(0))
# transformers takes from a file less than there is, and the rest from the published models, so these are like them.
WIDEST = {"head_dim": 256, "num_attention_heads": 2, "num_key_value_heads": 1, "query_pre_attn_scalar": 256}
ALIKE = {
    "gpt2": {**MODELS["gpt2"], "n_inner": 120, "n_positions": 1024},
    "gpt2, untied": {**MODELS["gpt2, untied"], "n_inner": 120, "n_positions": 1024},
    "llama": MODELS["llama"],
    "llama, tied": MODELS["llama, tied"],
    "qwen2": MODELS["qwen2"],
    "qwen3": made("qwen3", head_dim=128),
    "gemma2": made("gemma2", **WIDEST, tied=True, sliding_window=5, layer_types=[S, F, S]),
    "gemma3": made(
        "gemma3_text", **WIDEST, tied=True, sliding_window=5, num_hidden_layers=7, layer_types=[S] * 5 + [F, S],
        rope_parameters={F: WIDE, S: NEAR},
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", BLOCKS)
def test_blocks_are_those_of_the_gguf_package(kind, gguf_peer, tmp_path):
    raw = random_blocks(kind, 7)
    path = tmp_path / "a.gguf"
    path.write_bytes(gguf_bytes({}, {"w": (kind, (7 * BLOCKS[kind][1],), raw)}))
    theirs = gguf_peer.ask("blocks", {"kind": kind, "raw": raw.hex()})["numbers"]
    np.testing.assert_allclose(GGUF(path).read("w"), theirs, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("name", ALIKE)
def test_the_same_file_gives_the_same_logits_there_and_here(name, gguf_peer, tmp_path):
    """And both those of the checkpoint that it was converted from."""
    gguf_peer.ask("make", {"config": ALIKE[name], "folder": str(tmp_path / "hub")})
    metadata, tensors = converted(ALIKE[name], load_file(tmp_path / "hub" / "model.safetensors"))
    (tmp_path / "a.gguf").write_bytes(gguf_bytes(metadata, tensors))
    asked = {"folder": str(tmp_path), "gguf": "a.gguf", "ids": IDS.tolist()}
    theirs = torch.tensor(gguf_peer.ask("logits", asked)["logits"])
    before = torch.tensor(gguf_peer.ask("logits", {"folder": str(tmp_path / "hub"), "ids": IDS.tolist()})["logits"])
    with torch.no_grad():
        ours = load_gguf(tmp_path / "a.gguf").model(IDS)
    torch.testing.assert_close(theirs, before, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)


def test_weights_in_few_bits_give_the_same_logits_and_go_on_alike(gguf_peer, tmp_path):
    config = ALIKE["gemma3"] | {"hidden_size": 256, "intermediate_size": 512}
    gguf_peer.ask("make", {"config": config, "folder": str(tmp_path / "hub")})
    metadata, tensors = converted(config, load_file(tmp_path / "hub" / "model.safetensors"))
    kinds = [*BLOCKS]
    for seed, (name, tensor) in enumerate(sorted(tensors.items())):
        if tensor.ndim == 2:
            kind = kinds[seed % len(kinds)]
            raw = random_blocks(kind, tensor.size // BLOCKS[kind][1], seed)
            tensors[name] = (kind, tensor.shape, raw)
    (tmp_path / "a.gguf").write_bytes(gguf_bytes(metadata, tensors))
    asked = {"folder": str(tmp_path), "gguf": "a.gguf", "ids": IDS.tolist()}
    theirs = torch.tensor(gguf_peer.ask("logits", asked)["logits"])
    with torch.no_grad():
        ours = load_gguf(tmp_path / "a.gguf").model(IDS)
    assert (ours - theirs).abs().max() < 1e-4 * theirs.abs().max()
    found = load_gguf(tmp_path / "a.gguf")
    model = LanguageModel(found.model, found.tokenizer, found.eos_ids)
    for prompt in ("the hat", "in a", "shin"):
        steps = model.sample([prompt], SamplingParams(max_new_tokens=20, temperature=0))
        wanted = gguf_peer.ask("greedy", asked | {"ids": model.encode(prompt), "tokens": 20})["ids"]
        assert [step[0].id for step in steps] == wanted


@pytest.mark.data
@pytest.mark.parametrize("architecture", PIECES)
def test_pieces_are_those_of_sentencepiece(architecture, gguf_peer, texts, tmp_path):
    options = PIECES[architecture]
    made = gguf_peer.ask("pieces", {"folder": str(tmp_path), "texts": str(texts), "options": options})
    metadata = {
        "general.architecture": architecture,
        "tokenizer.ggml.model": "llama",
        "tokenizer.ggml.tokens": made["tokens"],
        "tokenizer.ggml.scores": made["scores"],
        "tokenizer.ggml.token_type": made["kinds"],
        "tokenizer.ggml.bos_token_id": 1,
        "tokenizer.ggml.eos_token_id": 2,
        "tokenizer.ggml.unknown_token_id": 0,
        "tokenizer.ggml.add_space_prefix": options["add_dummy_prefix"],
    }
    (tmp_path / "a.gguf").write_bytes(gguf_bytes(metadata, {}))
    tokenizer = tokenizer_of(GGUF(tmp_path / "a.gguf"))
    ours = tokenizer.encode_batch(json.loads(texts.read_text()))
    asked = {"folder": str(tmp_path), "texts": str(texts)}
    assert_same(ours, [[1, *ids] for ids in gguf_peer.ask("piece_ids", asked)["ids"]], texts)
    if architecture == "gemma3":
        assert_same(ours, gguf_peer.ask("encode", asked | {"gguf": "a.gguf"})["ids"], texts)


@pytest.mark.data
@pytest.mark.parametrize("pre", ["gpt-2", "llama-bpe", "qwen2"])
def test_bytes_are_those_of_transformers(pre, gguf_peer, texts, tmp_path):
    content = json.loads(bpe(json.loads(texts.read_text()), 1000).library.to_str())["model"]
    tokens = sorted(content["vocab"], key=content["vocab"].__getitem__)
    metadata = {
        "general.architecture": {"gpt-2": "gpt2", "llama-bpe": "llama", "qwen2": "qwen2"}[pre],
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": pre,
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.token_type": [1] * len(tokens),
        "tokenizer.ggml.merges": [" ".join(pair) for pair in content["merges"]],
        "tokenizer.ggml.bos_token_id": 0,
        "tokenizer.ggml.eos_token_id": 0,
        "tokenizer.ggml.add_bos_token": False,
    }
    (tmp_path / "a.gguf").write_bytes(gguf_bytes(metadata, {}))
    tokenizer = tokenizer_of(GGUF(tmp_path / "a.gguf"))
    # Of Qwen, transformers leaves out the normal form when it reads a file, which its tokenizer.json has.
    given = [unicodedata.normalize("NFC", text) for text in json.loads(texts.read_text())]
    path = tmp_path / "given.json"
    path.write_text(json.dumps(given))
    theirs = gguf_peer.ask("encode", {"folder": str(tmp_path), "texts": str(path), "gguf": "a.gguf"})["ids"]
    assert_same(tokenizer.encode_batch(given), theirs, path)


@pytest.mark.parametrize("weight_type", ["F32", "F16", "Q8_0"])
@pytest.mark.parametrize("name", ["gpt2", "llama 3", "gemma2", "own"])
def test_the_gguf_package_reads_what_is_written(name, weight_type, peer, tmp_path):
    tokenizer = bpe(["the hat in the inn, the best of times"] * 3, 300)
    size = len(tokenizer.vocab)
    if name == "own":
        model = build("decoder", {"vocab_size": size, "width": 64, "depth": 2, "heads": 2, "kv_heads": 1})
    else:
        model = from_config(ALIKE.get(name, MODELS[name]) | {"vocab_size": size, "query_pre_attn_scalar": 256})
    path = save_gguf(model.eval(), tokenizer, tmp_path / "a.gguf", (0,), weight_type)
    ours, theirs = GGUF(path), peer.ask("gguf_file", {"path": str(path)})
    assert set(theirs["tensors"]) == set(ours.tensors)
    for tensor, found in theirs["tensors"].items():
        assert found["type"] == ours.info(tensor).type
        np.testing.assert_array_equal(np.array(found["numbers"], np.float32), ours.read(tensor))
    for key, value in ours.metadata.items():
        assert theirs["values"][key] == (value.tolist() if isinstance(value, np.ndarray) else value), key


def test_numbers_are_stored_as_by_the_gguf_package(peer):
    numbers = np.random.default_rng(0).normal(size=(7, 96)).astype(np.float32)
    numbers[3] = 0
    numbers[5, 33:] *= 1e-9
    for kind in ("F16", "Q8_0"):
        theirs = peer.ask("quantized", {"kind": kind, "numbers": numbers.tolist()})["raw"]
        assert QUANTIZERS[kind](numbers).hex() == theirs


@pytest.mark.data
@pytest.mark.parametrize("pre", ["gpt-2", "llama-bpe", "qwen2", "smollm", "tekken", "default"])
def test_words_are_cut_as_by_the_patterns_of_llama_cpp(pre, peer, texts):
    """By the package `regex`, on bytes alone as vocabulary: a word is what the pattern gives."""
    given = [text.replace("\x85", " ") for text in json.loads(texts.read_text())]
    theirs = peer.ask("cut", {"patterns": PATTERNS[pre], "texts": given})["words"]
    steps, letters = PRE_TOKENIZERS[pre].steps(), ByteLevel(add_prefix_space=False, use_regex=False)
    for text, words in zip(given, theirs, strict=True):
        as_bytes = [letters.pre_tokenize_str(word)[0][0] for word in words]
        assert [word for word, _ in steps.pre_tokenize_str(text)] == as_bytes, text


@pytest.mark.data
@pytest.mark.skipif(
    os.environ.get("LINGON_ACCEPT_GEMMA") != "1" and not WEIGHTS["gemma-270m"].cached,
    reason="Gemma has terms: read them (lingon data show gemma-270m), then set LINGON_ACCEPT_GEMMA=1",
)
def test_gemma_as_published_computes_what_transformers_does(gguf_peer, texts):
    path = fetch_weights("gemma-270m", accept_licence=True)
    place = {"folder": str(path.parent), "gguf": path.name}
    found = load_gguf(path)
    assert sum(p.numel() for p in found.model.parameters()) == 268_098_176
    ours = found.tokenizer.encode_batch(json.loads(texts.read_text()))
    assert_same(ours, gguf_peer.ask("encode", place | {"texts": str(texts)})["ids"], texts)
    model = LanguageModel(found.model, found.tokenizer, found.eos_ids)
    for text in ("The capital of France is", "It is a truth universally acknowledged, that", "def add(a, b):\n"):
        ids = model.encode(text)
        theirs = torch.tensor(gguf_peer.ask("logits", place | {"ids": [ids], "every": 997})["logits"])
        with torch.no_grad():
            logits = found.model(torch.tensor([ids]))[..., ::997]
        assert (logits - theirs).abs().max() < 1e-2 * theirs.abs().max()
        wanted = gguf_peer.ask("greedy", place | {"ids": ids, "tokens": 20})["ids"]
        assert model.generate(text, max_new_tokens=20, temperature=0) == model.pieces.decode(wanted).decode()
