"""CTranslate2: translations of sources given as ids. Its folder is written here by Lingon, which this worker reads."""

import json
from pathlib import Path

import ctranslate2
import torch
from serve import serve

from lingon.checkpoints.huggingface.seq2seq import load_seq2seq
from lingon.export.ctranslate2_spec import spec_of

TOKENS_AT_ONCE = 4096
MODELS = {}


def start(folder, threads, weights, out):
    model = load_seq2seq(folder).model.eval()
    spec = spec_of(model, torch.tensor([model.pad_id]))
    names = [str(i) for i in range(model.embedding.num_embeddings)]
    spec.register_source_vocabulary(names)
    spec.register_target_vocabulary(names)
    spec.config.bos_token = spec.config.decoder_start_token = names[model.start_id]
    spec.config.eos_token = spec.config.unk_token = names[model.eos_id]
    spec.config.add_source_bos = spec.config.add_source_eos = False
    spec.validate()
    spec.optimize(quantization=None if weights == "float32" else weights)
    Path(out).mkdir()
    spec.save(out)
    MODELS["model"] = ctranslate2.Translator(out, compute_type=weights, inter_threads=1, intra_threads=threads)
    return {"versions": {"ctranslate2": ctranslate2.__version__}}


def run(sources, beams, new):
    """The best translation of each source."""
    read = [[str(i) for i in ids] for ids in json.loads(Path(sources).read_text(encoding="utf-8"))]
    how = {"beam_size": beams, "length_penalty": 0, "max_decoding_length": new, "min_decoding_length": new}
    found = MODELS["model"].translate_batch(read, max_batch_size=TOKENS_AT_ONCE, batch_type="tokens", **how)
    return {"ids": [[int(token) for token in one.hypotheses[0]] for one in found]}


serve(start=start, run=run)
