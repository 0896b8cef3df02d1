"""A language model as people use it: it goes on with a text, piece by piece, and says how likely a text is."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import nn

from lingon.core.config_keys import want
from lingon.core.errors import DataError, UserError
from lingon.core.module_copies import eval_view
from lingon.core.shapes import Float, Tensor
from lingon.data.tokenizers import Tokenizer
from lingon.data.tokenizers.token_bytes import Pieces, pieces_of
from lingon.data.tokenizers.vocab import UNK
from lingon.decoding import logits_processors as rules
from lingon.decoding.beam import Beams, Hypothesis, beam_search
from lingon.decoding.contrastive import contrast
from lingon.decoding.grammar import Grammar, grammar_of
from lingon.decoding.prompts import read
from lingon.decoding.sample import Picked, stream
from lingon.decoding.score_tokens import replay, score
from lingon.decoding.speculative import Reader, Tally, speculate
from lingon.decoding.step import Row, Rule, State, rows_of
from lingon.decoding.text import text_of
from lingon.kernels.packed_linear import swap_linear
from lingon.layers.recurrent_state import RecurrentState
from lingon.metrics.scores import Scores
from lingon.tasks.language_model.sampling_params import Manner
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
    >>> print(model.write("It is a truth", tokens=20, temperature=0.8))  # doctest: +SKIP
    """

    name: ClassVar[str] = "language-model"
    part_types: ClassVar[Mapping[str, type]] = {"model": nn.Module, "tokenizer": Tokenizer}
    config_keys: ClassVar[Sequence[str]] = ("ends",)

    def __init__(self, model: nn.Module, tokenizer: Tokenizer, ends: Sequence[int] = (END,)):
        rows, size = model.embedding.num_embeddings, len(tokenizer.vocab)
        if size > rows:
            raise UserError(f"the tokenizer has {size:,} tokens, the model was made for {rows:,}; they do not belong")
        self.model, self.tokenizer, self.ends = model, tokenizer, tuple(ends)

    @property
    def parts(self) -> dict[str, Any]:
        return {"model": self.model, "tokenizer": self.tokenizer}

    def config(self) -> dict[str, Any]:
        """Return the ids that end a text, by name."""
        return {"ends": self.ends}

    @classmethod
    def prepare(cls, data: "Documents", settings: "Settings", context: "TrainContext") -> "Training":
        """Return a language model that is ready to be trained; see `lingon.tasks.language_model.prepare`."""
        from lingon.tasks.language_model.prepare import prepare

        return prepare(data, settings, context)

    @classmethod
    def check_config(cls, config: Mapping[str, Any], sizes: Mapping[str, Mapping[str, Any]]) -> None:
        """Raise DataError unless `ends` is a list of ids."""
        ends = want(config, "ends", list, "a list of ids")
        if not all(type(end) is int and end >= 0 for end in ends):
            raise DataError(f"key 'ends' is {str(ends)[:40]!r}, expected a list of ids, 0 or more")

    @classmethod
    def from_config(cls, config: Mapping[str, Any], parts: Mapping[str, Any]) -> "LanguageModel":
        """Return the language model of a checked configuration. Raises DataError for an end that the model has not."""
        size = parts["model"].embedding.num_embeddings
        if beyond := [end for end in config["ends"] if end >= size]:
            has = f"expected ids from 0 to {size - 1:,}, which the model has"
            raise DataError(f"key 'ends' has {beyond[0]}, {has}")
        return cls(parts["model"], parts["tokenizer"], config["ends"])

    @classmethod
    def card(cls, model: str, config: Mapping[str, Any]) -> Card:
        """Return what the model card says of a language model."""
        limits = "it writes what is likely after the texts it has seen, true or not"
        return Card(f"# {model}", "A language model", [f"- **Limits**: {limits}."], '.write("Once upon a time")')

    def evaluate(self, texts: Iterable[str], cache: bool = False) -> Scores:
        """Return loss, perplexity and bits per byte of documents; see `lingon.tasks.language_model.text_likelihood`."""
        return text_scores(self, texts, cache)

    @property
    def device(self) -> torch.device:
        return self.model.embedding.weight.device

    @cached_property
    def pieces(self) -> Pieces:
        """What each token adds to a text."""
        return pieces_of(self.tokenizer)

    def encode(self, prompt: str) -> list[int]:
        """Ids of a prompt; an empty one is the start of a document, which is what follows the end of another.

        Raises UserError when the prompt fills the context of the model.
        """
        ids = self.tokenizer.encode(prompt) or list(self.ends[:1])
        if not ids:
            raise UserError("the prompt is empty, and this model has no token to begin with; give it a word")
        limit = getattr(self.model, "context_length", None)
        if limit and len(ids) >= limit:
            raise UserError(f"the prompt has {len(ids):,} tokens, the model sees {limit:,} at most; shorten the prompt")
        return ids

    def for_decoding(self, make: Callable[[nn.Linear], nn.Module] | None = None) -> "LanguageModel":
        """The same with its matrices laid out to be read fast, or `make` of each: see `kernels.packed_linear`."""
        return LanguageModel(swap_linear(self.model, make), self.tokenizer, self.ends)

    def generate(self, prompt: str, manner: Manner | None = None, **named) -> Iterator[str]:
        """Goes on with a text; gives what is new piece by piece, as soon as it is certain.

        manner, or its fields by name: how. The text ends with an id that ends texts, before a stop text, after
        `manner.tokens` tokens, or where the context of the model is full.
        """
        manner = manner or Manner(**named)
        return self.text(self.picked([prompt], manner), manner.stop)

    def write(self, prompt: str, manner: Manner | None = None, **named) -> str:
        """The whole text that `generate` gives in pieces."""
        return "".join(self.generate(prompt, manner, **named))

    def write_all(self, prompts: Sequence[str], manner: Manner) -> list[str]:
        """What `write` gives for each prompt, read as one batch; the same texts as one by one.

        A prompt may come several times, and is read once; each time it is gone on with in another way.
        """
        found: list[list[list[Picked]]] = [[] for _ in prompts]
        for step in self.picked(prompts, manner):
            for token in step:
                found[token.row].append([token])
        return ["".join(self.text(tokens, manner.stop)) for tokens in found]

    @torch.inference_mode()
    def picked(self, prompts: Sequence[str], manner: Manner, details: int | None = None) -> Iterator[list[Picked]]:
        """The new tokens of all prompts, step by step, with their numbers when `details` are wanted."""
        still = self._view()
        grammar = self._grammar(manner)
        rows, most = self._rows(prompts, manner.seed), self._room(prompts, manner.tokens)
        given = self._rules(manner, grammar, most)
        fresh = lambda batch: still.model.new_state(batch, None)
        logits, state = read(still.step, fresh, [row.ids for row in rows], self.device)
        finished = self._finished(manner, grammar, most)
        yield from stream(still.step, logits, state, rows, manner.choose(), given, finished, details)

    @torch.inference_mode()
    def drafted(
        self,
        prompt: str,
        manner: Manner,
        draft: "LanguageModel",
        tally: Tally | None = None,
        details: int | None = None,
    ) -> Iterator[list[Picked]]:
        """What `picked` gives, with the help of a smaller model of the same tokenizer: the same distribution."""
        if list(draft.tokenizer.vocab) != list(self.tokenizer.vocab):
            raise UserError("the draft has another vocabulary; both models must have the same tokenizer")
        if any(isinstance(m.model.new_state(1, None), RecurrentState) for m in (self, draft)):
            raise UserError("a recurrent model cannot take tokens back, as a draft asks of both models; leave it out")
        still, draft = self._view(), draft._view()
        grammar, most = self._grammar(manner), self._room([prompt], manner.tokens)
        (row,) = self._rows([prompt], manner.seed)
        given = self._rules(manner, grammar, most)
        given += [rules.exactly_top_k(1)] if manner.temperature == 0 else []
        readers = [Reader(m.every, m.model.new_state(1, None), m.device) for m in (still, draft)]
        finished = self._finished(manner, grammar, most)
        tokens = speculate(*readers, row, most, given, finished, details=details, tally=tally)
        yield from ([token] for token in tokens)

    @torch.inference_mode()
    def contrasted(
        self, prompt: str, manner: Manner, alpha: float, k: int = 4, details: int | None = None
    ) -> Iterator[list[Picked]]:
        """What contrastive search takes, of the k likeliest tokens each time: see `lingon.decoding.contrastive`."""
        still = self._view()
        grammar, most = self._grammar(manner), self._room([prompt], manner.tokens)
        (row,) = self._rows([prompt], manner.seed)
        head = lambda hidden: still.model.head(hidden).float()
        finished, given = self._finished(manner, grammar, most), self._rules(manner, grammar, most)
        state = still.model.new_state(1, None)
        tokens = contrast(still.model.hidden, head, state, row, finished, k, alpha, given, details, self.device)
        yield from ([token] for token in tokens)

    @torch.inference_mode()
    def hypotheses(self, prompt: str, beams: Beams, manner: Manner = Manner()) -> list[Hypothesis]:
        """The best texts that a beam search finds, best first; with a full context, as long as there is room."""
        still = self._view()
        rows, grammar = self._rows([prompt], manner.seed), self._grammar(manner)
        beams = replace(beams, most=self._room([prompt], beams.most))
        logits, state = read(still.step, lambda n: still.model.new_state(n, None), [rows[0].ids], self.device)
        given = self._rules(manner, grammar, beams.most)
        return beam_search(still.step, logits, state, rows, beams, self.ends, given, self._stopped(manner))[0]

    def search(self, prompt: str, beams: Beams, manner: Manner = Manner()) -> list[tuple[str, float, float]]:
        """The best texts that a beam search finds: (text, log-probability, score), best first."""
        found = self.hypotheses(prompt, beams, manner)
        texts = ["".join(text_of(h.ids, self.pieces.of, self.ends, manner.stop)) for h in found]
        return [(text, h.logprob, h.score) for text, h in zip(texts, found, strict=True)]

    @torch.inference_mode()
    def score(self, text: str) -> list[tuple[str, float]]:
        """Each token of a text, and its log-probability after those before it; the first follows an empty document."""
        still = self._view()
        ids, begin = self.tokenizer.encode(text), self.tokenizer.encode("")
        if ids == begin:
            raise UserError("an empty text has no tokens to score")
        start = self._start(ids)
        limit = getattr(self.model, "context_length", None)
        if limit and len(ids) + len(start) > limit:
            raise UserError(f"the text has {len(ids):,} tokens, the model sees {limit:,}; score it in parts")
        found = score(still.every, still.model.new_state(1, None), [*start, *ids], self.device)
        tokens = [self.tokenizer.vocab.token(i) for i in (ids if start else ids[1:])]
        return list(zip(tokens, found, strict=True))

    @torch.inference_mode()
    def told(
        self, prompt: str, new: Sequence[int] = (), manner: Manner | None = None, details: int = 0
    ) -> list[Picked]:
        """The tokens of a prompt with their numbers, as the model has them after an empty document; or those of `new`,
        ids that follow the prompt and were found in this manner."""
        still = self._view()
        ids, state = self.encode(prompt), still.model.new_state(1, None)
        if new:
            room = self._room([prompt], manner.tokens) if manner else 0
            given = self._rules(manner, self._grammar(manner), room) if manner else []
            return replay(still.every, state, [*ids, *new], len(ids), given, details, self.device)
        start = self._start(ids)
        found = replay(still.every, state, [*start, *ids], 1, (), details, self.device)
        return found if start else [Picked(0, ids[0]), *found]

    def _view(self) -> "LanguageModel":
        """The same in evaluation mode, whatever mode the model is in and goes into: others may be training it."""
        return LanguageModel(eval_view(self.model), self.tokenizer, self.ends)

    def step(self, ids: Tensor, state: State, mask: Tensor | None = None) -> tuple[Float[Tensor, "B V"], State]:
        """Logits after the last of the ids, which is all that decoding needs."""
        hidden, state = self.model.hidden(ids, state, mask)
        return self.model.head(hidden[:, -1]).float(), state

    def every(self, ids: Tensor, state: State) -> tuple[Float[Tensor, "B S V"], State]:
        """Logits after each of the ids."""
        hidden, state = self.model.hidden(ids, state)
        return self.model.head(hidden).float(), state

    def _start(self, ids: Sequence[int]) -> list[int]:
        """What stands before a text that is read from its beginning: an end, unless a token of its own begins it."""
        return [] if self.tokenizer.encode("") or ids[0] in self.ends else list(self.ends[:1])

    def _rows(self, prompts: Sequence[str], seed: int) -> list[Row]:
        return rows_of([self.encode(prompt) for prompt in prompts], seed)

    def _room(self, prompts: Sequence[str], tokens: int) -> int:
        """How many tokens there is room for."""
        limit = getattr(self.model, "context_length", None)
        return min(tokens, limit - max(len(self.encode(p)) for p in prompts)) if limit else tokens

    def _grammar(self, manner: Manner) -> Grammar | None:
        return grammar_of(manner.pattern, manner.schema, self.pieces.of)

    def _rules(self, manner: Manner, grammar: Grammar | None, most: int) -> list[Rule]:
        """All rules; with a grammar, only what it can still finish within `most` new tokens."""
        return manner.rules([self._writable, *([grammar.rule(self.ends, most)] if grammar else [])])

    @cached_property
    def _never(self) -> Tensor:
        """Ids that are no text: beyond the tokenizer, and the unknown token."""
        vocab = self.tokenizer.vocab
        beyond = list(range(len(vocab), self.model.embedding.num_embeddings))
        unknown = [vocab[UNK]] if UNK in vocab else []
        with torch.inference_mode(False):  # it is kept, and may meet logits with gradients
            return torch.tensor([i for i in unknown + beyond if i not in self.ends], dtype=torch.long)

    def _writable(self, logits: Float[Tensor, "B V"], rows: Sequence[Row] = ()) -> Float[Tensor, "B V"]:
        if not len(self._never):
            return logits
        return logits.index_fill(1, self._never.to(logits.device), -torch.inf)

    def _finished(self, manner: Manner, grammar: Grammar | None, most: int) -> Callable[[Row], bool]:
        stopped = self._stopped(manner)

        def finished(row: Row) -> bool:
            if row.ids[-1] in self.ends or len(row.new) >= most or (grammar and grammar.complete(row.new, most)):
                return True
            return stopped is not None and stopped(row)

        return finished

    def _stopped(self, manner: Manner) -> Callable[[Row], bool] | None:
        """Whether a stop text has come; None when there are none."""
        stops = [text.encode() for text in manner.stop]
        # A stop text can only end in the last token, so no more than its own bytes and that token need a look.
        return (lambda row: any(stop in self.pieces.text_of(row.new[-64:]) for stop in stops)) if stops else None

    def text(self, steps: Iterable[list[Picked]], stop: Sequence[str] = ()) -> Iterator[str]:
        """The text of one row's tokens, in pieces: see `lingon.decoding.text`."""
        return text_of((step[0].id for step in steps), self.pieces.of, self.ends, stop)


TASK = LanguageModel
