"""The task `chat`: a language model with its chat template."""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import nn

from lingon.core.counted import counted
from lingon.core.errors import UserError
from lingon.data.conversations import SYSTEM, USER, ConversationSplits, Dialogue, Message, messages_of
from lingon.data.tokenizers import Tokenizer
from lingon.data.tokenizers.chat_template import DEFAULT, DEFAULT_STOP, ChatTemplate, default_template
from lingon.decoding.request import requests_of
from lingon.decoding.sampling_params import SamplingParams
from lingon.metrics.scores import Scores
from lingon.tasks.chat.answer import ChatAnswer
from lingon.tasks.chat.encoding import ChatEncoder
from lingon.tasks.language_model.generation import generations_of
from lingon.tasks.language_model.language_model import LanguageModel
from lingon.tasks.language_model.prologue import context_length
from lingon.tasks.language_model.strategies import sample_batch
from lingon.tasks.one_or_many import one_or_many
from lingon.tasks.task import Card

if TYPE_CHECKING:
    from lingon.tasks.chat.settings import Settings
    from lingon.tasks.training import TrainContext, Training

__all__ = ["TASK", "ChatAnswer", "ChatModel"]

Said = Message | Mapping[str, Any]


class ChatModel:
    """Chat with a language model, using its chat template, or a plain one if it has none.

    An answer ends with a token that ends texts of the model, or with the one that the template ends answers with.

    >>> import lingon
    >>> model = lingon.load("runs/chat")  # doctest: +SKIP
    >>> print(model.chat([{"role": "user", "content": "Who are you?"}], max_new_tokens=50))  # doctest: +SKIP
    """

    name: ClassVar[str] = "chat"
    part_types: ClassVar[Mapping[str, type]] = {"model": nn.Module, "tokenizer": Tokenizer}
    config_keys: ClassVar[Sequence[str]] = LanguageModel.config_keys

    def __init__(self, language: LanguageModel):
        end = [language.tokenizer.vocab.token(i) for i in language.eos_ids[:1]]
        template = language.chat_template or default_template("".join(end))
        self.encoder = ChatEncoder(language.tokenizer, template, language.eos_ids)
        eos_ids = tuple(dict.fromkeys((*language.eos_ids, *self.encoder.end_ids)))
        self.language = LanguageModel(language.model, language.tokenizer, eos_ids, template)

    @property
    def model(self) -> Any:
        return self.language.model

    @property
    def tokenizer(self) -> Tokenizer:
        return self.language.tokenizer

    @property
    def eos_ids(self) -> tuple[int, ...]:
        """The ids that end an answer."""
        return self.language.eos_ids

    @property
    def chat_template(self) -> ChatTemplate | None:
        """The template by which conversations are written."""
        return self.language.chat_template

    @property
    def suppressed_ids(self) -> Any:
        """The ids [n] that are never generated."""
        return self.language.suppressed_ids

    @property
    def device(self) -> torch.device:
        return self.language.device

    @property
    def parts(self) -> dict[str, Any]:
        return self.language.parts

    def config(self) -> dict[str, Any]:
        """Return the ids that end a text, and the chat template."""
        return self.language.config()

    @classmethod
    def check_config(cls, config: Mapping[str, Any], sizes: Mapping[str, Mapping[str, Any]]) -> None:
        """Raise DataError naming the key that is wrong."""
        LanguageModel.check_config(config, sizes)

    @classmethod
    def from_config(cls, config: Mapping[str, Any], parts: Mapping[str, Any]) -> "ChatModel":
        """Return the chat model of a checked configuration. Raises DataError for an unknown end token."""
        return cls(LanguageModel.from_config(config, parts))

    @classmethod
    def card(cls, model: str, config: Mapping[str, Any]) -> Card:
        """Return the model card of a chat model."""
        limits = "it generates likely answers, which may be false"
        code = '.chat([{"role": "user", "content": "Hello."}])'
        return Card(f"# {model}: chat", "A chat model", [f"- **Limits**: {limits}."], code)

    @classmethod
    def prepare(cls, data: ConversationSplits, settings: "Settings", context: "TrainContext") -> "Training":
        """Return a chat model ready for fine-tuning; see `lingon.tasks.chat.prepare`."""
        from lingon.tasks.chat.prepare import prepare

        return prepare(data, settings, context)

    def evaluate(self, examples: Sequence[Dialogue]) -> Scores:
        """Return loss and perplexity of the answers; of preferences also how often the preferred answer is likelier."""
        from lingon.tasks.chat.scoring import scores_of

        return scores_of(self, examples)

    def chat(self, messages: Sequence[Said], params: SamplingParams | None = None, **named) -> str:
        """Return the assistant's answer to messages, each with a role and content.

        params, or its fields by name; greedy with temperature=0. Of a conversation that is longer than the context the
        oldest turns are left out, with a warning. Raises UserError for messages in another order than that of a
        conversation, and for a question that alone is too long.
        """
        return "".join(self.stream(messages, params, **named))

    def stream(self, messages: Sequence[Said], params: SamplingParams | None = None, **named) -> Iterator[str]:
        """Yield the answer that `chat` gives piece by piece, as soon as each is certain."""
        params = self.with_stops(params or SamplingParams(**named))
        kept, dropped = self.within_context(messages, params.max_new_tokens)
        if dropped:
            warnings.warn(self.dropped_note(dropped), stacklevel=2)
        (request,) = requests_of([self.encoder.prompt_ids(kept)], params)
        return self.language.text(sample_batch(self.language, [request]), params.stop)

    def within_context(self, messages: Sequence[Said], max_new_tokens: int) -> tuple[tuple[Message, ...], int]:
        """Return the messages that fit, and how many old ones were left out: whole turns, never a system message.

        There is room for the answer beside them, or for as much of it as half of the context holds.
        """
        kept, limit = messages_of(messages, answer_next=True), context_length(self.model)
        if limit is None:
            return kept, 0
        count, most = len(kept), limit - min(max_new_tokens, limit // 2)
        while (size := len(self.encoder.prompt_ids(kept))) > most:
            shorter = without_oldest_turn(kept)
            if shorter is None:
                if size < limit:
                    break
                raise UserError(f"the question has {size:,} tokens, the model sees {limit:,} at most; shorten it")
            kept = shorter
        return kept, count - len(kept)

    def dropped_note(self, dropped: int) -> str:
        """Return the note on messages that were dropped."""
        limit = context_length(self.model)
        longer = f"the conversation is longer than the context of {limit:,} tokens"
        return f"{longer}; its {counted(dropped, 'oldest message is', 'oldest messages are')} left out"

    def predict(self, inputs: Any, params: SamplingParams = SamplingParams()) -> Any:
        """Return the answer to a question, or to each of a list of questions or of conversations (lists of messages).

        An answer depends on its conversation alone: equal ones get equal answers.
        """
        return one_or_many(lambda given: self._predict(given, params), inputs)

    def _predict(self, inputs: Sequence[Any], params: SamplingParams) -> list[ChatAnswer]:
        asked = [self._conversation(one) for one in inputs]
        different, params = list(dict.fromkeys(asked)), self.with_stops(params)
        kept = [self.within_context(one, params.max_new_tokens) for one in different]
        if dropped := sum(1 for _, count in kept if count):
            warnings.warn(
                f"{counted(dropped, 'conversation is', 'conversations are')} longer than the context; "
                "see `within_context`",
                stacklevel=2,
            )
        requests = requests_of([self.encoder.prompt_ids(one) for one, _ in kept], params)
        pairs = zip((one[-1].content for one in different), requests, strict=True)
        made = dict(zip(different, generations_of(self.language, pairs, top_logprobs=0), strict=True))
        found = [made[one] for one in asked]
        return [ChatAnswer(one.prompt, one.text, one.finish_reason, one.logprob) for one in found]

    def _conversation(self, given: Any) -> tuple[Message, ...]:
        if isinstance(given, str):
            given = [Message(USER, given)]
        return messages_of(given, answer_next=True)

    def with_stops(self, params: SamplingParams) -> SamplingParams:
        """Return parameters by which a model that was trained on no conversations does not ask itself a question."""
        plain = self.encoder.template.source == DEFAULT
        return replace(params, stop=(*params.stop, *DEFAULT_STOP)) if plain else params


def without_oldest_turn(messages: tuple[Message, ...]) -> tuple[Message, ...] | None:
    """Return messages without the first question and all that answers it; None where there is no other question."""
    first = 1 if messages[0].role == SYSTEM else 0
    following = (i for i in range(first + 1, len(messages)) if messages[i].role == USER)
    start = next(following, None)
    return None if start is None else messages[:first] + messages[start:]


def chat_model_in(task: Any) -> ChatModel | None:
    """Return a loaded task as a chat model: itself, or a language model with its template; None for any other task."""
    if isinstance(task, ChatModel):
        return task
    return ChatModel(task) if isinstance(task, LanguageModel) else None


def language_model_in(task: Any) -> LanguageModel | None:
    """Return the language model of a loaded task: itself, or that of a chat model; None for any other task."""
    if isinstance(task, ChatModel):
        return task.language
    return task if isinstance(task, LanguageModel) else None


TASK = ChatModel
