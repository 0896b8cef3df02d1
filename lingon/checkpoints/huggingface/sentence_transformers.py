"""Reads and writes how sentence-transformers makes one vector of a text: modules.json and the files that it names."""

from pathlib import Path
from typing import Any, NamedTuple

from lingon.core.errors import DataError, unknown
from lingon.core.files import read_json, write_json

MODULES = "modules.json"
STATIC = "StaticEmbedding"
# Keys of 1_Pooling/config.json that are supported, with their names in Lingon. Only one may be true.
POOLING_KEYS = {"pooling_mode_mean_tokens": "mean", "pooling_mode_cls_token": "cls", "pooling_mode_max_tokens": "max"}
KNOWN = ("Transformer", "Pooling", "Normalize", STATIC)
# Maximum tokens of a text: in this file, or the one for another family, else in the settings of transformers.
LENGTH, LENGTH_OF_FAMILY = "sentence_bert_config.json", "sentence_*_config.json"
LENGTH_OF_TOKENIZER = "tokenizer_config.json"
LARGEST = 1 << 24  # tokens; transformers writes 1e30 for any number


class SentenceVectors(NamedTuple):
    """Settings to make a text vector from token vectors: pooling, normalisation, maximum number of tokens.

    static: the model is a table of vectors, without special tokens around a text. place: the subfolder of the weights,
    "" for the folder itself.
    """

    pooling: str = "mean"
    normalize: bool = False
    max_length: int | None = None
    static: bool = False
    place: str = ""


def has_modules(folder: Path) -> bool:
    """Return whether this is a folder of sentence-transformers."""
    return (folder / MODULES).is_file()


def read_modules(folder: Path) -> SentenceVectors:
    """Return the settings of modules.json; mean pooling if there is no such file.

    Raises DataError naming the file and the module or key that Lingon does not have, such as a dense layer.
    """
    if not has_modules(folder):
        return SentenceVectors(max_length=_max_length(folder))
    _refuse_changes(folder)
    path = folder / MODULES
    modules = read_json(path)
    if not isinstance(modules, list) or not all(isinstance(m, dict) for m in modules):
        raise DataError(f"{path}: expected a list of modules")
    kinds: dict[str, str] = {}
    for module in modules:
        kind = str(module.get("type")).rpartition(".")[2]
        if kind not in KNOWN:
            raise DataError(f"{path}: {unknown('module', kind, KNOWN)}")
        kinds[kind] = _inside(path, module.get("path", ""))
    pooling = _pooling(folder / kinds["Pooling"]) if "Pooling" in kinds else "mean"
    place, static = kinds.get("Transformer", kinds.get(STATIC, "")), STATIC in kinds
    length = None if static else _max_length(folder / place)
    return SentenceVectors(pooling, "Normalize" in kinds, length, static, place)


def write_modules(folder: Path, how: SentenceVectors, width: int) -> None:
    """Write modules.json and its files, so that sentence-transformers gives the same vectors. width: of a vector."""
    kinds = [("Transformer", ""), ("Pooling", "1_Pooling")] + ([("Normalize", "2_Normalize")] if how.normalize else [])
    rows = [
        {"idx": i, "name": str(i), "path": at, "type": f"sentence_transformers.models.{kind}"}
        for i, (kind, at) in enumerate(kinds)
    ]
    write_json(folder / MODULES, rows)
    (folder / "1_Pooling").mkdir()
    modes = {key: name == how.pooling for key, name in POOLING_KEYS.items()}
    write_json(folder / "1_Pooling" / "config.json", {"word_embedding_dimension": width, **modes})
    if how.max_length is not None:
        write_json(folder / LENGTH, {"max_seq_length": how.max_length, "do_lower_case": False})


def _pooling(folder: Path) -> str:
    path = folder / "config.json"
    config = _object(path)
    if isinstance(mode := config.get("pooling_mode"), str):  # since version 5
        chosen = [mode]
    else:
        chosen = [key for key, value in config.items() if key.startswith("pooling_mode_") and value]
    names = {**POOLING_KEYS, **{name: name for name in POOLING_KEYS.values()}}
    if len(chosen) != 1 or chosen[0] not in names:
        raise DataError(f"{path}: the pooling is {' and '.join(chosen) or 'none'}; Lingon has mean, cls or max, one")
    return names[chosen[0]]


def _max_length(folder: Path) -> int | None:
    path = folder / LENGTH
    path = path if path.is_file() else next(iter(sorted(folder.glob(LENGTH_OF_FAMILY))), path)
    config = _object(path)
    if config.get("do_lower_case"):
        raise DataError(f"{path}: key 'do_lower_case' is true; Lingon lowers where the tokenizer does it")
    key, length = "max_seq_length", config.get("max_seq_length")
    if length is None:
        path, key = folder / LENGTH_OF_TOKENIZER, "model_max_length"
        length = _object(path).get(key)
        length = None if isinstance(length, int | float) and length > LARGEST else length
    if length is not None and (type(length) is not int or length < 3):
        raise DataError(f"{path}: key {key!r} is {str(length)[:40]!r}, expected a whole number of 3 or more")
    return length


def _refuse_changes(folder: Path) -> None:
    """Refuse settings outside the modules that change texts or vectors: a prompt before texts, truncated vectors."""
    path = folder / "config_sentence_transformers.json"
    config = _object(path)
    if config.get("truncate_dim") is not None:
        raise DataError(
            f"{path}: key 'truncate_dim' is {str(config['truncate_dim'])[:40]}, and Lingon gives whole vectors; "
            "set it to null and take the first numbers of each"
        )
    name, prompts = config.get("default_prompt_name"), config.get("prompts")
    if name is not None and (prompt := prompts.get(name) if isinstance(prompts, dict) else None):
        raise DataError(
            f"{path}: key 'default_prompt_name' is {str(name)[:40]!r}; Lingon puts nothing before a text; set it to "
            f"null and begin each text with {str(prompt)[:40]!r}"
        )


def _object(path: Path) -> dict[str, Any]:
    """Return the object in a file; without the file an empty one."""
    config: Any = read_json(path) if path.is_file() else {}
    if not isinstance(config, dict):
        raise DataError(f"{path}: expected an object")
    return config


def _inside(path: Path, name: Any) -> str:
    if not isinstance(name, str) or Path(name).is_absolute() or ".." in Path(name).parts:
        raise DataError(f"{path}: {str(name)[:40]!r} is not a folder inside this one")
    return name
