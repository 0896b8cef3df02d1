"""The settings of a tagger's training."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from typer import Option

from lingon.core.errors import UserError, unknown
from lingon.models.registry import get_entry, models_for
from lingon.tasks.settings import TrainSettings, check_settings, epochs_for, fill
from lingon.tasks.tag.metric_names import ALL_METRICS, metrics_for
from lingon.tasks.tag.tag_names import names_of

if TYPE_CHECKING:
    from lingon.tasks.pretrained import Pretrained

USUAL = {"max_tokens_per_batch": 8_192, "vocab": 20_000, "crf": False, "refit": False, "max_length": 512}
# Of a head on pretrained weights, chosen on validation sentences of EWT; a fresh head learns faster than these.
FINE_TUNING = {"lr": 2e-4, "head_lr": 2e-3, "epochs": 3, "batch_size": 32, "weight_decay": 0.01, "max_grad_norm": 1.0}
FROZEN = {"lr": 3e-3, "head_lr": 3e-3, "epochs": 8}
FEWEST_STEPS = 300  # at least, however few sentences there are


@dataclass(frozen=True)
class Settings(TrainSettings):
    """How a tagger is made and trained. None means the model's default (see its ENTRY)."""

    model: Annotated[str, Option(help="Model: " + " or ".join(models_for("tagger")) + ".")] = "bilstm_crf"
    crf: Annotated[
        bool | None,
        Option(
            "--crf/--no-crf",
            help="Predict the tags of a sentence jointly, with a CRF. Default: only for bilstm_crf.",
        ),
    ] = None
    characters: Annotated[
        bool | None,
        Option(
            "--characters/--no-characters",
            help="Read the characters of words in addition to an encoder. Default: if its tokenizer lower-cases.",
        ),
    ] = None
    max_tokens_per_batch: Annotated[
        int | None, Option(help="Maximum tokens per batch, padding included. Default: 8192.")
    ] = None
    max_length: Annotated[
        int | None, Option(help="Maximum tokens per window; longer sentences use several windows. Default: 512.")
    ] = None
    vocab: Annotated[
        int | None, Option(help="Maximum vocabulary size; for bilstm_crf, including the words of --vectors.")
    ] = None
    vectors: Annotated[
        str | None, Option(help="Pretrained word vectors of bilstm_crf: glove-6b-50d, or a file of word vectors.")
    ] = None
    freeze: Annotated[bool, Option("--freeze", help="Do not train the pretrained word vectors.")] = False
    metric: Annotated[
        str | None,
        Option(
            help=f"Validation metric that selects the best weights: {', '.join(ALL_METRICS)}. By default f1 of spans, "
            "accuracy of other tags, and sentence_accuracy with labels of sentences."
        ),
    ] = None
    refit: Annotated[
        bool | None,
        Option("--refit/--no-refit", help="After validation, train again on training and validation data together."),
    ] = None
    warmup: Annotated[float, Option(help="Warm-up of the learning rate, as a fraction of all steps.")] = 0.1
    evals: Annotated[int, Option(help="Number of evaluations on the validation data during the run.")] = 6

    def checked(self) -> "Settings":
        """Return the settings as they are. Raises UserError that names a setting with an impossible value."""
        choices = {"model": models_for("tagger"), "metric": ALL_METRICS}
        check_settings(self, choices, ("max_tokens_per_batch", "max_length", "vocab"))
        if self.tuning == "contrastive":
            raise UserError(
                "--tuning is contrastive, which is for classifiers; choose full, frozen, lora or head-first"
            )
        if self.characters is not None and self.from_ is None:
            raise UserError("--characters counts with --from an encoder; --set channels=0 is for other models")
        if self.vectors is not None and self.model != "bilstm_crf":
            raise UserError(f"--vectors: the model {self.model!r} reads pieces of words; choose --model bilstm_crf")
        return self

    def started(self, pretrained: "Pretrained") -> "Settings":
        """Return the settings for a training that starts from these weights; see `TrainSettings.started`."""
        from lingon.tasks.tag.from_weights import started

        return started(self, pretrained)

    def filled(self, data: Any) -> "Settings":
        """Return the settings with every None replaced by a default for the model and the number of sentences.

        data: `TaggedSplits`. Raises UserError for a metric that these tags do not have, and for a single tag.
        """
        _, labels = names_of(data.train)
        metrics = metrics_for(data.train.is_spans, bool(labels))
        if self.metric not in (None, *metrics):
            raise unknown("metric of these tags", str(self.metric), metrics)
        best: dict[str, Any] = {**USUAL, **get_entry(self.model).defaults, "metric": metrics[0]}
        if self.from_ is not None:
            best |= self._fine_tuning()
        rows = self.batch_size or best["batch_size"]
        best["epochs"] = epochs_for(best["epochs"], FEWEST_STEPS, rows, len(data.train))
        return fill(self, best)

    def _fine_tuning(self) -> dict[str, Any]:
        if self.model == "bilstm_crf":
            return {"lr": 5e-4, "epochs": 4}
        found: dict[str, Any] = dict(FINE_TUNING) | (FROZEN if self.tuning == "frozen" else {})
        if self.tuning == "lora":
            found["lr"] = 5e-4
        if self.lr is not None:  # the head is as much faster as by default
            found["head_lr"] = self.lr * found["head_lr"] / found["lr"]
        return found
