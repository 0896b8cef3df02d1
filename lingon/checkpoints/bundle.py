"""A bundle: a trained model as a folder that can be copied, checked and loaded, with nothing in it that runs."""

import math
import re
from pathlib import Path
from typing import Any

from lingon import __version__
from lingon.core.device import pick_device
from lingon.core.errors import DataError, UserError, suggest, unknown
from lingon.core.files import atomic_folder, atomic_write, read_json, write_json
from lingon.core.markdown import plain
from lingon.core.tensors import load_tensors, save_tensors, shapes_in
from lingon.data.tokenize import Tokenizer
from lingon.metrics.names import shown

KINDS = ("classify", "language-model")
HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+")
FORMAT = 1  # of config.json; a newer one is refused, since its meaning is not known here
CONFIG_LIMIT = 64 << 20  # bytes
SHARED = ("format", "lingon", "kind", "model", "config")
KEYS = {"classify": (*SHARED, "labels", "max_length"), "language-model": (*SHARED, "ends")}


def save_bundle(task, model_name: str, folder: Path, run: dict[str, Any]) -> Path:
    """Writes a classifier or language model as a bundle: weights, config.json, tokenizer.json, run.json, a model card.

    run: arguments, seed, versions, data checksums and metrics, as `run.json` shall hold them.
    The folder appears, or takes the place of an older bundle, only when it is whole.
    """
    with atomic_folder(Path(folder)) as fresh:
        save_tensors(fresh / "model.safetensors", task.model.state_dict())
        config = {
            "format": FORMAT,
            "lingon": __version__,
            "kind": task.kind,
            "model": model_name,
            "config": task.model.config(),
        }
        config |= {key: getattr(task, key) for key in KEYS[task.kind] if key not in SHARED}
        write_json(fresh / "config.json", config)
        task.tokenizer.save(fresh / "tokenizer.json")
        record_in_bundle(fresh, run)
    return Path(folder)


def record_in_bundle(folder: Path, run: dict[str, Any]) -> None:
    """Writes run.json and the model card of a bundle anew: the model is saved first, and tested then."""
    write_json(folder / "run.json", run)
    with atomic_write(folder / "README.md") as file:
        file.write(card(read_config(folder / "config.json"), run))


def open_bundle(source: str | Path, device: str = "cpu") -> Any:
    """Load a bundle, or the one in a run folder. Raises UserError when there is none, DataError naming file and key."""
    from lingon.tasks.classify import Classifier
    from lingon.tasks.generate import LanguageModel

    folder = find_bundle(Path(source))
    config = read_config(folder / "config.json")
    tokenizer = Tokenizer.load(folder / "tokenizer.json")
    rows = config["config"].get("vocab_size")
    if type(rows) is int:  # of another type, `build` says what is wrong
        tokenizer = tokenizer.for_rows(rows, folder)
    # Published models have rows to spare; one of ours was made for its tokenizer.
    spare = "model_type" in config["config"]
    if type(rows) is int and len(tokenizer.vocab) != rows and not spare:
        raise DataError(f"{folder}: the tokenizer has {len(tokenizer.vocab)} tokens, the model was made for {rows}")
    model = _model(folder, config).to(pick_device(device)).eval()
    if config["kind"] == "language-model":
        size = model.embedding.num_embeddings
        if beyond := [end for end in config["ends"] if end >= size]:
            where = f"{folder / 'config.json'}: key 'ends'"
            raise DataError(f"{where} has {beyond[0]}, expected ids from 0 to {size - 1:,}, which the model has")
        return LanguageModel(model, tokenizer, config["ends"])
    return Classifier(model, tokenizer, config["labels"], config["max_length"])


def find_bundle(folder: Path) -> Path:
    """The bundle in a folder: the folder itself, or `bundle` inside a run folder. Raises UserError if there is none."""
    from lingon.data.corpora.weights import WEIGHTS

    for candidate in (folder, folder / "bundle"):
        if (candidate / "config.json").is_file():
            return candidate
    if not folder.exists():
        beside = [p.name for p in folder.parent.iterdir() if p.is_dir()] if folder.parent.is_dir() else []
        hub = f"; a model of the hub is named hf:{folder}" if HUB_NAME.fullmatch(str(folder)) else ""
        raise UserError(f"there is no folder {str(folder)!r}; {suggest(folder.name, [*beside, *WEIGHTS])}{hub}")
    raise UserError(f"{str(folder)!r} holds no bundle (no config.json); train one with: lingon train sentiment")


def read_config(path: Path) -> dict[str, Any]:
    """config.json, with every key checked. Raises DataError that names the file and the key."""
    config = read_json(path, limit=CONFIG_LIMIT)
    if not isinstance(config, dict):
        raise DataError(f"{path}: a JSON object was expected, not {type(config).__name__}")
    known = KEYS.get(str(config.get("kind")), KEYS["classify"])
    if strangers := config.keys() - set(known):
        raise DataError(f"{path}: {unknown('key', min(strangers), known)}")

    def want(key: str, kind: type | tuple, what: str) -> Any:
        if key not in config:
            raise DataError(f"{path}: key {key!r} is missing")
        if not isinstance(config[key], kind) or isinstance(config[key], bool):
            raise DataError(f"{path}: key {key!r} is {str(config[key])[:40]!r}, expected {what}")
        return config[key]

    if want("format", int, "a number") != FORMAT:
        raise DataError(f"{path}: key 'format' is {config['format']}, this Lingon reads {FORMAT}; update Lingon")
    if (kind := want("kind", str, "text")) not in KINDS:
        raise DataError(f"{path}: {unknown('kind', kind, KINDS)}")
    want("lingon", str, "the version that wrote it")
    want("model", str, "a model's name")
    want("config", dict, "an object")
    if kind == "language-model":
        ends = want("ends", list, "a list of ids")
        if not all(type(end) is int and end >= 0 for end in ends):
            raise DataError(f"{path}: key 'ends' is {str(ends)[:40]!r}, expected a list of ids, 0 or more")
        return config
    labels = want("labels", list, "a list of labels")
    if len(labels) < 2 or len(set(map(str, labels))) < len(labels) or not all(isinstance(x, str) for x in labels):
        raise DataError(f"{path}: key 'labels' must hold two or more different texts")
    if any("\ud800" <= c <= "\udfff" for c in "".join(labels)):
        raise DataError(f"{path}: key 'labels' holds half a surrogate pair, which is no character")
    if want("max_length", (int, type(None)), "a number or null") is not None and config["max_length"] < 1:
        raise DataError(f"{path}: key 'max_length' is {config['max_length']}, expected 1 or more")
    classes = config["config"].get("classes")
    if type(classes) is int and classes != len(labels):
        raise DataError(f"{path}: {len(labels)} labels for a model of {classes} classes; keys 'labels' and 'classes'")
    return config


def _model(folder: Path, config: dict[str, Any]):
    """The model of a config that `read_config` has checked, with its weights; it takes no more memory than they do."""
    from lingon.models.registry import build

    weights = folder / "model.safetensors"
    available = sum(map(math.prod, shapes_in(weights).values()))
    try:
        model = build(config["model"], config["config"], limit=available)
    except UserError as error:
        raise DataError(f"{folder / 'config.json'}: {error}") from None
    tensors = load_tensors(weights, expect=model.state_dict())
    try:
        model.load_state_dict(tensors)
    except UserError as error:  # what only the model itself can judge
        raise DataError(f"{weights}: {error}") from None
    return model


def card(config: dict[str, Any], run: dict[str, Any]) -> str:
    """The model card of a bundle, from what its run recorded."""
    data, metrics = run.get("data", {}), run.get("test", {})
    arguments, kind = run.get("arguments", {}), config["kind"]
    facts = [
        f"- **Data**: {plain(data.get('name') or arguments.get('data') or 'unknown')}; "
        f"licence: {plain(data.get('licence', 'that of the data you gave'))}",
        *(f"- **{name}** on held-out texts: {shown(value)}" for name, value in metrics.items()),
        f"- **Seed**: {arguments.get('seed')}",
    ]
    about = _about_classifier(config) if kind == "classify" else _about_language_model(config)
    title, what, more, code = about
    lines = [title, "", f"{what} trained with Lingon {config['lingon']}.", "", *facts, *more, "", "```python"]
    return "\n".join([*lines, "import lingon", f'print(lingon.load("PATH OF THIS FOLDER").{code})', "```", ""])


def _about_classifier(config: dict[str, Any]) -> tuple[str, str, list[str], str]:
    reads = f"the first {config['max_length']} tokens of a text" if config["max_length"] else "all of a text"
    limits = "it has seen only texts like those it was trained on, and knows no other label"
    title = f"# {config['model']}: {' or '.join(map(plain, config['labels'][:6]))}"
    return title, "A text classifier", [f"- **Reads** {reads}.", f"- **Limits**: {limits}."], 'predict("Your text.")'


def _about_language_model(config: dict[str, Any]) -> tuple[str, str, list[str], str]:
    limits = "it writes what is likely after the texts it has seen, true or not"
    return f"# {config['model']}", "A language model", [f"- **Limits**: {limits}."], 'write("Once upon a time")'
