"""llama.cpp, by a binding: what it says of the token after a text, of a model in a GGUF file."""

import xllamacpp
from serve import serve

SEEDS = 20


def logprobs(path, prompt, size):
    """The log-probabilities of `size` tokens after a prompt, and how many tokens it has. prompt: text, or ids."""
    params = xllamacpp.CommonParams()
    params.model.path = path
    params.n_ctx, params.n_parallel, params.warmup = 64, 1, False
    params.cache_type_k = params.cache_type_v = xllamacpp.ggml_type.GGML_TYPE_F32
    params.cpuparams.n_threads = 1
    server = xllamacpp.Server(params)
    # Its numbers are those before sampling, and come beside a token that was sampled; beside an end there are none.
    for seed in range(SEEDS):
        asked = {"prompt": prompt, "seed": seed, "temperature": 1.0, "logprobs": size, "max_tokens": 1}
        found = server.handle_completions(asked)
        if told := found["choices"][0]["logprobs"]:
            likely = told["content"][0]["top_logprobs"]
            by_id = {one["id"]: one["logprob"] for one in likely}
            return {"logprobs": [by_id[i] for i in range(size)], "tokens": found["usage"]["prompt_tokens"]}
    raise RuntimeError(f"{SEEDS} seeds in a row sampled an end")


serve(logprobs=logprobs)
