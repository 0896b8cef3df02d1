"""Parameter groups of an optimizer: weight decay, and learning rates by layer."""

import re
from collections.abc import Mapping

from torch import nn
from torch.optim import Optimizer

from lingon.core.errors import UserError
from lingon.engine.distributed import unwrap

NORMS = (nn.LayerNorm, nn.RMSNorm, nn.GroupNorm, nn.modules.batchnorm._NormBase)
BLOCK = re.compile(r"(?:^|\.)blocks\.(\d+)\.")
ENCODER = re.compile(r"(?:^|\.)encoder\.")


def parameter_groups(model: nn.Module, weight_decay: float) -> list[dict]:
    """Return the trainable parameters in two groups: matrices with weight decay; norms, biases and vectors without."""
    spared = {id(p) for module in model.modules() if isinstance(module, NORMS) for p in module.parameters()}
    decaying: list[nn.Parameter] = []
    others: list[nn.Parameter] = []
    for name, p in model.named_parameters():
        if p.requires_grad:
            spare = p.ndim < 2 or id(p) in spared or name.rpartition(".")[2].startswith("bias")
            (others if spare else decaying).append(p)
    if not decaying and not others:
        raise UserError("the model has no trainable parameters (all have requires_grad=False)")
    groups = [{"params": decaying, "weight_decay": weight_decay}, {"params": others, "weight_decay": 0.0}]
    return [group for group in groups if group["params"]]


def layer_decay_factors(model: nn.Module, decay: float) -> dict[str, float]:
    """Return the learning rate factor of each parameter, by name: 1 at the top, times `decay` for each block below.

    Parameters before the blocks, the embeddings, are one layer below the first block; parameters after them, such as a
    head, are at the top (Howard and Ruder 2018, section 3.2; Clark et al. 2020, appendix A). Raises UserError for an
    invalid decay, and for a model without blocks.
    """
    if not 0 < decay <= 1:
        raise UserError(f"the decay of the learning rate by layer is {decay}, expected more than 0 and at most 1")
    names = [name for name, _ in unwrap(model).named_parameters()]
    at = {name: int(found[1]) for name in names if (found := BLOCK.search(name))}
    if not at:
        raise UserError("--layer-lr-decay is for models made of blocks, Transformers; leave it out")
    blocks, first = max(at.values()) + 1, next(i for i, name in enumerate(names) if name in at)
    below = {name: blocks - at[name] for name in at} | dict.fromkeys(names[:first], blocks + 1)
    return {name: decay ** below.get(name, 0) for name in names}


def head_factors(model: nn.Module, factor: float) -> dict[str, float]:
    """Return the learning rate factor of each parameter, by name: 1 inside the model's `encoder`, `factor` outside.

    Raises UserError for a model without an encoder, which has no head.
    """
    names = [name for name, _ in unwrap(model).named_parameters()]
    if not any(ENCODER.search(name) for name in names):
        raise UserError("--head-lr is for models with a head on an encoder; leave it out")
    return {name: 1.0 if ENCODER.search(name) else factor for name in names}


def set_rate_factors(optimizer: Optimizer, model: nn.Module, factors: Mapping[str, float]) -> Optimizer:
    """Split the groups of a new optimizer by learning rate factor, largest rate first; return the optimizer.

    factors: by name of parameter, 1 where missing. The parameters of a group keep their order.
    """
    factor_of = {id(p): factors.get(name, 1.0) for name, p in unwrap(model).named_parameters()}
    groups = []
    for group in optimizer.param_groups:
        by_factor: dict[float, list[nn.Parameter]] = {}
        for p in group["params"]:
            by_factor.setdefault(factor_of[id(p)], []).append(p)
        groups += [{**group, "params": held, "lr": group["lr"] * factor} for factor, held in by_factor.items()]
    optimizer.param_groups = sorted(groups, key=lambda group: -group["lr"])
    return optimizer
