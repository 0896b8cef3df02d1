"""Every task that is exported says the same in another runtime; a new kind of task joins with a row."""

import json
import re
import shutil
import subprocess
import sys

import numpy as np
import onnx
import pytest
import torch

from lingon.checkpoints.bundle import save_bundle
from lingon.checkpoints.load import load
from lingon.core.errors import UserError
from lingon.data.batches import collate
from lingon.data.tokenizers import words
from lingon.export.portable import TARGETS, export, outputs_of
from lingon.models.encoder_classifier import EncoderClassifier
from lingon.models.registry import build
from lingon.tasks.classify import Classifier
from lingon.tasks.classify.pair_graph import pair_graph, token_types_of
from lingon.tasks.embed import Embedder

TEXTS = ["A warm film.", "dull", "a film about a dull and warm day " * 9, "", "warm ! dull", "not seen"]
CLEAR = torch.randn(3, 7, generator=torch.Generator().manual_seed(5))


def tokenizer():
    return words(["a warm film .", "a dull day ! about and"]).with_template()


def encoder(vocab_size):
    torch.manual_seed(1)
    sizes = {"vocab_size": vocab_size, "width": 14, "heads": 2, "depth": 1, "context_length": 23}
    model = build("bert", sizes)
    for p in model.parameters():
        torch.nn.init.normal_(p.data, std=0.3)
    return model.eval()


def embed():
    found = tokenizer()
    return Embedder(encoder(len(found.vocab)), found, "mean", normalize=True, max_length=19)


def classify():
    found = tokenizer()
    model = EncoderClassifier(encoder(len(found.vocab)), 3, "cls").eval()
    with torch.no_grad():
        model.output.weight.copy_(CLEAR.repeat(1, 2))
    return Classifier(model, found, ["down", "flat", "up"], max_length=19)


def pairs():
    found = tokenizer()
    model = EncoderClassifier(encoder(len(found.vocab)), 3, "cls").eval()
    with torch.no_grad():
        model.output.weight.copy_(CLEAR.repeat(1, 2))
    return Classifier(model, found, ["down", "flat", "up"], max_length=19, text_pair=True)


# Of each: how it is made, and its targets beside onnx.
ROWS = {
    "embed": (embed, ()),
    "classifier on an encoder": (classify, ("torch",)),
    "classifier of pairs": (pairs, ()),
}
EVERY = [(name, to) for name, (_, others) in ROWS.items() for to in ("onnx", *others)]


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """Each row for each runtime, made when it is first asked for: the bundle, and the export."""
    folder, made = tmp_path_factory.mktemp("exports"), {}

    def get(name, to):
        bundle = folder / name.replace(" ", "-")
        if not bundle.exists():
            task = ROWS[name][0]()
            save_bundle(task, "encoder" if task.name == "classify" else "bert", bundle, {"arguments": {}})
        if (name, to) not in made:
            made[name, to] = export(bundle, to)
        return load(bundle), made[name, to]

    return get


@pytest.mark.filterwarnings("ignore:.*longer than")
@pytest.mark.parametrize(("name", "to"), EVERY)
@torch.no_grad()
def test_outputs_equal_the_eager_model(exported, name, to):
    task, found = exported(name, to)
    assert found.difference < 1e-4
    run = TARGETS[to].run(found.folder / TARGETS[to].file)
    texts = list(zip(TEXTS, TEXTS[::-1], strict=True)) if name == "classifier of pairs" else TEXTS
    expected = task.logits(texts) if task.name == "classify" else torch.from_numpy(task.encode(texts))
    assert (outputs_of(run, task, texts) - expected).abs().max() < 1e-4
    batch = collate(task.token_ids(texts), pad=task.tokenizer.pad_id)  # all at once, padded to the longest
    assert (run(batch.ids, batch.mask) - expected).abs().max() < 1e-4
    for rows, columns in ((1, 1), (5, 23)):
        ids, mask = torch.ones(rows, columns, dtype=torch.long), torch.ones(rows, columns, dtype=torch.bool)
        assert (run(ids, mask) - task.graph()(ids, mask)).abs().max() < 1e-4


@pytest.mark.parametrize(("name", "to"), EVERY)
def test_the_folder_says_what_it_holds(exported, name, to):
    task, found = exported(name, to)
    config = json.loads((found.folder / "config.json").read_text())
    assert config["outputs"] == {task.output_name: {"type": "float32", "shape": list(task.output_shape)}}
    assert config["model"] == ("encoder" if task.name == "classify" else "bert")
    assert (config["task"], config["max_length"], config["rows"]) == (task.name, 19, None)
    if to == "onnx":
        model = onnx.load(found.folder / "model.onnx")
        onnx.checker.check_model(model, full_check=True)
        sizes = {i.name: [d.dim_param for d in i.type.tensor_type.shape.dim] for i in model.graph.input}
        assert sizes == {"ids": ["batch", "tokens"], "mask": ["batch", "tokens"]}
        assert [o.name for o in model.graph.output] == [task.output_name]
        assert model.opset_import[0].version >= 18


def test_the_readme_runs_where_there_is_no_lingon(exported, tmp_path):
    wall = "import sys; sys.modules['lingon'] = None\nimport os, runpy\nfor folder in sys.argv[1:]:\n"
    wall += "    os.chdir(folder)\n    runpy.run_path('program.py')\n"
    folders = [shutil.copytree(exported(name, "onnx")[1].folder, tmp_path / str(i)) for i, name in enumerate(ROWS)]
    for folder in folders:
        code = re.search(r"```python\n(.*?)```", (folder / "README.md").read_text(), re.DOTALL)[1]
        (folder / "program.py").write_text(code)
    done = subprocess.run([sys.executable, "-c", wall, *folders], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for name, line in zip(ROWS, done.stdout.splitlines(), strict=True):
        task, _ = exported(name, "onnx")
        if task.name == "embed":
            expected = task.encode(["A warm and clever film."])[0]
            assert [float(x) for x in line.split()[2:]] == pytest.approx(expected[:4].tolist(), abs=1e-4)
            assert line.startswith(f"{task.width} numbers:")
        else:
            text = "A warm and clever film."
            assert line.split()[0] == task.predict((text, "It warms the heart.") if task.text_pair else text).label


def test_eight_bits_keep_the_vectors(exported, tmp_path):
    task, _ = exported("embed", "onnx")
    bundle = tmp_path / "b"
    save_bundle(task, "bert", bundle, {"arguments": {}})
    with pytest.raises(UserError, match=r"run\.json names none; give some with --data"):
        export(bundle, "onnx", int8=True)
    rows = ["sentence1,sentence2,score", *(f"a {x} film,{y} day {x},{i}" for i, (x, y) in enumerate(PAIRS))]
    (tmp_path / "pairs.csv").write_text("\n".join(rows))
    found = export(bundle, "onnx", tmp_path / "small", int8=True, data=str(tmp_path / "pairs.csv"))
    assert found.agreement >= 0.99
    assert "the mean cosine" in (tmp_path / "small" / "README.md").read_text()
    run = TARGETS["onnx"].run(found.folder / "model.onnx")
    exact, small = task.encode(TEXTS[:2]), outputs_of(run, task, TEXTS[:2]).numpy()
    assert 0.98 < np.sum(exact * small, 1).min() < 1 - 1e-7, "it is another model, and a near one"


PAIRS = [("warm", "dull"), ("dull", "warm"), ("", "about"), ("and", "film")] * 3


def test_what_has_no_program_is_refused_by_name(exported, tmp_path):
    for name in ("embed", "classifier on an encoder"):
        bundle = exported(name, "onnx")[1].folder.parent / name.replace(" ", "-")
        with pytest.raises(UserError, match=r"has no program \(`program` of its ENTRY\); export it --to onnx"):
            export(bundle, "program", tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_token_types_follow_from_the_separators_or_the_export_is_refused():
    plain = words(["a warm film .", "a dull day ! about and"])
    model = EncoderClassifier(encoder(len(tokenizer().vocab)), 3).eval()
    rows = tokenizer().encode_pairs([("a warm", "dull ! day"), ("", "a"), ("film", "")])
    ids = collate([row.ids for row in rows], pad=0).ids
    found = token_types_of(ids, tokenizer().vocab["[SEP]"])
    for row, types in zip(rows, found.tolist(), strict=True):
        assert types[: len(row.ids)] == row.token_types
    assert pair_graph(model, plain.with_template("[CLS] $A [SEP]", "[CLS] $A [SEP] [SEP] $B [SEP]")) is model
    with pytest.raises(UserError, match="the second text does not begin after a token"):
        pair_graph(model, plain.with_template("[CLS] $A", "[CLS] $A [SEP] [SEP] $B:1"))


def test_agreement_of_vectors_and_of_predictions_by_hand():
    task = embed()
    exact = torch.tensor([[3.0, 4.0], [1.0, 0.0], [0.0, 0.0]])
    found = task.output_agreement(exact, torch.tensor([[4.0, 3.0], [2.0, 0.0], [0.0, 0.0]]))
    assert found == pytest.approx((24 / 25 + 1) / 2)
    exact = torch.tensor([[1.0, 0.0, 0.0], [0.0, 2.0, 1.0]])
    assert classify().output_agreement(exact, torch.tensor([[5.0, 4.0, 4.0], [0.0, 1.0, 2.0]])) == 0.5
