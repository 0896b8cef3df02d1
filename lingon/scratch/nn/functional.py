"""Layers and losses as functions, in one namespace as in PyTorch."""

from lingon.scratch.nn.layer_functions import dropout, embedding, linear, log_softmax, one_hot, pad, softmax, softplus
from lingon.scratch.nn.losses import binary_cross_entropy_with_logits, cross_entropy, l1_loss, mse_loss, nll_loss
from lingon.scratch.products import conv1d
from lingon.scratch.unary import relu, sigmoid, tanh

__all__ = [
    "binary_cross_entropy_with_logits",
    "conv1d",
    "cross_entropy",
    "dropout",
    "embedding",
    "l1_loss",
    "linear",
    "log_softmax",
    "mse_loss",
    "nll_loss",
    "one_hot",
    "pad",
    "relu",
    "sigmoid",
    "softmax",
    "softplus",
    "tanh",
]
