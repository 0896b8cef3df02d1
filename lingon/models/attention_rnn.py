"""The recurrent encoder-decoder with attention (Bahdanau et al. 2015; Luong et al. 2015)."""

from typing import Any, Literal

import torch
from torch import nn

from lingon.core.errors import UserError
from lingon.core.eval_view import eval_view
from lingon.core.shapes import Bool, Float, Int, Tensor
from lingon.kernels.dropout import Dropout
from lingon.kernels.linear import OneDNNLinear
from lingon.layers.copy_attention import CopyHead
from lingon.layers.cross_attention_cache import CrossAttentionCache, LayerMemory, new_cross_attention_cache
from lingon.layers.recurrent import BidirectionalLayers
from lingon.layers.recurrent_attention import AdditiveScore, DotScore, MultiplicativeScore, RecurrentAttention
from lingon.layers.recurrent_state import RecurrentState
from lingon.layers.transformer import embed
from lingon.models.encoder_decoder import Memory, check_source_length, check_target_length, check_tokens, known_ids
from lingon.models.option_types import (
    ContextLength,
    Depth,
    ExtendedVocab,
    Fraction,
    SourceVocabSize,
    TokenId,
    VocabSize,
    Width,
)
from lingon.models.registry import ModelEntry

ScoreName = Literal["additive", "multiplicative", "dot"]
CellName = Literal["lstm", "gru"]


class AttentionRNN(nn.Module):
    """Predicts each target token from a recurrent state and from what the state attends to in the source.

    A bidirectional encoder reads the source. The decoder reads the last token, and with `input_feeding` the attentional
    vector of the previous step; its new state is the query of the attention (Luong et al. 2015, sections 3.1 and 3.3;
    additive scores as in Bahdanau et al.). width: of the embeddings. hidden: of the decoder; each direction of the
    encoder has half of it. depth: layers of the encoder, and of the decoder. tied: the target embedding is also the
    output matrix, and the attentional vectors have its width. copy: tokens can be copied from the source (See et al.
    2017), in which case both sides share a vocabulary, and `extended_vocab` ids stand for unknown words.
    """

    def __init__(
        self,
        vocab_size: VocabSize,
        source_vocab_size: SourceVocabSize = 0,
        width: Width = 256,
        hidden: Width = 512,
        depth: Depth = 1,
        cell: CellName = "lstm",
        score: ScoreName = "multiplicative",
        input_feeding: bool = True,
        context_length: ContextLength = 256,
        source_length: ContextLength = 256,
        dropout: Fraction = 0.2,
        tied: bool = True,
        copy: bool = False,
        extended_vocab: ExtendedVocab = 0,
        pad_id: TokenId = 0,
        start_id: TokenId = 1,
        eos_id: TokenId = 2,
        unk_id: TokenId = 3,
    ):
        super().__init__()
        _check(hidden, source_vocab_size, copy, extended_vocab)
        self.sizes: dict[str, Any] = {"vocab_size": vocab_size, "source_vocab_size": source_vocab_size, "width": width}
        self.sizes |= {"hidden": hidden, "depth": depth, "cell": cell, "score": score, "input_feeding": input_feeding}
        self.sizes |= {"context_length": context_length, "source_length": source_length, "dropout": dropout}
        self.sizes |= {"tied": tied, "copy": copy, "extended_vocab": extended_vocab}
        self.sizes |= {"pad_id": pad_id, "start_id": start_id, "eos_id": eos_id, "unk_id": unk_id}
        self.context_length, self.source_length, self.input_feeding = context_length, source_length, input_feeding
        self.pad_id, self.start_id, self.eos_id, self.unk_id = pad_id, start_id, eos_id, unk_id
        recurrent: Any = nn.LSTM if cell == "lstm" else nn.GRU
        self.embedding = nn.Embedding(vocab_size, width)
        self.source_embedding = nn.Embedding(source_vocab_size, width) if source_vocab_size else self.embedding
        self.encoder = BidirectionalLayers(width, hidden // 2, depth, dropout, recurrent)
        self.bridge = OneDNNLinear(hidden, 2 * depth * hidden if cell == "lstm" else depth * hidden)
        fed = hidden if input_feeding else 0
        self.decoder: Any = nn.ModuleList(recurrent(hidden if i else width + fed, hidden) for i in range(depth))
        self.attention = RecurrentAttention(_score(score, hidden), hidden, hidden)
        self.projection = OneDNNLinear(hidden, width, bias=False) if tied and hidden != width else nn.Identity()
        self.dropout = Dropout(dropout)
        output = OneDNNLinear(width if tied else hidden, vocab_size)
        self.output: CopyHead | OneDNNLinear = CopyHead(output, hidden, extended_vocab) if copy else output
        for table in (self.embedding, self.source_embedding):
            nn.init.normal_(table.weight, std=width**-0.5)
        nn.init.zeros_(output.bias)
        if tied:
            output.weight = self.embedding.weight

    def forward(
        self, source_ids: Int[Tensor, "B S"], source_mask: Bool[Tensor, "B S"], target_ids: Int[Tensor, "B T"]
    ) -> Float[Tensor, "B T W"]:
        """Return the hidden states after each token of whole targets, which begin with `start_id`.

        Raises UserError for a source or a target that is too long.
        """
        check_target_length(target_ids.shape[1], self.context_length)
        return self.hidden(target_ids, self.new_state(self.encode(source_ids, source_mask)))[0]

    def encode(self, ids: Int[Tensor, "B S"], mask: Bool[Tensor, "B S"] | None = None) -> Memory:
        """Return the states of both directions at each token. mask: False where a row is padded on the right.

        Raises UserError for a source of more than `source_length` tokens.
        """
        check_source_length(ids.shape[1], self.source_length)
        mask = torch.ones_like(ids, dtype=torch.bool) if mask is None else mask
        known = known_ids(ids, self.source_embedding.num_embeddings, self.unk_id, self.extended_ids)
        hidden, _ = self.encoder(self.dropout(embed(self.source_embedding, known)), mask)
        return Memory(hidden, mask, ids if isinstance(self.output, CopyHead) else None)

    @property
    def extended_ids(self) -> int:
        """Return the number of ids beyond the vocabulary for unknown words of a source."""
        return self.output.extended_vocab if isinstance(self.output, CopyHead) else 0

    def new_state(self, memory: Memory) -> CrossAttentionCache:
        """Return the state before the first token, from the final state of each direction of the encoder."""
        hidden, half = memory.hidden, memory.hidden.shape[2] // 2
        last = (memory.mask.sum(1) - 1).clamp(min=0)
        rows = torch.arange(last.shape[0], device=last.device)
        ends = torch.cat([hidden[rows, last, :half], hidden[:, 0, half:]], 1)
        states = torch.tanh(self.bridge(ends)).chunk(len(self.decoder), 1)
        gru = isinstance(self.decoder[0], nn.GRU)
        pairs = [(x, x[:, :0]) if gru else x.chunk(2, 1) for x in states]  # a GRU has no cell state: use one of width 0
        fed = hidden.new_zeros(hidden.shape[0], 2 * half if self.input_feeding else 0)
        layers = [self.attention.keys_values(hidden)]
        if isinstance(self.output, CopyHead):
            layers.append(self.output.keys_values(hidden))
        own = RecurrentState((*((h, c) for h, c in pairs), (fed, fed[:, :0])), 0)
        return new_cross_attention_cache(layers, memory.mask, own, memory.ids)

    def hidden(
        self, ids: Int[Tensor, "B T"], state: CrossAttentionCache, mask: Bool[Tensor, "B T"] | None = None
    ) -> tuple[Float[Tensor, "B T W"], CrossAttentionCache]:
        """Return the attentional vectors after each of the next tokens of the target, and the new state.

        mask: False where a row is padded on the left. With `copy`, W includes what copying needs: see
        `CopyHead.pointing`. Raises UserError when there is no token, or more than the context length.
        """
        check_tokens(ids.shape[1])
        padded = mask is not None and not bool(mask.all())
        longest = int(mask.sum(1).max()) if mask is not None and padded else ids.shape[1]
        check_target_length(state.length + longest, self.context_length)
        memory = state.layer(0)
        known = known_ids(ids, self.embedding.num_embeddings, self.unk_id, self.extended_ids)
        x, own = self.dropout(embed(self.embedding, known)), state.own
        if self.input_feeding or padded:
            columns = []
            for t in range(ids.shape[1]):
                column, then = self._step(x[:, t : t + 1], own, memory)
                own = then if mask is None or not padded else _where(mask[:, t], then, own)
                columns.append(column)
            mixed = torch.cat(columns, 1)
        else:
            mixed, own = self._step(x, own, memory)
        mixed = self.projection(self.dropout(mixed))
        if isinstance(self.output, CopyHead) and state.ids is not None:
            mixed = self.output.pointing(mixed, state.layer(1), state.ids)
        return mixed, state.with_own(own)

    def _step(
        self, x: Float[Tensor, "B T D"], own: RecurrentState, memory: LayerMemory
    ) -> tuple[Float[Tensor, "B T H"], RecurrentState]:
        """Return attentional vectors and state after some tokens (a single one with input feeding)."""
        *pairs, (fed, none) = own.layers
        x, after = torch.cat([x, fed[:, None]], 2) if self.input_feeding else x, []
        for number, (layer, (h, c)) in enumerate(zip(self.decoder, pairs, strict=True)):
            x = self.dropout(x) if number else x
            out, h, c = _read(layer, x.transpose(0, 1), h, c)
            x = out.transpose(0, 1)
            after.append((h, c))
        mixed = self.attention(x, memory)
        fed = mixed[:, -1] if self.input_feeding else fed
        return mixed, RecurrentState((*after, (fed, none)), own.length + x.shape[1])

    def head(self, hidden: Float[Tensor, "... W"]) -> Float[Tensor, "... V"]:
        """Return the logits of attentional vectors; with `copy`, log-probabilities, including unknown words."""
        return self.output(hidden)

    @torch.no_grad()
    def cross_attention(
        self, source_ids: Int[Tensor, "1 S"], target_ids: Int[Tensor, "1 T"]
    ) -> Float[Tensor, "1 1 T S"]:
        """Return the attention weights of each target token over the source tokens."""
        view, found = eval_view(self), list[Tensor]()
        attention, attend = view.attention, view.attention.forward

        def noting(q: Tensor, memory: LayerMemory) -> Tensor:
            found.append(attention.weights(q, memory))
            return attend(q, memory)

        attention.__dict__["forward"] = noting
        view(source_ids, torch.ones_like(source_ids, dtype=torch.bool), target_ids)
        return torch.cat(found, 1)[None]

    def config(self) -> dict[str, Any]:
        return self.sizes


def _check(hidden: int, source_vocab_size: int, copy: bool, extended_vocab: int) -> None:
    if hidden % 2:
        raise UserError(f"hidden is {hidden}, it must be even: each direction of the encoder has half of it")
    if copy and source_vocab_size:
        raise UserError("copying needs one vocabulary for both sides; leave out source_vocab_size, or copy")
    if extended_vocab and not copy:
        raise UserError(f"extended_vocab is {extended_vocab}, but unknown words are only copied; add copy")


def _score(name: ScoreName, width: int) -> nn.Module:
    if name == "additive":
        return AdditiveScore(width, width, width)
    return MultiplicativeScore(width, width) if name == "multiplicative" else DotScore(width, width)


def _read(layer: nn.Module, x: Float[Tensor, "T B D"], h: Tensor, c: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return the states at each token, and the last (h, c); a GRU leaves c unchanged."""
    if isinstance(layer, nn.GRU):
        out, last = layer(x, h[None])
        return out, last[0], c
    out, (last, cell) = layer(x, (h[None], c[None]))
    return out, last[0], cell[0]


def _where(reads: Bool[Tensor, " B"], after: RecurrentState, before: RecurrentState) -> RecurrentState:
    """Return the new states of rows that read a token, and the old ones of rows that read padding."""
    pairs = zip(after.layers, before.layers, strict=True)
    both = (zip(new, old, strict=True) for new, old in pairs)
    layers = (tuple(torch.where(reads[:, None], a, b) for a, b in pair) for pair in both)
    return RecurrentState(tuple((h, c) for h, c in layers), after.length)


ENTRY = ModelEntry(AttentionRNN, defaults={"lr": 1e-3, "dropout": 0.2, "width": 256, "depth": 1})
