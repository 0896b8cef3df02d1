"""The settings of the tuning of a chat model."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any

from typer import Option

from lingon.core.errors import UserError
from lingon.models.registry import get_entry, models_for
from lingon.tasks.settings import TrainSettings, check_settings, fill
from lingon.tasks.tuning_options import require_tuning

if TYPE_CHECKING:
    from lingon.tasks.pretrained import Pretrained

TUNINGS = ("full", "lora")
SHORTEST = 8  # tokens of a conversation
DEFAULTS: dict[str, Any] = {"epochs": 3, "batch_size": 8, "weight_decay": 0.0}
DPO_SLOWER = 0.1  # preferences take smaller steps than answers


class UsualRate(float):
    """A learning rate that was not given, but follows from the weights; it may follow from the data as well."""


@dataclass(frozen=True)
class Settings(TrainSettings):
    """Settings of a chat model and its tuning. None means its default."""

    model: Annotated[str, Option(hidden=True)] = "gpt"  # that of --from
    batch_size: Annotated[int | None, Option(help="Maximum number of conversations per batch. Default: 8.")] = None
    max_tokens_per_batch: Annotated[int, Option(help="Maximum tokens per batch, padding included.")] = 8_192
    max_length: Annotated[
        int | None,
        Option(help="Maximum tokens per conversation (longer ones are truncated). Default: the context, up to 1024."),
    ] = None
    beta: Annotated[
        float | None, Option(help="Beta of DPO: how strongly to stay close to the reference model. Default: 0.1.")
    ] = None
    schedule: Annotated[str, TrainSettings.__annotations__["schedule"].__metadata__[0]] = "cosine"
    evals: Annotated[int, Option(help="Number of evaluations on the validation data during the run.")] = 3
    max_grad_norm: Annotated[float | None, Option(help="Maximum gradient norm (clipping).")] = 1.0
    gradient_checkpointing: Annotated[
        bool, Option("--gradient-checkpointing", help="Recompute activations in the backward pass, to save memory.")
    ] = False

    def checked(self) -> "Settings":
        """Return the settings as they are. Raises UserError that names a setting with an impossible value."""
        check_settings(self, {"model": models_for("causal")}, ("max_tokens_per_batch",))
        if self.from_ is None:
            raise UserError("--from is missing: the language model to tune, such as a checkpoint or hf:owner/name")
        require_tuning(self, TUNINGS, "which is for an encoder with a head")
        if self.max_length is not None and self.max_length < SHORTEST:
            raise UserError(f"--max-length is {self.max_length}; expected {SHORTEST} or more")
        if self.beta is not None and not 0 < self.beta < 1e3:
            raise UserError(f"--beta is {self.beta}; expected more than 0, such as 0.1")
        return self

    def started(self, pretrained: "Pretrained") -> "Settings":
        """Return the settings for a tuning that starts from these weights; see `TrainSettings.started`."""
        from lingon.tasks.chat.from_weights import started

        return started(self, pretrained)

    def filled(self, data: Any = None) -> "Settings":
        """Return the settings with every None replaced by a default for the data.

        data: preferences take smaller steps, once through, and have a beta. Raises UserError for a beta without them.
        """
        best = {**DEFAULTS, "optimizer": get_entry(self.model).optimizer}
        found = self
        if data is not None and data.preferences:
            best |= {"beta": 0.1, "epochs": 1}
            if isinstance(self.lr, UsualRate):
                found = replace(self, lr=float(self.lr) * DPO_SLOWER)
        elif self.beta is not None:
            raise UserError(
                f"--beta is {self.beta}, which applies only to preferences (chosen, rejected); leave it out"
            )
        if self.steps is not None:
            best["epochs"] = None
        return fill(found, best)
