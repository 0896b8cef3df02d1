"""The likeliest tokens of each row with their log-probabilities, without computing those of the whole vocabulary."""

import torch

from lingon.core.shapes import Float, Int, Tensor
from lingon.decoding.decoder_protocol import check_finite_logits
from lingon.decoding.largest import largest
from lingon.decoding.token_changes import TokenChanges

WORTH = 1 << 21  # minimum logits for which the compiled sum is worth the time to load it


@torch.inference_mode()
def likeliest(
    logits: Float[Tensor, "R V"], count: int, changes: TokenChanges, where: str = ""
) -> tuple[Float[Tensor, "R C"], Int[Tensor, "R C"]]:
    """Return the log-probabilities (float64) of the likeliest tokens of each row, in descending order, and the tokens.

    changes: of log-probabilities; forbidding tokens does not make others likelier, unless `renormalized`. Raises
    NotFinite for logits without a valid distribution. where: start of the message.
    """
    logits = logits.detach().contiguous()
    most = logits.amax(1)
    check_finite_logits(most[:, None], where)
    sums = _log_sum_exp(logits, most)
    held = changes.make(logits, sums)  # undone below: a copy of all logits would take as long as the sum
    if changes.renormalized:
        left = logits.amax(1)
        sums = torch.where(left == -torch.inf, 0.0, _log_sum_exp(logits, left))  # if no token is left, none can come
    values, tokens = largest(logits, count)
    changes.undo(logits, held)
    return values.double() - sums[:, None], tokens


def _log_sum_exp(logits: Float[Tensor, "R V"], most: Float[Tensor, " R"]) -> Float[Tensor, " R"]:
    """Return the log-sum-exp of each row, in float64. most: the maximum of each row."""
    if logits.device.type != "cpu" or logits.dtype != torch.float32 or logits.numel() < WORTH:
        return logits.double().logsumexp(1)
    from lingon.kernels.log_sum_exp import log_sum_exp

    return log_sum_exp(logits, most)
