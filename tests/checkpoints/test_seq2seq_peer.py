"""Encoder-decoders against transformers itself: the same logits and the same texts, both ways."""

import json

import pytest
import torch

from benchmarks.environments import python_of
from benchmarks.worker import Worker
from lingon.checkpoints.huggingface.save import save_hub
from lingon.checkpoints.huggingface.seq2seq import load_seq2seq
from lingon.core.errors import FetchError
from tests.models.seq2seq_configs import CONFIGS, T5, cases_of

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("seq2seq_peer")]
every = pytest.mark.parametrize("name", CONFIGS)


@pytest.fixture(scope="module")
def peer():
    """transformers, of encoder-decoders."""
    try:
        python_of("transformers")
    except FetchError as error:
        pytest.skip(f"the environment of transformers cannot be made here: {error}")
    with Worker("seq2seq", "transformers") as worker:
        yield worker


def logits_of(peer, folder, case):
    asked = {key: rows.tolist() for key, rows in case.items()}
    answer = peer.ask("logits", {"folder": str(folder), **asked})
    assert not answer["unexpected_keys"]
    # Positions that are no weights.
    assert all("embed_positions" in key for key in answer["missing_keys"])
    return torch.tensor(answer["logits"])


@torch.no_grad()
def assert_equal(model, case, theirs):
    found = model.head(model(case["source"], case["mask"], case["target"]))
    assert (found - theirs).abs().max() < 1e-4
    assert theirs.std() > 0.2  # large enough that the bound means something


@every
def test_what_they_made_gives_the_same_logits_here_and_back(name, peer, tmp_path, monkeypatch):
    config = CONFIGS[name]
    peer.ask("make", {"config": config, "folder": str(tmp_path / "made"), "shard": "30KB"})
    model = load_seq2seq(tmp_path / "made").model
    cases = cases_of(config)
    theirs = [logits_of(peer, tmp_path / "made", case) for case in cases]
    for case, wanted in zip(cases, theirs, strict=True):
        assert_equal(model, case, wanted)
    save_hub(model, tmp_path / "again", shard=20_000)
    for case, wanted in zip(cases, theirs, strict=True):
        assert (logits_of(peer, tmp_path / "again", case) - wanted).abs().max() < 1e-4
    again = json.loads((tmp_path / "again" / "generation_config.json").read_text())
    assert again["decoder_start_token_id"] == config["decoder_start_token_id"]
    monkeypatch.setattr("lingon.layers.packing.PACKS", False)
    assert_equal(model, cases[1], theirs[1])


@pytest.mark.parametrize("name", ["t5", "marian"])
def test_checkpoints_in_half_precision_are_read(name, peer, tmp_path):
    peer.ask("make", {"config": CONFIGS[name], "folder": str(tmp_path), "dtype": "bfloat16"})
    case = cases_of(CONFIGS[name])[1]
    assert_equal(load_seq2seq(tmp_path).model, case, logits_of(peer, tmp_path, case))


def test_the_peer_reads_what_it_is_given(peer, tmp_path):
    """So that a peer that ignores a key would be seen."""
    peer.ask("make", {"config": T5, "folder": str(tmp_path)})
    case, path = cases_of(T5)[1], tmp_path / "config.json"
    before = logits_of(peer, tmp_path, case)
    path.write_text(json.dumps(json.loads(path.read_text()) | {"relative_attention_max_distance": 11}))
    assert (logits_of(peer, tmp_path, case) - before).abs().max() > 1e-3
