"""transformers: translations of sources given as ids, by `generate`, sentences of like length together."""

import json
from pathlib import Path

import torch
import transformers
from serve import serve

AT_ONCE = 32  # sentences
MODELS = {}


def start(folder, threads):
    torch.set_num_threads(threads)
    MODELS["model"] = transformers.AutoModelForSeq2SeqLM.from_pretrained(folder, dtype=torch.float32).eval()
    return {"versions": {"transformers": transformers.__version__, "torch": torch.__version__}}


def run(sources, beams, new):
    """The best translation of each source."""
    read, model = json.loads(Path(sources).read_text(encoding="utf-8")), MODELS["model"]
    pad, order = model.config.pad_token_id, sorted(range(len(read)), key=lambda i: -len(read[i]))
    how = {"num_beams": beams, "max_new_tokens": new, "length_penalty": 0.0, "bad_words_ids": [[pad]]}
    found = {}
    for start_at in range(0, len(order), AT_ONCE):
        some = order[start_at : start_at + AT_ONCE]
        longest = max(len(read[i]) for i in some)
        ids = torch.tensor([[*read[i], *[pad] * (longest - len(read[i]))] for i in some])
        mask = torch.tensor([[1] * len(read[i]) + [0] * (longest - len(read[i])) for i in some])
        with torch.inference_mode():
            out = model.generate(ids, attention_mask=mask, forced_eos_token_id=None, do_sample=False, **how)
        found |= dict(zip(some, out[:, 1 : new + 1].tolist(), strict=True))
    return {"ids": [found[i] for i in range(len(read))]}


serve(start=start, run=run)
