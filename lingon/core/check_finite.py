"""Numbers that a user is shown are numbers: NaN is never given as an answer."""

from lingon.core.errors import NotFinite
from lingon.core.shapes import Tensor


def check_finite(values: Tensor, what: str) -> Tensor:
    """Gives the values back. Raises NotFinite when one is NaN or infinite, `what` being their name in the message."""
    if not values.isfinite().all():
        kind = "NaN" if values.isnan().any() else "infinite"
        raise NotFinite(f"{what} that are {kind}; its weights are broken or immense: train again with a lower --lr")
    return values
