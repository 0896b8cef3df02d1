"""The likeliest tokens of each row with their log-probabilities, without those of the whole vocabulary."""

import torch

from lingon.core.shapes import Float, Int, Tensor
from lingon.decoding.decoder_protocol import check_finite_logits
from lingon.decoding.largest import largest

WORTH = 1 << 21  # logits from which the compiled sum is worth the time that it takes to load


@torch.inference_mode()
def likeliest(
    logits: Float[Tensor, "R V"], count: int, never: Int[Tensor, " N"], where: str = ""
) -> tuple[Float[Tensor, "R C"], Int[Tensor, "R C"]]:
    """Return the log-probabilities (float64) of the likeliest tokens of each row, likeliest first, and the tokens.

    never: tokens that are not taken; the others are not made likelier by that. Raises NotFinite for logits from which
    no probabilities follow. where: begins the message.
    """
    logits = logits.detach().contiguous()
    most = logits.amax(1)
    check_finite_logits(most[:, None], where)
    sums, held = _log_sum_exp(logits, most), logits[:, never]
    logits[:, never] = -torch.inf  # put back below: a copy of all of them would take as long as the sum
    values, tokens = largest(logits, count)
    logits[:, never] = held
    return values.double() - sums[:, None], tokens


def _log_sum_exp(logits: Float[Tensor, "R V"], most: Float[Tensor, " R"]) -> Float[Tensor, " R"]:
    """Return the logarithm of the sum of exponentials of each row, in float64. most: the greatest of each row."""
    if logits.device.type != "cpu" or logits.dtype != torch.float32 or logits.numel() < WORTH:
        return logits.double().logsumexp(1)
    from lingon.kernels.log_sum_exp import log_sum_exp

    return log_sum_exp(logits, most)
