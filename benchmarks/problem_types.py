"""What comparisons of other kinds of labels share: files for both sides, the default classifier, a row."""

import json
from pathlib import Path
from typing import Any

import lingon
from benchmarks.context import Context
from benchmarks.measure import Spread
from benchmarks.result import Peer, Row
from lingon.data.examples import Examples, Splits


def row_of(what: str, ours: float, name: str, peer: float) -> Row:
    """Return the row of a score that shall not be lower than the peer's."""
    spreads = Spread(ours, ours, ours), Spread(peer, peer, peer)
    return Row(what, "score", spreads[0], [Peer(name, spreads[1])], None, "not lower", ours >= peer)


def files_of(context: Context, splits: Splits) -> dict[str, str]:
    """Both sides get all texts that are not of the test, as files."""
    train = splits.train + splits.valid if splits.valid is not splits.test else splits.train
    return {
        name: _write(context.folder / f"{name}.jsonl", of) for name, of in (("train", train), ("test", splits.test))
    }


def _write(path: Path, examples: Examples) -> str:
    rows = zip(examples.texts, examples.labels, strict=True)
    path.write_text("\n".join(json.dumps({"text": text, "label": label}) for text, label in rows), encoding="utf-8")
    return str(path)


def trained(context: Context, files: dict[str, str], problem_type: str) -> Any:
    """Return the default classifier, trained on the files."""
    settings = {"test": files["test"], "text": "text", "label": "label", "problem_type": problem_type}
    return lingon.train("classify", files["train"], out=str(context.folder / "run"), overwrite=True, settings=settings)
