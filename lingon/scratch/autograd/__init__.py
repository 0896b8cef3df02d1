"""Gradients: `grad` of results, Jacobians of functions, and a check of gradients by finite differences."""

from lingon.scratch.autograd import functional
from lingon.scratch.autograd.differences import gradcheck
from lingon.scratch.autograd.engine import grad
from lingon.scratch.grad_mode import enable_grad, no_grad, set_grad_enabled

__all__ = ["enable_grad", "functional", "grad", "gradcheck", "no_grad", "set_grad_enabled"]
