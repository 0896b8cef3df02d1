"""A language model as people use it: it goes on with a text, piece by piece, and says how likely a text is."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import nn

from lingon.core.config_keys import want
from lingon.core.errors import DataError, UserError
from lingon.core.eval_view import eval_view
from lingon.core.shapes import Float, Tensor
from lingon.data.tokenizers import Tokenizer
from lingon.data.tokenizers.token_bytes import TokenBytes, token_bytes
from lingon.data.tokenizers.vocab import UNK
from lingon.decoding.beam import BeamParams, Hypothesis, beam_search
from lingon.decoding.contrastive import contrastive_search
from lingon.decoding.decoder_protocol import DecoderState, LogitsProcessor, TokenSequence, start_sequences
from lingon.decoding.detokenize import detokenize
from lingon.decoding.grammar import Grammar, grammar_of
from lingon.decoding.logits_processors import exactly_top_k
from lingon.decoding.prefill import read
from lingon.decoding.sample import Token, sample
from lingon.decoding.sampling_params import SamplingParams
from lingon.decoding.score_tokens import score_tokens, token_logprobs
from lingon.decoding.speculative import Acceptance, Reader, speculative_decode
from lingon.kernels.packed_linear import swap_linear
from lingon.layers.kv_cache import KVCache
from lingon.layers.recurrent_state import RecurrentState
from lingon.metrics.scores import Scores
from lingon.tasks.language_model.text_likelihood import text_scores
from lingon.tasks.task import Card

if TYPE_CHECKING:
    from lingon.data.documents import Documents
    from lingon.tasks.language_model.settings import Settings
    from lingon.tasks.training import TrainContext, Training

END = 0  # in models of our own, [pad], which no text holds, ends a document


class LanguageModel:
    """A model, its tokenizer and the ids that end a text.

    >>> import lingon
    >>> model = lingon.load("runs/language-model")  # doctest: +SKIP
    >>> print(model.generate("It is a truth", max_new_tokens=20, temperature=0.8))  # doctest: +SKIP
    """

    name: ClassVar[str] = "language-model"
    part_types: ClassVar[Mapping[str, type]] = {"model": nn.Module, "tokenizer": Tokenizer}
    config_keys: ClassVar[Sequence[str]] = ("eos_ids",)

    def __init__(self, model: nn.Module, tokenizer: Tokenizer, eos_ids: Sequence[int] = (END,)):
        rows, size = model.embedding.num_embeddings, len(tokenizer.vocab)
        if size > rows:
            raise UserError(f"the tokenizer has {size:,} tokens, the model was made for {rows:,}; they do not belong")
        self.model, self.tokenizer, self.eos_ids = model, tokenizer, tuple(eos_ids)

    @property
    def parts(self) -> dict[str, Any]:
        return {"model": self.model, "tokenizer": self.tokenizer}

    def config(self) -> dict[str, Any]:
        """Return the ids that end a text, by name."""
        return {"eos_ids": self.eos_ids}

    @classmethod
    def prepare(cls, data: "Documents", settings: "Settings", context: "TrainContext") -> "Training":
        """Return a language model that is ready to be trained; see `lingon.tasks.language_model.prepare`."""
        from lingon.tasks.language_model.prepare import prepare

        return prepare(data, settings, context)

    @classmethod
    def check_config(cls, config: Mapping[str, Any], sizes: Mapping[str, Mapping[str, Any]]) -> None:
        """Raise DataError unless `eos_ids` is a list of ids."""
        eos_ids = want(config, "eos_ids", list, "a list of ids")
        if not all(type(end) is int and end >= 0 for end in eos_ids):
            raise DataError(f"key 'eos_ids' is {str(eos_ids)[:40]!r}, expected a list of ids, 0 or more")

    @classmethod
    def from_config(cls, config: Mapping[str, Any], parts: Mapping[str, Any]) -> "LanguageModel":
        """Return the language model of a checked configuration. Raises DataError for an end that the model has not."""
        size = parts["model"].embedding.num_embeddings
        if beyond := [end for end in config["eos_ids"] if end >= size]:
            has = f"expected ids from 0 to {size - 1:,}, which the model has"
            raise DataError(f"key 'eos_ids' has {beyond[0]}, {has}")
        return cls(parts["model"], parts["tokenizer"], config["eos_ids"])

    @classmethod
    def card(cls, model: str, config: Mapping[str, Any]) -> Card:
        """Return what the model card says of a language model."""
        limits = "it writes what is likely after the texts it has seen, true or not"
        return Card(f"# {model}", "A language model", [f"- **Limits**: {limits}."], '.generate("Once upon a time")')

    def evaluate(self, texts: Iterable[str], cache: bool = False) -> Scores:
        """Return loss, perplexity and bits per byte of documents; see `lingon.tasks.language_model.text_likelihood`."""
        return text_scores(self, texts, cache)

    @property
    def device(self) -> torch.device:
        return self.model.embedding.weight.device

    @cached_property
    def pieces(self) -> TokenBytes:
        """What each token adds to a text."""
        return token_bytes(self.tokenizer)

    @cached_property
    def _prefix(self) -> list[int]:
        """The ids that the tokenizer puts before every text."""
        return self.tokenizer.encode("")

    def encode(self, prompt: str) -> list[int]:
        """Ids of a prompt; an empty one is the start of a document, which is what follows the end of another.

        Raises UserError when the prompt fills the context of the model.
        """
        ids = self.tokenizer.encode(prompt) or list(self.eos_ids[:1])
        if not ids:
            raise UserError("the prompt is empty, and this model has no token to begin with; give it a word")
        limit = getattr(self.model, "context_length", None)
        if limit and len(ids) >= limit:
            raise UserError(f"the prompt has {len(ids):,} tokens, the model sees {limit:,} at most; shorten the prompt")
        return ids

    def for_decoding(self, make: Callable[[nn.Linear], nn.Module] | None = None) -> "LanguageModel":
        """The same with its matrices laid out to be read fast, or `make` of each: see `kernels.packed_linear`."""
        return LanguageModel(swap_linear(self.model, make), self.tokenizer, self.eos_ids)

    def stream(self, prompt: str, params: SamplingParams | None = None, **named) -> Iterator[str]:
        """Goes on with a text; gives what is new piece by piece, as soon as it is certain.

        params, or its fields by name. The text ends with an id that ends texts, before a stop text, after
        `max_new_tokens` tokens, or where the context of the model is full.
        """
        params = params or SamplingParams(**named)
        return self.text(self.sample([prompt], params), params.stop)

    def generate(self, prompt: str, params: SamplingParams | None = None, **named) -> str:
        """The whole text that `stream` gives in pieces."""
        return "".join(self.stream(prompt, params, **named))

    def generate_batch(self, prompts: Sequence[str], params: SamplingParams) -> list[str]:
        """What `generate` gives for each prompt, read as one batch; the same texts as one by one.

        A prompt may come several times, and is read once; each time it is gone on with in another way.
        """
        found: list[list[list[Token]]] = [[] for _ in prompts]
        for step in self.sample(prompts, params):
            for token in step:
                found[token.row].append([token])
        return ["".join(self.text(tokens, params.stop)) for tokens in found]

    @torch.inference_mode()
    def sample(
        self, prompts: Sequence[str], params: SamplingParams, top_logprobs: int | None = None
    ) -> Iterator[list[Token]]:
        """The new tokens of all prompts, step by step, with their numbers when `top_logprobs` are wanted."""
        still, start = self._view(), self._begin(prompts, params)
        columns = max(len(row.ids) for row in start.rows) + max(row.max_new_tokens for row in start.rows)
        fresh = lambda batch: still._state(batch, columns)
        logits, state = read(still.step, fresh, [row.ids for row in start.rows], self.device)
        sampler = params.sampler()
        yield from sample(
            still.step, logits, state, start.rows, sampler, start.logits_processors, start.finished, top_logprobs
        )

    @torch.inference_mode()
    def speculative(
        self,
        prompt: str,
        params: SamplingParams,
        draft: "LanguageModel",
        acceptance: Acceptance | None = None,
        top_logprobs: int | None = None,
    ) -> Iterator[list[Token]]:
        """What `sample` gives, with the help of a smaller model of the same tokenizer: the same distribution."""
        if list(draft.tokenizer.vocab) != list(self.tokenizer.vocab):
            raise UserError("the draft has another vocabulary; both models must have the same tokenizer")
        if any(isinstance(m.model.new_state(1, None), RecurrentState) for m in (self, draft)):
            raise UserError("a recurrent model cannot take tokens back, as a draft asks of both models; leave it out")
        still, draft, start = self._view(), draft._view(), self._begin([prompt], params)
        (row,) = start.rows
        processors = [*start.logits_processors, *([exactly_top_k(1)] if params.temperature == 0 else [])]
        readers = [Reader(m.all_logits, m._state(1), m.device) for m in (still, draft)]
        tokens = speculative_decode(
            *readers,
            row,
            row.max_new_tokens,
            processors,
            start.finished,
            top_logprobs=top_logprobs,
            acceptance=acceptance,
        )
        yield from ([token] for token in tokens)

    @torch.inference_mode()
    def contrastive(
        self, prompt: str, params: SamplingParams, alpha: float, k: int = 4, top_logprobs: int | None = None
    ) -> Iterator[list[Token]]:
        """What contrastive search takes, of the k likeliest tokens each time: see `lingon.decoding.contrastive`."""
        still, start = self._view(), self._begin([prompt], params)
        head = lambda hidden: still.model.head(hidden).float()
        (row,), processors = start.rows, start.logits_processors
        tokens = contrastive_search(
            still.model.hidden,
            head,
            still._state(1),
            row,
            start.finished,
            k,
            alpha,
            processors,
            top_logprobs,
            self.device,
        )
        yield from ([token] for token in tokens)

    @torch.inference_mode()
    def hypotheses(self, prompt: str, beams: BeamParams, params: SamplingParams = SamplingParams()) -> list[Hypothesis]:
        """The best texts that a beam search finds, best first; with a full context, as long as there is room."""
        still, start = self._view(), self._begin([prompt], replace(params, max_new_tokens=beams.max_new_tokens))
        beams = replace(beams, max_new_tokens=start.rows[0].max_new_tokens)
        logits, state = read(still.step, still._state, [start.rows[0].ids], self.device)
        processors, stopped = start.logits_processors, self._stopped(params)
        return beam_search(still.step, logits, state, start.rows, beams, self.eos_ids, processors, stopped)[0]

    def beam_search(
        self, prompt: str, beams: BeamParams, params: SamplingParams = SamplingParams()
    ) -> list[tuple[str, float, float]]:
        """The best texts that a beam search finds: (text, log-probability, score), best first."""
        found = self.hypotheses(prompt, beams, params)
        texts = ["".join(detokenize(h.ids, self.pieces.by_id, self.eos_ids, params.stop)) for h in found]
        return [(text, h.logprob, h.score) for text, h in zip(texts, found, strict=True)]

    @torch.inference_mode()
    def logprobs(self, text: str) -> list[tuple[str, float]]:
        """Each token of a text, and its log-probability after those before it; the first follows an empty document."""
        still = self._view()
        ids, begin = self.tokenizer.encode(text), self._prefix
        if ids == begin:
            raise UserError("an empty text has no tokens to score")
        start = self._start(ids)
        limit = getattr(self.model, "context_length", None)
        if limit and len(ids) + len(start) > limit:
            raise UserError(f"the text has {len(ids):,} tokens, the model sees {limit:,}; score it in parts")
        found = token_logprobs(still.all_logits, still.model.new_state(1, None), [*start, *ids], self.device)
        tokens = [self.tokenizer.vocab.token(i) for i in (ids if start else ids[1:])]
        return list(zip(tokens, found, strict=True))

    @torch.inference_mode()
    def score_tokens(
        self, prompt: str, new: Sequence[int] = (), params: SamplingParams | None = None, top_logprobs: int = 0
    ) -> list[Token]:
        """The tokens of a prompt with their numbers, as the model has them after an empty document; or those of `new`,
        ids that follow the prompt and were generated with these params."""
        still = self._view()
        ids, state = self.encode(prompt), still.model.new_state(1, None)
        if new:
            room = self._room(len(ids), params.max_new_tokens) if params else 0
            grammar = grammar_of(params.regex, params.json_schema, self.pieces.by_id) if params else None
            within = replace(params, max_new_tokens=room) if params else None
            given = self._logits_processors(within, grammar) if within else []
            return score_tokens(still.all_logits, state, [*ids, *new], len(ids), given, top_logprobs, self.device)
        start = self._start(ids)
        found = score_tokens(still.all_logits, state, [*start, *ids], 1, (), top_logprobs, self.device)
        return found if start else [Token(0, ids[0]), *found]

    def _view(self) -> "LanguageModel":
        """The same in evaluation mode, whatever mode the model is in and goes into: others may be training it."""
        return LanguageModel(eval_view(self.model), self.tokenizer, self.eos_ids)

    def step(
        self, ids: Tensor, state: DecoderState, mask: Tensor | None = None
    ) -> tuple[Float[Tensor, "B V"], DecoderState]:
        """Logits after the last of the ids, which is all that decoding needs."""
        hidden, state = self.model.hidden(ids, state, mask)
        return self.model.head(hidden[:, -1]).float(), state

    def all_logits(self, ids: Tensor, state: DecoderState) -> tuple[Float[Tensor, "B S V"], DecoderState]:
        """Logits after each of the ids."""
        hidden, state = self.model.hidden(ids, state)
        return self.model.head(hidden).float(), state

    def _start(self, ids: Sequence[int]) -> list[int]:
        """What stands before a text that is read from its beginning: an end, unless a token of its own begins it."""
        return [] if self._prefix or ids[0] in self.eos_ids else list(self.eos_ids[:1])

    def _state(self, batch: int, columns: int = 0) -> DecoderState:
        """Return the state before the first token. columns: of a batch with padding, which may exceed the context."""
        state = self.model.new_state(batch, None)
        return state.with_limit(columns) if isinstance(state, KVCache) else state

    def _begin(self, prompts: Sequence[str], params: SamplingParams) -> "_Start":
        """Return what every decoding strategy begins with. Each different prompt is tokenized once."""
        ids = {prompt: self.encode(prompt) for prompt in dict.fromkeys(prompts)}
        rows = start_sequences([ids[prompt] for prompt in prompts], params.seed)
        for row in rows:
            row.max_new_tokens = self._room(row.prompt_length, params.max_new_tokens)
        grammar = grammar_of(params.regex, params.json_schema, self.pieces.by_id)
        if grammar:
            grammar.require(min(row.max_new_tokens for row in rows))
        return _Start(rows, self._logits_processors(params, grammar), self._finished(params, grammar))

    def _room(self, prompt_length: int, max_new_tokens: int) -> int:
        """Return how many tokens may be generated after a prompt."""
        limit = getattr(self.model, "context_length", None)
        return min(max_new_tokens, limit - prompt_length) if limit else max_new_tokens

    def _logits_processors(self, params: SamplingParams, grammar: Grammar | None) -> list[LogitsProcessor]:
        """Return all logits processors; with a grammar, only what it can still finish within `max_new_tokens`."""
        grammars = [grammar.logits_processor(self.eos_ids, params.max_new_tokens)] if grammar else []
        return params.logits_processors([self._writable, *grammars])

    @cached_property
    def _never(self) -> Tensor:
        """Ids that are no text: beyond the tokenizer, and the unknown token."""
        vocab = self.tokenizer.vocab
        beyond = list(range(len(vocab), self.model.embedding.num_embeddings))
        unknown = [vocab[UNK]] if UNK in vocab else []
        with torch.inference_mode(False):  # it is kept, and may meet logits with gradients
            return torch.tensor([i for i in unknown + beyond if i not in self.eos_ids], dtype=torch.long)

    def _writable(self, logits: Float[Tensor, "B V"], rows: Sequence[TokenSequence] = ()) -> Float[Tensor, "B V"]:
        if not len(self._never):
            return logits
        return logits.index_fill(1, self._never.to(logits.device), -torch.inf)

    def _finished(self, params: SamplingParams, grammar: Grammar | None) -> Callable[[TokenSequence], bool]:
        stopped = self._stopped(params)

        def finished(row: TokenSequence) -> bool:
            if row.ids[-1] in self.eos_ids or len(row.new_ids) >= row.max_new_tokens:
                return True
            if grammar and grammar.complete(row.new_ids, row.max_new_tokens):
                return True
            return stopped is not None and stopped(row)

        return finished

    def _stopped(self, params: SamplingParams) -> Callable[[TokenSequence], bool] | None:
        """Whether a stop text has come; None when there are none."""
        stops = [text.encode() for text in params.stop]
        # A stop text can only end in the last token, so no more than its own bytes and that token need a look.
        return (lambda row: any(stop in self.pieces.decode(row.new_ids[-64:]) for stop in stops)) if stops else None

    def text(self, steps: Iterable[list[Token]], stop: Sequence[str] = ()) -> Iterator[str]:
        """The text of one row's tokens, in pieces: see `lingon.decoding.detokenize`."""
        return detokenize((step[0].id for step in steps), self.pieces.by_id, self.eos_ids, stop)


@dataclass(frozen=True)
class _Start:
    """What every decoding strategy begins with: rows of token ids, their logits processors, and when a row ends."""

    rows: list[TokenSequence]
    logits_processors: list[LogitsProcessor]
    finished: Callable[[TokenSequence], bool]


TASK = LanguageModel
