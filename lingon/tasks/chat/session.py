"""An ongoing conversation: the messages so far, and each answer as it is generated."""

from collections.abc import Iterator

from lingon.data.conversations import ASSISTANT, SYSTEM, USER, Message
from lingon.decoding.request import requests_of
from lingon.decoding.sample import Token
from lingon.decoding.sampling_params import SamplingParams
from lingon.tasks.chat.chat_model import ChatModel
from lingon.tasks.language_model.generation import finish_reason
from lingon.tasks.language_model.strategies import sample_batch


class ChatSession:
    """Hold a conversation with a chat model. system: the system message; may be empty.

    messages: all that was said, the oldest turns too that no longer fit into the context. notes: what people should
    know of the last answer, such as that it was cut.

    >>> import lingon
    >>> session = ChatSession(lingon.load("runs/chat"), SamplingParams(50))  # doctest: +SKIP
    >>> print("".join(session.ask("Who are you?")))  # doctest: +SKIP
    """

    def __init__(self, chat: ChatModel, params: SamplingParams, system: str = ""):
        self.chat, self.params, self.system = chat, params, system
        self.messages: list[Message] = []
        self.notes: list[str] = []

    def reset(self) -> None:
        """Start a new conversation; the system message stays."""
        self.messages, self.notes = [], []

    def ask(self, text: str) -> Iterator[str]:
        """Yield the answer to a text piece by piece. It counts as said once it has ended, or is given up.

        Raises UserError for a text that the context or the template does not take; nothing of it is kept then.
        """
        before = [Message(SYSTEM, self.system)] if self.system else []
        asked = [*self.messages, Message(USER, text)]
        params = self.chat.with_stops(self.params)
        kept, dropped = self.chat.within_context([*before, *asked], params.max_new_tokens)
        self.notes = [self.chat.dropped_note(dropped)] if dropped else []
        ids, taken, said = self.chat.encoder.prompt_ids(kept), list[int](), list[str]()
        (request,) = requests_of([ids], params)

        def tokens() -> Iterator[list[Token]]:
            for step in sample_batch(self.chat.language, [request]):
                taken.append(step[0].id)
                yield step

        try:
            for piece in self.chat.language.text(tokens(), params.stop):
                said.append(piece)
                yield piece
        finally:
            if answer := "".join(said).strip():
                self.messages = [*asked, Message(ASSISTANT, answer)]
        self._note_end(finish_reason(self.chat.language, request, taken), answer)

    def _note_end(self, reason: str, answer: str) -> None:
        if not answer:
            self.notes.append("the answer is empty; the question is dropped")
        if reason == "length":
            self.notes.append(
                f"the answer was cut off after {self.params.max_new_tokens:,} tokens; see --max-new-tokens"
            )
        if reason == "context_length":
            self.notes.append("the answer was cut off because the context of the model is full; /reset starts again")
