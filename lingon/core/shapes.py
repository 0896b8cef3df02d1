"""The letters used in shapes, and the array types that are annotated with them.

| letter | meaning |
|---|---|
| B | batch: texts in a batch |
| T | time: tokens of the longest text in a batch, or of the target |
| S | tokens of the current step: the queries of an attention to T keys |
| D | width: size of the vector of a token or text |
| H | heads |
| K | width of one head |
| V | size of the vocabulary |
| C | classes |
| N | tokens of a packed batch, with all texts in one row |

`mask` is [B, T], True for tokens of the text and False for padding.
"""

from jaxtyping import Bool, Float, Int, UInt8
from torch import Tensor

__all__ = ["Bool", "Float", "Int", "Tensor", "UInt8"]
