"""Saves and loads LoRA adapters in a separate folder, a few hundred kilobytes, to be added to their base model.

adapter.safetensors holds the low-rank matrices and other trained weights, such as a head; adapter.json holds their
layers, which layers had 8-bit weights, and the sha256 of the frozen weights.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from lingon import __version__
from lingon.core.config_keys import want
from lingon.core.errors import DataError, UserError
from lingon.core.eval_view import shallow_copy
from lingon.core.files import atomic_folder, read_json, write_json
from lingon.core.shapes import Tensor
from lingon.core.tensors import load_tensors, save_tensors, tensors_sha256
from lingon.layers.int8_linear import FrozenInt8Linear, quantize_linear
from lingon.layers.lora import LoRA, adapters_in, add_lora

FORMAT = 1
WEIGHTS, CONFIG = "adapter.safetensors", "adapter.json"
KEYS = ("format", "lingon", "rank", "alpha", "layers", "base", "base_sha256", "int8_layers")


def save_adapter(model: nn.Module, folder: str | Path, base: str = "") -> Path:
    """Write the adapters of a model, and its other trainable weights. base: the name of the base model.

    The folder appears only once it is complete. Raises UserError for a model without adapters.
    """
    found = adapters_in(model)
    if not found:
        raise UserError(f"{type(model).__name__} has no adapters of LoRA; add_lora puts them in")
    trained = {name: p for name, p in model.named_parameters() if p.requires_grad}
    first = next(iter(found.values()))
    with atomic_folder(Path(folder)) as fresh:
        save_tensors(fresh / WEIGHTS, trained)
        config = {"format": FORMAT, "lingon": __version__, "rank": first.rank, "alpha": first.scale * first.rank}
        config["layers"] = {name: [list(part) for part in adapter.rows] for name, adapter in found.items()}
        config["int8_layers"] = [_bare(name) for name, m in model.named_modules() if isinstance(m, FrozenInt8Linear)]
        write_json(fresh / CONFIG, config | {"base": base, "base_sha256": tensors_sha256(_kept(model, trained))})
    return Path(folder)


def load_adapter(model: nn.Module, folder: str | Path) -> nn.Module:
    """Add saved adapters, and weights trained with them, in place to the model that they were trained on.

    Layers that had 8-bit weights are quantized again. `merge_lora` then makes it a plain model. Raises DataError for a
    folder without an adapter, UserError for a model with other weights or sizes.
    """
    folder = Path(folder)
    config = _read_config(folder / CONFIG)
    tensors = load_tensors(folder / WEIGHTS)
    own = dict(model.named_parameters())
    for name, tensor in tensors.items():
        if name in own and own[name].shape != tensor.shape:
            sizes = f"{[*tensor.shape]}, the model's {[*own[name].shape]}"
            raise UserError(f"{folder}: the adapter is of another model: its {name} is {sizes}")
    rounded, like = config.get("int8_layers", []), shallow_copy(model)
    _check_linear(folder, model, rounded)
    if tensors_sha256(_kept(quantize_linear(like, rounded), tensors)) != config["base_sha256"]:
        base = f", {config['base']!r}" if config["base"] else ""
        raise UserError(f"{folder}: the adapter was trained on other weights{base}; it fits those alone")
    quantize_linear(model, rounded)
    lora = LoRA(config["rank"], config["alpha"], layers=list(config["layers"]))
    rows = {name: [(start, end) for start, end in parts] for name, parts in config["layers"].items()}
    add_lora(model, lora, rows)
    for name, p in model.named_parameters():
        p.requires_grad_(name in tensors)
    wanted = {name: p for name, p in model.named_parameters() if p.requires_grad}
    load_tensors(folder / WEIGHTS, expect=wanted)
    with torch.no_grad():
        for name, p in wanted.items():
            p.copy_(tensors[name])
    return model


def _check_linear(folder: Path, model: nn.Module, names: Any) -> None:
    linear = {name for name, module in model.named_modules() if isinstance(module, nn.Linear)}
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise DataError(f"{folder / CONFIG}: key 'int8_layers' is {str(names)[:40]!r}, expected a list of names")
    if missing := [name for name in names if name not in linear]:
        raise UserError(f"{folder}: the adapter is of another model: this one has no linear layer {missing[0][:80]!r}")


def _bare(name: str) -> str:
    """Return the name of a layer, without the adapter around it."""
    return name.removesuffix(".base")


def _kept(model: nn.Module, trained: Mapping[str, Any]) -> dict[str, Tensor]:
    """Return the frozen weights, by their names without adapters."""
    found = {name: tensor for name, tensor in model.state_dict().items() if name not in trained}
    adapted = adapters_in(model)
    return {_plain(name, adapted): tensor for name, tensor in found.items()}


def _plain(name: str, adapted: Mapping[str, Any]) -> str:
    owner, _, kind = name.rpartition(".")
    layer, _, inner = owner.rpartition(".")
    return f"{layer}.{kind}" if inner == "base" and layer in adapted else name


def _read_config(path: Path) -> dict[str, Any]:
    config = read_json(path)
    if not isinstance(config, dict) or config.get("format") != FORMAT:
        raise DataError(f"{path}: not an adapter of format {FORMAT}, which this Lingon reads")
    try:
        want(config, "rank", int, "a whole number")
        want(config, "alpha", (int, float), "a number")
        for key in ("base", "base_sha256"):
            want(config, key, str, "a text")
        for name, parts in want(config, "layers", dict, "an object with the rows of each layer").items():
            if not isinstance(parts, list) or not all(_is_rows(part) for part in parts):
                raise DataError(f"key 'layers': {name[:80]!r} has no pairs of rows")
    except UserError as error:
        raise DataError(f"{path}: {error}") from None
    return config


def _is_rows(part: Any) -> bool:
    return isinstance(part, list) and len(part) == 2 and all(type(n) is int for n in part) and 0 <= part[0] < part[1]
