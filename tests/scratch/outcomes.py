"""What a call gives in scratch and in torch, and how the two differ."""

import operator

import numpy as np
import torch

import lingon.scratch as scratch
from lingon.core.errors import UserError
from tests.scratch.calls import PYTHON, Call, holder, keywords, value

RANDOM = {"rand", "randn", "randint", "randperm", "rand_like", "randn_like", "empty", "dropout"}
ARRAYS = scratch.Tensor | torch.Tensor
LOOSE = {"float16": 2e-3, "float32": 2e-5}


def run(T, call: Call, grad: bool) -> tuple:
    """The result of a call, or the error; the arguments after it; the leaves whose gradients count."""
    first = _first(T, call)
    leaves = [x for a in first for x in (a if isinstance(a, list) else [a]) if isinstance(x, ARRAYS) and _floating(x)]
    leaves = [x.requires_grad_() for x in leaves if x.is_leaf] if grad else []
    args, named = [*first, *(value(T, key) for key in call.more)], {}
    if call.keyword:
        named[call.keyword] = args.pop()
    try:
        return _call(T, call, args, named), args[:1], leaves
    except Exception as error:
        return error, args[:1], leaves


def _first(T, call: Call) -> list:
    if call.first == ("y", "x"):
        x = value(T, "row").requires_grad_()
        return [(x * x).sum(), x]
    return [value(T, key) for key in call.first]


def _call(T, call: Call, args: list, named: dict):
    if call.name.startswith("__"):
        return (PYTHON.get(call.name) or getattr(operator, call.name))(*args, **named)
    if call.place == "Tensor":
        found = getattr(args[0], call.name)
        return found(*args[1:], **named) if callable(found) else found
    found = getattr(holder(T, call.place), call.name)(*args, **named)
    return _learned(found, args[0][0]) if call.place == "optim" else found


def _learned(optimizer, x):
    """The weights after three steps, which say what an optimizer is."""
    for _ in range(3):
        optimizer.zero_grad()
        (x * x * x).sum().backward()
        optimizer.step()
    return x.detach()


def _floating(x) -> bool:
    return x.dtype.is_floating_point if isinstance(x, torch.Tensor) else x.dtype.kind == "f"


def outcome(call: Call, grad: bool) -> str:
    """ "equal" or "refused", or else what is wrong with scratch's answer."""
    truth, rest, leaves = run(torch, call, grad)
    found, ours, our_leaves = run(scratch, call, grad)
    if isinstance(found, Exception):
        return _refusal(call, found, named=not isinstance(truth, Exception))
    if isinstance(truth, Exception):
        return f"gives {str(found)[:60]!r}, while torch raises {type(truth).__name__}: {str(truth)[:80]}"
    if isinstance(truth, torch.nn.Module):
        return _modules(found, truth)
    values = call.name not in RANDOM
    problem = differ(plain(found), plain(truth), values) or differ(plain(ours), plain(rest), values)
    if not problem and leaves and values:
        problem = _gradients(found, our_leaves, truth, leaves)
    return problem or "equal"


def _refusal(call: Call, error: Exception, named: bool) -> str:
    """A refusal is an error of ours, or of Python's own rules of calls and signs; what torch takes it must name."""
    message = str(error)
    if not isinstance(error, UserError) and not (isinstance(error, TypeError) and _pythons(call, message)):
        return f"raises {type(error).__name__}: {message}"
    if not named or "needs the argument" in message:
        return "refused"
    names = {call.keyword} if call.keyword else {call.name, "input", *keywords(call.place, call.name)[0]}
    if call.name.startswith("__") or any(name and name.strip("_") in message for name in names):
        return "refused"
    return f"refuses without a name: {message}"


def _pythons(call: Call, message: str) -> bool:
    return call.name.startswith("__") or "unexpected keyword argument" in message


def plain(x):
    """A result in a form that both libraries have."""
    if isinstance(x, ARRAYS):
        return ("array", np.asarray(x.detach().numpy()), x.requires_grad)
    if isinstance(x, np.ndarray):
        return ("array", x, False)
    if isinstance(x, np.dtype | torch.dtype | torch.device):
        return str(x).removeprefix("torch.")
    if isinstance(x, tuple | list):
        return [plain(one) for one in x]
    if isinstance(x, scratch.tensor(0).memory.__class__):
        return "memory"
    return x if isinstance(x, bool | int | float | str | None) else "something"


def differ(found, truth, values: bool = True) -> str:
    """How two plain results differ; empty where they do not."""
    if isinstance(truth, list):
        if not isinstance(found, list) or len(found) != len(truth):
            return f"{found!r:.80} is not {truth!r:.80}"
        return next((d for d in (differ(*two, values) for two in zip(found, truth, strict=True)) if d), "")
    if not isinstance(truth, tuple):
        same = found == truth or found != found or (isinstance(truth, float) and abs(found - truth) < 1e-6)
        return "" if type(found) is type(truth) and (same or not values) else f"{found!r:.80} is not {truth!r:.80}"
    if not isinstance(found, tuple):
        return f"{found!r:.80} is not an array"
    (_, a, slope), (_, b, true_slope) = found, truth
    if (a.dtype, a.shape, slope) != (b.dtype, b.shape, true_slope):
        return f"{a.dtype} {a.shape} requires_grad={slope} is not {b.dtype} {b.shape} {true_slope}"
    loose = LOOSE.get(a.dtype.name, 1e-9)
    close = not values or np.allclose(a, b, loose, loose, equal_nan=True)
    return "" if close else f"{a.tolist()!r:.120} is not {b.tolist()!r:.120}"


def _gradients(found, ours: list, truth, leaves: list) -> str:
    """How the gradients differ, where the input and torch's gradient are finite."""
    try:
        true_slopes = _slopes(torch, truth, leaves)
    except RuntimeError:  # torch has none either
        return ""
    if true_slopes is None:
        return ""
    for a, b, x in zip(_slopes(scratch, found, ours) or [], true_slopes, leaves, strict=True):
        a, b, x = (np.asarray(one.detach().numpy()) for one in (a, b, x))
        there = np.isfinite(b) & np.isfinite(x)
        if not np.allclose(a[there], b[there], *[LOOSE.get(b.dtype.name, 1e-7)] * 2):
            return f"gradient {a.tolist()!r:.120} is not {b.tolist()!r:.120}"
    return ""


def _slopes(T, result, leaves: list):
    total = None
    for x in result if isinstance(result, tuple | list) else [result]:
        if isinstance(x, ARRAYS) and x.requires_grad:
            weights = T.tensor(np.random.default_rng(1).uniform(0.5, 1.5, tuple(x.shape)))
            part = (x * weights.to(x.dtype)).sum()
            total = part if total is None else total + part
    if total is None:
        return None
    return T.autograd.grad(total, leaves, allow_unused=True, materialize_grads=True)


def _modules(found, truth) -> str:
    """How two modules with the same weights differ, on inputs of several kinds."""
    weights = {name: scratch.tensor(x.numpy()) for name, x in truth.state_dict().items()}
    weights = {name: weights[name] for name in dict(found.named_parameters())}  # torch keeps the weight of a loss there
    found.load_state_dict(weights)
    found.eval(), truth.eval()
    for keys in (("f64",), ("f32",), ("cube",), ("i64 [2]",), ("i64 []",), ("f64", "i64 [2]")):
        results = []
        for T, module in ((scratch, found), (torch, truth)):
            inputs = [value(T, key) for key in keys]
            try:
                results.append(module(*(x.float() if _floating(x) else x for x in inputs)))
            except Exception as error:
                results.append(error)
        problem = "" if isinstance(results[0], UserError | TypeError) else _apart(*results)
        if problem:
            return f"on {keys}: {problem}"
    return "equal"


def _apart(found, truth) -> str:
    if isinstance(truth, Exception) or isinstance(found, Exception):
        return f"{found!r:.80} is not {truth!r:.80}"
    return differ(plain(found), plain(truth))
