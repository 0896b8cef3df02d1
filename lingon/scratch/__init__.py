"""Arrays with gradients in plain NumPy, under PyTorch's names: code moves to torch by changing the import.

Read it in this order: `tensor.py` (an array remembers how it was made), `node.py`, `record.py`, `derivative_table.py`,
`unary.py`, `arithmetic.py`, `autograd/engine.py` (the backward pass), then the others in any order.

>>> x = tensor([1.0, 2.0], requires_grad=True)
>>> (x * x).sum().backward()
>>> x.grad
tensor([2., 4.])
"""

# ruff: noqa: I001
# fmt: off
from lingon.scratch import casting, operators  # noqa: F401 - give arrays x.to(...) and their signs
from lingon.scratch import autograd, nn, optim
from lingon.scratch.autograd import grad
from lingon.scratch.autograd.functional import hessian, jacobian, jvp, vjp
from lingon.scratch.error_context import MathError
from lingon.scratch.create import (
    arange, as_tensor, empty, eye, from_numpy, full, full_like, linspace, ones, ones_like, tensor, zeros,
    zeros_like,
)
from lingon.scratch.random import manual_seed, rand, rand_like, randint, randn, randn_like, randperm
from lingon.scratch.dtypes import (
    bool, double, float, float16, float32, float64, half, int, int8, int16, int32, int64, long, uint8,
)
from lingon.scratch.arithmetic import add, div, divide, floor_divide, mul, pow, remainder, sub, true_divide
from lingon.scratch.unary import (
    abs, atan, ceil, cos, cosh, exp, expm1, floor, log, log1p, neg, reciprocal, relu, round, sigmoid, sign, sin, sinh,
    softplus, sqrt, square, tan, tanh, trunc,
)
from lingon.scratch.choice import clamp, masked_fill, maximum, minimum, where
from lingon.scratch.comparison import (
    bitwise_and, bitwise_not, bitwise_or, bitwise_xor, eq, ge, gt, isfinite, isinf, isnan, le, logical_and,
    logical_not, logical_or, logical_xor, lt, ne,
)
from lingon.scratch.picture import draw
from lingon.scratch.products import bmm, conv1d, dot, matmul, mm, mv, outer
from lingon.scratch.reductions import all, any, cumsum, mean, prod, std, sum, var
from lingon.scratch.norm import norm
from lingon.scratch.extremes import amax, amin, argmax, argmin, argsort, max, min
from lingon.scratch.closeness import allclose, equal, isclose
from lingon.scratch.probabilities import log_softmax, logsumexp, softmax
from lingon.scratch.shaping import (
    broadcast_to, clone, flatten, flip, permute, reshape, squeeze, t, transpose, tril, triu, unsqueeze,
)
from lingon.scratch.joining import cat, chunk, concat, concatenate, split, stack, unbind
from lingon.scratch.indexing import gather, index_select, scatter_add
from lingon.scratch.derivative_table import DERIVATIVES
from lingon.scratch.tensor import Tensor
from lingon.scratch.grad_mode import (enable_grad, is_grad_enabled, no_grad, set_grad_enabled)

__all__ = [
    "DERIVATIVES",
    "MathError",
    "Tensor",
    "abs",
    "add",
    "all",
    "allclose",
    "amax",
    "amin",
    "any",
    "arange",
    "argmax",
    "argmin",
    "argsort",
    "as_tensor",
    "atan",
    "autograd",
    "bitwise_and",
    "bitwise_not",
    "bitwise_or",
    "bitwise_xor",
    "bmm",
    "bool",
    "broadcast_to",
    "cat",
    "ceil",
    "chunk",
    "clamp",
    "clone",
    "concat",
    "concatenate",
    "conv1d",
    "cos",
    "cosh",
    "cumsum",
    "div",
    "divide",
    "dot",
    "double",
    "draw",
    "empty",
    "enable_grad",
    "eq",
    "equal",
    "exp",
    "expm1",
    "eye",
    "flatten",
    "flip",
    "float",
    "float16",
    "float32",
    "float64",
    "floor",
    "floor_divide",
    "from_numpy",
    "full",
    "full_like",
    "gather",
    "ge",
    "grad",
    "gt",
    "half",
    "hessian",
    "index_select",
    "int",
    "int8",
    "int16",
    "int32",
    "int64",
    "is_grad_enabled",
    "isclose",
    "isfinite",
    "isinf",
    "isnan",
    "jacobian",
    "jvp",
    "le",
    "linspace",
    "log",
    "log1p",
    "log_softmax",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "logsumexp",
    "long",
    "lt",
    "manual_seed",
    "masked_fill",
    "matmul",
    "max",
    "maximum",
    "mean",
    "min",
    "minimum",
    "mm",
    "mul",
    "mv",
    "ne",
    "neg",
    "nn",
    "no_grad",
    "norm",
    "ones",
    "ones_like",
    "optim",
    "outer",
    "permute",
    "pow",
    "prod",
    "rand",
    "rand_like",
    "randint",
    "randn",
    "randn_like",
    "randperm",
    "reciprocal",
    "relu",
    "remainder",
    "reshape",
    "round",
    "scatter_add",
    "set_grad_enabled",
    "sigmoid",
    "sign",
    "sin",
    "sinh",
    "softmax",
    "softplus",
    "split",
    "sqrt",
    "square",
    "squeeze",
    "stack",
    "std",
    "sub",
    "sum",
    "t",
    "tan",
    "tanh",
    "tensor",
    "transpose",
    "tril",
    "triu",
    "true_divide",
    "trunc",
    "uint8",
    "unbind",
    "unsqueeze",
    "var",
    "vjp",
    "where",
    "zeros",
    "zeros_like",
]
