"""Construction of a model of a published family from its `config.json`, validated before memory is allocated."""

from collections.abc import Mapping

from torch import nn

from lingon.core.errors import UserError, unknown
from lingon.core.shapes_alone import shapes_alone
from lingon.models.config_sizes import ConfigReader
from lingon.models.hub_families import FAMILIES, NEIGHBOURS, families_for


def from_config(config: object, limit: int | None = None, device: str = "cpu", role: str | None = None) -> nn.Module:
    """Return the model that a `config.json` of the Hugging Face layout describes, with fresh weights.

    limit: maximum number of parameters. device: "meta" for shapes only. role: what the model must be usable for,
    "causal", "encoder" or "seq2seq"; None: any. Raises UserError that names the family and the key, before memory is
    allocated. No name in the file is imported.
    """
    if not isinstance(config, Mapping):
        raise UserError(f"a configuration is {str(config)[:40]!r}, expected names with values")
    family, known = config.get("model_type"), list(FAMILIES) if role is None else families_for(role)
    if family in NEIGHBOURS:
        read = ", ".join(families_for("seq2seq"))
        raise UserError(f"{family}: Lingon does not read this family; encoder-decoders that it reads: {read}")
    if not isinstance(family, str) or family not in known:
        raise unknown("model_type", str(family), known)
    sizes = ConfigReader(config, family)
    _refuse_variants(sizes, FAMILIES[family].role)
    make = FAMILIES[family].builder()
    with shapes_alone():
        model = make(sizes)
    numbers = sum(p.numel() for p in model.parameters())
    if limit is not None and numbers > limit:
        raise UserError(f"{family}: these sizes give {numbers:,} parameters; at most {limit:,}, which its weights have")
    return model if device == "meta" else make(sizes)


def _refuse_variants(sizes: ConfigReader, role: str) -> None:
    """Raise UserError for keys of unsupported variants, whose weights would load but compute something else."""
    sizes.refuse("quantization_config", "add_cross_attention", "pruned_heads", "use_mrope")
    if role == "seq2seq":
        sizes.refuse("is_decoder")
        if not sizes.flag("is_encoder_decoder", True):
            raise sizes.error("is_encoder_decoder", False, "true: half of an encoder-decoder is not read")
        return
    sizes.refuse("is_encoder_decoder")
    if role == "encoder":
        sizes.refuse("is_decoder")
    elif not sizes.flag("is_causal", True):
        raise sizes.error("is_causal", False, "true: each token sees those before it")
