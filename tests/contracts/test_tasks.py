"""Every task keeps the protocol, and one of a third party is a file and a row: saved, loaded, asked, on every way."""

import io
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

import lingon
from lingon.checkpoints.bundle import read_config, save_bundle
from lingon.cli.app import app
from lingon.cli.errors import Stopped
from lingon.core.errors import DataError, UserError
from lingon.data.boxed_images import BoxedImage
from lingon.data.conversations import Conversation, Message
from lingon.data.examples import Examples
from lingon.data.image_layout import ImageLayout
from lingon.data.image_questions import ImageQuestion, ImageQuestions
from lingon.data.labelled_images import LabelledImages
from lingon.data.masked_images import MaskedImages
from lingon.data.parallel_texts import ParallelTexts
from lingon.data.questions import Answer, Question
from lingon.data.tagged_sentences import TaggedSentence, TaggedSentences
from lingon.data.text_pairs import ScoredPairs
from lingon.data.tokenizers import characters, words
from lingon.data.trees import Tree
from lingon.engine.fit import TrainConfig, fit
from lingon.engine.log import read_metrics
from lingon.engine.optimizers import adamw
from lingon.export.portable import export
from lingon.metrics.scores import Scores
from lingon.models.masked_encoder import MaskedEncoder
from lingon.models.registry import MODELS, ModelRow, build
from lingon.tasks.answer import Answerer
from lingon.tasks.caption import Captioner
from lingon.tasks.chat import ChatModel
from lingon.tasks.classify import Classifier
from lingon.tasks.classify_images import ImageClassifier
from lingon.tasks.detect import Detector
from lingon.tasks.embed import Embedder
from lingon.tasks.exportable import (
    CaptionExportable,
    DetectionExportable,
    Exportable,
    ImageExportable,
    SegmentExportable,
    SequenceExportable,
    TextModel,
)
from lingon.tasks.heads import Heads
from lingon.tasks.language_model import LanguageModel
from lingon.tasks.masked_language_model import MaskedLanguageModel
from lingon.tasks.masked_language_model.special_ids import with_mask
from lingon.tasks.parse import Parser
from lingon.tasks.registry import TASKS, row_of, task_of
from lingon.tasks.segment import Segmenter
from lingon.tasks.tag import Tagger
from lingon.tasks.task import Predictor, Reporter, Task, Trainable, columns
from lingon.tasks.task_row import TaskRow
from lingon.tasks.translate import Translator
from lingon.tasks.translate.vocabularies import END, with_end
from lingon.tasks.visual_answer import VisualAnswerer
from tests.data.captioned_images import made_captions
from tests.tasks.made_images import NAMES as SYNTHESIZER
from tests.tasks.made_images import images, made_synthesizer
from tests.tasks.made_rewriter import NAMES as REWRITER
from tests.tasks.made_rewriter import made_rewriter
from tests.tasks.made_stylizer import made_stylizer, narrow_vgg, photo

TEXTS = ["good film | fine film", "good | bad", "bad film | dull film", "fine | dull", "dull | bad", "bad | good"]
ALIKE = ["1", "-1", "1", "-1", "1", "-1"]
ROW = TaskRow(
    "tests.tasks.toy_task",
    "encoder",
    "labelled texts",
    noun="pair scorer",
    commands=("predict",),
    usage="predict {} 'a | b'",
    help="Train a pair scorer.",
    metric="accuracy",
)
RUN = {"arguments": {"seed": 3}, "data": {"name": "made up"}}
NAMES = {"encoder": "toy_encoder", "head": "toy_head"}


@pytest.fixture(autouse=True)
def third_party(monkeypatch):
    """The rows of a toy task and of its models; their files are beside the tests of tasks."""
    monkeypatch.setitem(TASKS, "alike", ROW)
    monkeypatch.setattr("lingon.tasks.style.objective.load_vgg", narrow_vgg)
    monkeypatch.setitem(MODELS, "toy_encoder", ModelRow("tests.tasks.toy_encoder", ("encoder",)))
    monkeypatch.setitem(MODELS, "toy_head", ModelRow("tests.tasks.toy_head", ("encoder",)))


def alike(seed=1, encoder=None, left=None):
    torch.manual_seed(seed)
    left, right = left or words(TEXTS), characters(TEXTS)
    size = max(len(left.vocab), len(right.vocab))
    encoder = encoder or build("toy_encoder", {"vocab_size": size, "width": 7})
    return task_of("alike")(encoder, build("toy_head", {"width": 7}), left, right)


def classify():
    torch.manual_seed(1)
    tokenizer = words(TEXTS)
    model = build("bag", {"vocab_size": len(tokenizer.vocab), "classes": 2, "width": 7})
    return Classifier(model.eval(), tokenizer, ["-1", "1"])


def language_model():
    torch.manual_seed(1)
    tokenizer = words(TEXTS)
    return LanguageModel(build("gpt", {"vocab_size": len(tokenizer.vocab), "width": 8, "heads": 2}).eval(), tokenizer)


def chat():
    torch.manual_seed(1)
    tokenizer = words([*TEXTS, "user: assistant:"])
    sizes = {"vocab_size": len(tokenizer.vocab), "width": 8, "heads": 2}
    return ChatModel(LanguageModel(build("gpt", sizes).eval(), tokenizer))


def embed():
    torch.manual_seed(1)
    tokenizer = words(TEXTS)
    model = build("bert", {"vocab_size": len(tokenizer.vocab), "width": 8, "heads": 2, "context_length": 7})
    return Embedder(model.eval(), tokenizer, normalize=True)


def parse():
    torch.manual_seed(1)
    tokenizer = words(TEXTS)
    sizes = {"vocab_size": len(tokenizer.vocab), "classes": 2, "width": 8, "heads": 2, "context_length": 7}
    return Parser(build("encoder_parser", sizes | {"arc_width": 7}).eval(), tokenizer, ["dep", "root"])


def masked_language_model():
    torch.manual_seed(1)
    tokenizer = with_mask(words(TEXTS))
    encoder = build("bert", {"vocab_size": len(tokenizer.vocab), "width": 8, "heads": 2, "context_length": 7})
    return MaskedLanguageModel(MaskedEncoder(encoder).eval(), tokenizer)


def answer():
    torch.manual_seed(1)
    tokenizer = words(TEXTS).with_template()
    sizes = {"vocab_size": len(tokenizer.vocab), "width": 8, "heads": 2, "context_length": 16}
    return Answerer(build("encoder_answerer", sizes).eval(), tokenizer, 16, 5, null_score_diff_threshold=0.0)


def vqa():
    torch.manual_seed(1)
    tokenizer = words(TEXTS)
    sizes = {"vocab_size": len(tokenizer.vocab), "classes": 2, "image_height": 9, "image_width": 11}
    model = build("image_answerer", {**sizes, "width": 8, "heads": 2, "filters": 3})
    return VisualAnswerer(model.eval(), tokenizer, ["no", "yes"], (9, 11))


def segment():
    torch.manual_seed(1)
    return Segmenter(build("unet", {"classes": 3, "width": 3, "depth": 1}).eval(), ["ground", "cat", "dog"], 7)


def tag():
    torch.manual_seed(1)
    tokenizer = words(TEXTS)
    sizes = {"vocab_size": len(tokenizer.vocab), "tags": 3, "labels": 2, "width": 8, "heads": 2, "context_length": 7}
    model = build("encoder_tagger", {**sizes, "max_length": 7, "crf": True})
    torch.nn.init.normal_(model.head.output.weight)
    return Tagger(model.eval(), tokenizer, ["B-a", "I-a", "O"], ["yes", "no"])


def translate():
    torch.manual_seed(1)
    source, target = with_end(words(TEXTS)), with_end(characters(TEXTS))
    size, end = len(target.vocab), target.vocab[END]
    sizes = {"vocab_size": size, "source_vocab_size": len(source.vocab), "width": 8, "heads": 2, "depth": 1}
    more = {"context_length": 16, "source_length": 16, "start_id": end, "eos_id": end}
    return Translator(build("transformer", sizes | more).eval(), source, target)


IMAGE = np.random.default_rng(0).integers(0, 256, (9, 11, 3), np.uint8)


def caption():
    torch.manual_seed(1)
    tokenizer = with_end(words(made_captions(6).texts))
    end = tokenizer.vocab[END]
    sizes = {"vocab_size": len(tokenizer.vocab), "width": 8, "heads": 2, "filters": 8, "image_size": 16}
    model = build("caption_transformer", sizes | {"context_length": 7, "start_id": end, "eos_id": end})
    return Captioner(model.eval(), tokenizer, "en")


def classify_images():
    torch.manual_seed(1)
    model = build("resnet", {"classes": 2, "width": 3, "channels": 1})
    return ImageClassifier(model.eval(), ["-1", "1"], ImageLayout(7, 5, 1))


IMAGES = np.random.default_rng(0).integers(0, 256, (6, 7, 5, 1), np.uint8)


def detect():
    torch.manual_seed(1)
    return Detector(build("center_net", {"classes": 2, "width": 8, "stages": 2}).eval(), ["cell", "speck"], (48, 64))


def boxed_image():
    """A noisy image with two boxes."""
    pixels = np.random.default_rng(0).integers(0, 255, (48, 64, 3)).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format="PNG")
    boxes, marks = np.array([[1, 2, 30, 40], [20, 5, 60, 44]], np.float32), np.zeros((2, 2), bool)
    return BoxedImage(file.getvalue(), "a.png", (48, 64), boxes, ("cell", "speck"), *marks)


TAGGED = TaggedSentences(
    [TaggedSentence(("good", "film"), ("B-a", "I-a"), "yes"), TaggedSentence(("bad",), ("O",), "no")]
)


# Of each task: one with weights, the names of its models, and examples to evaluate it on.
MADE = {
    "classify": (classify, "bag", Examples(TEXTS, ALIKE)),
    "classify-images": (classify_images, "resnet", LabelledImages(IMAGES, ALIKE)),
    "language-model": (language_model, "gpt", TEXTS),
    "embed": (embed, "bert", ScoredPairs(TEXTS, TEXTS[::-1], [1.0, 0.0, 0.5, 0.2, 0.1, 1.0])),
    "parse": (parse, "encoder_parser", [Tree(("good", "bad", "film"), (3, 1, 0), ("dep", "dep", "root"))]),
    "detect": (detect, "center_net", [boxed_image()]),
    "masked-language-model": (masked_language_model, "masked_encoder", TEXTS),
    "answer": (answer, "encoder_answerer", [Question("1", TEXTS[0], "good", (Answer("fine", 12),))]),
    "tag": (tag, "encoder_tagger", TAGGED),
    "translate": (translate, "transformer", ParallelTexts(tuple(TEXTS), tuple(text[:7] for text in TEXTS))),
    "rewrite": (made_rewriter, REWRITER, Examples(["a dull film", "so good"], ["bad", "good"])),
    "style": (made_stylizer, "style_network", {"a": photo(30, 22)}),
    "chat": (chat, "gpt", [Conversation((Message("user", TEXTS[0]), Message("assistant", "fine film")))]),
    "vqa": (
        vqa,
        "image_answerer",
        ImageQuestions(
            IMAGE[None],
            [ImageQuestion(0, text, label) for text, label in zip(TEXTS, ["no", "yes"] * 3, strict=True)],
            ["x"],
        ),
    ),
    "caption": (caption, "caption_transformer", made_captions(3)),
    "segment": (
        segment,
        "unet",
        MaskedImages(IMAGE[None, :7, :7], IMAGE[None, :7, :7, 0] % 3, ["ground", "cat", "dog"]),
    ),
    "synthesize": (made_synthesizer, SYNTHESIZER, images()),
    "alike": (alike, NAMES, Examples(TEXTS, ALIKE)),
}
# Where any text is none.
INPUTS = {
    "masked-language-model": ["a [MASK] film"],
    "answer": [("good", text) for text in TEXTS],
    "vqa": [(IMAGE, text) for text in TEXTS],
    "caption": list(made_captions(3).pixels),
    "classify-images": list(IMAGES),
    "detect": [IMAGE],
    "segment": [IMAGE, IMAGE[::-1]],
}
INPUTS["style"] = [photo(30, 22), photo(17, 29, 1)]


def test_every_task_of_the_table_is_tried_here():
    assert MADE.keys() == TASKS.keys()


@pytest.mark.parametrize("name", MADE)
def test_a_task_is_what_its_row_says(name):
    task = MADE[name][0]()
    assert isinstance(task, Task)
    assert type(task) is task_of(name)
    assert task.name == name
    assert task.parts.keys() == task.part_types.keys()
    assert all(isinstance(task.parts[part], kind) for part, kind in task.part_types.items())
    assert task.config().keys() == set(task.config_keys)
    assert isinstance(task, Predictor) == ("predict" in row_of(name).commands)
    kinds = Exportable | ImageExportable | DetectionExportable | SegmentExportable
    kinds |= TextModel | SequenceExportable | CaptionExportable
    exportable = isinstance(task, kinds)
    assert exportable == ("export" in row_of(name).commands)


@pytest.mark.parametrize("name", MADE)
def test_a_bundle_says_and_scores_the_same(name, tmp_path):
    make, models, examples = MADE[name]
    task = make()
    again = lingon.load(save_bundle(task, models, tmp_path / "b", RUN))
    assert (type(again), again.config()) == (type(task), task.config())
    found = again.evaluate(examples)
    assert isinstance(found, Scores)
    assert found == task.evaluate(examples)
    assert "made up" in (tmp_path / "b" / "README.md").read_text()
    if isinstance(task, Predictor):
        inputs = INPUTS.get(name, TEXTS)
        assert again.predict(inputs) == task.predict(inputs)


# Tasks whose evaluation has no page of its own.
NO_PAGE = {"embed", "language-model", "masked-language-model", "chat", "style", "synthesize", "alike"}


@pytest.mark.parametrize("name", MADE)
def test_a_page_of_an_evaluation_has_the_same_scores(name, tmp_path):
    make, _, examples = MADE[name]
    task = make()
    assert isinstance(task, Reporter) == (name not in NO_PAGE)
    if not isinstance(task, Reporter):
        return
    found = task.evaluate_with_page(examples, tmp_path / "p.html", "mine")
    assert dict(found) == dict(task.evaluate(examples))
    assert "mine" in (tmp_path / "p.html").read_text()
    with pytest.raises(UserError, match=r"'\.pdf', expected \.html"):
        task.evaluate_with_page(examples, tmp_path / "p.pdf", "mine")


@pytest.mark.parametrize("name", [name for name, row in TASKS.items() if "predict" in row.commands])
def test_one_input_gets_one_prediction(name):
    task, inputs = MADE[name][0](), INPUTS.get(name, TEXTS)
    assert task.predict(inputs[0]) == task.predict(inputs[:1])[0]
    if not hasattr(inputs[0], "shape"):
        for wrong in (None, 3, b"a text", {"text": "a text"}):
            with pytest.raises(UserError, match="predict takes one input or a list of them"):
                task.predict(wrong)


@pytest.mark.parametrize("name", ["classify", "alike"])
def test_a_prediction_is_a_row_a_line_and_columns(name):
    task = MADE[name][0]()
    for text, found in zip(TEXTS, task.predict(TEXTS), strict=True):
        row = found.row()
        assert next(iter(row.values())) == text
        assert text in str(found)
        assert json.loads(json.dumps(row)) == row
        assert all(isinstance(value, str | int | float) for value in columns(found).values())
    by_label = {"classify": ["label", "probability", "probability_-1", "probability_1"], "alike": ["score"]}
    assert list(columns(found)) == by_label[name]


@pytest.mark.parametrize("name", ["classify", "alike"])
def test_twenty_steps_lower_the_loss(name):
    task, examples = MADE[name][0](), Examples(TEXTS, ALIKE)
    assert isinstance(task, Trainable)
    before = task.evaluate(examples)["loss"]
    fit(
        task.model,
        task.batches(examples, max_tokens=64),
        task.loss,
        adamw(task.model, 0.05),
        config=TrainConfig(steps=20),
    )
    assert task.evaluate(examples)["loss"] < before
    assert task.evaluator(examples)(task.model)["loss"] == pytest.approx(task.evaluate(examples)["loss"])


@pytest.fixture
def pairs(tmp_path, monkeypatch):
    """A table of pairs to train on, in the working directory."""
    monkeypatch.chdir(tmp_path)
    kinds = {"good": 1, "fine": 1, "warm": 1, "kind": 1, "bad": -1, "dull": -1, "poor": -1, "cold": -1}
    rows = [f"{a} | {b},{kinds[a] * kinds[b]}\n" for a in kinds for b in kinds]
    (tmp_path / "pairs.csv").write_text("text,label\n" + "".join(rows))
    return tmp_path


def weights_in(folder):
    return {name: load_file(folder / f"{name}.safetensors") for name in ("encoder", "head")}


def test_the_toy_task_is_trained_stopped_resumed_and_used_from_the_command_line(pairs, monkeypatch, capsys):
    flags = ("train", "alike", "--data", "pairs.csv", "--width", 7, "--epochs", 60, "--evals", 3, "--device", "cpu")
    whole = run(capsys, *flags, "--out", "whole")
    assert float(whole.split("accuracy ")[1].split()[0]) > 0.7  # even odds are half
    assert "try next: lingon predict whole 'a | b'" in whole
    assert Path("whole/curves.html").is_file()

    toy, seen = task_of("alike"), []
    loss = toy.loss

    def stopped(self, model, batch):
        seen.append(1)
        if len(seen) == 17:
            os.kill(os.getpid(), signal.SIGINT)
        return loss(self, model, batch)

    with monkeypatch.context() as patch:
        patch.setattr(toy, "loss", stopped)
        with pytest.raises((KeyboardInterrupt, Stopped)):
            run(capsys, *flags, "--out", "stopped")
    assert not Path("stopped/bundle").exists()
    with pytest.raises(UserError, match="other arguments: width"):
        run(capsys, *flags, "--width", 5, "--out", "stopped", "--resume")
    run(capsys, *flags, "--out", "stopped", "--resume")
    took = json.loads(Path("stopped/run.json").read_text())["seconds"]["train"]
    assert took >= read_metrics("stopped")[-1]["time"] - 1e-3  # of both processes
    for name, weights in weights_in(pairs / "whole/bundle").items():
        for key, again in weights_in(pairs / "stopped/bundle")[name].items():
            assert torch.equal(again, weights[key])
    found = lingon.load("stopped").predict(TEXTS)
    assert run(capsys, "predict", "stopped", TEXTS[0]).strip() == str(found[0])
    assert json.loads(run(capsys, "evaluate", "stopped", "--data", "pairs.csv", "--json"))["accuracy"] > 0.7
    with pytest.raises(UserError, match=r"'stopped' is a pair scorer; classifiers, .* can be exported"):
        run(capsys, "export", "stopped", "--to", "onnx")


def test_the_toy_task_that_is_killed_resumes_and_ends_as_one_that_was_not(pairs, capsys):
    flags = ["train", "alike", "--data", "pairs.csv", "--width", "7", "--epochs", "12", "--device", "cpu", "--out"]
    run(capsys, *flags, "whole")
    program = [sys.executable, "-m", "tests.tasks.killed_toy", "7", *flags, "killed"]
    paths = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(program, env=paths, capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert not Path("killed/bundle").exists()
    assert any(Path("killed/checkpoints").iterdir())
    run(capsys, *flags, "killed", "--resume")
    assert weights_in(pairs / "killed/bundle").keys() == weights_in(pairs / "whole/bundle").keys()
    for name, weights in weights_in(pairs / "whole/bundle").items():
        for key, again in weights_in(pairs / "killed/bundle")[name].items():
            assert torch.equal(again, weights[key])
    steps = {folder: [row["step"] for row in read_metrics(Path(folder))] for folder in ("whole", "killed")}
    assert steps["killed"] == steps["whole"]


def test_the_toy_task_is_trained_from_python_and_swept(pairs, capsys):
    found = lingon.train("alike", "pairs.csv", epochs=3, out="python", settings={"between": "|", "width": 3})
    assert found.encoder.config()["width"] == 3
    assert found.predict(TEXTS) == lingon.load("python").predict(TEXTS)
    with pytest.raises(UserError, match="--width is 0; expected 1 or more"):
        lingon.train("alike", "pairs.csv", settings={"width": 0}, out="wrong")
    run(capsys, "train", "alike", "--data", "pairs.csv", "--epochs", 2, "--out", "s", "--sweep", "lr=0.1,0.01")
    rows = json.loads(Path("s/sweep.json").read_text())
    assert {row["lr"] for row in rows} == {0.1, 0.01}
    assert all(0 <= row["valid accuracy"] <= 1 for row in rows)
    assert "alike" in run(capsys, "recipes")


def test_the_toy_task_scores_by_hand(tmp_path):
    task = lingon.load(save_bundle(alike(), NAMES, tmp_path / "b", RUN))
    vectors, turn = (w.detach().double() for w in task.model.parameters())
    for text, found in zip(TEXTS, task.predict(TEXTS), strict=True):
        sides = zip((task.left, task.right), text.split("|"), strict=True)
        left, right = (vectors[tokenizer.encode(side)].mean(0) for tokenizer, side in sides)
        assert found.score == pytest.approx(float(torch.tanh((turn @ left) @ right)), abs=1e-5)


def test_a_bundle_holds_several_tokenizers_and_models(tmp_path):
    folder = save_bundle(alike(), NAMES, tmp_path / "b", RUN)
    names = {"config.json", "run.json", "README.md", "encoder.safetensors", "head.safetensors"}
    assert {path.name for path in folder.iterdir()} == names | {"left.json", "right.json"}
    found = lingon.load(folder)
    assert found.left.encode("good film") != found.right.encode("good film")
    config = read_config(folder / "config.json")
    assert config["parts"]["encoder"] == {"model": "toy_encoder", "config": found.encoder.config()}


def two_heads():
    one = alike(1)
    return Heads({"likes": one, "links": alike(2, one.encoder, one.left)})


def test_heads_share_an_encoder_when_saved_and_when_loaded(tmp_path):
    heads = two_heads()
    folder = save_bundle(heads, NAMES, tmp_path / "b", RUN)
    files = {path.stem for path in folder.iterdir()} - {"config", "run", "README"}
    assert files == {"encoder", "head", "left", "right", "links.head", "links.right"}
    again = lingon.load(folder)
    assert list(again) == ["likes", "links"]
    assert again["likes"].encoder is again["links"].encoder
    assert again["likes"].left is again["links"].left
    assert again["likes"].head is not again["links"].head
    for name, head in heads.items():
        assert again[name].predict(TEXTS) == head.predict(TEXTS)
    assert heads["likes"].predict(TEXTS) != heads["links"].predict(TEXTS)
    with pytest.raises(UserError, match="unknown head 'like'; did you mean 'likes'"):
        again["like"]
    card = (folder / "README.md").read_text()
    assert "# likes, links" in card
    assert "lingon.load(\"PATH OF THIS FOLDER\")['likes'].predict" in card


def test_heads_of_several_tasks_and_models_are_saved_and_loaded(tmp_path):
    made = {name: MADE[name] for name in TASKS}
    heads = Heads({name: make() for name, (make, _, _) in made.items()})
    folder = save_bundle(heads, {name: models for name, (_, models, _) in made.items()}, tmp_path / "b", RUN)
    again = lingon.load(folder)
    for name, (_, models, examples) in made.items():
        assert again[name].evaluate(examples) == heads[name].evaluate(examples)
        entry = read_config(folder / "config.json")["heads"][name]
        named = entry.get("model") or {part: one["model"] for part, one in entry["parts"].items()}
        assert (entry["task"], named) == (name, models)


WRONG = {
    "a part too few": (lambda c: c["parts"].pop("head"), "key 'head' is missing"),
    "a part of another type": (lambda c: c["parts"].update(head=3), "key 'head' is '3', expected an object"),
    "no model": (lambda c: c["parts"]["head"].pop("model"), "key 'model' is missing"),
    "an unknown model": (lambda c: c["parts"]["head"].update(model="os.path"), "unknown model 'os.path'"),
    "the task's own key": (lambda c: c.update(between=""), "key 'between' is empty"),
    "an unknown key": (lambda c: c.update(labels=[]), "unknown key 'labels'"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_config_of_several_parts_is_refused(name, tmp_path):
    folder, (change, message) = save_bundle(alike(), NAMES, tmp_path / "b", RUN), WRONG[name]
    config = json.loads((folder / "config.json").read_text())
    change(config)
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(DataError, match=rf"config\.json: .*{message}"):
        lingon.load(folder)


WRONG_HEADS = {
    "another folder": (lambda c: c["heads"]["links"]["files"].update(head="../b/head"), "which is not a file name"),
    "no file": (lambda c: c["heads"]["links"]["files"].pop("head"), "head 'links': key 'head' is missing"),
    "an unknown task": (lambda c: c["heads"]["links"].update(task="link"), "head 'links': unknown task 'link'"),
    "a list": (lambda c: c.update(heads=[]), r"key 'heads' is '\[\]', expected an object"),
    "one more key": (lambda c: c.update(task="alike"), "unknown key 'task'"),
    "two sizes of one file": (
        lambda c: c["heads"]["links"]["parts"]["encoder"].update(config={"vocab_size": 3}),
        "two heads need different models in the same file, 'encoder'",
    ),
}


@pytest.mark.parametrize("name", WRONG_HEADS)
def test_a_wrong_config_of_heads_is_refused(name, tmp_path):
    folder, (change, message) = save_bundle(two_heads(), NAMES, tmp_path / "b", RUN), WRONG_HEADS[name]
    config = json.loads((folder / "config.json").read_text())
    change(config)
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(DataError, match=rf"config\.json: .*{message}"):
        lingon.load(folder)


def test_a_model_without_a_name_is_refused_and_the_old_bundle_stays(tmp_path):
    folder = save_bundle(alike(), NAMES, tmp_path / "b", RUN)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(UserError, match="the name of the model of part 'head' is missing"):
        save_bundle(alike(), {"encoder": "toy_encoder"}, folder, RUN)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def run(capsys, *arguments):
    app([str(one) for one in arguments], standalone_mode=False)
    return capsys.readouterr().out


def test_the_toy_task_on_the_command_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    task = alike()
    save_bundle(task, NAMES, tmp_path / "b", RUN)
    found = task.predict(TEXTS)
    assert run(capsys, "predict", "b", *TEXTS).splitlines() == [str(one) for one in found]
    lines = run(capsys, "predict", "b", *TEXTS, "--format", "jsonl").splitlines()
    assert [json.loads(line) for line in lines] == [one.row() for one in found]
    table = [{"text": text, "label": label} for text, label in zip(TEXTS, ALIKE, strict=True)]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in table))
    run(capsys, "predict", "b", "--file", "in.jsonl", "--out", "out.jsonl")
    written = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert written == [row | {"score": one.score} for row, one in zip(table, found, strict=True)]
    told = json.loads(run(capsys, "evaluate", "b", "--data", "in.jsonl", "--json"))
    right = [one.score * float(label) > 0 for one, label in zip(found, ALIKE, strict=True)]
    assert told["accuracy"] == pytest.approx(sum(right) / len(right))
    assert run(capsys, "evaluate", "b", "--data", "in.jsonl").splitlines()[1].split() == [
        "accuracy",
        f"{told['accuracy']:.4f}",
    ]


def test_a_language_model_predicts_continuations(tmp_path, monkeypatch, capsys):
    """Each that of its prompt alone, with the default sampling parameters: on lines, as JSON, and in a table."""
    monkeypatch.chdir(tmp_path)
    task = language_model()
    save_bundle(task, "gpt", tmp_path / "lm", RUN)
    prompts = ["good film", "bad", "good film"]
    wanted = [task.generate(prompt) for prompt in prompts]
    lines = [json.loads(line) for line in run(capsys, "predict", "lm", *prompts, "--format", "jsonl").splitlines()]
    assert [(row["text"], row["continuation"]) for row in lines] == list(zip(prompts, wanted, strict=True))
    assert run(capsys, "predict", "lm", *prompts).splitlines() == [p + w for p, w in zip(prompts, wanted, strict=True)]
    (tmp_path / "in.csv").write_text("text,number\n" + "".join(f"{p},{i}\n" for i, p in enumerate(prompts)))
    run(capsys, "predict", "lm", "--file", "in.csv", "--out", "out.csv")
    header, *rows = (tmp_path / "out.csv").read_text().splitlines()
    assert header == "text,number,continuation,finish_reason,logprob"
    wanted_rows = [[prompt, str(i), text] for i, (prompt, text) in enumerate(zip(prompts, wanted, strict=True))]
    assert [row.split(",")[:3] for row in rows] == wanted_rows
    scored = task.score_tokens(prompts[1], [task.tokenizer.vocab[word] for word in wanted[1].split()])
    assert float(rows[1].split(",")[4]) <= sum(token.logprob for token in scored) + 1e-3  # an end may count too


REFUSED = {
    "generate": (["generate", "b"], "'b' is a pair scorer, which writes nothing; try: lingon predict b 'a | b'"),
    "logprob": (["logprob", "b", "x"], "is a pair scorer, which gives texts no probability"),
    "words": (["predict", "b", "a | b", "--words"], "the task 'alike' has no saliency of words"),
    "cache": (["evaluate", "b", "--data", "x", "--cache"], "'b' is a pair scorer; --cache is for language models"),
    "a head": (["predict", "b", "a | b", "--head", "x"], "'b' holds a single task"),
    "which head": (["predict", "two", "a | b"], "'two' holds several tasks: likes, links; name one .* --head"),
    "words of a language model": (
        ["predict", "lm", "good", "--words"],
        "the task 'language-model' has no saliency of words",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_a_task_does_not_do_is_refused(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save_bundle(alike(), NAMES, tmp_path / "b", RUN), save_bundle(two_heads(), NAMES, tmp_path / "two", RUN)
    save_bundle(language_model(), "gpt", tmp_path / "lm", RUN)
    arguments, message = REFUSED[name]
    with pytest.raises(UserError, match=message.replace("|", r"\|")):
        app(arguments, standalone_mode=False)


def test_an_export_is_refused_and_a_head_is_asked(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    save_bundle(alike(), NAMES, tmp_path / "b", RUN)
    with pytest.raises(
        UserError,
        match=r"'b' is a pair scorer; classifiers, image classifiers, language models, .*, captioners and segmenters ",
    ):
        export("b", "onnx")
    heads = two_heads()
    save_bundle(heads, NAMES, tmp_path / "two", RUN)
    shutil.rmtree("b")
    for name, head in heads.items():
        assert run(capsys, "predict", "two", TEXTS[0], "--head", name).strip() == str(head.predict(TEXTS[:1])[0])
