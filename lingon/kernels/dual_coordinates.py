"""One pass of dual coordinate descent over sparse examples: the loop of linear support vector machines."""

import numpy as np

from lingon.kernels.jit import fast_kernel


@fast_kernel
def descend(rows, values, starts, ends, order, labels, upper, alphas, table, bias):
    """Make one step for every class of some examples, in their order; return the gain and the loss.

    Each class is a problem of its own, one against the rest, with the squared hinge loss (Hsieh et al. 2008, "A Dual
    Coordinate Descent Method for Large-scale Linear SVM", algorithm 1, L2-SVM):

        min_w  |w|^2 / 2 + sum_i C_i max(0, 1 - s_i w.x_i)^2,   w = sum_i alpha_i s_i x_i,  s_i = +-1

    rows, values: the features of all examples [M]; those of example i stand from starts[i] to ends[i]. order: numbers
    of the examples to visit [B]. labels: their class numbers [B]; upper: their C_i [B]. alphas: the dual variables of
    all examples [N, K], updated. table: the weights [R, K], updated, and bias [K], the weights of a feature that is 1
    everywhere. The gain is how far the dual objective rose; it is 0 where all alphas are 0, and highest at the
    optimum. The loss is the sum of what each example lost before its step.
    """
    classes = table.shape[1]
    scores = np.empty(classes, np.float32)
    gain, loss = 0.0, 0.0
    for n in range(len(order)):
        i = order[n]
        square = np.float32(1)
        for c in range(classes):
            scores[c] = bias[c]
        for k in range(starts[i], ends[i]):
            value, row = values[k], rows[k]
            square += value * value
            for c in range(classes):
                scores[c] += value * table[row, c]
        ridge = np.float32(0.5) / upper[n]
        for c in range(classes):
            sign = np.float32(1) if labels[n] == c else np.float32(-1)
            alpha = alphas[i, c]
            margin = sign * scores[c]
            if margin < 1:
                loss += (1 - margin) ** 2
            gradient = margin - 1 + ridge * alpha
            alphas[i, c] = max(alpha - gradient / (square + ridge), np.float32(0))
            change = alphas[i, c] - alpha
            gain -= change * (gradient + change * (square + ridge) / 2)
            scores[c] = sign * change
            bias[c] += scores[c]
        for k in range(starts[i], ends[i]):
            value, row = values[k], rows[k]
            for c in range(classes):
                table[row, c] += value * scores[c]
    return gain, loss
