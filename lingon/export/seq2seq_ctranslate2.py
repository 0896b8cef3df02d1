"""Exports a translator as a folder for CTranslate2, if that is installed."""

from pathlib import Path
from typing import Any

import torch

from lingon.core.errors import UserError
from lingon.core.files import read_json, write_json
from lingon.core.optional_packages import python_command
from lingon.export.ctranslate2_spec import check_supported, spec_of
from lingon.models.registry import name_of
from lingon.tasks.exportable import SequenceExportable

QUANTIZATIONS = ("float32", "float16", "bfloat16", "int16", "int8", "int8_float32", "int8_float16", "int8_bfloat16")
TOLERANCE = 1e-3  # of the log-probability of a token, with weights of 32 bits
PAIRS, LENGTH = 5, 11  # of the comparison
MARK = {"to": "ctranslate2"}  # in config.json, to recognise an older export


def needed_ctranslate2() -> Any:
    """Return the package. Raises UserError with the command that installs it."""
    try:
        import ctranslate2
    except ImportError:
        command = f"{python_command()} -m pip install ctranslate2"
        raise UserError(f"the package 'ctranslate2' is not installed: {command}") from None
    return ctranslate2


def write_ctranslate2(translator: SequenceExportable, folder: Path, quantization: str | None = None) -> dict[str, Any]:
    """Write a model and its vocabularies to a folder; return what a program must know about the tokens.

    quantization: of the weights, see QUANTIZATIONS; float32 when not given. Raises UserError for a model that
    CTranslate2 does not support.
    """
    needed_ctranslate2()
    model = translator.model.eval()
    check_supported(model, name_of(model))
    if len(translator.eos_ids) > 1:
        ids = ", ".join(map(str, translator.eos_ids))
        raise UserError(f"its translations end with any of several tokens ({ids}); in CTranslate2 one ends a text")
    spec = spec_of(model.float(), translator.forbidden_ids())
    source = tokens_of(translator.source, model.source_embedding.num_embeddings)
    target = tokens_of(translator.target, model.embedding.num_embeddings)
    spec.register_source_vocabulary(source)
    spec.register_target_vocabulary(target)
    (end,) = (target[i] for i in translator.eos_ids)
    spec.config.bos_token = spec.config.decoder_start_token = target[model.start_id]
    spec.config.eos_token, spec.config.add_source_bos, spec.config.add_source_eos = end, False, False
    unknown = translator.unknown
    spec.config.unk_token = end if unknown is None or target[unknown] not in source else target[unknown]
    spec.validate()
    spec.optimize(quantization=None if quantization == "float32" else quantization)
    spec.save(str(folder))
    write_json(folder / "config.json", read_json(folder / "config.json") | MARK)
    return {"source_tokens": source, "target_tokens": target, "prefix": [target[i] for i in translator.prefix_ids]}


def tokens_of(tokenizer: Any, rows: int) -> list[str]:
    """Return the tokens by id, with placeholder names for rows of the model without a token."""
    found = list(tokenizer.vocab)[:rows]
    return [*found, *(f"[unused {i}]" for i in range(len(found), rows))]


@torch.inference_mode()
def ctranslate2_difference(translator: SequenceExportable, folder: Path, tokens: dict[str, Any], exact: bool) -> float:
    """Return the largest |difference| of the log-probability of a token, on random sources and targets.

    exact: weights have 32 bits; then UserError is raised if it is too large.
    """
    served = needed_ctranslate2().Translator(str(folder), device="cpu", compute_type="default", intra_threads=1)
    model, draw, largest = translator.model.eval(), torch.Generator().manual_seed(0), 0.0
    never = translator.forbidden_ids()
    allowed = [i for i in range(model.embedding.num_embeddings) if i not in {*never.tolist(), model.eos_id}]
    length = min(LENGTH, model.source_length, model.context_length - 2)
    for _ in range(PAIRS):
        source = torch.randint(model.source_embedding.num_embeddings, (1, length), generator=draw)
        target = torch.tensor([[allowed[int(i)] for i in torch.randint(len(allowed), (length,), generator=draw)]])
        names = [[tokens[f"{side}_tokens"][i] for i in ids[0].tolist()] for side, ids in zip(
            ("source", "target"), (source, target), strict=True)]  # fmt: skip
        (found,) = served.score_batch([names[0]], [names[1]])
        read = torch.cat([torch.tensor([[model.start_id]]), target], 1)
        logits = model.head(model(source, torch.ones_like(source, dtype=torch.bool), read)).float()
        logits[:, :, never] = -torch.inf
        expected = logits.log_softmax(-1)[0, :length].gather(1, target.T)[:, 0]
        apart = (torch.tensor(found.log_probs[:length]) - expected).abs().max().item()
        largest = max(largest, apart)
        if exact and not apart < TOLERANCE:
            raise UserError(f"not exported: log-probabilities differ by {apart:.1e}, allowed is {TOLERANCE:.0e}")
    return largest
