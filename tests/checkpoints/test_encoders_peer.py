"""Encoders against transformers itself, in an environment of its own: hidden states and ids, both ways."""

import json

import pytest
import torch

from lingon.checkpoints.huggingface.encoder import load_encoder
from lingon.checkpoints.huggingface.save import save_hub
from lingon.core.files import write_json
from lingon.data.batches import collate
from lingon.data.corpora.encoders import encoder_folder
from lingon.data.tokenizers.huggingface import read_encoder_tokenizer
from lingon.models.registry import build
from tests.checkpoints.conftest import assert_same
from tests.contracts.test_encoders import TEXTS, types_of
from tests.models.encoder_configs import ENCODERS
from tests.models.newer_encoder_configs import CONFIGS

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("encoders of transformers")]
every = pytest.mark.parametrize("name", [name for name in ENCODERS if name not in CONFIGS])  # those have a file too
# Of each family, a class of transformers with a head.
HEADS = {
    "bert": "AutoModelForPreTraining",
    "roberta": "AutoModelForMaskedLM",
    "xlm-roberta": "AutoModelForSequenceClassification",
    "distilbert": "AutoModelForQuestionAnswering",
    "electra": "AutoModelForPreTraining",
}


def pad_of(name):
    return ENCODERS[name].get("pad_token_id", 0)


@torch.no_grad()
def compare(peer, model, folder, name):
    """The same hidden states with padding and without, and with token types."""
    batch = collate(TEXTS, pad=pad_of(name))
    for rows, mask in ((batch.ids, batch.mask), (batch.ids[2:3], batch.mask[2:3])):
        for types in (None, types_of(rows, name)):
            given = {"folder": str(folder), "ids": rows.tolist(), "mask": mask.tolist()}
            theirs = peer.ask("hidden", given | ({} if types is None else {"types": types.tolist()}))["hidden"]
            assert (model(rows, mask, types) - torch.tensor(theirs))[mask].abs().max() < 1e-4


@every
def test_hidden_states_are_theirs(name, peer, tmp_path):
    peer.ask("make_encoder", {"config": ENCODERS[name], "folder": str(tmp_path / "made"), "shard": "9KB"})
    model = load_encoder(tmp_path / "made").model
    compare(peer, model, tmp_path / "made", name)
    save_hub(model, tmp_path / "again", shard=9_000)
    compare(peer, model, tmp_path / "again", name)


@pytest.mark.parametrize("name", HEADS)
def test_what_has_a_head_loads_too(name, peer, tmp_path):
    peer.ask("make_encoder", {"config": ENCODERS[name], "folder": str(tmp_path), "head": HEADS[name]})
    compare(peer, load_encoder(tmp_path).model, tmp_path, name)


def test_one_of_ours_is_a_bert_there(peer, tmp_path):
    torch.manual_seed(1)
    model = build("bert", {"vocab_size": 89, "width": 30, "heads": 5, "context_length": 41}).eval()
    for p in model.parameters():
        torch.nn.init.normal_(p.data, std=0.25)
    compare(peer, model, save_hub(model, tmp_path / "own"), "bert")


TOKENIZERS = {
    "bert": "BertTokenizer",
    "distilbert": "DistilBertTokenizer",
    "electra": "ElectraTokenizer",
    "roberta": "RobertaTokenizer",
    "xlm-roberta": "XLMRobertaTokenizer",
}


@pytest.mark.data
@pytest.mark.parametrize("name", TOKENIZERS)
def test_tokenizers_give_their_ids(name, peer, texts, tmp_path):
    given = {"kind": TOKENIZERS[name], "folder": str(tmp_path), "texts": str(texts), "size": 2000}
    peer.ask("encoder_tokenizer", given)
    write_json(tmp_path / "config.json", {"model_type": ENCODERS[name]["model_type"]})
    compare_ids(peer, read_encoder_tokenizer(tmp_path), tmp_path, texts)
    compare_pairs(peer, read_encoder_tokenizer(tmp_path), tmp_path, texts, tmp_path / "pairs.json")


@pytest.mark.data
@pytest.mark.parametrize("only", ["tokenizer.json", "vocab.txt"])
def test_minilm_gives_their_ids(only, peer, texts, tmp_path):
    for file in (only, "config.json", "tokenizer_config.json"):
        (tmp_path / file).write_bytes((encoder_folder("minilm-l6") / file).read_bytes())
    compare_ids(peer, read_encoder_tokenizer(tmp_path), tmp_path, texts)


def typed(texts):
    return json.loads(texts.read_text(encoding="utf-8"))


def compare_ids(peer, tokenizer, folder, texts):
    theirs = peer.ask("encode", {"folder": str(folder), "texts": str(texts)})["ids"]
    assert_same(tokenizer.encode_batch(typed(texts)), theirs, texts)


def compare_pairs(peer, tokenizer, folder, texts, path):
    found = typed(texts)[:2000]
    pairs = [*zip(found[:1000], found[1000:], strict=True)]
    path.write_text(json.dumps([*zip(*pairs, strict=True)]), encoding="utf-8")
    theirs = peer.ask("encode_pairs", {"folder": str(folder), "texts": str(path), "most": 21})
    ours = tokenizer.encode_pairs(pairs, 21)
    assert [row.ids for row in ours] == theirs["ids"]
    assert [row.token_types for row in ours] == theirs["types"]
