"""Logits processors: functions from logits to logits, where -inf forbids a token.

A processor is made once, when its arguments are checked, and then called at every step with (logits, rows). Processors
are applied in the order of their list. The usual order is: biases and penalties, a grammar, the temperature, then
truncation of the distribution (top-k, top-p, min-p, typical-p), each applied to the result of those before it.
"""

import math
from collections.abc import Collection, Mapping, Sequence

import torch

from lingon.core.errors import UserError
from lingon.core.shapes import Bool, Float, Int, Tensor
from lingon.decoding.decoder_protocol import LogitsProcessor, TokenSequence, short_number
from lingon.decoding.token_rules import (
    ForbidPhrases,
    ForcedToken,
    MinLength,
    NoRepeatNgrams,
    RepetitionPenalty,
    Suppress,
)

Real = int | float
# Maximum factor or addend of a logit, so that bias, penalty and temperature together do not overflow float32.
MAX_VALUE = 1e12
PARTIAL_SORT_SIZE = (
    256  # tokens among which a cutoff is searched first; sorting a whole vocabulary takes ten times as long
)


def temperature(value: Real) -> LogitsProcessor:
    """Divide the logits: values below 1 sharpen the distribution, above 1 flatten it. 0, for greedy, is invalid."""
    usable = "a number over 0, from 1e-12 to 1e12 (greedy decoding is what 0 would mean)"
    _check("temperature", value, 1 / MAX_VALUE <= value <= MAX_VALUE, usable)

    def process(logits: Tensor, rows: Sequence[TokenSequence] = ()) -> Tensor:
        return logits / value

    return process


def top_k(k: int) -> LogitsProcessor:
    """Keep the tokens whose logit is at least the k-th largest one: k of them, or more if some tie with the k-th."""
    _check_count("top_k", k)

    def process(logits: Float[Tensor, "B V"], rows: Sequence[TokenSequence] = ()) -> Float[Tensor, "B V"]:
        least = logits.topk(min(k, logits.shape[-1])).values[:, -1:]
        return logits.masked_fill(logits < least, -torch.inf)

    return process


def exactly_top_k(k: int) -> LogitsProcessor:
    """Keep exactly k tokens: among those that tie with the k-th, the smaller ids."""
    _check_count("top_k", k)

    def process(logits: Float[Tensor, "B V"], rows: Sequence[TokenSequence] = ()) -> Float[Tensor, "B V"]:
        best = logits.topk(min(k, logits.shape[-1])).values
        count = torch.full_like(best[:, :1], best.shape[-1], dtype=torch.long)
        return logits.masked_fill(~_largest(logits, count, best[:, -1:]), -torch.inf)

    return process


def top_p(p: Real) -> LogitsProcessor:
    """Keep the smallest set of likeliest tokens whose probabilities sum to p or more; among ties, the smaller ids.

    1 keeps everything. Source: Holtzman et al., "The Curious Case of Neural Text Degeneration", 2020, section 3.1.
    """
    _check("top_p", p, 0 < p <= 1, "a number over 0, and at most 1")

    def process(logits: Float[Tensor, "B V"], rows: Sequence[TokenSequence] = ()) -> Float[Tensor, "B V"]:
        kept = _smallest_set(logits, logits.double().softmax(-1), p)
        return logits.masked_fill(~kept, -torch.inf)

    return _unless(p == 1, process)


def min_p(p: Real) -> LogitsProcessor:
    """Keep tokens at least p times as likely as the likeliest. 0 keeps everything, 1 the likeliest and its ties.

    Source: Nguyen et al., "Turning Up the Heat: Min-p Sampling", 2024, section 3.
    """
    _check("min_p", p, 0 <= p <= 1, "a number from 0 to 1")

    def process(logits: Float[Tensor, "B V"], rows: Sequence[TokenSequence] = ()) -> Float[Tensor, "B V"]:
        least = logits.amax(-1, keepdim=True) + math.log(p)
        return logits.masked_fill(logits < least, -torch.inf)

    return _unless(p == 0, process)


def typical_p(mass: Real) -> LogitsProcessor:
    """Keep the smallest set of tokens nearest to the expected surprisal whose probabilities sum to `mass` or more.

    The surprisal of a token is -log p, its expectation the entropy. 1 keeps everything.
    Source: Meister et al., "Locally Typical Sampling", 2023, section 4.
    """
    _check("typical_p", mass, 0 < mass <= 1, "a number over 0, and at most 1")

    def process(logits: Float[Tensor, "B V"], rows: Sequence[TokenSequence] = ()) -> Float[Tensor, "B V"]:
        logs = logits.double().log_softmax(-1)
        probabilities = logs.exp()
        entropy = -(probabilities * logs).nansum(-1, keepdim=True)  # 0 times -inf counts as 0
        kept = _smallest_set(-(-logs - entropy).abs(), probabilities, mass)
        return logits.masked_fill(~kept, -torch.inf)

    return _unless(mass == 1, process)


def repetition_penalty(penalty: Real) -> LogitsProcessor:
    """Make tokens that occur in the row less likely: positive logits are divided, negative ones multiplied.

    The prompt counts. 1 changes nothing. Source: Keskar et al., "CTRL", 2019, section 4.1.
    """
    usable = "a number over 0; 1 changes nothing, 1.2 is usual, 1e-12 to 1e12 are possible"
    _check("repetition_penalty", penalty, 1 / MAX_VALUE <= penalty <= MAX_VALUE, usable)

    return _unless(penalty == 1, RepetitionPenalty(penalty))


def no_repeat_ngram_size(n: int) -> LogitsProcessor:
    """Forbid every n-gram of tokens that occurs already in the row, including the prompt.

    Source: Paulus, Xiong, Socher, "A Deep Reinforced Model for Abstractive Summarization", 2018, section 2.5.
    """
    _check_count("no_repeat_ngram_size", n)
    return NoRepeatNgrams(n)


def forced_token(token: int, at: int) -> LogitsProcessor:
    """Force the `at`-th new token, such as the end token as the last, with log-probability 0."""
    _check_count("at", at)
    return ForcedToken(token, at)


def logit_bias(by_id: Mapping[int, Real]) -> LogitsProcessor:
    """Add a number to the logits of some tokens; -inf forbids a token."""
    for token, value in by_id.items():
        usable = "a number, or -inf to forbid the token; from -1e12 to 1e12"
        _check(f"logit_bias of token {token}", value, value == -math.inf or -MAX_VALUE <= value <= MAX_VALUE, usable)
        if token < 0:
            raise UserError(f"logit_bias is given for token {token}; expected an id, 0 or more")
    ids, values = torch.tensor(list(by_id), dtype=torch.long), torch.tensor(list(by_id.values()), dtype=torch.float32)

    def process(logits: Float[Tensor, "B V"], rows: Sequence[TokenSequence] = ()) -> Float[Tensor, "B V"]:
        if (largest := max(by_id)) >= logits.shape[-1]:
            raise UserError(f"logit_bias is given for token {largest}; the largest id is {logits.shape[-1] - 1}")
        return logits.index_add(1, ids.to(logits.device), values.to(logits).expand(len(logits), -1))

    return _unless(not by_id, process)


def suppress(ids: Int[Tensor, " N"]) -> Suppress:
    """Return the logits processor that forbids these ids."""
    return Suppress(ids)


def forbidden_phrases(phrases: Sequence[Sequence[int]]) -> LogitsProcessor:
    """Forbid phrases of two or more tokens each: the last token cannot follow the others."""
    if short := [phrase for phrase in phrases if len(phrase) < 2]:
        raise UserError(f"a forbidden phrase is {list(short[0])}, expected two tokens or more; others are suppressed")
    return ForbidPhrases(phrases)


def min_length(tokens: int, eos_ids: Collection[int]) -> LogitsProcessor:
    """Forbid end tokens until a row has this number of tokens, including the prompt."""
    return MinLength(tokens, eos_ids)


def _unless(nothing: bool, process: LogitsProcessor) -> LogitsProcessor:
    return _as_it_is if nothing else process


def _as_it_is(logits: Tensor, rows: Sequence[TokenSequence] = ()) -> Tensor:
    return logits


def _smallest_set(score: Tensor, probabilities: Float[Tensor, "B V"], mass: float) -> Bool[Tensor, "B V"]:
    """Return the mask of the fewest tokens with the highest scores whose probabilities sum to `mass` or more."""
    size = score.shape[-1]
    for width in (PARTIAL_SORT_SIZE, size):
        best, ids = score.topk(min(width, size))
        sums = probabilities.gather(-1, ids).cumsum(-1)
        if bool((sums[:, -1] >= mass).all()):
            break
    count = ((sums < mass).sum(-1, keepdim=True) + 1).clamp(max=sums.shape[-1])
    return _largest(score, count, best.gather(-1, count - 1))


def _largest(score: Tensor, count: Int[Tensor, "B 1"], least: Tensor) -> Bool[Tensor, "B V"]:
    """Return the mask of the `count` largest of each row, of which `least` is the smallest; among ties, smaller ids."""
    above, equal = score > least, score == least
    room = count - above.sum(-1, keepdim=True)
    return above | (equal & (equal.cumsum(-1) <= room))


def _check(name: str, value: Real, fine: bool, expected: str) -> None:
    if not fine or value == math.inf:
        raise UserError(f"{name} is {short_number(value)}, expected {expected}")


def _check_count(name: str, value: int) -> None:
    if value < 1:
        raise UserError(f"{name} is {short_number(value)}, expected a whole number, 1 or more")
