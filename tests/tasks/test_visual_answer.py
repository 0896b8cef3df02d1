"""Questions on images: the model by hand, rows of images, training by the command, and what is invalid."""

import json
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

import lingon
from lingon.checkpoints.bundle import save_bundle
from lingon.cli.app import app
from lingon.core.errors import DataError, NotFinite, UserError
from lingon.data.files.images import save_image
from lingon.data.image_questions import ImageQuestion, ImageQuestions, ImageQuestionSplits, NamedImage
from lingon.data.load_image_questions import load_image_question_splits, load_image_questions
from lingon.data.tokenizers import words
from lingon.engine.fit import TrainConfig, fit
from lingon.engine.optimizers import adamw
from lingon.layers.residual_conv import ResidualConv
from lingon.models.registry import build
from lingon.tasks.answer import Answerer
from lingon.tasks.visual_answer import VisualAnswerer
from lingon.tasks.visual_answer.objective import answer_loss

SIZES = {"image_height": 11, "image_width": 13, "width": 8, "heads": 2, "filters": 3, "halvings": 2}
QUESTIONS = ["is it red ?", "what colour is it ?", "is it a disc in the image ?"]
ANSWERS = ["yes", "no", "red"]


def answerer(name="image_answerer", **sizes):
    torch.manual_seed(0)
    tokenizer = words(QUESTIONS)
    given = {"vocab_size": len(tokenizer.vocab), "classes": len(ANSWERS), **SIZES, **sizes}
    if name == "question_only":
        given = {key: given[key] for key in ("vocab_size", "classes", "width", "heads")}
    return VisualAnswerer(build(name, given).eval(), tokenizer, ANSWERS, (11, 13))


def questions(count=5, asked=3, seed=0):
    draw = np.random.default_rng(seed)
    pixels = draw.integers(0, 256, (count, 11, 13, 3), np.uint8)
    rows = [ImageQuestion(i, QUESTIONS[j % 3], ANSWERS[(i + j) % 3]) for j in range(asked) for i in range(count)]
    return ImageQuestions(pixels, rows[: count * asked - 2], [f"{i}.png" for i in range(count)])


def one_by_one(task, pixels, question):
    """Logits of one question on one image, from the formulas, without batches."""
    model, reader = task.model, task.model.reader
    x = torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 255
    x = torch.relu(model.places.norm(F.conv2d(2 * x - 1, model.places.stem.weight, stride=2, padding=1)))
    for block in model.places.blocks:
        x = block(x)
    places = x[0].reshape(x.shape[1], -1).T @ model.places.out.weight.T + model.places.out.bias + model.places.position
    memory = reader.memory_norm(places)
    vectors = reader.embedding.weight[task.tokenizer.encode(question)][:, None]
    ahead, _ = reader.gru.forwards[0](vectors)
    back, _ = reader.gru.backwards[0](vectors.flip(0))
    x = torch.cat([ahead, back.flip(0)], -1)[:, 0]
    for block in reader.blocks:
        look, y = block.cross_attention, block.around_cross_attention.pre_norm(x)
        q = look.q(y).view(len(y), look.heads, -1)
        k, v = look.kv(memory).view(len(memory), 2, look.heads, -1).unbind(1)
        weights = (torch.einsum("thk,shk->hts", q, k) / math.sqrt(q.shape[-1])).softmax(-1)
        x = x + look.out(torch.einsum("hts,shk->thk", weights, v).flatten(1))
        y = block.around_feed_forward.pre_norm(x)
        gate, up = block.feed_forward.up(y).chunk(2, -1)
        x = x + block.feed_forward.down(F.silu(gate) * up)
    x = reader.norm(x)
    return reader.out((reader.importance(x).softmax(0) * x).sum(0))


def test_the_model_is_its_formula_whatever_stands_beside_a_question():
    task, data = answerer(), questions()
    found = task.logits(data)
    for i, one in enumerate(data.questions):
        expected = one_by_one(task, data.pixels[one.image], one.question)
        torch.testing.assert_close(found[i], expected.detach(), rtol=1e-4, atol=1e-5)


def test_a_residual_convolution_by_its_formula():
    torch.manual_seed(0)
    layer, x = ResidualConv(3, 5, 2), torch.randn(2, 3, 7, 11)
    y = F.conv2d(x, layer.conv1.weight, stride=2, padding=1)
    mean, var = y.mean((0, 2, 3), keepdim=True), y.var((0, 2, 3), keepdim=True, unbiased=False)
    y = F.conv2d(torch.relu((y - mean) / (var + 1e-5).sqrt()), layer.conv2.weight, padding=1)
    y = (y - y.mean((0, 2, 3), keepdim=True)) / (y.var((0, 2, 3), keepdim=True, unbiased=False) + 1e-5).sqrt()
    torch.testing.assert_close(layer(x), torch.relu(y + F.conv2d(x, layer.skip.weight, stride=2)), rtol=1e-4, atol=1e-5)
    assert ResidualConv(5, 5).skip is None


def test_the_loss_is_over_questions_whose_answer_is_known():
    task, data = answerer(), questions()
    strange = [ImageQuestion(0, QUESTIONS[0], "never seen"), *data.questions]
    data = ImageQuestions(data.pixels, strange, data.names)
    losses = [answer_loss(task.model, batch) for batch in task.batches(data, 3)]
    logits = task.logits(data)[1:]
    true = torch.tensor([ANSWERS.index(one.answer) for one in data.questions[1:]])
    expected = F.cross_entropy(logits, true, reduction="sum")
    torch.testing.assert_close(sum(one.total for one in losses).detach(), expected, rtol=1e-4, atol=1e-5)
    assert sum(one.count for one in losses) == len(true)
    found = task.evaluate(data)
    assert found["loss"] == pytest.approx(float(expected) / len(true), rel=1e-4)
    right = (logits.argmax(1) == true).sum() / len(strange)
    assert found["accuracy"] == pytest.approx(float(right))
    assert found.tables["per_answer"]["never seen"] == {"accuracy": 0.0, "support": 1}
    assert found.tables["per_type"]["what colour"]["support"] == 5


def test_an_image_is_read_once_for_sixteen_questions():
    task, data = answerer(), questions(count=2, asked=20)
    rows = task.rows(data)
    assert [len(some) for some in rows.questions] == [16, 3, 16, 3]
    assert rows.images == [0, 0, 1, 1]
    (batch,) = task.batches(data, 4)
    assert batch.images.shape == (4, 3, 11, 13)
    assert batch.ids.shape[:2] == batch.labels.shape == (4, 16)
    assert int((batch.labels >= 0).sum()) == len(data)


def test_the_baseline_gives_all_images_one_answer():
    task, data = answerer("question_only"), questions()
    logits = task.logits(data)
    by_text = {one.question: logits[i] for i, one in enumerate(data.questions)}
    for i, one in enumerate(data.questions):
        torch.testing.assert_close(logits[i], by_text[one.question])
    assert task.attention(data)[0].places.shape == (4, 1, 1)


def test_attention_is_a_share_for_each_word_and_each_place():
    task, data = answerer(), questions()
    for one, seen in zip(data.questions, task.attention(data), strict=True):
        length = len(task.tokenizer.encode(one.question))
        assert seen.places.shape == (length, *task.model.grid) == (length, 3, 4)
        torch.testing.assert_close(seen.words.sum(), torch.tensor(1.0))
        torch.testing.assert_close(seen.places.sum((1, 2)), torch.ones(length))


@pytest.mark.parametrize("name", ["image_answerer", "question_only"])
def test_steps_lower_the_loss(name):
    depth = {"depth": 1} if name == "image_answerer" else {}
    task, data = answerer(name, **depth), questions(3, 3)
    before = task.evaluate(data)["loss"]
    task.model.train()
    fit(task.model, task.batches(data, 2), task.loss, adamw(task.model, 0.005), config=TrainConfig(steps=40))
    after = task.evaluate(data)
    assert after["loss"] < before
    assert task.evaluator(data)(task.model)["loss"] == pytest.approx(after["loss"])


def test_an_image_is_given_in_any_way_and_read_in_the_same(tmp_path):
    task, pixels = answerer(), questions().pixels[0]
    path = save_image(tmp_path / "a.png", pixels)
    given = [str(path), path, path.read_bytes(), pixels, NamedImage("x", pixels), f"{path}\t{QUESTIONS[0]}"]
    found = task.predict([one if "\t" in str(one) else (one, QUESTIONS[0]) for one in given])
    assert {one.probability for one in found} == {found[0].probability}
    assert [one.image for one in found] == [str(path), str(path), "", "", "x", str(path)]
    assert task.predict((pixels, QUESTIONS[0])).answer == found[0].answer
    grey = task.predict((pixels[..., 0], QUESTIONS[0]))
    assert grey.probability == task.predict((pixels[..., :1].repeat(3, -1), QUESTIONS[0])).probability
    wide = task.predict((np.zeros((11, 39, 3), np.uint8), QUESTIONS[0])).pixels
    assert wide.shape == (11, 13, 3)
    assert (wide[[0, -1]] == 255).all()  # nothing is cut off: what is missing is white
    assert (wide[5] == 0).all()


def test_words_that_are_not_known():
    task, pixels = answerer(), questions().pixels[0]
    some = task.predict((pixels, "Is it a purple disc?"))
    assert (some.answer != "", some.unknown_words) == (True, ("purple",))
    assert "(unknown: purple)" in str(some)
    none = task.predict((pixels, "Xyzzy, frob?"))
    assert (none.answer, none.probability, none.unknown_words) == ("", 0.0, ("Xyzzy", "frob"))
    assert "no word of the question is known" in str(none)
    data = ImageQuestions(pixels[None], [ImageQuestion(0, "xyzzy ?", "yes")], ["x"])
    assert task.evaluate(data)["accuracy"] == 0.0


WRONG = {
    "no question": ((np.zeros((5, 5, 3), np.uint8), "  "), "the question is empty"),
    "not a pair": ("photo.png", "'photo.png' is not an image with a question"),
    "numbers": ((np.zeros((5, 5, 3)), "is it?"), r"an image is float64 of shape .*, expected pixels uint8"),
    "channels": ((np.zeros((5, 5, 4), np.uint8), "is it?"), r"an image is uint8 of shape \(5, 5, 4\), expected"),
    "no pixels": ((np.zeros((0, 5, 3), np.uint8), "is it?"), r"an image is uint8 of shape \(0, 5, 3\), expected"),
    "no file": (("gone.png", "is it?"), "there is no file 'gone.png'"),
    "no image": ((b"text", "is it?"), "not an image that is read"),
    "a book": ((np.zeros((5, 5, 3), np.uint8), "is it " * 200), "a question of 400 tokens, which begins 'is it is it"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_asked(name):
    given, message = WRONG[name]
    with pytest.raises(UserError, match=message):
        answerer().predict([given])


def test_broken_weights_are_said():
    task, data = answerer(), questions()
    torch.nn.init.constant_(task.model.reader.out.bias, math.nan)
    with pytest.raises(NotFinite, match="the answerer gave logits"):
        task.evaluate(data)
    assert math.isnan(task.evaluator(data)(task.model)["accuracy"])


@pytest.fixture
def table(tmp_path, monkeypatch):
    """A table of questions on discs and bars of three colours, in the working directory."""
    monkeypatch.chdir(tmp_path)
    colours = {"red": (220, 30, 30), "green": (30, 160, 60), "blue": (40, 60, 220)}
    rows = ["image,question,answer"]
    for i in range(60):
        colour, shape = list(colours)[i % 3], ("disc", "bar")[i // 3 % 2]
        pixels = np.full((16, 16, 3), 255, np.uint8)
        y, x = np.mgrid[:16, :16] - 8 - np.array([i % 5 - 2, i % 7 - 3])[:, None, None]
        inside = y**2 + x**2 < 20 if shape == "disc" else (abs(y) < 2) & (abs(x) < 6)
        pixels[inside] = colours[colour]
        pixels[0, i % 16] = i  # so that no two are equal
        save_image(tmp_path / "pictures" / f"{i}.png", pixels) if i else (tmp_path / "pictures").mkdir()
        if i:
            rows += [f"pictures/{i}.png,what colour is it?,{colour}", f"pictures/{i}.png,what shape is it?,{shape}"]
    (tmp_path / "a.csv").write_text("\n".join(rows) + "\n")
    return tmp_path


def run(*arguments):
    app([str(a) for a in arguments], standalone_mode=False)


def test_it_is_trained_and_used_by_the_commands(table, capsys):
    flags = [
        "--data",
        "a.csv",
        "--image-size",
        16,
        "--device",
        "cpu",
        "--evals",
        2,
        "--epochs",
        30,
        "--set",
        "filters=8",
    ]
    run("train", "vqa", *flags, "--width", 16, "--set", "halvings=2", "--batch-size", 8, "--lr", 0.004,
        "--set", "depth=1", "--out", "r")  # fmt: skip
    said = capsys.readouterr().out
    assert "try next: lingon ask r --image photo.png 'A question?'" in said
    record = json.loads((table / "r" / "run.json").read_text())
    assert record["test"]["accuracy"] > 0.8
    parts = [record["data"][part]["images"] for part in ("train", "valid", "test")]
    assert (sum(parts), parts[1] > 0, parts[2] > 5) == (59, True, True)
    page = (table / "r" / "report.html").read_text()
    assert all(part in page for part in ("what colour", "true answer", "data:image/png", "img-src data:"))

    run("evaluate", "r", "--data", "a.csv", "--split", "test", "--json", "--page", "e.html")
    assert json.loads(capsys.readouterr().out)["accuracy"] == record["test"]["accuracy"]
    assert "Most confident and right" in (table / "e.html").read_text()
    run(
        "ask",
        "r",
        "--image",
        "pictures/4.png",
        "What colour is it?",
        "what mass is it?",
        "--top",
        2,
        "--page",
        "q.html",
    )
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert (lines[0], len(lines)) == ("What colour is it?", 6)
    assert lines[1].endswith("%  green")
    assert "words that no training question has: mass" in err
    assert (table / "q.html").read_text().count("<img") == 4
    run("ask", "r", "--image", "pictures/4.png", "What shape is it?", "--format", "jsonl")
    assert json.loads(capsys.readouterr().out)["image"] == "pictures/4.png"

    (table / "b.jsonl").write_text('{"image": "pictures/4.png", "question": "what colour is it?", "id": 7}\n')
    run("predict", "r", "--file", "b.jsonl", "--out", "out.jsonl")
    (row,) = [json.loads(line) for line in (table / "out.jsonl").read_text().splitlines()]
    assert (row["id"], row["answer"]) == (7, "green")
    capsys.readouterr()
    run("predict", "r", "--file", "b.jsonl", "--format", "jsonl", "--page", "p.html")
    assert json.loads(capsys.readouterr().out)["answer"] == "green"
    assert lingon.load("r").predict(("pictures/4.png", "what colour is it?")).answer == "green"

    for arguments, message in {
        ("ask", "r", "who?"): "--context is missing",
        ("ask", "r", "who?", "--context", "a.csv"): "'r' answers questions on images; give --image photo.png",
        ("ask", "r", "who?", "--context", "x", "--image", "y"): "give one of the two",
        ("ask", "r", "who?", "--image", "gone.png"): "there is no file 'gone.png'",
        ("ask", "r", "who?", "--image", "a.csv"): "a.csv: not an image that is read",
        ("predict", "r", "pictures/4.png"): "is not an image with a question",
        ("predict", "r", "--file", "a.csv", "--text", "question"): "--text is for texts, and 'r' reads images",
        ("export", "r", "--to", "onnx"): "'r' is a visual answerer",
        ("evaluate", "r", "--data", "gone"): "'gone' is neither a corpus of questions on images nor a file",
        ("evaluate", "r", "--data", "fashion-mnist"): "'fashion-mnist' holds labelled images",
    }.items():
        with pytest.raises(UserError, match=message):
            run(*arguments)


def test_a_blank_question_alone_is_refused(tmp_path):
    for given in (("",), (" ", "\t")):
        with pytest.raises(UserError, match="the question is blank"):
            run("ask", "none", "--image", "none.png", *given)


def test_the_baseline_is_trained_by_the_command(table, capsys):
    run("train", "vqa", "--data", "a.csv", "--image-size", 16, "--model", "question_only", "--epochs", 2, "--width", 8,
        "--out", "q")  # fmt: skip
    record = json.loads((table / "q" / "run.json").read_text())
    assert record["test"]["accuracy"] < 0.9
    assert (table / "q" / "report.html").read_text().count("where it looked") == 0


def test_an_answerer_of_passages_takes_no_image(table):
    tokenizer = words(QUESTIONS).with_template()
    model = build("encoder_answerer", {"vocab_size": len(tokenizer.vocab), "width": 8, "heads": 2, "depth": 1})
    save_bundle(Answerer(model.eval(), tokenizer, 16, 5), "encoder_answerer", table / "b", {})
    with pytest.raises(UserError, match="'b' answers questions from passages; give --context FILE"):
        run("ask", "b", "who?", "--image", "pictures/4.png")


BAD_ROWS = {
    "gone": ("pictures/gone.png,what?,red", "there is no image 'pictures/gone.png' beside the table"),
    "no image": ("a.csv,what?,red", "a.csv: not an image that is read"),
    "blank image": (",what?,red", "no text in column 'image'"),
    "no question": ("pictures/1.png,,red", "no text in column 'question'"),
    "no word": ("pictures/1.png,???,red", r"the question '\?\?\?' has no word"),
    "no answer": ("pictures/1.png,what?,", "no answer in column 'answer'"),
}


@pytest.mark.parametrize("name", BAD_ROWS)
def test_a_bad_row_is_named_or_left_out(table, name, capsys):
    row, message = BAD_ROWS[name]
    (table / "bad.csv").write_text(f"image,question,answer\npictures/1.png,what?,red\n{row}\n")
    with pytest.raises(DataError, match=rf"bad\.csv:3: .*{message}.*--on-bad-row skip leaves such rows out"):
        load_image_questions("bad.csv")
    assert len(load_image_questions("bad.csv", on_bad_row="skip")) == 1
    assert "bad.csv: 1 bad row skipped, the first: bad.csv:3:" in capsys.readouterr().err


def test_tables_have_columns_and_parts(table, capsys):
    (table / "c.csv").write_text("picture,query\npictures/1.png,what?\n")
    with pytest.raises(DataError, match=r"c\.csv: no column 'answer'; questions on images have the columns image, "):
        load_image_questions("c.csv")
    (table / "d.jsonl").write_text(
        '{"file_name": "pictures/1.png", "question": "how many?", "label": 3.0, "type": "n"}\n'
    )
    (one,) = load_image_questions("d.jsonl").questions
    assert (one.answer, one.question_type) == ("3", "n")
    with pytest.raises(DataError, match=r"d\.jsonl: 1 image is too few"):
        load_image_question_splits("d.jsonl")
    splits = load_image_question_splits("a.csv", image_size=9)
    keys = [set(part.image_keys()) for part in (splits.train, splits.valid, splits.test)]
    assert not (keys[0] & (keys[1] | keys[2]) | keys[1] & keys[2])
    assert splits.train.image_size == (9, 9)
    again = load_image_questions("a.csv", "test", image_size=(9, 9))
    assert again.questions == splits.test.questions
    assert len(load_image_questions("a.csv", "all")) == 118
    capsys.readouterr()
    load_image_question_splits("a.csv", test="d.jsonl")
    assert "1 of 1 test images are also in training" in capsys.readouterr().err
    with pytest.raises(UserError, match="unknown split 'dev'"):
        load_image_questions("a.csv", "dev")
    with pytest.raises(UserError, match="--image-size is 3; expected 8 to 1024 pixels"):
        run("train", "vqa", "--data", "a.csv", "--image-size", 3)


def test_an_answer_of_the_test_that_training_lacks_is_said(table, capsys):
    (table / "t.csv").write_text("image,question,answer\npictures/0.png,what?,mauve\n".replace("0.png", "1.png"))
    run("train", "vqa", "--data", "a.csv", "--test", "t.csv", "--image-size", 8, "--steps", 1, "--set", "halvings=1",
        "--out", "u")  # fmt: skip
    assert "test: 1 question has an answer that no training question has (mauve)" in capsys.readouterr().err
    assert json.loads((table / "u" / "run.json").read_text())["test"]["accuracy"] == 0.0


@pytest.mark.data
def test_easy_vqa_has_the_published_numbers():
    splits = load_image_question_splits("easy-vqa")
    assert len(splits.train) + len(splits.valid) == 38_575
    assert (len(splits.test), len(splits.test.names), len(splits.train.names)) == (9_673, 1_000, 3_600)
    assert len(splits.train.answer_counts()) == 13
    assert splits.train.image_size == (64, 64)
    assert load_image_questions("easy-vqa", image_size=(32, 32)).image_size == (32, 32)


def test_what_cannot_be_meant():
    task = answerer()
    for names in ([], ["a", "a"]):
        with pytest.raises(UserError, match="an answerer needs different answers"):
            VisualAnswerer(task.model, task.tokenizer, names, (11, 13))
    for config, message in [
        ({"answers": ["a", 3], "image_size": [9, 9]}, "key 'answers' must hold different printable answers"),
        ({"answers": ["a"], "image_size": [9, 2000]}, r"key 'image_size' is \[9, 2000\], expected two numbers"),
        ({"answers": ["a", "b"], "image_size": [9, 9]}, "2 answers for a model of 3; keys 'answers' and 'classes'"),
        ({"answers": ["a", "b", "c"], "image_size": [9, 9]}, "key 'image_size' is another than 'image_height'"),
    ]:
        with pytest.raises(DataError, match=message):
            VisualAnswerer.check_config(config, {"model": {"classes": 3, "image_height": 9, "image_width": 8}})
    with pytest.raises(UserError, match="evaluate takes questions on images, not ImageQuestionSplits; give one part"):
        task.evaluate(ImageQuestionSplits(questions(), questions(), questions(), "x"))
    with pytest.raises(UserError, match="there are no questions on images"):
        task.evaluate(ImageQuestions(questions().pixels, [], questions().names))
    with pytest.raises(UserError, match="'is it' is on image 5, of 5, from 0"):
        ImageQuestions(questions().pixels, [ImageQuestion(5, "is it")], questions().names)
    with pytest.raises(UserError, match="width is 7, expected an even number"):
        answerer(width=7, heads=1)
