"""Compiles one encoder of each family as a single graph and prints how far it is from the model, as JSON.

A program of its own, because what checks the shapes in tests cannot be compiled.
"""

import json

import torch

from lingon.data.batches import collate
from lingon.models.registry import build
from tests.models.encoder_configs import ENCODERS

LENGTHS = [(7, 3, 1), (31, 30), (4, 19, 2)]  # tokens of the texts of each batch


def farthest(config):
    """The largest difference on any token of a few batches, of which the second has the graph made for all shapes."""
    torch.manual_seed(0)
    model = build(config["model_type"], config).eval()
    for p in model.parameters():
        torch.nn.init.normal_(p.data, std=0.25)
    compiled, found = torch.compile(model, fullgraph=True, backend="aot_eager"), []
    for lengths in LENGTHS:
        batch = collate([torch.randint(5, 89, (length,)).tolist() for length in lengths])
        with torch.no_grad():
            both = compiled(batch.ids, batch.mask), model(batch.ids, batch.mask)
        found.append(float((both[0] - both[1])[batch.mask].abs().max()))
    return max(found)


if __name__ == "__main__":
    first = {config["model_type"]: config for config in reversed(ENCODERS.values())}
    print(json.dumps({kind: farthest(config) for kind, config in first.items()}))
