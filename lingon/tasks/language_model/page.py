"""The page of what a language model wrote: every token with its probability, and what else might have come."""

import math
from codecs import getincrementaldecoder
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lingon.data.tokenizers.token_bytes import TokenBytes
from lingon.decoding.sample import Token
from lingon.pages.page import data_of, render
from lingon.tasks.language_model.generation import Generation, perplexity
from lingon.tasks.language_model.language_model import LanguageModel
from lingon.tasks.language_model.scoring import score_prompt


def write_logprob_page(
    path: Path,
    model: LanguageModel,
    texts: Sequence[Generation],
    name: str,
    settings: Mapping[str, object],
    top_logprobs: int = 8,
) -> Path:
    """Writes one HTML file of texts whose tokens have their numbers; texts of the same prompt stand together.

    name: of the model. settings: how the texts were generated, by flag. top_logprobs: for each token of a prompt.
    """
    ids = {found.prompt: found.prompt_ids for found in texts}
    prompts, given = list(ids), {prompt: score_prompt(model, ids[prompt], top_logprobs) for prompt in ids}
    seen = {i for tokens in (*given.values(), *(found.tokens for found in texts)) for t in tokens for i in _ids(t)}
    data = {
        "names": {i: _name(model, i) for i in sorted(seen)},
        "prompts": [
            {"tokens": _rows(model, given[prompt], first=True), "perplexity": _number(perplexity(given[prompt]))}
            for prompt in prompts
        ],
        "texts": [_text(model, found, prompts.index(found.prompt)) for found in texts],
    }
    page = {
        "title": f"What {Path(name).name} wrote",
        "facts": facts(model, texts),
        "settings": [f"{flag} {_said(value)}".rstrip() for flag, value in settings.items()],
        "plain": [(found.prompt, found.text) for found in texts],
        "data": data_of(data),
    }
    return render("generate.html", path, page)


def facts(model: LanguageModel, texts: Sequence[Generation]) -> list[str]:
    """What stands under the heading: the texts, and the model."""
    tokens = sum(len(found.tokens) for found in texts)
    weights = sum(p.numel() for p in model.model.parameters())
    made = f"{len(texts):,} text{'s' * (len(texts) != 1)} of {tokens:,} tokens"
    return [
        made,
        f"{type(model.model).__name__} of {weights:,} weights",
        f"{len(model.tokenizer.vocab):,} known tokens",
    ]


def token_texts(pieces: TokenBytes, ids: Sequence[int], first: bool = False) -> list[str]:
    """What each id adds to the text that a reader sees; where a character has several tokens, the last one shows it.

    first: nothing stands before them.
    """
    decoder, out = getincrementaldecoder("utf-8")("replace"), []
    for i, token in enumerate(ids):
        out.append(decoder.decode(pieces.decode([token], first and i == 0), final=i == len(ids) - 1))
    return out


def _text(model: LanguageModel, found: Generation, prompt: int) -> dict[str, Any]:
    numbers = {"logprob": found.logprob, "perplexity": found.perplexity, "score": found.score}
    rows = _rows(model, found.tokens, first=False)
    text = {"prompt": prompt, "finish_reason": found.finish_reason, "tokens": rows}
    return text | {name: _number(value) for name, value in numbers.items()}


def _rows(model: LanguageModel, tokens: Sequence[Token], first: bool) -> list[list]:
    """For each token [id, text, logprob, probability, entropy, [[id, logprob, probability], ...]]."""
    texts = token_texts(model.pieces, [token.id for token in tokens], first)
    rows = []
    for token, text in zip(tokens, texts, strict=True):
        others = [[i, _number(logprob), _number(probability)] for i, logprob, probability in token.top_logprobs]
        rows.append([token.id, text, *map(_number, (token.logprob, token.probability, token.entropy)), others])
    return rows


def _ids(token: Token) -> list[int]:
    return [token.id, *(i for i, *_ in token.top_logprobs)]


def _name(model: LanguageModel, token: int) -> str:
    """A token by itself: its text, the name of a special one, or the bytes of a part of a character."""
    if token >= len(model.pieces.by_id):
        return f"({token})"  # a row of the model that the tokenizer has no token for
    piece = model.pieces.by_id[token]
    if token in model.eos_ids or not piece:
        return f"{'end of text' if token in model.eos_ids else model.tokenizer.vocab.token(token)}"
    try:
        return piece.decode()
    except UnicodeDecodeError:
        return " ".join(f"{byte:02X}" for byte in piece)


def _number(value: float | None) -> float | None:
    """Five digits of a number; nothing if it is not a number."""
    return None if value is None or not math.isfinite(value) else float(f"{value:.5g}")


def _said(value: object) -> str:
    if value is True:
        return ""
    return " ".join(map(repr, value)) if isinstance(value, list) else str(value)
