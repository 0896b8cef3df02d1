"""transformers in an environment of its own, and ten thousand strings to compare tokenizers on."""

import json
import random
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from benchmarks.environments import python_of
from benchmarks.worker import Worker
from lingon.core.errors import FetchError
from lingon.data.corpora import load_text

SAME = {"model_type": "bpe", "vocab_size": 2000, "byte_fallback": True, "normalization_rule_name": "identity"}
SAME |= {"remove_extra_whitespaces": False, "unk_id": 0, "bos_id": 1, "eos_id": 2}
# How SentencePiece is trained for two families.
PIECES = {
    "gemma3": SAME
    | {"add_dummy_prefix": False, "split_digits": True, "user_defined_symbols": ["\n", "\n\n", "<table>"]},
    "llama": SAME | {"add_dummy_prefix": True, "split_digits": True},
}
ODD = "aZ09 \t\n\r.,'\u2581éß中文हिन्दी🙂🇫🇷\u0301\u200d\ufeff<>"


@pytest.fixture(scope="module")
def peer():
    """transformers, of checkpoints."""
    yield from worker_of("checkpoints", "transformers")


@pytest.fixture(scope="module")
def gguf_peer():
    """transformers with what it reads GGUF files by."""
    yield from worker_of("checkpoints", "transformers-gguf")


def worker_of(program: str, environment: str) -> Iterator[Worker]:
    """Yield a program of `benchmarks/workers` in a peer's environment; skip where that cannot be made."""
    try:
        python_of(environment)
    except FetchError as error:
        pytest.skip(f"the environment of {environment} cannot be made here: {error}")
    with Worker(program, environment) as worker:
        yield worker


@pytest.fixture(scope="module")
def texts(tmp_path_factory):
    """A JSON file of 10,000 strings."""
    path = tmp_path_factory.mktemp("texts") / "texts.json"
    path.write_text(json.dumps(strings()), encoding="utf-8")
    return path


def strings(count: int = 10_000) -> list[str]:
    """Pieces of real text in three languages, and characters of all kinds."""
    draw = random.Random(0)
    texts = [" ".join(load_text(name, "test")) for name in ("wiki", "wiki-fr", "wiki-es")]
    found = [
        "",
        " ",
        "  a",
        "\n\n",
        "a\n\n\nb  c   d",
        "x" * 300,
        " " * 70,
        "\u2581\u2581",
        "e\u0301 ﬁ ½",
        "<table> </h1>",
    ]
    while len(found) < count:
        text = draw.choice(texts)
        at = draw.randrange(len(text))
        real = text[at : at + draw.randrange(1, 200)]
        found.append(real if len(found) % 3 else "".join(draw.choices(ODD, k=draw.randrange(1, 40))))
    return found


def assert_same(ours: Sequence[list[int]], theirs: Sequence[list[int]], texts: Path) -> None:
    given = json.loads(texts.read_text(encoding="utf-8"))
    wrong = [case for case in zip(given, ours, theirs, strict=True) if case[1] != case[2]]
    assert not wrong, (len(wrong), wrong[:3])
