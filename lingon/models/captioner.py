"""The interface of captioners, which encode an image once, then generate a caption token by token."""

from typing import Any, Protocol, runtime_checkable

from lingon.core.shapes import Bool, Float, Int, Tensor
from lingon.models.encoder_decoder import Memory


@runtime_checkable
class ImageDecoder(Protocol):
    """A model from an image to a sequence of tokens: an encoder-decoder whose source is an image.

    image_size: height and width of an image in pixels. start_id: read by the decoder before the first token. eos_id:
    ends a caption. pad_id: of padding. context_length: maximum number of tokens of a caption, including start and end.
    """

    image_size: int
    start_id: int
    eos_id: int
    pad_id: int
    context_length: int

    def encode(self, images: Float[Tensor, "B C H W"]) -> Memory:
        """Return the memory of images, with values from 0 to 1: vectors of places, or one of the whole image."""

    def new_state(self, memory: Memory) -> Any:
        """Return the state of the decoder before its first token, a `lingon.decoding.decoder_protocol.DecoderState`."""

    def hidden(
        self, ids: Int[Tensor, "B T"], state: Any, mask: Bool[Tensor, "B T"] | None = None
    ) -> tuple[Float[Tensor, "B T D"], Any]:
        """Return the hidden states after each of the next tokens, and the new state. mask: False for padding (left)."""

    def head(self, hidden: Float[Tensor, "... D"]) -> Float[Tensor, "... V"]:
        """Return the logits of hidden states."""

    def __call__(self, images: Float[Tensor, "B C H W"], ids: Int[Tensor, "B T"]) -> Float[Tensor, "B T D"]:
        """Return the hidden states after each token of whole captions, which begin with `start_id`."""

    def features(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B F"]:
        """Return one vector for each image, for comparing images."""

    def place_attention(self, images: Float[Tensor, "1 C H W"], ids: Int[Tensor, "1 T"]) -> Tensor | None:
        """Return the attention weights of tokens over places, [T, rows, columns]; None without attention."""
