"""Synthesis of images: losses and sampling from their formulas, training by the command, and what is invalid."""

import copy
import json
import math
from functools import partial

import numpy as np
import pytest
import torch
import torch.nn.functional as F

import lingon
from lingon.cli.app import app
from lingon.core.errors import DataError, UserError
from lingon.data.batches import Noise
from lingon.data.files.images import read_image, save_image
from lingon.data.labelled_images import LabelledImages
from lingon.engine.fit import TrainConfig, fit
from lingon.engine.optimizers import adam
from lingon.engine.run import Run
from lingon.engine.save_interval import SaveInterval
from lingon.metrics.frechet import frechet_distance, gaussian_of
from lingon.models.registry import build, models_for
from lingon.pages.image_grid import image_grid
from lingon.tasks.synthesize import Synthesizer
from lingon.tasks.synthesize.judge import judged
from lingon.tasks.synthesize.nearest import nearest_images
from lingon.tasks.synthesize.objective import InTurns, SynthesisObjective, synthesis_loss
from lingon.tasks.synthesize.sampling import latents_of, slerp, walk_inputs
from lingon.tasks.synthesize.scoring import halves_of
from tests.tasks.made_images import LABELS, SIZES, images, made_synthesizer

MODELS = models_for("image-generator")
every = pytest.mark.parametrize("name", MODELS)


def one_batch(task, count=11):
    return next(iter(task.batches(images(count), batch_size=count, seed=3)))


def test_the_three_models_are_there():
    assert set(MODELS) == {"vae", "dcgan", "diffusion"}


def test_noise_is_that_of_a_row_and_an_epoch():
    noise = Noise("noise", 13, (3, 5), "normal", seed=7)
    both = noise.collate(np.array([2, 9]))["noise"]
    torch.testing.assert_close(noise.collate(np.array([9]))["noise"], both[1:], rtol=0, atol=0)
    noise.set_epoch(1)
    assert not torch.equal(noise.collate(np.array([2, 9]))["noise"], both)
    many = Noise("time", 2_000, (), "uniform", seed=7).collate(np.arange(2_000))["time"]
    assert 0 <= many.min() < 0.01 and 0.99 < many.max() < 1  # noqa: PT018
    assert abs(float(many.mean()) - 0.5) < 0.03
    assert Noise("noise", 13, (3, 5), "normal", seed=8).checksum() != noise.checksum()


def test_the_loss_of_a_vae_is_its_evidence_lower_bound():
    """Against the divergence of torch.distributions, and the likelihood of Bernoulli pixels."""
    task = made_synthesizer("vae", latent=11)
    batch, model = one_batch(task), task.model
    found = model(batch.images, batch.labels, noise=batch.noise)
    one_hot = F.one_hot(batch.labels, 3).float()
    mean, log_variance = model.encode(batch.images, one_hot)
    posterior = torch.distributions.Normal(mean, (log_variance / 2).exp())
    prior_mean, prior_log_variance = model.prior_of(one_hot)
    prior = torch.distributions.Normal(prior_mean, (prior_log_variance / 2).exp())
    kl = torch.distributions.kl_divergence(posterior, prior).sum(1)
    latents = mean + posterior.stddev * batch.noise
    shown = model.sample((latents - prior.mean) / prior.stddev, one_hot)
    likelihood = batch.images * shown.log() + (1 - batch.images) * (1 - shown).log()
    torch.testing.assert_close(found["kl"], kl, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(found["loss"], kl - likelihood.flatten(1).sum(1), rtol=1e-4, atol=1e-3)


def test_the_losses_of_a_gan_are_those_of_its_two_sides():
    task = made_synthesizer("dcgan", latent=11, penalty=3.0)
    batch, model = one_batch(task), task.model
    one_hot = F.one_hot(batch.labels, 3).float()
    made = model.made(batch.noise, one_hot)
    real = (2 * batch.images - 1).requires_grad_()
    of_real, of_made = model.logits(real, one_hot), model.logits(made, one_hot)
    found = model(batch.images, batch.labels, batch.noise, turn="generator")["loss"]
    torch.testing.assert_close(found, -of_made.sigmoid().log())
    lengths = torch.stack([torch.autograd.grad(of_real[i], real, retain_graph=True)[0][i].norm() for i in range(11)])
    expected = -of_real.sigmoid().log() - (1 - of_made.sigmoid()).log() + 3 / 2 * lengths**2
    found = model(batch.images, batch.labels, batch.noise, turn="discriminator")["loss"]
    torch.testing.assert_close(found, expected)


class Known(torch.nn.Module):
    """A network that knows the one image x: from z it takes the true noise, so every step must keep to the way."""

    def __init__(self, x):
        super().__init__()
        self.x, self.asked = x, []

    def forward(self, z, time, labels):
        self.asked.append(labels)
        angle = time[:, None, None, None] * math.pi / 2
        noise = (z - angle.cos() * self.x) / angle.sin()
        return angle.cos() * noise - angle.sin() * self.x


def test_what_diffusion_learns_is_v_and_what_it_samples_is_the_image():
    task = made_synthesizer("diffusion")
    batch, model = one_batch(task), task.model
    assert batch.noise.shape == (11, 1, 5, 7)
    x = 2 * batch.images - 1
    model.network = Known(x)
    found = model(batch.images, batch.labels, batch.noise, batch.time, batch.left_out)["loss"]
    torch.testing.assert_close(found, torch.zeros(11), atol=1e-4, rtol=0)
    left_out = batch.left_out < 0.1
    assert torch.equal(model.network.asked[0].sum(1) == 0, left_out)

    model.network = Known(x[:1])
    noise = torch.randn(1, 1, 5, 7, generator=torch.Generator().manual_seed(0))
    for steps in (1, 3, 25):
        made = model.sample(noise, torch.eye(3)[:1], guidance=1.0, steps=steps)
        torch.testing.assert_close(made, batch.images[:1], atol=1e-3, rtol=0)


def test_guidance_goes_from_the_prediction_without_a_label_past_that_with_one():
    model = made_synthesizer("diffusion").model
    z, time, labels = torch.randn(3, 1, 5, 7), torch.full((3,), 0.5), torch.eye(3)
    with_label, without = model.network(z, time, labels), model.network(z, time, 0 * labels)
    assert not torch.allclose(with_label, without)
    for weight in (0.0, 0.5, 1.0, 2.0):
        expected = (1 - weight) * without + weight * with_label
        torch.testing.assert_close(model._guided(z, time, labels, weight), expected, atol=1e-5, rtol=1e-5)


@every
def test_images_alone_are_those_of_a_batch_and_of_the_seed(name):
    task = made_synthesizer(name)
    many = task.generate(7, seed=5)
    assert (many.dtype, many.shape) == (np.uint8, (7, 5, 7, 1))
    assert len(np.unique(many)) > 5
    np.testing.assert_allclose(task.generate(3, seed=5).astype(int), many[:3].astype(int), atol=1)
    np.testing.assert_array_equal(task.generate(7, seed=5), many)
    assert not np.array_equal(task.generate(7, seed=6), many)
    assert len(task.generate()) == 24
    coats = task.generate(4, "coat", seed=5)
    np.testing.assert_allclose(coats[1].astype(int), many[1].astype(int), atol=1)  # whose turn was the coat's


@every
def test_a_step_learns_and_resumes_bit_for_bit(name, tmp_path):
    def trained(run=None, steps=9):
        task = made_synthesizer(name)
        task.model.train()
        update = {"update": InTurns(task.model)} if hasattr(task.model, "turns") else {}
        module = SynthesisObjective(task.model)
        batches = task.batches(images(17), batch_size=5, seed=3)
        config = TrainConfig(steps=steps, log_every=1, accumulation_steps=2)
        rows = fit(module, batches, synthesis_loss, adam(module, 1e-3), config=config, run=run, **update).rows
        quiet = [{k: v for k, v in row.items() if k not in ("time", "examples_per_second")} for row in rows]
        return {key: value.clone() for key, value in module.state_dict().items()}, quiet

    whole, rows = trained()
    assert ("discriminator_loss" in rows[0]) == (name == "dcgan")
    for resume, steps in ((False, 4), (True, 9)):
        with Run.open(tmp_path / "run", {}, resume=resume, save_interval=SaveInterval(steps=1)) as run:
            stopped, again = trained(run, steps)
    assert again == rows
    assert all(torch.equal(stopped[key], whole[key]) for key in whole)


def test_in_turns_is_the_two_steps_that_everyone_writes():
    task, twin = made_synthesizer("dcgan"), made_synthesizer("dcgan")
    batch = one_batch(task, 5)
    module = SynthesisObjective(task.model)
    fit(
        module,
        [batch],
        synthesis_loss,
        adam(module, 0.01, eps=0.01),
        config=TrainConfig(steps=1),
        update=InTurns(task.model),
    )

    for turn in ("discriminator", "generator"):
        part = twin.model.part(turn)
        optimizer = torch.optim.Adam(part.parameters(), 0.01, betas=(0.5, 0.999), eps=0.01)
        loss = twin.model(batch.images, batch.labels, batch.noise, turn=turn)["loss"].mean()
        for weights, gradient in zip(part.parameters(), torch.autograd.grad(loss, part.parameters()), strict=True):
            weights.grad = gradient
        optimizer.step()
    for found, expected in zip(task.model.parameters(), twin.model.parameters(), strict=True):
        torch.testing.assert_close(found, expected)


def test_a_walk_keeps_the_length_of_latents_and_ends_where_it_should():
    a, b = torch.tensor([3.0, 0.0]), torch.tensor([0.0, 3.0])
    found = slerp(a, b, torch.tensor([0.0, 1 / 3, 1.0]))
    thirty = math.radians(30)
    torch.testing.assert_close(found, torch.tensor([[3.0, 0], [3 * math.cos(thirty), 3 * math.sin(thirty)], [0, 3]]))
    torch.testing.assert_close(slerp(a, a, torch.tensor([0.5])), a[None])

    latents, labels = walk_inputs((11,), [2], 3, 5, seed=1)
    ends = latents_of((11,), 2, seed=1)
    torch.testing.assert_close(latents[[0, -1]], ends)
    assert torch.equal(labels, torch.tensor([[0.0, 0, 1]]).expand(5, 3))
    latents, labels = walk_inputs((11,), [0, 2, 1], 3, 5, seed=1)
    assert torch.equal(latents, ends[:1].expand(5, 11))
    torch.testing.assert_close(labels[[0, 1, 2, 4]], torch.tensor([[1.0, 0, 0], [0.5, 0, 0.5], [0, 0, 1], [0, 1, 0]]))


@every
def test_a_walk_is_images(name):
    task = made_synthesizer(name)
    found = task.walk(labels=["bag", "dress"])
    assert found.shape == (12, 5, 7, 1)
    first = task.generate(1, "bag")
    np.testing.assert_allclose(found[0].astype(int), first[0].astype(int), atol=1)
    np.testing.assert_array_equal(task.walk(3, "coat"), task.walk(3, ["coat"]))


def test_scores_are_distances_of_features_of_samples_of_one_size():
    task, real = made_synthesizer(), images(17)
    found = task.evaluate(real)
    halves = halves_of(17)
    assert len(halves.first) == len(halves.second) == 8
    assert not set(halves.first) & set(halves.second)
    features = lambda pixels: gaussian_of(judged(task.judge, pixels)[0])
    first, second = (features(real.pixels[rows]) for rows in halves)
    assert found["real_frechet_distance"] == pytest.approx(frechet_distance(first, second))
    numbers = [LABELS.index(real.labels[i]) for i in halves.second]
    made = task._sampled(task.model, numbers, 0)
    assert found["frechet_distance"] == pytest.approx(frechet_distance(features(made), first))
    assert (found.main, found.higher_is_better()) == ("frechet_distance", False)
    assert found["frechet_distance"] > found["real_frechet_distance"]
    assert found == task.evaluate(real)


def test_broken_weights_are_said_and_nan_while_training():
    task = made_synthesizer()
    broken = copy.deepcopy(task.model)
    torch.nn.init.constant_(broken.decoder[0].weight, math.nan)
    assert math.isnan(task.evaluator(images(), 10)(broken)["frechet_distance"])
    assert task.evaluator(images(), 10)(task.model)["frechet_distance"] > 0
    task.model = broken
    with pytest.raises(UserError, match="images that are not numbers; its weights are broken"):
        task.generate(2)


def test_the_nearest_images_and_a_grid():
    some = images(17).pixels
    rows, distances = nearest_images(some[[3, 5]], some, 2)
    assert rows[:, 0].tolist() == [3, 5]
    np.testing.assert_allclose(distances[:, 0], 0, atol=1e-3)
    difference = (some[3].astype(float) - some[rows[0, 1]]) / 255
    assert distances[0, 1] == pytest.approx(np.sqrt((difference**2).mean()), rel=1e-3)
    grid = image_grid(some[:5], 3, gap=1)
    assert grid.shape == (5 + 1 + 5, 7 + 1 + 7 + 1 + 7, 1)
    np.testing.assert_array_equal(grid[6:, 8:15], some[4])
    assert (grid[:, 7] == 255).all() and (grid[6:, 16:] == 255).all()  # noqa: PT018
    with pytest.raises(UserError, match="0 images in 3 columns"):
        image_grid(some[:0], 3)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Images in a folder for each label, in the working directory."""
    monkeypatch.chdir(tmp_path)
    for i, (pixels, label) in enumerate(zip(images(90).pixels, images(90).labels, strict=True)):
        (tmp_path / "mine" / label).mkdir(parents=True, exist_ok=True)
        save_image(tmp_path / "mine" / label / f"{i:03}.png", pixels)
    return tmp_path


def run(*arguments):
    app([str(a) for a in arguments], standalone_mode=False)


@every
def test_it_is_trained_and_used_by_the_commands(folder, capsys, name, monkeypatch):
    monkeypatch.setattr("lingon.tasks.synthesize.judge.STEPS", 30)
    common = ["--data", "mine", "--model", name, "--device", "cpu", "--evals", 2, "--steps", 12, "--valid-samples", 9]
    run("train", "synthesize", *common, "--width", 4, "--batch-size", 16, "--lr", 0.003, "--out", "r")
    said = capsys.readouterr().out
    assert "try next: lingon generate r --out images.png" in said
    assert "two halves of the real ones are" in said
    record = json.loads((folder / "r" / "run.json").read_text())
    assert {"frechet_distance", "real_frechet_distance", "label_accuracy"} <= record["test"].keys()
    page = (folder / "r" / "report.html").read_text()
    assert all(part in page for part in ("Made beside real", "Walks", "Is anything copied?", "coat"))
    assert page.count("data:image/png") > 10
    if name != "vae":
        return
    run("evaluate", "r", "--data", "mine", "--split", "test", "--json")
    assert json.loads(capsys.readouterr().out)["frechet_distance"] == record["test"]["frechet_distance"]
    run("generate", "r", "--out", "grid.png", "--label", "coat", "--count", 9, "--seed", 1)
    assert read_image("grid.png", "L").shape == (3 * 5 + 2 * 2, 3 * 7 + 2 * 2, 1)
    run("generate", "r", "--out", "some", "--count", 11)
    assert sorted(path.name for path in (folder / "some").iterdir())[:2] == ["00.png", "01.png"]
    run("generate", "r", "--out", "walk.png", "--walk", "--count", 5)
    assert read_image("walk.png", "L").shape == (5, 5 * 7 + 4 * 2, 1)
    with pytest.raises(UserError, match="'some' exists and is not empty"):
        run("generate", "r", "--out", "some")

    again = ["--judge", "r", "--out", "s", "--width", 4]
    run("train", "synthesize", *common, *again)
    of = [json.loads((folder / name / "run.json").read_text())["test"] for name in ("r", "s")]
    assert of[0]["real_frechet_distance"] == of[1]["real_frechet_distance"]


def test_what_cannot_be_meant(folder):
    task, diffusion = made_synthesizer(), made_synthesizer("diffusion")
    for guidance in (-1.0, math.nan, math.inf):
        with pytest.raises(UserError, match=r"--guidance is .*, expected 0 or more"):
            diffusion.generate(2, guidance=guidance)
    for steps in (0, 1_001):
        with pytest.raises(UserError, match=r"--steps is .*, expected 1 to 1,000"):
            diffusion.generate(2, steps=steps)
    with pytest.raises(UserError, match="--guidance is for diffusion models"):
        task.generate(2, guidance=2.0)
    with pytest.raises(UserError, match="unknown label 'cota'; did you mean 'coat'"):
        task.generate(2, "cota")
    for count in (0, -3, 1_000_000):
        with pytest.raises(UserError, match=r"--count is .*, expected 1 to 100,000 images"):
            task.generate(count)
    with pytest.raises(UserError, match="--count is 1, expected 2"):
        task.walk(1)
    task.model.latent_shape = None
    with pytest.raises(UserError, match="a walk takes a model with latents, which this one has not"):
        task.walk()
    with pytest.raises(UserError, match="an image generator needs different printable labels"):
        Synthesizer(task.model, task.judge, ["a", "a"])
    with pytest.raises(DataError, match="key 'labels' must hold different printable names"):
        Synthesizer.check_config({"labels": ["a", "a"]}, {"model": {}, "judge": {}})
    with pytest.raises(DataError, match="2 labels for a model of 3"):
        Synthesizer.check_config({"labels": ["a", "b"]}, {"model": {"classes": 3}, "judge": {}})
    with pytest.raises(UserError, match="compared with images with labels, not list"):
        diffusion.evaluate([])
    with pytest.raises(UserError, match="these images are 4 x 7 x 1; the generator makes 5 x 7 x 1"):
        diffusion.evaluate(LabelledImages(images().pixels[:, :4], images().labels))
    with pytest.raises(UserError, match="5 images are too few to compare with"):
        diffusion.evaluate(images(5))
    with pytest.raises(UserError, match="unknown label 'hat'"):
        diffusion.evaluate(LabelledImages(images(8).pixels, ["hat"] * 8))
    for wrong in ("image_height=3", "channels=2"):
        with pytest.raises(UserError, match="is not of the form NAME=VALUE, such as depth=2"):
            lingon.train("synthesize", "mine", settings={"set": [wrong]}, out="no")
    with pytest.raises(UserError, match="there is no folder 'nowhere'"):
        lingon.train("synthesize", "mine", settings={"judge": "nowhere"}, out="no")


def test_commands_that_cannot_be_meant(folder):
    from lingon.checkpoints.bundle import save_bundle

    save_bundle(made_synthesizer(), {"model": "vae", "judge": "feature_network"}, folder / "b", {"arguments": {}})
    wrong = partial(pytest.raises, UserError)
    with wrong(match="images need a place: --out grid.png"):
        run("generate", "b")
    with wrong(match=r"ends in '.pdf'; expected a folder, or one of"):
        run("generate", "b", "--out", "x.pdf")
    (folder / "grid.png").write_bytes(b"older")
    with wrong(match="grid.png: already exists; write to another name, or replace it with --overwrite"):
        run("generate", "b", "--out", "grid.png")
    assert (folder / "grid.png").read_bytes() == b"older"
    run("generate", "b", "--out", "grid.png", "--overwrite", "--count", 1)
    assert read_image("grid.png", "L").size
    with wrong(match="--overwrite has no effect without --out"):
        run("generate", "b", "--overwrite")
    with wrong(match="--prompt is for texts, and 'b' makes images; leave it out"):
        run("generate", "b", "--prompt", "x")
    with wrong(match="--count is 0"):
        run("generate", "b", "--out", "x.png", "--count", 0)
    with wrong(match=r"'b' is an image generator, which predicts nothing; try: lingon generate b --out images.png"):
        run("predict", "b", "x.png")


def test_the_sides_of_images_need_not_be_multiples_of_four():
    for name in MODELS:
        model = build(name, {**SIZES, "channels": 3})
        latents = torch.randn(2, *model.latent_shape)
        assert model.sample(latents, torch.eye(3)[:2]).shape == (2, 3, 5, 7)


@pytest.mark.parametrize("labels", [["a\x1b[2J", "b", "c"], ["a", "b\n", "c"], ["a", "a", "c"], ["a", 3, "c"]])
def test_labels_that_cannot_be_printed_are_refused(labels):
    sizes = {"model": {"classes": 3}, "judge": {"classes": 3}}
    with pytest.raises(DataError, match="different printable names"):
        Synthesizer.check_config({"labels": labels}, sizes)
