"""Layers and losses as functions, and as modules with their weights."""

from lingon.scratch.nn import functional
from lingon.scratch.nn.module import Module, Parameter, Sequential
from lingon.scratch.nn.modules import (
    Conv1d,
    CrossEntropyLoss,
    Dropout,
    Embedding,
    Flatten,
    Linear,
    LSTMCell,
    ReLU,
    Sigmoid,
    Tanh,
)

__all__ = [
    "Conv1d",
    "CrossEntropyLoss",
    "Dropout",
    "Embedding",
    "Flatten",
    "LSTMCell",
    "Linear",
    "Module",
    "Parameter",
    "ReLU",
    "Sequential",
    "Sigmoid",
    "Tanh",
    "functional",
]
