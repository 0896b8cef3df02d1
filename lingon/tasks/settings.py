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
    """Settings of a model and its training. None means: what suits the model (see its ENTRY)."""

    model: Annotated[str, Option(help="Model, by its name in the registry.")] = ""
    from_: Annotated[
        str | None,
        Option(
            "--from",
            help="Weights to start from: a published model by name, a folder with a bundle, a run or a checkpoint, "
            "or hf:owner/name. Fresh weights by default.",
        ),
    ] = None
    tuning: Annotated[
        str | None,
        Option(help=f"What of --from is trained: {', '.join(TUNINGS)}. By default full, or what suits few texts."),
    ] = None
    lora_rank: Annotated[int | None, Option(help="Rank of the matrices of --tuning lora. 8")] = None
    lora_alpha: Annotated[float | None, Option(help="Scale of --tuning lora, divided by the rank. 16")] = None
    lora_dropout: Annotated[float | None, Option(help="Dropout of what the matrices of --tuning lora read. 0")] = None
    lora_layers: Annotated[
        str | None,
        Option(help=f"Layers of --tuning lora, as attention.out,feed_forward.up, or all-linear. {LORA_LAYERS}"),
    ] = None
    quantize: Annotated[
        str | None,
        Option(help="Keep the frozen weights under --tuning lora in 8 bits, to save memory: int8. Off by default."),
    ] = None
    layer_lr_decay: Annotated[
        float | None, Option(help="Factor of the learning rate from each layer to the one below, as 0.9. 1")
    ] = None
    head_lr: Annotated[
        float | None, Option(help="Peak learning rate of a new head on --from; the task's own by default.")
    ] = None
    epochs: Annotated[float | None, Option(help="Passes over the training data; the model's own by default.")] = None
    steps: Annotated[int | None, Option(help="Optimizer steps at most; no limit by default.")] = None
    lr: Annotated[float | None, Option(help="Peak learning rate; the model's own by default.")] = None
    batch_size: Annotated[int | None, Option(help="Examples in a batch at most; the model's own by default.")] = None
    dropout: Annotated[float | None, Option(help="Dropout probability; the model's own by default.")] = None
    width: Annotated[int | None, Option(help="Embedding dimension or hidden size; the model's own by default.")] = None
    set: Annotated[
        list[str] | None, Option(help="Another option of the model, as depth=2 or multichannel=true; repeat for more.")
    ] = None
    weight_decay: Annotated[float | None, Option(help="Weight decay of matrices, not of biases and norms.")] = None
    optimizer: Annotated[
        str | None, Option(help=f"Optimizer: {', '.join(OPTIMIZERS)}; the model's own by default.")
    ] = None
    schedule: Annotated[str, Option(help=f"Learning rate after the warm-up: {', '.join(SCHEDULES)}.")] = "linear"
    warmup: Annotated[float, Option(help="Warm-up of the learning rate, as a fraction of all steps.")] = 0.05
    max_grad_norm: Annotated[
        float | None, Option(help="Maximum gradient norm; a longer gradient is scaled to it. No limit by default.")
    ] = None
    accumulation_steps: Annotated[int, Option(help="Batches whose gradients are summed for one step.")] = 1
    evals: Annotated[int, Option(help="Evaluations on the validation data, over the whole run.")] = 8
    patience: Annotated[int | None, Option(help="Early stopping: evaluations without a new best. Off by default.")] = (
        None
    )
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
        """Return the settings with what suits the model in the place of every None. data: what is trained on."""
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
    """Return the settings with the value of `best` in the place of every None."""
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
