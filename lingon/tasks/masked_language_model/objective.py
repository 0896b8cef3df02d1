"""The losses of an encoder's pretraining: saying which tokens were hidden, and which were replaced."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import nn

from lingon.core.eval_view import eval_view
from lingon.core.shapes import Float, Int, Tensor
from lingon.data.batches import Batch, Loader, SequentialOrder
from lingon.engine.loss import Loss
from lingon.engine.precision import in_float32
from lingon.layers.losses import IGNORED, chunked_cross_entropy
from lingon.tasks.masked_language_model.masking import Masking

if TYPE_CHECKING:
    from lingon.tasks.masked_language_model.masked_language_model import MaskedLanguageModel

ROWS = 16  # windows that are evaluated at a time


class MaskedObjective(nn.Module):
    """A masked encoder with its loss, as one module, so that what wraps it sees the whole step."""

    def __init__(self, model: nn.Module, masking: Masking):
        super().__init__()
        self.model: Any = model
        self.masking = masking

    def forward(self, ids: Int[Tensor, "B T"]) -> tuple[Float[Tensor, ""], Int[Tensor, ""]]:
        """Return the sum of -log p(token) over the hidden tokens, and their number."""
        masked = self.masking(ids)
        hidden, targets = hidden_states(self.model, masked.ids, masked.targets)
        weight, bias = self.model.encoder.embedding.weight, self.model.bias
        total = chunked_cross_entropy(self.model.states(hidden), weight, bias, targets, reduction="sum")
        return total, torch.tensor(len(targets))


def hidden_states(
    model: Any, ids: Int[Tensor, "B T"], targets: Int[Tensor, "B T"]
) -> tuple[Float[Tensor, "N D"], Int[Tensor, " N"]]:
    """Return the states of the hidden tokens alone, and what they were: nothing else needs a softmax."""
    states = model.encoder(ids, torch.ones_like(ids, dtype=torch.bool))
    which = targets != IGNORED
    return states[which], targets[which]


def masked_loss(objective: nn.Module, batch: Batch) -> Loss:
    """The loss of a batch of windows, over its hidden tokens."""
    total, count = objective(batch.ids)
    return Loss(total, float(count))


@torch.inference_mode()
def masked_scores(task: "MaskedLanguageModel", model: nn.Module, tokens: Any, length: int = 0) -> dict[str, float]:
    """Return loss, accuracy and perplexity of hidden tokens of a text, whose places depend on the text alone.

    length: of the windows that are read; all that the model reads when 0.
    """
    view, device = eval_view(model), next(model.parameters()).device
    masking, nats, right, count = task.masking(), 0.0, 0, 0
    generator = torch.Generator().manual_seed(0)
    for ids in _batches(task, tokens, length or task.model.context_length):
        masked = masking(ids, generator)
        hidden, targets = hidden_states(view, masked.ids.to(device), masked.targets.to(device))
        if not len(targets):
            continue
        logits = F.linear(view.states(hidden), view.encoder.embedding.weight, view.bias).float()
        nats += float(F.cross_entropy(logits, targets, reduction="sum"))
        right += int((logits.argmax(-1) == targets).sum())
        count += len(targets)
    loss = nats / count if count else float("nan")
    perplexity = float(torch.tensor(loss, dtype=torch.float64).exp())
    return {"loss": loss, "accuracy": right / count if count else float("nan"), "perplexity": perplexity}


def _batches(task: "MaskedLanguageModel", tokens: Any, length: int) -> Iterator[Tensor]:
    windows = task.windows(tokens, length)
    yield from (batch.ids for batch in Loader({"windows": windows}, SequentialOrder(len(windows), ROWS)))


class ReplacedObjective(nn.Module):
    """ELECTRA's loss (Clark et al. 2020, section 2): a small masked encoder puts likely tokens in place of hidden
    ones, and the encoder says of each token whether it is the text's own.

    generator: a masked encoder, smaller. encoder: what is trained to be used. weight: of the second loss.
    """

    def __init__(self, generator: Any, encoder: Any, masking: Masking, weight: float = 50.0):
        super().__init__()
        self.generator: Any = generator
        self.encoder: Any = encoder
        self.masking, self.weight = masking, weight
        self.transform = nn.Linear(encoder.width, encoder.width)
        self.output = nn.Linear(encoder.width, 1)

    def forward(self, ids: Int[Tensor, "B T"]) -> tuple[Float[Tensor, ""], Int[Tensor, ""], dict[str, Tensor]]:
        """Return the sum of both losses over the hidden tokens, their number, and sums to be logged."""
        masked = self.masking(ids)
        hidden, targets = hidden_states(self.generator, masked.ids, masked.targets)
        weight, bias = self.generator.encoder.embedding.weight, self.generator.bias
        states = self.generator.states(hidden)
        generator = chunked_cross_entropy(states, weight, bias, targets, reduction="sum")
        shown = self.replaced(ids, masked.targets, states.detach())
        found, real = self.judged(shown), ~self.masking.special.to(ids.device)[ids]
        wrong = (shown != ids).to(found.dtype)
        each = F.binary_cross_entropy_with_logits(found, wrong, reduction="none")
        mean = (each * real).sum() / real.sum().clamp(min=1)
        count = len(targets)
        right = (((found > 0) == (wrong > 0)) & real).sum() / real.sum().clamp(min=1)
        logs = {"generator_loss": generator.detach(), "detector_loss": mean.detach() * count}
        logs["detector_accuracy"] = right * count
        return generator + self.weight * mean * count, torch.tensor(count), logs

    def judged(self, ids: Int[Tensor, "B T"]) -> Float[Tensor, "B T"]:
        """Return the logit that each token was replaced."""
        states = self.encoder(ids, torch.ones_like(ids, dtype=torch.bool))
        return in_float32(self.output(F.gelu(self.transform(states)))[..., 0])

    @torch.no_grad()
    def replaced(
        self, ids: Int[Tensor, "B T"], targets: Int[Tensor, "B T"], states: Float[Tensor, "N E"]
    ) -> Int[Tensor, "B T"]:
        """Return the text with a token drawn from the generator in each hidden place (Gumbel 1954: an argmax)."""
        logits = F.linear(states, self.generator.encoder.embedding.weight, self.generator.bias).float()
        noise = -torch.empty(logits.shape).exponential_().clamp(min=1e-20).log().to(logits.device)
        shown, which = ids.clone(), targets != IGNORED
        shown[which] = (logits + noise).argmax(-1)
        return shown


def replaced_loss(objective: nn.Module, batch: Batch) -> Loss:
    """The loss of a batch of windows by ELECTRA, over its hidden tokens."""
    total, count, logs = objective(batch.ids)
    return Loss(total, float(count), logs={name: float(value) for name, value in logs.items()})


@torch.no_grad()
def replaced_scores(task: "MaskedLanguageModel", module: nn.Module, tokens: Any, length: int) -> dict[str, float]:
    """Return the loss of saying which tokens were replaced, its accuracy, and that of the generator, of a text.

    The same tokens are replaced every time, whatever the state of PyTorch's generator, which stays as it is.
    """
    view: Any = eval_view(module)
    device = next(module.parameters()).device
    sums, hidden = {"loss": 0.0, "accuracy": 0.0}, 0.0
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        for ids in _batches(task, tokens, length):
            _, count, logs = view(ids.to(device))
            hidden += float(count)
            sums["loss"] += float(logs["detector_loss"])
            sums["accuracy"] += float(logs["detector_accuracy"])
    return {name: value / hidden if hidden else float("nan") for name, value in sums.items()}
