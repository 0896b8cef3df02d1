"""What an encoder is: each token gets a vector that depends on its sentence."""

from typing import Protocol, runtime_checkable

from lingon.core.shapes import Bool, Float, Int, Tensor


@runtime_checkable
class Encoder(Protocol):
    """A model for tagging, classification and sentence vectors to stand on. width: D, numbers in a vector."""

    width: int

    def __call__(
        self, ids: Int[Tensor, "B T"], mask: Bool[Tensor, "B T"], token_types: Int[Tensor, "B T"] | None = None
    ) -> Float[Tensor, "B T D"]: ...
