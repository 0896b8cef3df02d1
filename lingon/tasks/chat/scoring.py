"""How well a chat model gives the answers of conversations, and whether it prefers what people prefer."""

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import torch
from torch import nn

from lingon.core.check_finite import check_finite
from lingon.core.errors import UserError
from lingon.core.eval_view import eval_view
from lingon.data.conversations import Conversation, Dialogue, Preference
from lingon.metrics.likelihood import Likelihood, exp
from lingon.metrics.scores import Scores
from lingon.tasks.chat.columns import chat_columns, chat_loader, encode_chats
from lingon.tasks.chat.encoding import EncodedChat
from lingon.tasks.chat.objective import AnswerObjective, answer_logprobs, answer_loss
from lingon.tasks.language_model.prologue import context_length

if TYPE_CHECKING:
    from lingon.tasks.chat.chat_model import ChatModel

AT_ONCE = 2_048  # tokens of a batch that is only read: more is no faster, and would be the most memory of a training
LONGEST = 4_096  # tokens of a conversation that is scored by a model without a longest context


def scores_of(chat: "ChatModel", examples: Sequence[Dialogue]) -> Scores:
    """Return the loss and perplexity of a token of the answers; of preferences, of the preferred answers.

    Of preferences also `preference_accuracy`: how often the preferred answer is the likelier one of the two.
    Raises UserError for no examples, NotFinite for broken weights.
    """
    if not examples:
        raise UserError("there are no conversations to evaluate on")
    preferences = [one for one in examples if isinstance(one, Preference)]
    conversations = [one for one in examples if isinstance(one, Conversation)]
    conversations += [one.conversation(one.chosen) for one in preferences]
    length = context_length(chat.model) or LONGEST
    encoded = encode_chats(chat.encoder, conversations, length)
    encoded.tell(length)
    found = likelihood(chat.model, encoded.rows, chat.tokenizer.pad_id)
    check_finite(torch.tensor(found.nats), "the model gave log-probabilities")
    values = found.scores()
    if preferences:
        values = {"preference_accuracy": preference_accuracy(chat, preferences, length), **values}
    return Scores(values, "preference_accuracy" if preferences else "perplexity")


def likelihood(model: nn.Module, rows: Sequence[EncodedChat], pad: int) -> Likelihood:
    """Return how likely the answers of rows are. The model stays in its mode; broken weights give NaN."""
    objective, nats, tokens = AnswerObjective(eval_view(model)).eval(), 0.0, 0.0
    device = next(model.parameters()).device
    with torch.inference_mode():
        for batch in chat_loader(*_read(rows, pad)):
            loss = answer_loss(objective, batch.to(device))
            nats, tokens = nats + float(loss.total), tokens + loss.count
    return Likelihood(nats, int(tokens))


def evaluator_of(rows: Sequence[EncodedChat], pad: int) -> Callable[[nn.Module], dict[str, float]]:
    """Return a function of an objective that gives loss and perplexity on these rows."""

    def evaluate(objective: nn.Module) -> dict[str, float]:
        loss = likelihood(objective.get_submodule("model"), rows, pad).loss
        return {"loss": loss, "perplexity": exp(loss) if math.isfinite(loss) else math.nan}

    return evaluate


def logprobs_of(model: nn.Module, rows: Sequence[EncodedChat], pad: int) -> list[float]:
    """Return log p of the answers of each row by a model in evaluation mode, in the order of the rows."""
    view, out, device = eval_view(model), [math.nan] * len(rows), next(model.parameters()).device
    with torch.inference_mode():
        for batch in chat_loader(*_read(rows, pad)):
            there = batch.to(device)
            found = answer_logprobs(view, there.ids, there.mask, there.answer)
            for i, value in zip(batch.index.tolist(), found.tolist(), strict=True):
                out[i] = value
    return out


def preference_accuracy(chat: "ChatModel", preferences: Sequence[Preference], length: int) -> float:
    """Return how often the preferred answer is likelier than the other one, both as wholes."""
    both = []
    for name in ("chosen", "rejected"):
        pairs = [one.conversation(getattr(one, name)) for one in preferences]
        both.append(logprobs_of(chat.model, [last_answer(chat, one, length) for one in pairs], chat.tokenizer.pad_id))
    return sum(a > b for a, b in zip(*both, strict=True)) / len(preferences)


def last_answer(chat: "ChatModel", conversation: Conversation, max_length: int) -> EncodedChat:
    """Return a conversation with its last answer alone marked, cut after `max_length` tokens."""
    row = chat.encoder.encode(conversation)[-1]
    last = max(i for i, own in enumerate(row.answer) if own)
    first = next((i + 1 for i in range(last, -1, -1) if not row.answer[i]), 0)
    marked = [first <= i <= last for i in range(len(row.ids))]
    return EncodedChat(row.ids[:max_length], marked[:max_length])


def _read(rows: Sequence[EncodedChat], pad: int) -> tuple:
    columns = chat_columns(rows, pad)
    return columns, columns["texts"].lengths(), {"max_tokens": AT_ONCE, "shuffle": False}
