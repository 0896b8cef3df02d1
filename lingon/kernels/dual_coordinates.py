"""One pass of dual coordinate descent over sparse examples, for linear support vector machines and ridge regression."""

import numpy as np

from lingon.kernels.jit import fast_kernel


@fast_kernel
def descend(rows, values, starts, ends, order, targets, upper, error, alphas, table, bias):
    """Make one step for every output of some examples, in the given order; return the gain and the loss.

    The outputs are independent problems (Hsieh et al. 2008, "A Dual Coordinate Descent Method for Large-scale Linear
    SVM", algorithm 1, L2-SVM; without the bound and the sign it is ridge regression: Ho and Lin 2012, section 3.2,
    with epsilon = 0):

        min_w  |w|^2 / 2 + sum_i C_i max(0, 1 - s_i w.x_i)^2,   w = sum_i alpha_i s_i x_i,  s_i = +-1
        min_w  |w|^2 / 2 + sum_i C_i (y_i - w.x_i)^2,           w = sum_i alpha_i x_i

    error: None for the first, the squared hinge loss; anything else, such as 2, for the second, the squared error. The
    two differ in type, so that the loop is compiled separately for each. rows, values: the features of all examples
    [M]; those of example i are from starts[i] to ends[i]. order: numbers of the examples to visit [B]. targets: their
    s_i or y_i [B, K]. upper: their C_i [B, K]. alphas: the dual variables of all examples [N, K], updated. table: the
    weights [R, K], updated. bias: [K], updated, the weights of a feature that is always 1. The gain is the increase of
    the dual objective, which is 0 if all alphas are 0, and highest at the optimum. The loss is the sum of the losses of
    the examples, each before its step.
    """
    outputs = table.shape[1]
    scores = np.empty(outputs, np.float32)
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
            alpha = alphas[i, c]
            if error is None:
                sign = targets[n, c]
                margin = sign * scores[c]
                if margin < 1:
                    loss += (1 - margin) ** 2
                gradient = margin - 1 + ridge * alpha
                alphas[i, c] = max(alpha - gradient / (square + ridge), np.float32(0))
            else:
                sign = np.float32(1)
                loss += (targets[n, c] - scores[c]) ** 2
                gradient = scores[c] - targets[n, c] + ridge * alpha
                alphas[i, c] = alpha - gradient / (square + ridge)
            change = alphas[i, c] - alpha
            gain -= change * (gradient + change * (square + ridge) / 2)
            scores[c] = sign * change
            bias[c] += scores[c]
        for k in range(starts[i], ends[i]):
            value, row = values[k], rows[k]
            for c in range(outputs):
                table[row, c] += value * scores[c]
    return gain, loss
