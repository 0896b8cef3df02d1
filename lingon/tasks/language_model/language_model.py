"""The language model that users call: it generates continuations and scores texts."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import nn

from lingon.core.errors import UserError
from lingon.core.shapes import Tensor
from lingon.data.conversations import Message
from lingon.data.tokenizers import Tokenizer
from lingon.data.tokenizers.chat_template import ChatTemplate, template_config, template_from
from lingon.data.tokenizers.token_bytes import TokenBytes, token_bytes
from lingon.decoding.beam_params import BeamParams, Hypothesis
from lingon.decoding.detokenize import detokenize
from lingon.decoding.request import Request, requests_of
from lingon.decoding.sample import Token
from lingon.decoding.sampling_params import SamplingParams
from lingon.decoding.speculative import Acceptance
from lingon.kernels.packed_linear import swap_linear
from lingon.metrics.scores import Scores
from lingon.tasks.language_model import scoring, strategies
from lingon.tasks.language_model.ends import ends_in
from lingon.tasks.language_model.generation import Continuation, generations
from lingon.tasks.language_model.prologue import context_length, suppressed_ids
from lingon.tasks.language_model.text_likelihood import text_scores
from lingon.tasks.one_or_many import one_or_many
from lingon.tasks.task import Card

if TYPE_CHECKING:
    from lingon.data.documents import Documents
    from lingon.tasks.language_model.settings import Settings
    from lingon.tasks.training import TrainContext, Training

END = 0  # in models of our own, [pad], which no text holds, ends a document


class LanguageModel:
    """Hold a causal model, its tokenizer and the ids that end a text.

    >>> import lingon
    >>> model = lingon.load("runs/language-model")  # doctest: +SKIP
    >>> print(model.generate("It is a truth", max_new_tokens=20, temperature=0.8))  # doctest: +SKIP
    """

    name: ClassVar[str] = "language-model"
    part_types: ClassVar[Mapping[str, type]] = {"model": nn.Module, "tokenizer": Tokenizer}
    config_keys: ClassVar[Sequence[str]] = ("eos_ids", "chat_template")

    def __init__(
        self,
        model: Any,
        tokenizer: Tokenizer,
        eos_ids: Sequence[int] = (END,),
        chat_template: ChatTemplate | None = None,
    ):
        rows, size = model.embedding.num_embeddings, len(tokenizer.vocab)
        if size > rows:
            raise UserError(
                f"the tokenizer has {size:,} tokens, the model was made for {rows:,}; they do not belong together"
            )
        self.model, self.tokenizer, self.eos_ids = model, tokenizer, tuple(eos_ids)
        self.chat_template = chat_template

    @property
    def parts(self) -> dict[str, Any]:
        return {"model": self.model, "tokenizer": self.tokenizer}

    def config(self) -> dict[str, Any]:
        """Return the ids that end a text, and the chat template where there is one."""
        return {"eos_ids": self.eos_ids, "chat_template": template_config(self.chat_template)}

    @classmethod
    def prepare(cls, data: "Documents", settings: "Settings", context: "TrainContext") -> "Training":
        """Return a language model ready for training; see `lingon.tasks.language_model.prepare`."""
        from lingon.tasks.language_model.prepare import prepare

        return prepare(data, settings, context)

    @classmethod
    def check_config(cls, config: Mapping[str, Any], sizes: Mapping[str, Mapping[str, Any]]) -> None:
        """Raise DataError unless `eos_ids` is a list of ids, and `chat_template` one or null."""
        ends_in(config)
        template_from(config.get("chat_template"))

    @classmethod
    def from_config(cls, config: Mapping[str, Any], parts: Mapping[str, Any]) -> "LanguageModel":
        """Return the language model of a checked configuration. Raises DataError for an unknown end token."""
        ends = ends_in(config, parts["model"].embedding.num_embeddings)
        template = template_from(config.get("chat_template"))  # older bundles have none
        return cls(parts["model"], parts["tokenizer"], ends, template)

    @classmethod
    def card(cls, model: str, config: Mapping[str, Any]) -> Card:
        """Return the model card of a language model."""
        limits = "it generates likely text, which may be false"
        return Card(f"# {model}", "A language model", [f"- **Limits**: {limits}."], '.generate("Once upon a time")')

    def evaluate(self, texts: Iterable[str], cache: bool = False) -> Scores:
        """Return loss, perplexity and bits per byte of documents; see `lingon.tasks.language_model.text_likelihood`."""
        return text_scores(self, texts, cache)

    @property
    def device(self) -> torch.device:
        return self.model.embedding.weight.device

    def for_decoding(self, make: Callable[[nn.Linear], nn.Module] | None = None) -> "LanguageModel":
        """Return the same with its matrices laid out to be read fast, or `make` of each: see `packed_linear`."""
        return LanguageModel(swap_linear(self.model, make), self.tokenizer, self.eos_ids, self.chat_template)

    @cached_property
    def pieces(self) -> TokenBytes:
        """What each token adds to a text."""
        return token_bytes(self.tokenizer)

    @cached_property
    def prefix(self) -> list[int]:
        """The ids that the tokenizer puts before every text."""
        return self.tokenizer.encode("")

    @cached_property
    def suppressed_ids(self) -> Tensor:
        """The ids that are not text, which are never generated."""
        return suppressed_ids(self.tokenizer, self.model.embedding.num_embeddings, self.eos_ids)

    def encode(self, prompt: str) -> list[int]:
        """Return the ids of a prompt; an empty one is the start of a document, which follows the end of another.

        Raises UserError when the prompt fills the context of the model.
        """
        ids = self.tokenizer.encode(prompt) or list(self.eos_ids[:1])
        if not ids:
            raise UserError("the prompt is empty, and this model has no token to begin with; give it a word")
        limit = context_length(self.model)
        if limit and len(ids) >= limit:
            raise UserError(f"the prompt has {len(ids):,} tokens, the model sees {limit:,} at most; shorten the prompt")
        return ids

    def requests(self, prompts: Iterable[str], params: SamplingParams) -> Iterator[Request]:
        """Yield a request for each prompt; each different prompt is tokenized once."""
        return requests_of(map(lru_cache(None)(self.encode), prompts), params)

    def text(self, steps: Iterable[list[Token]], stop: Sequence[str] = ()) -> Iterator[str]:
        """Yield the text of one row's tokens, in pieces: see `lingon.decoding.detokenize`."""
        return detokenize((step[0].id for step in steps), self.pieces.by_id, self.eos_ids, stop)

    def stream(self, prompt: str, params: SamplingParams | None = None, **named) -> Iterator[str]:
        """Generate a continuation of a prompt; yield what is new piece by piece, as soon as it is certain.

        params, or its fields by name. The text ends with an id that ends texts, before a stop string, or after
        `max_new_tokens` tokens. Past the context of the model the last part of the text is read: see
        `lingon.tasks.language_model.sliding_window`.
        """
        params = params or SamplingParams(**named)
        return self.text(self.sample([prompt], params), params.stop)

    def generate(self, prompt: str, params: SamplingParams | None = None, **named) -> str:
        """Return all of the text that `stream` gives in pieces."""
        return "".join(self.stream(prompt, params, **named))

    def generate_batch(
        self, prompts: Sequence[str], params: SamplingParams, batch_size: int | None = None
    ) -> list[str]:
        """Return what `generate` gives for each prompt; the same texts as one by one.

        A prompt may come several times, and each time gets another text. batch_size: texts that are generated at a
        time; when one ends, the next prompt takes its place. None is all.
        """
        if batch_size is not None:
            return [found.text for found in generations(self, prompts, params, batch_size=batch_size)]
        found: list[list[list[Token]]] = [[] for _ in prompts]
        for step in self.sample(prompts, params):
            for token in step:
                found[token.row].append([token])
        return ["".join(self.text(tokens, params.stop)) for tokens in found]

    def chat(
        self, messages: Sequence[Message | Mapping[str, Any]], params: SamplingParams | None = None, **named
    ) -> str:
        """Return the assistant's answer to messages, each with a role and content; see `lingon.tasks.chat.ChatModel`.

        The model's own chat template says how they are written; a plain one where it has none.
        """
        from lingon.tasks.chat import ChatModel

        return ChatModel(self).chat(messages, params, **named)

    def predict(self, inputs: Any, params: SamplingParams = SamplingParams()) -> Any:
        """Return a continuation of a prompt, or of each of a list.

        It depends on the prompt alone: equal prompts get equal texts.
        """
        return one_or_many(lambda prompts: self._predict(prompts, params), inputs)

    def _predict(self, inputs: Sequence[str], params: SamplingParams) -> list[Continuation]:
        found = {one.prompt: one for one in generations(self, dict.fromkeys(inputs), params, top_logprobs=0)}
        rows = [found[prompt] for prompt in inputs]
        return [Continuation(one.prompt, one.text, one.finish_reason, one.logprob) for one in rows]

    def sample(
        self, prompts: Sequence[str], params: SamplingParams, top_logprobs: int | None = None
    ) -> Iterator[list[Token]]:
        """Yield the new tokens of all prompts, step by step. top_logprobs: how many likeliest tokens each holds."""
        return strategies.sample_batch(self, list(self.requests(prompts, params)), top_logprobs)

    def speculative(
        self,
        prompt: str,
        params: SamplingParams,
        draft: "LanguageModel",
        acceptance: Acceptance | None = None,
        top_logprobs: int | None = None,
    ) -> Iterator[list[Token]]:
        """Yield what `sample` does, with the help of a smaller model of the same tokenizer: the same distribution."""
        return strategies.speculative(self, self._request(prompt, params), draft, acceptance, top_logprobs)

    def contrastive(
        self, prompt: str, params: SamplingParams, alpha: float, k: int = 4, top_logprobs: int | None = None
    ) -> Iterator[list[Token]]:
        """Yield what contrastive search takes, of the k likeliest tokens: see `lingon.decoding.contrastive`."""
        return strategies.contrastive(self, self._request(prompt, params), alpha, k, top_logprobs)

    def hypotheses(self, prompt: str, beams: BeamParams, params: SamplingParams = SamplingParams()) -> list[Hypothesis]:
        """Return the best texts that a beam search finds, best first; with a full context, as long as there is room."""
        return strategies.hypotheses(self, self._request(prompt, params), beams)

    def beam_search(
        self, prompt: str, beams: BeamParams, params: SamplingParams = SamplingParams()
    ) -> list[tuple[str, float, float]]:
        """Return the best texts that a beam search finds: (text, log-probability, score), best first."""
        found = self.hypotheses(prompt, beams, params)
        texts = ["".join(detokenize(h.ids, self.pieces.by_id, self.eos_ids, params.stop)) for h in found]
        return [(text, h.logprob, h.score) for text, h in zip(texts, found, strict=True)]

    def logprobs(self, text: str) -> list[tuple[str, float]]:
        """Return each token of a text, and its log-probability: see `lingon.tasks.language_model.scoring`."""
        return scoring.logprobs(self, text)

    def score_tokens(
        self, prompt: str, new: Sequence[int] = (), params: SamplingParams | None = None, top_logprobs: int = 0
    ) -> list[Token]:
        """Return the tokens of a prompt with their probabilities, as the model has them after an empty document.

        new: ids that follow the prompt and were generated with these params; then their tokens are returned.
        """
        ids = self.encode(prompt)
        if new:
            return scoring.score_continuation(self, ids, new, params, top_logprobs)
        return scoring.score_prompt(self, ids, top_logprobs)

    def _request(self, prompt: str, params: SamplingParams) -> Request:
        return next(self.requests([prompt], params))


TASK = LanguageModel
