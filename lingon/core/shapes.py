"""The legend of shapes, and the array types that carry them.

| letter | meaning |
|---|---|
| B | batch: texts in a batch |
| T | time: tokens of the longest text in a batch, or of the target |
| S | tokens that are read now: the queries of an attention to T keys |
| D | width: numbers that describe one token or text |
| H | heads |
| K | width of one head |
| V | vocabulary: how many tokens are known |
| C | classes |
| N | tokens of a packed batch, all texts in one row |

`mask` is [B, T], True where a token is of the text and False where it is padding.
"""

from jaxtyping import Bool, Float, Int, UInt8
from torch import Tensor

__all__ = ["Bool", "Float", "Int", "Tensor", "UInt8"]
