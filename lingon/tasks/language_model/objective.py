"""Language modeling: the loss that is trained on running text, and the exact likelihood of a text."""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import nn

from lingon.core.check_finite import check_finite
from lingon.core.eval_view import eval_view
from lingon.core.progress import track
from lingon.core.shapes import Float, Int, Tensor
from lingon.data.batches import Batch, Tokens, contiguous_batches
from lingon.engine.loss import Loss
from lingon.layers.adaptive_softmax import AdaptiveSoftmax
from lingon.layers.losses import IGNORED, Proposal, chunked_cross_entropy, sampled_cross_entropy
from lingon.layers.recurrent_state import RecurrentState
from lingon.metrics.likelihood import Likelihood, neural_cache, sliding_windows

LanguageModule = Any  # an nn.Module with `embedding`, `hidden`, `head`, `output` and `new_state`
Softmax = Callable[[LanguageModule, Float[Tensor, "N D"], Int[Tensor, " N"]], Float[Tensor, ""]]


def exact(model: LanguageModule, hidden: Float[Tensor, "N D"], targets: Int[Tensor, " N"]) -> Float[Tensor, ""]:
    """The model's own softmax, in chunks where its last layer is linear, so that the logits never exist at once."""
    if isinstance(model.output, AdaptiveSoftmax):
        kept = targets != IGNORED
        return model.output.loss(hidden[kept], targets[kept])
    if getattr(model, "softcap", None):
        return nn.functional.cross_entropy(model.head(hidden).float(), targets, reduction="sum")
    return chunked_cross_entropy(hidden, model.output.weight, model.output.bias, targets, reduction="sum")


def sampled(propose: Proposal) -> Softmax:
    """A softmax over each target and a few negatives that `propose` draws; for training only."""

    def loss(model: LanguageModule, hidden: Float[Tensor, "N D"], targets: Int[Tensor, " N"]) -> Float[Tensor, ""]:
        return sampled_cross_entropy(hidden, model.output.weight, model.output.bias, targets, propose, "sum")

    return loss


class Objective(nn.Module):
    """A language model with the loss it is trained by, as one module, so that what wraps it sees the whole step.

    softmax: the sum of -log p(target) from states [N, D]; targets that are IGNORED do not count.
    """

    def __init__(self, model: LanguageModule, softmax: Softmax = exact):
        super().__init__()
        self.model: LanguageModule = model
        self.softmax = softmax

    def forward(self, ids: Int[Tensor, "B T"], targets: Int[Tensor, "B T"], state: Any = None) -> tuple[Tensor, Any]:
        """The sum of the losses of all targets, and what the model carries on.

        A model's penalty is a mean of its own; it counts once for each position, so that batches of any size add up.
        """
        hidden, state = self.model.hidden(ids, state)
        total = self.softmax(self.model, hidden.reshape(-1, hidden.shape[-1]), targets.reshape(-1))
        if self.training and hasattr(self.model, "penalty"):
            total = total + self.model.penalty() * targets.numel()
        return total, state


def fresh_loss(objective: nn.Module, batch: Batch) -> Loss:
    """The loss of a batch of running text that begins with nothing carried."""
    return Loss(objective(batch.ids, batch.targets)[0], _counted(batch))


def carried_loss(objective: nn.Module, batch: Batch, carry: dict[str, Tensor] | None = None) -> Loss:
    """The loss of a batch that begins where the last one ended: truncated backpropagation through time.

    States are carried, gradients are not (Mikolov et al. 2010). carry: the states after the last batch, by name.
    """
    state = None if carry is None or not batch.continues else RecurrentState.from_tensors(carry, 0)
    total, after = objective(batch.ids, batch.targets, state)
    return Loss(total, _counted(batch), after.detach().tensors())


def _counted(batch: Batch) -> int:
    return int((batch.targets != IGNORED).sum())


@torch.no_grad()
def likelihood(
    model: LanguageModule, tokens: Tokens, context: int, rows: int = 1, stride: int | None = None, bytes: int = 0
) -> Likelihood:
    """The exact likelihood of a text; every token but the first is predicted once, by the full softmax.

    A recurrent model reads on from the first token to the last, in `rows` lanes, each of which starts without a past
    (1 gives every token its whole past). Any other model sees at most `context` tokens, and at least
    context - stride before each but the first; stride is half the context when not given.
    bytes: of the text in UTF-8, for bits per byte.
    """
    model = eval_view(model)  # others may be training it at this moment
    parts: Iterator[tuple[Tensor, int]]
    if recurrent(model):
        parts = ((_nats(model, *part).sum(), len(part[1])) for part in _read_on(model, tokens, max(context, 256), rows))
    else:
        parts = _strided(model, tokens, context, stride or max(1, context // 2), rows)
    predicted, sums = _predicted(model, tokens, rows), []
    with track(predicted, "measuring", "token") as bar:
        for nats, count in parts:
            sums.append(nats)
            bar.advance(count)
    return Likelihood(float(torch.stack(sums).double().sum()), predicted, bytes)


def check_likelihood(found: Likelihood) -> Likelihood:
    """Gives a likelihood back. Raises NotFinite where it is none, as that of a model with broken weights."""
    check_finite(torch.tensor(found.nats), "the model gave log-probabilities")
    return found


def recurrent(model: LanguageModule) -> bool:
    """Whether a model carries a state of one size that holds all of its past."""
    return isinstance(model.new_state(1, 1), RecurrentState)


@torch.no_grad()
def cached_likelihood(
    model: LanguageModule, tokens: Tokens, share: float = 0.1279, flatness: float = 0.662, window: int = 2000
) -> Likelihood:
    """The exact likelihood with a cache of recent states; see `lingon.metrics.likelihood.neural_cache`."""
    model = eval_view(model)
    parts = list(_read_on(model, tokens, 256, 1))
    nats = torch.cat([_nats(model, *part) for part in parts])
    hidden, targets = torch.cat([h for h, _ in parts]), torch.cat([t for _, t in parts])
    found = neural_cache(hidden.float(), targets, (-nats).exp(), share, flatness, window)
    return Likelihood(float(-found.double().log().sum()), len(targets))


def _read_on(model: LanguageModule, tokens: Tokens, context: int, rows: int) -> Iterator[tuple[Tensor, Tensor]]:
    """States and targets of a text that a recurrent model reads in contiguous order."""
    state, device = None, next(model.parameters()).device
    for batch in contiguous_batches(tokens, min(rows, len(tokens) - 1), context):
        batch = batch.to(device)
        hidden, state = model.hidden(batch.ids, state)
        yield hidden.reshape(-1, hidden.shape[-1]), batch.targets.reshape(-1)


def _predicted(model: LanguageModule, tokens: Tokens, rows: int) -> int:
    rows = min(rows, len(tokens) - 1) if recurrent(model) else 1
    return (len(tokens) - 1) // rows * rows


def _strided(
    model: LanguageModule, tokens: Tokens, context: int, stride: int, rows: int
) -> Iterator[tuple[Tensor, int]]:
    """Sums of -log probabilities of a text that is read in windows, each with the number of its tokens."""
    device = next(model.parameters()).device
    parts = list(sliding_windows(len(tokens) - 1, context, stride))
    alike = [part for part in parts if part[1] - part[0] == context]
    groups = [alike[i : i + rows] for i in range(0, len(alike), rows)] or [parts]  # one short window
    for group in groups:
        read = torch.stack([torch.as_tensor(tokens[a : b + 1]) for a, b, _ in group]).long().to(device)
        hidden = model.hidden(read[:, :-1])[0]
        for row, target, (_, _, new) in zip(hidden, read[:, 1:], group, strict=True):
            yield _nats(model, row[-new:], target[-new:]).sum(), new


def _nats(model: LanguageModule, hidden: Float[Tensor, "N D"], targets: Int[Tensor, " N"]) -> Float[Tensor, " N"]:
    """-log probability of each target; no more logits at a time than a few megabytes hold."""
    rows = max(1, (8 << 20) // model.embedding.num_embeddings)
    parts = zip(hidden.split(rows), targets.split(rows), strict=True)
    return torch.cat([nn.functional.cross_entropy(model.head(h).float(), t, reduction="none") for h, t in parts])
