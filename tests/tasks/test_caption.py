"""Captioning: the loss, scores, retrieval, training by the command, pages, and what is invalid."""

import json
import math
import os
import signal
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

import lingon
from lingon.checkpoints.bundle import save_bundle
from lingon.cli.app import app
from lingon.cli.errors import Stopped
from lingon.core.errors import DataError, NotFinite, UserError
from lingon.data.captioned_images import CaptionedImages, CaptionSplits
from lingon.data.files.images import save_image
from lingon.data.tokenizers import words
from lingon.decoding.sampling_params import SamplingParams
from lingon.engine.fit import TrainConfig, fit
from lingon.engine.optimizers import adamw
from lingon.metrics.cider import caption_words, cider_d
from lingon.models.registry import build
from lingon.tasks.caption import Captioner, CaptionParams
from lingon.tasks.caption.encoding import encode_captions
from lingon.tasks.caption.held_out import HeldOut
from lingon.tasks.caption.objective import CaptionObjective, caption_loss
from lingon.tasks.caption.params import GREEDY
from lingon.tasks.caption.prepare import augmentation
from lingon.tasks.caption.retrieval import nearest
from lingon.tasks.translate.vocabularies import END, with_end
from tests.data.captioned_images import made_captions

pytest.importorskip("sacrebleu")
RUN = {"arguments": {"seed": 3}, "data": {"name": "made up"}}


def captioner(name="caption_transformer", **sizes):
    torch.manual_seed(0)
    tokenizer = with_end(words(made_captions(6).texts))
    end = tokenizer.vocab[END]
    config = {"vocab_size": len(tokenizer.vocab), "image_size": 16, "width": 16, "filters": 8, "context_length": 12}
    config |= {"pad_id": tokenizer.pad_id, "start_id": end, "eos_id": end, **sizes}
    return Captioner(build(name, config).eval(), tokenizer, "en")


def one_by_one(task, images):
    """-log p of all tokens and their number, a caption at a time, without batches or padding."""
    total = count = 0.0
    for pixels, some in zip(images.pixels, images.captions, strict=True):
        image = torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 255
        for text in some:
            ids = task.tokenizer.encode(text)
            logits = task.model.head(task.model(image, torch.tensor([[task.model.start_id, *ids[:-1]]])))[0]
            total, count = total + F.cross_entropy(logits, torch.tensor(ids), reduction="sum"), count + len(ids)
    return total, count


@pytest.mark.parametrize("name", ["caption_transformer", "show_and_tell"])
def test_the_loss_is_that_of_every_token_of_every_caption(name):
    task, images = captioner(name), made_captions(5)
    total, count = one_by_one(task, images)
    found = [caption_loss(CaptionObjective(task.model), batch) for batch in encode_captions(task, images).sequential(0)]
    torch.testing.assert_close(sum(one.total for one in found), total)
    assert sum(one.count for one in found) == count
    assert task.evaluate(images)["loss"] == pytest.approx(total.item() / count, abs=1e-5)


def test_some_steps_learn_six_images_and_say_either_caption():
    task, images = captioner(dropout=0.0), made_captions(6)
    before = task.evaluate(images)
    batches = encode_captions(task, images).batches(0, 12, None, seed=0)
    fit(
        CaptionObjective(task.model.train()), batches, task.loss, adamw(task.model, 0.01), config=TrainConfig(steps=130)
    )
    found = task.evaluate(images)
    assert found["loss"] < before["loss"]
    assert found["exact_match"] == 1.0
    assert found.main == "cider_d"
    assert task.evaluator(images)(task.model)["exact_match"] == 1.0
    texts = [one.caption for one in task.predict(list(images.pixels))]
    expected = cider_d([caption_words(t) for t in texts], [[*map(caption_words, some)] for some in images.captions])
    assert found["cider_d"] == pytest.approx(sum(expected) / 6)
    # Either caption of an image is right, so that samples are of both.
    sampled = task.n_best([images.pixels[0]] * 2, CaptionParams(n=9, sampling=SamplingParams(seed=5)))
    wanted = lambda row: {" ".join(caption_words(text)) for text in images.captions[row]}
    assert {" ".join(caption_words(one.caption)) for some in sampled for one in some} >= wanted(0)
    best = task.n_best([images.pixels[3]], CaptionParams(beams=3, n=2))[0]
    assert {" ".join(caption_words(one.caption)) for one in best} == wanted(3)
    assert best[0].score >= best[1].score


def test_a_caption_is_the_one_that_its_image_alone_gets_and_is_greedy_with_one_beam():
    task, images = captioner(), made_captions(5, seed=3)
    for params in (GREEDY, CaptionParams()):
        together = task.n_best(list(images.pixels), params)
        for pixels, found in zip(images.pixels, together, strict=True):
            (alone,) = task.n_best([pixels], params)
            assert [one.ids for one in alone] == [one.ids for one in found]
            assert alone[0].logprob == pytest.approx(found[0].logprob, abs=1e-4)
    ids, image = [task.model.start_id], torch.from_numpy(images.pixels[:1]).permute(0, 3, 1, 2).float() / 255
    never = task.forbidden_ids()
    while (len(ids) < 12 and ids[-1:] != [task.model.eos_id]) or len(ids) == 1:
        logits = task.model.head(task.model(image, torch.tensor([ids])))[0, -1].index_fill(0, never, -math.inf)
        ids.append(int(logits.argmax()))
    assert list(task.n_best([images.pixels[0]], GREEDY)[0][0].ids) == ids[1:]


def test_the_nearest_vector_is_by_cosine_from_the_mean():
    among = torch.tensor([[10.0, 1.0], [10.0, -1.0], [12.0, 0.0]])
    vectors = torch.tensor([[9.0, 3.0], [99.0, 1.0], [10.6, -0.9]])
    assert nearest(vectors, among).tolist() == [0, 2, 1]  # the mean is (10.67, 0)


def test_retrieval_copies_the_caption_of_the_same_image():
    task, images = captioner(), made_captions(6)
    held_out = HeldOut(task, images, images[[3, 1]])
    assert held_out.retrieved == [images.captions[3][0], images.captions[1][0]]
    scores = held_out.scores()
    assert scores["retrieval_cider_d"] == pytest.approx(scores.tables["captions"]["retrieval"]["cider_d"])
    assert scores.tables["captions"]["retrieval"]["exact_match"] == 1.0


def test_augmentation_keeps_left_and_right_unless_it_is_told_not_to():
    assert augmentation("none", 64) is None
    images = torch.rand(3, 3, 16, 16)
    still = augmentation("shift", 16)(images, torch.full((3, 2), 0.5))
    torch.testing.assert_close(still, images)
    flipped = augmentation("shift-and-flip", 16)(images, torch.tensor([[0.5, 0.5, 0.1]] * 3))
    torch.testing.assert_close(flipped, images.flip(-1))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Forty images with a table of captions, and the working directory beside them."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    images, rows = made_captions(40), ["image,caption"]
    for i, (pixels, some) in enumerate(zip(images.pixels, images.captions, strict=True)):
        save_image(tmp_path / "mine" / f"{i}.png", pixels)
        rows += [f"{i}.png,{text}" for text in some]
    (tmp_path / "mine" / "captions.csv").write_text("\n".join(rows) + "\n")
    return tmp_path


FLAGS = ("--data", "mine", "--image-size", 16, "--width", 16, "--set", "filters=8", "--tokenizer", "words", "--lr")
FLAGS += (0.01, "--steps", 60, "--evals", 2, "--device", "cpu")


def run(capsys, *arguments):
    app([str(one) for one in arguments], standalone_mode=False)
    return capsys.readouterr().out


DECODING = [
    (("--beams", 1, "--max-new-tokens", 2), CaptionParams(beams=1, max_new_tokens=2)),
    (("--beams", 3, "--length-penalty", 0), CaptionParams(beams=3, length_penalty=0.0)),
    (
        ("--temperature", 1.5, "--top-k", 7, "--top-p", 0.9, "--seed", 5),
        CaptionParams(beams=1, sampling=SamplingParams(temperature=1.5, top_k=7, top_p=0.9, seed=5)),
    ),
]


@pytest.mark.parametrize("model", ["caption_transformer", "show_and_tell"])
def test_the_command_trains_predicts_evaluates_and_reports(folder, capsys, model):
    run(capsys, "train", "caption", "--model", model, *FLAGS, "--out", "run")
    record = json.loads(Path("run/run.json").read_text())
    assert record["test"].keys() >= {"cider_d", "cider", "bleu", "exact_match", "loss", "retrieval_cider_d"}
    report = Path("run/report.html").read_text()
    assert ".png</" in report  # images are called by their files
    assert "image 1<" not in report
    assert "Beside retrieval" in report
    assert report.count("<article>") == 16
    assert report.count("<figure>") > 16 if model == "caption_transformer" else "<figure>" not in report
    task = lingon.load("run")
    line = run(capsys, "predict", "run", "mine/3.png", "--page", "page.html").strip()
    assert line == f"mine/3.png: {task.predict(['mine/3.png'])[0].caption}"
    assert 'src="data:image/png' in Path("page.html").read_text()
    (row,) = (json.loads(x) for x in run(capsys, "predict", "run", "mine/3.png", "--format", "jsonl").splitlines())
    assert row.keys() == {"image", "caption", "score", "logprob"}
    for flags, params in DECODING:
        found = [
            json.loads(x) for x in run(capsys, "predict", "run", "mine/3.png", *flags, "--format", "jsonl").splitlines()
        ]
        assert [one["caption"] for one in found] == [task.n_best(["mine/3.png"], params)[0][0].caption]
    run(capsys, "predict", "run", "mine", "--out", "table.csv")
    assert len(Path("table.csv").read_text().splitlines()) == 41
    again = json.loads(
        run(capsys, "evaluate", "run", "--data", "mine", "--split", "test", "--json", "--page", "e.html")
    )
    assert again["cider_d"] == pytest.approx(record["test"]["cider_d"])
    assert "Least like what people say" in Path("e.html").read_text()
    with pytest.raises(UserError, match=r"there is no file 'none.png'"):
        run(capsys, "predict", "run", "none.png")


def test_a_stopped_run_ends_as_one_that_was_not(folder, capsys, monkeypatch):
    flags = ("train", "caption", *FLAGS)
    run(capsys, *flags, "--out", "whole")
    seen = []

    def stopped(module, batch):
        seen.append(1)
        if len(seen) == 33:
            os.kill(os.getpid(), signal.SIGINT)
        return caption_loss(module, batch)

    with monkeypatch.context() as patch:
        patch.setattr("lingon.tasks.caption.prepare.caption_loss", stopped)
        with pytest.raises((KeyboardInterrupt, Stopped)):
            run(capsys, *flags, "--out", "stopped")
    assert not Path("stopped/bundle").exists()
    run(capsys, *flags, "--out", "stopped", "--resume")
    ours, theirs = (lingon.load(name).model.state_dict() for name in ("whole", "stopped"))
    assert all(torch.equal(ours[key], theirs[key]) for key in ours)


def test_what_cannot_be_meant(folder, tmp_path, capsys):
    task, images = captioner(), made_captions(3)
    with pytest.raises(UserError, match=r"an image is .* pixels uint8"):
        task.predict([np.zeros((5, 5, 3))])
    with pytest.raises(UserError, match=r"evaluate takes CaptionedImages, not CaptionSplits; .*"):
        task.evaluate(CaptionSplits(images, images, images, "x"))
    with pytest.raises(UserError, match="of 6 captions none has at most 2 tokens"):
        encode_captions(captioner(context_length=3), images)
    long = CaptionedImages(images.pixels, [("red " * 20,), ("a red square",), ("left: red",)])
    assert encode_captions(task, long).left_out == 1
    torch.nn.init.constant_(task.model.output.weight, math.nan)
    with pytest.raises(NotFinite):
        task.predict(list(images.pixels))
    assert math.isnan(task.evaluator(images)(task.model)["cider_d"])
    for flags, message in (
        (("--image-size", 20), "--image-size is 20; expected a number from 16 to 512 that can be divided by 8"),
        (("--augment", "turn"), "augment"),
        (("--vocab", 9, "--tokenizer", "bpe"), "--vocab is 9; --tokenizer bpe has a token for every byte"),
        (("--label-smoothing", 1), "--label-smoothing is 1.0; expected a fraction"),
        (("--language", "de"), "--language de is for stamps"),
    ):
        with pytest.raises(UserError, match=message):
            run(capsys, "train", "caption", "--data", "mine", *flags, "--out", "never")
    assert not Path("never").exists()


def test_a_bundle_of_another_model_is_refused(tmp_path):
    folder = save_bundle(captioner(), "caption_transformer", tmp_path / "b", RUN)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "language": "x/y"}))
    with pytest.raises(DataError, match="key 'language' is 'x/y'"):
        lingon.load(folder)


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--beams", 0), "--beams is 0"),
        (("--beams", 2, "--temperature", 1), "cannot be combined"),
        (("--top-k", 3), "--top-k has no effect without --temperature"),
        (("--seed", 3), "--seed has no effect without --temperature"),
        (("--temperature", -1), "temperature is -1"),
        (("--max-new-tokens", 0), "max_new_tokens is 0"),
    ],
)
def test_decoding_that_cannot_be_meant_is_refused(tmp_path, capsys, flags, said):
    folder = save_bundle(captioner(), "caption_transformer", tmp_path / "b", {})
    with pytest.raises(UserError, match=said):
        run(capsys, "predict", folder, "none.png", *flags)
