"""Tokens per second in the training of a translator, against plain PyTorch and against JoeyNMT."""

from collections.abc import Iterator
from typing import Any

from benchmarks.context import Context
from benchmarks.machine import THREADS
from benchmarks.measure import paired
from benchmarks.result import Result, Row, speed
from benchmarks.worker import Worker, exchange
from lingon.core.seed import derive
from lingon.data.load_parallel import load_parallel_splits
from lingon.data.tokenizers import bpe
from lingon.tasks.translate.vocabularies import with_end

CORPUS, VOCAB, MAX_TOKENS, BAR = "tatoeba-de", 8_192, 4_096, 1.5
SIZES: dict[str, Any] = {"width": 256, "depth": 3, "heads": 4, "ffn_width": 1024, "dropout": 0.1}
SHARED: dict[str, Any] = {"max_tokens": MAX_TOKENS, "lr": 1e-3, "label_smoothing": 0.1, "threads": THREADS}
# The worker of a peer, and the environment that it runs in; None is ours.
PEERS = {"torch": ("pairs_torch", None), "joeynmt": ("pairs_joeynmt", "joeynmt")}


def compare(context: Context) -> Iterator[Result]:
    """One result per peer. All train a Transformer of these sizes on the same ids, with label smoothing and Adam.

    The peers' batches are shuffled pairs, padded, under a budget of tokens, as JoeyNMT makes them; ours have pairs of
    like lengths. Ours is timed in float32, as the peers are, and in bfloat16.
    """
    wanted = [peer for peer in PEERS if context.wants(named(peer))]
    pairs = _encoded(context.size(6_000, 300)) if wanted else {}
    for peer in wanted:
        yield _against(peer, exchange(context.folder, "pairs", pairs), pairs, context)


def named(peer: str) -> str:
    """The name of a peer's result."""
    return f"seq2seq-training-{peer}"


def _encoded(count: int) -> dict[str, Any]:
    """So many training pairs, always the same, as ids that end with the end token."""
    train = load_parallel_splits(CORPUS).train
    order = sorted(range(len(train)), key=lambda i: derive(0, "seq2seq training", i))[:count]
    tokenizer = with_end(bpe([*train.sources, *train.targets], VOCAB - 1))
    sides = {"sources": train.sources, "targets": train.targets}
    ids = {name: tokenizer.encode_batch([texts[i] for i in order]) for name, texts in sides.items()}
    return ids | {"vocab_size": len(tokenizer.vocab), "pad": tokenizer.pad_id, "end": ids["targets"][0][-1]}


def _against(peer: str, data: str, pairs: dict[str, Any], context: Context) -> Result:
    program, environment = PEERS[peer]
    tokens = sum(map(len, pairs["sources"])) + sum(map(len, pairs["targets"]))
    rows, details = list[Row](), _details(pairs, tokens)
    with Worker("pairs_lingon") as ours, Worker(program, environment) as theirs:
        mine = ours.ask("start", SHARED | {"data": data, "sizes": SIZES})
        yours = theirs.ask("start", SHARED | {"data": data, "sizes": SIZES})
        if peer == "torch" and mine["weights"] != yours["weights"]:
            raise AssertionError(f"{mine['weights']:,} weights here, {yours['weights']:,} there")
        details["weights"] = {"ours": mine["weights"], "theirs": yours["weights"]}
        for precision in ("float32", "bfloat16"):
            turns: dict[str, list[dict]] = {"ours": [], "theirs": []}
            work = {"precision": precision}
            timed = paired(
                _turn(ours, turns["ours"], work), _turn(theirs, turns["theirs"], {}), context.pairs, context.warmups
            )
            name = f"{peer} {yours['versions'][peer]}, float32"
            rows.append(speed(f"training a translator, {precision}", "tokens/s", tokens, timed, name, BAR))
            details[precision] = turns
    return Result(named(peer), rows, details, yours["versions"])


def _turn(worker: Worker, kept: list[dict], arguments: dict[str, Any]):
    """A turn: one pass over all pairs."""

    def turn() -> float:
        kept.append(worker.ask("run", arguments))
        return kept[-1]["seconds"]

    return turn


def _details(pairs: dict[str, Any], tokens: int) -> dict[str, Any]:
    return {
        "timed": "one pass over the pairs, from ids to updated weights, batches made inside; tokens without padding",
        "corpus": CORPUS,
        "pairs": len(pairs["sources"]),
        "tokens": tokens,
        "vocab_size": pairs["vocab_size"],
        "sizes": SIZES,
        "settings": SHARED,
    }
