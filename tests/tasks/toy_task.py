"""A task of a third party in one file: how alike the two halves of a text are, each with a tokenizer of its own."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import torch
from torch import nn

from lingon.core.config_keys import want
from lingon.core.errors import DataError
from lingon.core.seed import seed_everything
from lingon.data.examples import Examples
from lingon.data.tokenizers import Tokenizer
from lingon.engine.loss import Loss
from lingon.metrics.scores import Scores
from lingon.models.registry import DataStats, build
from lingon.tasks.model_options import model_options
from lingon.tasks.settings import TrainSettings
from lingon.tasks.task import Card
from lingon.tasks.training import Training


@dataclass(frozen=True)
class Settings(TrainSettings):
    """How a pair scorer is made and trained."""

    model: str = "toy_encoder"
    epochs: float | None = 20
    lr: float | None = 0.05
    between: str = "|"


@dataclass(frozen=True)
class Likeness:
    """From -1 to 1, how alike the halves of a text are."""

    text: str
    score: float

    def row(self) -> dict[str, Any]:
        return asdict(self)

    def __str__(self) -> str:
        return f"{self.score:+.3f}  {self.text}"


class Alike:
    """An encoder for both halves, and a head. between: what stands between the halves. Labels are 1 and -1."""

    name: ClassVar[str] = "alike"
    part_types: ClassVar[Mapping[str, type]] = {
        "encoder": nn.Module,
        "head": nn.Module,
        "left": Tokenizer,
        "right": Tokenizer,
    }
    config_keys: ClassVar[Sequence[str]] = ("between",)

    def __init__(self, encoder, head, left, right, between="|"):
        self.encoder, self.head, self.left, self.right, self.between = encoder, head, left, right, between
        self.model = nn.ModuleDict({"encoder": encoder, "head": head})

    @property
    def parts(self):
        return {"encoder": self.encoder, "head": self.head, "left": self.left, "right": self.right}

    def config(self):
        return {"between": self.between}

    @classmethod
    def check_config(cls, config, sizes):
        if not want(config, "between", str, "a text"):
            raise DataError("key 'between' is empty")

    @classmethod
    def from_config(cls, config, parts):
        return cls(**parts, between=config["between"])

    @classmethod
    def card(cls, model, config):
        return Card(f"# {model}", "A model of likeness", ["- **Limits**: it is a toy."], '.predict(["a | b"])')

    @classmethod
    def prepare(cls, data, settings, context):
        left = context.tokenizer("words", lambda: data.train.texts, 100, "left")
        right = context.tokenizer("characters", lambda: data.train.texts, 100, "right")
        seed_everything(settings.seed)
        encoder = build(settings.model, model_options(settings, DataStats(max(len(left.vocab), len(right.vocab)))))
        head = build("toy_head", {"width": encoder.config()["width"]})
        task = cls(encoder, head, left, right, settings.between)
        return Training(
            task=task,
            module=task.model.to(context.device),
            batches=task.batches(data.train, max_tokens=64),
            loss=task.loss,
            evaluator=task.evaluator(data.valid),
            metric="accuracy",
            test=lambda: task.evaluate(data.test),
            models={"encoder": settings.model, "head": "toy_head"},
            facts={"data": data.source},
        )

    def collate(self, texts):
        halves = zip(*(text.split(self.between) for text in texts), strict=True)
        sides = zip(("left", "right"), (self.left, self.right), halves, strict=True)
        return {side: padded(tokenizer.encode_batch(list(half))) for side, tokenizer, half in sides}

    def batches(self, examples, *, max_tokens):
        return Whole(self.collate(examples.texts) | {"true": torch.tensor([float(x) for x in examples.labels])})

    def scores_of(self, model, batch):
        return model["head"](model["encoder"](batch["left"]), model["encoder"](batch["right"]))

    def loss(self, model, batch):
        return Loss(((self.scores_of(model, batch) - batch["true"]) ** 2).sum(), len(batch["true"]))

    def evaluator(self, examples):
        (batch,) = self.batches(examples, max_tokens=1)
        return torch.inference_mode()(lambda model: self.metrics(model, batch))

    def metrics(self, model, batch):
        found = self.scores_of(model, batch)
        right = (found.sign() == batch["true"]).float().mean()
        return {"loss": float(((found - batch["true"]) ** 2).mean()), "accuracy": float(right)}

    def evaluate(self, examples: Examples) -> Scores:
        return Scores(self.evaluator(examples)(self.model), "accuracy")

    @torch.inference_mode()
    def predict(self, inputs):
        found = self.scores_of(self.model, self.collate(inputs)).tolist()
        return [Likeness(text, score) for text, score in zip(inputs, found, strict=True)]


def padded(rows):
    return nn.utils.rnn.pad_sequence([torch.tensor(row or [0]) for row in rows], batch_first=True)


class Whole:
    """All examples as the one batch of an epoch."""

    def __init__(self, batch):
        self.batch, self.epoch, self.given = batch, 0, False

    def __len__(self):
        return 1

    def __iter__(self):
        if not self.given:
            self.given = True
            yield self.batch

    def set_epoch(self, epoch):
        self.epoch, self.given = epoch, False

    def state_dict(self):
        return {"epoch": self.epoch, "given": self.given}

    def load_state_dict(self, state):
        self.epoch, self.given = state["epoch"], state["given"]


TASK = Alike
