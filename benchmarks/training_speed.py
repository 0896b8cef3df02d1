"""Reviews per second in training, against MXNet doing it the way of the 2019 tutorial."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from benchmarks.context import Context
from benchmarks.machine import THREADS
from benchmarks.measure import Pairs, paired
from benchmarks.result import Result, speed
from benchmarks.reviews import VOCAB, encoded, imdb, mean_length, sample, tokenizer_of
from benchmarks.worker import Worker, exchange

LENGTH, ROWS, LR, PENALTY = 500, 64, 1e-3, 0.01
MORE = 4  # times as many reviews in a turn of ours
SIZES: dict[str, dict[str, Any]] = {
    "textcnn": {"width": 100, "kernels": [3, 4, 5], "channels": 100, "dropout": 0.5},
    "bilstm": {"width": 100, "hidden": 100, "depth": 2, "dropout": 0.5},
    "self_attentive": {"width": 100, "hidden": 100, "attention": 50, "hops": 2, "dropout": 0.5},
}
# bfloat16 counts where the benchmark `quality` finds it as accurate as float32.
BARS = {"textcnn": 6, "bilstm": 2, "self_attentive": 2}
PRECISIONS = ("float32", "bfloat16")
# What MXNet's own pages recommend for training on a CPU.
FAST = {"KMP_AFFINITY": "granularity=fine,noduplicates,compact,1,0", "MXNET_USE_MKLDNN_RNN": "1"}


def compare(context: Context) -> Iterator[Result]:
    """One result per model. Both train on the same ids, in batches of 64 reviews cut to 500 tokens, with Adam.

    MXNet trains in float32; ours in float32, and in bfloat16 beside it.
    A turn of ours is four times as many reviews, so that turns take about as long. Padded to 500, a review costs
    MXNet the same whichever it is; ours needs many reviews to show how well their lengths go together.
    """
    train = imdb().train
    tokenizer = tokenizer_of(train)
    reviews = encoded(tokenizer, sample(train, MORE * context.size(512, 128), "training speed"), LENGTH)
    for model in (m for m in SIZES if context.wants(named(m))):
        yield _one(model, reviews, len(tokenizer.vocab), context)


def named(model: str) -> str:
    """The name of a model's result."""
    return f"training-{model.replace('_', '-')}"


def _one(model: str, reviews: dict[str, Any], vocab_size: int, context: Context) -> Result:
    few = {key: values[: len(values) // MORE] for key, values in reviews.items()}
    data = {"ours": exchange(context.folder, "ours", reviews), "theirs": exchange(context.folder, "theirs", few)}
    shared = {"model": model, "rows": ROWS, "length": LENGTH, "lr": LR, "seed": 0}
    sizes = SIZES[model] | {"vocab_size": vocab_size}
    weighted = {"penalty_weight": PENALTY} if model == "self_attentive" else {}
    with Worker("lingon_train") as ours, Worker("mxnet_train", "mxnet", FAST) as theirs:
        own = {"data": data["ours"], "sizes": sizes | weighted | {"classes": 2}, "threads": THREADS}
        mine = ours.ask("start", shared | own)
        peer = theirs.ask("start", shared | {"data": data["theirs"], "sizes": sizes, "penalty_weight": PENALTY})
        if mine["weights"] != peer["weights"]:
            raise AssertionError(f"{model}: {mine['weights']:,} weights here, {peer['weights']:,} there")
        counts = {"ours": len(reviews["ids"]), "theirs": len(few["ids"])}
        timed = {precision: Timed() for precision in PRECISIONS}
        for precision, one in timed.items():
            one.pairs = paired(
                _turn(ours, one.ours, counts["ours"], {"precision": precision}),
                _turn(theirs, one.theirs, counts["theirs"], {}),
                context.pairs,
                context.warmups,
            )
    return _result(model, timed, counts, peer, mean_length(reviews["ids"]), mine["weights"])


@dataclass
class Timed:
    """What the turns of one precision answered, and their seconds for a review."""

    ours: list[dict] = field(default_factory=list)
    theirs: list[dict] = field(default_factory=list)
    pairs: Pairs = field(default_factory=lambda: Pairs([], []))


def _turn(worker: Worker, kept: list[dict], reviews: int, arguments: dict[str, Any]):
    """A turn; the seconds are those of one review, since the sides do not train on equally many."""

    def turn() -> float:
        kept.append(worker.ask("run", arguments))
        return kept[-1]["seconds"] / reviews

    return turn


def _result(
    model: str,
    timed: Mapping[str, Timed],
    counts: dict[str, int],
    peer: dict[str, Any],
    length: float,
    weights: int,
) -> Result:
    name = model.replace("_", "-")
    by_precision = {
        precision: {
            "losses": {"ours": [turn["loss"] for turn in one.ours], "theirs": [turn["loss"] for turn in one.theirs]},
            "seconds_per_review": {"ours": one.pairs.ours, "theirs": one.pairs.theirs},
        }
        for precision, one in timed.items()
    }
    details = {
        "timed": "one pass over the reviews, from ids to updated weights, batches made inside",
        "reviews": counts,
        "mean_length": length,
        "cut_at": LENGTH,
        "batch": ROWS,
        "vocab_size": VOCAB,
        "sizes": SIZES[model],
        "weights": weights,
        "mxnet": {"padded_to": LENGTH, "hybridized": "static", "oneDNN": peer["oneDNN"], "environment": FAST},
        "padding_of_ours": timed["float32"].ours[-1]["padding"],
        "by_precision": by_precision,
    }
    peer_name = f"MXNet {peer['versions']['mxnet']}, float32, padded to {LENGTH}"
    rows = [
        speed(f"training {name} on film reviews, {precision}", "reviews/s", 1, one.pairs, peer_name, BARS[model])
        for precision, one in timed.items()
    ]
    return Result(named(model), rows, details, peer["versions"])
