"""The parts of a bundle: each module a safetensors file, each tokenizer a JSON file, named after the part."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import nn

from lingon.checkpoints.bundle_config import located, modules_of, part_types_of
from lingon.core.device import pick_device
from lingon.core.errors import DataError, UserError
from lingon.core.tensors import load_tensors, save_tensors, shapes_in
from lingon.data.tokenizers import Tokenizer
from lingon.models.registry import build

RESERVED = ("config", "run")  # names of other files of a bundle


class PartWriter:
    """Writes parts into a folder, each object once, even if several tasks share it."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.files: dict[str, Any] = {}

    def write(self, parts: Mapping[str, Any], head: str | None = None) -> dict[str, str]:
        """Write the parts that are not written yet; return the file name of each part, without its ending.

        A file is named after its part, and also after the head if there is another part of that name.
        """
        return {name: self._name(name, part, head) for name, part in parts.items()}

    def _name(self, name: str, part: Any, head: str | None) -> str:
        for known, other in self.files.items():
            if other is part:
                return known
        name = name if name not in self.files else f"{head}.{name}"
        assert name not in (*self.files, *RESERVED), f"two parts are called {name}"
        self.files[name] = part
        if isinstance(part, nn.Module):
            save_tensors(self.folder / f"{name}.safetensors", part.state_dict())
        else:
            part.save(self.folder / f"{name}.json")
        return name


class PartReader:
    """Reads the parts of tasks from a folder, each file once: parts that several tasks share are one object."""

    def __init__(self, folder: Path, device: str):
        self.folder, self.device = folder, pick_device(device)
        self._read: dict[str, tuple[Any, Any]] = {}  # the configuration of a part, and the part

    def read(self, entry: Mapping[str, Any]) -> dict[str, Any]:
        """Return the parts of a task. entry: its entry in a checked config.json. Raises DataError naming the file.

        If a task has a single tokenizer, it is adapted to the vocabulary size of its modules.
        """
        types, files, modules = part_types_of(entry), entry.get("files", {}), modules_of(entry)
        tokenizers = [name for name in types if name not in modules]
        # Tokenizers first: their errors explain a wrong vocabulary; a model only reports that its weights do not fit.
        found: dict[str, Any] = {name: self._tokenizer(files.get(name, name)) for name in tokenizers}
        if len(tokenizers) == 1:
            (name,) = tokenizers
            for module in modules.values():
                found[name] = self._fitted(found[name], module["config"])
        for name, module in modules.items():
            found[name] = self._module(files.get(name, name), module)
        return found

    def _tokenizer(self, file: str) -> Tokenizer:
        if file not in self._read:
            self._read[file] = (None, Tokenizer.load(self.folder / f"{file}.json"))
        return self._read[file][1]

    def _fitted(self, tokenizer: Tokenizer, sizes: Mapping[str, Any]) -> Tokenizer:
        rows = sizes.get("vocab_size")
        if type(rows) is not int:  # of another type, `build` says what is wrong; some modules have no vocabulary
            return tokenizer
        size = len(tokenizer.vocab)
        # Published models may have unused rows; a model of ours was made for its tokenizer.
        if size != rows and not _is_published(sizes):
            raise DataError(f"{self.folder}: the tokenizer has {size} tokens, the model was made for {rows}")
        return tokenizer if size == rows else tokenizer.for_vocab_size(rows, self.folder)

    def _module(self, file: str, wanted: Mapping[str, Any]) -> nn.Module:
        if file not in self._read:
            module = _loaded(self.folder / f"{file}.safetensors", self.folder / "config.json", wanted)
            self._read[file] = (wanted, module.to(self.device).eval())
        made_of, module = self._read[file]
        if made_of != wanted:
            raise DataError(
                f"{self.folder / 'config.json'}: two heads need different models in the same file, {file!r}"
            )
        return module


def _is_published(sizes: Mapping[str, Any]) -> bool:
    """Return whether a module, or the encoder inside it, is configured as a family of published models."""
    inner = sizes.get("encoder")
    config = inner.get("config") if isinstance(inner, Mapping) else None
    return "model_type" in sizes or (isinstance(config, Mapping) and "model_type" in config)


def _loaded(weights: Path, config: Path, wanted: Mapping[str, Any]) -> nn.Module:
    """Return the model of a checked configuration with its weights, without using more memory than they take."""
    available = sum(map(math.prod, shapes_in(weights).values()))
    with located(config):
        model = build(wanted["model"], wanted["config"], limit=available)
    tensors = load_tensors(weights, expect=model.state_dict())
    try:
        model.load_state_dict(tensors)
    except UserError as error:  # errors that only the model itself can detect
        raise DataError(f"{weights}: {error}") from None
    return model
