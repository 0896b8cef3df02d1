"""Names of flags and commands in other tools: a user who types one of them gets a suggestion."""

import re
from collections.abc import Sequence
from typing import Any

# Of each flag: what Hugging Face, fastText, gensim and scikit-learn call it, and what it was called here before.
FLAGS = {
    "accumulation-steps": "accumulate gradient-accumulation-steps grad-accum-steps grad-accum",
    "batch-size": "rows per-device-train-batch-size per-device-batch-size train-batch-size batch",
    "beam-groups": "groups num-beam-groups",
    "beams": "num-beams beam-size beam-width",
    "buckets": "bucket",
    "class-weights": "class-weight",
    "context-length": "context block-size max-seq-len n-positions seq-len sequence-length max-position-embeddings",
    "data": "corpus input train-file dataset dataset-name train-data text-file",
    "depth": "n-layer n-layers num-layers num-hidden-layers layers",
    "device": "no-cuda use-cpu",
    "diversity-penalty": "diversity",
    "draft-model": "draft assistant-model",
    "dropout": "hidden-dropout-prob",
    "epochs": "epoch num-train-epochs num-epochs max-iter n-epochs",
    "evals": "evaluations eval-steps eval-strategy",
    "freeze": "freeze-embeddings",
    "from": "model-name-or-path from-pretrained pretrained init-from checkpoint base-model base finetune",
    "fsdp": "shard",
    "gradient-checkpointing": "recompute activation-checkpointing",
    "length-penalty": "alpha",
    "logit-bias": "bias",
    "layer-lr-decay": "layerwise-lr-decay layer-wise-lr-decay llrd layer-decay layerwise-learning-rate-decay",
    "lora-alpha": "alpha",
    "lora-layers": "target-modules lora-target-modules",
    "lora-rank": "lora-r r rank",
    "lr": "learning-rate alpha eta0",
    "max-grad-norm": "clip grad-clip gradient-clip-val clip-grad-norm",
    "max-length": "max-seq-length max-tokens-per-text max-prompt-length",
    "max-n": "maxn parts",
    "max-new-tokens": "tokens max-tokens n-predict num-tokens",
    "max-tokens-per-batch": "tokens max-tokens",
    "metric": "metric-for-best-model scoring eval-metric early-stopping-metric",
    "min-count": "mincount min-freq min-df",
    "min-n": "minn parts",
    "model": "model-name-or-path arch architecture",
    "n": "num-return-sequences",
    "n-best": "num-return-sequences nbest n",
    "label-smoothing": "label-smoothing-factor",
    "prefix": "prefix-text forced-prefix decoder-prefix",
    "subword-dropout": "bpe-dropout",
    "terms": "glossary force-words constraints",
    "vocabularies": "joined-dictionary share-vocab shared-vocabulary",
    "negatives": "neg negative",
    "no-repeat-ngram-size": "no-repeat",
    "out": "output output-dir output-file save-dir",
    "overwrite": "overwrite-output-dir force",
    "passage-overlap": "chunk-overlap overlap stride",
    "passage-tokens": "chunk-size chunk-tokens passage-length",
    "patience": "early-stopping-patience n-iter-no-change early-stopping",
    "precision": "bf16 fp16 dtype amp mixed-precision",
    "quantize": "load-in-8bit quantization bits",
    "quoting": "quotechar",
    "regex": "pattern guided-regex",
    "repetition-penalty": "repetition",
    "resume": "resume-from-checkpoint",
    "schedule": "lr-scheduler-type lr-scheduler",
    "seed": "random-state random-seed",
    "set": "size",
    "stop": "stop-strings stop-words",
    "subsample": "sample",
    "tag-scheme": "scheme label-scheme tags-scheme",
    "column": "tag-column ner-column tags-column",
    "temperature": "do-sample",
    "test": "test-file",
    "text": "text-column text-column-name",
    "json-schema": "schema guided-json",
    "label": "label-column label-column-name target",
    "threads": "thread workers n-jobs",
    "top-k": "k n-results limit top",
    "top-logprobs": "alternatives logprobs",
    "tuning": "lora peft freeze-encoder",
    "typical-p": "typical",
    "valid": "validation-file validation dev dev-file",
    "vectors": "pretrained-vectors pretrainedvectors",
    "vocab": "vocab-size max-features max-vocab-size",
    "warmup": "warmup-ratio warmup-steps",
    "weight-average": "average ema",
    "weight-decay": "l2",
    "width": "dim size vector-size n-embd hidden-size hidden-dim embedding-dim emb-dim",
    "window": "ws",
}
COMMANDS = {
    "train classify": "classify fit supervised text-classification finetune",
    "train chat": "sft dpo instruct instruction-tuning",
    "train language-model": "pretrain lm clm run-clm",
    "train vectors": "skipgram cbow word2vec fasttext glove",
    "estimate": "plan",
    "evaluate": "test eval score-model",
    "logprob": "score perplexity",
    "predict": "classify-texts infer inference predict-prob",
    "generate": "write sample complete",
    "embed": "encode vectorize embeddings feature-extraction",
    "export": "convert save",
    "index": "build-index ingest add",
    "search": "query find retrieve semantic-search",
    "vectors nearest": "nn most-similar neighbors neighbours",
    "vectors analogy": "analogies",
    "learn": "course lessons jupyter",
    "data list": "datasets corpora",
    "doctor": "info env version check",
}


def hint(error: Any, arguments: Sequence[str] = ()) -> str:
    """Return what to say of an unknown option or command that is called otherwise here, or "" where nothing is known.

    error: click's. arguments: the whole command line, for flags with one dash and many letters, of which the error has
    only the first.
    """
    command = getattr(getattr(error, "ctx", None), "command", None)
    if command is None:
        return ""
    if hasattr(error, "option_name"):
        there = {name for parameter in command.params for name in parameter.opts}
        typed = _typed(error.option_name, arguments)
        meant = _flags(typed.lstrip("-").replace("_", "-").lower(), there) or error.possibilities
        return f"No such option {typed}; did you mean {' or '.join(meant)}?" if meant else ""
    unknown = re.search(r"No such command '([^']*)'", error.format_message())
    meant = _commands(unknown[1].replace("_", "-").lower()) if unknown else []
    return f"No such command {unknown[1]!r}; did you mean {' or '.join(meant)}?" if unknown and meant else ""


def _typed(option: str, arguments: Sequence[str]) -> str:
    if len(option.lstrip("-")) == 1:  # -d of `-dim`, as fastText has its flags
        option = next((one for one in arguments if one.startswith(option) and len(one) > 2), option)
    return option.partition("=")[0]


def _flags(typed: str, there: set[str]) -> list[str]:
    ours = [typed, *(flag for flag, others in FLAGS.items() if typed in others.split())]
    return [f"--{flag}" for flag in ours if f"--{flag}" in there]


def _commands(typed: str) -> list[str]:
    """Of a last word of a command that exists, or of one that others have: the commands."""
    return [f"`lingon {name}`" for name, others in COMMANDS.items() if typed in [name.split()[-1], *others.split()]]
