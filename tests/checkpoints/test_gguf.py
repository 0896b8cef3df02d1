"""Models from GGUF files: those that were converted compute what they did before, and what is not read is refused."""

import math
import random
import re
import time
import tracemalloc

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from tokenizers.pre_tokenizers import ByteLevel

import lingon
from lingon.checkpoints.gguf.architectures import tokenizer_of
from lingon.checkpoints.gguf.load import load_gguf
from lingon.checkpoints.huggingface.load import load_hub
from lingon.checkpoints.huggingface.save import save_hub
from lingon.core.errors import DataError, UserError
from lingon.data.files.gguf import GGUF
from lingon.data.tokenizers.gguf_pre import PRE_TOKENIZERS
from lingon.export.portable import export
from lingon.models.from_config import from_config
from tests.checkpoints.gguf_models import MODELS, converted, letters
from tests.data.gguf_files import gguf_bytes, random_blocks, value

IDS = torch.randint(89, (3, 23), generator=torch.Generator().manual_seed(0))


def a_model(name):
    """A model of random weights, and what converters make of its checkpoint."""
    model = from_config(MODELS[name]).eval()
    generator = torch.Generator().manual_seed(1)
    for p in model.parameters():
        torch.nn.init.normal_(p.data, std=0.25, generator=generator)
    return model


def files_of(name, model, folder):
    save_hub(model, folder / "hub")
    return converted(MODELS[name], load_file(folder / "hub" / "model.safetensors"))


def written(folder, metadata, tensors):
    path = folder / "a.gguf"
    path.write_bytes(gguf_bytes(metadata, tensors))
    return path


@pytest.mark.parametrize("name", MODELS)
def test_a_converted_model_computes_what_it_did_before(name, tmp_path):
    model = a_model(name)
    path = written(tmp_path, *files_of(name, model, tmp_path))
    found = load_gguf(path)
    with torch.no_grad():
        wanted = model(IDS)
        torch.testing.assert_close(found.model(IDS), wanted, rtol=1e-4, atol=1e-4)
        small = load_gguf(path, torch.bfloat16).model
        assert small.embedding.weight.dtype == torch.bfloat16
        assert (small(IDS).float() - wanted).norm() < 0.1 * wanted.norm()
    tied = found.model.output.weight is found.model.embedding.weight
    assert tied == (MODELS[name].get("tie_word_embeddings", True))
    assert found.eos_ids == (2,)


@pytest.fixture(scope="module")
def gemma(tmp_path_factory):
    """Metadata and tensors of a small Gemma 3."""
    return files_of("gemma3", a_model("gemma3"), tmp_path_factory.mktemp("gemma"))


def test_a_file_becomes_a_checkpoint_of_the_other_layout(gemma, tmp_path):
    found = load_gguf(written(tmp_path, *gemma))
    again = load_hub(save_hub(found.model, tmp_path / "again", found.tokenizer))
    with torch.no_grad():
        assert torch.equal(again.model(IDS), found.model(IDS))
    assert again.tokenizer.encode("the hat") == found.tokenizer.encode("the hat")
    assert again.eos_ids == found.eos_ids


def test_weights_in_blocks_are_the_numbers_of_the_blocks(gemma, tmp_path):
    metadata, tensors = gemma
    wide = {"embedding_length": 256, "feed_forward_length": 512, "block_count": 1}
    metadata = metadata | {f"gemma3.{name}": x for name, x in wide.items()}
    shapes = {"attn_q": (84, 256), "attn_k": (28, 256), "attn_v": (28, 256), "ffn_up": (512, 256)}
    kinds = {"attn_q": "Q4_K", "attn_k": "Q5_K", "attn_v": "Q6_K", "ffn_up": "Q8_0"}
    tensors = {
        "token_embd.weight": np.ones((89, 256)),
        "output_norm.weight": np.ones(256),
        "blk.0.attn_output.weight": np.ones((256, 84)),
        "blk.0.ffn_gate.weight": np.ones((512, 256)),
        "blk.0.ffn_down.weight": np.ones((256, 512)),
        **{f"blk.0.{x}_norm.weight": np.full(256, 1.5) for x in ("attn", "post_attention", "ffn", "post_ffw")},
        **{f"blk.0.attn_{x}_norm.weight": np.full(14, 1.25) for x in "qk"},
    }
    for name, shape in shapes.items():
        count = shape[0] * shape[1] // (32 if kinds[name] == "Q8_0" else 256)
        tensors[f"blk.0.{name}.weight"] = (kinds[name], shape, random_blocks(kinds[name], count))
    path = written(tmp_path, metadata, tensors)
    block = load_gguf(path).model.blocks[0]
    file = GGUF(path)
    q, k, v = block.attention.qkv.weight.split([84, 28, 28])
    assert torch.equal(k, torch.from_numpy(file.read("blk.0.attn_k.weight")))
    assert torch.equal(q, torch.from_numpy(file.read("blk.0.attn_q.weight")))
    assert torch.equal(v, torch.from_numpy(file.read("blk.0.attn_v.weight")))
    assert torch.equal(block.feed_forward.up.weight[512:], torch.from_numpy(file.read("blk.0.ffn_up.weight")))
    assert block.around_attention.pre_norm.weight.eq(0.5).all()
    assert block.attention.key_norm.weight.eq(0.25).all()


def test_a_file_is_loaded_by_name_and_goes_on_with_a_text(gemma, tmp_path):
    path = written(tmp_path, *gemma)
    model = lingon.load(str(path))
    assert model.tokenizer.tokens("the hat in") == ["<s>", "th", "e", "\u2581", "h", "a", "t", "\u2581in"]
    assert model.generate("the", max_new_tokens=5, temperature=0) == model.generate(
        "the", max_new_tokens=5, temperature=0
    )
    assert [token for token, _ in model.logprobs("the hat")] == ["th", "e", "\u2581", "h", "a", "t"]
    with pytest.raises(UserError, match="is of the kind language model, which is exported to"):
        export(path, "torch")
    with pytest.raises(UserError, match="did you mean 'gemma-270m'"):
        lingon.load(tmp_path / "gemma-27m")
    renamed = path.rename(tmp_path / "weights")
    assert lingon.load(renamed).logprobs("the hat") == model.logprobs("the hat")


WRONG = {
    "unknown general.architecture 'gemma9'; did you mean": {"general.architecture": "gemma9"},
    "the metadata key gemma3.rope.freq_base is missing": {"gemma3.rope.freq_base": None},
    "the metadata key gemma3.embedding_length is missing": {"gemma3.embedding_length": None},
    "gemma3.embedding_length is -1, expected a whole number": {"gemma3.embedding_length": b"\5\0\0\0" + b"\xff" * 4},
    "num_hidden_layers": {"gemma3.block_count": 1 << 20},
    "the metadata says": {"gemma3.feed_forward_length": 36},
    "these sizes give": {"gemma3.block_count": 8},
    "unknown tensor 'blk.6": {"gemma3.block_count": 6},
    "a mixture of 4 experts": {"gemma3.expert_count": 4},
    "rope.scaling.type is 'longrope', expected linear, none or yarn": {"gemma3.rope.scaling.type": "longrope"},
    "rope.scaling.factor is None, expected a number over 0": {"gemma3.rope.scaling.type": "yarn"},
    "rope.scaling.yarn_attn_factor is 1.5, expected 1, or nothing": {
        "gemma3.rope.scaling.type": "yarn",
        "gemma3.rope.scaling.factor": 2.0,
        "gemma3.rope.scaling.yarn_attn_factor": 1.5,
    },
    "rope.dimension_count is 12, expected 14, the width of a head": {"gemma3.rope.dimension_count": 12},
    "attention.value_length is 12": {"gemma3.attention.value_length": 12},
    "sliding_window_pattern is": {"gemma3.attention.sliding_window_pattern": [1, 0, 1]},
    "unknown kind 'bert'": {"tokenizer.ggml.model": "bert"},
    "tokens is not a list of texts": {"tokenizer.ggml.tokens": None},
    "scores is not a list of 89 numbers": {"tokenizer.ggml.scores": [0.5, 0.25]},
    "bos_token_id is 89, expected an id under 89": {"tokenizer.ggml.bos_token_id": 89},
    "contains a token twice": {"tokenizer.ggml.tokens": ["a"] * 89},
    "the tokenizer has 90 tokens, the model was made for 89": letters(90),
    "remove_extra_whitespaces is true": {"tokenizer.ggml.remove_extra_whitespaces": True},
}


@pytest.mark.parametrize("why", WRONG)
def test_facts_that_are_wrong_or_not_read_are_named(why, gemma, tmp_path):
    metadata = {name: x for name, x in (gemma[0] | WRONG[why]).items() if x is not None}
    path = written(tmp_path, metadata, gemma[1])
    with pytest.raises(DataError, match=re.escape(why)) as caught:
        load_gguf(path)
    assert str(path) in str(caught.value)


def test_facts_of_any_type_end_in_a_model_or_a_data_error(gemma, tmp_path):
    """Fuzzed: each value becomes a text, a list, nothing, a truth, or a number that is negative, huge or not finite."""
    others = ["x", [1, 2], ["x"], None, True, 0, 7, 1 << 31, value("i64", -(1 << 40)), value("f32", math.nan), 0.5]
    metadata, tensors = gemma
    path = tmp_path / "a.gguf"
    draw, refused = random.Random(0), 0
    cases = [(name, other) for name in metadata for other in others]
    for name, other in draw.sample(cases, 120):
        changed = {key: x for key, x in (metadata | {name: other}).items() if x is not None}
        path.write_bytes(gguf_bytes(changed, tensors))
        try:
            load_gguf(path)
        except DataError:
            refused += 1
    assert refused > 60


def test_tensors_that_are_wrong_are_named(gemma, tmp_path):
    metadata, tensors = gemma
    broken = tensors["blk.3.attn_k.weight"].copy()
    broken[1, 2] = np.nan
    with pytest.raises(DataError, match=r"'blk.3.attn_k.weight' holds NaN"):
        load_gguf(written(tmp_path, metadata, tensors | {"blk.3.attn_k.weight": broken}))
    with pytest.raises(DataError, match=r"tensor 'token_embd.weight' is missing"):
        load_gguf(written(tmp_path, metadata, {"output_norm.weight": np.ones(30)}))
    with pytest.raises(DataError, match="unknown tensor 'extra'"):
        load_gguf(written(tmp_path, metadata, tensors | {"extra": np.ones(3)}))
    short = {name: x for name, x in tensors.items() if name != "blk.3.attn_k.weight"}
    with pytest.raises(DataError, match=r"'blk.3.attn_k.weight' is missing"):
        load_gguf(written(tmp_path, metadata, short | {"extra": broken}))
    model = files_of("llama 3", a_model("llama 3"), tmp_path)
    model[1]["rope_freqs.weight"][2] *= 1.5
    with pytest.raises(DataError, match=r"'rope_freqs.weight' is not what Llama 3 has"):
        load_gguf(written(tmp_path, *model))


def bytes_facts(pre):
    """A tokenizer of bytes: letters, and a few of GPT-2's pairs."""
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in plain]
    letter = {byte: chr(byte) for byte in plain} | {byte: chr(0x100 + i) for i, byte in enumerate(others)}
    merges = ["t h", "th e", "\u0120 the", "1 2", "12 3", "123 4"]
    tokens = [letter[byte] for byte in range(256)] + [m.replace(" ", "") for m in merges] + ["<|end|>", "<think>"]
    return {
        "general.architecture": "llama",
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": pre,
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.token_type": [1] * 262 + [3, 4],
        "tokenizer.ggml.merges": merges,
        "tokenizer.ggml.eos_token_id": 262,
    }


def test_a_tokenizer_of_bytes_is_cut_as_its_kind_says(tmp_path):
    text = "the 12345 <think>\u0000e\u0301"
    found = {}
    for pre in ("gpt-2", "llama-bpe", "qwen2"):
        tokenizer = tokenizer_of(GGUF(written(tmp_path, bytes_facts(pre), {})))
        found[pre] = tokenizer.tokens(text)
        assert tokenizer.decode(tokenizer.encode("<|end|>")) == "<|end|>"
        assert 262 not in tokenizer.encode("<|end|>")
        assert "<think>" in found[pre]
    assert found["gpt-2"][:4] == ["the", "\u0120", "1234", "5"]
    assert found["llama-bpe"][:5] == ["the", "\u0120", "123", "4", "5"]
    assert found["qwen2"][:7] == ["the", "\u0120", "1", "2", "3", "4", "5"]
    assert len(found["qwen2"]) == len(found["gpt-2"]) + 3 - 1  # its normal form joins the accent, one letter less
    with pytest.raises(DataError, match="unknown kind 'gpt-9'; did you mean"):
        tokenizer_of(GGUF(written(tmp_path, bytes_facts("gpt-9"), {})))


# By hand, from the patterns of llama.cpp (src/llama-vocab.cpp): what stands between | is a word.
CUT = {
    "gpt-2": "HTMLtext| isn|'t| 2024|!?|  | \U0001f642/|\n",
    "smollm": "HTMLtext| isn|'t| |2|0|2|4|!?|  | \U0001f642/|\n",
    "tekken": "HTMLtext| isn|'t| |2|0|2|4|!?|  | \U0001f642/\n",
    "default": "HTMLtext| isn|'|t| |202|4|!?|  | \U0001f642|/|\n",
}


@pytest.mark.parametrize("pre", CUT)
def test_words_are_cut_as_llama_cpp_cuts_them(pre):
    steps = PRE_TOKENIZERS[pre].steps()
    letters = {c: ByteLevel(use_regex=False, add_prefix_space=False).pre_tokenize_str(c)[0][0] for c in "\U0001f642\n "}
    words = ["".join(letters.get(c, c) for c in word) for word in CUT[pre].split("|")]
    assert [word for word, _ in steps.pre_tokenize_str(CUT[pre].replace("|", ""))] == words


def test_a_kind_that_begins_texts_does_so_unless_the_file_says_otherwise(tmp_path):
    facts = bytes_facts("tekken") | {"tokenizer.ggml.bos_token_id": 262}
    assert tokenizer_of(GGUF(written(tmp_path, facts, {}))).tokens("the") == ["<|end|>", "the"]
    facts["tokenizer.ggml.add_bos_token"] = False
    assert tokenizer_of(GGUF(written(tmp_path, facts, {}))).tokens("the") == ["the"]
    facts = bytes_facts("smollm") | {"tokenizer.ggml.bos_token_id": 262}
    assert tokenizer_of(GGUF(written(tmp_path, facts, {}))).tokens("the") == ["the"]


def test_runs_of_one_letter_make_no_gigabytes_of_pairs(tmp_path):
    """All runs of up to 1,000 letters can be joined in half a million ways; of several letters, in millions."""
    tokens = ["<unk>", *(c * n for c in "abcdefgh" for n in range(1, 1001))]
    metadata = {
        "general.architecture": "llama",
        "tokenizer.ggml.model": "llama",
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.scores": [0.0] * len(tokens),
    }
    path = written(tmp_path, metadata, {})
    start = time.process_time()
    tracemalloc.start()
    with pytest.raises(DataError, match=r"a.gguf: its tokens can be joined in 1,048,576 ways and more"):
        tokenizer_of(GGUF(path))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 256 << 20
    assert time.process_time() - start < 5


def test_a_token_that_is_no_text_is_not_made_by_joining_in_gemma(tmp_path):
    metadata = {
        "general.architecture": "gemma2",
        "tokenizer.ggml.model": "llama",
        "tokenizer.ggml.tokens": ["<unk>", "<", "b", ">", "<b", "<b>", "<<"],
        "tokenizer.ggml.token_type": [2, 1, 1, 1, 1, 3, 4],
        "tokenizer.ggml.scores": [0.0] * 7,
        "tokenizer.ggml.add_bos_token": False,
    }
    tokenizer = tokenizer_of(GGUF(written(tmp_path, metadata, {})))
    assert tokenizer.tokens("<b>") == ["<b", ">"]
    assert tokenizer.tokens("<<") == ["<<"]


def test_a_file_with_a_token_more_than_embeddings_loads_and_refuses_it_when_met(gemma, tmp_path):
    """Files of Gemma 3 name a token that stands for pictures; a token of texts beyond the embedding is refused."""
    metadata, tensors = gemma
    tokens, size = metadata["tokenizer.ggml.tokens"], len(metadata["tokenizer.ggml.tokens"])
    for kind in (4, 1):
        more = {"tokens": [*tokens, "<picture>"], "scores": [0.0] * (size + 1), "token_type": [1] * size + [kind]}
        path = written(tmp_path, metadata | {f"tokenizer.ggml.{name}": x for name, x in more.items()}, tensors)
        if kind == 1:
            with pytest.raises(DataError, match=rf"the tokenizer has {size + 1} tokens, the model was made for {size}"):
                lingon.load(path)
            continue
        model = lingon.load(path)
        assert model.logprobs("the hat")
        with pytest.raises(UserError, match=f"token '<picture>' is id {size}"):
            model.logprobs("the <picture>")
