"""transformers: makes checkpoints from configurations, and says what it computes from a folder."""

import json

import torch
from serve import serve
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

torch.set_num_threads(1)


def make(config, folder, seed=0, shard="10GB"):
    """Saves a model of this config.json with random weights."""
    kind = AutoConfig.for_model(**config)
    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_config(kind)
    for p in model.parameters():
        torch.nn.init.normal_(p.data, std=0.25)
    model.save_pretrained(folder, max_shard_size=shard)


def logits(folder, ids):
    """Logits of each token, [B][T][V]."""
    # The kind of attention that keeps to every key, such as caps on scores.
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    with torch.no_grad():
        return {"logits": model(torch.tensor(ids)).logits.tolist()}


def encode(folder, texts):
    """Ids of texts given in a JSON file, as the tokenizer of a folder makes them, and the texts of these ids."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    with open(texts, encoding="utf-8") as file:
        rows = tokenizer(json.load(file))["input_ids"]
    return {"ids": rows, "kind": type(tokenizer).__name__}


serve(make=make, logits=logits, encode=encode)
