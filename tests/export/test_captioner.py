"""A captioner as ONNX graphs: any number of images, captions of any length, and programs in Python and for Node.js."""

import json
import shutil

import numpy as np
import pytest

from lingon.checkpoints.bundle import save_bundle
from lingon.core.errors import UserError
from lingon.data.files.images import save_image
from lingon.data.tokenizers import bpe, words
from lingon.engine.fit import TrainConfig, fit
from lingon.engine.optimizers import adamw
from lingon.export.portable import export
from lingon.tasks.caption import Captioner
from lingon.tasks.caption.encoding import encode_captions
from lingon.tasks.caption.objective import CaptionObjective
from lingon.tasks.caption.params import GREEDY
from lingon.tasks.translate.vocabularies import END, with_end
from tests.data.captioned_images import made_captions
from tests.export.image_programs import in_module, in_node, in_python, pictures, rows
from tests.tasks.test_caption import RUN, captioner

pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")
node = pytest.mark.skipif(shutil.which("node") is None, reason="there is no node on this machine")


IMAGES = made_captions(6)


def trained(name, make_tokenizer):
    """A captioner that has learned six images, more or less."""
    tokenizer = with_end(make_tokenizer(IMAGES.texts))
    end = tokenizer.vocab[END]
    ids = {"vocab_size": len(tokenizer.vocab), "pad_id": tokenizer.pad_id, "start_id": end, "eos_id": end}
    task = Captioner(captioner(name, dropout=0.0, context_length=23, **ids).model, tokenizer)
    batches = encode_captions(task, IMAGES).batches(0, 12, None, seed=0)
    config = TrainConfig(steps=100)
    fit(CaptionObjective(task.model.train()), batches, task.loss, adamw(task.model, 0.01), config=config)
    task.model.eval()
    return task


MADE = {"caption_transformer": lambda texts: bpe(texts, 271), "show_and_tell": words}


@pytest.fixture(scope="module", params=MADE)
def exported(request, tmp_path_factory):
    """A captioner and its folder."""
    name = request.param
    folder, task = tmp_path_factory.mktemp(name), trained(name, MADE[name])
    save_bundle(task, name, folder / "b", RUN)
    found = export(folder / "b", "onnx", out=folder / "onnx")
    assert found.difference < 1e-4
    return task, folder / "onnx"


def photos(folder):
    """The six images and others."""
    return [save_image(folder / f"{i}.png", one) for i, one in enumerate(IMAGES.pixels)] + pictures(folder)


def greedy(task, paths):
    """The captions of Lingon, the likeliest token at each step, as rows."""
    return [{"image": str(path), "caption": task.n_best([path], GREEDY)[0][0].caption} for path in paths]


@pytest.mark.long
def test_the_program_of_the_readme_says_what_the_model_says(exported, tmp_path):
    task, folder = exported
    config = json.loads((folder / "config.json").read_text())
    assert config["image"]["size"] == 16
    assert len(config["memory"]) == (4 if config["model"] == "caption_transformer" else 0)
    paths = photos(tmp_path)
    wanted = greedy(task, paths)
    assert rows(in_python(folder, *paths)) == wanted
    assert len({row["caption"] for row in wanted}) > 2


@node
@pytest.mark.long
def test_node_says_what_the_model_says(exported, tmp_path):
    task, folder = exported
    paths = photos(tmp_path)
    done = in_node(folder, "caption.mjs", *paths)
    assert done.returncode == 0, done.stderr
    assert rows(done.stdout) == greedy(task, paths)
    broken = tmp_path / "broken"
    shutil.copytree(folder, broken)
    (broken / "tokenizer.json").unlink()
    done = in_node(broken, "caption.mjs", paths[0])
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "tokenizer.json" in done.stderr


READ = """
import { Captioner } from "./captioner.mjs";
const ort = { Tensor: class { constructor(type, data, dims) { Object.assign(this, { type, data, dims }); } } };
const read = [], asked = [];
const encoder = { run: async ({ images }) => (read.push([images.dims, [...images.data]]), { target_0: 0 }) };
const decoder = { run: async ({ ids, target_0 }) => {
  asked.push([Number(ids.data[0]), target_0]);
  return { logits: { data: Float32Array.from(given.logits[target_0]) }, new_target_0: target_0 + 1 };
} };
const tokenizer = { decode: (ids) => ` ${ids.join(" ")} ` };
const captioner = new Captioner(ort, encoder, decoder, given.config, tokenizer);
const captions = [];
for (const image of given.images) captions.push(await captioner.caption(image));
console.log(JSON.stringify({ read, asked, captions }));
"""


@node
def test_javascript_reads_images_as_lingon_does_and_stops_at_the_end():
    """Of ids 0 to 4, 4 begins and ends a caption, 0 adds no text and 3 is never written."""
    task, draw, images, read = captioner(), np.random.default_rng(7), [], []
    for height, width in ((31, 67), (90, 40), (5, 3)):
        pixels = draw.integers(0, 256, (height, width, 3)).astype(np.uint8)
        opaque = np.concatenate([pixels, np.full((height, width, 1), 255, np.uint8)], -1)
        images.append({"height": height, "width": width, "data": opaque.ravel().tolist()})
        read.append([[1, 16, 16, 3], task.read(pixels).ravel().tolist()])
    config = {"image": {"size": 16, "background": [255] * 3}, "start_ids": [4], "eos_ids": [4], "target": ["target_0"]}
    config |= {"forbidden_ids": [3], "no_text": [0, 4], "context_length": 7}
    logits = [[1, 7, 2, 9, 3], [0, 5, 6, 8, 6], [6, 5, 4, 9, 3], [0, 1, 2, 3, 4]]  # says 1, 2, 0 and ends
    answer = in_module(READ, {"images": images, "config": config, "logits": logits})
    assert answer["read"] == read
    assert answer["captions"] == ["1 2"] * 3
    assert answer["asked"][:4] == [[4, 0], [1, 1], [2, 2], [0, 3]]
    short = in_module(READ, {"images": images[:1], "config": config | {"context_length": 3}, "logits": logits})
    assert (short["captions"], len(short["asked"])) == (["1 2"], 2)


def test_eight_bits_are_refused(tmp_path):
    folder = save_bundle(captioner(), "caption_transformer", tmp_path / "b", RUN)
    with pytest.raises(UserError, match="--int8 is for classifiers and encoders; a captioner is exported with 32 bits"):
        export(folder, "onnx", int8=True)
