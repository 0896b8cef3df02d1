"""log-sum-exp of long rows: the normalizer of a token's log probability, without a softmax of the whole row."""

import numpy as np
import torch

from lingon.core.shapes import Float, Tensor
from lingon.kernels.jit import fast_kernel
from lingon.kernels.row_threads import over_rows

F, N = np.float32, np.int32
BLOCK = 1024  # terms that are added in float32 before their sum is added in float64
LEAST = F(-87)  # exp of anything less is negligible beside a term of 1
LOG2E, LN2_HIGH, LN2_LOW, HALF = F(1.44269504), F(0.693359375), F(-2.12194440e-4), F(0.5)
# exp(r) = 1 + r + r^2 P(r) for |r| <= ln(2) / 2, accurate to about 1e-7: coefficients of Cephes (Moshier 1992, expf.c).
P0, P1, P2 = F(1.9875691500e-4), F(1.3981999507e-3), F(8.3334519073e-3)
P3, P4, P5 = F(4.1665795894e-2), F(1.6666665459e-1), F(5.0000001201e-1)
ONE, BIAS, MANTISSA = F(1), N(127), N(23)


def log_sum_exp(x: Float[Tensor, "R V"], largest: Float[Tensor, " R"]) -> Float[Tensor, " R"]:
    """Return log(sum(exp(row))) of each row in float64.

    x: float32 on a CPU, with contiguous rows. largest: the maximum of each row, finite.
    """
    sums = torch.empty(len(x), dtype=torch.float64)
    over_rows(_log_sum_exp, (x.numpy(), largest.numpy(), sums.numpy()), x.shape[1])
    return sums


@fast_kernel
def _log_sum_exp(x, largest, sums):
    for r in range(len(x)):
        row, most, total = x[r], largest[r], 0.0
        parts, powers = np.empty(BLOCK, np.float32), np.empty(BLOCK, np.int32)
        scales = powers.view(np.float32)  # powers of 2, made from the bits of their exponents
        for start in range(0, len(row), BLOCK):
            block = row[start : min(len(row), start + BLOCK)]
            for i in range(len(block)):
                y = max(block[i] - most, LEAST)
                power = np.floor(y * LOG2E + HALF)
                y = y - power * LN2_HIGH - power * LN2_LOW
                p = ((((P0 * y + P1) * y + P2) * y + P3) * y + P4) * y + P5
                parts[i] = p * y * y + y + ONE
                powers[i] = (N(power) + BIAS) << MANTISSA
            of_block = F(0)
            for i in range(len(block)):
                of_block += parts[i] * scales[i]
            total += of_block
        sums[r] = np.log(total) + most
