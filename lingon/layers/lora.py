"""LoRA: a linear layer keeps its weights frozen, and the product of two low-rank matrices is trained beside them.

Source: Hu et al. 2021, "LoRA: Low-Rank Adaptation of Large Language Models", section 4.1.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import nn

from lingon.core.errors import UserError, unknown
from lingon.core.shapes import Float, Tensor
from lingon.layers.attention import Attention
from lingon.layers.disentangled_attention import DisentangledAttention
from lingon.layers.int8_linear import FrozenInt8Linear, dequantize_linear

ALL = "all-linear"
PACKED = "qkv"  # attribute of attention layers with the joint projection of queries, keys and values
AnyLinear = nn.Linear | FrozenInt8Linear
Rows = tuple[int, int]  # of a matrix: the first, and the one after the last


@dataclass(frozen=True)
class LoRA:
    """Settings of low-rank adapters: which layers have them, and their size.

    rank: r. alpha: the output of adapters is scaled by alpha / r. dropout: of their input, in training. layers: names
    of layers, or ends of names such as "attention.out"; "query", "key" and "value" are parts of a joint projection;
    "all-linear" is every linear layer.
    """

    rank: int = 8
    alpha: int | float = 16.0
    dropout: float = 0.0
    layers: Sequence[str] = ("query", "value")

    def __post_init__(self):
        if self.rank < 1:
            raise UserError(f"the rank of LoRA is {self.rank}, expected 1 or more, such as 8")
        if not 0 < self.alpha < math.inf:
            raise UserError(f"the alpha of LoRA is {self.alpha}, expected more than 0, such as 16")
        if not 0 <= self.dropout < 1:
            raise UserError(
                f"the dropout of LoRA is {self.dropout}, expected a fraction from 0 up to, not including, 1"
            )


class LoRALinear(nn.Module):
    """x W^T + b + alpha / r * (dropout(x) A^T) B^T, of which only A and B are trained. B is initialized to zero.

    base: the layer with W [O, I] and b; W may be int8. rows: the parts of the output that are adapted, each with its
    own A [r, I] and B [rows, r], stacked in `A` and `B`; by default the whole output.
    """

    def __init__(self, base: AnyLinear, lora: LoRA, rows: Sequence[Rows] | None = None):
        super().__init__()
        self.rows = tuple(sorted(rows or [(0, base.out_features)]))
        self.in_features, self.out_features = base.in_features, base.out_features
        self.rank, self.scale, self.dropout = lora.rank, lora.alpha / lora.rank, lora.dropout
        if self.rank > min(base.out_features, base.in_features):
            size = f"{base.out_features} x {base.in_features}"
            raise UserError(f"the rank of LoRA is {self.rank}, more than a matrix of {size} has; lower it")
        self.base = base.requires_grad_(False)
        like = base.weight
        self.A = nn.Parameter(like.new_empty(self.rank * len(self.rows), base.in_features))
        self.B = nn.Parameter(like.new_zeros(sum(end - start for start, end in self.rows), self.rank))
        nn.init.kaiming_uniform_(self.A, a=math.sqrt(5))  # the initialization of nn.Linear

    @property
    def weight(self) -> Float[Tensor, "O I"]:
        """Return the matrix of the layer with its adapter added, for callers that multiply by a part of it."""
        return self.base.weight + self.scale * self._wide() @ self.A

    @property
    def bias(self) -> Float[Tensor, " O"] | None:
        return self.base.bias

    def forward(self, x: Float[Tensor, "... I"]) -> Float[Tensor, "... O"]:
        read = F.dropout(x, self.dropout) if self.dropout and self.training else x
        thin, wide, plain = F.linear(read, self.A), self._wide(), self.base(x)
        thin = thin.flatten(0, -2)
        return torch.addmm(plain.reshape(len(thin), -1), thin, wide.T.to(thin.dtype), alpha=self.scale).view_as(plain)

    @torch.no_grad()
    def merged(self) -> nn.Linear:
        """Return the equivalent linear layer, of the class of the base, without int8 weights."""
        merged = self.base.plain() if isinstance(self.base, FrozenInt8Linear) else self.base
        merged.weight.copy_(self.weight)
        return merged

    def _wide(self) -> Float[Tensor, "O R"]:
        """Return B as one matrix over the whole output, zero where a part has another A, or none."""
        parts, at, done = [], 0, 0
        for i, (start, end) in enumerate(self.rows):
            own = self.B[done : done + end - start]
            columns = (i * self.rank, (len(self.rows) - 1 - i) * self.rank)
            parts.append(F.pad(own, (*columns, start - at, 0)))
            at, done = end, done + end - start
        return F.pad(torch.cat(parts), (0, 0, 0, self.out_features - at))


def add_lora(model: nn.Module, lora: LoRA, rows: Mapping[str, Sequence[Rows]] | None = None) -> list[str]:
    """Add adapters to a model, in place, and freeze everything else; return the names of the adapted layers.

    rows: full names of layers, in place of `lora.layers`, with the adapted rows of each. Raises UserError for an
    unknown layer, naming the known ones.
    """
    wanted: Mapping[str, Sequence[Rows]] = layers_of(model, lora.layers) if rows is None else rows
    linear = dict(_linear(model))
    for name, parts in wanted.items():
        if name not in linear:
            raise unknown("layer for LoRA", name, linear)
        _check_rows(name, linear[name].out_features, parts)
    model.requires_grad_(False)
    for name, parts in wanted.items():
        parent, _, child = name.rpartition(".")
        setattr(model.get_submodule(parent), child, LoRALinear(linear[name], lora, parts))
    return list(wanted)


def layers_of(model: nn.Module, given: Sequence[str]) -> dict[str, list[Rows]]:
    """Return the linear layers selected by `given`, by name, each with its adapted rows; see `LoRA.layers`."""
    linear, found = dict(_linear(model)), dict[str, list[Rows]]()
    if not linear:
        raise UserError(f"{type(model).__name__} has no linear layer that LoRA can adapt")
    for name in given:
        matches = _matches(model, linear, name)
        if not matches:
            raise unknown("layer for LoRA", name, [ALL, *_kinds(model, linear)])
        for layer, rows in matches.items():
            have = found.setdefault(layer, [])
            have += [part for part in rows if part not in have]
    return found


def merge_lora(model: nn.Module) -> nn.Module:
    """Merge each adapter into its layer, in place, so that all layers are plain and trainable; return the model.

    Int8 layers become plain ones too, with their dequantized weights, for which the adapters were trained.
    """
    for name, module in list(model.named_modules()):
        if isinstance(module, LoRALinear):
            parent, _, child = name.rpartition(".")
            setattr(model.get_submodule(parent), child, module.merged())
    return dequantize_linear(model).requires_grad_(True)


@contextmanager
def without_lora(model: nn.Module) -> Iterator[nn.Module]:
    """Return a context in which the adapters of a model are switched off, which gives the base model."""
    adapters = adapters_in(model).values()
    scales = [adapter.scale for adapter in adapters]
    for adapter in adapters:
        adapter.scale = 0.0
    try:
        yield model
    finally:
        for adapter, scale in zip(adapters, scales, strict=True):
            adapter.scale = scale


def adapters_in(model: nn.Module) -> dict[str, LoRALinear]:
    """Return the adapted layers of a model by name."""
    return {name: module for name, module in model.named_modules() if isinstance(module, LoRALinear)}


def _check_rows(name: str, most: int, parts: Sequence[Rows]) -> None:
    ends = sorted(parts)
    if any(a[1] > b[0] for a, b in pairwise(ends)):
        raise UserError(f"LoRA would adapt rows of {name} twice; name the whole layer or its parts, not both")
    if not ends or ends[0][0] < 0 or ends[-1][1] > most or any(start >= end for start, end in ends):
        raise UserError(f"LoRA is to adapt the rows {ends} of {name}, which has {most:,}")


def _linear(model: nn.Module) -> Iterator[tuple[str, AnyLinear]]:
    """Yield the linear layers, except one whose matrix is tied to an embedding."""
    tied = {id(module.weight) for module in model.modules() if isinstance(module, nn.Embedding)}
    for name, module in model.named_modules():
        if isinstance(module, FrozenInt8Linear) or (isinstance(module, nn.Linear) and id(module.weight) not in tied):
            yield name, module


def _matches(model: nn.Module, linear: Mapping[str, AnyLinear], name: str) -> dict[str, list[Rows]]:
    if name == ALL:
        return {layer: [(0, module.out_features)] for layer, module in linear.items()}
    found = {}
    for layer, module in linear.items():
        if f".{layer}".endswith(f".{name}"):
            found[layer] = [(0, module.out_features)]
        elif name in (parts := _parts(model, layer)):
            found[layer] = [parts[name]]
    return found


def _parts(model: nn.Module, layer: str) -> dict[str, Rows]:
    """Return the rows of queries, keys and values of a joint projection; none for another layer."""
    parent, _, child = layer.rpartition(".")
    attention = model.get_submodule(parent)
    if child != PACKED or not isinstance(attention, Attention | DisentangledAttention):
        return {}
    queries, keys = attention.heads * attention.head_width, attention.kv_heads * attention.head_width
    return {
        "query": (0, queries),
        "key": (queries, queries + keys),
        "value": (queries + keys, queries + 2 * keys),
    }


def _kinds(model: nn.Module, linear: Mapping[str, AnyLinear]) -> list[str]:
    """Return the names by which layers can be selected, each once."""
    names = dict.fromkeys(part for layer in linear for part in _parts(model, layer))
    return [*names, *dict.fromkeys(".".join(layer.split(".")[-2:]) for layer in linear)]
