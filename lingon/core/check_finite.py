"""Checks numbers before they are shown to a user: NaN is never returned as an answer."""

from lingon.core.errors import NotFinite
from lingon.core.shapes import Tensor


def check_finite(values: Tensor, what: str) -> Tensor:
    """Return the values. Raises NotFinite if one is NaN or infinite. what: their name in the message."""
    if not values.isfinite().all():
        kind = "NaN" if values.isnan().any() else "infinite"
        raise NotFinite(f"{what} that are {kind}; its weights are broken or immense: train again with a lower --lr")
    return values
