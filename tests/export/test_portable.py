"""An exported folder says what the model says, in a process without Lingon; what it would say wrongly is refused."""

import json
import re
import shutil
import subprocess
import sys
import zipfile
from collections import Counter
from dataclasses import replace
from itertools import pairwise

import numpy as np
import onnx
import pytest
import torch

from lingon.checkpoints.bundle import save_bundle
from lingon.checkpoints.load import load
from lingon.core.errors import UserError
from lingon.core.files import write_json
from lingon.data.batches import collate
from lingon.data.hashing import fnv1a
from lingon.export import portable
from lingon.export.onnx import run_onnx
from lingon.export.parity import BATCHES, LENGTHS, batches, largest_difference
from lingon.export.portable import TARGETS, export
from lingon.export.torch_program import pickled_parts, run_torch
from lingon.models import bag_of_vectors
from lingon.models.ngram_rows import row_rule, rows_and_counts
from lingon.tasks.heads import Heads
from tests.checkpoints import test_bundle
from tests.checkpoints.test_bundle import RUN, TEXTS

MODELS = ("bag", "textcnn", "bilstm", "self_attentive", "ngrams", "ngrams, characters")
WALL = """import sys
class Wall:
    def find_spec(self, name, *_):
        assert name.split(".")[0] != sys.argv[1]
sys.meta_path.insert(0, Wall())
import os, runpy
for folder in sys.argv[2:]:
    os.chdir(folder)
    runpy.run_path("program.py")
"""
EVERY = [(name, to) for name in MODELS for to in TARGETS]


def classifier(name):
    made = test_bundle.classifier(name)
    if hasattr(made.model, "embedding"):
        made.model.embedding.weight.data[0] = 0  # as in every trained model
    if hasattr(made.model, "idf"):
        made.model.idf.uniform_(0.5, 7)
        made.model.idf[::5] = 0  # not seen in training
        made.model.scale.fill_(1.7)
    return made


@pytest.fixture(scope="module")
def bundles(tmp_path_factory):
    """A bundle of every model."""
    folder = tmp_path_factory.mktemp("bundles")
    return {
        name: save_bundle(classifier(name), name.split(",")[0], folder / name.replace(", ", "-"), RUN)
        for name in MODELS
    }


@pytest.fixture(scope="module")
def exported(bundles):
    """Every model for every runtime, made when it is first asked for."""
    made = {}

    def get(name, to):
        if (name, to) not in made:
            made[name, to] = export(bundles[name], to)
        return made[name, to]

    return get


@pytest.mark.parametrize(("name", "to"), EVERY)
def test_the_file_says_what_the_model_says(exported, bundles, name, to):
    found = exported(name, to)
    assert found.difference < 1e-4
    expected = {"README.md", "config.json", TARGETS[to].file, "tokenizer.json"}
    assert {p.name for p in found.folder.iterdir()} - {"model.safetensors"} == expected
    run = TARGETS[to].run(found.folder / TARGETS[to].file)
    texts = [*TEXTS, "good film good film good", "film"]
    held = load(bundles[name])
    ours = held.logits(texts)
    torch.testing.assert_close(portable.outputs_of(run, held, texts), ours, rtol=1e-4, atol=1e-5)
    batch = collate(held.encode(texts))  # all at once, padded to the longest
    inputs = (
        rows_and_counts(held.model, batch.ids, batch.mask) if name.startswith("ngrams") else (batch.ids, batch.mask)
    )
    with torch.no_grad():
        torch.testing.assert_close(run(*inputs), ours, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("to", TARGETS)
def test_the_readme_of_every_folder_runs_where_there_is_no_lingon(exported, bundles, tmp_path, to):
    without = "torch" if to == "program" else "lingon"
    places = []
    for name in MODELS:
        places.append(shutil.copytree(exported(name, to).folder, tmp_path / name))
        code = re.search(r"```python\n(.*?)```", (places[-1] / "README.md").read_text(), re.DOTALL)[1]
        (places[-1] / "program.py").write_text(code)
    done = subprocess.run([sys.executable, "-c", WALL, without, *places], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for name, line in zip(MODELS, done.stdout.splitlines(), strict=True):
        expected = load(bundles[name]).predict("A warm and clever film.")
        label, probability = line.split()
        assert label == expected.label, name
        assert float(probability) == pytest.approx(expected.probability, abs=1e-4), name


@pytest.mark.parametrize("name", MODELS)
def test_nothing_in_a_torch_file_is_pickled_and_no_file_names_this_machine(exported, name):
    path = exported(name, "torch").folder / "model.pt2"
    assert pickled_parts(path) == []
    with zipfile.ZipFile(path) as archive:
        inside = b"".join(archive.read(part) for part in archive.namelist() if part.endswith(".json"))
    inside += (exported(name, "onnx").folder / "model.onnx").read_bytes()
    assert b"site-packages" not in inside
    assert b".py" not in inside


def test_a_torch_file_with_anything_pickled_is_not_loaded(exported, tmp_path):
    source, bad = exported("bag", "torch").folder / "model.pt2", tmp_path / "bad.pt2"
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(bad, "w") as new:
        for part in old.infolist():
            data = old.read(part)
            new.writestr(part.filename, b"PK" if part.filename.endswith("model.pt") else data)
    with pytest.raises(UserError, match=r"model\.pt is pickled"):
        run_torch(bad)


def test_an_onnx_file_is_sound_and_names_its_sizes(exported):
    model = onnx.load(exported("bilstm", "onnx").folder / "model.onnx")
    onnx.checker.check_model(model, full_check=True)
    sizes = {i.name: [d.dim_param for d in i.type.tensor_type.shape.dim] for i in model.graph.input}
    assert sizes == {"ids": ["batch", "tokens"], "mask": ["batch", "tokens"]}
    assert [o.name for o in model.graph.output] == ["logits"]
    assert "LSTM" in {node.op_type for node in model.graph.node}, "a loop over time would be slow"


def test_batches_have_every_shape_and_an_empty_text():
    shapes = [(ids.shape, mask) for ids, mask in batches(11)]
    assert [tuple(shape) for shape, _ in shapes] == [(b, t) for t in LENGTHS for b in BATCHES]
    assert len(set(LENGTHS)) == 5
    assert len(set(BATCHES)) == 3
    assert all(not mask[-1].any() for _, mask in shapes if len(mask) > 1)
    assert all(mask[0].all() for _, mask in shapes)


@pytest.mark.parametrize("wrong", [2e-4, float("nan")])
def test_a_model_that_says_something_else_is_refused(wrong):
    def model(ids, mask):
        return ids.sum(1, keepdim=True).float()

    def near(ids, mask):
        return model(ids, mask) + (wrong if ids.shape == (3, 61) else 0)

    assert largest_difference(model, model, 7) == 0
    with pytest.raises(UserError, match="not exported: on 3 texts of 61 tokens the exported model differs"):
        largest_difference(model, near, 7)


def test_a_refused_export_leaves_no_folder_behind(bundles, tmp_path, monkeypatch):
    run = TARGETS["onnx"]._replace(run=lambda path: lambda ids, mask: run_onnx(path)(ids, mask) + 1)
    monkeypatch.setitem(TARGETS, "onnx", run)
    with pytest.raises(UserError, match=r"differs from the model by 1\.0e"):
        export(bundles["bag"], "onnx", tmp_path / "new")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("to", TARGETS)
@pytest.mark.parametrize("name", ["ngrams", "ngrams, characters"])
def test_a_text_of_nothing_or_of_ngrams_never_seen_has_the_logits_of_the_bias(bundles, tmp_path, name, to):
    held = load(bundles[name])
    held.model.idf.zero_()
    found = export(save_bundle(held, "ngrams", tmp_path / "unseen", RUN), to)
    run = TARGETS[to].run(found.folder / TARGETS[to].file)
    expected = (1.7 * held.model.bias).expand(2, -1)
    torch.testing.assert_close(portable.outputs_of(run, held, ["", "a good film"]), expected)


def test_the_config_says_what_the_inputs_hold(exported):
    for name in MODELS:
        config = json.loads((exported(name, "onnx").folder / "config.json").read_text())
        held = {
            i.name: i.type.tensor_type.elem_type
            for i in onnx.load(exported(name, "onnx").folder / "model.onnx").graph.input
        }
        kind = {onnx.TensorProto.BOOL: "bool", onnx.TensorProto.FLOAT: "float32"}[held["mask"]]
        assert config["inputs"]["mask"]["type"] == kind == ("float32" if config["rows"] else "bool")
        assert ("how often each row stands" in config["inputs"]["mask"]["holds"]) == (config["rows"] is not None)


@pytest.mark.parametrize("name", ["ngrams", "ngrams, characters"])
def test_rows_and_counts_follow_the_rule_by_hand(name):
    """The rule in config.json, written out once more with Python's whole numbers."""
    model, tokens = classifier(name).model, list(classifier(name).tokenizer.vocab)
    rule = row_rule(model, tokens)
    bits = 2**64 - 1

    def mix(x):
        x = (x ^ x >> 27) * int(rule["mix_1"]) & bits
        x = (x ^ x >> 33) * int(rule["mix_2"]) & bits
        return x ^ x >> 27

    texts = [[3, 5, 3, 5, 7], [], [2]]
    expected = []
    for ids in texts:
        rows = Counter(ids)
        for a, b in pairwise(ids):
            h = (mix(b + 1) * int(rule["chain"]) + mix(a + 1)) & bits
            rows[rule["vocab_size"] + mix(h) % rule["buckets"]] += 1
        for token in [tokens[i] for i in ids] if rule["characters"] else []:
            lengths = range(rule["characters"]["shortest"], rule["characters"]["longest"] + 1)
            word = f"<{token}>"
            hashes = {fnv1a(word[i : i + n].encode()) for n in lengths for i in range(len(word) - n + 1)}
            rows.update(rule["vocab_size"] + h % rule["buckets"] for h in hashes)
        expected.append(rows)
    assert max(expected[0].values()) > 1
    batch = collate(texts)
    found = [
        rows_and_counts(model, batch.ids, batch.mask),
        *(rows_and_counts(model, *collate([ids]).values()) for ids in texts),
    ]
    counted = [
        {row: count for row, count in zip(*text, strict=True) if count}
        for rows, counts in found
        for text in zip(rows.tolist(), counts.tolist(), strict=True)
    ]
    assert counted == expected * 2
    assert {(rows.dtype, counts.dtype) for rows, counts in found} == {(torch.int64, torch.float32)}
    assert all(rows.shape == counts.shape and rows.shape[1] > 0 for rows, counts in found)


def test_characters_that_follow_no_rule_are_refused(tmp_path):
    held = classifier("ngrams, characters")
    held.model.spelling_hashes[3] += 1
    with pytest.raises(UserError, match="no other language could find them; set them with read_characters"):
        export(save_bundle(held, "ngrams", tmp_path / "held", RUN), "onnx")


def reviews(folder, texts=300):
    draw = np.random.default_rng(5)
    lines = ["text,label"]
    for _ in range(texts):
        words = draw.choice(["good", "bad", "film", "dull", "very", "a", "not"], draw.integers(3, 13))
        lines.append(f"{' '.join(words)},{draw.choice(['down', 'flat', 'up'])}")
    (folder / "mine.csv").write_text("\n".join(lines))
    return folder / "mine.csv"


def test_eight_bits_agree_on_texts(bundles, tmp_path):
    found = export(bundles["ngrams"], "onnx", tmp_path / "small", int8=True, data=str(reviews(tmp_path)))
    assert found.agreement >= 0.99
    assert found.times_as_fast > 0
    config = json.loads((tmp_path / "small" / "config.json").read_text())
    assert config["int8"]["agreement"] == found.agreement
    assert sorted(p.name for p in (tmp_path / "small").iterdir())[2] == "model.onnx"


def test_eight_bits_that_change_labels_are_refused(bundles, tmp_path, monkeypatch):
    def swapped(source, target):
        model = onnx.load(source)
        bias = next(t for t in model.graph.initializer if "bias" in t.name)
        bias.CopyFrom(onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(bias) - [9, 0, -9], bias.name))
        bias.CopyFrom(onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(bias).astype("float32"), bias.name))
        onnx.save(model, target)

    monkeypatch.setattr(portable.small, "quantize", swapped)
    with pytest.raises(
        UserError, match=r"same prediction is 0\.\d+ \(60 texts\), at least 0.99 is expected; export without"
    ):
        export(bundles["bag"], "onnx", tmp_path / "small", int8=True, data=str(reviews(tmp_path)))
    assert not (tmp_path / "small").exists()


def test_a_head_of_a_bundle_with_several_tasks_is_exported(tmp_path):
    heads = Heads({"one": classifier("bag"), "two": classifier("ngrams")})
    save_bundle(heads, {"one": "bag", "two": "ngrams"}, tmp_path / "two", RUN)
    with pytest.raises(UserError, match="holds several tasks: one, two; name one of them with --head"):
        export(tmp_path / "two", "onnx")
    found = export(tmp_path / "two", "onnx", tmp_path / "one", head="one")
    run = run_onnx(found.folder / "model.onnx")
    torch.testing.assert_close(portable.outputs_of(run, heads["one"], TEXTS), heads["one"].logits(TEXTS))
    assert json.loads((found.folder / "config.json").read_text())["model"] == "bag"


def test_a_model_without_a_program_is_refused(bundles, tmp_path, monkeypatch):
    monkeypatch.setattr(bag_of_vectors, "ENTRY", replace(bag_of_vectors.ENTRY, program=None))
    with pytest.raises(UserError, match=r"BagOfVectors has no program \(`program` of its ENTRY\); export it --to onnx"):
        export(bundles["bag"], "program", tmp_path / "new")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"to": "onxx"}, "unknown target 'onxx'; did you mean 'onnx'"),
        ({"to": "torch", "int8": True}, "--int8 is for --to onnx"),
        ({"to": "onnx", "int8": True}, "run.json names none; give some with --data"),
        ({"to": "onnx", "int8": True, "data": "nowhere.csv"}, "neither a corpus nor a file.*give some with --data"),
    ],
)
def test_what_cannot_be_meant_is_refused(bundles, tmp_path, arguments, said):
    with pytest.raises(UserError, match=said):
        export(bundles["bag"], out=tmp_path / "new", **arguments)
    assert not (tmp_path / "new").exists()


def test_only_an_older_export_is_replaced(bundles, tmp_path):
    (tmp_path / "new").mkdir()
    write_json(tmp_path / "new" / "config.json", {"to": "onnx"})
    (tmp_path / "new" / "model.onnx").write_text("old")
    export(bundles["bag"], "torch", tmp_path / "new")
    assert (tmp_path / "new" / "model.pt2").is_file()
    assert not (tmp_path / "new" / "model.onnx").exists()
    with pytest.raises(UserError, match="contains something other than an earlier export"):
        export(bundles["bag"], "onnx", bundles["textcnn"])
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="is a file; --out names a folder"):
        export(bundles["bag"], "onnx", tmp_path / "file")
