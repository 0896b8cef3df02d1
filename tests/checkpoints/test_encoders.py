"""Encoders in the Hugging Face layout: saved, loaded with any head on top, and refused by file, key or tensor."""

import json
import os

import pytest
import tokenizers
import torch
from safetensors.torch import load_file, save_file

import lingon
from lingon.checkpoints.huggingface.encoder import load_encoder
from lingon.checkpoints.huggingface.save import save_hub
from lingon.checkpoints.huggingface.sentence_transformers import SentenceVectors
from lingon.core.errors import DataError, UserError
from lingon.data.batches import collate
from lingon.data.tokenizers import Tokenizer
from lingon.data.tokenizers.wordpiece_vocab import wordpiece_of
from tests.contracts.test_encoders import TEXTS, made
from tests.models.encoder_configs import ENCODERS

BERT_TOKENS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
PIECES = [*BERT_TOKENS, *"abcdefghijklmnopqrstuvwxyz", *(f"##{c}" for c in "abcdefghijklmnopqrstuvwxyz"), ".", "!", "é"]
PIECES += [f"word{i}" for i in range(89 - len(PIECES))]
every = pytest.mark.parametrize("name", ENCODERS)


@torch.no_grad()
def hidden(model):
    batch = collate(TEXTS)
    return model.eval()(batch.ids, batch.mask)


def tokenizer_in(folder):
    folder.mkdir(exist_ok=True)
    (folder / "vocab.txt").write_text("\n".join(PIECES) + "\n", encoding="utf-8")
    return wordpiece_of(folder)


@pytest.fixture
def folder(tmp_path):
    """A BERT with its tokenizer."""
    return save_hub(made("bert"), tmp_path / "bert", tokenizer_in(tmp_path / "words"))


def changed(folder, change):
    """The weights of a folder after a change of their names."""
    tensors = {change(name): tensor for name, tensor in load_file(folder / "model.safetensors").items()}
    save_file(tensors, folder / "model.safetensors")
    return folder


@every
@pytest.mark.parametrize("shard", [5_000_000_000, 9_000])
def test_saved_equals_loaded(name, shard, tmp_path):
    model = made(name)
    save_hub(model, tmp_path / "m", shard=shard)
    again = load_encoder(tmp_path / "m")
    assert again.tokenizer is None
    assert torch.equal(hidden(again.model), hidden(model))
    assert json.loads((tmp_path / "m" / "config.json").read_text())["model_type"] == ENCODERS[name]["model_type"]
    assert not (tmp_path / "m" / "generation_config.json").exists()


def test_one_of_ours_becomes_a_bert(tmp_path):
    from lingon.models.registry import build

    model = build("bert", {"vocab_size": 89, "width": 12, "heads": 3, "context_length": 19})
    save_hub(model, tmp_path / "m")
    assert torch.equal(hidden(load_encoder(tmp_path / "m").model), hidden(model))


HEADS = {
    "bert": ["bert.pooler.dense.weight", "cls.predictions.bias", "cls.seq_relationship.weight", "classifier.bias"],
    "roberta": ["lm_head.dense.weight", "classifier.out_proj.bias"],
    "distilbert": ["vocab_transform.weight", "qa_outputs.weight"],
    "electra": ["discriminator_predictions.dense.weight"],
}


@pytest.mark.parametrize("name", HEADS)
def test_a_head_and_its_prefix_are_passed_over(name, tmp_path):
    model = made(name)
    changed(save_hub(model, tmp_path / "m"), lambda key: f"{name}.{key}")
    path = tmp_path / "m" / "model.safetensors"
    save_file(load_file(path) | {key: torch.ones(3, 5) for key in HEADS[name]}, path)
    assert torch.equal(hidden(load_encoder(tmp_path / "m").model), hidden(model))


def test_names_of_the_first_checkpoints(folder):
    wanted = hidden(made("bert"))

    def old(name):
        return name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta")

    changed(folder, lambda name: f"bert.{old(name)}")
    tensors = load_file(folder / "model.safetensors")
    tensors |= {"bert.embeddings.position_ids": torch.arange(41)[None], "bert.pooler.dense.bias": torch.ones(30)}
    save_file(tensors, folder / "model.safetensors")
    assert torch.equal(hidden(load_encoder(folder).model), wanted)


def without(name):
    def change(folder):
        tensors = load_file(folder / "model.safetensors")
        del tensors[name]
        save_file(tensors, folder / "model.safetensors")

    return change


def with_tensor(name, tensor):
    def change(folder):
        save_file(load_file(folder / "model.safetensors") | {name: tensor}, folder / "model.safetensors")

    return change


def with_key(**keys):
    def change(folder):
        path = folder / "config.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | keys))

    return change


def other_tokenizer(pieces):
    def change(folder):
        library = tokenizers.Tokenizer(tokenizers.models.WordLevel({p: i for i, p in enumerate(pieces)}, "[UNK]"))
        library.save(str(folder / "tokenizer.json"))

    return change


DENSE = "encoder.layer.1.output.dense.weight"
WRONG = {
    "a tensor missing": (without(DENSE), rf"tensor '{DENSE}' is missing"),
    "a tensor of another shape": (with_tensor(DENSE, torch.ones(3, 5)), r"is \[3, 5\], config.json expects \[30, 37\]"),
    "no number": (with_tensor(DENSE, torch.full((30, 37), torch.nan)), f"tensor '{DENSE}' holds NaN"),
    "relative positions": (
        with_tensor("encoder.layer.0.attention.self.distance_embedding.weight", torch.ones(9, 6)),
        "unknown tensor 'encoder.layer.0.attention.self.distance_embedding.weight'",
    ),
    "quantized": (with_key(quantization_config={"bits": 8}), r"config.json: bert: key 'quantization_config'"),
    "relative keys": (with_key(position_embedding_type="relative_key_query"), "'relative_key_query'"),
    "too small a tokenizer": (
        other_tokenizer(PIECES[:50]),
        "has 50 tokens, the embedding 89 rows; they do not belong",
    ),
    "too large a tokenizer": (other_tokenizer([*PIECES, *"1234567"]), "has 96 tokens, the model was made for 89"),
    "another padding": (with_key(pad_token_id=3), "pad_token_id 3, the tokenizer pads with 0; they do not belong"),
    "a pickle": (lambda folder: os.rename(folder / "model.safetensors", folder / "w.bin"), "w.bin is a pickle"),
    "another family": (with_key(model_type="longformer"), "unknown model_type 'longformer'"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_named(name, folder):
    change, message = WRONG[name]
    change(folder)
    with pytest.raises(DataError, match=message):
        load_encoder(folder)


def test_a_missing_shard_is_named(tmp_path):
    save_hub(made("bert"), tmp_path / "m", shard=9_000)
    gone = sorted((tmp_path / "m").glob("model-*.safetensors"))[1]
    gone.unlink()
    with pytest.raises(DataError, match=rf"{gone.name} is missing, one of \d+ files"):
        load_encoder(tmp_path / "m")


def test_a_folder_is_the_task_embed(folder):
    task = lingon.load(folder)
    assert task.config() == {"pooling": "mean", "normalize": False, "max_length": 41}
    text = "a bad word!"
    ids = torch.tensor([task.tokenizer.encode(text)])
    assert [ids[0, 0], ids[0, -1]] == [2, 3]
    with torch.no_grad():
        wanted = task.model(ids, torch.ones_like(ids, dtype=torch.bool))[0].mean(0)
    assert task.encode([text])[0] == pytest.approx(wanted.numpy(), abs=1e-5)


@pytest.mark.parametrize("pooling", ["mean", "cls", "max"])
def test_what_sentence_transformers_wrote_beside_is_read(pooling, tmp_path):
    how = SentenceVectors(pooling, True, 9)
    save_hub(made("bert"), tmp_path / "m", tokenizer_in(tmp_path / "words"), vectors=how)
    assert lingon.load(tmp_path / "m").config() == {"pooling": pooling, "normalize": True, "max_length": 9}
    config = json.loads((tmp_path / "m" / "tokenizer_config.json").read_text())
    assert (config["cls_token"], config["pad_token"], config["mask_token"]) == ("[CLS]", "[PAD]", "[MASK]")


def module(kind, path=""):
    return {"idx": 0, "name": "0", "path": path, "type": f"sentence_transformers.models.{kind}"}


BESIDE = "config_sentence_transformers.json"
WRONG_MODULES = {
    "a dense layer": ({"modules.json": [module("Dense")]}, "unknown module 'Dense'"),
    "a place outside": ({"modules.json": [module("Pooling", "../x")]}, "'../x' is not a folder inside this one"),
    "two poolings": (
        {"1_Pooling/config.json": {"pooling_mode_mean_tokens": True, "pooling_mode_cls_token": True}},
        "the pooling is pooling_mode_mean_tokens and pooling_mode_cls_token; Lingon has mean, cls or max, one",
    ),
    "another pooling": ({"1_Pooling/config.json": {"pooling_mode": "lasttoken"}}, "the pooling is lasttoken"),
    "a length": ({"sentence_bert_config.json": {"max_seq_length": "all"}}, "'max_seq_length' is 'all'"),
    "letters lowered": ({"sentence_bert_config.json": {"do_lower_case": True}}, "'do_lower_case' is true"),
    "vectors cut off": ({BESIDE: {"truncate_dim": 8}}, "'truncate_dim' is 8, and Lingon gives whole vectors"),
    "a prompt": (
        {BESIDE: {"default_prompt_name": "query", "prompts": {"query": "query: "}}},
        "'default_prompt_name' is 'query'; .* begin each text with 'query: '",
    ),
}


@pytest.mark.parametrize("name", WRONG_MODULES)
def test_modules_that_are_not_there_are_refused(name, tmp_path):
    files, message = WRONG_MODULES[name]
    how = SentenceVectors("mean", True, 9)
    save_hub(made("bert"), tmp_path / "m", tokenizer_in(tmp_path / "words"), vectors=how)
    for path, content in files.items():
        (tmp_path / "m" / path).write_text(json.dumps(content))
    with pytest.raises(DataError, match=message):
        lingon.load(tmp_path / "m")


@pytest.mark.parametrize(
    ("files", "length"),
    [
        ({"tokenizer_config.json": {"model_max_length": 17}}, 17),  # as sentence-transformers 6 has it
        ({"tokenizer_config.json": {"model_max_length": 10**30}}, 41),
        ({"sentence_roberta_config.json": {"max_seq_length": 13}}, 13),
        ({"sentence_bert_config.json": {"max_seq_length": 9}, "tokenizer_config.json": {"model_max_length": 17}}, 9),
    ],
)
def test_the_most_tokens_of_a_text_stand_in_one_of_several_files(files, length, folder):
    for path, content in files.items():
        (folder / path).write_text(json.dumps(content))
    assert lingon.load(folder).config()["max_length"] == length


def test_weights_of_older_folders_lie_in_a_folder_of_their_own(folder, tmp_path):
    text = "a b"
    wanted = lingon.load(folder).encode([text])
    (tmp_path / "old").mkdir()
    folder.rename(tmp_path / "old" / "0_Transformer")
    (tmp_path / "old" / "0_Transformer" / "sentence_bert_config.json").write_text('{"max_seq_length": 7}')
    (tmp_path / "old" / "modules.json").write_text(json.dumps([module("Transformer", "0_Transformer")]))
    found = lingon.load(tmp_path / "old")
    assert found.config()["max_length"] == 7
    assert found.encode([text]) == pytest.approx(wanted)


def test_no_tokenizer_beside_the_weights_is_said(tmp_path):
    save_hub(made("bert"), tmp_path / "m")
    with pytest.raises(DataError, match=r"no tokenizer next to the weights \(tokenizer.json or vocab.txt\)"):
        lingon.load(tmp_path / "m")


def test_a_vocabulary_alone_is_a_tokenizer(tmp_path):
    tokenizer = tokenizer_in(tmp_path)
    assert tokenizer.tokens("Bad, É word7!") == ["[CLS]", "b", "##a", "##d", "[UNK]", "e", "word7", "!", "[SEP]"]
    pair = tokenizer.encode_pair("a b", "c")
    assert pair.ids == [2, 5, 6, 3, 7, 3]
    assert pair.token_types == [0, 0, 0, 0, 1, 1]
    assert tokenizer.encode("[SEP]")[1:-1] != [3]  # what is typed is text
    assert tokenizer.padding_idx == 0
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"do_lower_case": False}))
    assert wordpiece_of(tmp_path).tokens("B é") == ["[CLS]", "[UNK]", "é", "[SEP]"]


ADDED = {"special": False, "normalized": True, "lstrip": False, "rstrip": False, "single_word": False}


@pytest.mark.parametrize("older", [True, False])
def test_tokens_that_were_added_later_are_read_from_beside_the_vocabulary(older, tmp_path):
    size = len(tokenizer_in(tmp_path).vocab)
    new = {"<new>": size + 1, "Spam": size}
    rows = {str(i): {"content": text, **ADDED} for text, i in new.items()}
    name, content = ("added_tokens.json", new) if older else ("tokenizer_config.json", {"added_tokens_decoder": rows})
    (tmp_path / name).write_text(json.dumps(content))
    found = wordpiece_of(tmp_path)
    assert found.encode("a SPAM <new>")[1:-1] == [found.vocab["a"], size, size + 1]
    (tmp_path / name).write_text(json.dumps(content).replace(str(size + 1), str(size + 7)))
    with pytest.raises(DataError, match=rf"{name}: the token '<new>' has the id {size + 7}; expected {size + 1}"):
        wordpiece_of(tmp_path)
    (tmp_path / name).write_text(json.dumps({"a": [1]} if older else {"added_tokens_decoder": {"x": 1}}))
    with pytest.raises(DataError, match=f"{name}: tokens that were added have each an id and a text"):
        wordpiece_of(tmp_path)


@pytest.mark.parametrize(
    ("lines", "message"),
    [(["[PAD]", "a"], r"the unk_token '\[UNK\]' is not in it"), ([*BERT_TOKENS, "a", "a"], "7 lines with 6 different")],
)
def test_a_wrong_vocabulary_is_refused(lines, message, tmp_path):
    (tmp_path / "vocab.txt").write_text("\n".join(lines))
    with pytest.raises(DataError, match=message):
        wordpiece_of(tmp_path)


def test_a_table_of_vectors_in_the_layout_of_sentence_transformers(tmp_path):
    torch.manual_seed(0)
    table = torch.randn(89, 7).half()
    tokenizer = tokenizer_in(tmp_path / "words")
    tokenizer.save(tmp_path / "tokenizer.json")
    save_file({"embedding.weight": table}, tmp_path / "model.safetensors")
    (tmp_path / "modules.json").write_text(json.dumps([module("StaticEmbedding")]))
    task = lingon.load(tmp_path)
    assert task.encode(["word7 word9"])[0] == pytest.approx(
        ((table[PIECES.index("word7")] + table[PIECES.index("word9")]) / 2).float().numpy(), abs=1e-3
    )
    save_file({"other": table}, tmp_path / "model.safetensors")
    with pytest.raises(DataError, match=r"no table .embedding\.weight. or .embeddings. among its tensors"):
        lingon.load(tmp_path)


def test_a_name_that_is_misspelt_is_told_the_nearest():
    with pytest.raises(UserError, match="did you mean 'minilm-l6'"):
        lingon.load("minilm-16")


@pytest.mark.data
def test_minilm_has_the_tokens_of_bert():
    from lingon.data.corpora.encoders import encoder_folder

    folder = encoder_folder("minilm-l6")
    alone, whole = wordpiece_of(folder), Tokenizer.load(folder / "tokenizer.json")
    for tokenizer in (alone, whole):
        assert tokenizer.tokens("suspending numerals") == ["[CLS]", "suspend", "##ing", "nu", "##meral", "##s", "[SEP]"]
    assert (len(alone.vocab), alone.encode("")) == (30_522, [101, 102])
