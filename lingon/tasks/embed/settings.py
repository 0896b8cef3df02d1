"""The settings of an encoder's training on pairs of texts."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any

from typer import Option

from lingon.core.errors import UserError, unknown
from lingon.data.examples import Splits
from lingon.data.text_pairs import PairSplits, ScoredPairs
from lingon.tasks.settings import TrainSettings, check_settings, epochs_for, fill

if TYPE_CHECKING:
    from lingon.tasks.pretrained import Pretrained

# Losses by the kind of data that they learn from; the first is the default.
LOSSES = {
    "scored pairs": ("cosent", "cosine-mse"),
    "pairs": ("in-batch-negatives",),
    "labelled texts": ("supervised-contrastive",),
}
ALL_LOSSES = [loss for losses in LOSSES.values() for loss in losses]
TEMPERATURES = {"cosent": 0.05, "in-batch-negatives": 0.05, "supervised-contrastive": 0.1}
POOLING_NAMES = ("mean", "cls", "max")
# What is usual for small encoders; not chosen on validation pairs yet (docs/log.md).
USUAL = {"lr": 5e-5, "weight_decay": 0.01, "batch_size": 64, "epochs": 3}
SCORED = {"batch_size": 32, "epochs": 4}
FEWEST_STEPS = 200


@dataclass(frozen=True)
class Settings(TrainSettings):
    """Settings of an encoder's training. None means a default for the data."""

    model: Annotated[str, Option(help="Determined by --from; do not set it.")] = "encoder"
    loss: Annotated[
        str | None,
        Option(
            help="Loss. Of pairs with scores: cosent (by their order; default) or cosine-mse (CosineSimilarityLoss). "
            "Of pairs without: in-batch-negatives (InfoNCE, MultipleNegativesRankingLoss). Of labels: "
            "supervised-contrastive."
        ),
    ] = None
    temperature: Annotated[
        float | None,
        Option(help="Divisor of cosines (1 / scale of sentence-transformers). Default: 0.05; for labels 0.1."),
    ] = None
    matryoshka_dims: Annotated[
        str | None,
        Option(help="Dimensions that vectors may be truncated to, such as 384,256,128,64. Default: full only."),
    ] = None
    pooling: Annotated[
        str | None, Option(help=f"Pooling of token vectors: {', '.join(POOLING_NAMES)}. Default: that of --from.")
    ] = None
    max_length: Annotated[
        int | None, Option(help="Maximum tokens per text; longer texts are truncated. Default: that of --from.")
    ] = None
    hard_negatives: Annotated[int, Option(help="Maximum number of hard negatives used per pair.")] = 4
    batch_size: Annotated[int | None, Option(help="Pairs per batch. Default: 64; with scores 32.")] = None

    def checked(self) -> "Settings":
        """Return the settings as they are. Raises UserError that names a setting with an impossible value."""
        if self.from_ is None:
            raise UserError(
                "an encoder of texts is trained from weights: give --from, such as --from minilm-l6, or the folder of "
                "a run of masked-language-model"
            )
        if self.temperature is not None and not 0 < self.temperature < 100:
            raise UserError(f"--temperature is {self.temperature:g}; expected more than 0, such as 0.05")
        self.widths()
        choices = {"loss": ALL_LOSSES, "pooling": POOLING_NAMES}
        return check_settings(self, choices, ("max_length", "hard_negatives"))

    def widths(self) -> list[int]:
        """Return the widths of --matryoshka-dims, largest first; none where there are none.

        Raises UserError for anything that is not a list of whole numbers.
        """
        if self.matryoshka_dims is None:
            return []
        parts = [part.strip() for part in self.matryoshka_dims.split(",")]
        if not all(part.isascii() and part.isdigit() and int(part) for part in parts) or len(set(parts)) < len(parts):
            raise UserError(
                f"--matryoshka-dims is {self.matryoshka_dims!r}; expected whole numbers, each once, as 384,256,128,64"
            )
        return sorted(map(int, parts), reverse=True)

    def started(self, pretrained: "Pretrained") -> "Settings":
        """Return the settings for a training that starts from these weights; see `TrainSettings.started`."""
        from lingon.tasks.embed.from_weights import started

        return started(self, pretrained)

    def filled(self, data: Any) -> "Settings":
        """Return the settings with every None replaced by a default for the data.

        data: `PairSplits` or, of texts with labels, `Splits`. Raises UserError for a loss of other data, and for scores
        that are all the same.
        """
        kind = kind_of(data)
        loss = self.loss or LOSSES[kind][0]
        if loss not in LOSSES[kind]:
            raise unknown(f"loss for {kind}", loss, LOSSES[kind])
        if loss == "cosine-mse" and self.temperature is not None:
            raise UserError(
                f"--temperature is {self.temperature:g}, which --loss cosine-mse does not have; leave it out"
            )
        if kind == "scored pairs" and len(set(data.train.scores)) < 2:
            raise UserError(
                f"all pairs of {data.name} have the score {data.train.scores[0]:g}; there is no order to learn"
            )
        best = USUAL | (SCORED if kind == "scored pairs" else {})
        rows = self.batch_size or int(best["batch_size"])
        best["epochs"] = epochs_for(best["epochs"], FEWEST_STEPS, rows, len(data.train))
        if self.steps is not None:
            best.pop("epochs")
        return fill(replace(self, loss=loss), best | {"temperature": TEMPERATURES.get(loss)})


def kind_of(data: Any) -> str:
    """Return what kind of data is trained on, a key of LOSSES. Raises UserError for labels that cannot be compared."""
    if isinstance(data, PairSplits):
        return "scored pairs" if isinstance(data.train, ScoredPairs) else "pairs"
    assert isinstance(data, Splits)
    if data.problem_type != "single-label":
        raise UserError(f"the labels of {data.name} are {data.problem_type}; texts are compared by one label each")
    return "labelled texts"
