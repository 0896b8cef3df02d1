"""Training an LSTM language model of the tutorial's sizes, against MXNet and against PyTorch's plain example."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.context import Context
from benchmarks.machine import THREADS
from benchmarks.measure import Pairs, paired
from benchmarks.result import Result, Row, speed
from benchmarks.training_speed import FAST
from benchmarks.worker import Worker

VOCAB, WIDTH, ROWS, CONTEXT, LR, CLIP, SAMPLES = 33_278, 200, 64, 35, 10.0, 0.25, 2048
STEPS, TEST = 4, 20_000  # steps of a turn; tokens of the test text
PLAIN = "PyTorch, all logits at once"


@dataclass(frozen=True)
class Way:
    """How our side computes. tolerance: of the mean losses of the first turn, which start from the same weights."""

    name: str
    samples: int = 0
    precision: str = "float32"
    tolerance: float = 2e-3


EXACT = Way("exact softmax of 33,278")


def compare(context: Context) -> Iterator[Result]:
    """One result: the exact and the sampled loss against PyTorch's example, and the exact one against MXNet."""
    data = _data(context)
    shared = data | {"vocab_size": VOCAB, "width": WIDTH, "rows": ROWS, "context": CONTEXT, "lr": LR, "clip": CLIP}
    rows, details, versions = [], {}, {}
    tokens = ROWS * CONTEXT * context.size(STEPS, 2)
    for way, peer, bar in (
        (EXACT, "lm_torch", 1.1),
        (Way("sampled softmax of 33,278", SAMPLES), "lm_torch", 2.5),
        (EXACT, "lm_mxnet", 2.5),
        (
            Way("exact softmax of 33,278, bfloat16 beside float32", precision="bfloat16", tolerance=1e-2),
            "lm_mxnet",
            2.5,
        ),
    ):
        row, detail = _one(way, peer, bar, shared, tokens, context, versions)
        rows.append(row)
        details[row.what + ", " + row.peers[0].name] = detail
    sizes = {name: value for name, value in shared.items() if name not in data}
    details["sizes"] = sizes | {"tokens": tokens, "samples": SAMPLES, "text": "film reviews, words"}
    yield Result("language-model", rows, details, versions)


def _one(
    way: Way,
    peer: str,
    bar: float,
    shared: dict[str, Any],
    tokens: int,
    context: Context,
    versions: dict[str, str],
) -> tuple[Row, dict[str, Any]]:
    other = Worker(peer, "mxnet", FAST) if peer == "lm_mxnet" else Worker(peer)
    with Worker("lm_lingon") as ours, other as theirs:
        mine = {"samples": way.samples, "precision": way.precision, "threads": THREADS, "seed": 0}
        ours.ask("start", shared | mine)
        answer = theirs.ask("start", shared if peer == "lm_mxnet" else shared | {"threads": THREADS})
        versions |= answer.get("versions", {})
        losses: dict[str, list[float]] = {"ours": [], "theirs": []}

        def turn(worker: Worker, kept: list[float]):
            def work() -> float:
                found = worker.ask("run")
                kept.append(found["loss"])
                return found["seconds"]

            return work

        pairs: Pairs = paired(
            turn(ours, losses["ours"]), turn(theirs, losses["theirs"]), context.pairs, context.warmups
        )
        apart = abs(losses["ours"][0] - losses["theirs"][0])
        if not way.samples and not apart < way.tolerance * losses["theirs"][0]:
            raise AssertionError(f"{way.name} against {peer}: first losses {losses} differ by {apart:.1e}")
        perplexity = ours.ask("test")["perplexity"]
    who = PLAIN if peer == "lm_torch" else f"MXNet {versions['mxnet']}"
    row = speed(f"training an LSTM language model, {way.name}", "tokens/s", tokens, pairs, who, bar)
    return row, {"losses": losses, "exact_test_perplexity_of_ours_afterwards": perplexity, "seconds": vars(pairs)}


def _data(context: Context) -> dict[str, str]:
    """Tokens of film reviews and first weights, as files that NumPy reads without pickle."""
    from benchmarks.reviews import imdb
    from lingon.data.tokenizers import words

    splits = imdb()
    tokenizer = words(splits.train.texts, max_size=VOCAB)
    length = ROWS * CONTEXT * context.size(STEPS, 2) + 1

    def some(texts: list[str], count: int) -> np.ndarray:
        flat: list[int] = []
        for text in texts:
            flat += [*tokenizer.encode(text), 0]
            if len(flat) >= count:
                break
        return np.array(flat[:count])

    random = np.random.default_rng(0)
    bound = 1 / math.sqrt(WIDTH)
    shapes = {"embedding.weight": (VOCAB, WIDTH), "output.weight": (VOCAB, WIDTH), "output.bias": (VOCAB,)}
    for layer in range(2):
        shapes |= {f"layers.{layer}.weight_{kind}_l0": (4 * WIDTH, WIDTH) for kind in ("ih", "hh")}
        shapes |= {f"layers.{layer}.bias_{kind}_l0": (4 * WIDTH,) for kind in ("ih", "hh")}
    weights = {name: random.uniform(-bound, bound, shape).astype(np.float32) for name, shape in shapes.items()}
    folder = Path(context.folder)
    np.savez(folder / "tokens.npz", train=some(splits.train.texts, length), test=some(splits.test.texts, TEST))
    np.savez(folder / "weights.npz", **weights)
    return {"tokens": str(folder / "tokens.npz"), "weights": str(folder / "weights.npz")}
