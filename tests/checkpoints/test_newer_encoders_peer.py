"""ALBERT, MPNet, DeBERTa and ModernBERT against transformers: the same hidden states, the same ids, both ways."""

import json

import pytest
import torch

from lingon.checkpoints.huggingface.encoder import load_encoder
from lingon.checkpoints.huggingface.save import save_hub
from lingon.data.tokenizers import Tokenizer
from lingon.data.tokenizers.wordpiece_vocab import wordpiece_of
from lingon.interpret.recording import record
from tests.checkpoints.conftest import assert_same, worker_of
from tests.models.encoder_configs import ENCODERS
from tests.models.newer_encoder_configs import CONFIGS, MPNET

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("encoder_peer")]
FAR = {"mpnet, far": MPNET | {"max_position_embeddings": 163}}  # beyond the last bucket of distances
ALL = CONFIGS | FAR
every = pytest.mark.parametrize("name", ALL)
HEADS = {
    "albert": ["AlbertForPreTraining", "AlbertForSequenceClassification"],
    "mpnet": ["MPNetForMaskedLM", "MPNetForTokenClassification"],
    "deberta, types": ["DebertaV2ForMaskedLM", "DebertaV2ForSequenceClassification"],
    "modernbert": ["ModernBertForMaskedLM", "ModernBertForTokenClassification"],
}


@pytest.fixture(scope="module")
def encoder_peer():
    """transformers, of encoders."""
    yield from worker_of("encoders", "transformers")


def cases_of(config):
    """Rows without padding, with padding, and pairs where the family has token types; some as long as the context."""
    longest = config["max_position_embeddings"] - 2
    draw = torch.Generator().manual_seed(0)
    ids = torch.randint(5, 89, (4, longest), generator=draw)
    mask = torch.arange(longest) < torch.tensor([longest, 37, 13, 2])[:, None]
    padded = torch.where(mask, ids, 1)  # MPNet finds its padding by this id
    types = (torch.arange(longest) % 11 > 6) & mask
    cases = [{"input_ids": ids[:, :23], "attention_mask": mask.new_ones(4, 23)}]
    cases.append({"input_ids": padded, "attention_mask": mask})
    if config.get("type_vocab_size"):
        cases.append(cases[-1] | {"token_type_ids": types.long()})
    return [{key: rows.long() for key, rows in case.items()} for case in cases]


def hidden(peer, folder, cases):
    asked = [{key: rows.tolist() for key, rows in case.items()} for case in cases]
    answer = peer.ask("hidden", {"folder": str(folder), "cases": asked})
    # What transformers makes for a head is no part of the encoder.
    assert not answer["unexpected_keys"]
    assert all(key.startswith("pooler.") for key in answer["missing_keys"])
    return [torch.tensor(rows) for rows in answer["hidden"]]


@torch.no_grad()
def assert_equal(model, cases, wanted):
    for case, theirs in zip(cases, wanted, strict=True):
        mask = case["attention_mask"].bool()
        found = model(case["input_ids"], mask, case.get("token_type_ids"))
        assert (found - theirs)[mask].abs().max() < 1e-4
        assert theirs[mask].std() > 0.3  # large enough that the bound means something


@every
def test_what_they_made_gives_the_same_hidden_states_here_and_back(name, encoder_peer, tmp_path, monkeypatch):
    encoder_peer.ask("make", {"config": ALL[name], "folder": str(tmp_path / "made")})
    cases = cases_of(ALL[name])
    theirs = hidden(encoder_peer, tmp_path / "made", cases)
    model = load_encoder(tmp_path / "made").model
    assert_equal(model, cases, theirs)
    monkeypatch.setattr("lingon.layers.packing.PACKS", False)
    assert_equal(model, cases, theirs)
    save_hub(model, tmp_path / "again", shard=20_000)
    for found, wanted in zip(hidden(encoder_peer, tmp_path / "again", cases), theirs, strict=True):
        assert torch.equal(found, wanted)


@pytest.mark.parametrize("name", [*ENCODERS, *FAR])
def test_what_is_recorded_of_each_layer_is_theirs(name, encoder_peer, tmp_path):
    """Hidden states and attention weights: `output_hidden_states` and `output_attentions` there."""
    config = ENCODERS.get(name) or FAR[name]
    encoder_peer.ask("make", {"config": config, "folder": str(tmp_path)})
    ids = torch.randint(5, config["vocab_size"], (2, 19), generator=torch.Generator().manual_seed(1))
    theirs = encoder_peer.ask("layers", {"folder": str(tmp_path), "ids": ids.tolist()})
    found = record(load_encoder(tmp_path).model, ids)
    layers = len(theirs["attentions"])
    assert (len(found.hidden), len(found.attention)) == (layers + 1, layers) == (len(theirs["hidden_states"]), layers)
    for ours, wanted in zip(found.attention, theirs["attentions"], strict=True):
        assert (ours - torch.tensor(wanted)).abs().max() < 1e-4
    # The last states of ModernBERT are those after a norm that is no part of a layer.
    last = layers if config["model_type"] == "modernbert" else layers + 1
    for ours, wanted in [*zip(found.hidden, theirs["hidden_states"], strict=True)][:last]:
        assert (ours - torch.tensor(wanted)).abs().max() < 1e-4
        assert torch.tensor(wanted).std() > 0.1


@pytest.mark.parametrize(("name", "head"), [(name, head) for name, heads in HEADS.items() for head in heads])
def test_checkpoints_with_a_head_in_half_precision_load_as_encoders(name, head, encoder_peer, tmp_path):
    asked = {"config": CONFIGS[name], "folder": str(tmp_path), "head": head, "dtype": "bfloat16"}
    encoder_peer.ask("make", asked)
    answer = encoder_peer.ask("hidden", {"folder": str(tmp_path), "cases": _plain(cases_of(CONFIGS[name]))})
    wanted = [torch.tensor(rows) for rows in answer["hidden"]]
    assert_equal(load_encoder(tmp_path).model, cases_of(CONFIGS[name]), wanted)


def _plain(cases):
    return [{key: rows.tolist() for key, rows in case.items()} for case in cases]


@pytest.mark.data
@pytest.mark.parametrize("kind", ["albert", "deberta", "mpnet", "modernbert"])
def test_tokenizers_make_the_ids_that_theirs_make(kind, encoder_peer, texts, tmp_path):
    encoder_peer.ask("tokenizer", {"kind": kind, "folder": str(tmp_path), "texts": str(texts)})
    theirs = encoder_peer.ask("encode", {"folder": str(tmp_path), "texts": str(texts)})
    given, tokenizer = json.loads(texts.read_text(encoding="utf-8")), Tokenizer.load(tmp_path / "tokenizer.json")
    found = [tokenizer]
    if kind == "mpnet":  # older folders have this alone
        (tmp_path / "vocab.txt").write_text("\n".join(list(tokenizer.vocab)[:-1]), encoding="utf-8")
        found.append(wordpiece_of(tmp_path))
    for each in found:
        assert_same(each.encode_batch(given), theirs["ids"], texts)
        pairs = each.encode_pairs([*zip(given[::2], given[1::2], strict=True)])
        assert [row.ids for row in pairs] == theirs["pairs"]
        assert [row.token_types for row in pairs] == theirs["types"]
