"""Lingon: translations of sources given as ids, by the search that `lingon translate` uses."""

import json
from pathlib import Path

import torch
from serve import serve

from lingon.checkpoints.huggingface.seq2seq import load_seq2seq
from lingon.tasks.translate.params import TranslationParams
from lingon.tasks.translate.search import search
from lingon.tasks.translate.translator import Translator

MODELS = {}


class OfIds(Translator):
    """A translator without tokenizers, that never writes padding."""

    unknown = None

    def forbidden_ids(self, copy_unknown=False):
        return torch.tensor([self.model.pad_id])


def start(folder, threads):
    torch.set_num_threads(threads)
    MODELS["model"] = OfIds(load_seq2seq(folder).model.eval(), None, None)


def run(sources, beams, new, precision):
    """The best translation of each source."""
    read = [tuple(ids) for ids in json.loads(Path(sources).read_text(encoding="utf-8"))]
    params = TranslationParams(beams=beams, length_penalty=0.0, max_new_tokens=new)
    return {"ids": [list(found[0].ids) for found in search(MODELS["model"].with_precision(precision), read, params)]}


serve(start=start, run=run)
