"""The rotations of a published decoder, from the keys of its `config.json`, of the old layout or the new."""

from lingon.core.errors import UserError
from lingon.layers.rotary import RopeScaling, Rotary, linear_scaling, llama3_scaling
from lingon.models.config_sizes import ConfigReader


def rotary_of(sizes: ConfigReader, kind: str, head_width: int, theta: float = 10_000.0) -> Rotary:
    """Return the rotation of a kind of layers: old layout (rope_theta, rope_scaling) or new (rope_parameters)."""
    head_width = sizes.integer("head_dim", head_width, least=2, most=1 << 12)
    theta = sizes.number("rope_theta", theta)
    _turned_whole(sizes)
    # Where both are there, the older key counts, as in transformers.
    found = sizes.section("rope_scaling") or sizes.section("rope_parameters")
    if found is None:
        return Rotary(head_width, theta)
    found = found.section(kind) or found
    return Rotary(head_width, found.number("rope_theta", theta), scaling=_scaling(found, sizes))


def _scaling(rope: ConfigReader, sizes: ConfigReader) -> RopeScaling | None:
    key = "rope_type" if rope.config.get("rope_type") is not None else "type"
    kind = rope.choice(key, "default", ("default", "linear", "llama3"))
    _turned_whole(rope)
    if kind == "default":
        return None
    factor = rope.number("factor")
    if factor is None:
        raise UserError(f"{rope.family}: key 'factor' is missing")
    if kind == "linear":
        return linear_scaling(factor)
    low, high = rope.number("low_freq_factor", 1.0), rope.number("high_freq_factor", 4.0)
    if high <= low:
        raise rope.error("high_freq_factor", high, f"a number over low_freq_factor, which is {low:g}")
    most = rope.config.get("original_max_position_embeddings") or sizes.config.get("max_position_embeddings")
    return llama3_scaling(factor, low, high, sizes.integer("original_max_position_embeddings", most))


def _turned_whole(sizes: ConfigReader) -> None:
    """Raise UserError when only a part of each head is turned, which none of these families does."""
    if sizes.number("partial_rotary_factor", 1.0) != 1:
        raise sizes.error("partial_rotary_factor", sizes.config["partial_rotary_factor"], "1 in this family")
