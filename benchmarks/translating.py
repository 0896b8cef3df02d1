"""Translation: sentences a second by a beam search, beside `generate` of transformers and CTranslate2.

All have the same random weights of Marian's shape, and the end token never comes, so that every engine writes as many
tokens for each sentence. What they write is compared before anything is timed.
"""

from collections.abc import Iterator
from typing import Any

import torch

from benchmarks.context import Context
from benchmarks.machine import THREADS
from benchmarks.measure import paired
from benchmarks.result import Result, Row, speed
from benchmarks.worker import Worker, exchange
from lingon.checkpoints.huggingface.save import save_hub
from lingon.core.errors import UserError
from lingon.models.bart import marian
from lingon.models.config_sizes import ConfigReader

BEAMS, NEW, VOCABULARY = 4, 24, 58_101  # tokens of a translation, and of OPUS-MT's vocabulary
PAD, EOS, SHORTEST, LONGEST = VOCABULARY - 1, 0, 5, 40
SHAPE = {"d_model": 512, "layers": 6, "heads": 8, "ffn_dim": 2048}  # of OPUS-MT
TINY = {"d_model": 32, "layers": 1, "heads": 2, "ffn_dim": 64}
SENTENCES = 100  # a run of an engine takes half a minute or more on two cores, and there are seven for each of eight
SAME = 0.99  # share of tokens that two engines of 32 bits have to agree on, for their speeds to mean anything
# Our precision, the peer with its own, and our bar. Of products of fewer bits a random model says other tokens soon.
CASES = (
    ("float32", "transformers", "float32", 2.0),
    ("float32", "ctranslate2", "float32", None),
    ("bfloat16", "transformers", "float32", None),
    ("int8", "ctranslate2", "int8", None),
)


def compare(context: Context) -> Iterator[Result]:
    """Yield the result after each engine beside ours: a row for each."""
    folder = str(save_hub(_model(TINY if context.quick else SHAPE), context.folder / "marian"))
    sources = _sources(context.size(SENTENCES, 8))
    given = {"sources": exchange(context.folder, "sources", sources), "beams": BEAMS, "new": NEW}
    rows: list[Row] = []
    details: dict[str, Any] = {"sentences": len(sources), "beams": BEAMS, "new_tokens": NEW, "weights": "random"}
    versions: dict[str, str] = {}
    with Worker("lingon_translate") as ours:
        ours.ask("start", {"folder": folder, "threads": THREADS})
        for precision, peer, weights, bar in CASES:
            mine, name = given | {"precision": precision}, f"{peer}, {weights}"
            with _engine(peer) as theirs:
                started = theirs.ask("start", {"folder": folder, "threads": THREADS} | _weights(context, peer, weights))
                versions |= started["versions"]
                same = agreement(ours.ask("run", mine)["ids"], theirs.ask("run", given)["ids"])
                if precision == weights == "float32" and same < SAME:
                    raise UserError(f"{name}: only {same:.1%} of the tokens are the same; speed would mean nothing")
                turns = paired(
                    lambda mine=mine: ours.seconds("run", mine),
                    lambda theirs=theirs: theirs.seconds("run", given),
                    context.pairs,
                    context.warmups,
                )
            details[f"{precision} beside {name}"] = {"agreement": same, "ours": turns.ours, "theirs": turns.theirs}
            what = f"translation in {precision}, {BEAMS} beams, Marian's shape, beside {name}"
            rows.append(
                speed(
                    f"{what} ({100 * same:.0f} % of the tokens the same)", "sentences/s", len(sources), turns, name, bar
                )
            )
            yield Result("translating", list(rows), dict(details), dict(versions))


def agreement(mine: list[list[int]], yours: list[list[int]]) -> float:
    """Return the share of tokens that are the same, up to the first that differs in each text.

    >>> agreement([[1, 2], [3, 4]], [[1, 2], [3, 5]])
    0.75
    """
    same = 0
    for a, b in zip(mine, yours, strict=True):
        same += next((i for i, (x, y) in enumerate(zip(a, b, strict=True)) if x != y), len(b))
    return same / sum(map(len, yours))


def _engine(peer: str) -> Worker:
    """CTranslate2's folder is written by us where it is installed, so that its worker reads Lingon too."""
    if peer == "ctranslate2":
        from benchmarks.environments import ROOT

        return Worker("ctranslate2_translate", peer, {"PYTHONPATH": str(ROOT)})
    return Worker("transformers_translate", peer)


def _weights(context: Context, peer: str, weights: str) -> dict[str, str]:
    ours = peer == "transformers"  # its weights are those of the folder
    return {} if ours else {"weights": weights, "out": str(context.folder / f"ctranslate2-{weights}")}


def _model(shape: dict[str, int]) -> torch.nn.Module:
    torch.manual_seed(0)
    sides = {f"{side}_{name}": shape[key] for side in ("encoder", "decoder")
             for name, key in (("layers", "layers"), ("attention_heads", "heads"), ("ffn_dim", "ffn_dim"))}  # fmt: skip
    sizes = {"model_type": "marian", "vocab_size": VOCABULARY, "d_model": shape["d_model"], **sides}
    sizes |= {"max_position_embeddings": 512, "activation_function": "swish", "scale_embedding": True}
    sizes |= {
        "pad_token_id": PAD,
        "eos_token_id": EOS,
        "decoder_start_token_id": PAD,
        "static_position_embeddings": True,
    }
    model: Any = marian(ConfigReader(sizes, "marian"))
    with torch.no_grad():
        model.output_bias[0, EOS] = -100.0  # never comes
    return model


def _sources(count: int) -> list[list[int]]:
    """Sentences of many lengths, each with the end token."""
    dice = torch.Generator().manual_seed(0)
    lengths = torch.randint(SHORTEST, LONGEST, (count,), generator=dice).tolist()
    return [[*torch.randint(1, PAD, (length,), generator=dice).tolist(), EOS] for length in lengths]
