"""The rotary embeddings of a published decoder, from its `config.json`, in the old or the new layout."""

from lingon.core.errors import UserError
from lingon.layers.rotary import (
    LinearScaling,
    Llama3Scaling,
    RopeScaling,
    Rotary,
    YarnScaling,
    yarn_magnitude,
)
from lingon.models.config_sizes import ConfigReader


def rotary_of(sizes: ConfigReader, kind: str, head_width: int, theta: float = 10_000.0) -> Rotary:
    """Return the rotary embedding of a type of layers, from rope_theta and rope_scaling or from rope_parameters."""
    head_width = sizes.integer("head_dim", head_width, least=2, most=1 << 12)
    theta = sizes.number("rope_theta", theta)
    _turned_whole(sizes)
    # If both are present, the older key takes precedence, as in transformers.
    found = sizes.section("rope_scaling") or sizes.section("rope_parameters")
    if found is None:
        return Rotary(head_width, theta)
    found = found.section(kind) or found
    theta = found.number("rope_theta", theta)
    scaling, magnitude = _scaling(found, sizes, theta)
    return Rotary(head_width, theta, scaling=scaling, magnitude=magnitude)


def _scaling(rope: ConfigReader, sizes: ConfigReader, theta: float) -> tuple[RopeScaling | None, float]:
    """Return the scaling of the frequencies, and the magnitude of queries and keys."""
    key = "rope_type" if rope.config.get("rope_type") is not None else "type"
    kind = rope.choice(key, "default", ("default", "linear", "llama3", "yarn"))
    _turned_whole(rope)
    if kind == "default":
        return None, 1.0
    factor = rope.number("factor")
    if factor is None:
        raise UserError(f"{rope.family}: key 'factor' is missing")
    if kind == "linear":
        return LinearScaling(factor), 1.0
    most = rope.config.get("original_max_position_embeddings") or sizes.config.get("max_position_embeddings")
    original = sizes.integer("original_max_position_embeddings", most)
    return _yarn(rope, factor, original, theta) if kind == "yarn" else (_llama3(rope, factor, original), 1.0)


def _llama3(rope: ConfigReader, factor: float, original: int) -> RopeScaling:
    low, high = rope.number("low_freq_factor", 1.0), rope.number("high_freq_factor", 4.0)
    if high <= low:
        raise rope.error("high_freq_factor", high, f"a number over low_freq_factor, which is {low:g}")
    return Llama3Scaling(factor, low, high, original)


def _yarn(rope: ConfigReader, factor: float, original: int, theta: float) -> tuple[RopeScaling, float]:
    fast, slow = rope.number("beta_fast", 32.0), rope.number("beta_slow", 1.0)
    if fast <= slow:
        raise rope.error("beta_fast", fast, f"a number over beta_slow, which is {slow:g}")
    if theta <= 1:
        raise rope.error("rope_theta", theta, "a number over 1 for yarn")
    magnitude = rope.number("attention_factor")
    if magnitude is None:
        # DeepSeek's two factors: of queries and keys, and the one already included in its scale of the scores.
        both = rope.number("mscale"), rope.number("mscale_all_dim")
        magnitude = yarn_magnitude(factor)
        if both[0] is not None and both[1] is not None:
            magnitude = yarn_magnitude(factor, both[0]) / yarn_magnitude(factor, both[1])
    return YarnScaling(factor, original, theta, fast, slow, rope.flag("truncate", True)), magnitude


def _turned_whole(sizes: ConfigReader) -> None:
    """Raise UserError if only a part of each head is rotated, which none of these families does."""
    if sizes.number("partial_rotary_factor", 1.0) != 1:
        raise sizes.error("partial_rotary_factor", sizes.config["partial_rotary_factor"], "1 in this family")
