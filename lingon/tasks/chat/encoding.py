"""Conversations as token ids, and which of them the assistant said: what it is to learn."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import NamedTuple

from lingon.core.errors import UserError
from lingon.data.conversations import ASSISTANT, Conversation, Message
from lingon.data.tokenizers import Tokenizer
from lingon.data.tokenizers.chat_template import ChatTemplate
from lingon.data.tokenizers.special_tokens import unknown_id
from lingon.data.tokenizers.spelling_guard import SpellingGuard
from lingon.data.tokenizers.template_sandbox import CLOSE, OPEN

PROBE = (Message("user", "a"), Message(ASSISTANT, "b"))


class EncodedChat(NamedTuple):
    """A conversation as ids, and for each whether it is of an answer of the assistant: what the loss counts."""

    ids: list[int]
    answer: list[bool]


class ChatEncoder:
    """Encode conversations by a template. Raises UserError or DataError for those that the template does not take.

    Special tokens are those that the template writes. What people type is text, even if it is spelt like one; so is
    what the assistant says, but for tokens that are not special ones, such as <think>, where the template has them.
    White space is text, even where a tokenizer has added tokens of it, as that of Gemma has for lines.
    eos_ids: tokens that end a text of the model.
    """

    def __init__(self, tokenizer: Tokenizer, template: ChatTemplate, eos_ids: Sequence[int] = ()):
        added = [token.content for token in tokenizer.library.get_added_tokens_decoder().values()]
        names = [str(tokenizer.library.id_to_token(i)) for i in eos_ids]
        special = [*template.special_tokens.values(), *names]
        typed = [name for name in added if name in template.source and name.strip("▁ \n\r\t")]
        self.tokenizer, self.template = tokenizer, template
        self.guard = SpellingGuard(tokenizer, filter(None, special), typed)

    def prompt_ids(self, messages: Sequence[Message]) -> list[int]:
        """Return the ids of messages up to where the assistant's next answer begins."""
        text, _ = without_marks(self._render(messages, add_generation_prompt=True))
        return self.guard.encode(text)[0]

    def encode(self, conversation: Conversation) -> list[EncodedChat]:
        """Return a conversation with all its answers marked.

        They are what stands in {% generation %} blocks, where the template has these. Else they are what comes after
        the prompt of each answer, up to the token that ends it. Some templates write earlier answers in another way
        than the last one, as without what the model thought: then each answer is an example of its own, after the text
        that the model will see before it.
        """
        messages = conversation.messages
        if self.template.marks_answers:
            text, spans = without_marks(self._render(messages))
            if not spans:
                raise UserError("the chat template marks no answer in this conversation; nothing is left to learn")
            return [self._marked(text, spans)]
        whole, answers = self._render(messages), list(self._answers(messages))
        if all(whole.startswith(text) for text, _ in answers):
            return [self._marked(whole, [(start, len(text)) for text, start in answers], to_end=True)]
        return [self._marked(text, [(start, len(text))], to_end=True) for text, start in answers]

    @cached_property
    def end_ids(self) -> tuple[int, ...]:
        """Return the token by which the template ends an answer, if it is a special one."""
        (text, start), *_ = self._answers(PROBE)
        ids, offsets, (begin,) = self.guard.encode(text, [start])
        after = [i for i, (_, end) in zip(ids, offsets, strict=True) if end > begin]
        special = {*self.guard.special.values()} - {unknown_id(self.tokenizer.library)}
        return tuple(i for i in after if i in special)[:1]

    def _answers(self, messages: Sequence[Message]) -> Iterator[tuple[str, int]]:
        """Yield for each answer the text that ends with it, and where the answer begins in it."""
        for i, message in enumerate(messages):
            if message.role == ASSISTANT:
                prompt, _ = without_marks(self._render(messages[:i], add_generation_prompt=True))
                text, _ = without_marks(self._render(messages[: i + 1]))
                yield text, _begin(prompt, text)

    def _marked(self, text: str, spans: list[tuple[int, int]], to_end: bool = False) -> EncodedChat:
        """to_end: spans reach as far as the text, of which only what comes up to an end token is the answer."""
        places = sorted({place for span in spans for place in span})
        ids, offsets, moved = self.guard.encode(text, places)
        there = dict(zip(places, moved, strict=True))
        answer = [False] * len(ids)
        for start, end in ((there[a], there[b]) for a, b in spans):
            inside = [i for i, (a, b) in enumerate(offsets) if a < end and b > start]
            for i in self._to_end_token(ids, inside) if to_end else inside:
                answer[i] = True
        return EncodedChat(ids, answer)

    def _to_end_token(self, ids: Sequence[int], inside: list[int]) -> list[int]:
        ends = [i for i in inside if ids[i] in self.end_ids]
        return [i for i in inside if i <= ends[-1]] if ends else inside

    def _render(self, messages: Sequence[Message], add_generation_prompt: bool = False) -> str:
        broken = [{"role": m.role, "content": self.guard.broken(m.content, m.role == ASSISTANT)} for m in messages]
        return self.template.render(broken, add_generation_prompt)


def without_marks(rendered: str) -> tuple[str, list[tuple[int, int]]]:
    """Return a rendered text without the marks of {% generation %}, and the spans that stood between them."""
    parts, spans, length, start = list[str](), list[tuple[int, int]](), 0, 0
    for piece in _pieces(rendered):
        if piece == OPEN:
            start = length
        elif piece == CLOSE:
            spans.append((start, length))
        else:
            parts.append(piece)
            length += len(piece)
    return "".join(parts), [span for span in spans if span[1] > span[0]]


def _pieces(rendered: str) -> Iterator[str]:
    rest = rendered
    for place in [i for i, c in enumerate(rendered) if c in (OPEN, CLOSE)]:
        done = len(rendered) - len(rest)
        yield rest[: place - done]
        yield rendered[place]
        rest = rendered[place + 1 :]
    yield rest


def _begin(prompt: str, text: str) -> int:
    """Return where an answer begins in the text that ends with it: where the prompt ends, or the two differ.

    A prompt may end with what the answer itself brings, such as an empty <think> block.
    """
    if text.startswith(prompt):
        return len(prompt)
    return next((i for i, (a, b) in enumerate(zip(prompt, text, strict=False)) if a != b), min(len(prompt), len(text)))
