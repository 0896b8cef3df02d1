"""Against transformers itself, in an environment of its own: the same logits, the same ids, both ways."""

import json

import pytest
import torch

from lingon.checkpoints.huggingface.load import load_hub
from lingon.checkpoints.huggingface.save import save_hub
from lingon.models.registry import build
from tests.models.family_configs import CONFIGS

pytestmark = pytest.mark.long
every = pytest.mark.parametrize("name", CONFIGS)
IDS = torch.randint(89, (3, 23), generator=torch.Generator().manual_seed(0))


def logits_of(peer, folder):
    return torch.tensor(peer.ask("logits", {"folder": str(folder), "ids": IDS.tolist()})["logits"])


@every
def test_what_they_made_gives_the_same_logits_here(name, peer, tmp_path):
    shard = "30KB" if "windows" in name else "1GB"
    peer.ask("make", {"config": CONFIGS[name], "folder": str(tmp_path / "made"), "shard": shard})
    theirs = logits_of(peer, tmp_path / "made")
    model = load_hub(tmp_path / "made").model
    with torch.no_grad():
        assert (model(IDS) - theirs).abs().max() < 1e-4
        hidden, state = model.hidden(IDS[:, :9], model.new_state(3, 23))
        found = [hidden]
        for t in range(9, 23):
            hidden, state = model.hidden(IDS[:, t : t + 1], state)
            found.append(hidden)
        assert (model.head(torch.cat(found, 1)) - theirs).abs().max() < 1e-4
    save_hub(model, tmp_path / "again", shard=20_000)
    assert torch.equal(logits_of(peer, tmp_path / "again"), theirs)


@pytest.mark.parametrize("kind", ["gpt", "decoder"])
def test_what_we_trained_gives_the_same_logits_there(kind, peer, tmp_path):
    more = {} if kind == "gpt" else {"kv_heads": 2, "window": 5, "tied": False}
    model = build(kind, {"vocab_size": 89, "width": 40, "depth": 5, "heads": 4, "context_length": 37, **more}).eval()
    for p in model.parameters():
        torch.nn.init.normal_(p.data, std=0.25)
    save_hub(model, tmp_path / "own")
    with torch.no_grad():
        assert (model(IDS) - logits_of(peer, tmp_path / "own")).abs().max() < 1e-4


def test_the_peer_reads_what_it_is_given(peer, tmp_path):
    """So that a peer that ignores a key would be seen: other weights of the same sizes give other logits."""
    peer.ask("make", {"config": CONFIGS["llama 3"], "folder": str(tmp_path / "a")})
    path = tmp_path / "a" / "config.json"
    theirs, config = logits_of(peer, tmp_path / "a"), json.loads(path.read_text())
    config["rope_parameters"]["factor"] = 2.0
    path.write_text(json.dumps(config))
    assert (logits_of(peer, tmp_path / "a") - theirs).abs().max() > 1e-3
