"""The language model that a chat model is tuned from: a checkpoint, a bundle, or a chat model that is tuned further."""

from dataclasses import replace

from lingon.core.errors import UserError
from lingon.tasks.chat.chat_model import ChatModel, language_model_in
from lingon.tasks.chat.settings import Settings, UsualRate
from lingon.tasks.language_model.from_weights import learning_rate, started_model
from lingon.tasks.language_model.language_model import LanguageModel
from lingon.tasks.language_model.prologue import context_length
from lingon.tasks.model_options import refuse_unused
from lingon.tasks.pretrained import Pretrained, model_name
from lingon.tasks.tuning_options import refuse_fresh, refuse_head_lr

USUAL_LENGTH = 1_024  # tokens of a conversation
LORA_FASTER = 4.0  # thin matrices take larger steps; ten times was no better (docs/log.md)


def started(settings: Settings, pretrained: Pretrained) -> Settings:
    """Return the settings for a tuning that starts from these weights; see `TrainSettings.started`."""
    language = language_model_in(pretrained.task)
    if language is None:
        raise pretrained.error("a language model, such as a checkpoint of Qwen, or a bundle of one")
    refuse_fresh(settings, pretrained)
    refuse_head_lr(settings, "a language model")
    most, given = context_length(language.model), settings.max_length
    if most is not None and given is not None and given > most:
        raise UserError(f"--max-length is {given:,}, but {pretrained.name} sees {most:,} tokens at most")
    found = replace(settings, model=model_name(language.model))
    refuse_unused(found)
    usual = learning_rate(language.model) * (LORA_FASTER if settings.tuning == "lora" else 1.0)
    length = given or min(USUAL_LENGTH, most or USUAL_LENGTH)
    return replace(found, max_length=length, lr=settings.lr or UsualRate(usual))


def started_chat(source: object, settings: Settings) -> ChatModel:
    """Return the chat model of a loaded task, ready to be tuned as the settings say."""
    language = language_model_in(source)
    assert language is not None, "`started` has looked at it"
    model = started_model(language, settings)
    return ChatModel(LanguageModel(model, language.tokenizer, language.eos_ids, language.chat_template))
