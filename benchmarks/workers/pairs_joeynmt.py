"""JoeyNMT's model, loss, batches and the step of its training, without its logs, files and validation."""

import json
import random
import time
from importlib.metadata import version
from types import SimpleNamespace

import torch
from joeynmt.batch import Batch
from joeynmt.model import build_model
from joeynmt.search import search
from joeynmt.vocabulary import Vocabulary
from serve import serve

UNK, PAD, BOS, EOS, OTHERS = 0, 1, 2, 3, 4  # its special tokens stand first, ours after them
state = {"turn": 0}


def start(data, sizes, max_tokens, lr, label_smoothing, threads):
    """Makes the model; returns the number of weights."""
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    with open(data, encoding="utf-8") as file:
        pairs = json.load(file)
    special = {"unk_token": "<unk>", "pad_token": "<pad>", "bos_token": "<s>", "eos_token": "</s>", "sep_token": None}
    ids = {"unk_id": UNK, "pad_id": PAD, "bos_id": BOS, "eos_id": EOS, "sep_id": None, "lang_tags": []}
    vocabulary = Vocabulary([str(i) for i in range(pairs["vocab_size"])], SimpleNamespace(**special, **ids))
    side = {"type": "transformer", "num_layers": sizes["depth"], "num_heads": sizes["heads"], "layer_norm": "pre"}
    side |= {"hidden_size": sizes["width"], "ff_size": sizes["ffn_width"], "dropout": sizes["dropout"]}
    side["embeddings"] = {"embedding_dim": sizes["width"], "scale": True}
    whole = {"tied_embeddings": True, "tied_softmax": True, "encoder": side, "decoder": {**side}}
    model = build_model(whole, vocabulary, vocabulary)
    model.loss_function = "crossentropy", label_smoothing
    end = pairs["end"]
    own = lambda row: [EOS if i == end else i + OTHERS for i in row]
    rows = {name: [own(row) for row in pairs[name]] for name in ("sources", "targets")}
    state.update(rows=rows, model=model, max_tokens=max_tokens, lr=lr, own=own, end=end)
    state["optimizer"] = torch.optim.Adam(model.parameters(), lr, betas=(0.9, 0.98))
    found = {name: version(name) for name in ("joeynmt", "torch")}
    return {"weights": sum(p.numel() for p in model.parameters()), "versions": found}


def batches():
    """Yields its batches: shuffled pairs, until rows * the longest side reach the budget (its TokenBatchSampler).

    Its budget is of one side, so that it is half of that of both.
    """
    sources, targets, some, longest = state["rows"]["sources"], state["rows"]["targets"], [], 0
    order = list(range(len(sources)))
    random.Random(state["turn"]).shuffle(order)
    for i in order:
        some.append(i)
        longest = max(longest, len(sources[i]), len(targets[i]) + 1)
        if longest * len(some) >= state["max_tokens"] // 2:
            yield batch_of(some)
            some, longest = [], 0
    if some:
        yield batch_of(some)


def batch_of(some):
    """Its batch of these pairs; a target begins with its start and ends with its end."""
    source = padded([state["rows"]["sources"][i] for i in some])
    target = padded([[BOS, *state["rows"]["targets"][i]] for i in some])
    lengths = (source != PAD).sum(1)
    numbers = torch.tensor(some)
    return Batch(source, lengths, None, target, None, numbers, torch.device("cpu"), PAD, EOS, is_train=True)


def padded(rows):
    """Rows as one tensor."""
    longest = max(map(len, rows))
    return torch.tensor([row + [PAD] * (longest - len(row)) for row in rows])


def step(batch):
    """Trains on a batch; returns its loss per token."""
    model = state["model"]
    model.train()
    batch.sort_by_src_length()
    total, *_ = model(return_type="loss", **vars(batch))
    loss = batch.normalize(total, normalization="tokens", n_gpu=0, n_accumulation=1)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    state["optimizer"].step()
    model.zero_grad()
    return loss.item()


def run():
    """Trains once over all pairs; returns the mean of the losses per token of the batches."""
    state["turn"] += 1
    losses = [step(batch) for batch in batches()]
    return {"loss": sum(losses) / len(losses), "steps": len(losses)}


def train(seconds, warmup=0.08):
    """Trains for so long; the rate climbs for a share `warmup` of it and falls to 0. Returns the steps and passes."""
    begun, steps = time.perf_counter(), 0
    while True:
        state["turn"] += 1
        for batch in batches():
            share = (time.perf_counter() - begun) / seconds
            if share >= 1:
                return {"steps": steps, "passes": state["turn"], "seconds": seconds}
            for group in state["optimizer"].param_groups:
                group["lr"] = state["lr"] * min(share / warmup, (1 - share) / (1 - warmup))
            step(batch)
            steps += 1


def translate(given, rows=64):
    """Ids of the best translation of each source, by its beam search."""
    with open(given, encoding="utf-8") as file:
        asked = json.load(file)
    sources, found = [state["own"](row) for row in asked["sources"]], {}
    order = sorted(range(len(sources)), key=lambda i: len(sources[i]))
    state["model"].eval()
    for start in range(0, len(order), rows):
        some = order[start : start + rows]
        source = padded([sources[i] for i in some])
        numbers = torch.arange(len(some))
        batch = Batch(source, (source != PAD).sum(1), None, None, None, numbers, torch.device("cpu"), PAD, EOS, False)
        batch.sort_by_src_length()
        most = 2 * source.shape[1] + 32
        best, *_ = search(state["model"], batch, most, asked["beams"], asked["alpha"], n_best=1)
        for place, row in zip(batch.indices.tolist(), best.tolist(), strict=True):
            found[some[place]] = ours(row)
    return {"ids": [found[i] for i in range(len(sources))]}


def ours(row):
    """The ids that the data has, up to the end."""
    kept = row[: row.index(EOS)] if EOS in row else row
    return [i - OTHERS for i in kept if i >= OTHERS]


serve(start=start, run=run, train=train, translate=translate)
