"""GGUF files that Lingon writes: read again they are the model, and what llama.cpp computes otherwise is refused."""

import numpy as np
import pytest
import torch
from tokenizers import AddedToken, decoders, models, normalizers, processors
from tokenizers import Tokenizer as Library

import lingon
from lingon.checkpoints.bundle import save_bundle
from lingon.checkpoints.gguf.architectures import tokenizer_of
from lingon.checkpoints.gguf.load import load_gguf
from lingon.checkpoints.gguf.save import save_gguf
from lingon.core.errors import UserError
from lingon.data.files.gguf import GGUF
from lingon.data.files.gguf_blocks import QUANTIZERS, q8_0
from lingon.data.tokenizers import Tokenizer
from lingon.data.tokenizers.gguf_pre import PRE_TOKENIZERS, pre_tokenizer_name
from lingon.data.tokenizers.train import bpe, characters, spaces, unigram
from lingon.export.language_model import WEIGHT_TYPES
from lingon.export.portable import export
from lingon.models.from_config import from_config
from lingon.models.registry import build
from lingon.tasks.chat import ChatModel
from lingon.tasks.language_model import LanguageModel
from tests.checkpoints.gguf_models import MODELS
from tests.checkpoints.test_gguf import bytes_facts, written
from tests.models.family_configs import LLAMA3, YARN, F, S, made

TEXTS = ["It was the best of times, it was the worst of times. " * 3, "the inn in the hat, 1859"]
TOKENIZER = bpe(TEXTS, 300)
SIZE = len(TOKENIZER.vocab)
IDS = torch.randint(SIZE, (3, 23), generator=torch.Generator().manual_seed(0))
GEMMA3 = {"tied": True, "query_pre_attn_scalar": 14, "sliding_window": 5, "num_hidden_layers": 7}
GEMMA3 |= {"layer_types": [S] * 5 + [F, S]}
LONGER = {"rope_type": "yarn", "rope_theta": 1000.0, "factor": 4.0, "original_max_position_embeddings": 31}
WRITTEN = {
    "gpt2": MODELS["gpt2"],
    "gpt2, untied": MODELS["gpt2, untied"],
    "llama, biases": MODELS["llama, biases"],
    "llama, linear": MODELS["llama, linear"],
    "llama 3": MODELS["llama 3"],
    "llama, yarn": made("llama", rope_parameters=LONGER),
    "mistral": made("mistral", sliding_window=61),
    "qwen2, yarn": made("qwen2", tied=True, rope_parameters=LONGER | {"attention_factor": 1.7}),
    "qwen3": MODELS["qwen3"],
    "gemma2": MODELS["gemma2, caps not named"],
    "gemma3": made("gemma3_text", **GEMMA3 | {"rope_parameters": MODELS["gemma3"]["rope_parameters"]}),
}


def random_model(config):
    model = from_config(config | {"vocab_size": SIZE}).eval()
    generator = torch.Generator().manual_seed(1)
    for p in model.parameters():
        torch.nn.init.normal_(p.data, std=0.25, generator=generator)
    return model


@pytest.mark.parametrize("name", WRITTEN)
def test_a_written_file_is_the_model_again(name, tmp_path):
    model = random_model(WRITTEN[name])
    found = load_gguf(save_gguf(model, TOKENIZER, tmp_path / "a.gguf", (0,), "F32"))
    with torch.no_grad():
        torch.testing.assert_close(found.model(IDS), model(IDS), rtol=0, atol=2e-6 * float(model(IDS).abs().max()))
    assert found.eos_ids == (0,)
    assert [found.tokenizer.encode(text) for text in TEXTS] == TOKENIZER.encode_batch(TEXTS)
    half = load_gguf(save_gguf(model, TOKENIZER, tmp_path / "a.gguf", (0,), "F16")).model
    ours, theirs = model.blocks[1].attention.out.weight, half.blocks[1].attention.out.weight
    assert torch.equal(theirs, ours.half().float())
    assert torch.equal(half.norm.weight, found.model.norm.weight), "norms are never stored in 16 bits"


@pytest.mark.parametrize("kind", ["gpt", "decoder"])
def test_models_of_ours_are_written_with_few_bits(kind, tmp_path):
    torch.manual_seed(0)
    sizes = {"vocab_size": SIZE, "width": 64, "depth": 2, "heads": 2, "context_length": 37}
    model = build(kind, sizes | ({} if kind == "gpt" else {"kv_heads": 1})).eval()
    path = save_gguf(model, TOKENIZER, tmp_path / "a.gguf", (0,), "Q8_0", "tiny")
    file, found = GGUF(path), load_gguf(path).model
    assert file.metadata["general.architecture"] == {"gpt": "gpt2", "decoder": "qwen3"}[kind]
    assert (file.metadata["general.name"], file.metadata["general.file_type"]) == ("tiny", 7)
    kinds = {name: stored.type for name, stored in file.tensors.items()}
    assert {kinds["token_embd.weight"], kinds["blk.1.ffn_down.weight"]} == {"Q8_0"}
    assert kinds["blk.0.attn_norm.weight"] == kinds["output_norm.weight"] == "F32"
    assert kinds.get("position_embd.weight", "F32") == "F32"
    with torch.no_grad():
        assert 0 < (found(IDS) - model(IDS)).norm() < 0.02 * model(IDS).norm()


def test_numbers_of_eight_bits_are_rounded_to_the_nearest_by_hand():
    numbers = np.zeros((1, 64), np.float32)
    numbers[0, :5] = [127.0, -126.5, 0.5, -0.5, 0.49]
    raw = np.frombuffer(QUANTIZERS["Q8_0"](numbers), np.uint8).reshape(2, 34)
    assert raw[0, 2:7].view(np.int8).tolist() == [127, -127, 1, -1, 0]
    assert q8_0(raw)[0, :2].tolist() == [127.0, -127.0]
    assert not raw[1].any(), "a run of zeros has the scale 0"


def test_sizes_are_in_the_types_that_llama_cpp_reads(tmp_path):
    raw = save_gguf(random_model(WRITTEN["llama 3"]), TOKENIZER, tmp_path / "a.gguf", (0,)).read_bytes()
    for key, kind in (("llama.block_count", 4), ("llama.rope.freq_base", 6), ("tokenizer.ggml.eos_token_id", 4)):
        at = raw.index(key.encode()) + len(key)
        assert int.from_bytes(raw[at : at + 4], "little") == kind, key
    assert GGUF(tmp_path / "a.gguf").tensors["rope_freqs.weight"].shape == (7,)


REFUSED = {
    "a sliding window of 7 tokens, which llama.cpp does not have": MODELS["mistral"],
    "beta_fast, beta_slow and truncate are 3, 0.5 and True": made("llama", rope_parameters=YARN),
    "'query_pre_attn_scalar' is 11.0, llama.cpp computes it as 14 only": MODELS["gemma2"]
    | {"query_pre_attn_scalar": 11},
    "'layer_types' is another than llama.cpp's, one full_attention in 6": MODELS["gemma3"] | {"layer_types": [F] * 7},
    "'tie_word_embeddings' is False": MODELS["gemma3, linear"],
    "qwen3: key 'attention_bias' is True": made("qwen3", attention_bias=True),
    "llama: key 'hidden_act' is relu": made("llama", hidden_act="relu"),
    "low_freq_factor and high_freq_factor are 1 and 3": made(
        "llama", rope_parameters=LLAMA3 | {"high_freq_factor": 3.0}
    ),
}


@pytest.mark.parametrize("why", REFUSED)
def test_what_llama_cpp_computes_otherwise_is_refused(why, tmp_path):
    with pytest.raises(UserError, match=why):
        save_gguf(random_model(REFUSED[why]), TOKENIZER, tmp_path / "a.gguf", (0,))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("make", [spaces, lambda texts: unigram(texts, 300), characters])
def test_a_tokenizer_without_a_place_is_refused(make, tmp_path):
    tokenizer = make(TEXTS)
    model = build("gpt", {"vocab_size": len(tokenizer.vocab), "width": 32, "depth": 1, "heads": 2})
    with pytest.raises(UserError, match="a GGUF file has no tokenizer like this one"):
        save_gguf(model, tokenizer, tmp_path / "a.gguf", (0,))


def test_what_no_half_number_can_be_is_refused(tmp_path):
    model = random_model(WRITTEN["qwen3"])
    model.blocks[0].feed_forward.down.weight.data[1, 2] = 7e4
    with pytest.raises(UserError, match=r"'blk.0.ffn_down.weight' holds 70000, which F16 cannot; store it as f32"):
        save_gguf(model, TOKENIZER, tmp_path / "a.gguf", (0,))
    assert load_gguf(save_gguf(model, TOKENIZER, tmp_path / "a.gguf", (0,), "F32"))


@pytest.mark.parametrize("eos_ids", [(), (1, 2, 3, 4)])
def test_ends_that_no_file_names_are_refused(eos_ids, tmp_path):
    with pytest.raises(UserError, match="a GGUF file names 1 to 3"):
        save_gguf(random_model(WRITTEN["qwen3"]), TOKENIZER, tmp_path / "a.gguf", eos_ids)
    found = load_gguf(save_gguf(random_model(WRITTEN["qwen3"]), TOKENIZER, tmp_path / "a.gguf", (7, 5, 9)))
    assert found.eos_ids == (7, 5, 9)


@pytest.mark.parametrize("pre", PRE_TOKENIZERS)
def test_what_cuts_texts_is_known_by_name(pre, tmp_path):
    tokenizer = tokenizer_of(GGUF(written(tmp_path, bytes_facts(pre), {})))
    known = pre_tokenizer_name(Library.from_str(tokenizer.library.to_str()))
    assert PRE_TOKENIZERS[known] == PRE_TOKENIZERS[pre]
    tokenizer.library.pre_tokenizer = None
    assert pre_tokenizer_name(tokenizer.library) is None


@pytest.mark.parametrize("prefix", [True, False])
def test_pieces_of_sentencepiece_are_written_and_read_alike(prefix, tmp_path):
    """Whichever pairs come first: the scores of a file follow from the order of the merges."""
    pairs = [("t", "h"), ("th", "e"), ("\u2581", "the"), ("h", "e"), ("i", "n"), ("\u2581", "in"), ("\u2581", "t")]
    tokens = ["<unk>", "<s>", "</s>", *(f"<0x{i:02X}>" for i in range(256)), "\u2581", *"theinrsa"]
    tokens += ["".join(pair) for pair in pairs] + ["<tool>"]
    ids = {token: i for i, token in enumerate(tokens)}
    library = Library(models.BPE(ids, pairs, unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    steps = [normalizers.Replace(" ", "\u2581")]
    library.normalizer = normalizers.Sequence([normalizers.Prepend("\u2581"), *steps] if prefix else steps)
    library.decoder = decoders.Sequence([decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse()])
    library.post_processor = processors.TemplateProcessing("<s> $A", special_tokens=[("<s>", 1)])
    library.add_special_tokens([AddedToken("<s>", special=True), AddedToken("</s>", special=True)])
    library.add_tokens([AddedToken("<tool>", normalized=False)])
    tokenizer = Tokenizer(library)
    model = from_config(made("llama") | {"vocab_size": len(tokens) + 3}).eval()
    file = GGUF(save_gguf(model, tokenizer, tmp_path / "a.gguf", (2,)))
    again = tokenizer_of(file)
    for text in ("the hat in the inn", " in", "", "é\n<tool>the", "ththeinin", "theta"):
        assert again.encode(text) == tokenizer.encode(text), text
    assert file.metadata["tokenizer.ggml.tokens"][-1] == f"[PAD{len(tokens) + 2}]"
    assert file.metadata["tokenizer.ggml.token_type"][[0, 1, 3, -1]].tolist() == [2, 3, 6, 5]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    torch.manual_seed(0)
    sizes = {"vocab_size": SIZE, "width": 64, "depth": 2, "heads": 2, "context_length": 37}
    model = LanguageModel(build("gpt", sizes), TOKENIZER)
    return save_bundle(model, "gpt", tmp_path_factory.mktemp("lm") / "tiny", {})


@pytest.mark.parametrize("quantize", [None, *WEIGHT_TYPES])
def test_a_bundle_is_exported_and_generates_the_same(quantize, bundle, tmp_path):
    found = export(bundle, "gguf", tmp_path / "x.gguf", quantize=quantize)
    assert found.folder == tmp_path / "x.gguf"
    assert found.difference <= {"f32": 1e-6, "q8_0": 0.05}.get(quantize, 1e-3)
    if quantize == "f32":
        ours, again = lingon.load(bundle), lingon.load(found.folder)
        said = [model.generate("the", max_new_tokens=9, temperature=0) for model in (ours, again)]
        assert said[0] == said[1] != ""


def test_a_chat_model_is_exported_with_its_template(tmp_path):
    torch.manual_seed(0)
    language = LanguageModel(build("gpt", {"vocab_size": SIZE, "width": 64, "depth": 1, "heads": 2}), TOKENIZER)
    chat = ChatModel(language)
    found = export(save_bundle(chat, "gpt", tmp_path / "b", {}), "gguf", quantize="f32")
    again = lingon.load(found.folder)
    assert again.chat_template.source == chat.chat_template.source
    said = [{"role": "user", "content": "the"}]
    assert str(ChatModel(again).chat(said, max_new_tokens=5, temperature=0)) == str(
        chat.chat(said, max_new_tokens=5, temperature=0)
    )


def test_wrong_places_and_kinds_of_an_export_are_named(bundle, tmp_path):
    assert export(bundle, "gguf").folder == bundle.with_name("tiny.gguf")
    with pytest.raises(UserError, match="unknown --quantize 'q8'; did you mean 'q8_0'"):
        export(bundle, "gguf", quantize="q8")
    with pytest.raises(UserError, match="expected a file that ends in"):
        export(bundle, "gguf", tmp_path / "x")
    (tmp_path / "own.gguf").mkdir()
    with pytest.raises(UserError, match="contains something other than an earlier export"):
        export(bundle, "gguf", tmp_path / "own.gguf")
    with pytest.raises(UserError, match=r"--int8 is for --to onnx; for 8 bits: --quantize q8_0"):
        export(bundle, "gguf", int8=True)
    with pytest.raises(UserError, match="--quantize is for --to gguf and ctranslate2, not onnx"):
        export(bundle, "onnx", quantize="f16")
    with pytest.raises(UserError, match="of the kind language model, which is exported to"):
        export(bundle, "program")
