"""One pass of dual coordinate descent over sparse examples: the loop of linear support vector machines and of ridge."""

import numpy as np

from lingon.kernels.jit import fast_kernel

UNBOUNDED = np.float32(-3e38)  # the loop is compiled as if no number were infinite


@fast_kernel
def descend(rows, values, starts, ends, order, targets, upper, hinge, alphas, table, bias):
    """Make one step for every output of some examples, in their order; return the gain and the loss.

    Each output is a problem of its own (Hsieh et al. 2008, "A Dual Coordinate Descent Method for Large-scale Linear
    SVM", algorithm 1, L2-SVM; without the bound and the sign, that of ridge regression: Ho and Lin 2012, section 3.2,
    at epsilon = 0):

        hinge:  min_w  |w|^2 / 2 + sum_i C_i max(0, 1 - s_i w.x_i)^2,   w = sum_i alpha_i s_i x_i,  s_i = +-1
        else:   min_w  |w|^2 / 2 + sum_i C_i (y_i - w.x_i)^2,           w = sum_i alpha_i x_i

    rows, values: the features of all examples [M]; those of example i stand from starts[i] to ends[i]. order: numbers
    of the examples to visit [B]. targets: their s_i or y_i [B, K]; upper: their C_i [B, K]. alphas: the dual variables
    of all examples [N, K], updated. table: the weights [R, K], updated, and bias [K], the weights of a feature that is
    1 everywhere. The gain is how far the dual objective rose; it is 0 where all alphas are 0, and highest at the
    optimum. The loss is the sum of what each example lost before its step.
    """
    outputs = table.shape[1]
    scores = np.empty(outputs, np.float32)
    lowest = np.float32(0) if hinge else UNBOUNDED
    gain, loss = 0.0, 0.0
    for n in range(len(order)):
        i = order[n]
        square = np.float32(1)
        for c in range(outputs):
            scores[c] = bias[c]
        for k in range(starts[i], ends[i]):
            value, row = values[k], rows[k]
            square += value * value
            for c in range(outputs):
                scores[c] += value * table[row, c]
        for c in range(outputs):
            ridge = np.float32(0.5) / upper[n, c]
            sign = targets[n, c] if hinge else np.float32(1)
            goal = np.float32(1) if hinge else targets[n, c]
            alpha = alphas[i, c]
            margin = sign * scores[c]
            if margin < goal or not hinge:
                loss += (goal - margin) ** 2
            gradient = margin - goal + ridge * alpha
            alphas[i, c] = max(alpha - gradient / (square + ridge), lowest)
            change = alphas[i, c] - alpha
            gain -= change * (gradient + change * (square + ridge) / 2)
            scores[c] = sign * change
            bias[c] += scores[c]
        for k in range(starts[i], ends[i]):
            value, row = values[k], rows[k]
            for c in range(outputs):
                table[row, c] += value * scores[c]
    return gain, loss
