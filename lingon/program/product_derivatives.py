"""The derivatives of matrix products and convolutions."""

from lingon.program import functions as f
from lingon.program.expression import Expression, apply_operator
from lingon.program.gradient_rule import GradientRule, Gradients, unbroadcast


def _windows(node: Expression, g: Expression) -> Gradients:
    return [apply_operator("add_windows", [g], {"length": node.inputs[0].shape[-1], "step": node.attributes["step"]})]


def _add_windows(node: Expression, g: Expression) -> Gradients:
    return [apply_operator("windows", [g], {"size": node.inputs[0].shape[-1], "step": node.attributes["step"]})]


def _matmul(node: Expression, g: Expression) -> Gradients:
    a, b = node.inputs
    # Vectors are treated as matrices of one row or one column, so that one formula covers all cases.
    left = a if len(a.shape) > 1 else f.expand_dims(a, 0)
    right = b if len(b.shape) > 1 else f.expand_dims(b, 1)
    if len(a.shape) == 1:
        g = f.expand_dims(g, len(g.shape) if len(b.shape) == 1 else len(g.shape) - 1)
    if len(b.shape) == 1:
        g = f.expand_dims(g, len(g.shape))
    for_a = unbroadcast(g @ right.swapaxes(-1, -2), left.type).reshape(a.shape) if a.type.real else None
    for_b = unbroadcast(left.swapaxes(-1, -2) @ g, right.type).reshape(b.shape) if b.type.real else None
    return [for_a, for_b]


def _conv1d(node: Expression, g: Expression) -> Gradients:
    """Return the gradients of a convolution, the product of windows of x [B, D, T', K] and filters [C, D, K]."""
    x, weight = node.inputs
    stride, padding = node.attributes["stride"], node.attributes["padding"]
    batch, width, time = x.shape
    length, inner = time + 2 * padding, (slice(None), slice(None), slice(padding, padding + time))
    index = tuple(("slice", s.start, s.stop, s.step) for s in inner)
    wide = apply_operator("place", [x], {"shape": (batch, width, length), "index": index}) if padding else x
    channels, _, kernel = weight.shape
    places = g.shape[2]
    windows = apply_operator("windows", [wide], {"size": kernel, "step": stride})
    rows = windows.transpose(0, 2, 1, 3).reshape(batch * places, width * kernel)
    flat = g.transpose(0, 2, 1).reshape(batch * places, channels)
    for_weight = (flat.T @ rows).reshape(weight.shape)
    spread = (flat @ weight.reshape(channels, width * kernel)).reshape(batch, places, width, kernel)
    used = (places - 1) * stride + kernel  # elements after the last window were not used
    for_x = apply_operator("add_windows", [spread.transpose(0, 2, 1, 3)], {"length": used, "step": stride})
    whole = (("slice", None, None, None), ("slice", None, None, None), ("slice", 0, used, None))
    for_x = apply_operator("place", [for_x], {"shape": (batch, width, length), "index": whole})[inner]
    return [
        unbroadcast(for_x, x.type) if x.type.real else None,
        unbroadcast(for_weight, weight.type) if weight.type.real else None,
    ]


PRODUCT_DERIVATIVES: dict[str, GradientRule] = {
    "matmul": _matmul,
    "conv1d": _conv1d,
    "windows": _windows,
    "add_windows": _add_windows,
}
