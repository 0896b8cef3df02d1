"""The page of pictures finds the labels, objects and captions that Lingon does: its modules in Node.js, and itself."""

import json
import shutil
import subprocess

import pytest

from examples.portable import build
from lingon.checkpoints.bundle import save_bundle
from lingon.core.errors import FetchError
from lingon.export.portable import export
from tests.export.image_programs import in_node
from tests.export.test_captioner import MADE, greedy, photos, trained
from tests.export.test_detector import RUN, strong_detector
from tests.export.test_image_classifier import strong_classifier

pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")
node = pytest.mark.skipif(shutil.which("node") is None, reason="there is no node on this machine")
browser = pytest.mark.skipif(shutil.which("chromium") is None, reason="there is no chromium on this machine")
ALL = ("classifier", "detector", "captioner")
IN_NODE = """\
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Tokenizer } from "@huggingface/tokenizers";
import * as ort from "onnxruntime-web";
import { Pictures } from "./page/pictures.mjs";
import { readImage } from "./detector/read_image.mjs";

const pictures = await Pictures.load(ort, (path) => readFile(new URL(`page/${path}`, import.meta.url)), Tokenizer);
console.log(JSON.stringify(await pictures.measured(process.argv.slice(2), readImage)));
"""


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A classifier, a detector, a captioner, and the folder with the exports of all."""
    folder = tmp_path_factory.mktemp("pictures")
    captioner = trained("caption_transformer", MADE["caption_transformer"])
    tasks = (strong_classifier(), strong_detector(), captioner)
    models = {"classifier": "lenet", "detector": "center_net", "captioner": "caption_transformer"}
    for task, (name, model) in zip(tasks, models.items(), strict=True):
        export(save_bundle(task, model, folder / f"{name}-bundle", RUN), "onnx", out=folder / name)
    return tasks, folder


def says_the_same(found, tasks, paths):
    """Labels and captions are equal; so are objects but for the rounding of another runtime.

    Where a picture is flat, rounding says which places are centres, so that those are not compared.
    """
    classifier, detector, captioner = tasks
    assert [one["label"] for one in found["labels"]] == [one.label for one in classifier.predict(paths)]
    assert found["captions"] == [row["caption"] for row in greedy(captioner, paths)]
    assert len(found["milliseconds"]) == len(paths)
    for path, objects, expected in zip(paths, found["objects"], detector.predict(paths), strict=True):
        if len(path.stem) > 1:
            assert [one["label"] for one in objects] == [one.label for one in expected.objects]
            for one, wanted in zip(objects, expected.objects, strict=True):
                assert one["score"] == pytest.approx(wanted.score, abs=2e-4)
                assert one["box"] == pytest.approx(wanted.box, abs=0.11)


@node
@pytest.mark.long
def test_the_page_in_node_finds_what_lingon_finds(exported, tmp_path):
    """With the runtime of the page, onnxruntime-web."""
    tasks, folder = exported
    paths = photos(tmp_path)
    build.page([folder / name for name in ALL], folder / "page")
    (folder / "look.mjs").write_text(IN_NODE)
    done = in_node(folder / "page", "../look.mjs", *paths)
    assert done.returncode == 0, done.stderr
    says_the_same(json.loads(done.stdout), tasks, paths)


@node
@browser
@pytest.mark.long
def test_the_page_finds_what_lingon_finds(exported, tmp_path):
    tasks, folder = exported
    page = build.page([folder / name for name in ALL], tmp_path / "page")
    paths = [path for path in photos(page) if path.name != "alpha.png"]  # a canvas keeps no colour under alpha
    found = build.browse(page, [path.name for path in paths], tmp_path / "page.png")
    says_the_same(found, tasks, paths)
    assert len((tmp_path / "page.png").read_bytes()) > 5000, "an empty page"


@node
@pytest.mark.long
def test_a_page_of_one_folder_and_of_what_does_not_go_together(exported, tmp_path):
    folder = exported[1]
    page = build.page(folder / "captioner", tmp_path / "page")
    assert json.loads((page / "tasks.json").read_text()) == ["caption"]
    assert not (page / "model" / "detect").exists()
    with pytest.raises(FetchError, match="a page of detect and detect; expected one of them, or different ones of cl"):
        build.page([folder / "detector", folder / "detector"], tmp_path / "twice")
    with pytest.raises(FetchError, match=r"ENOENT: .*config\.json"):
        build.page([folder / "detector", folder / "nothing"], tmp_path / "missing")
    (folder / "detector" / "package.json").write_text("{}")  # of npm, not of the page
    build.page([folder / "detector"], tmp_path / "other")
    assert not (tmp_path / "other" / "model" / "detect" / "package.json").exists()


DRAW = """
import { coloursOf, drawBoxes, inWords, Pictures } from "./pictures.mjs";
const objects = [
  { label: "cell", score: 0.9, box: [10, 20, 50, 60] },
  { label: "speck", score: 0.345, box: [1, 2, 3, 4] },
  { label: "cell", score: 0.3, box: [0, 0, 9, 9] },
];
const [said, boxes] = [[], []];
const context = {
  strokeRect: (...box) => boxes.push([context.strokeStyle, ...box]),
  fillRect: () => {},
  fillText: (text) => said.push(text),
  measureText: (text) => ({ width: text.length }),
};
drawBoxes(context, objects, 100);
const colours = [...coloursOf(objects)];
const image = { width: 10_000, height: 10_000, data: [] };
const large = await new Pictures().look(image).catch((error) => error.message);
const busy = [];
const detector = { detect: async (image) => {
  busy.push(`begins ${image.width}`);
  await new Promise((done) => setTimeout(done, 5));
  busy.push(`ends ${image.width}`);
  if (image.width === 1) throw new Error("one is broken");
  return [];
} };
const pictures = new Pictures({ detector });
const results = await Promise.allSettled([1, 2].map((width) => pictures.look({ width, height: 1, data: [] })));
const label = { label: "cell", probability: 0.98765 };
const words = [
  inWords({ classifier: {} }, { label, objects: [], caption: "" }),
  inWords({ detector, captioner: {} }, { label: null, objects: objects.slice(1, 2), caption: "a cell" }),
  inWords({ classifier: {}, detector }, { label, objects, caption: "" }),
];
console.log(JSON.stringify({ said, words, boxes, colours, large, busy, states: results.map(({ status }) => status) }));
"""


@node
def test_boxes_are_drawn_in_the_colour_of_their_label_and_pictures_wait_for_each_other():
    done = subprocess.run(
        ["node", "--input-type=module", "--eval", DRAW], cwd=build.HERE / "javascript", capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    colours = dict(found["colours"])
    assert colours.keys() == {"cell", "speck"}
    assert len({*colours.values()}) == 2
    assert found["said"] == ["cell 0.30", "speck 0.34", "cell 0.90"]  # the surest is drawn last, above the others
    assert found["boxes"][2] == [colours["cell"], 10, 20, 40, 40]
    assert found["boxes"][1] == [colours["speck"], 1, 2, 2, 2]
    assert found["words"] == [["cell, 98.8 %"], ["a cell", "1 object"], ["cell, 98.8 %", "3 objects"]]
    assert found["large"] == "10000 x 10000 pixels; at most 50000000 are read"
    assert found["busy"] == ["begins 1", "ends 1", "begins 2", "ends 2"]
    assert found["states"] == ["rejected", "fulfilled"]
