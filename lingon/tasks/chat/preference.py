"""DPO: a model learns which answers people prefer, by how much more likely it makes them than the reference model does.

Source: Rafailov et al. 2023, "Direct Preference Optimization", section 4, equation 7.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from lingon.core.errors import DataError
from lingon.core.eval_view import eval_view
from lingon.core.shapes import Float, Tensor
from lingon.data.batches import Batch, Loader, Values
from lingon.data.conversations import Preference
from lingon.engine.loss import Loss
from lingon.layers.lora import without_lora
from lingon.tasks.chat.columns import chat_columns, chat_loader
from lingon.tasks.chat.encoding import EncodedChat
from lingon.tasks.chat.objective import answer_logprobs
from lingon.tasks.chat.scoring import AT_ONCE, last_answer, logprobs_of

if TYPE_CHECKING:
    from lingon.tasks.chat.chat_model import ChatModel

CHOSEN, REJECTED = "chosen_", "rejected_"  # before the names of their columns


class EncodedPreferences(NamedTuple):
    """Preferences as ids. reference: log p of the chosen and of the rejected answers, by the model before training."""

    chosen: list[EncodedChat]
    rejected: list[EncodedChat]
    reference: Float[Tensor, "N 2"]


class DPO(nn.Module):
    """A causal model with the loss -log sigmoid(beta * (reward of the chosen - reward of the rejected answer)).

    The reward of an answer is how much likelier it is than the reference makes it: log p - log p_reference. What the
    reference says changes nothing while training, so that it is computed once, before it (`encode_preferences`), and no
    second model is in memory.
    """

    def __init__(self, model: nn.Module, beta: float):
        super().__init__()
        self.model, self.beta = model, beta

    def forward(self, batch: Batch) -> Float[Tensor, " B"]:
        """Return beta times how much larger the reward of each chosen answer is than that of the rejected one."""
        logprobs = [
            answer_logprobs(self.model, batch[f"{name}ids"], batch[f"{name}mask"], batch[f"{name}answer"])
            for name in (CHOSEN, REJECTED)
        ]
        rewards = torch.stack(logprobs, 1) - batch["reference"]
        return self.beta * (rewards[:, 0] - rewards[:, 1])


def dpo_loss(objective: nn.Module, batch: Batch) -> Loss:
    """Return the loss of a batch of preferences, with how often and by how much the chosen answer is rewarded more."""
    margins = objective(batch)
    logs = {"reward_accuracy": float((margins > 0).sum()), "reward_margin": float(margins.detach().sum())}
    return Loss(-F.logsigmoid(margins).sum(), len(batch), logs=logs)


def encode_preferences(chat: "ChatModel", preferences: Sequence[Preference], max_length: int) -> EncodedPreferences:
    """Encode preferences and ask the model, without what LoRA adds, how likely their answers are.

    Raises DataError for a prompt that leaves no room for an answer.
    """
    both: list[list[EncodedChat]] = []
    for name in ("chosen", "rejected"):
        rows = [last_answer(chat, one.conversation(getattr(one, name)), max_length) for one in preferences]
        for number, row in enumerate(rows, 1):
            if not any(row.answer[1:]):
                raise DataError(f"preference {number}: its prompt fills --max-length {max_length:,}; raise it")
        both.append(rows)
    with without_lora(chat.model):
        said = [logprobs_of(chat.model, rows, chat.tokenizer.pad_id) for rows in both]
    return EncodedPreferences(both[0], both[1], torch.tensor(said).T.contiguous())


def preference_loader(encoded: EncodedPreferences, pad: int, how: dict) -> Loader:
    """Return the batches of preferences; the tokens of both answers count against the budget."""
    columns = chat_columns(encoded.chosen, pad, CHOSEN) | chat_columns(encoded.rejected, pad, REJECTED)
    lengths = np.array([len(a.ids) + len(b.ids) for a, b in zip(encoded.chosen, encoded.rejected, strict=True)])
    return chat_loader(columns | {"reference": Values("reference", encoded.reference)}, lengths, how)


def preference_evaluator(encoded: EncodedPreferences, pad: int) -> Callable[[nn.Module], dict[str, float]]:
    """Return a function of a DPO that gives its loss, reward accuracy and margin on these preferences."""

    def evaluate(objective: nn.Module) -> dict[str, float]:
        view, sums, device = eval_view(objective), dict[str, float](), next(objective.parameters()).device
        with torch.inference_mode():
            for batch in preference_loader(encoded, pad, {"max_tokens": AT_ONCE, "shuffle": False}):
                loss = dpo_loss(view, batch.to(device))
                for name, value in {"loss": float(loss.total), **loss.logs}.items():
                    sums[name] = sums.get(name, 0.0) + value
        return {name: value / len(encoded.chosen) for name, value in sums.items()}

    return evaluate
