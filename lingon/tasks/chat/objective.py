"""The loss of conversations: how unlikely the assistant's answers are, and nothing that others say."""

import torch
import torch.nn.functional as F
from torch import nn

from lingon.core.shapes import Bool, Float, Int, Tensor
from lingon.data.batches import Batch
from lingon.engine.loss import Loss
from lingon.layers.logprobs import chunked_logprobs
from lingon.layers.packing import pack, worth_packing
from lingon.tasks.language_model.objective import LanguageModule, exact


class AnswerObjective(nn.Module):
    """A causal model with the loss of answers, as one module, so that what wraps it sees the whole step."""

    def __init__(self, model: LanguageModule):
        super().__init__()
        self.model: LanguageModule = model

    def forward(
        self, ids: Int[Tensor, "B T"], mask: Bool[Tensor, "B T"], answer: Int[Tensor, "B T"]
    ) -> Float[Tensor, ""]:
        """Return the sum of -log p of each token of an answer after all that comes before it in its conversation.

        mask: False where a row is padded on the right. answer: 1 where a token is of an answer.
        """
        hidden, targets, _ = states_of_answers(self.model, ids, mask, answer)
        total = exact(self.model, hidden, targets)
        if self.training and hasattr(self.model, "penalty"):
            total = total + self.model.penalty() * len(targets)
        return total


def states_of_answers(
    model: LanguageModule, ids: Int[Tensor, "B T"], mask: Bool[Tensor, "B T"], answer: Int[Tensor, "B T"]
) -> tuple[Float[Tensor, "N D"], Int[Tensor, " N"], Int[Tensor, " N"]]:
    """Return for each token of an answer the state that says it, its id, and the row that it is of.

    On a CPU the rows are packed: nothing is computed for padding, and none sees another. Elsewhere they stay padded on
    the right, which no token before it sees.
    """
    read, targets, kept = ids[:, :-1], ids[:, 1:], (answer[:, 1:] != 0) & mask[:, 1:]
    rows = torch.arange(len(ids), device=ids.device)[:, None].expand_as(targets)
    if hasattr(model, "packed") and worth_packing(mask[:, 1:]):
        packed = pack(mask[:, 1:])
        hidden = model.packed(packed.take(read), packed)[0]
        kept, targets, rows = (packed.take(x)[0] for x in (kept, targets, rows))
        return hidden[kept], targets[kept], rows[kept]
    hidden, _ = model.hidden(read)
    return hidden[kept], targets[kept], rows[kept]


def answer_logprobs(
    model: LanguageModule, ids: Int[Tensor, "B T"], mask: Bool[Tensor, "B T"], answer: Int[Tensor, "B T"]
) -> Float[Tensor, " B"]:
    """Return log p of the answers in each row, given all else."""
    hidden, targets, rows = states_of_answers(model, ids, mask, answer)
    if isinstance(model.output, nn.Linear) and not getattr(model, "softcap", None):
        found = chunked_logprobs(hidden, model.output.weight, model.output.bias, targets)
    else:
        found = -F.cross_entropy(model.head(hidden).float(), targets, reduction="none")
    return found.new_zeros(len(ids)).index_add(0, rows, found)


def answer_loss(objective: nn.Module, batch: Batch) -> Loss:
    """Return the loss of a batch of conversations, over the tokens of answers."""
    counted = (batch.answer[:, 1:] != 0) & batch.mask[:, 1:]
    return Loss(objective(batch.ids, batch.mask, batch.answer), int(counted.sum()))
