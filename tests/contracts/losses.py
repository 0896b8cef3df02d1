"""Every loss of the project, on batches cut from the same rows in any way, and the gradient that `fit` makes of them.

As a program under torchrun it writes the gradients of all losses: `... -m tests.contracts.losses FILE`.
"""

import sys
from functools import partial
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file

from lingon.core.seed import seed_everything
from lingon.data.batches import Batch, GroupedTexts, Images, collate
from lingon.engine.distributed import distribute, process_group
from lingon.engine.fit import TrainConfig, fit
from lingon.engine.loss import Loss
from lingon.engine.world import World, world
from lingon.layers.batch_norm import BatchNorm
from lingon.layers.losses import IGNORED, SampledNegatives
from lingon.models.registry import build
from lingon.tasks.caption.objective import CaptionObjective, caption_loss
from lingon.tasks.classify import cross_entropy
from lingon.tasks.classify.objective import logits_of
from lingon.tasks.classify.targets import MultiLabel, Ordinal, Regression, SingleLabel
from lingon.tasks.detect.objective import DetectObjective, detect_loss
from lingon.tasks.language_model.objective import Objective, carried_loss, fresh_loss, sampled
from lingon.tasks.segment.objective import SegmentObjective, segment_loss
from lingon.tasks.style.losses import PerceptualLoss
from lingon.tasks.style.objective import CONTENT_LAYER, STYLE_LAYERS, StyleObjective, StyleWeights, style_loss
from lingon.tasks.style.pixels import as_image
from lingon.tasks.synthesize.objective import SynthesisObjective, synthesis_loss
from lingon.tasks.visual_answer.objective import answer_loss
from tests.contracts.sequence_losses import SEQUENCE_LOSSES
from tests.tasks.made_stylizer import narrow_vgg, photo

ROWS, T, V, CLASSES = 13, 7, 31, 3
EVEN, UNEVEN = [0, 4, 8, 12], [0, 2, 3, 12]  # rows of three batches
DRAW = np.random.default_rng(0)
TEXTS = [DRAW.integers(1, V, size).tolist() for size in DRAW.integers(3, 12, ROWS)]
LABELS = DRAW.integers(0, CLASSES, ROWS).tolist()
TOKENS = torch.from_numpy(DRAW.integers(0, V, (ROWS, T + 1)))
IMAGES = torch.from_numpy(DRAW.random((ROWS, 3, 5, 7))).float()
MASKS = torch.from_numpy(DRAW.choice([0, 1, 2, 255], (ROWS, 5, 7)))
TARGETS = TOKENS[:, 1:].clone()
TARGETS[DRAW.random((ROWS, T)) < 0.4] = IGNORED  # so that equal rows do not count equally much
POINTS, KINDS = torch.from_numpy(DRAW.normal(size=(ROWS, 5))).float(), torch.tensor(LABELS)


OF_VIEWS = np.random.default_rng(2)
VIEWS = torch.from_numpy(OF_VIEWS.random((ROWS, 3, 24, 40))).float()
CORNERS = OF_VIEWS.uniform(0, 11, (ROWS, 2, 2))
IMAGES_OF_CAPTIONS = torch.from_numpy(OF_VIEWS.random((ROWS, 3, 24, 24))).float()
SAID = torch.arange(T + 1) < torch.from_numpy(OF_VIEWS.integers(1, T + 2, (ROWS, 1)))
BOXES = torch.from_numpy(np.concatenate([CORNERS, CORNERS + OF_VIEWS.uniform(5, 13, (ROWS, 2, 2))], -1)).float()
OBJECTS = torch.from_numpy(OF_VIEWS.choice([-1, 0, 1, 2], (ROWS, 2)))


def texts(rows):
    return collate([TEXTS[i] for i in rows], [LABELS[i] for i in rows], rows)


def judged(values):
    """Texts with labels of another kind, and weights that are not alike."""
    values, weights = torch.as_tensor(values), torch.from_numpy(DRAW.random(ROWS)).float() + 0.5
    return lambda rows: Batch({**texts(rows), "labels": values[rows], "weights": weights[rows]}, torch.tensor(rows))


def of_targets(targets):
    """The loss of a kind of labels, as a classifier takes it."""
    return lambda model, batch: targets.loss(logits_of(model, batch), batch.labels, batch.weights)


def bag(outputs):
    return lambda: build("bag", TEXT | {"classes": outputs, "width": 5, "dropout": 0.0, "word_dropout": 0.0})


def stretches(rows):
    return Batch({"ids": TOKENS[rows, :-1], "targets": TARGETS[rows]})


def points(rows):
    return Batch({"inputs": POINTS[rows], "targets": KINDS[rows]}, torch.tensor(rows))


def masked(rows):
    return Batch({"images": IMAGES[rows], "masks": MASKS[rows]}, torch.tensor(rows))


def with_running_statistics(model):
    """The model, whose batch norms do not look at the batch: those make an image another one in another batch."""
    for norm in (module for module in model.modules() if isinstance(module, BatchNorm)):
        norm.eval().train = lambda mode=True, norm=norm: norm
    return model


def segmenter():
    unet = build("unet", {"classes": 3, "width": 3, "depth": 1})
    return SegmentObjective(with_running_statistics(unet), dice_weight=2.0)


def boxed(rows):
    """Images with two boxes or fewer: a kind is -1 for no box, and 2 for one that is not counted."""
    return Batch({"images": VIEWS[rows], "boxes": BOXES[rows], "labels": OBJECTS[rows]}, torch.tensor(rows))


def detector():
    return DetectObjective(build("center_net", {"classes": 2, "width": 8, "stages": 2}))


def views(rows):
    return Batch({"images": VIEWS[rows].double()}, torch.tensor(rows))


def stylist():
    """A style network beside a narrow VGG-16, in float64: in float32 its roundings are a millionth."""
    vgg, style = narrow_vgg(last=STYLE_LAYERS[-1]).double(), as_image(photo()).double()
    judge = PerceptualLoss(vgg, style, STYLE_LAYERS, CONTENT_LAYER)
    return StyleObjective(build("style_network", {"width": 2, "depth": 1}).double(), judge, StyleWeights())


def rivals(targets):
    """Always the same rivals, so that batches differ in nothing but their rows."""
    some = torch.arange(5)
    return SampledNegatives(some, torch.full((5,), 0.5), torch.full((len(targets),), 0.5))


def language(name, softmax=None, **sizes):
    model = build(name, {"vocab_size": V, "width": 16, "depth": 2, **sizes})
    return Objective(model, softmax) if softmax else Objective(model)


class Capped(torch.nn.Module):
    """A language model whose logits are bounded, as those of Gemma 2."""

    softcap = 5.0

    def __init__(self):
        super().__init__()
        self.embedding, self.output = torch.nn.Embedding(V, 5), torch.nn.Linear(5, V)

    def hidden(self, ids, state=None):
        return self.embedding(ids), state

    def head(self, hidden):
        return self.softcap * (self.output(hidden) / self.softcap).tanh()


def noisy(name, dtype=torch.float32, **sizes):
    """Images, labels, and the random numbers that a generator takes, which are of the rows."""
    sizes |= {"image_height": 5, "image_width": 7, "channels": 1, "classes": CLASSES, "width": 4}
    draws = build(name, sizes).draws
    random = np.random.default_rng(1)
    columns = {"images": random.random((ROWS, 1, 5, 7)), "labels": np.array(LABELS)}
    columns |= {key: random.random((ROWS, *draw.shape)) for key, draw in draws.items()}
    tensors = {key: torch.from_numpy(each).to(torch.int64 if key == "labels" else dtype) for key, each in
               columns.items()}  # fmt: skip
    rows_of = lambda rows: Batch({key: each[rows] for key, each in tensors.items()}, torch.tensor(rows))
    return lambda: SynthesisObjective(build(name, sizes).to(dtype)), rows_of


def alone(make, turn):
    """A model that trains in turns, in one of them: the other parts stand still."""

    def made():
        objective = make().requires_grad_(False)
        objective.model.part(turn).requires_grad_(True)
        return objective

    return made


def array_loss(model, batch):
    return Loss(F.cross_entropy(model(batch.inputs), batch.targets, reduction="sum"), len(batch.inputs))


def token_loss(model, batch):
    """A loss of one's own, over tokens of texts."""
    total = F.cross_entropy(model(batch.ids, batch.mask), batch.labels, reduction="none") * batch.mask.sum(1)
    return Loss(total.sum(), int(batch.mask.sum()))


def row_mean(model, batch):
    return F.cross_entropy(model(batch.ids, batch.mask), batch.labels)


PHOTOS = DRAW.integers(0, 256, (ROWS, 9, 11, 3), np.uint8)
SIZES = DRAW.integers(1, 4, ROWS)  # questions on each image
ASKED = GroupedTexts(
    [[DRAW.integers(1, V, 3 + i).tolist() for i in range(size)] for size in SIZES],
    [DRAW.choice([IGNORED, 0, 1, 2], size).tolist() for size in SIZES],
    ignored=IGNORED,
)


def asked(rows):
    """Images with their questions, of which some have no known answer."""
    number = np.array(rows)
    return Batch(Images(PHOTOS).collate(number) | ASKED.collate(number), torch.tensor(rows))


def image_answerer():
    sizes = {"image_height": 9, "image_width": 11, "width": 8, "heads": 2, "depth": 1, "filters": 3, "halvings": 2}
    return with_running_statistics(build("image_answerer", TEXT | sizes))


def captioner():
    sizes = {"vocab_size": V, "image_size": 24, "width": 8, "depth": 1, "heads": 2, "filters": 8, "dropout": 0.0}
    return CaptionObjective(with_running_statistics(build("caption_transformer", sizes)), label_smoothing=0.1)


def captioned(rows):
    images, said = IMAGES_OF_CAPTIONS[rows], {"target_ids": TOKENS[rows], "target_mask": SAID[rows]}
    return Batch({"images": images, **said}, torch.tensor(rows))


STILL = {f"{name}_dropout": 0.0 for name in ("word", "input", "hidden", "output", "weight")}
TEXT = {"vocab_size": V, "classes": CLASSES}


def attentive():
    sizes = {"width": 5, "hidden": 7, "attention": 3, "hops": 2, "dropout": 0.0, "penalty_weight": 1.0}
    return build("self_attentive", TEXT | sizes)


GAN = noisy("dcgan", torch.float64)  # in float32 the roundings of the penalty's gradient are a millionth
LOSSES = {
    "n-grams, sparse": (lambda: build("ngrams", TEXT | {"buckets": 64}), texts, cross_entropy),
    "classifier": (
        lambda: build("bag", TEXT | {"width": 5, "dropout": 0.0, "word_dropout": 0.0}),
        texts,
        cross_entropy,
    ),
    "classifier with a penalty": (attentive, texts, cross_entropy),
    "class weights and a penalty": (attentive, texts, partial(cross_entropy, weights=[0.2, 3.0, 1.0])),
    "several labels": (
        bag(3),
        judged(DRAW.integers(0, 2, (ROWS, 3)).astype(np.float32)),
        of_targets(MultiLabel(["a", "b", "c"], class_weights=[2.0, 1.0, 3.0])),
    ),
    "numbers": (bag(1), judged(DRAW.normal(size=ROWS).astype(np.float32)), of_targets(Regression())),
    "ranks": (bag(2), judged(LABELS), of_targets(Ordinal(["1", "2", "3"]))),
    "focal": (bag(3), judged(LABELS), of_targets(SingleLabel(["a", "b", "c"], [0.2, 3.0, 1.0], gamma=2.0))),
    "mean over tokens of texts": (
        lambda: build("bag", TEXT | {"width": 5, "dropout": 0.0, "word_dropout": 0.0}),
        texts,
        token_loss,
    ),
    "a bare scalar": (lambda: build("bag", TEXT | {"width": 5, "dropout": 0.0, "word_dropout": 0.0}), texts, row_mean),
    "arrays": (lambda: torch.nn.Linear(5, CLASSES), points, array_loss),
    "exact": (lambda: language("gpt", heads=2, context_length=T, dropout=0.0), stretches, fresh_loss),
    "soft-capped": (lambda: Objective(Capped()), stretches, fresh_loss),
    "carried": (lambda: language("lstm", hidden=16, dropout=0.0), stretches, carried_loss),
    "adaptive": (lambda: language("lstm", hidden=16, dropout=0.0, cutoffs=[3, 11]), stretches, carried_loss),
    "sampled": (lambda: language("lstm", sampled(rivals), hidden=16, dropout=0.0), stretches, carried_loss),
    "questions on images": (image_answerer, asked, answer_loss),
    "captions": (captioner, captioned, caption_loss),
    "masks": (segmenter, masked, segment_loss),
    "boxes": (detector, boxed, detect_loss),
    "style": (stylist, views, style_loss),
    "VAE": (*noisy("vae"), synthesis_loss),
    **{
        turn: (alone(GAN[0], turn), GAN[1], partial(synthesis_loss, turn=turn))
        for turn in ("generator", "discriminator")
    },
    "diffusion": (*noisy("diffusion"), synthesis_loss),
    "language model with a penalty": (lambda: language("awd_lstm", hidden=7, **STILL), stretches, carried_loss),
    **SEQUENCE_LOSSES,
}


class Cut:
    """An epoch of batches whose rows are given; with several processes each takes its share of every batch."""

    def __init__(self, make, cuts, place=World(0, 1)):
        self.make, self.cuts, self.place, self.epoch, self.weight = make, cuts, place, 0, 1.0

    def __len__(self):
        return len(self.cuts) - 1

    def __iter__(self):
        for a, b in zip(self.cuts, self.cuts[1:], strict=False):
            mine = list(range(a, b))[self.place.rank :: self.place.size]
            self.weight = float(bool(mine))  # a process without a row takes the first one, which does not count
            yield self.make(mine or [a])

    def set_epoch(self, epoch):
        self.epoch = epoch


class Look(torch.optim.SGD):
    """An optimizer that keeps the gradient it is given."""

    def step(self):
        found = {name: p.grad.to_dense() for name, p in self.names.items() if p.grad is not None}
        self.found = {name: each.clone(memory_format=torch.contiguous_format) for name, each in found.items()}


def step_of(model, batches, loss, **config):
    """The gradient of one step over all batches, and the row that was logged."""
    optimizer = Look(model.parameters(), 0.1)
    optimizer.names = dict(model.named_parameters())
    config = TrainConfig(steps=1, accumulation_steps=len(batches), log_every=1, **config)
    rows = fit(distribute(model), batches, loss, optimizer, config=config).rows
    return optimizer.found, rows[0]


def gradient_of(name, cuts, place=World(0, 1)):
    make, rows, loss = LOSSES[name]
    seed_everything(0)
    found, row = step_of(make(), Cut(rows, cuts, place), loss)
    return found | {"loss": torch.tensor(row["loss"], dtype=torch.float64)}


def main(file):
    torch.set_num_threads(1)
    with process_group(torch.device("cpu")):
        place = world()
        for kind, cuts in {"even": EVEN, "uneven": UNEVEN, "one": [0, 13]}.items():
            for name in LOSSES:
                if name == "n-grams, sparse":
                    continue  # Gloo averages no sparse gradients
                found = gradient_of(name, cuts, place)
                if place.rank == 0:
                    save_file(found, Path(file) / f"{name}-{kind}.safetensors")


if __name__ == "__main__":
    main(sys.argv[1])
