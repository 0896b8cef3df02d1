"""Encoders are trained on pairs with scores or without, and on labels; saved, resumed, cut to widths, handed on."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import lingon
from lingon.checkpoints.adapter import load_adapter
from lingon.checkpoints.huggingface.save import save_hub
from lingon.cli.app import app
from lingon.core.errors import Interrupted, UserError
from lingon.core.files import read_json
from lingon.data.load_pairs import load_pairs
from lingon.data.tokenizers import wordpiece
from lingon.layers.lora import merge_lora
from lingon.models.registry import build
from lingon.recipes.data_settings import PairsOfTexts
from lingon.recipes.folder_settings import FolderSettings
from lingon.recipes.train import train_task
from lingon.tasks.embed.objective import ABSENT, compare_by, excluded_of
from lingon.tasks.embed.settings import Settings

ANIMALS = ("cat", "dog", "cow", "hen", "fox", "owl", "ape", "bee")
QUICK = {"steps": 10, "evals": 2, "lr": 0.005, "batch_size": 16}


def run(data, folder, resume=False, columns=None, **given):
    settings = replace(Settings(), device="cpu", **given)
    source = PairsOfTexts(data, **(columns or {}))
    return train_task("embed", source, settings, FolderSettings(out=str(folder), resume=resume))


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    """Questions and answers that share no word, such as a cat and its number; with scores, and with labels."""
    folder = tmp_path_factory.mktemp("data")
    rows = [
        (f"the {one} of {other}", f"{10 + i} {30 + j}")
        for i, one in enumerate(ANIMALS)
        for j, other in enumerate(ANIMALS)
    ]
    pairs = ["question,answer,negative"] + [f"{a},{b},{rows[(i + 9) % 64][1]}" for i, (a, b) in enumerate(rows)]
    (folder / "pairs.csv").write_text("\n".join(pairs) + "\n")
    scored = [f"{a},{rows[k][1]},{4.0 * (i == k)}" for i, (a, _) in enumerate(rows) for k in (i, (i + 5) % 64)]
    (folder / "scored.csv").write_text("\n".join(["sentence1,sentence2,score", *scored]) + "\n")
    labelled = [f"{text},{i // 8}" for i, (text, _) in enumerate(rows)]
    (folder / "labels.csv").write_text("\n".join(["text,label", *labelled]) + "\n")
    return {name: str(folder / f"{name}.csv") for name in ("pairs", "scored", "labels")}


@pytest.fixture(scope="module")
def encoder(tmp_path_factory, tables):
    """A tiny BERT in the Hugging Face layout."""
    torch.manual_seed(0)
    texts = [" ".join(line.split(",")[:2]) for line in Path(tables["pairs"]).read_text().splitlines()[1:]]
    tokenizer = wordpiece(texts, 150).with_template()
    sizes = {"vocab_size": len(tokenizer.vocab), "width": 12, "heads": 3, "context_length": 16, "dropout": 0.0}
    model = build("bert", sizes)
    for p in model.parameters():
        if p.ndim > 1:
            torch.nn.init.normal_(p.data, std=0.25)
    return str(save_hub(model, tmp_path_factory.mktemp("encoder") / "bert", tokenizer))


LOSSES = {
    "cosent": ("scored", "spearman"),
    "cosine-mse": ("scored", "spearman"),
    "in-batch-negatives": ("pairs", "mrr"),
    "supervised-contrastive": ("labels", "accuracy"),
}


@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_brings_the_texts_of_training_together(loss, tables, encoder, tmp_path):
    data, metric = LOSSES[loss]
    found = run(tables[data], tmp_path / "run", from_=encoder, loss=loss, **{**QUICK, "steps": 40})
    task, before = lingon.load(tmp_path / "run"), lingon.load(encoder)
    examples = load_pairs(tables[data]) if data != "labels" else lingon.load_data(tables[data]).train
    assert task.evaluate(examples)[metric] > before.evaluate(examples)[metric] + 0.1
    assert found["test"].keys() == found["before"].keys() == task.evaluate(examples).keys()
    page = (tmp_path / "run/report.html").read_text()
    assert "What training changed" in page
    assert "farthest from their targets" in page or data == "labels"


def test_the_loss_follows_the_data(tables, encoder, tmp_path):
    for data, loss, temperature in (("scored", "cosent", 0.05), ("pairs", "in-batch-negatives", 0.05)):
        found = run(tables[data], tmp_path / data, from_=encoder, **{**QUICK, "steps": 2})
        assert (found["arguments"]["loss"], found["arguments"]["temperature"]) == (loss, temperature)


@pytest.fixture(scope="module")
def narrow(tables, encoder, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "narrow"
    given = {"matryoshka_dims": "3,12", "pooling": "cls", "max_length": 9, "layer_lr_decay": 0.9}
    return folder, run(tables["pairs"], folder, from_=encoder, **given, **QUICK)


def test_what_is_chosen_is_in_the_bundle_and_for_sentence_transformers(narrow):
    folder, record = narrow
    task = lingon.load(folder)
    assert task.config() == {"pooling": "cls", "normalize": False, "max_length": 9}
    others = lingon.load(folder / "encoder")
    assert others.config() == task.config()
    texts = ["the cat of dog", "11 12"]
    assert np.abs(others.encode(texts) - task.encode(texts)).max() < 1e-6
    # transformers pads with what is named, and the tokens of our own tokenizers are not among its usual ones
    assert read_json(folder / "encoder/tokenizer_config.json")["pad_token"] == "[pad]"
    modes = json.loads((folder / "encoder/1_Pooling/config.json").read_text())
    assert modes.pop("word_embedding_dimension") == 12
    assert [name for name, on in modes.items() if on] == ["pooling_mode_cls_token"]
    assert record["data"]["columns"]["negatives"] == ("negative",)


def test_each_width_is_scored_as_the_beginnings_of_the_vectors(narrow, tables):
    folder, record = narrow
    assert list(record["widths"]) == ["12", "3"]
    assert record["widths"]["12"] == pytest.approx(record["test"])
    assert "3 numbers" in (folder / "report.html").read_text()
    assert read_json(folder / "run.json")["widths"]["3"] == record["widths"]["3"]


def test_a_loss_of_several_widths_is_the_mean_of_theirs():
    vectors = torch.randn(3, 5, 7, generator=torch.Generator().manual_seed(1)).unbind()
    groups, of_negatives = torch.arange(5), torch.tensor([[2], [ABSENT], [-1], [-1], [0]])
    given = (groups, of_negatives)
    each = [compare_by("in-batch-negatives", 0.3, [])([v[:, :w] for v in vectors], *given) for w in (2, 7)]
    assert compare_by("in-batch-negatives", 0.3, [7, 2])(vectors, *given).item() == pytest.approx(sum(each).item() / 2)


def weights(folder):
    return load_file(Path(folder) / "bundle/model.safetensors")


def test_a_run_that_was_stopped_goes_on_to_the_same_weights(tables, encoder, tmp_path, monkeypatch):
    given = {"from_": encoder, "tuning": "full", "dropout": 0.1, **QUICK}
    run(tables["pairs"], tmp_path / "whole", **given)
    from lingon.tasks.embed import objective

    forward, seen = objective.Comparison.forward, []

    def stopped(self, *batch):
        seen.append(1)
        if len(seen) == 7:
            raise KeyboardInterrupt
        return forward(self, *batch)

    with monkeypatch.context() as patch:
        patch.setattr(objective.Comparison, "forward", stopped)
        with pytest.raises((KeyboardInterrupt, Interrupted)):
            run(tables["pairs"], tmp_path / "stopped", **given)
    run(tables["pairs"], tmp_path / "stopped", resume=True, **given)
    whole, again = weights(tmp_path / "whole"), weights(tmp_path / "stopped")
    assert all(torch.equal(whole[name], again[name]) for name in whole)


def test_adapters_alone_are_trained_kept_and_merged(tables, encoder, tmp_path):
    run(tables["scored"], tmp_path / "run", from_=encoder, tuning="lora", lora_rank=2, **QUICK)
    first, merged = lingon.load(encoder), lingon.load(tmp_path / "run")
    moved = {n for n, t in first.model.state_dict().items() if not torch.equal(t, merged.model.state_dict()[n])}
    assert moved
    assert all("attention" in name for name in moved)
    again = merge_lora(load_adapter(first.model, tmp_path / "run/adapter"))
    for name, tensor in again.state_dict().items():
        assert torch.allclose(tensor, merged.model.state_dict()[name], atol=1e-6)


def test_hard_negatives_of_other_pairs_that_may_belong_count_for_nothing():
    groups = torch.tensor([3, 5, 7])
    of_negatives = torch.tensor([[5, ABSENT], [5, -1], [3, 7]])
    found = excluded_of(groups, of_negatives)
    assert not found[:, :3].any()  # an order of distinct groups, so no second text is left out
    # of the first text: the negatives 5, 5, 3 and then none, -1, 7; its own stay, whatever their group
    assert found[:, 3:].tolist() == [
        [False, False, True, True, False, False],
        [True, False, False, True, False, False],
        [False, False, False, True, False, False],
    ]
    assert excluded_of(torch.tensor([1, 1, 2]), torch.zeros(3, 0, dtype=torch.long)).tolist() == [
        [False, True, False],
        [True, False, False],
        [False, False, False],
    ]


WRONG = {
    "no weights": ({}, "is trained from weights: give --from, such as --from minilm-l6"),
    "a loss of other data": ({"loss": "cosent"}, "unknown loss for pairs 'cosent'"),
    "an unknown loss": ({"loss": "mnrl"}, "unknown loss 'mnrl'"),
    "a width that is not there": (
        {"matryoshka_dims": "13,3"},
        "--matryoshka-dims has 13, but the vectors of .* have 12",
    ),
    "no widths": ({"matryoshka_dims": "12,a"}, "--matryoshka-dims is '12,a'; expected whole numbers"),
    "a head": ({"tuning": "frozen"}, "--tuning is frozen, but there is no head here"),
    "a rate of a head": ({"head_lr": 0.1}, "--head-lr is 0.1, but an encoder of texts has no head"),
    "too long": ({"max_length": 17}, "--max-length is 17, but .* reads 16 tokens at most"),
    "a model": ({"model": "bert"}, "--model is bert, but --from .* brings its model"),
    "no temperature": ({"temperature": 0.0}, "--temperature is 0; expected more than 0"),
    "a pooling": ({"pooling": "middle"}, "unknown pooling 'middle'"),
    "adapters nowhere": ({"tuning": "lora", "lora_layers": "nowhere"}, "nowhere"),
}


@pytest.mark.parametrize("name", WRONG)
def test_settings_that_cannot_be_are_refused(name, tables, encoder, tmp_path):
    given, message = WRONG[name]
    given = given if name == "no weights" else {"from_": encoder, **given}
    with pytest.raises(UserError, match=message):
        run(tables["pairs"], tmp_path / "run", **given)
    assert not (tmp_path / "run/bundle").exists()


def test_data_that_cannot_be_learned_from_are_refused(tables, encoder, tmp_path):
    rows = "\n".join(f"a {i},b {i},1" for i in range(30))
    (tmp_path / "same.csv").write_text(f"text1,text2,score\n{rows}\n")
    with pytest.raises(UserError, match=r"all pairs of same.csv have the score 1; there is no order to learn"):
        run(str(tmp_path / "same.csv"), tmp_path / "run", from_=encoder, **QUICK)
    with pytest.raises(UserError, match=r"--temperature is 0\.2, which --loss cosine-mse does not have"):
        run(tables["scored"], tmp_path / "run", from_=encoder, loss="cosine-mse", temperature=0.2, **QUICK)


def test_small_batches_for_the_sake_of_shared_texts_are_told(encoder, tmp_path, capsys):
    rows = "\n".join(f"question {i // 40},answer {i}" for i in range(200))
    (tmp_path / "same.csv").write_text(f"question,answer\n{rows}\n")
    run(str(tmp_path / "same.csv"), tmp_path / "run", from_=encoder, **{**QUICK, "steps": 2, "batch_size": 32})
    assert "batches have 3 pairs, not 32: many pairs share texts" in capsys.readouterr().err


def test_the_command_line(tables, encoder, tmp_path, capsys):
    flags = ["--steps", "3", "--evals", "1", "--out", str(tmp_path / "run"), "--device", "cpu"]
    named = ["--text", "question", "--text-pair", "answer", "--negative", "negative"]
    app(["train", "embed", "--data", tables["pairs"], "--from", encoder, *named, *flags], standalone_mode=False)
    said = capsys.readouterr().out
    assert f"try next: lingon embed {tmp_path / 'run'} 'A text.'" in said
    app(["evaluate", str(tmp_path / "run"), "--data", tables["pairs"], "--json"], standalone_mode=False)
    assert json.loads(capsys.readouterr().out)["mrr"] > 0
