"""The settings of a classifier's training, of texts or of images."""

import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any

from typer import Option

from lingon.core.counted import counted
from lingon.core.errors import UserError, unknown
from lingon.data.problem_types import ProblemType
from lingon.data.tokenizer_table import TOKENIZERS
from lingon.engine.training_parts import OPTIMIZERS
from lingon.models.registry import get_entry, models_for
from lingon.tasks.classify.problem_metrics import ALL_METRICS, METRICS
from lingon.tasks.classify_images import settings as images
from lingon.tasks.classify_images.settings import AUGMENTS, for_images
from lingon.tasks.settings import LARGEST, TrainSettings, check_settings, fill
from lingon.tasks.tuning_options import HEAD_PATH

if TYPE_CHECKING:
    from lingon.tasks.pretrained import Pretrained

MODELS_HELP = (
    f"Model: {' or '.join(models_for('classifier'))}; of images {' or '.join(models_for('image-classifier'))}."
)
LOSSES = ("cross-entropy", "focal")
FEWEST_STEPS = 400  # a model has learned little before, however few texts there are
STEPS_PER_CLASS = 60  # and little of each of many classes, of which most are rare
FEWEST_ROWS = 8
USUAL_GAMMA = 2.0  # Lin et al. 2017
REFIT_TEXTS = 100_000  # a tenth more of so many texts adds nothing
# Of a model whose ENTRY does not say what suits it.
DEFAULTS = {
    "max_tokens_per_batch": 16_384,
    "batch_size": 64,
    "vocab": 30_000,
    "max_length": 500,
    "epochs": 5,
    "lr": 1e-3,
    "metric": "accuracy",
    "refit": False,
}

# Of a head on pretrained weights, chosen on the validation texts of intents (docs/log.md).
FINE_TUNING = {"max_tokens_per_batch": 8_192, "batch_size": 32, "lr": 1e-4, "weight_decay": 0.01, "epochs": 3}
FINE_TUNING_STEPS = 400  # at least
FINE_TUNING_STEPS_PER_CLASS = 21  # at least
FRESH_HEAD = 10  # times the learning rate of the encoder, of a head that has learned nothing yet
# Of pairs of texts, which say more than each text alone.
CONTRASTIVE = {"max_tokens_per_batch": 8_192, "batch_size": 64, "lr": 5e-5, "weight_decay": 0.01, "epochs": 5}
CONTRASTIVE_STEPS = 120  # at least
# Training texts a class, below which the head alone is trained on an encoder of sentences (docs/log.md).
FEW_PER_CLASS = 32


@dataclass(frozen=True)
class Settings(TrainSettings):
    """How a classifier is made and trained. None means the model's default (see its ENTRY)."""

    model: Annotated[str, Option(help=MODELS_HELP)] = "ngrams"
    max_tokens_per_batch: Annotated[int | None, Option(help="Maximum tokens per batch, padding included.")] = None
    max_length: Annotated[int | None, Option(help="Maximum tokens per text; longer texts are truncated.")] = None
    vocab: Annotated[int | None, Option(help="Maximum vocabulary size; the most frequent tokens are kept.")] = None
    metric: Annotated[
        str | None,
        Option(
            help=f"Validation metric that selects the best weights: {', '.join(ALL_METRICS)}. Default: the model's own."
        ),
    ] = None
    class_weights: Annotated[
        str | None, Option(help="Class weights in the loss: balanced, or good=1,bad=2.5. Default: equal.")
    ] = None
    loss: Annotated[str, Option(help="Loss: cross-entropy, or focal, which gives easy texts less weight.")] = (
        "cross-entropy"
    )
    gamma: Annotated[
        float | None, Option(help="Gamma, the exponent of the focal loss; 0 is cross-entropy. Default: 2.")
    ] = None
    tokenizer: Annotated[str, Option(help=f"Tokenizer to train: {', '.join(TOKENIZERS)}.")] = "words"
    vectors: Annotated[
        str | None, Option(help="Pretrained word vectors: glove-6b-50d, or a GloVe or word2vec file.")
    ] = None
    C: Annotated[
        float | None, Option("--C", help="Inverse regularisation strength of ngrams, like C in scikit-learn.")
    ] = None
    refit: Annotated[
        bool | None,
        Option(
            "--refit/--no-refit",
            help="After validation, train again on training and validation texts together. "
            "By default for ngrams, of up to 100,000 texts.",
        ),
    ] = None
    folds: Annotated[
        int | None,
        Option(help="Number of cross-validation folds; then a model is trained on all texts. Default: none."),
    ] = None
    freeze: Annotated[bool, Option("--freeze", help="Do not train the pretrained word vectors.")] = False
    augment: Annotated[
        str | None,
        Option(
            help=f"How training images are varied: {', '.join(AUGMENTS)} with commas, or none. Default: flip,shift."
        ),
    ] = None

    def for_data(self, source: Any) -> "Settings":
        """Return the settings for texts or images, whichever the source holds; see `TrainSettings.for_data`."""
        if source.holds_images:
            return for_images(self, source.data)
        if self.augment is not None or self.model in models_for("image-classifier"):
            flag = f"--model {self.model}" if self.augment is None else "--augment"
            raise UserError(f"{flag} is for images, and {source.data!r} holds texts; leave it out")
        return self

    def checked(self) -> "Settings":
        """Return the settings as they are. Raises UserError that names a setting with an impossible value."""
        if self.model in models_for("image-classifier"):
            return images.checked(self)
        if self.C is not None and not 0 < self.C < LARGEST:
            raise UserError(f"--C is {self.C:g}; expected more than 0, such as 10")
        if self.gamma is not None and self.loss != "focal":
            raise UserError(f"--gamma is {self.gamma:g}, which is of --loss focal; give both, or leave it out")
        if self.gamma is not None and not 0 <= self.gamma < 100:
            raise UserError(f"--gamma is {self.gamma:g}; expected 0 or more, such as 2")
        choices = {"model": models_for("classifier"), "metric": ALL_METRICS, "tokenizer": TOKENIZERS, "loss": LOSSES}
        return check_settings(self, choices, ("max_tokens_per_batch", "max_length", "vocab", "folds"))

    def started(self, pretrained: "Pretrained") -> "Settings":
        """Return the settings for a training that starts from these weights; see `TrainSettings.started`."""
        from lingon.tasks.classify.from_weights import started
        from lingon.tasks.classify_images import ImageClassifier
        from lingon.tasks.classify_images.from_weights import started as started_with_images

        if isinstance(pretrained.task, ImageClassifier):
            return started_with_images(self, pretrained)
        return started(self, pretrained)

    def filled(self, data: Any) -> "Settings":
        """Return the settings with every None replaced by a default for the model and the number of training texts.

        Few texts get smaller batches and more epochs, many classes more epochs, so that they are learned from enough.
        data: `Splits`, or `ImageSplits`. Raises UserError for labels, or weights of them, that cannot be trained on.
        """
        images.check_data(self, data)
        if self.model in models_for("image-classifier"):
            return images.filled(self, data)
        from lingon.tasks.classify.class_weights import labels_of, weights_of

        metrics = METRICS[data.problem_type]
        if self.metric not in (None, *metrics):
            raise unknown(f"metric of {data.problem_type}", str(self.metric), metrics)
        _refuse_unused(self, data.problem_type)
        labels = labels_of(data.train, data.problem_type)
        weights_of(self, data.train, labels)
        return filled(_with_tuning(self, len(data.train), len(labels)), len(data.train), len(labels), data.problem_type)

    @property
    def focal_gamma(self) -> float:
        """Return the exponent of the focal loss; 0 where the loss is another."""
        return 0.0 if self.loss != "focal" else USUAL_GAMMA if self.gamma is None else self.gamma


def _with_tuning(settings: Settings, texts: int, classes: int) -> Settings:
    """Return the settings with a tuning where none is named and `started` left it open: frozen for few texts a class.

    classes: 0 for numbers. This is reported on stderr.
    """
    if settings.from_ is None or settings.tuning is not None:
        return settings
    if not 0 < texts < FEW_PER_CLASS * classes:
        return replace(settings, tuning="full")
    from lingon.engine.world import world

    if world().rank == 0:
        print(
            f"{counted(texts, 'training text')} for {classes} labels are few: only the head is trained, "
            "on the vectors of the encoder (--tuning frozen); --tuning full trains the encoder too",
            file=sys.stderr,
        )
    return replace(settings, tuning="frozen")


def _refuse_unused(settings: Settings, problem_type: ProblemType) -> None:
    """Refuse what a kind of labels, or a model that goes to the optimum of its loss, does not have."""
    exact = not OPTIMIZERS[settings.optimizer or get_entry(settings.model).optimizer].gradient
    if settings.loss == "focal" and exact:
        raise UserError(
            f"--loss is focal, but --model {settings.model} is trained to the optimum of a loss of its own; "
            "choose a neural model, as --model textcnn"
        )
    if problem_type not in ("regression", "ordinal"):
        return
    for flag, given in (("--class-weights", settings.class_weights), ("--loss focal", settings.focal_gamma or None)):
        if given is not None:
            raise UserError(f"{flag}: with --problem-type {problem_type} there are no classes that it could weigh")


def filled(settings: Settings, texts: int, classes: int = 2, problem_type: ProblemType = "single-label") -> Settings:
    """Return the settings with every None replaced by a default for the model, the texts and the classes."""
    entry = get_entry(settings.model)
    name = settings.optimizer or entry.optimizer
    best: dict[str, Any] = {**DEFAULTS, **entry.defaults, **entry.by_optimizer.get(name, {})}
    if best["metric"] not in METRICS[problem_type]:
        best["metric"] = METRICS[problem_type][0]
    if not OPTIMIZERS[name].gradient:
        return fill(settings, best | {"refit": texts <= REFIT_TEXTS, "C": None})
    if settings.from_ is not None and settings.model == "encoder":
        return fill(settings, best | _fine_tuning(settings, texts, classes))
    best["batch_size"] = max(FEWEST_ROWS, min(best["batch_size"], texts // 64))
    rows = settings.batch_size or best["batch_size"]
    steps = max(FEWEST_STEPS, STEPS_PER_CLASS * classes)
    best["epochs"] = max(best["epochs"], -(-steps * rows // max(1, texts)))
    return fill(settings, best)


def _fine_tuning(settings: Settings, texts: int, classes: int) -> dict[str, Any]:
    """What suits a head on pretrained weights, for so many texts and classes: what reads already needs fewer steps."""
    if settings.tuning == "frozen":
        return FINE_TUNING | {"epochs": len(HEAD_PATH)}
    if settings.tuning == "contrastive":
        halves = (settings.batch_size or CONTRASTIVE["batch_size"]) // 2
        return CONTRASTIVE | {"epochs": max(CONTRASTIVE["epochs"], -(-CONTRASTIVE_STEPS * halves // max(1, texts)))}
    rows = settings.batch_size or FINE_TUNING["batch_size"]
    steps = max(FINE_TUNING_STEPS, FINE_TUNING_STEPS_PER_CLASS * classes)
    epochs = max(FINE_TUNING["epochs"], -(-steps * rows // max(1, texts)))
    faster = 1 if settings.tuning == "head-first" else FRESH_HEAD
    return FINE_TUNING | {"epochs": epochs, "head_lr": faster * (settings.lr or FINE_TUNING["lr"])}
