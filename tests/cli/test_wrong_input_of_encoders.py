"""What users of encoders get wrong: one line that names the file, the line and a way out, and exit code 2."""

import json
import re
import shutil
import warnings
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from lingon.checkpoints.bundle import save_bundle
from lingon.checkpoints.huggingface.save import save_hub
from lingon.cli import app
from lingon.data.tokenizers import wordpiece
from lingon.models.encoder_classifier import EncoderClassifier
from lingon.models.registry import build
from lingon.tasks.classify import Classifier
from lingon.tasks.classify.targets import MultiLabel

TEXTS = [f"a {word} film {i}" for i in range(6) for word in ("good", "bad")]
LABELS = ["up", "down"] * 6


def made(folder):
    """A tiny BERT in the Hugging Face layout, damaged copies of it, classifiers on it, tables and an index's folder."""
    torch.manual_seed(0)
    tokenizer = wordpiece(TEXTS, 80).with_template()

    def bert():
        sizes = {"vocab_size": len(tokenizer.vocab), "width": 6, "heads": 3, "depth": 1, "context_length": 8}
        return build("bert", sizes)

    save_hub(bert(), folder / "bert", tokenizer)
    for name in ("tokens", "shard"):
        shutil.copytree(folder / "bert", folder / name)
    many = [f"word {i} {i * i}" for i in range(300)]
    wordpiece(many, 300).with_template().save(folder / "tokens/tokenizer.json")
    divided(folder / "shard")
    for name, targets, pair in (
        ("one", ["up", "down"], False),
        ("several", MultiLabel(["up", "down"]), False),
        ("pairs", ["up", "down"], True),
    ):
        task = Classifier(EncoderClassifier(bert(), 2).eval(), tokenizer, targets, 8, text_pair=pair)
        save_bundle(task, "encoder", folder / name, {"arguments": {}})
    for name, (header, bad) in TABLES.items():
        second = ",another" if "other" in header else ""
        labels = "123" * 4 if name == "number" else LABELS
        rows = [f"{text}{second},{label}" for text, label in zip(TEXTS, labels, strict=True)]
        (folder / f"{name}.csv").write_text("\n".join([header, *rows[:2], *([bad] if bad else []), *rows[2:]]) + "\n")
    (folder / "docs").mkdir()
    (folder / "docs/a.txt").write_text("A good film.\n")
    (folder / "long.csv").write_text("text,label\n" + f"{'a good film ' * 9},up\na bad film,down\n" * 3)


# Of each table: the header, and the row in its line 4.
TABLES = {
    "good": ("text,label", ""),
    "empty": ("text,label", ",up"),
    "new": ("text,label", "a film,sideways"),
    "newset": ("text,label", "a film,up|sideways"),
    "half": ("text,other,label", "a film,,up"),
    "otherhalf": ("text,other,label", ",a film,up"),
    "number": ("text,label", "a film,many"),
}


def divided(folder):
    """Divide the weights into two shards, and lose the second."""
    tensors = load_file(folder / "model.safetensors")
    names = sorted(tensors)
    files = {name: f"model-0000{1 + (i > 3)}-of-00002.safetensors" for i, name in enumerate(names)}
    save_file({n: tensors[n] for n in names[:4]}, folder / files[names[0]], metadata={"format": "pt"})
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": files}))
    (folder / "model.safetensors").unlink()


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("place")
    made(folder)
    return folder


def asked(place, capsys, line):
    with pytest.raises(SystemExit) as end:
        app.main([str(place / word[1:]) if word.startswith("@") else word for word in line.split("_")])
    said = capsys.readouterr()
    return end.value.code, said.out, said.err


TRAIN, PAIR = "_--from_@bert_--steps_1_--device_cpu_--out_@run", "_--text_text_--text-pair_other"
WRONG = {
    f"train_classify_--data_@good.csv{TRAIN}_--max-length_9": r"--max-length is 9, but .*bert reads 8 tokens at most",
    f"train_classify_--data_@empty.csv{TRAIN}": r"empty\.csv:4: no text in column 'text'; --on-bad-row skip",
    "evaluate_@one_--data_@empty.csv": r"empty\.csv:4: no text in column 'text'; --on-bad-row skip",
    "evaluate_@one_--data_@new.csv": r"new\.csv:4: unknown label 'sideways'; known: down, up",
    f"train_classify_--data_@good.csv_--test_@new.csv{TRAIN}": r"new\.csv:4: unknown label 'sideways'",
    "evaluate_@several_--data_@newset.csv": r"newset\.csv:4: unknown label 'sideways'; known: down, up",
    f"train_classify_--data_@half.csv{PAIR}{TRAIN}": r"half\.csv:4: no text in column 'other'; a pair has two texts",
    f"evaluate_@pairs_--data_@otherhalf.csv{PAIR}": r"otherhalf\.csv:4: no text in column 'text'",
    f"predict_@pairs_--file_@half.csv{PAIR}": r"half\.csv:4: no text in column 'other'; a pair has two texts",
    "predict_@pairs_alone": r"a pair is two texts, not 'alone'; give \(first, second\), or a tab between",
    "predict_@pairs_first\t ": r"a pair is two texts, and the second of 'first\\t ' is empty",
    "predict_@pairs_\tsecond": r"a pair is two texts, and the first of '\\tsecond' is empty",
    f"train_classify_--data_@number.csv_--problem-type_regression{TRAIN}": r"number\.csv:4: .* is not a number",
    f"train_classify_--data_@number.csv_--problem-type_ordinal{TRAIN}": r"number\.csv:4: 'many' .* is not a number",
    f"train_classify_--data_@good.csv{TRAIN.replace('bert', 'tokens')}": r"tokens: the tokenizer has \d+ tokens, the ",
    f"train_classify_--data_@good.csv{TRAIN.replace('bert', 'shard')}": r"model-00002-of-00002.safetensors is missing",
    "predict_@shard_a film": r"model-00002-of-00002.safetensors is missing, one of 2 files that ",
    f"train_classify_--data_@good.csv{TRAIN}_--tuning_lora_--lora-layers_attention.no": r"unknown layer for LoRA",
    f"train_classify_--data_@good.csv{TRAIN}_--tuning_lora_--lora-rank_7": r"the rank of LoRA is 7, more than a matrix",
    f"train_classify_--data_@good.csv{TRAIN}_--tuning_contrastive_--refit": r"--refit is not available for",
    "index_@docs_--out_@ix_--encoder_@one": r"one' is a classifier, which gives texts no vectors",
    "index_@nothing_--out_@ix_--encoder_@bert": r"there is no file or folder .*nothing",
    "search_@docs_film": r"docs' is a folder without an index; build one with: lingon index",
    "evaluate_@one_--data_@good.csv_--page_@page.png": r"ends in '\.png', expected \.html",
}


@pytest.mark.parametrize("line", WRONG)
def test_what_is_wrong_is_said_in_one_line(line, place, capsys):
    code, _, err = asked(place, capsys, line)
    *before, last = err.splitlines()
    assert code == 2, err
    assert re.search(WRONG[line], last), err
    assert last.startswith("lingon: ")
    assert not any("Traceback" in other for other in before)
    assert not (place / "run").exists() or not (place / "run/bundle").exists()


def test_texts_that_are_longer_than_the_model_are_said_to_be(place, capsys):
    for line in ("evaluate_@one_--data_@long.csv", f"predict_@one_{'a good film ' * 9}"):
        with pytest.warns(UserWarning, match="some texts are longer than the 8 tokens that the model reads; they are"):
            assert asked(place, capsys, line)[0] == 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert asked(place, capsys, "predict_@one_film")[0] == 0


def test_an_index_says_what_is_no_more_as_it_was(place, capsys):
    (place / "docs/b.txt").write_text("A bad film.\n")
    assert asked(place, capsys, "index_@docs_--out_@ix_--encoder_@bert")[0] == 0
    (place / "docs/a.txt").write_text("Something else.\n")
    (place / "docs/b.txt").unlink()
    code, _, err = asked(place, capsys, "search_@ix_film")
    assert code == 0
    assert "changed since they were indexed: a.txt (changed), b.txt (gone); index again: lingon index" in err
    shutil.copytree(place / "bert", place / "stranger")
    torch.manual_seed(5)
    others = {name: torch.randn_like(t) for name, t in load_file(place / "bert/model.safetensors").items()}
    save_file(others, place / "stranger/model.safetensors", metadata={"format": "pt"})
    for line in ("index_@docs_--out_@ix_--encoder_@stranger", "search_@ix_film_--encoder_@stranger"):
        code, _, err = asked(place, capsys, line)
        assert code == 2
        assert "gives different vectors; search with the original encoder, or index again with --overwrite" in err
    (place / "bert").rename(place / "away")
    code, _, err = asked(place, capsys, "search_@ix_film")
    (place / "away").rename(place / "bert")
    assert code == 2
    assert "there is no folder" in err


def test_a_class_of_two_texts_is_named_where_there_are_five_folds(place, capsys):
    rare = Path(shutil.copy(place / "good.csv", place / "rare.csv"))
    rare.write_text(rare.read_text() + "a rare film,rare\na rare film too,rare\n")
    line = f"train_classify_--data_@rare.csv_--folds_5_--evals_1{TRAIN.replace('@run', '@folds')}"
    code, _, err = asked(place, capsys, line)
    assert code == 0
    assert "labels with fewer than 5 texts are not in every fold: 'rare'" in err
