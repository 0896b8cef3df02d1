"""The settings of a classifier's training as images have them: what is of texts is refused, what is open filled in."""

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from lingon.core.errors import UserError, unknown
from lingon.models.registry import get_entry, models_for
from lingon.tasks.model_options import gradient_settings
from lingon.tasks.settings import LARGEST, check_settings, epochs_for, fill
from lingon.tasks.tuning_options import HEAD_PATH

if TYPE_CHECKING:
    from lingon.tasks.classify.settings import Settings

USUAL_MODEL = "resnet"
OF_TEXTS = ("max_tokens_per_batch", "max_length", "vocab", "tokenizer", "vectors", "freeze", "C", "folds")
NOT_YET = ("class_weights", "loss", "gamma", "tuning", "quantize", "layer_lr_decay", "head_lr")
METRICS = ("accuracy", "macro_f1", "auc", "loss", "calibration_error")
AUGMENTS = ("flip", "shift", "erase")
USUAL: dict[str, Any] = {"batch_size": 128, "epochs": 15, "lr": 5e-3, "metric": "accuracy", "refit": False}
FEWEST_STEPS = 1_000  # from fresh weights, however few images there are
FEWEST_ROWS = 16  # of a batch, whose statistics the normalisation takes


def for_images(settings: "Settings", data: str) -> "Settings":
    """Return the settings of a training on images. data: what it is called, for messages.

    Raises UserError for a setting that is of texts.
    """
    usual = {field.name: field.default for field in fields(settings)}
    if is_probe(settings.model) or settings.from_ is not None:
        usual["C"] = settings.C  # of a probe, which the weights may be of
    for name in (*OF_TEXTS, *NOT_YET):
        if getattr(settings, name) != usual[name]:
            flag, why = name.strip("_").replace("_", "-"), "is for texts" if name in OF_TEXTS else "is not for images"
            raise UserError(f"--{flag} {why}, and {data!r} holds images; leave it out")
    if settings.from_ is not None:  # which brings its model
        return settings
    if settings.model == usual["model"]:
        return replace(settings, model=USUAL_MODEL)
    if settings.model not in models_for("image-classifier"):
        raise unknown("model of images", settings.model, models_for("image-classifier"))
    return settings


def checked(settings: "Settings") -> "Settings":
    """Return the settings as they are. Raises UserError that names a setting with an impossible value."""
    augments_of(settings.augment)
    known = {"model": models_for("image-classifier"), "metric": METRICS}
    if not is_probe(settings.model):
        return check_settings(settings, known)
    _refuse_of_gradients(settings)
    check_settings(replace(settings, C=None), known)  # C is of its linear layer, not of an optimizer that is named
    return settings


def check_data(settings: "Settings", data: Any) -> None:
    """Raise UserError for weights of images where the data are texts, and the other way round."""
    if settings.from_ is None:
        return
    from lingon.data.labelled_images import ImageSplits

    of_images, reads_images = isinstance(data, ImageSplits), settings.model in models_for("image-classifier")
    if of_images != reads_images:
        reads, holds = ("images", "texts") if reads_images else ("texts", "images")
        raise UserError(f"--from {settings.from_} reads {reads}, and {data.name!r} holds {holds}")


def filled(settings: "Settings", data: Any) -> "Settings":
    """Return the settings with what suits the model and the number of images in place of every None.

    data: `ImageSplits`. Few images get smaller batches and more epochs, so that they are learned from enough.
    """
    best, count = {**USUAL, **get_entry(settings.model).defaults}, len(data.train)
    best["batch_size"] = max(FEWEST_ROWS, min(best["batch_size"], count // 32))
    rows = settings.batch_size or best["batch_size"]
    best["epochs"] = epochs_for(best["epochs"], FEWEST_STEPS, rows, count)
    best["augment"] = data.source.get("augment", "flip,shift")
    if is_probe(settings.model):
        best |= {"augment": "none", "epochs": len(HEAD_PATH)}
    return fill(settings, best)


def is_probe(model: str) -> bool:
    """Return whether a model has a frozen part that is computed once, and only its linear layer is trained."""
    return model in models_for("image-classifier") and get_entry(model).load_frozen is not None


def _refuse_of_gradients(settings: "Settings") -> None:
    """Raise UserError for a setting that a linear layer on fixed vectors, which goes to an optimum, does not have."""
    augment = ["augment"] if settings.augment not in (None, "none") else []
    for name in (*gradient_settings(settings), *augment):
        raise UserError(
            f"--{name.replace('_', '-')} is {getattr(settings, name)}, which --model {settings.model} does not have: "
            "it reads each image once, and its linear layer goes to an optimum; leave it out"
        )
    if settings.C is not None and not 0 < settings.C < LARGEST:
        raise UserError(f"--C is {settings.C:g}; expected more than 0, such as 1")


def augments_of(given: str | None) -> tuple[str, ...]:
    """Return the parts of an augmentation, written as flip,shift; "none" is none. Raises UserError for other names."""
    if given in (None, "none"):
        return ()
    parts = tuple(part.strip() for part in str(given).split(","))
    for part in parts:
        if part not in AUGMENTS:
            raise unknown("augmentation", part, (*AUGMENTS, "none"))
    return parts
