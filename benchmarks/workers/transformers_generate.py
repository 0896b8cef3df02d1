"""transformers: greedy text from a checkpoint, as its `generate` makes it."""

import torch
import transformers
from serve import serve

MODELS = {}


def start(folder, threads):
    torch.set_num_threads(threads)
    MODELS["model"] = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    return {"versions": {"transformers": transformers.__version__, "torch": torch.__version__}}


def run(ids, new):
    """So many new tokens for each prompt; all prompts have one length, and nothing ends a text early."""
    prompt = torch.tensor(ids)
    settings = {"max_new_tokens": new, "min_new_tokens": new, "do_sample": False, "pad_token_id": 0}
    with torch.inference_mode():
        out = MODELS["model"].generate(prompt, attention_mask=torch.ones_like(prompt), **settings)
    return {"ids": out[:, prompt.shape[1] :].tolist()}


serve(start=start, run=run)
