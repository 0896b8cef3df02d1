"""The settings that every task's training has; a task adds its own. They are flags, and keywords in Python."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from typer import Option

from lingon.core.errors import UserError, unknown
from lingon.engine.training_parts import AVERAGES, OPTIMIZERS, PRECISIONS, SCHEDULES
from lingon.models.registry import get_entry
from lingon.tasks.model_options import refuse_unused
from lingon.tasks.tuning_options import LORA_LAYERS, TUNINGS, check_tuning

if TYPE_CHECKING:
    from lingon.tasks.pretrained import Pretrained

T = TypeVar("T")
LARGEST = 1e12
FRACTIONS = {
    "dropout": (0, 1, False),
    "warmup": (0, 1, True),
    "lora_dropout": (0, 1, False),
}  # least, most, and whether that is included
ABOVE_ZERO = ("epochs", "lr", "max_grad_norm", "lora_alpha", "head_lr")
AT_LEAST_ONE = ("steps", "batch_size", "width", "accumulation_steps", "evals", "patience", "lora_rank")


@dataclass(frozen=True)
class TrainSettings:
    """Settings of a model and its training. None means the model's default (see its ENTRY)."""

    model: Annotated[str, Option(help="Model, by its name in the registry.")] = ""
    from_: Annotated[
        str | None,
        Option(
            "--from",
            help="Weights to start from: a published model by name, a folder with a bundle, a run or a checkpoint, "
            "or hf:owner/name. Default: random weights.",
        ),
    ] = None
    tuning: Annotated[
        str | None,
        Option(help=f"What to train of --from: {', '.join(TUNINGS)}. Default: full; frozen for few texts."),
    ] = None
    lora_rank: Annotated[int | None, Option(help="Rank of the matrices of --tuning lora. Default: 8.")] = None
    lora_alpha: Annotated[
        float | None, Option(help="Alpha of --tuning lora: the update is scaled by alpha / rank. Default: 16.")
    ] = None
    lora_dropout: Annotated[
        float | None, Option(help="Dropout of the inputs of the matrices of --tuning lora. Default: 0.")
    ] = None
    lora_layers: Annotated[
        str | None,
        Option(help=f"Layers of --tuning lora: names such as attention.out, or all-linear. Default: {LORA_LAYERS}."),
    ] = None
    quantize: Annotated[
        str | None,
        Option(help="Quantize the frozen weights under --tuning lora, to save memory: int8. Default: off."),
    ] = None
    layer_lr_decay: Annotated[
        float | None,
        Option(help="Layer-wise learning rate decay: factor from each layer to the one below. Default: 1."),
    ] = None
    head_lr: Annotated[
        float | None, Option(help="Peak learning rate of a new head on --from. Default: set by the task.")
    ] = None
    epochs: Annotated[float | None, Option(help="Passes over the training data. Default: set by the model.")] = None
    steps: Annotated[int | None, Option(help="Maximum number of optimizer steps. Default: no limit.")] = None
    lr: Annotated[float | None, Option(help="Peak learning rate. Default: set by the model.")] = None
    batch_size: Annotated[
        int | None, Option(help="Maximum number of examples per batch. Default: set by the model.")
    ] = None
    dropout: Annotated[float | None, Option(help="Dropout probability. Default: set by the model.")] = None
    width: Annotated[int | None, Option(help="Embedding dimension or hidden size. Default: set by the model.")] = None
    set: Annotated[
        list[str] | None, Option(help="Another option of the model, such as depth=2 or multichannel=true; repeatable.")
    ] = None
    weight_decay: Annotated[float | None, Option(help="Weight decay of matrices, not of biases and norms.")] = None
    optimizer: Annotated[str | None, Option(help=f"Optimizer: {', '.join(OPTIMIZERS)}. Default: set by the model.")] = (
        None
    )
    schedule: Annotated[str, Option(help=f"Learning rate after the warm-up: {', '.join(SCHEDULES)}.")] = "linear"
    warmup: Annotated[float, Option(help="Warm-up of the learning rate, as a fraction of all steps.")] = 0.05
    max_grad_norm: Annotated[float | None, Option(help="Maximum gradient norm (clipping). Default: no limit.")] = None
    accumulation_steps: Annotated[int, Option(help="Gradient accumulation: number of batches per optimizer step.")] = 1
    evals: Annotated[int, Option(help="Number of evaluations on the validation data during the run.")] = 8
    patience: Annotated[
        int | None, Option(help="Early stopping: number of evaluations without improvement. Default: off.")
    ] = None
    weight_average: Annotated[str, Option(help=f"Average of the weights over steps: {', '.join(AVERAGES)}.")] = "none"
    seed: Annotated[int, Option(help="Random seed.")] = 0
    device: Annotated[str, Option(help="Device: cpu, cuda, mps or auto.")] = "auto"
    precision: Annotated[str, Option(help="Mixed precision: float32 (off), bfloat16 or float16.")] = "float32"
    compile: Annotated[bool, Option("--compile", help="Compile the model with torch.compile.")] = False

    def checked(self) -> "TrainSettings":
        """Return the settings as they are. Raises UserError that names a setting with an impossible value."""
        return check_settings(self, {})

    def for_data(self, source: Any) -> "TrainSettings":
        """Return the settings for what a source holds, before they are checked.

        source: one of `lingon.recipes.data_settings`. Raises UserError for what the task does not take, or for a
        setting that this data has not.
        """
        if getattr(source, "holds_images", False):
            raise UserError(f"{source.data!r} holds images, and this task reads texts; try: lingon train classify")
        return self

    def started(self, pretrained: "Pretrained") -> "TrainSettings":
        """Return the settings for a training that starts from these weights: their model is that of the weights.

        Raises UserError for weights that the task cannot start from, and for settings that they have decided.
        """
        raise UserError(f"--from is {pretrained.name}, but this task starts with fresh weights; leave it out")

    def filled(self, data: Any) -> "TrainSettings":
        """Return the settings with every None replaced by the model's default. data: what is trained on."""
        return fill(self, get_entry(self.model).defaults)


def epochs_for(epochs: float, fewest_steps: int, batch_size: int, examples: int) -> float:
    """Return the epochs, or as many as it takes for so many steps, however few examples there are.

    >>> epochs_for(3, 300, 32, 9_600), epochs_for(3, 300, 32, 100)
    (3, 96)
    """
    return max(epochs, -(-fewest_steps * batch_size // max(1, examples)))


def check_settings(settings: Any, choices: Mapping[str, Iterable[str]], at_least_one: Iterable[str] = ()) -> Any:
    """Return the settings. Raises UserError that names one with an impossible value, or one that the model ignores.

    choices: the values that a setting may have, of those that only this task has. at_least_one: more whole numbers.
    """
    known = {
        **choices,
        "optimizer": OPTIMIZERS,
        "schedule": SCHEDULES,
        "weight_average": AVERAGES,
        "precision": PRECISIONS,
    }
    for name, values in known.items():
        if getattr(settings, name) not in (*values, None):
            raise unknown(name, getattr(settings, name), values)
    for name in (*AT_LEAST_ONE, *at_least_one):
        _check_range(settings, name, 1, "1 or more")
    for name in ABOVE_ZERO:
        value = getattr(settings, name)
        if value is not None and not 0 < value < LARGEST:
            raise _wrong(name, value, "more than 0")
    _check_range(settings, "weight_decay", 0, "0 or more")
    for name, (least, most, included) in FRACTIONS.items():
        value = getattr(settings, name)
        if value is not None and not (least <= value < most or (included and value == most)):
            end = "to 1" if included else "up to, not including, 1"
            raise _wrong(name, value, f"a fraction from 0 {end}")
    check_tuning(settings)
    if settings.from_ is None:  # else it is not known yet which model it is
        refuse_unused(settings)
    return settings


def fill(settings: Any, best: Mapping[str, Any]) -> Any:
    """Return the settings with the value of `best` in place of every None."""
    best = {"optimizer": get_entry(settings.model).optimizer, **best}
    missing = [f.name for f in fields(settings) if getattr(settings, f.name) is None]
    return replace(settings, **{name: best.get(name) for name in missing})


def filled_in(value: T | None) -> T:
    """Return a setting that has been filled in."""
    assert value is not None, "settings are filled in before a training is prepared"
    return value


def _check_range(settings: Any, name: str, least: int, expected: str) -> None:
    value = getattr(settings, name)
    if value is not None and not least <= value < LARGEST:
        raise _wrong(name, value, expected)


def _wrong(name: str, value: Any, expected: str) -> UserError:
    return UserError(f"--{name.replace('_', '-')} is {value}; expected {expected}")
