"""From conversations, or preferences, and settings to a chat model that is ready to be tuned."""

from collections.abc import Sequence
from functools import partial
from typing import Any, cast

from torch import nn

from lingon.core.seed import seed_everything
from lingon.core.terminal import printable
from lingon.data.conversations import Conversation, ConversationSplits, Preference
from lingon.kernels.allocator import keep_freed_memory
from lingon.metrics.scores import Scores
from lingon.models.registry import name_of
from lingon.tasks.chat.chat_model import ChatModel
from lingon.tasks.chat.columns import chat_columns, chat_loader, encode_chats
from lingon.tasks.chat.from_weights import started_chat
from lingon.tasks.chat.objective import AnswerObjective, answer_loss
from lingon.tasks.chat.preference import DPO, dpo_loss, encode_preferences, preference_evaluator, preference_loader
from lingon.tasks.chat.scoring import evaluator_of
from lingon.tasks.chat.settings import Settings
from lingon.tasks.language_model.prepare import recomputing
from lingon.tasks.settings import filled_in
from lingon.tasks.training import TrainContext, Training

LARGEST = 32 << 20  # bytes: of larger arrays, in batches that are all of other lengths, more holes are left than kept


def prepare(data: ConversationSplits, settings: Settings, context: TrainContext) -> Training:
    """Return a chat model with the weights to start from, ready to learn answers, or what is preferred."""
    keep_freed_memory(LARGEST)
    seed_everything(settings.seed)
    assert context.pretrained is not None, "settings are checked"
    chat = started_chat(context.pretrained.take(), settings)
    chat.model.to(context.device)
    if settings.gradient_checkpointing:
        recomputing(chat.model)
    how: dict[str, Any] = {"max_tokens": settings.max_tokens_per_batch, "batch_size": settings.batch_size}
    how |= {"seed": settings.seed, "rank": context.world.rank, "world": context.world.size}
    parts = _preferring(chat, data, settings, how) if data.preferences else _answering(chat, data, settings, how)
    facts = {"data": data.source, **parts.pop("facts"), "parameters": parameters_of(chat.model)}
    question = data.test[0].question
    return Training(
        task=chat,
        metric="loss",
        facts=facts,
        sample=lambda: f"asked: {printable(question[-1].content)}\nanswered: {printable(chat.chat(question))}",
        models={"model": name_of(chat.model)},
        **parts,
    )


def parameters_of(model: nn.Module) -> dict[str, Any]:
    """Return how many numbers a model has, how many of them are trained, and the bytes of all."""
    trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
    tensors = {t.data_ptr(): t for t in (*model.parameters(), *model.buffers())}.values()
    return {"all": sum(t.numel() for t in tensors), "trained": trained, "bytes": sum(t.nbytes for t in tensors)}


def _answering(chat: ChatModel, data: ConversationSplits, settings: Settings, how: dict[str, Any]) -> dict[str, Any]:
    """The parts of a training on the answers of conversations."""
    length, pad = filled_in(settings.max_length), chat.tokenizer.pad_id
    parts = (cast(Sequence[Conversation], part) for part in (data.train, data.valid))
    train, valid = (encode_chats(chat.encoder, part, length) for part in parts)
    train.tell(length)
    columns = chat_columns(train.rows, pad)
    batches = chat_loader(columns, columns["texts"].lengths(), how)
    return {
        "module": AnswerObjective(chat.model),
        "batches": batches,
        "loss": answer_loss,
        "evaluator": evaluator_of(valid.rows, pad),
        "test": partial(chat.evaluate, data.test),
        "facts": {"encoded": train.facts(), "padding": batches.padding},
    }


def _preferring(chat: ChatModel, data: ConversationSplits, settings: Settings, how: dict[str, Any]) -> dict[str, Any]:
    """The parts of a training on preferences; what the reference says is asked here, before a weight has changed."""
    length, pad = filled_in(settings.max_length), chat.tokenizer.pad_id
    parts = (cast(Sequence[Preference], part) for part in (data.train, data.valid, data.test))
    train, valid, test = (encode_preferences(chat, part, length) for part in parts)
    objective = DPO(chat.model, filled_in(settings.beta))

    def tested() -> Scores:
        likelier = chat.evaluate(data.test)["preference_accuracy"]
        found = preference_evaluator(test, pad)(objective)
        return Scores({**found, "preference_accuracy": likelier}, "reward_accuracy")

    batches = preference_loader(train, pad, how)
    return {
        "module": objective,
        "batches": batches,
        "loss": dpo_loss,
        "evaluator": preference_evaluator(valid, pad),
        "test": tested,
        "facts": {"encoded": {"examples": len(train.chosen)}, "padding": batches.padding},
    }
